"""Lists as tables: CSV with any of the usual headers and separators."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from models.bundle.layout import Site
from service.importing.entries import Entry, ReadList, require_few
from service.importing.scores import read_score
from service.importing.statuses import set_status
from service.recommending.typed_titles import read_link

_SEPARATORS: Final = (",", ";", "\t", "|")
_MAX_LINES_OF_ROW: Final = 50
# Longer than any row of a list, comments included; what csv takes in one cell is bounded by more.
_MAX_ROW: Final = 50_000
# As headers are compared: letters and digits alone, in lower case. The first one that is there wins.
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "anime_id": ("animeid", "malid", "myanimelistid", "seriesanimedbid", "animedbid", "idmal", "mal"),
    "anilist": ("anilistid", "anilist"),
    "kitsu": ("kitsuid", "kitsu"),
    "anidb": ("anidbid", "aid", "anidb"),
    "title": (
        "title",
        "name",
        "animetitle",
        "animename",
        "seriestitle",
        "anime",
        "series",
        "show",
        "showtitle",
        "romaji",
        "titleromaji",
        "english",
        "titleenglish",
        "englishtitle",
        "titel",
        "titre",
        "titulo",
        "título",
        "название",
    ),
    "link": ("url", "link", "malurl", "href"),
    "score": (
        "myscore",
        "myrating",
        "yourscore",
        "yourrating",
        "userscore",
        "userrating",
        "score",
        "rating",
        "rate",
        "points",
        "note",
        "bewertung",
        "nota",
        "оценка",
        "stars",
    ),
    "status": ("mystatus", "watchstatus", "watchingstatus", "status", "list", "watchlist", "state", "статус"),
    "year": ("year", "releaseyear", "startyear"),
    "again": ("myrewatching", "rewatching", "isrewatching"),
}
_SITES: Final[tuple[Site, ...]] = ("anilist", "kitsu", "anidb")
# Alone in its line, a header of these begins a table of one column.
_ALONE: Final = {"title", "titles", "name", "animetitle", "animename"}
_OUT_OF: Final = re.compile(r"(?:/|out\s*of|1\s*[-–]|0\s*[-–])\s*(\d{1,3})\b")


@dataclass(frozen=True)
class _Table:
    separator: str
    header: list[str]
    places: dict[str, int]  # column of each thing that is there

    def takes(self, cells: Sequence[str]) -> bool:
        """Whether cells that go over several lines are one row: comments do, titles do not."""
        own = [cells[place] for place in self.places.values() if place < len(cells)]
        return len(cells) == len(self.header) and not any("\n" in cell.strip() for cell in own)


def read_table(text: str) -> ReadList | None:
    """Read a table with a header; None where the first line is no header."""
    table = _find_table(text)
    if table is None:
        return None
    entries: list[Entry] = []
    n_columns = len(table.header)
    for cells in _rows(text, table):
        # Blank, or the rule below the header of a table in Markdown.
        if not any(cell.strip(" -:\r\n") for cell in cells):
            continue
        require_few(len(entries) + 1)
        entry = Entry(len(entries) + 1)
        entries.append(entry)
        # Empty columns behind the last one are what spreadsheets leave.
        if len(cells) < max(table.places.values()) + 1 or any(cell.strip() for cell in cells[n_columns:]):
            entry.title = next((cell.strip()[:200] for cell in cells if cell.strip()), None)
            entry.fault = f"the row has {len(cells)} columns, the header {n_columns}"
        else:
            _read(entry, {name: cells[place].strip() for name, place in table.places.items()}, _best(table))
    return ReadList("csv", entries)


def _read(entry: Entry, row: dict[str, str], best: float | None) -> None:
    entry.title = row.get("title") or None
    entry.anime_id = _whole(row.get("anime_id")) or read_link(row.get("link", "")).anime_id
    link = read_link(row.get("title", ""))
    if link.is_link:
        entry.anime_id = entry.anime_id or link.anime_id
        entry.title = link.title
    for site in _SITES:
        number = _whole(row.get(site))
        if number:
            entry.site_ids[site] = number
    entry.year = _whole(row.get("year"))
    entry.score = read_score(row.get("score"), best)
    set_status(entry, row.get("status"), is_again=row.get("again", "").casefold() in {"1", "true", "yes"})


def _find_table(text: str) -> _Table | None:
    first = next((line for line in io.StringIO(text, newline=None) if line.strip()), "")[:10_000]
    tables = []
    for separator in _SEPARATORS:
        header = next(csv.reader([first], delimiter=separator), [])
        plain = [re.sub(r"[\W_]+", "", name).casefold() for name in header]
        places = {}
        for what, names in _NAMES.items():
            found = next((plain.index(name) for name in names if name in plain), None)
            if found is None and what == "score":
                found = next(
                    (place for place, name in enumerate(plain) if name.startswith(("score", "rating"))), None
                )
            if found is not None:
                places[what] = found
        # A plain "id" is MyAnimeList's where nothing else says which anime it is.
        if "id" in plain and not places.keys() & {"anime_id", "title", "link", *_SITES}:
            places["anime_id"] = plain.index("id")
        if places.keys() & {"anime_id", "title", "link", *_SITES} and (len(places) > 1 or plain[0] in _ALONE):
            tables.append(_Table(separator, header, places))
    return max(tables, key=lambda table: len(table.places), default=None)


def _best(table: _Table) -> float | None:
    """Give the best score, where the header says so: "Rating (1-5)", "Stars"."""
    if "score" not in table.places:
        return None
    name = table.header[table.places["score"]].casefold()
    if found := _OUT_OF.search(name):
        return float(found.group(1)) or None
    return 5.0 if "stars" in name else None


def _rows(text: str, table: _Table) -> Iterator[Sequence[str]]:
    """Read the rows below the header.

    A quote that nothing closes costs its own line: the rest of the file is not taken for one cell.
    """
    lines = iter(io.StringIO(text, newline=None))
    waiting: list[str] = []
    is_header = True
    while line := (waiting.pop(0) if waiting else next(lines, "")):
        if is_header:
            is_header = not line.strip()
            continue
        if len(line) > _MAX_ROW:
            yield [line[:_MAX_ROW]]
            continue
        taken = [line]
        while "".join(taken).count('"') % 2 and len(taken) <= _MAX_LINES_OF_ROW:
            more = waiting.pop(0) if waiting else next(lines, "")
            if not more:
                break
            taken.append(more)
        row = "".join(taken)
        cells = next(csv.reader(io.StringIO(row), delimiter=table.separator, skipinitialspace=True), [])
        if len(taken) == 1 or (row.count('"') % 2 == 0 and len(row) <= _MAX_ROW and table.takes(cells)):
            yield cells
        else:
            waiting = taken[1:] + waiting
            yield [cell.strip().strip('"') for cell in line.split(table.separator)]


def _whole(text: str | None) -> int | None:
    text = (text or "").strip().removesuffix(".0")
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text.strip("0")) < 19 else None
