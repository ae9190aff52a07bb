"""Lists as JSON: AniList, MyAnimeList's API, Shikimori, Simkl, Kitsu, Anime-Planet, and this service's own."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, NamedTuple

import orjson

from service.importing import json_entries
from service.importing.entries import Entry, ReadList, require_few
from service.importing.json_entries import Object, get_in, list_of
from service.recommending.errors import UnreadableListError

# No list of this length has more objects or values; parsed, each takes memory.
_MAX_OBJECTS: Final = 400_000
_MAX_VALUES: Final = 2_000_000
_ANILIST_BEST: Final = {
    "POINT_100": 100.0,
    "POINT_10_DECIMAL": 10.0,
    "POINT_10": 10.0,
    "POINT_5": 5.0,
    "POINT_3": 3.0,
}
_KNOWN: Final = (
    "AniList, MyAnimeList's API, Shikimori, Simkl, Kitsu, Anime-Planet, or "
    '{"ratings": [{"anime_id": 1, "rating": 9, "status": "completed"}]}'
)


class _Form(NamedTuple):
    """A form of JSON: how its entries are found, and how one is read."""

    name: str
    rows: Callable[[Any], list[Any] | None]  # None where it is not of this form
    read: Callable[[Entry, Object], None]
    best: Callable[[Any], float | None] = lambda _: None  # the best score, where the file says so


def read_json(text: str) -> ReadList:
    """Read a list of any known form.

    Raises
    ------
    UnreadableListError
        If it is no JSON, too long, or of no known form.
    """
    if text.count("{") > _MAX_OBJECTS or text.count(",") + text.count("[") > _MAX_VALUES:
        raise UnreadableListError("the JSON holds more than any list does", "send the list alone")
    content = _parse(text)
    for form in _FORMS:
        rows = form.rows(content)
        if rows is not None:
            return _read(form, rows, form.best(content))
    raise UnreadableListError("this JSON is no list that is known here", f"known are {_KNOWN}")


def _parse(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        # Slower, but it takes what some tools write: control characters in texts, and NaN.
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(text, strict=False)
        fault = f"{error.msg}, line {error.lineno} column {error.colno}"
        raise UnreadableListError(f"this begins like JSON, but is none: {fault}", "export the list again") from error


def _read(form: _Form, rows: list[Any], best: float | None) -> ReadList:
    entries: list[Entry] = []
    n_manga, n_again, seen = 0, 0, set()
    for row in rows:
        require_few(len(entries) + 1)
        entry = Entry(len(entries) + 1)
        if not isinstance(row, dict):
            entry.fault = "the entry is no object"
        elif _is_manga(row):
            n_manga += 1
            continue
        else:
            form.read(entry, row)
            # On AniList an entry is on a status list and on any number of the user's own.
            if form.name == "anilist-graphql":
                if (same := repr(replace(entry, place=0))) in seen:
                    n_again += 1
                    continue
                seen.add(same)
        entries.append(entry)
    notes = [f"{n_manga} manga were left out."] if n_manga else []
    if n_again:
        notes.append(f"{n_again} entries that stand on several lists were read once.")
    if n_manga and not entries:
        raise UnreadableListError("this is a list of manga", "send the list of anime")
    return ReadList(form.name, entries, notes, best)


def _is_manga(row: Object) -> bool:
    kinds = (
        get_in(row, "series_type"),
        get_in(row, "media", "type"),
        get_in(row, "target_type"),
        get_in(row, "media_type"),
        get_in(row, "relationships", "media", "data", "type"),
    )
    return any(kind == 1 if isinstance(kind, int) else str(kind).casefold() in _MANGA for kind in kinds) or (
        bool(row.get("manga")) and not row.get("anime")
    )


_MANGA: Final = {"manga", "ranobe", "light_novel", "novel", "one_shot"}


# How entries are found.


def _own_rows(content: Any) -> list[Any] | None:
    rows = content.get("ratings") if isinstance(content, dict) else content
    return rows if _all_have(rows, "anime_id") else None


def _anilist_export_rows(content: Any) -> list[Any] | None:
    rows = get_in(content, "lists")
    return rows if _all_have(rows, "series_id") else None


def _anilist_rows(content: Any) -> list[Any] | None:
    lists = get_in(_anilist_collection(content), "lists")
    if isinstance(lists, list) and any(isinstance(one, dict) and "entries" in one for one in lists):
        return [entry for one in lists if isinstance(one, dict) for entry in list_of(one.get("entries"))]
    rows = get_in(content, "data", "Page", "mediaList")
    return rows if isinstance(rows, list) else content if _all_have(content, "media") else None


def _anilist_collection(content: Any) -> Any:
    content = get_in(content, "data") or content
    return get_in(content, "MediaListCollection") or content


def _anilist_best(content: Any) -> float | None:
    return _ANILIST_BEST.get(str(get_in(_anilist_collection(content), "user", "mediaListOptions", "scoreFormat")))


def _mal_rows(content: Any) -> list[Any] | None:
    # Pages of the API, one or several.
    pages = content if isinstance(content, list) else [content]
    rows = [row for page in pages for row in (list_of(page.get("data")) if isinstance(page, dict) else [])] or content
    return rows if _all_have(rows, "node") else None


def _shikimori_rows(content: Any) -> list[Any] | None:
    rows = get_in(content, "data", "userRates") or content
    return rows if _all_have(rows, "target_id") or _all_have(rows, "anime") else None


def _simkl_rows(content: Any) -> list[Any] | None:
    if not isinstance(content, dict) or not any(_all_have(content.get(key), key[:-1]) for key in ("shows", "movies")):
        rows = get_in(content, "anime")
        return rows if _all_have(rows, "show") else None
    return list_of(content.get("anime")) or [*list_of(content.get("shows")), *list_of(content.get("movies"))]


def _kitsu_rows(content: Any) -> list[Any] | None:
    rows = get_in(content, "data")
    if not _all_have(rows, "attributes"):
        return None
    included = {_identifier(one): one for one in list_of(get_in(content, "included"))}
    return [row | {"of": _included(row, included)} if isinstance(row, dict) else row for row in rows]


def _included(row: Object, included: dict[Any, Any]) -> Any:
    data = get_in(row, "relationships", "anime", "data") or get_in(row, "relationships", "media", "data")
    anime = included.get(_identifier(data)) or {}
    links = [included.get(_identifier(one)) for one in list_of(_mappings(anime))]
    ids = {
        str(get_in(link, "attributes", "externalSite")): get_in(link, "attributes", "externalId") for link in links
    }
    return {"kitsu": get_in(data, "id"), "titles": get_in(anime, "attributes"), "mal": ids.get("myanimelist/anime")}


def _identifier(resource: Any) -> tuple[str, str]:
    return str(get_in(resource, "type")), str(get_in(resource, "id"))


def _mappings(anime: Any) -> Any:
    return get_in(anime, "relationships", "mappings", "data")


def _anime_planet_rows(content: Any) -> list[Any] | None:
    rows = get_in(content, "entries")
    return rows if _all_have(rows, "name") else None


def _any_rows(content: Any) -> list[Any] | None:
    """Find a list of objects that have titles, wherever it is."""
    if isinstance(content, dict):
        content = max((value for value in content.values() if isinstance(value, list)), key=len, default=None)
    return content if any(_all_have(content, key) for key in json_entries.TITLES) else None


_FORMS: Final = (
    _Form("osusume", _own_rows, json_entries.read_own),
    _Form("anilist-export", _anilist_export_rows, json_entries.read_anilist_export, lambda _: 100.0),
    _Form("anilist-graphql", _anilist_rows, json_entries.read_anilist, _anilist_best),
    _Form("mal-api", _mal_rows, json_entries.read_mal),
    _Form("simkl", _simkl_rows, json_entries.read_simkl),
    _Form("shikimori", _shikimori_rows, json_entries.read_shikimori),
    _Form("kitsu", _kitsu_rows, json_entries.read_kitsu),
    _Form("anime-planet", _anime_planet_rows, json_entries.read_anime_planet),
    _Form("json", _any_rows, json_entries.read_any),
)


def _all_have(rows: Any, key: str) -> bool:
    """Whether this is a list of objects that have a key; damaged ones may be among them."""
    if not isinstance(rows, list):
        return False
    n_having = sum(isinstance(row, dict) and key in row for row in rows)
    return n_having * 2 > len(rows)
