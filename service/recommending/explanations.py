"""Why an anime is recommended: the user's own anime that support it, similar users, and notes in words."""

from collections.abc import Sequence
from functools import cached_property
from itertools import islice
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.candidate_features import FEATURES
from models.scoring.neighbours import N_NEIGHBOURS
from models.scoring.reranker import USUAL_DISLIKED, RerankedList, Reranker
from models.scoring.user_list import Status, UserList, least_of_top_quarters
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


class Explanation(NamedTuple):
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
    (neighbours, similarities), lists = profile.nearby
    ends = lists.ends[: N_NEIGHBOURS + 1]
    wanted = np.zeros(bundle.n_anime, dtype=bool)
    wanted[anime_rows] = True
    held = np.flatnonzero(wanted[lists.rows[: ends[-1]]])
    owners = np.searchsorted(ends, held, side="right") - 1
    near = similarities[owners] > 0.0
    held, owners = held[near], owners[near]
    listed, places = lists.rows[held], lists.places[held]
    n_near = int(np.count_nonzero(similarities[:N_NEIGHBOURS] > 0.0))
    n_seen = np.bincount(listed[bundle.list_statuses[places] != int(Status.PLAN_TO_WATCH)], minlength=bundle.n_anime)
    ratings = bundle.list_ratings[places]
    of_lists = bundle.list_ratings[lists.places[: ends[-1]]]
    least = least_of_top_quarters(np.repeat(np.arange(len(ends) - 1), np.diff(ends)), of_lists, len(ends) - 1)
    supporting: dict[int, list[int]] = {row: [] for row in anime_rows}
    for place, (row, is_high) in enumerate(zip(listed.tolist(), (ratings >= least[owners]).tolist(), strict=True)):
        if is_high:
            supporting[row].append(place)
    users, nearness, given = neighbours[owners].tolist(), similarities[owners].tolist(), ratings.tolist()
    return [
        (
            [Supporter(users[p], nearness[p], given[p]) for p in supporting[row][:MAX_SUPPORTERS]],
            len(supporting[row]),
            int(n_seen[row]) / n_near if n_near else None,
        )
        for row in anime_rows
    ]


class FeatureWords:
    """Puts the effects of the re-ranker's features into words a fan understands."""

    def __init__(self, bundle: Bundle, reranker: Reranker, titles: Sequence[tuple[str, ...]]) -> None:
        self._bundle = bundle
        self._reranker = reranker
        self._titles = titles
        self._genre_shares = bundle.anime_genres.mean(axis=0)
        self._groups = {group: [FEATURES.index(name) for name in names] for group, names in _GROUPS.items()}

    def explain(self, reranked: RerankedList, user_list: UserList, anime_rows: list[int]) -> list[list[str]]:
        """Name what raised some anime most, at most three per anime; nothing for what only the first stage ranked."""
        places = reranked.places[anime_rows]
        if not len(places):
            return []
        effects = self._reranker.effects(reranked.features[np.maximum(places, 0)], self._groups)
        by_row = zip(*(values.tolist() for values in effects.values()), strict=True)
        facts = SeenFacts(self._bundle, user_list.support.rows)
        unlike = self._say_unlike(anime_rows, user_list)
        return [
            self._words(row, dict(zip(effects, of_row, strict=True)), facts, unlike.get(row, []))
            if place >= 0
            else []
            for row, place, of_row in zip(anime_rows, places.tolist(), by_row, strict=True)
        ]

    def _words(self, anime_row: int, effects: dict[str, float], facts: "SeenFacts", unlike: list[str]) -> list[str]:
        strong = sorted(
            (group for group in effects if effects[group] >= LEAST_EFFECT), key=lambda group: -effects[group]
        )
        said = (self._say(group, anime_row, facts) for group in strong)
        return [*islice(filter(None, said), MAX_NOTES - len(unlike)), *unlike]

    def _say(self, group: str, anime_row: int, facts: "SeenFacts") -> str | None:
        match group:
            case "franchise":
                return self._say_franchise(anime_row, facts)
            case "studio":
                return self._say_studio(anime_row, facts)
            case "genres":
                return self._say_genres(anime_row, facts)
            case "years":
                return self._say_years(anime_row, facts)
            case _:
                return "seen by many with a list like this one"

    def _say_unlike(self, anime_rows: list[int], user_list: UserList) -> dict[int, list[str]]:
        disliked = user_list.disliked_rows
        if len(disliked) <= USUAL_DISLIKED * len(user_list.seen_rows):
            return {}
        embeddings = self._bundle.anime_embeddings
        # Shape: (n_page, n_disliked)
        cosines = np.einsum("ij,kj->ik", embeddings[anime_rows], embeddings[disliked])
        least = cosines.argmin(axis=1)
        found = np.flatnonzero(cosines.min(axis=1) <= UNLIKE)
        others = disliked[least[found]]
        dropped = user_list.statuses[user_list.disliked][least[found]] == int(Status.DROPPED)
        verdicts = np.where(dropped, "dropped", "rates low")
        return {
            anime_rows[place]: [f"unlike {self._titles[other][0]}, which this list {verdict}"]
            for place, other, verdict in zip(found.tolist(), others.tolist(), verdicts.tolist(), strict=True)
        }

    def _say_franchise(self, anime_row: int, facts: "SeenFacts") -> str | None:
        bundle = self._bundle
        mates = np.flatnonzero(facts.franchises == bundle.franchise_codes[anime_row])
        if not len(mates):
            return None
        positions = bundle.franchise_positions[facts.rows[mates]]
        before = positions < bundle.franchise_positions[anime_row]
        if before.any():
            return f"comes after {self._titles[facts.rows[mates[np.argmax(np.where(before, positions, -1))]]][0]}"
        return f"of the franchise of {self._titles[facts.rows[mates[np.argmin(positions)]]][0]}"

    def _say_studio(self, anime_row: int, facts: "SeenFacts") -> str | None:
        code = self._bundle.studio_codes[anime_row]
        seen = int(np.count_nonzero(facts.studios == code))
        if not code or not seen:
            return None
        return f"by {self._bundle.studio_names[code]}, like {seen} on the list"

    def _say_genres(self, anime_row: int, facts: "SeenFacts") -> str | None:
        # What is common on this list and rare elsewhere explains more than Comedy.
        lift = np.where(self._bundle.anime_genres[anime_row], facts.genre_shares / (self._genre_shares + 0.01), 0.0)
        best = [column for column in np.argsort(-lift, kind="stable")[:N_GENRES].tolist() if lift[column] > 1.0]
        names = " and ".join(str(self._bundle.genre_names[column]) for column in best)
        return f"{names}: this list has much of it" if names else None

    def _say_years(self, anime_row: int, facts: "SeenFacts") -> str | None:
        year = int(self._bundle.years[anime_row])
        near = int(np.count_nonzero(np.abs(facts.years - year) <= 1))
        return f"from the years around {year}, like {near} on the list" if year and near else None


class SeenFacts:
    """What is known of the anime on a list, looked up once for all of a page. Arrays have shape (n,)."""

    def __init__(self, bundle: Bundle, rows: NDArray[np.integer]) -> None:
        self.rows = rows
        self.franchises: NDArray[np.int32] = bundle.franchise_codes[rows]
        self.studios: NDArray[np.int16] = bundle.studio_codes[rows]
        self.years = bundle.years[rows].astype(np.int64)
        self._genres: NDArray[np.bool_] = bundle.anime_genres[rows]

    @cached_property
    def genre_shares(self) -> NDArray[np.float64]:
        """Share of them that has each genre, shape (n_genres,); zeros without any."""
        shares: NDArray[np.float64] = self._genres.sum(axis=0) / max(len(self.rows), 1)
        return shares
