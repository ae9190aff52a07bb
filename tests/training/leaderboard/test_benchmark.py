"""The leaderboard's parts: the cold-start cuts, paired tests, sanity rows, coverage, and processes of their own."""

import os
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from tests.training.interactions_for_tests import make_interactions, random_interactions
from tests.training.isolated_for_tests import die, fail, say_who
from training.evaluation.baselines.random import RandomScorer
from training.evaluation.list_quality import ListQuestions, measure_lists
from training.evaluation.scorers import RatingNetworkScorer
from training.evaluation.tables import show
from training.leaderboard.cold_start import CUTS, make_points, measure_cold_start
from training.leaderboard.isolated import IsolatedError, peak_memory_mb, run_isolated
from training.leaderboard.sanity import expect_recall_by_chance, make_oracle
from training.leaderboard.summary import compare_paired, estimate_coverage
from training.leaderboard.tables import cold_start_tables, show_p
from training.leaderboard.tune import tune, validation_split
from training.lists.split import split_interactions
from training.similar_anime.truth import SimilarQuery


def test_cuts_hold_one_another_and_keep_their_users() -> None:
    lists = random_interactions(200, 150, 0.7, 0)
    split = split_interactions(lists)
    *cut, whole = make_points(split)
    assert [point.name for point in cut] == ["1", "2", "3", "5", "10", "20"]
    for n, point in zip(CUTS, cut, strict=True):
        np.testing.assert_array_equal(point.users, cut[0].users)
        for user, rows in zip(point.users, point.inputs, strict=True):
            assert len(set(rows.tolist())) == min(n, len(split.inputs[user]))
            assert np.isin(rows, split.inputs[user]).all()
    for shorter, longer in pairwise(cut):
        assert all(np.isin(a, b).all() for a, b in zip(shorter.inputs, longer.inputs, strict=True))
    assert whole.name == "50+"
    assert {len(rows) >= 50 for rows in whole.inputs} == {True}
    assert all(rows is split.inputs[user] for user, rows in zip(whole.users, whole.inputs, strict=True))
    again = make_points(split)
    assert all((a == b).all() for a, b in zip(cut[0].inputs, again[0].inputs, strict=True))


def test_a_stranger_is_asked_for_everything_untold_and_others_for_what_is_held_back() -> None:
    lists = random_interactions(200, 60, 0.5, 0)
    split = split_interactions(lists)
    point = make_points(split)[1]
    held_back, untold = point.held_back(split), point.untold(split)
    for place, user in enumerate(point.users.tolist()):
        told = point.inputs[place].tolist()
        assert held_back.inputs[place].anime_rows.tolist() == untold.inputs[place].anime_rows.tolist() == told
        assert held_back.targets[place].rows.tolist() == split.targets[user].tolist()
        assert held_back.known[place].tolist() == split.inputs[user].tolist()
        whole = set(lists.list_of(int(split.test_user_rows[user])).seen_rows.tolist())
        assert set(untold.targets[place].rows.tolist()) == whole - set(told)
        assert untold.known[place].tolist() == told
    curve, untold_curve = measure_cold_start(RandomScorer(60), split)
    assert list(untold_curve) == [str(n) for n in CUTS]
    assert set(curve) == set(untold_curve)
    assert measure_cold_start(RatingNetworkScorer(*(np.eye(3, dtype=np.float32),) * 2), split) == ({}, {})


def test_who_has_too_little_is_on_no_curve() -> None:
    # User 15 tests, with 8 titles of which 2 are targets.
    rows = [(user, anime, 8, 2) for user in (1, 15) for anime in range(8)]
    lists = make_interactions(rows)
    split = split_interactions(lists)
    assert len(split.inputs) == 1
    assert make_points(split) == []


def test_a_paired_comparison_by_hand() -> None:
    # Differences 1, 2, 3: mean 2, standard error 1 / sqrt(3), t = 2 sqrt(3) with 2 degrees of freedom.
    difference = compare_paired(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0]))
    assert (difference.mean, difference.n) == (2.0, 3)
    half = 4.302653 / 3**0.5
    assert (difference.low, difference.high) == pytest.approx((2 - half, 2 + half), abs=1e-5)
    # With 2 degrees of freedom the distribution is known in closed form.
    t = 2 * 3**0.5
    assert difference.p_t == pytest.approx(1 - t / (2 + t * t) ** 0.5)
    # All three signs agree: 2 of 8 equally likely ways.
    assert difference.p_wilcoxon == pytest.approx(0.25)


def test_a_paired_comparison_is_the_textbooks() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.random(200), rng.random(200)
    difference = compare_paired(one, other)
    reference = stats.ttest_rel(one, other)
    assert difference.p_t == pytest.approx(reference.pvalue)
    assert (difference.low, difference.high) == pytest.approx(tuple(reference.confidence_interval(0.95)))
    opposite = compare_paired(other, one)
    assert (opposite.mean, opposite.low, opposite.p_t) == pytest.approx(
        (-difference.mean, -difference.high, difference.p_t)
    )


@pytest.mark.parametrize("values", [[0.5], [0.2, 0.2, 0.9]])
def test_methods_that_nobody_can_tell_apart_have_a_p_of_one(values: list[float]) -> None:
    difference = compare_paired(np.array(values), np.array(values))
    assert (difference.mean, difference.low, difference.high) == (0.0, 0.0, 0.0)
    assert (difference.p_t, difference.p_wilcoxon) == (1.0, 1.0)


def test_few_false_alarms_where_nothing_differs() -> None:
    rng = np.random.default_rng(1)
    comparisons = [compare_paired(rng.random(40), rng.random(40)) for _ in range(400)]
    for p_values in ([one.p_t for one in comparisons], [one.p_wilcoxon for one in comparisons]):
        assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.mean([one.low <= 0.0 <= one.high for one in comparisons]) == pytest.approx(0.95, abs=0.03)


def test_chance_recalls_what_it_must() -> None:
    # Lists longer and shorter than what 20 places can hold.
    split = split_interactions(random_interactions(300, 300, 0.42, 3))
    assert max(len(rows) for rows in split.targets) > 20 > min(len(rows) for rows in split.targets)
    expected = expect_recall_by_chance(split)
    recalls: list[NDArray[np.float64]] = []
    for seed in range(20):
        quality = measure_lists(RandomScorer(300, seed), ListQuestions.of_split(split))
        assert quality is not None
        recalls.append(quality.values["recall_at_20"].to_numpy())
    means = [values.mean() for values in recalls]
    assert all(abs(mean - expected.mean) <= expected.tolerance for mean in means)
    assert np.mean(means) == pytest.approx(expected.mean, abs=4 * expected.standard_error / 20**0.5)
    assert np.std(means, ddof=1) == pytest.approx(expected.standard_error, rel=0.5)


def test_chance_with_few_targets_recalls_k_of_n() -> None:
    rows = [(user, anime, 8, 2) for user in (1, 15, 32, 36) for anime in range(10 if user > 1 else 100)]
    split = split_interactions(make_interactions(rows))
    # 8 of 100 anime are known, 92 can be drawn; the 2 targets are fewer than the 20 places.
    assert expect_recall_by_chance(split).mean == pytest.approx(20 / 92)


def test_an_oracle_knows_lists_and_similar_anime() -> None:
    split = split_interactions(random_interactions(100, 30, 0.4, 0))
    query = SimilarQuery(4, np.array([7, 2]), np.array([2.0, 1.0]), may_choose=False)
    oracle = make_oracle(split, [query])
    quality = measure_lists(oracle, ListQuestions.of_split(split))
    assert quality is not None
    np.testing.assert_allclose(quality.values[["recall_at_20", "ndcg_at_10", "ndcg_at_100"]], 1.0)
    assert np.argsort(-oracle.score_similar(4), kind="stable")[:2].tolist() == [7, 2]


def test_coverage_has_the_jackknifes_interval() -> None:
    rng = np.random.default_rng(0)
    top_rows = [rng.choice(80, 10, replace=False) for _ in range(9)]
    estimate = estimate_coverage(top_rows)
    without = np.array([len(np.unique(np.concatenate(top_rows[:u] + top_rows[u + 1 :]))) for u in range(9)])
    half = 1.96 * (8 / 9 * ((without - without.mean()) ** 2).sum()) ** 0.5
    assert estimate.mean == len(np.unique(np.concatenate(top_rows)))
    assert (estimate.high - estimate.mean, estimate.n) == pytest.approx((half, 9))


def test_a_process_of_its_own_holds_nothing_of_this_ones_memory() -> None:
    ballast = b"1" * 400_000_000
    process, length, peak = run_isolated(say_who, 50_000_000)
    assert (process != os.getpid(), length) == (True, 50_000_000)
    assert 50 < peak < peak_memory_mb() - 200
    assert peak_memory_mb() > len(ballast) / 1e6


def test_a_process_that_fails_or_dies_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(IsolatedError, match="traceback stands above"):
        run_isolated(fail)
    assert "ValueError: on purpose" in capfd.readouterr().err
    with pytest.raises(IsolatedError, match="signal 9"):
        run_isolated(die)


def test_tuning_measures_each_candidate_on_validation_users_alone() -> None:
    lists = random_interactions(300, 40, 0.2, 0)
    split = validation_split(lists)
    asked: list[int] = []

    def fit(train: object) -> RandomScorer:
        assert train is split.train
        asked.append(1)
        return RandomScorer(40)

    results = tune(split, iter([("one", fit), ("two", fit)]))
    assert (len(asked), [name for name, _ in results]) == (2, ["one", "two"])
    assert 0.0 < results[0][1]["ndcg_at_100"] < 1.0


def test_a_table_per_curve_shows_its_own_metric() -> None:
    def point(*means: float) -> dict[str, dict[str, float]]:
        names = ("ndcg_at_100", "ndcg_at_10", "loved_ndcg_at_10")
        return {name: {"mean": m, "low": m, "high": m, "n": 7} for name, m in zip(names, means, strict=False)}

    method = {
        "generalisation": "strong",
        "next_anime": {},
        "cold_start": {"2": point(0.1), "50+": point(0.2)},
        "untold": {"2": point(0.3, 0.4, 0.5)},
    }
    tables = cold_start_tables({"methods": {"mine": method}})
    assert [table.rows[0][1:] for table in tables] == [
        (".100 ±.000", ".200 ±.000"),
        (".300 ±.000",),
        (".400 ±.000",),
        (".500 ±.000",),
    ]
    assert [table.headings[1:] for table in tables[:2]] == [("2 (7 users)", "50+ (7 users)"), ("2 (7 users)",)]
    assert tables[3].title == "loved NDCG@10 where everything untold is to be found"
    assert cold_start_tables({"methods": {"mine": method | {"cold_start": {}, "untold": {}}}}) == []


def test_numbers_are_shown_as_the_docs_show_them() -> None:
    assert show({"mean": 0.5864, "low": 0.5734, "high": 0.5994}) == ".586 ±.013"
    assert show({"mean": 1204.0, "low": 1154.0, "high": 1254.0}, decimals=0) == "1,204 ±50"
    assert show(None) == "-"
    assert (show_p(0.00001), show_p(0.0312), show_p(1.0)) == ("< .0001", ".0312", "1.0000")
