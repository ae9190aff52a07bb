"""What rankers read of an anime besides its card: when it began, its length, its studio, its source."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.card import AnimeCard

# Day 0 means unknown, so the count begins before the first anime.
FIRST_DAY: Final = date(1900, 1, 1)
MAX_CODES: Final = 2**15

_DATE_FORMATS: Final = ("%b %d, %Y", "%b %Y", "%b, %Y")
_YEAR: Final = re.compile(r"\b(?:19|20)\d\d\b")
_HOURS: Final = re.compile(r"(\d+)\s*hr")
_MINUTES: Final = re.compile(r"(\d+)\s*min")


@dataclass(frozen=True)
class AnimeTraits:
    """Facts of one anime that no answer shows. Unknown is 0 or the empty text."""

    start_day: int = 0  # days from 1900-01-01 to the first airing; a year alone counts as its middle
    minutes: int = 0  # of an episode
    source: str = ""  # Original, Manga, Light novel, ...
    studio: str = ""  # the first of its studios
    favorites: int = 0  # members who name it a favourite


def read_traits(known: Mapping[str, str]) -> AnimeTraits:
    """Read the traits of a row of the catalogue, of its known cells by standard column name."""
    hours, minutes = _HOURS.search(known.get("duration", "")), _MINUTES.search(known.get("duration", ""))
    favorites = re.fullmatch(r"(\d{1,9})(?:\.0)?", known.get("favorites", ""))
    return AnimeTraits(
        start_day=_day(known.get("aired_string") or known.get("aired") or known.get("premiered") or ""),
        minutes=60 * int(hours.group(1) if hours else 0) + int(minutes.group(1) if minutes else 0),
        source=known.get("source", ""),
        studio=known.get("studios", "").split(",")[0].strip(),
        favorites=int(favorites.group(1)) if favorites else 0,
    )


def trait_arrays(
    cards: Sequence[AnimeCard], traits: Sequence[AnimeTraits], like: Mapping[str, NDArray[Any]] | None = None
) -> dict[str, NDArray[Any]]:
    """Put cards and traits, one of each per anime row, into arrays of the bundle (`models.bundle.layout.LAYOUT`).

    ``like`` are arrays whose names of sources, studios and age ratings are used again; others are unknown then.
    """
    return {
        "start_days": np.array([trait.start_day for trait in traits], dtype=np.int32),
        "episodes": np.array([min(card.episodes or 0, MAX_CODES - 1) for card in cards], dtype=np.int16),
        "minutes": np.array([min(trait.minutes, MAX_CODES - 1) for trait in traits], dtype=np.int16),
        "favorites": np.array([trait.favorites for trait in traits], dtype=np.int32),
        **_encode("source", [trait.source for trait in traits], like),
        **_encode("studio", [trait.studio for trait in traits], like),
        **_encode("age_rating", [card.age_rating or "" for card in cards], like),
    }


def _encode(prefix: str, values: Sequence[str], like: Mapping[str, NDArray[Any]] | None) -> dict[str, NDArray[Any]]:
    """Map values to numbers, 0 for the empty one; names past the 32,767th in the alphabet become unknown."""
    names = ["", *sorted(set(values) - {""})[: MAX_CODES - 1]] if like is None else like[f"{prefix}_names"].tolist()
    codes = {name: code for code, name in enumerate(names)}
    return {
        f"{prefix}_names": np.array(names, dtype=np.str_ if len(names) > 1 else "U1"),
        f"{prefix}_codes": np.array([codes.get(value, 0) for value in values], dtype=np.int16),
    }


@cache
def _day(aired: str) -> int:
    """Read the first date of "Apr 3, 1998 to Apr 24, 1999", "Apr 1998", "1998" or "Spring 1998"."""
    first = aired.split(" to ", maxsplit=1)[0].strip()
    for form in _DATE_FORMATS:
        try:
            began = datetime.strptime(first, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
        return max(0, (began - FIRST_DAY).days)
    year = _YEAR.search(first)
    return (date(int(year.group()), 7, 1) - FIRST_DAY).days if year else 0
