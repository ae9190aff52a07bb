"""Lists with a part hidden; the user who teaches is as good as absent from the weights."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.scoring.evidence import EVIDENCE
from models.scoring.items import ItemWeights
from models.scoring.user_list import Status, UserList
from tests.training.interactions_for_tests import make_interactions, random_interactions
from training.interactions import Interactions
from training.item_weights import co_counts, fit_blocks, invert_gram, regularisation, strongest_rows
from training.reranking.tasks import EvidenceCollector, Task, find_candidates, make_tasks

seeds = st.integers(0, 2**32 - 1)
DROPOUT, L2, FITTED_DROPOUT, FITTED_L2 = 0.3, 5.0, 0.4, 7.0


def tasks_of(lists: Interactions, short_share: float = 0.3, seed: int = 0) -> list[Task]:
    rng = np.random.default_rng(seed)
    return make_tasks(lists, np.arange(lists.n_users), seed, short_share, rng)


def without_user(lists: Interactions, user_row: int) -> Interactions:
    return lists.keep_users(np.arange(lists.n_users) != user_row)


def dense(lists: Interactions) -> NDArray[np.float64]:
    seen: NDArray[np.float64] = lists.seen_matrix().toarray().astype(np.float64)
    return seen


# --- what a task holds ---------------------------------------------------------------------------------------------


@given(seed=seeds, short_share=st.floats(0, 1))
def test_a_task_shares_out_what_the_user_has_seen(seed: int, short_share: float) -> None:
    lists = random_interactions(15, 40, 0.5, seed)
    for task in tasks_of(lists, short_share, seed):
        seen = lists.list_of(task.user_row).seen_rows
        parts = [task.known.anime_rows, task.target_rows, task.other_rows]
        np.testing.assert_array_equal(np.sort(np.concatenate(parts)), seen)
        assert len(task.target_rows) == max(1, round(0.2 * len(seen)))
        assert len(task.known.anime_rows) >= 1
        assert (task.known.statuses != Status.PLAN_TO_WATCH).all()
        same = lists.part_of(task.user_row, task.known.anime_rows)
        for mine, theirs in zip(vars(task.known).values(), vars(same).values(), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_lists_are_cut_short_as_often_as_asked() -> None:
    lists = random_interactions(60, 80, 0.6, seed=1)
    assert not any(len(task.other_rows) for task in tasks_of(lists, 0.0))
    cut = tasks_of(lists, 1.0)
    assert all(1 <= len(task.known.anime_rows) <= 20 for task in cut)
    assert len({len(task.known.anime_rows) for task in cut}) > 10
    some = sum(len(task.other_rows) > 0 for task in tasks_of(lists, 0.5))
    assert 15 <= some <= 45


def test_who_has_seen_fewer_than_two_titles_teaches_nothing() -> None:
    one = [(1, 1, 8, 2), (1, 2, 0, 6), (1, 3, 0, 6)]
    plans = [(2, 1, 0, 6), (2, 2, 0, 6)]
    two = [(3, 1, 8, 2), (3, 3, 0, 1)]
    tasks = tasks_of(make_interactions(one + plans + two))
    assert [task.user_row for task in tasks] == [2]
    assert len(tasks[0].known.anime_rows) == len(tasks[0].target_rows) == 1


def test_one_seed_hides_the_same_and_another_something_else() -> None:
    lists = random_interactions(20, 30, 0.5, seed=0)
    first, again, other = (tasks_of(lists, 0.5, seed) for seed in (4, 4, 5))
    for mine, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(mine.known.anime_rows, same.known.anime_rows)
        np.testing.assert_array_equal(mine.target_rows, same.target_rows)
    assert any(a.target_rows.tolist() != b.target_rows.tolist() for a, b in zip(first, other, strict=True))


def test_what_is_hidden_does_not_depend_on_who_else_teaches() -> None:
    lists = random_interactions(20, 30, 0.5, seed=0)
    whole = {task.user_row: task.target_rows.tolist() for task in tasks_of(lists, 0.0)}
    some = make_tasks(lists, np.array([3, 11]), 0, 0.0, np.random.default_rng(9))
    assert {task.user_row: task.target_rows.tolist() for task in some} == {row: whole[row] for row in (3, 11)}


# --- candidates ----------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(seed=seeds, short_share=st.floats(0, 1))
def test_candidates_are_those_of_dense_weights_fitted_without_the_user(seed: int, short_share: float) -> None:
    lists = random_interactions(25, 18, 0.3, seed)
    tasks = tasks_of(lists, short_share, seed)
    counts = co_counts(lists)
    found = find_candidates(tasks, lists, invert_gram(counts, DROPOUT, L2), 6)
    added = np.diag(regularisation(counts, DROPOUT, L2).astype(np.float64))
    for task, candidates in zip(tasks, found, strict=True):
        others = dense(without_user(lists, task.user_row))
        # The penalty is that of all users: one list more or less changes next to nothing in it.
        inverse = np.linalg.inv(others.T @ others + added)
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0.0)
        scores = weights[task.known.anime_rows].sum(axis=0)
        hidden = np.setdiff1d(np.arange(18), np.union1d(task.known.anime_rows, task.other_rows))
        best = np.sort(scores[hidden])[::-1][: len(candidates)]
        assert np.isin(candidates, hidden).all()
        # Scores, not rows: equal ones may come in any order.
        np.testing.assert_allclose(scores[candidates], best, atol=1e-4)


@given(seed=seeds, n_candidates=st.integers(1, 40))
def test_candidates_are_never_known_and_none_comes_twice(seed: int, n_candidates: int) -> None:
    lists = random_interactions(12, 20, 0.3, seed)
    tasks = tasks_of(lists, 0.5, seed)
    longest = max(len(task.known.anime_rows) + len(task.other_rows) for task in tasks)
    found = find_candidates(tasks, lists, invert_gram(co_counts(lists), DROPOUT, L2), n_candidates)
    assert found.shape == (len(tasks), min(n_candidates, 20 - longest))
    for task, candidates in zip(tasks, found, strict=True):
        assert len(set(candidates.tolist())) == len(candidates)
        assert not np.isin(candidates, task.known.anime_rows).any()
        assert not np.isin(candidates, task.other_rows).any()


# --- evidence ------------------------------------------------------------------------------------------------------


def collect(
    lists: Interactions, tasks: list[Task], candidates: NDArray[np.int32], rows: NDArray[np.int32]
) -> NDArray[np.float32]:
    counts = co_counts(lists)
    collector = EvidenceCollector(tasks, candidates, lists, counts, rows)
    for block in fit_blocks(counts, rows, FITTED_DROPOUT, FITTED_L2):
        collector.add(block)
    return collector.evidence


def slow_evidence(
    known: UserList, speakers: NDArray[np.int32], weights: NDArray[np.float64], cosines: NDArray[np.float64]
) -> list[float]:
    """Sum up what the titles of a list say for one candidate, title by title."""
    rated = known.ratings[known.ratings > 0]
    mean = float(rated.mean()) if len(rated) else 0.0
    spoken, ratings, dropped, heard = [], [], [], []
    for speaker in speakers.tolist():
        place = np.flatnonzero(known.anime_rows == speaker)
        seen = bool(len(place))
        rating = int(known.ratings[place[0]]) if seen else 0
        spoken.append(float(seen))
        ratings.append(rating - mean if rating else 0.0)
        dropped.append(float(seen and known.statuses[place[0]] in {Status.DROPPED, Status.ON_HOLD}))
        heard.append(seen)
    says = weights * np.array(spoken)
    strongest = int(np.argmax(says))
    ranked = sorted(says.tolist(), reverse=True)
    return [
        sum(ranked),
        ranked[0],
        sum(ranked[:3]),
        sum(ranked[:10]),
        float(weights @ np.array(ratings)),
        ratings[strongest],
        float(weights @ np.array(dropped)),
        sum(w for w, r in zip(weights.tolist(), ratings, strict=True) if r >= 0.75),
        max([0.0, *cosines[heard].tolist()]),
    ]


@settings(max_examples=25)
@given(seed=seeds, n_weights=st.sampled_from([2, 5, 13]), short_share=st.floats(0, 1))
def test_evidence_is_that_of_weights_fitted_to_everybody_elses_lists(
    seed: int, n_weights: int, short_share: float
) -> None:
    lists = random_interactions(25, 18, 0.35, seed)
    tasks = tasks_of(lists, short_share, seed)
    counts = co_counts(lists)
    inverse = invert_gram(counts, DROPOUT, L2)
    candidates, rows = find_candidates(tasks, lists, inverse, 5), strongest_rows(inverse, n_weights)
    evidence = collect(lists, tasks, candidates, rows)
    added = regularisation(counts, FITTED_DROPOUT, FITTED_L2).astype(np.float64)
    for task, mine, table in zip(tasks, candidates, evidence, strict=True):
        others = dense(without_user(lists, task.user_row))
        gram = others.T @ others
        n_seen = np.maximum(np.diag(gram), 1.0)
        for candidate, got in zip(mine.tolist(), table, strict=True):
            speakers = rows[candidate]
            among = gram[np.ix_(speakers, speakers)] + np.diag(added[speakers])
            weights = np.linalg.solve(among, gram[speakers, candidate])
            cosines = gram[speakers, candidate] / np.sqrt(n_seen[speakers] * n_seen[candidate])
            expected = slow_evidence(task.known, speakers, weights, cosines)
            checked = np.ones(len(EVIDENCE), dtype=bool)
            spoken = np.sort(weights * np.isin(speakers, task.known.anime_rows))
            # Which of two equal weights is the strongest is anybody's guess.
            checked[EVIDENCE.index("rating of the strongest")] = spoken[-1] - spoken[-2] > 1e-5
            # And a rating three quarters above the mean may be so by a hair.
            checked[EVIDENCE.index("weight of well-rated titles")] = not _is_by_a_hair(task.known)
            np.testing.assert_allclose(got[checked], np.array(expected)[checked], atol=2e-4)


def _is_by_a_hair(known: UserList) -> bool:
    rated = known.ratings[known.ratings > 0]
    return len(rated) > 0 and bool((np.abs(rated - rated.mean() - 0.75) < 1e-5).any())


def test_without_leaving_the_user_out_the_evidence_would_be_stronger() -> None:
    """A title that one user alone has seen: to others nothing speaks for it."""
    everybody = [(user, anime, 8, 2) for user in range(1, 9) for anime in (1, 2, 3, 4)]
    lists = make_interactions([*everybody, (1, 9, 8, 2)])
    known = UserList(np.array([0, 1], np.int32), np.array([8, 8], np.uint8), np.array([2, 2], np.uint8))
    task = Task(0, known, np.array([4], dtype=np.int32), np.array([2, 3], dtype=np.int32))
    rows = np.array([np.delete(np.arange(5), row) for row in range(5)], dtype=np.int32)
    evidence = collect(lists, [task], np.array([[4]], dtype=np.int32), rows)
    np.testing.assert_allclose(evidence[0, 0], 0.0, atol=1e-5)
    counts = co_counts(lists)
    values = np.concatenate([block.values for block in fit_blocks(counts, rows, FITTED_DROPOUT, FITTED_L2)])
    assert ItemWeights(rows, values, values).score(known.anime_rows)[4] > 0.02


def test_a_teacher_who_has_seen_no_speaker_and_not_the_target_changes_nothing() -> None:
    lists = make_interactions(
        [(user, anime, 8, 2) for user in range(1, 7) for anime in (1, 2, 3)] + [(9, 4, 7, 2), (9, 5, 7, 2)]
    )
    known = UserList(np.array([3], np.int32), np.array([7], np.uint8), np.array([2], np.uint8))
    task = Task(6, known, np.array([4], dtype=np.int32), np.empty(0, dtype=np.int32))
    rows = np.array([[1, 2], [0, 2], [0, 1], [0, 1], [0, 1]], dtype=np.int32)
    evidence = collect(lists, [task], np.array([[0, 1, 2]], dtype=np.int32), rows)
    np.testing.assert_array_equal(evidence, np.zeros_like(evidence))


def test_a_candidate_of_nobody_in_several_tasks_has_evidence_of_each() -> None:
    lists = random_interactions(30, 12, 0.4, seed=5)
    tasks = tasks_of(lists, 0.0)
    counts = co_counts(lists)
    rows = strongest_rows(invert_gram(counts, DROPOUT, L2), 4)
    candidates = np.array([[7, 2, 11]] * len(tasks), dtype=np.int32)
    together = collect(lists, tasks, candidates, rows)
    for number, task in enumerate(tasks):
        alone = collect(lists, [task], candidates[:1, ::-1], rows)
        np.testing.assert_allclose(together[number], alone[0, ::-1], atol=1e-5)


@pytest.mark.parametrize("rating", [0, 10])
def test_unrated_lists_and_lists_rated_alike_say_nothing_by_ratings(rating: int) -> None:
    lists = random_interactions(20, 12, 0.4, seed=6)
    lists = replace(lists, ratings=np.full(len(lists.ratings), rating, dtype=np.uint8))
    tasks = tasks_of(lists, 0.0)
    inverse = invert_gram(co_counts(lists), DROPOUT, L2)
    evidence = collect(lists, tasks, find_candidates(tasks, lists, inverse, 3), strongest_rows(inverse, 4))
    for name in ("weighted ratings", "rating of the strongest", "weight of well-rated titles"):
        assert not evidence[:, :, EVIDENCE.index(name)].any()
    assert evidence[:, :, EVIDENCE.index("item score")].any()
