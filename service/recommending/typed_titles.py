"""Titles as people type them: with list marks in front, ratings behind, or as a link."""

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

_LINK: Final = re.compile(
    r"(?:https?://)?(?:www\.)?(?:"
    r"myanimelist\.net/anime(?:/|\.php\?id=)(?P<mal>\d{1,9})(?:/(?P<mal_title>[^\s/?#]*))?"
    r"|shikimori\.(?:one|me|org|io)/animes/[a-z]?(?P<shikimori>\d{1,9})(?:-(?P<shikimori_title>[^\s/?#]*))?"
    r"|anilist\.co/anime/(?P<anilist>\d{1,9})(?:/(?P<anilist_title>[^\s/?#]*))?"
    r")\S*",
    re.IGNORECASE,
)
# "- ", "* ", "• ", "1. ", "12) ", "#3 ", "[x] "; a number needs its dot or bracket, or "86" were none.
_MARK: Final = re.compile(r"\s*(?:[-*+•·–—►▪]\s+|\[[ xX✓]?\]\s*|#?\d{1,4}[.)]\s+|#\d{1,4}\s+|\(\d{1,4}\)\s+)")
_NUMBER: Final = r"(?:10|\d)(?:[.,]\d{1,2})?"
_MAX_RATING: Final = 30
_RATING: Final = re.compile(
    rf"""(?:
        (?:\s*[-–—:=,;|\t(\[]\s*|\s+)(?P<of>\d{{1,3}}(?:[.,]\d{{1,2}})?\s*/\s*(?:5|10|20|100))\s*[)\]]?  # 9/10
        | (?:\s+[-–—:=|]\s*|\s*[:;,|\t=]\s*|\s*[(\[]\s*)(?P<alone>{_NUMBER})\s*[)\]]?  # - 9, : 9.5, [9]
        | \s*[-–—:=,;|\t(\[]?\s*(?P<percent>\d{{1,3}}\s*%)\s*[)\]]?
        | \s*[-–—:=,;|\t(\[]?\s*(?P<stars>(?=[★⭐☆½\ufe0f]{{3}})(?:[★⭐]\ufe0f?){{1,10}}½?☆{{0,9}})\s*[)\]]?
    )\s*$""",
    re.VERBOSE,
)


class TypedTitle(NamedTuple):
    """A title, and the rating that stood behind it."""

    title: str
    rating: str | None


class Link(NamedTuple):
    """A link to an anime's page, where it is one."""

    is_link: bool
    anime_id: int | None  # MyAnimeList's
    anilist_id: int | None
    title: str | None


def read_link(text: str) -> Link:
    """Read a link to MyAnimeList, Shikimori (whose ids are MyAnimeList's) or AniList, wherever it stands."""
    found = _LINK.search(text)
    if not found:
        return Link(False, None, None, None)
    groups = found.groupdict()
    number = groups["mal"] or groups["shikimori"]
    slug = groups["mal_title"] or groups["shikimori_title"] or groups["anilist_title"] or ""
    title = " ".join(re.sub(r"[_-]+", " ", unquote(slug)).split())
    anilist = groups["anilist"]
    return Link(True, int(number) if number else None, int(anilist) if anilist else None, title or None)


def readings_of(text: str) -> list[TypedTitle]:
    """Give the ways to read what somebody typed, as it stands first: marks and ratings may belong to a title.

    "1. Monster" is a title as it stands, or Monster with a number before it; "Mushishi: 9.5" as it stands, or
    Mushishi, rated.
    """
    text = text.strip()
    unmarked = _MARK.sub("", text, count=1).strip() if _MARK.match(text) else text
    readings = [TypedTitle(text, None)]
    if unmarked != text:
        readings.append(TypedTitle(unmarked, None))
    begin = max(len(unmarked) - _MAX_RATING, 0)
    rated = _RATING.search(unmarked, begin)
    if rated and unmarked[: rated.start()].strip():
        readings.append(TypedTitle(unmarked[: rated.start()].strip(), next(filter(None, rated.groups()))))
        # No title is compared by its stars, so that it would be the title as it stands, too.
        if rated["stars"]:
            return readings[-1:]
    return readings
