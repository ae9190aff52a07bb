"""Statuses: the words and numbers that sites have for them."""

import re
from typing import Final

from service.importing.entries import Entry, StatusName

_WORDS: Final[dict[StatusName, str]] = {
    "watching": "watching, current, currently watching, in progress, started, 1",
    "completed": (
        "completed, complete, finished, watched, seen, done, 2, "
        # Whoever watches it again has seen it.
        "rewatching, re watching, repeating, rewatched, "
        # Headings that people write.
        "favorites, favourites, loved, liked"
    ),
    "on_hold": "on hold, onhold, hold, paused, stalled, 3",
    "dropped": "dropped, abandoned, notinteresting, hated, disliked, 4",
    "plan_to_watch": (
        "plan to watch, plantowatch, planned, planning, plan, ptw, want to watch, wishlist, watchlist, backlog, 6, "
        # Of lists that were once of manga.
        "plan to read, plantoread, ptr, want to read"
    ),
}
_BY_WORD: Final = {word.strip(): status for status, words in _WORDS.items() for word in words.split(",")}
_BETWEEN: Final = re.compile(r"[\W_]+")


def set_status(entry: Entry, raw: object, *, is_again: bool = False) -> None:
    """Give an entry its status; ``is_again`` where it is being watched once more, so that it was seen."""
    word = "" if raw is None or isinstance(raw, bool) else _BETWEEN.sub(" ", str(raw)).strip().casefold()
    entry.status = _BY_WORD.get(word)
    if is_again and entry.status in {"watching", "completed", None}:
        entry.status = "completed"
    elif word and entry.status is None:
        entry.unknown_status = str(raw).strip()[:40]


def is_status(word: str) -> bool:
    """Whether a word, no number, names a status."""
    return len(word) < 40 and not word.strip().isdigit() and _BETWEEN.sub(" ", word).strip().casefold() in _BY_WORD
