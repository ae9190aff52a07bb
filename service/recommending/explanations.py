"""Why an anime is recommended: the user's own anime that support it, similar users, and notes in words."""

from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.candidate_features import FEATURES
from models.scoring.neighbours import N_NEIGHBOURS
from models.scoring.reranker import USUAL_DISLIKED, RerankedList, Reranker
from models.scoring.user_list import Status, UserList, entries_of_users, least_of_top_quarters
from service.recommending.similar_users import UserProfile

MAX_REASONS: Final = 5
MAX_SUPPORTERS: Final = 5
MAX_NOTES: Final = 3
# In log odds: less than a tenth is not worth a note.
LEAST_EFFECT: Final = 0.1
N_GENRES: Final = 2
# The cosine of two anime that have little in common: half of the pairs of well-known anime are more alike.
UNLIKE: Final = 0.1

# Features that mean one thing together; they are set to their means together to see what they did.
_GROUPS: Final = {
    "franchise": (
        "seen of its franchise",
        "share seen of its franchise",
        "seen of its franchise's main line before it",
        "unseen of its franchise's main line before it",
        "next of a begun franchise",
        "rating of its franchise",
        "years from the nearest seen of its franchise",
    ),
    "neighbourhood": tuple(name for name in FEATURES if name.endswith("nearest users")),
    "studio": ("studio lift", "rating of its studio", "titles of its studio"),
    "genres": ("genre cosine", "genre lift", "rating of its genres"),
    "years": ("share of the list within a year", "year lift", "years from the mean", "years newer than the newest"),
}


class Reason(NamedTuple):
    """An anime the user has seen, and what it adds to the score."""

    anime_row: int
    contribution: float


class Supporter(NamedTuple):
    """A similar user who rates a recommended anime highly."""

    user_row: int
    similarity: float
    rating: int


@dataclass(frozen=True)
class Explanation:
    """Why an anime is recommended."""

    because: list[Reason]  # the user's own anime that support it, the strongest first
    supporters: list[Supporter]  # similar users who hold it in their top quarter, the most similar first
    n_supporters: int  # how many of the 50 nearest do
    seen_by: float | None  # share of the 50 nearest who have seen it; None for new anime, or where nobody is near
    notes: list[str]  # reasons in words, from methods that have some


def explain(
    bundle: Bundle,
    profile: UserProfile,
    anime_rows: list[int],
    contributions: NDArray[np.float32],
    notes: list[list[str]],
) -> list[Explanation]:
    """Explain each anime of a page.

    Contributions, shape (n_page, n_support), and notes belong to the rows whose scores are shown, supporters to those
    rows that are shown.
    """
    reasons = _liked_reasons(profile, contributions)
    supporters = _supporters(bundle, profile, anime_rows)
    return [
        Explanation(because, *support, words)
        for because, support, words in zip(reasons, supporters, notes, strict=True)
    ]


def explain_by_list(profile: UserProfile, contributions: NDArray[np.float32]) -> list[Explanation]:
    """Explain anime that nobody supports by contributions alone, shape (n_page, n_support)."""
    return [Explanation(because, [], 0, None, []) for because in _liked_reasons(profile, contributions)]


def _liked_reasons(profile: UserProfile, contributions: NDArray[np.float32]) -> list[list[Reason]]:
    # What the user dislikes is no reason for anything.
    user_list, support = profile.user_list, profile.user_list.support
    liked = ~user_list.disliked[np.searchsorted(user_list.anime_rows, support.rows)]
    return _reasons(support.rows[liked], contributions[:, liked])


def _reasons(seen_rows: NDArray[np.integer], contributions: NDArray[np.float32]) -> list[list[Reason]]:
    strongest = np.arange(contributions.shape[1])[None, :]
    if contributions.shape[1] > MAX_REASONS:
        # In the order of the list first, so that it decides between equals.
        strongest = np.sort(np.argpartition(-contributions, MAX_REASONS - 1, axis=1)[:, :MAX_REASONS], axis=1)
    each = np.arange(len(contributions))[:, None]
    values = contributions[each, strongest]
    strongest = np.broadcast_to(strongest, values.shape)
    order = np.argsort(-values, axis=1, kind="stable")
    rows = seen_rows[strongest[each, order]].tolist()
    # What lowers the score of an anime is no reason for it.
    return [
        [Reason(row, value) for row, value in zip(page_rows, page_values, strict=True) if value > 0.0]
        for page_rows, page_values in zip(rows, values[each, order].tolist(), strict=True)
    ]


def _supporters(
    bundle: Bundle, profile: UserProfile, anime_rows: list[int]
) -> list[tuple[list[Supporter], int, float | None]]:
    """Find who of the nearest users holds each anime in their top quarter: the most similar five, and how many.

    And what share of the nearest users has seen it.
    """
    neighbours = profile.neighbours(N_NEIGHBOURS)
    similarities = neighbours.similarities
    columns = (bundle.list_anime_rows, bundle.list_ratings, bundle.list_statuses)
    sizes, (listed, ratings, statuses) = entries_of_users(bundle, neighbours.rows, *columns)
    owners = np.repeat(np.arange(len(sizes)), sizes)
    least = least_of_top_quarters(owners, ratings, len(sizes))
    wanted = np.zeros(bundle.n_anime, dtype=bool)
    wanted[anime_rows] = True
    # As numpy wants an index: of thirty-two bits it would make these by a slower way.
    held = np.flatnonzero(wanted[listed.astype(np.intp)])
    held = held[similarities[owners[held]] > 0.0]
    n_near = int(np.count_nonzero(similarities > 0.0))
    n_seen = np.bincount(listed[held[statuses[held] != int(Status.PLAN_TO_WATCH)]], minlength=bundle.n_anime)
    held = held[ratings[held] >= least[owners[held]]]
    places: dict[int, list[int]] = {row: [] for row in anime_rows}
    for place, row in enumerate(listed[held].tolist()):
        places[row].append(place)
    users = neighbours.rows[owners[held]].tolist()
    nearness = similarities[owners[held]].tolist()
    given = ratings[held].tolist()
    return [
        (
            [Supporter(users[p], nearness[p], given[p]) for p in places[row][:MAX_SUPPORTERS]],
            len(places[row]),
            int(n_seen[row]) / n_near if n_near else None,
        )
        for row in anime_rows
    ]


class FeatureWords:
    """Puts the effects of the re-ranker's features into words a fan understands."""

    def __init__(self, bundle: Bundle, reranker: Reranker) -> None:
        self._bundle = bundle
        self._reranker = reranker
        self._genre_shares = bundle.anime_genres.mean(axis=0)
        self._groups = {group: [FEATURES.index(name) for name in names] for group, names in _GROUPS.items()}

    def explain(self, reranked: RerankedList, user_list: UserList, anime_rows: list[int]) -> list[list[str]]:
        """Name what raised some anime most, at most three per anime; nothing for what only the first stage ranked."""
        places = reranked.places[anime_rows]
        if not len(places):
            return []
        effects = self._reranker.effects(reranked.features[np.maximum(places, 0)], self._groups)
        by_row = zip(*(values.tolist() for values in effects.values()), strict=True)
        return [
            self._words(row, dict(zip(effects, of_row, strict=True)), user_list) if place >= 0 else []
            for row, place, of_row in zip(anime_rows, places.tolist(), by_row, strict=True)
        ]

    def _words(self, anime_row: int, effects: dict[str, float], user_list: UserList) -> list[str]:
        strong = sorted(
            (group for group in effects if effects[group] >= LEAST_EFFECT), key=lambda group: -effects[group]
        )
        said = (self._say(group, anime_row, user_list.support.rows) for group in strong)
        unlike = self._say_unlike(anime_row, user_list)
        return [*islice(filter(None, said), MAX_NOTES - len(unlike)), *unlike]

    def _say(self, group: str, anime_row: int, seen_rows: NDArray[np.integer]) -> str | None:
        match group:
            case "franchise":
                return self._say_franchise(anime_row, seen_rows)
            case "studio":
                return self._say_studio(anime_row, seen_rows)
            case "genres":
                return self._say_genres(anime_row, seen_rows)
            case "years":
                return self._say_years(anime_row, seen_rows)
            case _:
                return "seen by many with a list like this one"

    def _say_unlike(self, anime_row: int, user_list: UserList) -> list[str]:
        disliked = user_list.disliked_rows
        if len(disliked) <= USUAL_DISLIKED * len(user_list.seen_rows):
            return []
        embeddings = self._bundle.anime_embeddings
        cosines = np.einsum("ij,j->i", embeddings[disliked], embeddings[anime_row])
        if cosines.min() > UNLIKE:
            return []
        other = int(disliked[cosines.argmin()])
        (status,) = user_list.statuses[user_list.anime_rows == other]
        verdict = "dropped" if status == Status.DROPPED else "rates low"
        return [f"unlike {self._name(other)}, which this list {verdict}"]

    def _say_franchise(self, anime_row: int, seen_rows: NDArray[np.integer]) -> str | None:
        bundle = self._bundle
        mates = seen_rows[bundle.franchise_codes[seen_rows] == bundle.franchise_codes[anime_row]]
        if not len(mates):
            return None
        positions = bundle.franchise_positions[mates]
        before = positions < bundle.franchise_positions[anime_row]
        if before.any():
            return f"comes after {self._name(int(mates[np.argmax(np.where(before, positions, -1))]))}"
        return f"of the franchise of {self._name(int(mates[np.argmin(positions)]))}"

    def _name(self, anime_row: int) -> str:
        start, end = self._bundle.card_offsets[anime_row : anime_row + 2]
        return str(orjson.loads(self._bundle.cards[start:end].tobytes())["name"])

    def _say_studio(self, anime_row: int, seen_rows: NDArray[np.integer]) -> str | None:
        codes = self._bundle.studio_codes
        seen = int(np.count_nonzero(codes[seen_rows] == codes[anime_row]))
        if not codes[anime_row] or not seen:
            return None
        return f"by {self._bundle.studio_names[codes[anime_row]]}, like {seen} on the list"

    def _say_genres(self, anime_row: int, seen_rows: NDArray[np.integer]) -> str | None:
        has = self._bundle.anime_genres
        shares = has[seen_rows].mean(axis=0) if len(seen_rows) else np.zeros(has.shape[1])
        # What is common on this list and rare elsewhere explains more than Comedy.
        lift = np.where(has[anime_row], shares / (self._genre_shares + 0.01), 0.0)
        best = [column for column in np.argsort(-lift, kind="stable")[:N_GENRES] if lift[column] > 1.0]
        names = " and ".join(str(self._bundle.genre_names[column]) for column in best)
        return f"{names}: this list has much of it" if names else None

    def _say_years(self, anime_row: int, seen_rows: NDArray[np.integer]) -> str | None:
        year = int(self._bundle.years[anime_row])
        near = np.abs(self._bundle.years[seen_rows].astype(np.int64) - year) <= 1
        return f"from the years around {year}, like {int(near.sum())} on the list" if year and near.any() else None
