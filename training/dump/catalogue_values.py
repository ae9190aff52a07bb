"""What the cells of a catalogue row mean, as people write them, and whether all rows together make sense."""

import html
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from models.bundle.card import AnimeCard
from training.errors import InputError

Row = dict[str, str]

UNKNOWN: Final = frozenset({"", "unknown", "nan", "none", "null", "-", "?", "n/a", "na", "<na>", "\\n", "[]"})
_COUNTS: Final = ("members", "favorites", "episodes")
# Of so few rows anything may be true.
_ENOUGH: Final = 30
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:[,.\s'\u00a0\u202f]\d{3})+")
# ['Action', "Girls' Love"], as Python, JSON and numpy write it.
_QUOTED: Final = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""")
_NAME: Final = re.compile(rf"""['"]name['"]: *(?:{_QUOTED.pattern})""")  # of [{'mal_id': 1, 'name': 'Action'}]


def known_cells(row: Mapping[str, str]) -> Row:
    """Return the cells that are not unknown, without HTML entities, lists of names and counts in plain form.

    A ``rating`` that is a number is the mean score, as in the dump of 2016, and no age rating.
    """
    texts = {name: html.unescape(value).strip() for name, value in row.items()}
    known = {name: _plain(name, text) for name, text in texts.items() if text.lower() not in UNKNOWN}
    score = read_number(known.get("rating"))
    if score is not None and score <= 10:
        del known["rating"]
        known.setdefault("score", str(score))
    return known


def read_number(text: str | None) -> float | None:
    """Read a number; None where it is missing or not sensible."""
    try:
        number = float(text.replace(",", ".")) if text else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < 2**31 else None


def read_names(text: str) -> list[str]:
    """Split names at commas, semicolons and bars; none is there twice."""
    return list(dict.fromkeys(name for each in re.split(r"[,;|]", text) if (name := each.strip())))


def _plain(name: str, text: str) -> str:
    if name in _COUNTS and _THOUSANDS.fullmatch(text):
        return re.sub(r"\D", "", text)
    if text.startswith("[") and text.endswith("]"):
        names = [one or other for one, other in _NAME.findall(text) or _QUOTED.findall(text)]
        return ", ".join(re.sub(r"\\(.)", r"\1", each) for each in names) if names else text[1:-1]
    return text


class SenseCheck:
    """Notices a catalogue whose columns do not hold what their names say."""

    def __init__(self) -> None:
        self._known: Counter[str] = Counter()
        self._numbers: Counter[str] = Counter()
        self._seen: dict[str, str] = {}
        self._genres: Counter[str] = Counter()
        self._n_with_genres = 0

    def add(self, known: Row, card: AnimeCard) -> None:
        """Look at a row."""
        for name in ("score", "members", "episodes"):
            if name in known:
                self._known[name] += 1
                self._numbers[name] += read_number(known[name]) is not None
                self._seen[name] = known[name]
        self._genres.update(card.genres)
        self._n_with_genres += bool(card.genres)

    def check(self, path: Path) -> None:
        """Refuse a catalogue that makes no sense.

        Raises
        ------
        InputError
            With what was seen.
        """
        for name, count in self._known.items():
            if count >= _ENOUGH and not self._numbers[name]:
                raise InputError(f"{path}: column {name} should hold numbers; none does, as in {self._seen[name]!r}")
        n_genres = len(self._genres)
        if n_genres >= _ENOUGH and n_genres > self._n_with_genres / 2:
            examples = ", ".join(repr(name[:30]) for name, _ in self._genres.most_common(3))
            raise InputError(
                f"{path}: column genres has {n_genres:,} different genres for {self._n_with_genres:,} anime, such as "
                f"{examples}; names separated by commas are expected"
            )
