"""Why an anime is recommended."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.scoring.neighbours import N_NEIGHBOURS, score_by_neighbours
from models.scoring.top_k import top_k_rows
from service.methods import Scoring
from service.ranked_page import RankedPage
from service.viewer import Viewer

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


def explain(bundle: Bundle, viewer: Viewer, scoring: Scoring, ranking: RankedPage) -> list[Explanation]:
    """Explain each anime of a page.

    Parameters
    ----------
    bundle : Bundle
    viewer : Viewer
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
    reasons = _reasons(viewer.user_list.seen_rows, scoring.contributions(ranking.scored_rows))
    notes = scoring.notes(ranking.scored_rows)
    support = score_by_neighbours(
        bundle.n_anime, viewer.neighbours.similarities[:N_NEIGHBOURS], viewer.neighbour_lists[:N_NEIGHBOURS]
    )
    supporters = support.supporters_of_each(ranking.rows)
    return [
        Explanation(because, [_supporter(viewer, p, row) for p in who[:MAX_SUPPORTERS].tolist()], len(who), words)
        for row, because, who, words in zip(ranking.rows, reasons, supporters, notes, strict=True)
    ]


def _reasons(seen_rows: NDArray[np.int32], contributions: NDArray[np.float32]) -> list[list[Reason]]:
    reasons = []
    for values in contributions:
        # What speaks against an anime is no reason for it.
        strongest = top_k_rows(values, MAX_REASONS, allowed=values > 0.0)
        rows = seen_rows[strongest].tolist()
        reasons.append([Reason(row, value) for row, value in zip(rows, values[strongest].tolist(), strict=True)])
    return reasons


def _supporter(viewer: Viewer, position: int, anime_row: int) -> Supporter:
    theirs = viewer.neighbour_lists[position]
    rating = int(theirs.ratings[np.searchsorted(theirs.anime_rows, anime_row)])
    similarity = float(viewer.neighbours.similarities[position])
    return Supporter(int(viewer.neighbours.rows[position]), similarity, rating)
