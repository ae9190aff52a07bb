"""Made-up titles that fill a catalogue past the curated ones: plausible rows, names that no one takes for real."""

from collections.abc import Sequence
from itertools import product
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from training.demo.curated import UNKNOWN, Title, read_rows

_Option = TypeVar("_Option")

# Above any id that MyAnimeList has given out.
FIRST_ID: Final = 9_000_001
ADULT_SHARE: Final = 0.077

_TYPES: Final = ("TV",) * 29 + ("OVA",) * 22 + ("Movie",) * 17 + ("Special",) * 13 + ("ONA",) * 11 + ("Music",) * 8
_LENGTHS: Final = {
    "TV": (12, 12, 12, 13, 13, 24, 25, 26, 39, 52),
    "OVA": (1, 1, 2, 2, 3, 4, 6),
    "ONA": (1, 6, 10, 12, 12, 24),
    "Special": (1, 1, 1, 2, 3),
}
_SOURCES: Final = ("Original", "Manga", "Manga", UNKNOWN, "Game", "Light novel", "Visual novel", "Novel", "Other")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SEASONS: Final = ("Winter", "Spring", "Summer", "Fall")
_STUDIOS: Final = (UNKNOWN, UNKNOWN, "Studio Kettle", "Umbrella Works", "Nine Ladders", "Atelier Purse")
_AGE_RATINGS: Final = (
    "G - All Ages",
    "G - All Ages",
    "PG - Children",
    "PG-13 - Teens 13 or older",
    "PG-13 - Teens 13 or older",
    "R - 17+ (violence & profanity)",
    "R+ - Mild Nudity",
    UNKNOWN,
)


class _Name(NamedTuple):
    romaji: str
    japanese: str
    english: str


def make_up_titles(
    n_titles: int, curated: Sequence[Title], rng: np.random.Generator
) -> tuple[list[Title], NDArray[np.int64]]:
    """Make up titles, ids ascending and no name twice; and the rows of the curated titles they take after."""
    parents = rng.integers(0, len(curated), n_titles)
    words = read_rows("words.csv")
    kinds = (
        [_Name(row["romaji"], row["japanese"], row["english"]) for row in words if row["kind"] == kind]
        for kind in ("quality", "object", "place")
    )
    names = [_name(*parts) for parts in product(*kinds)]
    order = rng.permutation(len(names))
    chances = rng.random((n_titles, 16))
    titles = []
    for number in range(n_titles):
        season, place = divmod(number, len(names))
        name = names[order[place]]
        if season:
            # A large catalogue's second thousands of titles differ from the first by their season.
            name = _Name(*(f"{text} {season + 1}" for text in name))
        titles.append(_title(FIRST_ID + number, name, curated[parents[number]], chances[number].tolist()))
    return titles, parents


def _name(quality: _Name, thing: _Name, place: _Name) -> _Name:
    return _Name(
        romaji=f"{quality.romaji} {thing.romaji} no {place.romaji}",
        japanese=f"{quality.japanese}{thing.japanese}の{place.japanese}",
        english=f"The {place.english} of the {quality.english} {thing.english}",
    )


def _pick(options: Sequence[_Option], chance: float) -> _Option:
    return options[int(chance * len(options))]


def _title(anime_id: int, name: _Name, parent: Title, chances: list[float]) -> Title:
    is_adult = chances[0] < ADULT_SHARE
    kind = "OVA" if is_adult else _pick(_TYPES, chances[1])
    episodes = _pick(_LENGTHS.get(kind, (1,)), chances[2])
    aired, premiered = _dates(kind, episodes, chances[3:6])
    is_unfinished = kind == "TV" and chances[6] < 0.04
    facts = {
        "Name": f"{name.romaji} (Made Up)",
        "Genres": _genres(parent, is_adult, chances[7]),
        "English name": name.english if chances[8] < 0.4 else UNKNOWN,
        "Japanese name": name.japanese,
        "Type": kind,
        "Episodes": UNKNOWN if is_unfinished else str(episodes),
        "Aired": f"{aired.split(' to ')[0]} to ?" if is_unfinished else aired,
        "Premiered": premiered,
        "Studios": _pick(_STUDIOS, chances[9]),
        "Source": _pick(_SOURCES, chances[10]),
        "Duration": UNKNOWN if chances[11] < 0.03 else _duration(kind, episodes, chances[12]),
        "Rating": "Rx - Hentai" if is_adult else _pick(_AGE_RATINGS, chances[13]),
    }
    synopsis: str | None = (
        f"Made up for scale tests, there is no such anime: {name.english} promises {facts['Genres'].lower()}."
    )
    if is_adult or chances[14] < 0.01:
        synopsis = None
    elif chances[14] < 0.06:
        synopsis = "No synopsis has been written for this made-up title."
    return Title(anime_id, facts, franchise="", synopsis=synopsis)


def _genres(parent: Title, is_adult: bool, chance: float) -> str:
    inherited = parent.facts["Genres"].split(", ")
    # Two in three of the parent's genres, a different third left out each time.
    kept = [genre for place, genre in enumerate(inherited) if (place + int(chance * 3)) % 3 != 0]
    if is_adult:
        return ", ".join(sorted({"Hentai", *kept[:1]}))
    if chance < 0.004:
        return UNKNOWN
    return ", ".join(kept or inherited)


def _dates(kind: str, episodes: int, chances: list[float]) -> tuple[str, str]:
    year = 2020 - int(45 * chances[0] ** 2)
    month, day = int(chances[1] * 12), 1 + int(chances[2] * 28)
    if chances[2] < 0.018:
        return UNKNOWN, UNKNOWN
    if chances[2] < 0.05:
        return str(year), UNKNOWN
    start = f"{_MONTHS[month]} {day}, {year}"
    premiered = f"{_SEASONS[month // 3]} {year}" if kind == "TV" else UNKNOWN
    if episodes == 1:
        return start, premiered
    last = month + max(1, episodes // 4)
    return f"{start} to {_MONTHS[last % 12]} {day}, {year + last // 12}", premiered


def _duration(kind: str, episodes: int, chance: float) -> str:
    if kind == "Movie":
        minutes = int(chance * 50)
        return f"1 hr. {minutes} min." if minutes else "1 hr."
    minutes = 2 + int(chance * 4) if kind == "Music" else _pick((3, 12, 23, 24, 24, 25, 30), chance)
    return f"{minutes} min." if episodes == 1 else f"{minutes} min. per ep."
