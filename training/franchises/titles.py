"""Reads titles: their words, without what only says which season or edition it is."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

_EXTRA: Final = re.compile(
    r"\b(recaps?|specials?|picture drama|soushuuhen|digest|pv|cm|omake|promotion\w*|preview|prologue|episode 0|"
    r"mini anime|commercials?)\b",
    re.IGNORECASE,
)
_SPLIT: Final = re.compile(r"[^\w]+")


@dataclass(frozen=True)
class Title:
    """A title in words.

    Attributes
    ----------
    words : tuple of str
        Of the main title, lower case, without punctuation.
    extra : bool
        It calls itself a recap, special or the like.
    """

    words: tuple[str, ...]
    extra: bool


def read_title(name: str) -> Title:
    """Read a title.

    Parameters
    ----------
    name : str

    Returns
    -------
    Title
    """
    plain = unicodedata.normalize("NFKC", name).casefold()
    return Title(tuple(word for word in _SPLIT.split(plain) if word), bool(_EXTRA.search(plain)))
