"""Forms of a title in which two spellings of one are the same."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

_HIRAGANA_TO_KATAKANA: Final = {code: code + 0x60 for code in range(0x3041, 0x3097)}
# Letters that decompose into nothing but are typed as plain ones.
_TYPED_AS: Final = str.maketrans({"×": "x", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "'": "", "’": ""})
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
# Not typed by users, and the search uses one of them as a mark of its own.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f]")
_NO_WORD: Final = re.compile(r"[\W_]+")

_ROMAN: Final = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
# Letters too, so that they are numbers at the end of a title only.
_LAST_ROMAN: Final = {"v": "5", "x": "10"}
_ENDINGS: Final = {1: "st", 2: "nd", 3: "rd"}
_ORDINAL_WORDS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_ORDINALS: Final = {
    **{word: str(n) for n, word in enumerate(_ORDINAL_WORDS, start=1)},
    **{f"{n}{_ENDINGS.get(n, 'th')}": str(n) for n in range(1, 21)},
}
_SEASON: Final = {"season", "seasons", "series", "ki", "シーズン"}
_SHORT_SEASON: Final = re.compile(r"s0?(\d{1,2})")
_JAPANESE_SEASON: Final = re.compile(r"第?\s*(\d{1,2})\s*期")
# Without any of these a title has no number, and few titles have.
_HAS_NUMBER: Final = re.compile(rf"\d|\b(?:[ivx]+|{'|'.join(_ORDINAL_WORDS)}|cour)\b")
_YEAR_BEHIND: Final = re.compile(r"^(.*\S)\s*(?:[(\[（](19\d\d|20\d\d)[)\]）]|\s(19\d\d|20\d\d))\s*$")
_KIND_BEHIND: Final = re.compile(r"\s*[(\[](?:tv|ova|ona|movie|special|music|19\d\d|20\d\d)[)\]]\s*$", re.IGNORECASE)
_BLANK_INITIAL: Final = re.compile(r"(?:^|[\s:])[^\w\s]*(\w)")
_MIN_PART: Final = 3


def normalise_title(title: str) -> str:
    """Reduce a title to words between single spaces, without case, accents, punctuation, and width or kind of kana.

    A title of nothing but punctuation stays as it is, so that only blanks and control characters give nothing.
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
    """Keep punctuation and accents, which tell "Gintama" from "Gintama'"."""
    return unicodedata.normalize("NFKC", title).casefold().strip()


def split_year(title: str) -> tuple[str, int | None]:
    """Take a year off the end of a title: "Berserk (2016)"."""
    found = _YEAR_BEHIND.match(title)
    return (found.group(1), int(found.group(2) or found.group(3))) if found else (title, None)


def without_kind(title: str) -> str:
    """Take off what tells a title from others of its name: "JoJo no Kimyou na Bouken (TV)"."""
    return _KIND_BEHIND.sub("", title) or title


def form_of(normalised: str) -> str:
    """Bring a normalised title to the form in which spellings of numbers and long vowels are alike.

    "Overlord II", "Overlord S2", "Overlord 2nd Season" and "Overlord: Second Season" are "overlord 2", and a first
    season has no number. "The" and "and" are left out, since "&" is no word.
    """
    if not _HAS_NUMBER.search(normalised):
        return _shorten_vowels(normalised)
    words = _JAPANESE_SEASON.sub(r" \1 season ", normalised).split()
    words = [_SHORT_SEASON.sub(r"season \1", word) if _SHORT_SEASON.fullmatch(word) else word for word in words]
    words = " ".join(words).split()
    words = _number_seasons([_number(word, place, len(words)) for place, word in enumerate(words)])
    return _shorten_vowels(" ".join(words))


def _number(word: str, place: int, n_words: int) -> str:
    if not place:
        return word
    if place == n_words - 1 and word in _LAST_ROMAN:
        return _LAST_ROMAN[word]
    return _ROMAN.get(word, word)


def _number_seasons(words: Sequence[str]) -> list[str]:
    """Leave of a season its number, and nothing of the first."""
    numbered: list[str] = []
    place = 0
    while place < len(words):
        word, following = words[place], words[place + 1] if place + 1 < len(words) else ""
        before, after = _ORDINALS.get(word, word), _ORDINALS.get(following, following)
        number = ""
        if following in _SEASON and before.isdigit():
            number = before
        elif word in _SEASON and after.isdigit():
            number = after
        if number and len(number) < 3 and (numbered or place + 2 < len(words)):
            numbered += [str(int(number))] if int(number) != 1 else []
            place += 2
            continue
        numbered.append("part" if word == "cour" else word)
        place += 1
    return numbered


def _shorten_vowels(words: str) -> str:
    """Write "shoujo" as "shojo" and the particle "wo" as "o", and leave "the" and "and" out."""
    kept = f" {words} ".replace(" the ", " ").replace(" and ", " ").replace(" wo ", " o ")
    return kept.replace("ou", "o").replace("oo", "o").replace("uu", "u").strip() or words


def initials_of(title: str, normalised: str, form: str, compounds: dict[str, str]) -> set[str]:
    """Give what people abbreviate a title to, of the title as it is written, normalised, and its form.

    First letters of its words, with the number of a season (sao2); of the parts of compounds too (fma); without
    articles (logh); and of what stands between blanks (kwk for Kaguya-sama wa Kokurasetai).
    """
    if not normalised.isascii():
        return set()
    first = [(word, word if word.isdigit() else word[0]) for word in normalised.split()]
    return {
        "".join([letter for _, letter in first]),
        *_split_compounds(first, compounds),
        "".join([letter for word, letter in first if word not in {"the", "a"}]),
        "".join([word if word.isdigit() else word[0] for word in form.split()]),
        "".join(_BLANK_INITIAL.findall(title.lower())),
    }


def _split_compounds(first: Sequence[tuple[str, str]], compounds: dict[str, str]) -> Iterator[str]:
    """Give initials with one of the compounds split, and with all: fmab, in which brotherhood is one word."""
    found = [place for place, (word, _) in enumerate(first) if word in compounds]
    for split in [*({place} for place in found), set(found)] if found else []:
        yield "".join([compounds[word] if place in split else letter for place, (word, letter) in enumerate(first)])


def find_compounds(names: Iterable[str]) -> dict[str, str]:
    """Find words that are made of two others of the catalogue, "fullmetal" for one; give their first letters."""
    counts = Counter(word for name in names for word in set(name.split()) if word.isascii() and word.isalpha())
    parts = {word for word, count in counts.items() if len(word) >= _MIN_PART and count >= 2}
    compounds = {}
    for word in counts:
        for cut in range(_MIN_PART, len(word) - _MIN_PART + 1):
            if word[:cut] in parts and word[cut:] in parts:
                compounds[word] = word[0] + word[cut]
                break
    return compounds
