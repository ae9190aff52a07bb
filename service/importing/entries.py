"""What a reader of lists finds: entries, not yet looked up in the catalogue."""

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from models.bundle.layout import Site
from service.recommending.errors import UnreadableListError

# The longest list that POST /recommendations takes, too.
MAX_ENTRIES: Final = 20_000

StatusName = Literal["watching", "completed", "on_hold", "dropped", "plan_to_watch"]
STATUS_NAMES: Final[tuple[StatusName, ...]] = get_args(StatusName)


@dataclass(frozen=True)
class Score:
    """A score as the list has it."""

    value: float | None = None  # None where there is none
    out_of: float | None = None  # the best that could be given, where the entry says so: 9/10
    unread: str | None = None  # what stands there, where it is no number


@dataclass(frozen=True)
class Reading:
    """One way to read what somebody typed."""

    title: str
    score: Score = Score()


@dataclass
class Entry:
    """An entry of a list."""

    place: int  # from 1
    title: str | None = None
    anime_id: int | None = None  # MyAnimeList's
    site_ids: dict[Site, int] = field(default_factory=dict)
    year: int | None = None
    score: Score = Score()
    status: StatusName | None = None
    unknown_status: str | None = None  # a word for a status that nobody knows
    readings: tuple[Reading, ...] = ()  # of a line, the likeliest first; title and score are those of none
    fault: str | None = None  # why it cannot be used


@dataclass
class ReadList:
    """A list that was read, whatever it was."""

    format: str
    entries: list[Entry]
    notes: list[str] = field(default_factory=list)
    out_of: float | None = None  # the best score of the list's scale, where the format says so


def require_few(n_entries: int) -> None:
    """Check that a list is no longer than is read.

    Raises
    ------
    UnreadableListError
        If it is.
    """
    if n_entries > MAX_ENTRIES:
        raise UnreadableListError(
            f"the list has more than {MAX_ENTRIES} entries", "send it in parts, or leave out what was not watched"
        )
