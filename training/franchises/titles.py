"""Reads titles: their words, and what is left of them without season, edition and format."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from models.bundle.card import AnimeCard

_NUMBER: Final = r"(?:\d{1,2}|i{1,3}|iv|vi{0,3}|ix|x|first|second|third|fourth|fifth|sixth|one|two|three|four)"
_ORDINAL: Final = r"(?:\d+(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|final|last|new)"
_PART: Final = r"(?:season|series|stage|year|part|cour|half|ova|movie|period)"
_NUMBERED: Final = (
    "season|series|part|cour|stage|chapter|act|vol|volume|episode|ep|movie|film|ova|oad|ona|tv|special|gekijouban|phase"
    "|disc|dai"
)
_EDITION: Final = (
    r"gekijouban|eiga|ova|oad|ona|tv|sp|specials?|recaps?|pv|cm|picture drama|pilot|soushuuhen|digest|omake"
    r"|bangai-?hen|tokubetsu-?hen|zenpen|kouhen|kanketsu-?hen|preview|prologue|epilogue|promo\w*|music video|mv"
    r"|remake|redux|recut|complete|kanzen\w*|mini anime|mini|commercials?"
)
# What marks the entry of a franchise in a title, not the franchise.
_MARKERS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b{_ORDINAL}\s+{_PART}\b.*",
        rf"\b(?:{_NUMBERED})\s*\.?\s*{_NUMBER}\b",
        r"\bs\d\b|\b(?:19|20)\d\d\b",
        r"\b(?:the )?(?:movie|film|animation|animated series|tv series|final|final season|motion picture)s?\b",
        rf"\b(?:{_EDITION})\b",
    )
)
_TAIL: Final = re.compile(
    rf"(?:{_NUMBER}|s|r|r2|rs|z|zz|gt|plus|next|again|returns?|encore|zoku|sequel|after|stars?|super|ss|max|ex|dx|do|ni"
    r"|the|series|2\w?)"
)
_LEADS: Final = frozenset({"shin", "zoku", "shinpan", "the", "new"})
_BREAK: Final = re.compile(
    r"[:~～〜()（）\[\]「」『』\"“”／/|!?！？]+| [-–—] |(?<=\S)- | -(?=\S)|[-–—]+$"  # a dash inside a word is none
)
_WORD: Final = re.compile(r"\w+")

_JAPANESE_BREAK: Final = re.compile(r"[\s:~～〜()（）\[\]「」『』\"“”／/|!?！？・、。,.\-–—☆★♪♥@&×]+")
_JAPANESE_MARKERS: Final = re.compile(
    r"劇場版|映画|テレビ|アニメ|第[\d一二三四五六七八九十]+[期季部]|总集编|総集編|スペシャル|特別編|完結編|ova|oad|tv|シーズン|season|movie"
    r"|[ⅰⅱⅲⅳⅴ]|\d(?:nd|rd|th)|\b(?:19|20)\d\d\b"
)
_EXTRA: Final = re.compile(
    r"\b(?:recaps?|specials?|picture drama|soushuuhen|digest|pv|cms?|omake|promo\w*|preview|prologue|episode 0|pilot"
    r"|mini anime|mini|commercials?|music video|mv|special edition|director'?s cut|manner movie|collaboration)\b"
)


@dataclass(frozen=True)
class Wording:
    """A title in one language."""

    # All words, lower case, without punctuation.
    words: tuple[str, ...] = ()
    # The first part of the title without season markers: what its franchise is likely called.
    head: tuple[str, ...] = ()
    # All of the title without season markers.
    core: tuple[str, ...] = ()


@dataclass(frozen=True)
class Title:
    """The titles of one anime; empty where unknown."""

    romaji: Wording
    english: Wording
    # Without markers, spaces and punctuation.
    japanese: str
    # It calls itself a recap, a special, a commercial or the like.
    extra: bool


def read_title(card: AnimeCard) -> Title:
    """Read the titles of an anime."""
    return Title(
        read_wording(card.name),
        read_wording(card.english_name or ""),
        read_japanese(card.japanese_name or ""),
        bool(_EXTRA.search(_normalise(card.name))),
    )


def read_wording(text: str) -> Wording:
    """Split a title in Latin letters into words; the head of nothing but markers is the title itself."""
    plain = _normalise(text)
    words = tuple(_WORD.findall(plain))
    parts = [part for part in map(_strip_markers, _BREAK.split(plain)) if part]
    head = _strip_ends(parts[0]) if parts else words
    core = _strip_ends([word for part in parts for word in part]) if parts else words
    return Wording(words, head, core)


def read_japanese(text: str) -> str:
    """Strip a Japanese title of markers, spaces and punctuation."""
    return "".join(_JAPANESE_BREAK.split(_JAPANESE_MARKERS.sub(" ", _normalise(text))))


def _normalise(text: str) -> str:
    # Width and case: Ｎａｒｕｔｏ and NARUTO are naruto. Apostrophes join: "gate's" is one word.
    return re.sub(r"['’`]", "", unicodedata.normalize("NFKC", text).casefold())


def _strip_markers(part: str) -> list[str]:
    for marker in _MARKERS:
        part = marker.sub(" ", part)
    return _WORD.findall(part)


def _strip_ends(words: list[str]) -> tuple[str, ...]:
    while len(words) > 1 and _TAIL.fullmatch(words[-1]):
        words = words[:-1]
    while len(words) > 1 and words[0] in _LEADS:
        words = words[1:]
    return tuple(words)
