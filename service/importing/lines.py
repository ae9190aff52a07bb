"""Lists as people write them down: a title per line, with list marks, ratings and links around it."""

import io
import re
from collections.abc import Sequence
from typing import Final

from service.importing.entries import Entry, Reading, ReadList, require_few
from service.importing.scores import read_score
from service.importing.statuses import is_status, set_status
from service.recommending.typed_titles import read_link, readings_of

_MAX_LINE: Final = 300
# Behind a dash or a tab it is a rating in any case.
_BARE_RATING: Final = re.compile(r"(?<=[^\s\-–—:=,;|]) +(10|[1-9](?:[.,]\d)?)$")
_LEAST_RATED: Final = 3
_LEAST_TITLES: Final = 3
_MOSTLY: Final = 0.8
_LAST_SEASON: Final = 5
_LETTERS: Final = re.compile(r"[^\W\d_]{2}")
_RULES: Final = set("-=_*#~—– \t")


def read_lines(text: str) -> ReadList:
    """Read lines of titles; blank ones, and rules drawn under headings, are none.

    A line that is a status and nothing else is a heading: it holds for the lines below it.
    """
    lines: list[tuple[str, str | None]] = []
    heading: str | None = None
    for written in io.StringIO(_as_lines(text.strip()), newline=None):
        line = written[: _MAX_LINE + 1].strip()
        if not set(line) - _RULES:
            continue
        if is_status(line.strip("#*-:= []")) and (line[0] in "#*[=-" or line.endswith(":") or "\t" not in line):
            heading = line.strip("#*-:= []")
            continue
        require_few(len(lines) + 1)
        lines.append((line, heading))
    share = _share_rated([line for line, _ in lines])
    return ReadList("titles", [_read(place, line, status, share) for place, (line, status) in enumerate(lines, 1)])


def _as_lines(text: str) -> str:
    """Take a single line apart that is a list by itself: "Cowboy Bebop, Mushishi, dropped: Overlord"."""
    if len(text) > _MAX_LINE or len(text.splitlines()) > 1:
        return text
    titles = [title for title in map(str.strip, re.split("[,;]", text)) if title]
    are_titles = all(_LETTERS.search(title) and not is_status(title) for title in titles)
    if len(titles) < _LEAST_TITLES or not are_titles:
        return text
    parts = [title.partition(":") for title in titles]
    return "\n".join(
        f"{first}:\n{rest.strip()}" if is_status(first) else first + colon + rest for first, colon, rest in parts
    )


def _share_rated(lines: Sequence[str]) -> float:
    """Give the share of the lines that end in a rating: "Naruto 8"; none where the numbers may be seasons."""
    found = [number.group(1).replace(",", ".") for line in lines if (number := _BARE_RATING.search(line[-20:]))]
    are_seasons = len(found) < _LEAST_RATED or max(map(float, found)) <= _LAST_SEASON
    return 0.0 if are_seasons else len(found) / len(lines)


def _read(place: int, line: str, heading: str | None, share_rated: float) -> Entry:
    entry = Entry(place, title=line[:_MAX_LINE])
    if len(line) > _MAX_LINE:
        entry.fault = f"the line is longer than {_MAX_LINE} characters"
        return entry
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
    bare = _BARE_RATING.search(line) if share_rated >= _MOSTLY else None
    title = entry.readings[-1].title.removesuffix(bare.group()).strip() if bare and entry.readings else ""
    if bare and title:
        rated = Reading(title, read_score(bare.group(1)))
        # Where every line has a rating, "Sword Art Online 2" is no second season.
        entry.readings = (rated, *entry.readings) if share_rated == 1.0 else (*entry.readings, rated)
    if link.is_link:
        entry.anime_id, entry.title = link.anime_id, link.title or entry.title
        if link.anilist_id:
            entry.site_ids["anilist"] = link.anilist_id
        entry.score = entry.readings[-1].score if entry.readings else entry.score
        entry.readings = tuple(Reading(link.title, entry.score) for _ in [0] if link.title)
    return entry
