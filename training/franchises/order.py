"""The order in which to watch a franchise, and what each entry is to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, eq=False, slots=True)
class _Entry:
    """What the order is read from: numbers as in the bundle, 0 = unknown."""

    row: int
    # TV, Movie, ...; empty where unknown.
    kind: str
    # Of the first airing; unknown comes last.
    day: int
    episodes: int
    minutes: int
    members: int
    title: Title
    # New, or only announced, when the dump was made.
    is_new: bool


def order_franchises(
    codes: NDArray[np.integer], catalogue: Mapping[str, NDArray[Any]], titles: Sequence[Title]
) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Put the entries of every franchise in the order in which to watch them: positions from 0, and roles.

    The main line goes by date, and every franchise begins with it; every side story and extra comes after the entry
    it belongs to: the last one that had begun before it, or the one that it is named after if that began later.
    """
    positions = np.zeros(len(codes), dtype=np.int16)
    roles = np.zeros(len(codes), dtype=np.uint8)
    entries = _read_entries(catalogue, titles)
    by_code = np.argsort(codes, kind="stable")
    for rows in np.split(by_code, np.flatnonzero(np.diff(codes[by_code])) + 1):
        if len(rows) > 1:
            in_time = sorted((entries[row] for row in rows.tolist()), key=lambda entry: (entry.day, entry.row))
            found = _find_roles(in_time)
            for place, entry in enumerate(_watch_order(in_time, found)):
                positions[entry.row] = min(place, np.iinfo(np.int16).max)
                roles[entry.row] = found[entry]
    return positions, roles


def _read_entries(catalogue: Mapping[str, NDArray[Any]], titles: Sequence[Title]) -> list[_Entry]:
    known = catalogue["start_days"][catalogue["start_days"] > 0]
    new_from = int(np.quantile(known, 0.99)) - _NEW_DAYS if len(known) else _NO_DAY
    kinds = catalogue["type_names"][catalogue["type_codes"]]
    columns = [kinds, *(catalogue[name] for name in ("start_days", "episodes", "minutes", "members"))]
    rows = zip(*(column.tolist() for column in columns), titles, strict=True)
    return [
        _Entry(row, kind, day or _NO_DAY, episodes, minutes, members, title, (day or _NO_DAY) >= new_from)
        for row, (kind, day, episodes, minutes, members, title) in enumerate(rows)
    ]


def _watch_order(in_time: list[_Entry], roles: dict[_Entry, Role]) -> list[_Entry]:
    main = [entry for entry in in_time if roles[entry] is Role.MAIN]
    keys = {entry: (_belongs_to(entry, main), 1, entry.day, entry.row) for entry in in_time}
    keys |= {entry: (place, 0, 0, entry.row) for place, entry in enumerate(main)}
    return sorted(in_time, key=lambda entry: keys[entry])


def _belongs_to(entry: _Entry, main: list[_Entry]) -> int:
    """Find the place of the main entry after which something is to be watched."""
    began = sum(other.day <= entry.day for other in main) - 1
    words, names = entry.title.romaji.words, [other.title.romaji.words for other in main]
    named = [(len(name), -place) for place, name in enumerate(names) if words[: len(name)] == name]
    return max(0, began, -max(named)[1] if named else 0)


def _find_roles(in_time: list[_Entry]) -> dict[_Entry, Role]:
    by_type = {entry: _role_by_type(entry) for entry in in_time}
    rank = {role: [entry for entry in in_time if by_type[entry] is role] for role in Role}
    # Where nothing is of the main line by its type, the best there is makes the main line.
    backbone = rank[Role.MAIN] or rank[Role.SIDE] or rank[Role.EXTRA]
    main = [entry for entry in backbone if not _is_dwarfed(entry, backbone)] or backbone[:1]
    main += _first_seasons(in_time, main)
    roles = by_type | dict.fromkeys(rank[Role.MAIN], Role.SIDE) | dict.fromkeys(main, Role.MAIN)
    # In order of time, so that the third film may follow the second.
    for entry in rank[Role.SIDE]:
        if roles[entry] is Role.SIDE and not entry.title.extra and _is_needed(entry, main):
            roles[entry] = Role.MAIN
            main.append(entry)
    return roles


def _first_seasons(in_time: list[_Entry], main: list[_Entry]) -> list[_Entry]:
    """Find what a season of the main line goes on with, however few know it: no second season without the first."""
    last_of = {
        (entry.kind, entry.title.romaji.core): entry.day for entry in sorted(main, key=lambda entry: entry.day)
    }
    return [
        entry
        for entry in in_time
        if entry not in main
        and not entry.title.extra
        and entry.day < last_of.get((entry.kind, entry.title.romaji.core), 0)
    ]


def _role_by_type(entry: _Entry) -> Role:
    if entry.kind in {"Music", "Special", ""} or entry.title.extra:
        return Role.EXTRA
    if entry.kind == "TV":
        return Role.MAIN
    return Role.EXTRA if 0 < entry.minutes < _SHORT_MINUTES else Role.SIDE


def _is_dwarfed(entry: _Entry, backbone: list[_Entry]) -> bool:
    """Separate a spin-off from a season: shorts beside full episodes, or hardly known beside the others."""
    full_length = max(other.minutes for other in backbone)
    if 0 < entry.minutes < _SHORT_MINUTES <= full_length and entry.minutes * 2 < full_length:
        return True
    least = _NEEDED_SHARE["TV"] * max(other.members for other in backbone)
    # Few know yet what has only been announced.
    if entry.is_new or not 0 < entry.members < least:
        return False
    # A late season of a long series has few viewers too, but not far fewer than the season after it.
    later = max((other.members for other in backbone if other.day > entry.day), default=0)
    return later < least or entry.members < _NEXT_SHARE * later


def _is_needed(entry: _Entry, main: list[_Entry]) -> bool:
    """Recognise a film that the next season builds on, or that goes on with the story, by how many know it.

    What comes out while a long series runs stands beside it: its yearly films can be left out.
    """
    before = [other for other in main if other.day <= entry.day]
    after = [other.members for other in main if other.day > entry.day and not other.is_new]
    last = max(before, key=lambda other: (other.day, other.row), default=None)
    if last is not None and last.kind == "TV" and not 0 < last.episodes < _LONG_SERIES:
        return False
    if after:
        return entry.members >= _NEEDED_SHARE.get(entry.kind, 1.0) * max(after) > 0
    return last is not None and entry.members >= _GOES_ON_SHARE.get(entry.kind, 0.3) * last.members > 0
