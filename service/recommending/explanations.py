"""Why an anime is recommended."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from models.scoring.neighbours import N_NEIGHBOURS
from models.scoring.user_list import entries_of_users, least_of_top_quarters
from service.recommending.methods import Scoring
from service.recommending.paging import RankedPage
from service.recommending.user_profile import UserProfile

MAX_REASONS: Final = 5
MAX_SUPPORTERS: Final = 5


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
    """Why an anime is recommended.

    Attributes
    ----------
    because : list of Reason
        The user's own anime that speak for it, the strongest first; at most five.
    supporters : list of Supporter
        Similar users who hold it in their top quarter, the most similar first; at most five.
    n_supporters : int
        How many of the 50 nearest do.
    notes : list of str
        Reasons in words, from methods that have some.
    """

    because: list[Reason]
    supporters: list[Supporter]
    n_supporters: int
    notes: list[str]


def explain(bundle: Bundle, profile: UserProfile, scoring: Scoring, ranking: RankedPage) -> list[Explanation]:
    """Explain each anime of a page.

    Parameters
    ----------
    bundle : Bundle
    profile : UserProfile
    scoring : Scoring
        What the page was ranked by.
    ranking : RankedPage

    Returns
    -------
    list of Explanation
        Scores are explained for the row they are of, supporters are those of the row that is shown.
    """
    if not ranking.rows:
        return []
    reasons = _reasons(profile.user_list.seen_rows, scoring.contributions(ranking.scored_rows))
    notes = scoring.notes(ranking.scored_rows)
    supporters = _supporters(bundle, profile, ranking.rows)
    return [
        Explanation(because, nearest, n_supporters, words)
        for because, (nearest, n_supporters), words in zip(reasons, supporters, notes, strict=True)
    ]


def _reasons(seen_rows: NDArray[np.int32], contributions: NDArray[np.float32]) -> list[list[Reason]]:
    strongest = np.arange(contributions.shape[1])[None, :]
    if contributions.shape[1] > MAX_REASONS:
        # In the order of the list first, so that it decides between equals.
        strongest = np.sort(np.argpartition(-contributions, MAX_REASONS - 1, axis=1)[:, :MAX_REASONS], axis=1)
    values = np.take_along_axis(contributions, strongest, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    rows = np.take_along_axis(seen_rows[strongest], order, axis=1).tolist()
    # What speaks against an anime is no reason for it.
    return [
        [Reason(row, value) for row, value in zip(page_rows, page_values, strict=True) if value > 0.0]
        for page_rows, page_values in zip(rows, np.take_along_axis(values, order, axis=1).tolist(), strict=True)
    ]


def _supporters(bundle: Bundle, profile: UserProfile, anime_rows: list[int]) -> list[tuple[list[Supporter], int]]:
    """Find who of the nearest users holds each anime in their top quarter: the most similar five, and how many."""
    neighbours = profile.neighbours(N_NEIGHBOURS)
    similarities = neighbours.similarities
    sizes, (listed, ratings) = entries_of_users(bundle, neighbours.rows, bundle.list_anime_rows, bundle.list_ratings)
    owners = np.repeat(np.arange(len(sizes)), sizes)
    least = least_of_top_quarters(owners, ratings, len(sizes))
    wanted = np.zeros(bundle.n_anime, dtype=bool)
    wanted[anime_rows] = True
    held = np.flatnonzero(wanted[listed])
    held = held[(ratings[held] >= least[owners[held]]) & (similarities[owners[held]] > 0.0)]
    places: dict[int, list[int]] = {row: [] for row in anime_rows}
    for place, row in enumerate(listed[held].tolist()):
        places[row].append(place)
    users = neighbours.rows[owners[held]].tolist()
    nearness = similarities[owners[held]].tolist()
    given = ratings[held].tolist()
    return [
        ([Supporter(users[p], nearness[p], given[p]) for p in places[row][:MAX_SUPPORTERS]], len(places[row]))
        for row in anime_rows
    ]
