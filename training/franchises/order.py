"""The order in which to watch a franchise, and what each entry is to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.franchises import Role
from training.franchises.titles import Title

# An entry that far fewer people know than what comes after it is nothing they had to watch first.
_NEEDED_SHARE: Final = {"TV": 0.12, "ONA": 0.3, "Movie": 0.5, "OVA": 0.5, "Special": 0.6}
_GOES_ON_SHARE: Final = {"Movie": 0.17}
_NEXT_SHARE: Final = 0.35
_SHORT_MINUTES: Final = 13
_LONG_SERIES: Final = 45
_NEW_DAYS: Final = 180
_NO_DAY: Final = 10**9


@dataclass(frozen=True)
class WatchFacts:
    """What the order is read from, one row per anime.

    Attributes
    ----------
    types : list of str
        TV, Movie, ...; empty where unknown.
    start_days, episodes, minutes, members : ndarray of shape (n_anime,), dtype=integer
        As in the bundle; 0 = unknown.
    titles : sequence of Title
    """

    types: list[str]
    start_days: NDArray[np.integer]
    episodes: NDArray[np.integer]
    minutes: NDArray[np.integer]
    members: NDArray[np.integer]
    titles: Sequence[Title]

    @classmethod
    def of_catalogue(cls, catalogue: Mapping[str, NDArray[Any]], titles: Sequence[Title]) -> "WatchFacts":
        """Take the facts from the catalogue's arrays.

        Parameters
        ----------
        catalogue : mapping of str to ndarray
            Of a prepared dump.
        titles : sequence of Title
        """
        types = catalogue["type_names"][catalogue["type_codes"]].tolist()
        numbers = (catalogue[name] for name in ("start_days", "episodes", "minutes", "members"))
        start_days, episodes, minutes, members = numbers
        return cls(types, start_days, episodes, minutes, members, titles)

    @cached_property
    def recent_day(self) -> int:
        """From when on an anime was new, or only announced, when the dump was made."""
        known = self.start_days[self.start_days > 0]
        return int(np.quantile(known, 0.99)) - _NEW_DAYS if len(known) else _NO_DAY

    def day(self, row: int) -> int:
        """Give the day of the first airing; unknown comes last."""
        return int(self.start_days[row]) or _NO_DAY


def order_franchises(codes: NDArray[np.integer], facts: WatchFacts) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Put the entries of every franchise in the order in which to watch them.

    The main line goes by date; every side story and extra comes after the entry it belongs to: the last one that had
    begun before it, or the one that it is named after if that began later. Unknown dates come last.

    Parameters
    ----------
    codes : ndarray of shape (n_anime,), dtype=integer
        Franchise of each anime.
    facts : WatchFacts

    Returns
    -------
    positions : ndarray of shape (n_anime,), dtype=int16
        From 0 in each franchise.
    roles : ndarray of shape (n_anime,), dtype=uint8
        See :class:`models.scoring.franchises.Role`. Every franchise begins with its main line.
    """
    positions = np.zeros(len(codes), dtype=np.int16)
    roles = np.zeros(len(codes), dtype=np.uint8)
    by_code = np.argsort(codes, kind="stable")
    for rows in np.split(by_code, np.flatnonzero(np.diff(codes[by_code])) + 1):
        if len(rows) > 1:
            members = rows.tolist()
            found = _find_roles(members, facts)
            for place, row in enumerate(_watch_order(members, found, facts)):
                positions[row] = min(place, np.iinfo(np.int16).max)
                roles[row] = found[row]
    return positions, roles


def _watch_order(rows: list[int], roles: dict[int, Role], facts: WatchFacts) -> list[int]:
    main = sorted((row for row in rows if roles[row] is Role.MAIN), key=lambda row: (facts.day(row), row))
    keys = {row: (place, 0, 0, row) for place, row in enumerate(main)}
    for row in rows:
        if row not in keys:
            belongs = _belongs_to(row, main, facts)
            keys[row] = (belongs, 1, facts.day(row), row)
    return sorted(rows, key=lambda row: keys[row])


def _belongs_to(row: int, main: list[int], facts: WatchFacts) -> int:
    """Find the place of the main entry after which something is to be watched."""
    began = sum(facts.day(entry) <= facts.day(row) for entry in main) - 1
    words = facts.titles[row].romaji.words
    named = [
        (len(facts.titles[entry].romaji.words), -place)
        for place, entry in enumerate(main)
        if words[: len(facts.titles[entry].romaji.words)] == facts.titles[entry].romaji.words
    ]
    return max(0, began, -max(named)[1] if named else 0)


def _find_roles(rows: list[int], facts: WatchFacts) -> dict[int, Role]:
    in_time = sorted(rows, key=lambda row: (facts.day(row), row))
    by_type = {row: _role_by_type(row, facts) for row in rows}
    rank = {role: [row for row in in_time if by_type[row] is role] for role in Role}
    # Where nothing is of the main line by its type, the best there is makes the main line.
    backbone = rank[Role.MAIN] or rank[Role.SIDE] or rank[Role.EXTRA]
    full_length = max(_length(row, facts) for row in backbone)
    roles: dict[int, Role] = {}
    for row in rows:
        if row in backbone and not _is_dwarfed(row, backbone, full_length, facts):
            roles[row] = Role.MAIN
        elif by_type[row] is Role.MAIN:
            roles[row] = Role.SIDE
        else:
            roles[row] = by_type[row]
    main = [row for row in rows if roles[row] is Role.MAIN] or backbone[:1]
    main += _first_seasons(rows, main, facts)
    roles.update(dict.fromkeys(main, Role.MAIN))
    # In order of time, so that the third film may follow the second.
    for row in rank[Role.SIDE]:
        if roles[row] is Role.SIDE and not facts.titles[row].extra and _is_needed(row, main, facts):
            roles[row] = Role.MAIN
            main.append(row)
    return roles


def _first_seasons(rows: list[int], main: list[int], facts: WatchFacts) -> list[int]:
    """Find what a season of the main line goes on with, however few know it: no second season without the first."""
    last_of: dict[tuple[str, tuple[str, ...]], int] = {}
    for row in main:
        series = facts.types[row], facts.titles[row].romaji.core
        last_of[series] = max(facts.day(row), last_of.get(series, 0))
    return [
        row
        for row in rows
        if row not in main
        and not facts.titles[row].extra
        and facts.day(row) < last_of.get((facts.types[row], facts.titles[row].romaji.core), 0)
    ]


def _role_by_type(row: int, facts: WatchFacts) -> Role:
    kind, title = facts.types[row], facts.titles[row]
    if kind in {"Music", ""} or title.extra:
        return Role.EXTRA
    if kind == "TV":
        return Role.MAIN
    short = 0 < int(facts.minutes[row]) < _SHORT_MINUTES
    if kind == "Special" or short:
        return Role.EXTRA
    return Role.SIDE


def _length(row: int, facts: WatchFacts) -> int:
    return int(facts.minutes[row])


def _is_dwarfed(row: int, backbone: list[int], full_length: int, facts: WatchFacts) -> bool:
    """Tell a spin-off from a season: shorts beside full episodes, or next to unknown beside the others."""
    minutes = _length(row, facts)
    if 0 < minutes < _SHORT_MINUTES <= full_length and minutes * 2 < full_length:
        return True
    members = int(facts.members[row])
    if facts.day(row) >= facts.recent_day:
        # Few know yet what has only been announced.
        return False
    least = _NEEDED_SHARE["TV"] * max(int(facts.members[entry]) for entry in backbone)
    if not 0 < members < least:
        return False
    # A late season of a long series has few viewers too, but not far fewer than the season after it.
    later = max((int(facts.members[entry]) for entry in backbone if facts.day(entry) > facts.day(row)), default=0)
    return later < least or members < _NEXT_SHARE * later


def _is_needed(row: int, main: list[int], facts: WatchFacts) -> bool:
    """Tell a film that the next season builds on, or that goes on with the story, by how many know it beside that.

    What comes out while a long series runs stands beside it: nobody has to see its yearly films.
    """
    before = [entry for entry in main if facts.day(entry) <= facts.day(row)]
    after = [int(facts.members[entry]) for entry in main if facts.day(row) < facts.day(entry) < facts.recent_day]
    last = max(before, key=lambda entry: (facts.day(entry), entry)) if before else None
    if last is not None and facts.types[last] == "TV" and not 0 < int(facts.episodes[last]) < _LONG_SERIES:
        return False
    kind, members = facts.types[row], int(facts.members[row])
    if after:
        return members >= _NEEDED_SHARE.get(kind, 1.0) * max(after) > 0
    return last is not None and members >= _GOES_ON_SHARE.get(kind, 0.3) * int(facts.members[last]) > 0
