"""What should this user watch next, because of what they have seen and of whom they resemble."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.manifest import RecommendationMethod
from models.scoring.embedding import embed_list, list_contributions, list_scores
from models.scoring.neighbours import N_NEIGHBOURS, NeighbourScores, score_by_neighbours
from models.scoring.user_list import UserList, list_of_user
from service.catalogue import Catalogue
from service.nearest import Nearest
from service.query import RecommendationsQuery
from service.ranked_page import RankedPage, rank
from service.similar_users import SimilarUsers

MAX_REASONS: Final = 5
MAX_SUPPORTERS: Final = 5


@dataclass(frozen=True)
class Viewer:
    """Somebody to recommend to: a user the model knows, or one it never saw. Everything after is one path.

    Attributes
    ----------
    user_list : UserList
    embedding : ndarray of shape (embedding_size,), dtype=float32
        A unit vector, or zeros where the list says nothing.
    neighbours : Nearest
        The users most similar to them, best first.
    """

    user_list: UserList
    embedding: NDArray[np.float32]
    neighbours: Nearest


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
        How many of the neighbours do.
    """

    because: list[Reason]
    supporters: list[Supporter]
    n_supporters: int


@dataclass(frozen=True)
class RecommendationsPage:
    """One page of recommendations, with the reasons for each.

    Attributes
    ----------
    ranking : RankedPage
    explanations : list of Explanation
        One per row of the ranking.
    method : str
        How the anime were scored.
    """

    ranking: RankedPage
    explanations: list[Explanation]
    method: RecommendationMethod


class Recommender:
    """Recommends anime.

    Parameters
    ----------
    bundle : Bundle
    catalogue : Catalogue
    similar_users : SimilarUsers
    """

    def __init__(self, bundle: Bundle, catalogue: Catalogue, similar_users: SimilarUsers) -> None:
        self._bundle = bundle
        self._catalogue = catalogue
        self._similar_users = similar_users

    def known_viewer(self, user_row: int) -> Viewer:
        """Describe a user the model knows.

        Parameters
        ----------
        user_row : int

        Returns
        -------
        Viewer
        """
        neighbours = self._similar_users.neighbours_of_user(user_row, N_NEIGHBOURS)
        return Viewer(list_of_user(self._bundle, user_row), self._bundle.user_embeddings[user_row], neighbours)

    def unseen_viewer(self, user_list: UserList) -> Viewer:
        """Describe somebody the model never saw, by their list.

        Parameters
        ----------
        user_list : UserList

        Returns
        -------
        Viewer
        """
        embedding = embed_list(self._bundle.list_embeddings, user_list.seen_rows)
        neighbours = self._similar_users.neighbours_of_embedding(embedding, N_NEIGHBOURS)
        return Viewer(user_list, embedding, neighbours)

    def page(self, viewer: Viewer, query: RecommendationsQuery) -> RecommendationsPage:
        """Rank what the viewer has not seen, and cut one page out.

        Parameters
        ----------
        viewer : Viewer
        query : RecommendationsQuery

        Returns
        -------
        RecommendationsPage
            Nothing that is on the viewer's list, apart from what they plan to watch if they ask for it. By
            neighbours, only anime that a neighbour speaks for.

        Raises
        ------
        InvalidRequestError
            If a filter names an unknown type or genre.
        """
        method = query.method or self._bundle.manifest.default_methods.recommendations
        allowed = self._catalogue.allowed(query.filters).mask.copy()
        listed = viewer.user_list
        allowed[listed.seen_rows if query.include_plan_to_watch else listed.anime_rows] = False
        support = self._support(viewer)
        if method == "neighbours":
            scores = support.scores
            allowed &= scores > 0.0
        else:
            scores = list_scores(self._bundle.anime_embeddings, self._bundle.anime_gains, viewer.embedding)
        ranking = rank(scores, allowed, query.offset, query.limit, query.order)
        explanations = _Explainer(self._bundle, viewer, support).explain(ranking.rows, method)
        return RecommendationsPage(ranking, explanations, method)

    def _support(self, viewer: Viewer) -> NeighbourScores:
        lists = [list_of_user(self._bundle, row) for row in viewer.neighbours.rows.tolist()]
        return score_by_neighbours(self._bundle.n_anime, viewer.neighbours.similarities, lists)


class _Explainer:
    """Explains the anime of one page to one viewer."""

    def __init__(self, bundle: Bundle, viewer: Viewer, support: NeighbourScores) -> None:
        self._bundle = bundle
        self._viewer = viewer
        self._support = support

    def explain(self, anime_rows: list[int], method: RecommendationMethod) -> list[Explanation]:
        """Explain each anime of a page."""
        positions = self._supporters_of(anime_rows)
        if method == "neighbours":
            directions = self._directions_of(positions)
        else:
            gains = self._bundle.anime_gains[anime_rows]
            directions = self._bundle.anime_embeddings[anime_rows] * gains[:, None]
        reasons = self._reasons(directions)
        return [
            Explanation(because, [self._supporter(p, row) for p in who[:MAX_SUPPORTERS].tolist()], len(who))
            for row, because, who in zip(anime_rows, reasons, positions, strict=True)
        ]

    def _supporters_of(self, anime_rows: list[int]) -> list[NDArray[np.intp]]:
        """Find the positions of each anime's supporters among the neighbours, the most similar first."""
        supported = self._support.supported_rows
        owners = np.repeat(np.arange(len(supported)), [len(rows) for rows in supported])
        places = np.full(self._bundle.n_anime, -1)
        places[anime_rows] = np.arange(len(anime_rows))
        place_of = places[np.concatenate(supported)] if supported else places[:0]
        place_of[self._support.weights[owners] <= 0.0] = -1
        return [owners[place_of == place] for place in range(len(anime_rows))]

    def _directions_of(self, positions: list[NDArray[np.intp]]) -> NDArray[np.float32]:
        """Sum the supporters' embeddings so that their product with the viewer's is the score.

        A supporter's weight is their similarity over the sum of all similarities; the similarity is the
        product of two embeddings, so what remains of the weight is one over that sum.
        """
        neighbours = self._viewer.neighbours
        total = float(np.maximum(neighbours.similarities, 0.0).sum())
        embeddings = self._bundle.user_embeddings[neighbours.rows]
        holds = np.zeros((len(positions), len(embeddings)), dtype=np.float32)
        for place, who in enumerate(positions):
            holds[place, who] = 1.0
        directions: NDArray[np.float32] = (holds @ embeddings) / np.float32(total or 1.0)
        return directions

    def _reasons(self, directions: NDArray[np.float32]) -> list[list[Reason]]:
        seen_rows = self._viewer.user_list.seen_rows
        # Shape: (n_seen, n_page) -> (n_page, n_seen)
        contributions = list_contributions(self._bundle.list_embeddings, seen_rows, directions.T).T
        strongest = np.argsort(-contributions, axis=1, kind="stable")[:, :MAX_REASONS]
        values = np.take_along_axis(contributions, strongest, axis=1).tolist()
        rows = seen_rows[strongest].tolist()
        # What speaks against an anime is no reason for it.
        return [
            [Reason(row, value) for row, value in zip(page_rows, page_values, strict=True) if value > 0.0]
            for page_rows, page_values in zip(rows, values, strict=True)
        ]

    def _supporter(self, position: int, anime_row: int) -> Supporter:
        user_row = int(self._viewer.neighbours.rows[position])
        theirs = list_of_user(self._bundle, user_row)
        rating = int(theirs.ratings[np.searchsorted(theirs.anime_rows, anime_row)])
        return Supporter(user_row, float(self._viewer.neighbours.similarities[position]), rating)
