"""What the re-ranker looks at in a list and its candidates: item weights, neighbours, taste, time and franchise."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.scoring.anime_facts import DAYS_PER_YEAR, FACTS, N_BANDS, AnimeFacts
from models.scoring.items import EVIDENCE, WeightsOfList
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
    facts: AnimeFacts, weights: WeightsOfList, signals: "ListSignals", candidates: Rows, proposals: Matrix
) -> Matrix:
    """Put together the features of a list and its candidates.

    Parameters
    ----------
    facts : AnimeFacts
    weights : WeightsOfList
        Of :attr:`ListSignals.rows`.
    signals : ListSignals
    candidates : ndarray of shape (m,), dtype=integer
    proposals : ndarray of shape (len(NEIGHBOURHOOD_SIZES) + 2, m), dtype=float32
        From :meth:`models.scoring.reranker.Proposals.of`.

    Returns
    -------
    ndarray of shape (m, len(FEATURES)), dtype=float32
    """
    blocks = (
        weights.evidence(candidates, signals.counts, signals.ratings, signals.dropped),
        np.log(np.maximum(proposals, 0.0) + _LEAST[:, None]),
        signals.relate(candidates),
        facts.table[candidates].T,
        np.broadcast_to(signals.table[:, None], (len(signals.table), len(candidates))),
    )
    # One feature after the other, as they are computed: networks do not mind.
    return np.concatenate(blocks).T


class ListSignals:
    """The signals of a list, plan-to-watch left out: computed once for all candidates."""

    def __init__(self, facts: AnimeFacts, user_list: UserList) -> None:
        begun = user_list.statuses != int(Status.PLAN_TO_WATCH)
        self._facts = facts
        # As numpy wants an index: it would be turned into one at each look.
        self.rows = user_list.anime_rows[begun].astype(np.intp)
        ratings = user_list.ratings[begun].astype(np.float32)
        statuses = user_list.statuses[begun]
        rated = ratings > 0
        given = ratings[rated]
        self._mean_rating, spread = _mean_and_spread(given) if len(given) else (7.5, 1.5)
        #: What each of the rows counts; its rating relative to the user's mean, 0 where unrated; 1 where given up.
        self.counts = user_list.weights[begun]
        self.ratings = np.where(rated, ratings - np.float32(self._mean_rating), np.float32(0.0))
        gave_up = (statuses == int(Status.DROPPED)) | (statuses == int(Status.ON_HOLD))
        self.dropped = gave_up.astype(np.float32)
        self._levels = np.sort(facts.levels[:, self.rows], axis=1)
        self._n = max(len(self.rows), 1)
        self._band_shares = np.bincount(facts.bands[self.rows], minlength=N_BANDS) / facts.band_sizes
        self.table = self._describe(float(rated.mean()) if len(rated) else 0.0, spread, float(self.dropped.sum()))

    def _describe(self, rated: float, spread: float, n_dropped: float) -> Vector:
        """Give the features of the list itself, shape (len(LIST_FEATURES),)."""
        levels = self._levels if len(self.rows) else self._facts.levels
        day, score = levels[0].mean(), levels[2].mean()
        popularity, popularity_spread = _mean_and_spread(levels[1])
        return np.array(
            [
                np.log1p(len(self.rows)),
                rated,
                self._mean_rating,
                spread,
                n_dropped / self._n,
                popularity,
                popularity_spread,
                score,
                (day - 36_525.0) / DAYS_PER_YEAR,
                (levels[0].max() - 36_525.0) / DAYS_PER_YEAR,
            ],
            dtype=np.float32,
        )

    def relate(self, candidates: Rows) -> Matrix:
        """Give the features that relate m candidates to the list, shape (len(RELATION_FEATURES), m)."""
        columns = [
            *self._relate_levels(candidates),
            *self._relate_franchise(candidates),
            *self._relate_taste(candidates),
        ]
        return np.array(columns, dtype=np.float32)

    def _relate_levels(self, candidates: Rows) -> list[Vector]:
        days, popularity, scores = self._facts.levels[:, candidates]
        of_list = self._levels
        older, until, before = np.searchsorted(of_list[0], np.stack([days, days + 183.0, days - 183.0]))
        list_popularity, list_score, list_year, newest = (float(self.table[i]) for i in (5, 7, 8, 9))
        years = (days - 36_525.0) / DAYS_PER_YEAR
        return [
            years - newest,
            years - list_year,
            older / self._n,
            (until - before) / self._n,
            popularity - list_popularity,
            1.0 - np.searchsorted(of_list[1], popularity) / self._n,
            scores - list_score,
            1.0 - np.searchsorted(of_list[2], scores) / self._n,
        ]

    def _relate_franchise(self, candidates: Rows) -> list[Vector]:
        facts, n_franchises = self._facts, self._facts.n_franchises
        mine, codes = facts.franchises[self.rows], facts.franchises[candidates]
        seen = np.bincount(mine, minlength=n_franchises)[codes].astype(np.float32)
        rating = np.bincount(mine, weights=self.ratings, minlength=n_franchises)[codes]
        dropped = np.bincount(mine, weights=self.dropped, minlength=n_franchises)[codes]
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
        facts, rows, weights = self._facts, self.rows, self.counts
        n_genres = len(facts.genre_shares)
        # Ratings count in full: the low ones are what tells of dislikes.
        counted, rated, having = (
            np.stack([weights, self.ratings, np.ones(len(rows), np.float32)]) @ (facts.genres[rows])
        )
        profile, usual = counted[:n_genres], facts.genre_shares * n_genres
        lift = np.log((counted[n_genres:] + 5.0 * usual) / (weights.sum() + 5.0) / usual + 1e-3)
        # One product for all: cosine, sums of lifts and ratings, number of genres.
        factors = np.zeros((2 * n_genres, 4), dtype=np.float32)
        factors[:n_genres, 0] = profile / max(float(np.linalg.norm(profile)), 1e-6)
        factors[n_genres:, 1] = lift
        factors[n_genres:, 2] = rated[n_genres:] / (having[n_genres:] + 5.0)
        factors[n_genres:, 3] = 1.0
        cosine, lifts, ratings, n_own = (facts.genres[candidates] @ factors).T
        n_own = np.maximum(n_own, 1.0)
        return [
            cosine,
            lifts / n_own,
            ratings / n_own,
            *self._relate_codes(candidates),
            self._band_shares[facts.bands[candidates]],
        ]

    def _relate_codes(self, candidates: Rows) -> list[Vector]:
        """Give how much more often the list has a candidate's codes than all lists have, and what it has of a studio.

        The former is a logarithm, for each kind of code.
        """
        codes, shares, starts = self._facts.all_codes
        mine, theirs = codes[self.rows], codes[candidates]  # (n, n_kinds), (m, n_kinds)
        counted = np.bincount(mine.ravel(), np.repeat(self.counts, len(starts)), minlength=len(shares))
        lifts = np.log((counted + 10.0 * shares) / (self.counts.sum() + 10.0) / shares)
        lifts[list(starts.values())] = 0.0
        column = list(starts).index("studio")
        studios, studio = mine[:, column], theirs[:, column]
        summed = np.bincount(studios, self.ratings, minlength=len(shares))
        liked = summed / (np.bincount(studios, minlength=len(shares)) + 2.0)
        known = studio != starts["studio"]
        return [
            *lifts[theirs.T],
            np.where(known, liked[studio], 0.0),
            np.where(known, np.log1p(counted[studio]), 0.0),
        ]


def _mean_and_spread(values: Vector) -> tuple[float, float]:
    """Give the mean and the standard deviation, in a third of the time that numpy's own takes for a list."""
    mean = float(values.mean())
    apart = values - np.float32(mean)
    return mean, math.sqrt(float(apart @ apart) / len(values))
