"""How much the titles of two anime are evidence of one franchise, in points."""

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

from training.franchises.titles import Title, Wording

Words = tuple[str, ...]

# By the number of words, from one; found on the tuning half of the known franchises.
_SAME_HEAD: Final = (2.0, 3.2, 3.6)
_SHORT_LETTERS: Final = 3
_SHORT_HEAD: Final = 0.8
_HEAD_BEGINS: Final = (0.0, 1.3, 3.0, 3.6)
_HEAD_INSIDE: Final = (0.0, 1.5, 3.0)
_FIRST_WORD: Final = ((8.0, 1.0), (7.0, 0.5), (6.0, -0.3))
# Monogatari: words that are glued to others make the name of a franchise.
_GLUED_LETTERS: Final = 8
_GLUED: Final = 1.0
_DISTINCTIVE: Final = 0.8
_WORD_INSIDE: Final = ((6.5, 1.2), (5.5, 0.4))
_NOTHING: Final = -1.0
# A head of two such words ("mahou shoujo", "wake up") begins titles that have nothing in common.
_RARE_PHRASE: Final = 11.0
_RARE_WORD: Final = 7.0
_COMMON_WORD: Final = 4.0


class TitlePoints:
    """Compares titles, knowing how rare each word is in the catalogue, and which words name a franchise."""

    def __init__(self, titles: Sequence[Title], distinctive: frozenset[str] = frozenset()) -> None:
        self._distinctive = distinctive
        counts = Counter(word for title in titles for word in set(title.romaji.words))
        self._rarity = {word: math.log(len(titles) / count) for word, count in counts.items()}
        self._unknown = math.log(max(len(titles), 1))

    def rarity(self, words: Sequence[str]) -> float:
        """Add up log(number of anime / number of anime with the word): higher is rarer."""
        return sum(self._rarity.get(word, self._unknown) for word in words)

    def compare(self, first: Title, second: Title) -> float:
        """Compare two anime by all their titles, in about [-2, 8] points."""
        romaji = self._compare_romaji(first.romaji, second.romaji)
        japanese = _compare_japanese(first.japanese, second.japanese)
        if japanese >= 1.0 and romaji < 1.0:
            # The same in both languages only counts once.
            romaji = max(romaji, 0.0)
        return romaji + japanese + _compare_english(first.english, second.english)

    def _compare_romaji(self, first: Wording, second: Wording) -> float:
        if first.head == second.head or first.core == second.core:
            # "K", "Go", "Air": so short a head may be anybody's.
            return (
                _SHORT_HEAD if len("".join(first.head)) <= _SHORT_LETTERS else _by_length(_SAME_HEAD, len(first.head))
            )
        return max(
            self._head_of(first, second),
            self._head_of(second, first),
            self._shared_beginning(first.words, second.words),
            self._shared_words(first.words, second.words),
            _glued(first.head, second.head),
        )

    def _head_of(self, whole: Wording, other: Wording) -> float:
        """See whether the one's head begins, or stands within, the other's title."""
        head, words = whole.head, other.words
        if words[: len(head)] == head or other.core[: len(head)] == head:
            weak = len(head) == 2 and self.rarity(head) < _RARE_PHRASE
            return 0.3 if weak else _by_length(_HEAD_BEGINS, len(head))
        return self._head_inside(head) if _stands_in(head, words) else _NOTHING

    def _head_inside(self, head: Words) -> float:
        rarity = self.rarity(head)
        if len(head) == 1:
            return next((points for least, points in _WORD_INSIDE if rarity >= least), _NOTHING)
        return _by_length(_HEAD_INSIDE, len(head)) if rarity >= _RARE_PHRASE else _NOTHING

    def _shared_beginning(self, first: Words, second: Words) -> float:
        length = _prefix_length(first, second)
        rarity = self.rarity(first[:length])
        if length >= 3 and rarity >= 17.0:
            return 3.6
        if length >= 2 and rarity >= 12.0:
            return 1.5
        if length == 1:
            return next((points for least, points in _FIRST_WORD if rarity >= least), _NOTHING)
        return _NOTHING

    def _shared_words(self, first: Words, second: Words) -> float:
        if not self._distinctive.isdisjoint(first) and self._distinctive.intersection(first) & set(second):
            return _DISTINCTIVE
        rarities = [self.rarity([word]) for word in set(first) & set(second) if len(word) > 1 and not word.isdigit()]
        shared = [rarity for rarity in rarities if rarity >= _COMMON_WORD]
        rarest = max(shared, default=0.0)
        if rarest < _RARE_WORD:
            return _NOTHING
        if len(shared) > 1:
            return 1.8 if len(shared) > 2 else 1.0
        return 0.3 if rarest >= 7.7 else 0.0


def _compare_japanese(first: str, second: str) -> float:
    if not first or not second:
        return 0.0
    if first == second:
        return 2.5 if len(first) > 1 else 0.0
    length = _prefix_length(first, second)
    if length == min(len(first), len(second)) and length >= 4:
        return 2.0 if length >= 5 else 1.7
    for least, points in ((7, 1.5), (5, 1.2), (4, 0.8), (3, 0.4), (1, 0.0)):
        if length >= least:
            return points
    return -0.6


def _compare_english(first: Wording, second: Wording) -> float:
    if not first.words or not second.words:
        return 0.0
    if first.head == second.head:
        return 1.3
    shorter, longer = sorted((first, second), key=lambda wording: len(wording.head))
    if longer.words[: len(shorter.head)] == shorter.head:
        return (0.2, 0.8, 1.2)[min(len(shorter.head), 3) - 1]
    length = _prefix_length(first.words, second.words)
    return 0.7 if length >= 3 else 0.4 if length == 2 else 0.0


def _by_length(table: Sequence[float], length: int) -> float:
    return table[min(length, len(table)) - 1] if length else _NOTHING


def _prefix_length(first: Sequence[str], second: Sequence[str]) -> int:
    pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))
    return sum(1 for _ in pairs)


def _glued(first: Words, second: Words) -> float:
    """See whether two heads of one word each end alike, as in Bakemonogatari and Nisemonogatari."""
    if len(first) > 1 or len(second) > 1 or first == second or not first or not second:
        return _NOTHING
    return _GLUED if first[0][-_GLUED_LETTERS:] == second[0][-_GLUED_LETTERS:] else _NOTHING


def _stands_in(head: Words, words: Words) -> bool:
    return any(words[start : start + len(head)] == head for start in range(1, len(words) - len(head) + 1))
