"""Column names of the MyAnimeList dump, and the other names that copies of it use."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from training.errors import InputError

USER_ID: Final = "user_id"
ANIME_ID: Final = "anime_id"
RATING: Final = "rating"
STATUS: Final = "watching_status"

# Left: as headers are compared, lower case with every run of other characters an underscore.
_VARIANTS: Final = {
    "userid": USER_ID,
    "username": USER_ID,
    "user_name": USER_ID,
    "user": USER_ID,
    "mal_id": ANIME_ID,
    "malid": ANIME_ID,
    "animeid": ANIME_ID,
    "score": RATING,
    "my_score": RATING,
    "status": STATUS,
    "my_status": STATUS,
}
_OWN: Final = {
    "my_score": ("score", "rating"),
    "my_status": ("status",),
    "user_id": ("username", "user_name", "user"),
    "userid": ("username", "user_name", "user"),
}
_CATALOGUE_VARIANTS: Final = {
    "anime_id": "mal_id",
    "animeid": "mal_id",
    "malid": "mal_id",
    "title": "name",
    "genders": "genres",
    "genre": "genres",
    "studio": "studios",
    "sypnopsis": "synopsis",
    "uid": "mal_id",
    "mean": "score",
    "other_name": "japanese_name",
    "title_english": "english_name",
    "title_japanese": "japanese_name",
}
# Which are what they seem only where a better one is not there.
_SPARE: Final = {"other_name": "japanese_name", "mean": "score", "uid": "mal_id"}


def list_columns(header: Iterable[str]) -> list[str]:
    """Give the columns of a list file their standard names; unknown columns keep theirs."""
    names = [plain(name) for name in header]
    # Beside my_score, score and rating are those of the anime; beside a number, a name is not the user's id.
    for own, others in _OWN.items():
        if own in names:
            names = [f"other_{name}" if name in others else name for name in names]
    return [_VARIANTS.get(name, name) for name in names]


def catalogue_columns(header: Iterable[str]) -> list[str]:
    """Give the columns of a catalogue file their standard names: ``mal_id``, ``english_name``, ``synopsis``, ..."""
    names = [plain(name) for name in header]
    return [
        name if name in _SPARE and _SPARE[name] in names else _CATALOGUE_VARIANTS.get(name, name) for name in names
    ]


def require_columns(
    path: Path | str, columns: Sequence[str], required: Sequence[str], optional: Sequence[str] = (), written: str = ""
) -> None:
    """Check that all required columns are there, and that no column, optional ones included, is there twice.

    ``written`` says how the file is written, for the error.

    Raises
    ------
    InputError
        If one is missing or there twice; names it and what was found.
    """
    missing = [name for name in required if name not in columns]
    if missing:
        found = ", ".join(name[:40] for name in columns[:12]) + (", ..." if len(columns) > 12 else "")
        raise InputError(
            f"{path}: no column {', '.join(missing)}; the header has: {found}{written}; needed: {', '.join(required)}"
        )
    twice = [name for name in (*required, *optional) if columns.count(name) > 1]
    if twice:
        raise InputError(f"{path}: more than one column means {', '.join(twice)}; leave one")


def plain(name: str) -> str:
    """Reduce a header to lower case, with every run of characters other than letters and digits an underscore."""
    words = "".join(letter if letter.isalnum() else " " for letter in name.strip().lower().lstrip("\ufeff"))
    return "_".join(words.split())
