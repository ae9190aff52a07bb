"""The baselines against brute force, and against their own definition."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.interactions_for_tests import make_interactions, random_interactions, seen_list
from training.errors import InputError
from training.evaluation.baselines.ease import WeightsScorer, fit_ease, fit_edlae
from training.evaluation.baselines.knn import Rule, fit_user_knn
from training.evaluation.baselines.random import RandomScorer
from training.evaluation.scorers import lists_matrix
from training.lists.interactions import Interactions

LISTS = [seen_list(rows) for rows in ([3], [0, 5, 9], [], list(range(20)))]


def _ridge_by_column(train: Interactions, penalty: NDArray[np.float64]) -> NDArray[np.float64]:
    """Predict each anime from all others by a ridge regression of its own: what a zero diagonal means."""
    seen = train.seen_matrix().toarray().astype(np.float64)
    n_anime = seen.shape[1]
    weights = np.zeros((n_anime, n_anime))
    for anime in range(n_anime):
        others = np.arange(n_anime) != anime
        known = seen[:, others]
        gram = known.T @ known + np.diag(penalty[others])
        weights[others, anime] = np.linalg.solve(gram, known.T @ seen[:, anime])
    return weights


@pytest.mark.parametrize(("n_users", "n_anime", "density"), [(30, 12, 0.3), (20, 35, 0.2), (3, 2, 0.5)])
@pytest.mark.parametrize("l2", [1.0, 50.0])
def test_ease_is_a_ridge_regression_per_anime(n_users: int, n_anime: int, density: float, l2: float) -> None:
    train = random_interactions(n_users, n_anime, density, seed=n_anime)
    expected = _ridge_by_column(train, np.full(n_anime, l2))
    np.testing.assert_allclose(fit_ease(train, l2).weights, expected, atol=2e-5)


@pytest.mark.parametrize("dropout", [0.1, 0.5])
def test_edlae_penalises_what_dropping_titles_out_would(dropout: float) -> None:
    train = random_interactions(40, 25, 0.3, seed=1)
    seen_by = np.asarray(train.seen_matrix().sum(axis=0)).ravel().astype(np.float64)
    expected = _ridge_by_column(train, dropout / (1 - dropout) * seen_by + 2.0)
    np.testing.assert_allclose(fit_edlae(train, dropout, 2.0).weights, expected, atol=2e-5)


def test_edlae_without_dropout_is_ease() -> None:
    train = random_interactions(40, 25, 0.3, seed=1)
    np.testing.assert_array_equal(fit_edlae(train, 0.0, 3.0).weights, fit_ease(train, 3.0).weights)


def test_ease_without_a_penalty_on_anime_nobody_saw_says_what_to_do() -> None:
    train = make_interactions([(1, 0, 8, 2)], [0, 1])
    with pytest.raises(InputError, match="raise --set l2"):
        fit_ease(train, 0.0)


@pytest.mark.parametrize("l2", [1.0, 50.0])
def test_weights_score_many_lists_as_they_score_one(l2: float) -> None:
    scorer: WeightsScorer = fit_ease(random_interactions(40, 25, 0.3, seed=1), l2)
    together = scorer.score_lists(np.arange(len(LISTS)), LISTS)
    np.testing.assert_allclose(together, [scorer.score_list(0, known) for known in LISTS], atol=1e-5)
    np.testing.assert_array_equal(scorer.score_similar(3), scorer.score_list(0, seen_list([3])))


def _user_knn_by_brute_force(
    train: Interactions, known: NDArray[np.int32], rule: Rule, k: int
) -> NDArray[np.float64]:
    query = set(known.tolist())
    similarities = []
    for user in range(train.n_users):
        seen = set(train.list_of(user).seen_rows.tolist())
        similarities.append(len(seen & query) / max(1.0, (len(seen) * len(query)) ** 0.5))
    scores = np.zeros(train.n_anime)
    for user in np.argsort(-np.array(similarities, dtype=np.float32), kind="stable")[:k]:
        theirs = train.list_of(int(user))
        scores[theirs.seen_rows if rule == "seen" else theirs.top_quarter_rows] += similarities[user]
    return scores


@pytest.mark.parametrize("rule", ["seen", "top quarter"])
@pytest.mark.parametrize(("n_users", "n_anime", "density"), [(4, 30, 0.4), (60, 25, 0.2), (90, 40, 0.1)])
def test_user_knn_is_what_brute_force_says(rule: Rule, n_users: int, n_anime: int, density: float) -> None:
    train = random_interactions(n_users, n_anime, density, seed=n_users)
    scorer = fit_user_knn(train, rule, n_neighbours=7)
    for known in LISTS:
        scores = scorer.score_list(0, known)
        expected = _user_knn_by_brute_force(train, known.anime_rows, rule, 7)
        if rule == "top quarter" and expected.any():  # in shares of all that the neighbours have to say
            expected, scores = expected / expected.max(), scores / scores.max()
        np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert scorer.score_similar(3) is None


def test_chance_is_repeatable_and_differs_between_users_and_questions() -> None:
    known = seen_list([1])
    one, again = RandomScorer(50), RandomScorer(50)
    np.testing.assert_array_equal(one.score_list(3, known), again.score_list(3, known))
    draws = [
        one.score_list(3, known),
        one.score_list(4, known),
        one.score_similar(3),
        RandomScorer(50, 1).score_list(3, known),
    ]
    assert len({draw.tobytes() for draw in draws}) == 4


def test_lists_become_a_binary_matrix() -> None:
    matrix = lists_matrix(LISTS[:3], 12).toarray()
    assert [np.flatnonzero(row).tolist() for row in matrix] == [[3], [0, 5, 9], []]
    assert matrix.max() == 1.0
    assert lists_matrix([], 12).shape == (0, 12)


def test_ials_folds_a_list_in_by_solving_for_its_factors() -> None:
    pytest.importorskip("implicit")
    from training.evaluation.baselines.ials import IalsConfig, fit_ials  # noqa: PLC0415 - optional

    train = random_interactions(60, 25, 0.3, seed=2)
    scorer = fit_ials(train, IalsConfig(factors=6, regularization=0.5, alpha=4.0, iterations=5))
    factors = scorer.model.item_factors.astype(np.float64)
    expected = []
    for known in LISTS:
        rows = known.anime_rows
        # What is on the list weighs alpha, all else 1: Hu et al., equation 4.
        weights = np.ones(25)
        weights[rows] = 4.0
        wanted = np.isin(np.arange(25), rows)
        solved = np.linalg.solve(factors.T * weights @ factors + 0.5 * np.eye(6), factors.T @ (weights * wanted))
        expected.append(factors @ solved)
    together = scorer.score_lists(np.arange(len(LISTS)), LISTS)
    np.testing.assert_allclose(together, expected, atol=1e-3)
    np.testing.assert_allclose(together, [scorer.score_list(0, known) for known in LISTS], atol=1e-5)
    assert np.argmax(scorer.score_similar(3)) == 3


def test_ials_is_repeatable() -> None:
    pytest.importorskip("implicit")
    from training.evaluation.baselines.ials import IalsConfig, fit_ials  # noqa: PLC0415 - optional

    train = random_interactions(60, 25, 0.3, seed=2)
    one, again = (fit_ials(train, IalsConfig(factors=6)).anime_embeddings for _ in range(2))
    np.testing.assert_array_equal(one, again)
