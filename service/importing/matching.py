"""From entries to ratings: each is looked up in the catalogue, by its id or by its title."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.bundle.layout import SITES
from service.importing.entries import Entry, ReadList, Score, StatusName
from service.importing.scores import rate
from service.recommending.model import LoadedModel
from service.recommending.title_search import SURE, TitleMatch

# Titles that no rule knows are compared with every name, which takes milliseconds each.
MAX_COMPARED: Final = 500
# Longer than any title; comparing takes time by its length, and a file may be one title of 20 MB.
MAX_TITLE: Final = 300


@dataclass(frozen=True)
class Rating:
    """An anime on the list. With ``relevance`` below SURE it is a suggestion."""

    place: int  # of the entry, from 1
    typed: str | None  # the title that the list has
    anime_id: int
    title: str  # the catalogue's
    rating: int | None  # 1..10
    status: StatusName | None
    relevance: float | None  # of the title that was found; None where the list has an id


@dataclass(frozen=True)
class Unmatched:
    """An entry that is no anime of the model, and why."""

    place: int
    title: str | None
    reason: str


@dataclass(frozen=True)
class ImportedList:
    """A list, ready to be posted. Every entry is in exactly one of the three lists."""

    format: str
    ratings: list[Rating]
    uncertain: list[Rating]
    unmatched: list[Unmatched]
    notes: list[str]


@dataclass(frozen=True)
class _Found:
    entry: Entry
    row: int
    relevance: float | None
    score: Score


def match(read: ReadList, model: LoadedModel) -> ImportedList:
    """Look up the entries of a list, and bring their scores to ratings."""
    lookup = _Lookup(model)
    found: list[_Found] = []
    unmatched: list[Unmatched] = []
    for entry in read.entries:
        one = lookup.find(entry)
        if isinstance(one, str):
            unmatched.append(Unmatched(entry.place, entry.title, one))
        else:
            found.append(one)
    rated = rate([one.score for one in found], [one.entry.place for one in found], read.out_of)
    ratings: dict[int, Rating] = {}
    uncertain = []
    for one, rating in zip(found, rated.ratings, strict=True):
        made = _rating(one, rating, model)
        if made.relevance is not None and made.relevance < SURE:
            uncertain.append(made)
            continue
        earlier = ratings.pop(made.anime_id, None)
        if earlier:
            reason = f"the same anime comes again as entry {made.place}, which counts"
            unmatched.append(Unmatched(earlier.place, earlier.typed, reason))
        ratings[made.anime_id] = made
    unmatched.sort(key=lambda one: one.place)
    notes = read.notes + rated.notes + _status_notes(read.entries)
    return ImportedList(read.format, list(ratings.values()), uncertain, unmatched, notes)


class _Lookup:
    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self._titles = model.title_search
        self._n_compared = 0

    def find(self, entry: Entry) -> _Found | str:
        """Find the anime of an entry; a text says why there is none."""
        if entry.fault:
            return entry.fault
        anime_id = entry.anime_id or self._mapped(entry)
        if anime_id is not None:
            (row,) = self._model.catalogue.rows_of([anime_id])
            return f"anime {anime_id} is not in this model" if row is None else _Found(entry, row, None, entry.score)
        readings = [(reading.title, reading.score) for reading in entry.readings]
        if not readings and entry.title:
            readings = [(entry.title, entry.score)]
        if not readings:
            return self._no_title(entry)
        if len(readings[0][0]) > MAX_TITLE:
            return f"the title is longer than {MAX_TITLE} characters"
        return self._find_title(entry, readings)

    def _find_title(self, entry: Entry, readings: Sequence[tuple[str, Score]]) -> _Found | str:
        for title, score in readings:
            sure = self._titles.best_by_rule(title, entry.year)
            if sure and sure.relevance >= SURE:
                return _Found(entry, sure.row, sure.relevance, score)
        if self._n_compared >= MAX_COMPARED:
            return f"no title of this model; the first {MAX_COMPARED} such titles are compared letter by letter"
        self._n_compared += 1
        best: tuple[TitleMatch, Score] | None = None
        for title, score in reversed(readings):
            found = self._titles.best(title, entry.year)
            if found and (best is None or found.relevance > best[0].relevance):
                best = (found, score)
        if best is None:
            return "no title of this model is like it"
        return _Found(entry, best[0].row, best[0].relevance, best[1])

    def _mapped(self, entry: Entry) -> int | None:
        """Find the MyAnimeList id of another site's."""
        id_map = self._model.bundle.id_map
        for site, number in entry.site_ids.items():
            found = np.flatnonzero(id_map[:, 1 + SITES.index(site)] == number)
            if len(found):
                return int(id_map[found[0], 0])
        return None

    def _no_title(self, entry: Entry) -> str:
        if not entry.site_ids:
            return "it has neither an id nor a title"
        ids = " and ".join(f"{site} id {number}" for site, number in entry.site_ids.items())
        known = "not in this model's id map" if len(self._model.bundle.id_map) else "and this model has no id map"
        return f"it has no title and no MyAnimeList id, only {ids}, {known}"


def _rating(found: _Found, rating: int | None, model: LoadedModel) -> Rating:
    return Rating(
        found.entry.place,
        found.entry.title,
        int(model.bundle.catalogue_ids[found.row]),
        model.catalogue.titles[found.row][0],
        rating,
        found.entry.status,
        found.relevance,
    )


def _status_notes(entries: Sequence[Entry]) -> list[str]:
    unknown = {entry.unknown_status: entry.place for entry in reversed(entries) if entry.unknown_status}
    return [
        f"Status {word!r} (entry {place}) is not known here; such entries count as seen."
        for word, place in list(unknown.items())[:10]
    ]
