"""Titles as they are compared: without case, accents, punctuation, and width or kind of kana."""

import re
import unicodedata
from typing import Final, NamedTuple

_HIRAGANA_TO_KATAKANA: Final = {code: code + 0x60 for code in range(0x3041, 0x3097)}
# Letters that decompose into nothing but are typed as plain ones.
_TYPED_AS: Final = str.maketrans({"×": "x", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "'": "", "’": ""})
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
_NO_WORD: Final = re.compile(r"[\W_]+")


class TitleText(NamedTuple):
    """A title in the two forms in which titles are compared.

    Attributes
    ----------
    written : str
        As written, but for case and width: tells "Gintama" from "Gintama'".
    words : str
        Words between single spaces: ``"steins gate"``.
    letters : str
        The same without spaces: ``"steinsgate"``, so that ``"full metal"`` finds ``"fullmetal"``.
    """

    written: str
    words: str
    letters: str


def normalise_title(title: str) -> TitleText:
    """Reduce a title to what people agree on when they type it.

    Parameters
    ----------
    title : str

    Returns
    -------
    TitleText
        Never empty, unless the title is blank: a title of nothing but punctuation stays as it is.
    """
    written = unicodedata.normalize("NFKC", title).casefold().strip()
    text = written.translate(_TYPED_AS)
    # Decomposed, accents are marks of their own; the marks of kana lie elsewhere and stay.
    text = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))
    words = _NO_WORD.sub(" ", text.translate(_HIRAGANA_TO_KATAKANA)).strip()
    words = words or " ".join(text.split())
    return TitleText(written, words, words.replace(" ", ""))
