"""Titles as they are compared: without case, accents, punctuation, and width or kind of kana."""

import re
import unicodedata
from typing import Final

_HIRAGANA_TO_KATAKANA: Final = {code: code + 0x60 for code in range(0x3041, 0x3097)}
# Letters that decompose into nothing but are typed as plain ones.
_TYPED_AS: Final = str.maketrans({"×": "x", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "'": "", "’": ""})
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
# Nobody types them, and the search uses one of them as a mark of its own.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f]")
_NO_WORD: Final = re.compile(r"[\W_]+")


def normalise_title(title: str) -> str:
    """Reduce a title to what people agree on when they type it.

    Returns
    -------
    str
        Words between single spaces: ``"steins gate"``. Never empty, unless the title is blank or nothing but
        control characters: a title of nothing but punctuation stays as it is.
    """
    title = _CONTROL.sub(" ", title)
    if title.isascii():
        text = title.lower().replace("'", "")
    else:
        text = fold_case_and_width(title).translate(_TYPED_AS)
        # Decomposed, accents are marks of their own; the marks of kana lie elsewhere and stay.
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))
        text = text.translate(_HIRAGANA_TO_KATAKANA)
    return _NO_WORD.sub(" ", text).strip() or " ".join(text.split())


def fold_case_and_width(title: str) -> str:
    """Reduce a title to what tells it from others when it is typed in full.

    Returns
    -------
    str
        Punctuation and accents stay: tells "Gintama" from "Gintama'".
    """
    return unicodedata.normalize("NFKC", title).casefold().strip()
