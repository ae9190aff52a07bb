"""What the cells of a catalogue row mean, as people write them, and whether all rows together make sense."""

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from training.errors import InputError

Row = dict[str, str]

UNKNOWN: Final = frozenset({"", "unknown", "nan", "none", "null", "-", "?", "n/a", "na", "<na>", "\\n", "[]"})
_COUNTS: Final = ("members", "favorites", "episodes")
# What cards and traits are made of: half of the columns of Kaggle's dump.
_READ: Final = frozenset(
    {*_COUNTS, "english_name", "japanese_name", "type", "genres", "score", "rating", "source", "studios", "duration"}
    | {"aired", "aired_string", "premiered"}
)
# Of so few rows anything may be true.
_ENOUGH: Final = 30
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:[,.\s'\u00a0\u202f]\d{3})+")
# ['Action', "Girls' Love"], as Python, JSON and numpy write it.
_QUOTED: Final = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""")
_NAME: Final = re.compile(rf"""['"]name['"]: *(?:{_QUOTED.pattern})""")  # of [{'mal_id': 1, 'name': 'Action'}]


def known_cells(row: Mapping[str, str]) -> Row:
    """Return the cells that are read and not unknown, without HTML entities, lists of names and counts in plain form.

    A ``rating`` that is a number is the mean score, as in the dump of 2016, and no age rating.
    """
    texts = {name: html.unescape(value).strip() for name, value in row.items() if name in _READ}
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


def check_sense(path: Path, rows: Sequence[Row]) -> None:
    """Refuse a catalogue, given by its known cells, whose columns do not hold what their names say.

    Raises
    ------
    InputError
        With what was seen.
    """
    for name in ("score", "members", "episodes"):
        seen = [row[name] for row in rows if name in row]
        if len(seen) >= _ENOUGH and all(read_number(text) is None for text in seen):
            raise InputError(f"{path}: column {name} should hold numbers; none does, as in {seen[-1]!r}")
    genres = [read_names(row["genres"]) for row in rows if "genres" in row]
    distinct = list(dict.fromkeys(name for names in genres for name in names))
    if len(distinct) >= _ENOUGH and len(distinct) > len(genres) / 2:
        examples = ", ".join(repr(name[:30]) for name in distinct[:3])
        raise InputError(
            f"{path}: column genres has {len(distinct):,} different genres for {len(genres):,} anime, such as "
            f"{examples}; names separated by commas are expected"
        )
