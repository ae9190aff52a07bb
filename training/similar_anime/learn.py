"""Learns the ranker of similar anime from what people recommend to each other."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from training.lists.split import splitmix64
from training.ranking.backprop import RankedList
from training.ranking.learn import Learning, learn_networks
from training.similar_anime.config import SimilarConfig
from training.similar_anime.features import PairEvidence, Pairs
from training.similar_anime.rank import describe_in_blocks
from training.similar_anime.ranker import LAYERS, Ranker, bend, log_shares
from training.similar_anime.truth import MIN_PAIRS, SINGLE_VOTE_GAIN, SimilarQuery
from training.support.terminal import progress

N_FOLDS: Final = 5
# Two for each fold that is left out.
N_MEMBERS: Final = 10
N_HIDDEN: Final = (32, 16)
_DROPOUT: Final = 0.1
N_KNOTS: Final = 24
# Of a yes or no. If rare ones were spread like other features, each would speak as loudly as all of those together.
_MARK_LEVELS: Final = (0.0, 0.5)
MIN_QUERIES: Final = 50


@dataclass(frozen=True)
class Labelled:
    """Pairs of the queries that may choose weights, with what people voted."""

    pairs: Pairs
    # Shape: (n_pairs,)
    gains: NDArray[np.float32]
    # Shape: (n_anime,). Which members leave an anime out, as a query and as a candidate: a pair is voted for in both
    # directions, and a member must not learn from the mirror of a pair that it is judged by.
    folds: NDArray[np.int64]


def learn_ranker(
    evidence: PairEvidence, queries: Sequence[SimilarQuery], anime_ids: NDArray[np.int64], config: SimilarConfig
) -> Ranker:
    """Learn a ranker from those of the queries that may choose weights.

    References
    ----------
    Breiman, "Bagging Predictors", 1996: each member leaves a fifth out, and its scores of that fifth are unbiased.
    """
    labelled = _label(evidence, queries, anime_ids)
    knots, levels = _spread(labelled.pairs.features)
    inputs = bend(labelled.pairs.features, knots, levels)
    layers = dict(zip(LAYERS, _fit_layers(labelled, inputs, config), strict=True))
    ranker = Ranker(np.array(labelled.pairs.names), knots, levels, **layers, calibration=np.array([1.0, 0.0]))
    return replace(ranker, calibration=_calibrate(labelled, ranker.score_members(inputs)))


def enough_to_learn(queries: Sequence[SimilarQuery]) -> bool:
    """Check whether there are enough queries to learn a ranker from."""
    return sum(query.may_choose for query in queries) >= MIN_QUERIES


def _label(evidence: PairEvidence, queries: Sequence[SimilarQuery], anime_ids: NDArray[np.int64]) -> Labelled:
    chosen = sorted((query for query in queries if query.may_choose), key=lambda query: query.anime_row)
    blocks = list(describe_in_blocks(evidence, np.array([query.anime_row for query in chosen])))
    columns = zip(*((block.queries, block.others, block.features) for block in blocks), strict=True)
    described, others, features = map(np.concatenate, columns)
    pairs = Pairs(described, others, features, blocks[0].names)
    gains = np.zeros(len(pairs.queries), dtype=np.float32)
    starts = np.searchsorted(pairs.queries, [query.anime_row for query in chosen])
    for start, end, query in zip(starts, [*starts[1:], len(gains)], chosen, strict=True):
        candidates = others[start:end]
        places = np.searchsorted(candidates, query.similar_rows)
        found = candidates[np.minimum(places, len(candidates) - 1)] == query.similar_rows
        gains[start + places[found]] = query.weighted_gains()[found]
    folds = (splitmix64(anime_ids) >> np.uint64(20)) % np.uint64(N_FOLDS)
    return Labelled(pairs, gains, folds.astype(np.int64))


def _spread(features: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Find the knots that spread every feature like a normal distribution."""
    shares = np.linspace(0.0, 1.0, N_KNOTS)
    normal = ndtri(np.linspace(0.01, 0.99, N_KNOTS))
    knots = np.empty((features.shape[1], N_KNOTS), dtype=np.float32)
    levels = np.empty_like(knots)
    for column in range(features.shape[1]):
        known = features[~np.isnan(features[:, column]), column]
        x = np.quantile(known, shares).astype(np.float32) if len(known) else np.zeros(N_KNOTS, dtype=np.float32)
        distinct, places = np.unique(x, return_inverse=True)
        # Where many values are equal they all get the mean of their levels. What is left over lies above every value.
        y = np.bincount(places, normal) / np.bincount(places)
        if len(distinct) == len(_MARK_LEVELS) and np.isin(known, distinct).all():
            y = np.array(_MARK_LEVELS)
        n_left = N_KNOTS - len(distinct)
        above = distinct[-1] + (1.0 + np.abs(distinct[-1])) * np.arange(1, n_left + 1)
        knots[column] = np.concatenate([distinct, above])
        levels[column] = np.concatenate([y, np.full(n_left, y[-1])])
    return knots, levels


def _fit_layers(labelled: Labelled, inputs: NDArray[np.float32], config: SimilarConfig) -> list[NDArray[np.float32]]:
    pairs = labelled.pairs
    starts = np.unique(pairs.queries, return_index=True)[1]
    stretches = [slice(start, end) for start, end in itertools.pairwise([*starts.tolist(), len(pairs.queries)])]
    useful = [stretch for stretch in stretches if labelled.gains[stretch].any()]
    left_out = (np.arange(N_MEMBERS) % N_FOLDS)[:, None]

    def list_at(number: int) -> RankedList:
        stretch = useful[number]
        queries, others = pairs.queries[stretch], pairs.others[stretch]
        visible = (labelled.folds[queries] != left_out) & (labelled.folds[others] != left_out)
        return RankedList(inputs[stretch], labelled.gains[stretch] * visible, visible)

    first_width, second_width = N_HIDDEN
    learning = Learning(
        n_networks=N_MEMBERS,
        first_width=first_width,
        second_width=second_width,
        dropout=_DROPOUT,
        epochs=config.epochs,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        odds_weight=0.0,
        seed=config.seed,
    )
    with progress("learn the ranker", learning.n_steps(len(useful)), "steps") as update:
        learned, _ = learn_networks(
            len(useful), inputs.shape[1], list_at, learning, lambda done, loss: update(done, f"loss {loss:.4f}")
        )
    return [
        learned.first_by_network(),
        learned.first_bias.reshape(N_MEMBERS, 1, first_width),
        learned.second,
        learned.second_bias[:, None, :],
        learned.last[:, :, None],
        learned.last_bias[:, None, None],
    ]


def _calibrate(labelled: Labelled, member_scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Fit the chance that people recommend a candidate to its share of its query.

    Only queries with several recommendations count: a rare title without any must not make its neighbours look less
    similar.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - takes a second to import

    queries = labelled.pairs.queries
    # Each pair is scored by the members that never saw its query, nor the mirror of the pair.
    by_fold = member_scores.reshape(-1, N_FOLDS, len(queries)).mean(axis=0, dtype=np.float32)
    shares = log_shares(by_fold[labelled.folds[queries], np.arange(len(queries))], queries)
    n_pairs = np.bincount(queries, labelled.gains > SINGLE_VOTE_GAIN)
    counting = n_pairs[queries] >= MIN_PAIRS
    recommended = labelled.gains > 0.0
    if not recommended[counting].any() or recommended[counting].all():
        return np.array([1.0, 0.0])
    fitted = LogisticRegression(C=1e3).fit(shares[counting, None], recommended[counting])
    return np.array([max(float(fitted.coef_[0, 0]), 1e-3), float(fitted.intercept_[0])])
