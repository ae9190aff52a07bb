"""How an entry of each form of JSON is read."""

from collections.abc import Iterator
from typing import Any, Final

from service.importing.entries import Entry, StatusName
from service.importing.scores import read_score
from service.importing.statuses import set_status

Object = dict[str, Any]
TITLES: Final = ("title", "name", "anime", "anime_title", "animeTitle", "series_title")
_ANILIST_STATUSES: Final[tuple[StatusName, ...]] = (
    "watching",
    "plan_to_watch",
    "completed",
    "dropped",
    "on_hold",
    "completed",
)


def read_own(entry: Entry, row: Object) -> None:
    """Read an entry of what POST /recommendations takes, or of MyAnimeList's old load.json."""
    entry.anime_id, entry.title = _whole(row.get("anime_id")), _text(row, "anime_title", "title", "name")
    _rate(entry, row)


def read_anilist_export(entry: Entry, row: Object) -> None:
    """Read an entry of AniList's data export: ids and numbers alone."""
    _set_id(entry, "anilist", row.get("series_id"))
    entry.score = read_score(row.get("score"))
    status = row.get("status")
    if isinstance(status, int) and 0 <= status < len(_ANILIST_STATUSES):
        entry.status = _ANILIST_STATUSES[status]
    else:
        set_status(entry, status)


def read_anilist(entry: Entry, row: Object) -> None:
    """Read an entry of AniList's API."""
    media = _object(row.get("media"))
    entry.anime_id = _whole(media.get("idMal"))
    _set_id(entry, "anilist", media.get("id") or row.get("mediaId"))
    titles = _object(media.get("title"))
    entry.title = _text(titles, "romaji", "english", "native", "userPreferred")
    entry.year = _whole(get_in(media, "startDate", "year")) or _whole(media.get("seasonYear"))
    _rate(entry, row)


def read_mal(entry: Entry, row: Object) -> None:
    """Read an entry of MyAnimeList's API, version 2."""
    node, state = _object(row.get("node")), _object(row.get("list_status"))
    entry.anime_id, entry.title = _whole(node.get("id")), _text(node, "title")
    entry.score = read_score(state.get("score"))
    set_status(entry, state.get("status"), is_again=state.get("is_rewatching") is True)


def read_shikimori(entry: Entry, row: Object) -> None:
    """Read an entry of Shikimori's API or export."""
    anime = _object(row.get("anime"))
    # Shikimori's ids are MyAnimeList's.
    entry.anime_id = _whole(anime.get("malId") or row.get("target_id") or anime.get("id"))
    entry.title = _text(anime, "name", "russian") or _text(row, "target_title", "target_title_ru")
    _rate(entry, row)


def read_simkl(entry: Entry, row: Object) -> None:
    """Read an entry of Simkl."""
    show = _object(row.get("show") or row.get("movie") or row.get("anime"))
    ids = _object(show.get("ids"))
    entry.anime_id, entry.title, entry.year = _whole(ids.get("mal")), _text(show, "title"), _whole(show.get("year"))
    _set_id(entry, "anilist", ids.get("anilist"))
    _set_id(entry, "kitsu", ids.get("kitsu"))
    _set_id(entry, "anidb", ids.get("anidb"))
    entry.score = read_score(row.get("user_rating"))
    set_status(entry, row.get("status"))


def read_kitsu(entry: Entry, row: Object) -> None:
    """Read an entry of Kitsu's API, with what was included of its anime."""
    attributes, of = _object(row.get("attributes")), _object(row.get("of"))
    entry.anime_id = _whole(of.get("mal"))
    _set_id(entry, "kitsu", of.get("kitsu"))
    titles = _object(of.get("titles"))
    entry.title = _text(titles, "canonicalTitle") or _text(_object(titles.get("titles")), "en_jp", "en", "ja_jp")
    twentieth = attributes.get("ratingTwenty")
    entry.score = read_score(twentieth, 20.0) if twentieth else read_score(attributes.get("rating"), 5.0)
    set_status(entry, attributes.get("status"), is_again=attributes.get("reconsuming") is True)


def read_anime_planet(entry: Entry, row: Object) -> None:
    """Read an entry of Anime-Planet, whose scores are stars."""
    entry.title = _text(row, "name")
    entry.score = read_score(row.get("rating"), 5.0)
    set_status(entry, row.get("status"))


def read_any(entry: Entry, row: Object) -> None:
    """Read an object that has a title, by the usual names."""
    entry.anime_id = _whole(row.get("mal_id") or row.get("idMal") or row.get("malId") or row.get("myanimelist_id"))
    entry.title, entry.year = _text(row, *TITLES), _whole(row.get("year"))
    _set_id(entry, "anilist", row.get("anilist_id") or row.get("anilistId"))
    _rate(entry, row)


def _rate(entry: Entry, row: Object) -> None:
    scores = (row[key] for key in ("my_score", "rating", "score", "user_rating", "myScore") if key in row)
    entry.score = read_score(next(scores, None))
    statuses = (row[key] for key in ("my_status", "status", "watching_status", "myStatus", "list") if key in row)
    set_status(entry, next(statuses, None), is_again=bool(row.get("is_rewatching")))


def get_in(value: Any, *keys: str) -> Any:
    """Look into objects within objects; None where a key or an object lacks."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _object(value: Any) -> Object:
    return value if isinstance(value, dict) else {}


def list_of(value: Any) -> list[Any]:
    """Give a list, empty where there is none."""
    return value if isinstance(value, list) else []


def _text(row: Object, *keys: str) -> str | None:
    found: Iterator[str] = (value.strip() for key in keys if isinstance(value := row.get(key), str) and value.strip())
    title = next(found, None)
    # Half a character, "\\ud83d" alone, cannot be written into an answer.
    return title and title.encode("utf-8", "replace").decode()


def _whole(value: Any) -> int | None:
    """Read an id or a year, which some write as texts."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63 else None


def _set_id(entry: Entry, site: Any, value: Any) -> None:
    number = _whole(value)
    if number is not None:
        entry.site_ids[site] = number
