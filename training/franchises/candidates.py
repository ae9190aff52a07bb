"""Which pairs of anime are worth comparing: they share the beginning of a title, a head, or a rare word."""

import itertools
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.franchises.titles import Title

# The largest set of anime with one feature that is compared all with all. What is shared by more is no evidence,
# save for a head: the longest franchises have a hundred entries and more.
_MAX_SAME_HEAD: Final = 300
_MAX_SAME_BEGINNING: Final = 150
_MAX_SAME_WORD: Final = 40
_JAPANESE_LETTERS: Final = 4
_LONGEST_HEAD: Final = 6
_GLUED_LETTERS: Final = 8


def candidate_pairs(titles: Sequence[Title], distinctive: frozenset[str] = frozenset()) -> NDArray[np.int64]:
    """List the pairs of anime whose titles have something in common, or one of the distinctive words.

    Gives rows of shape (n_pairs, 2), the lower one first, ascending, none twice.
    """
    pairs = [
        _pairs_of(
            _bucket((t.romaji.head, t.romaji.core, t.english.head, t.japanese) for t in titles), _MAX_SAME_HEAD
        ),
        _pairs_of(_bucket(_beginnings(title) for title in titles), _MAX_SAME_BEGINNING),
        _pairs_of(_bucket(({w for w in t.romaji.words if len(w) > 1}) for t in titles), _MAX_SAME_WORD),
        _pairs_of(_bucket(distinctive.intersection(t.romaji.words) for t in titles), _MAX_SAME_HEAD),
        _head_inside_pairs(titles),
    ]
    n = max(len(titles), 1)
    keys = np.unique(np.concatenate([np.asarray(found, dtype=np.int64).reshape(-1, 2) for found in pairs]) @ [n, 1])
    return np.stack([keys // n, keys % n], axis=1)


def _beginnings(title: Title) -> Iterable[Hashable]:
    words = title.romaji.words
    yield from (("romaji", words[:length]) for length in (2, 3) if len(words) >= length)
    if len(words) and len(title.romaji.head) == 1 and len(title.romaji.head[0]) > _GLUED_LETTERS:
        yield "ending", title.romaji.head[0][-_GLUED_LETTERS:]
    if len(title.english.words) > 1:
        yield "english", title.english.words[:2]
    if len(title.japanese) >= _JAPANESE_LETTERS:
        yield "japanese", title.japanese[:_JAPANESE_LETTERS]


def _bucket(features: Iterable[Iterable[Hashable]]) -> dict[Hashable, list[int]]:
    buckets: dict[Hashable, list[int]] = defaultdict(list)
    for row, of_row in enumerate(features):
        for feature in set(of_row):
            if feature:
                buckets[feature].append(row)
    return buckets


def _pairs_of(buckets: dict[Hashable, list[int]], most: int) -> list[tuple[int, int]]:
    return [pair for rows in buckets.values() if 1 < len(rows) <= most for pair in itertools.combinations(rows, 2)]


def _head_inside_pairs(titles: Sequence[Title]) -> list[tuple[int, int]]:
    """Pair every title with those whose head it contains."""
    heads = _bucket([title.romaji.head] for title in titles)
    pairs = []
    for row, title in enumerate(titles):
        words = title.romaji.words
        for start, length in itertools.product(range(len(words)), range(1, _LONGEST_HEAD + 1)):
            owners = heads.get(words[start : start + length], [])
            if start + length <= len(words) and len(owners) <= _MAX_SAME_HEAD:
                pairs += [(min(row, owner), max(row, owner)) for owner in owners if owner != row]
    return pairs
