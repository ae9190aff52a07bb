"""What the re-ranker looks at in a list and its candidates: item weights, neighbours, taste, time and franchise."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.anime_facts import DAYS_PER_YEAR, FACTS, N_BANDS, AnimeFacts
from models.scoring.items import EVIDENCE, ItemWeights, weigh_evidence
from models.scoring.neighbours import NEIGHBOURHOOD_SIZES
from models.scoring.user_list import Status, UserList

Matrix = NDArray[np.float32]
Vector = NDArray[np.float32]
Rows = NDArray[np.integer]

LIST_FEATURES: Final = (
    "log length of the list",
    "share of rated titles",
    "mean rating",
    "spread of ratings",
    "share of dropped titles",
    "mean popularity on the list",
    "spread of popularity on the list",
    "mean score on the list",
    "mean year on the list",
    "newest year on the list",
)
RELATION_FEATURES: Final = (
    "years newer than the newest",
    "years from the mean",
    "share of the list that is older",
    "share of the list within a year",
    "popularity against the list's mean",
    "share of the list that is more popular",
    "score against the list's mean",
    "share of the list that scores higher",
    "seen of its franchise",
    "share seen of its franchise",
    "seen of its franchise's main line before it",
    "unseen of its franchise's main line before it",
    "next of a begun franchise",
    "rating of its franchise",
    "dropped of its franchise",
    "years from the nearest seen of its franchise",
    "genre cosine",
    "genre lift",
    "rating of its genres",
    "type lift",
    "source lift",
    "studio lift",
    "age rating lift",
    "year lift",
    "rating of its studio",
    "titles of its studio",
    "share seen of what is as popular",
)
FEATURES: Final = (
    *EVIDENCE,
    *(f"log share of the {k} nearest users" for k in NEIGHBOURHOOD_SIZES),
    "log co-seen share",
    "log first-stage score",
    *RELATION_FEATURES,
    *FACTS,
    *LIST_FEATURES,
)
# Added before the logarithm of each: about what one of many distant neighbours is worth, and one of all users.
_LEAST: Final = np.array([*(0.003 for _ in NEIGHBOURHOOD_SIZES), 0.0001, 0.001], dtype=np.float32)


def candidate_features(
    facts: AnimeFacts, weights: ItemWeights, signals: "ListSignals", candidates: Rows, proposals: Matrix
) -> Matrix:
    """Put together the features of a list and its candidates.

    Parameters
    ----------
    facts : AnimeFacts
    weights : ItemWeights
    signals : ListSignals
    candidates : ndarray of shape (m,), dtype=integer
    proposals : ndarray of shape (m, len(NEIGHBOURHOOD_SIZES) + 2), dtype=float32
        From :func:`models.scoring.reranker.propose`.

    Returns
    -------
    ndarray of shape (m, len(FEATURES)), dtype=float32
    """
    # As numpy wants an index: it would be turned into one at each of the three looks.
    support = weights.rows[candidates].astype(np.intp)  # (m, n_weights)
    evidence = weigh_evidence(
        weights.values[candidates],
        weights.cosines[candidates],
        signals.seen[support],
        signals.ratings[support],
        signals.dropped[support],
    )
    of_list = np.broadcast_to(signals.table, (len(candidates), len(signals.table)))
    log_shares = np.log(np.maximum(proposals, 0.0) + _LEAST)
    return np.concatenate(
        [evidence, log_shares, signals.relate(candidates), facts.table[candidates], of_list], axis=1
    )


class ListSignals:
    """The signals of a list, plan-to-watch left out: computed once for all candidates."""

    def __init__(self, facts: AnimeFacts, user_list: UserList) -> None:
        begun = user_list.statuses != int(Status.PLAN_TO_WATCH)
        self._facts = facts
        self.rows: NDArray[np.int32] = user_list.anime_rows[begun]
        ratings = user_list.ratings[begun].astype(np.float32)
        statuses = user_list.statuses[begun]
        rated = ratings > 0
        self._mean_rating = float(ratings[rated].mean()) if rated.any() else 7.5
        spread = float(ratings[rated].std()) if rated.any() else 1.5
        n_anime = len(facts.popularity)
        #: Over all anime: how much it counts; rating relative to the user's mean, 0 where unrated; 1 where given up.
        self.seen, self.ratings, self.dropped = np.zeros((3, n_anime), dtype=np.float32)
        support = user_list.support
        self.seen[support.rows] = support.weights
        self.ratings[self.rows] = np.where(rated, ratings - self._mean_rating, 0.0)
        gave_up = (statuses == int(Status.DROPPED)) | (statuses == int(Status.ON_HOLD))
        self.dropped[self.rows] = gave_up
        self._days = np.sort(facts.days[self.rows])
        self._popularity = np.sort(facts.popularity[self.rows])
        self._scores = np.sort(facts.scores[self.rows])
        self._n = max(len(self.rows), 1)
        in_band = np.bincount(facts.bands, minlength=N_BANDS)
        self._band_shares = np.bincount(facts.bands[self.rows], minlength=N_BANDS) / np.maximum(in_band, 1)
        self.table = self._describe(float(rated.mean()) if len(rated) else 0.0, spread, float(gave_up.sum()))

    def _describe(self, rated: float, spread: float, n_dropped: float) -> Vector:
        """Give the features of the list itself, shape (len(LIST_FEATURES),)."""
        empty = not len(self.rows)
        days = self._facts.days if empty else self._days
        popularity = self._facts.popularity if empty else self._popularity
        scores = self._facts.scores if empty else self._scores
        return np.array(
            [
                np.log1p(len(self.rows)),
                rated,
                self._mean_rating,
                spread,
                n_dropped / self._n,
                popularity.mean(),
                popularity.std(),
                scores.mean(),
                (days.mean() - 36_525.0) / DAYS_PER_YEAR,
                (days.max() - 36_525.0) / DAYS_PER_YEAR,
            ],
            dtype=np.float32,
        )

    def relate(self, candidates: Rows) -> Matrix:
        """Give the features that relate m candidates to the list, shape (m, len(RELATION_FEATURES))."""
        columns = [
            *self._relate_levels(candidates),
            *self._relate_franchise(candidates),
            *self._relate_taste(candidates),
        ]
        return np.stack(columns, axis=1).astype(np.float32, copy=False)

    def _relate_levels(self, candidates: Rows) -> list[Vector]:
        facts = self._facts
        days, popularity, scores = facts.days[candidates], facts.popularity[candidates], facts.scores[candidates]
        older = np.searchsorted(self._days, days)
        near = np.searchsorted(self._days, days + 183.0) - np.searchsorted(self._days, days - 183.0)
        list_popularity, list_score, list_year, newest = (float(self.table[i]) for i in (5, 7, 8, 9))
        years = (days - 36_525.0) / DAYS_PER_YEAR
        return [
            years - newest,
            years - list_year,
            older / self._n,
            near / self._n,
            popularity - list_popularity,
            1.0 - np.searchsorted(self._popularity, popularity) / self._n,
            scores - list_score,
            1.0 - np.searchsorted(self._scores, scores) / self._n,
        ]

    def _relate_franchise(self, candidates: Rows) -> list[Vector]:
        facts, n_franchises = self._facts, int(self._facts.franchises.max()) + 1
        mine, codes = facts.franchises[self.rows], facts.franchises[candidates]
        seen = np.bincount(mine, minlength=n_franchises)[codes].astype(np.float32)
        rating = np.bincount(mine, weights=self.ratings[self.rows], minlength=n_franchises)[codes]
        dropped = np.bincount(mine, weights=self.dropped[self.rows], minlength=n_franchises)[codes]
        main_before = np.zeros(len(candidates), dtype=np.float32)
        gap = np.full(len(candidates), 20.0, dtype=np.float32)
        # Few lists hold anything of a candidate's franchise, so only those candidates and titles are compared.
        begun = np.flatnonzero(seen)
        if len(begun):
            asked = np.zeros(n_franchises, dtype=bool)
            asked[codes[begun]] = True
            mates, own = self.rows[asked[mine]], candidates[begun]
            same = codes[begun][:, None] == facts.franchises[mates][None, :]  # (n_begun, n_mates)
            earlier = facts.positions[mates][None, :] < facts.positions[own][:, None]
            main_before[begun] = (same & earlier & facts.main[mates][None, :]).sum(axis=1)
            apart = np.abs(facts.days[own][:, None] - facts.days[mates][None, :]) / DAYS_PER_YEAR
            gap[begun] = np.where(same, apart, 20.0).min(axis=1)
        unseen_before = facts.n_main_before[candidates] - main_before
        return [
            np.log1p(seen),
            seen / facts.franchise_sizes[candidates],
            np.log1p(main_before),
            np.log1p(unseen_before),
            ((seen > 0) & (unseen_before == 0) & facts.main[candidates]).astype(np.float32),
            (rating / np.maximum(seen, 1.0)).astype(np.float32),
            (dropped / np.maximum(seen, 1.0)).astype(np.float32),
            np.minimum(gap, 20.0),
        ]

    def _relate_taste(self, candidates: Rows) -> list[Vector]:
        facts, rows, weights = self._facts, self.rows, self.seen[self.rows]
        genres, own = facts.genres[candidates], facts.genres[rows]  # (m, G), (n, G)
        # As numbers, which BLAS multiplies; marks it does not.
        marks, has = (genres > 0).astype(np.float32), (own > 0).astype(np.float32)
        profile = np.einsum("i,ij->j", weights, own)  # (G,)
        shares = np.einsum("i,ij->j", weights, has) + 5.0 * facts.genre_shares * has.shape[1]
        lift = np.log(shares / (weights.sum() + 5.0) / (facts.genre_shares * has.shape[1]) + 1e-3)
        # Ratings count in full: the low ones are what tells of dislikes.
        liked = (self.ratings[rows] @ has) / (has.sum(axis=0) + 5.0)
        by_genre = marks @ np.stack([lift, liked], axis=1) / np.maximum(marks.sum(axis=1), 1.0)[:, None]  # (m, 2)
        studio = facts.codes["studio"]
        by_studio = np.bincount(studio[rows], weights, minlength=len(facts.code_shares["studio"]))
        summed = np.bincount(studio[rows], self.ratings[rows], minlength=len(by_studio))
        liked_studio = summed / (np.bincount(studio[rows], minlength=len(by_studio)) + 2.0)
        known = studio[candidates] > 0
        return [
            # Not by BLAS, whose product of few rows with a vector may raise the flag of an invalid value for nothing.
            np.einsum("ij,j->i", genres, profile / max(float(np.linalg.norm(profile)), 1e-6)),
            by_genre[:, 0],
            by_genre[:, 1],
            *(self._lift(name, candidates) for name in ("type", "source", "studio", "age_rating", "year")),
            np.where(known, liked_studio[studio[candidates]], 0.0),
            np.where(known, np.log1p(by_studio[studio[candidates]]), 0.0),
            self._band_shares[facts.bands[candidates]],
        ]

    def _lift(self, kind: str, candidates: Rows) -> Vector:
        """Give how much more often the list has a candidate's code than all lists have, as a logarithm."""
        codes, shares = self._facts.codes[kind], self._facts.code_shares[kind]
        weights = self.seen[self.rows]
        mine = np.bincount(codes[self.rows], weights, minlength=len(shares))
        lifts = np.log((mine + 10.0 * shares) / (weights.sum() + 10.0) / shares)
        lifts[0] = 0.0
        lift: Vector = lifts[codes[candidates]]
        return lift
