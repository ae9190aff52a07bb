"""Lists as people write them down: a title per line, with list marks, ratings and links around it."""

import io
import itertools
import re
from typing import Final

from service.importing.entries import Entry, Reading, ReadList, require_few
from service.importing.scores import read_score
from service.importing.statuses import is_status, set_status
from service.recommending.typed_titles import read_link, readings_of

_MAX_LINE: Final = 300
_BARE_RATING: Final = re.compile(r"\s(10|[1-9](?:[.,]\d)?)$")
_N_LOOKED_AT: Final = 1_000
_LEAST_RATED: Final = 3
_LAST_SEASON: Final = 5
_RULES: Final = set("-=_*#~—– \t")


def read_lines(text: str) -> ReadList:
    """Read lines of titles; blank ones, and rules drawn under headings, are none.

    A line that is a status and nothing else is a heading: it holds for the lines below it.
    """
    entries: list[Entry] = []
    heading: str | None = None
    is_rated = _ends_in_ratings(text)
    for written in io.StringIO(text, newline=None):
        line = written[: _MAX_LINE + 1].strip()
        if not set(line) - _RULES:
            continue
        if is_status(line.strip("#*-:= []")) and (line[0] in "#*[=-" or line.endswith(":") or "\t" not in line):
            heading = line.strip("#*-:= []")
            continue
        require_few(len(entries) + 1)
        entry = Entry(len(entries) + 1, title=line[:_MAX_LINE])
        entries.append(entry)
        _read(entry, line, heading, is_rated=is_rated)
    return ReadList("titles", entries)


def _ends_in_ratings(text: str) -> bool:
    """Whether a number stands at the end of nearly every line, so that it is no season: "Naruto 8"."""
    lines = [line for line in itertools.islice(io.StringIO(text, newline=None), _N_LOOKED_AT) if line.strip()]
    numbers = [
        float(found.group(1).replace(",", "."))
        for line in lines
        if (found := _BARE_RATING.search(line[-20:].rstrip()))
    ]
    # Seasons are small numbers.
    return len(numbers) >= max(_LEAST_RATED, 0.8 * len(lines)) and max(numbers) > _LAST_SEASON


def _read(entry: Entry, line: str, heading: str | None, *, is_rated: bool) -> None:
    if len(line) > _MAX_LINE:
        entry.fault = f"the line is longer than {_MAX_LINE} characters"
        return
    link = read_link(line)
    status = heading
    # "Title; 9; Completed": the status is the last of what follows the title.
    for separator in ("\t", ";", "|", ","):
        before, found, last = line.rpartition(separator)
        if found and is_status(last):
            line, status = before.strip(), last
            break
    set_status(entry, status)
    entry.readings = tuple(
        Reading(typed.title, read_score(typed.rating)) for typed in readings_of(line) if typed.title
    )
    bare = _BARE_RATING.search(line) if is_rated else None
    if bare and entry.readings:
        title = entry.readings[-1].title.removesuffix(bare.group()).strip()
        entry.readings += (Reading(title, read_score(bare.group(1))),) if title else ()
    if link.is_link:
        entry.anime_id, entry.title = link.anime_id, link.title or entry.title
        if link.anilist_id:
            entry.site_ids["anilist"] = link.anilist_id
        entry.score = entry.readings[-1].score if entry.readings else entry.score
        entry.readings = tuple(Reading(link.title, entry.score) for _ in [0] if link.title)
