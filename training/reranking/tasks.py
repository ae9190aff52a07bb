"""What the re-ranker learns from: lists with a part hidden, and candidates among which it is to be found.

The item weights are learned from the same users, so a user who teaches has to be left out of them again, or the
re-ranker would learn to trust weights that remember its teacher. For closed-form weights that takes no second fit:
leaving one user out is a rank-one change of the inverse (Sherman and Morrison, 1950).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.scoring.evidence import EVIDENCE, weigh_evidence
from models.scoring.user_list import Status, UserList
from training.interactions import Interactions
from training.item_weights import FittedBlock, Square
from training.split import choose_targets

Matrix = NDArray[np.float32]

_TASKS_PER_BLOCK: Final = 256
# How an entry of a teacher's list is written in one byte.
_IN_LIST, _IN_INPUT, _DROPPED, _RATING_SHIFT = 1, 2, 4, 3


@dataclass(frozen=True)
class Task:
    """One list with a part hidden.

    Attributes
    ----------
    user_row : int
    known : UserList
        What the re-ranker sees.
    target_rows : ndarray, dtype=int32
        What it should put on top.
    other_rows : ndarray, dtype=int32
        What the user has seen too, but is neither shown nor asked for.
    """

    user_row: int
    known: UserList
    target_rows: NDArray[np.int32]
    other_rows: NDArray[np.int32]


def make_tasks(
    train: Interactions, user_rows: NDArray[np.integer], seed: int, short_share: float, rng: np.random.Generator
) -> list[Task]:
    """Hide a part of each user's list, as the evaluation does.

    Parameters
    ----------
    train : Interactions
    user_rows : ndarray, dtype=integer
        Who teaches.
    seed : int
        Draws what is hidden.
    short_share : float
        Share of the lists that make a second task of one to twenty titles only, so that the re-ranker learns what to
        make of little.
    rng : numpy.random.Generator

    Returns
    -------
    list of Task
        None for users who have seen fewer than two titles.
    """
    tasks = []
    for user_row in user_rows.tolist():
        start, end = train.offsets[user_row : user_row + 2]
        entries = start + np.flatnonzero(train.statuses[start:end] != int(Status.PLAN_TO_WATCH))
        if len(entries) < 2:
            continue
        targets = np.sort(choose_targets(train, user_row, entries, seed))
        known = np.setdiff1d(entries, targets)
        whole = Task(user_row, _list_of(train, known), train.anime_rows[targets], train.anime_rows[:0])
        tasks.append(whole)
        if rng.random() < short_share:
            shown = np.sort(rng.choice(known, min(len(known), int(rng.integers(1, 21))), replace=False))
            others = train.anime_rows[np.setdiff1d(known, shown)]
            tasks.append(replace(whole, known=_list_of(train, shown), other_rows=others))
    return tasks


def find_candidates(
    tasks: Sequence[Task], train: Interactions, inverse: Square, n_candidates: int
) -> NDArray[np.int32]:
    """Find the anime that dense item weights propose for each task, its user left out of them.

    Parameters
    ----------
    tasks : sequence of Task
    train : Interactions
    inverse : ndarray of shape (n_anime, n_anime), dtype=float32
        From :func:`training.item_weights.invert_gram`.
    n_candidates : int

    Returns
    -------
    ndarray of shape (n_tasks, k), dtype=int32
        Best first; nothing of the known part. k is n_candidates, or what the shortest leaves.
    """
    n_anime = train.n_anime
    full: Any = train.seen_matrix()[[task.user_row for task in tasks]]
    shown = _rows_matrix([task.known.anime_rows for task in tasks], n_anime)
    longest = max(len(task.known.anime_rows) + len(task.other_rows) for task in tasks)
    k = min(n_candidates, n_anime - longest)
    diagonal = np.diag(inverse)
    found = np.empty((len(tasks), k), dtype=np.int32)
    for start in range(0, len(tasks), _TASKS_PER_BLOCK):
        block = slice(start, start + _TASKS_PER_BLOCK)
        # Symmetric, and its transpose lies in memory as the product wants it.
        by_full, by_shown = full[block] @ inverse.T, shown[block] @ inverse.T  # (B, N) each
        change = 1.0 / (1.0 - full[block].multiply(by_full).sum(axis=1))  # (B, 1)
        overlap = shown[block].multiply(by_full).sum(axis=1)  # (B, 1)
        scores = -(by_shown + np.asarray(change) * np.asarray(overlap) * by_full)
        scores /= diagonal + np.asarray(change) * by_full**2
        for place, task in enumerate(tasks[block]):
            scores[place, task.known.anime_rows] = -np.inf
            scores[place, task.other_rows] = -np.inf
        best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
        found[block] = np.take_along_axis(best, order, axis=1)
    return found


class EvidenceCollector:
    """Works out what item weights say for every candidate of every task, its user left out of them.

    Parameters
    ----------
    tasks : sequence of Task
    candidates : ndarray of shape (n_tasks, k), dtype=int32
    train : Interactions
    counts : ndarray of shape (n_anime, n_anime), dtype=float32
        Co-counts of all who train.
    rows : ndarray of shape (n_anime, n_weights), dtype=int32
        Who speaks for each anime.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        candidates: NDArray[np.int32],
        train: Interactions,
        counts: Square,
        rows: NDArray[np.int32],
    ) -> None:
        self._counts, self._rows = counts, rows
        self._order = np.argsort(candidates, axis=None, kind="stable")
        flat = candidates.ravel()[self._order]
        self._ends = np.searchsorted(flat, np.arange(train.n_anime + 1))
        self._k = candidates.shape[1]
        self._lists = _write_lists(tasks, train)
        self._means = np.array([_mean_rating(task.known) for task in tasks], dtype=np.float32)
        self.evidence = np.zeros((*candidates.shape, len(EVIDENCE)), dtype=np.float32)

    def add(self, block: FittedBlock) -> None:
        """Take the weights of some anime.

        Parameters
        ----------
        block : FittedBlock
        """
        table = self.evidence.reshape(-1, len(EVIDENCE))
        for place, (values, inverse) in enumerate(zip(block.values, block.inverses, strict=True)):
            target = block.start + place
            pairs = self._order[self._ends[target] : self._ends[target + 1]]
            if len(pairs):
                table[pairs] = self._evidence_of(target, pairs // self._k, values, inverse)

    def _evidence_of(self, target: int, tasks: NDArray[np.int64], values: Matrix, inverse: Matrix) -> Matrix:
        speakers = self._rows[target]
        entries = self._lists[tasks[:, None], speakers[None, :]]  # (m, n_weights), bytes
        own = self._lists[tasks, target]
        full = (entries & _IN_LIST > 0).astype(np.float32)
        seen = (entries & _IN_INPUT > 0).astype(np.float32)
        holds = (own & _IN_LIST > 0).astype(np.float32)[:, None]  # (m, 1): has the user seen the target?
        # Leaving one user out of a ridge regression: the residual over one minus the leverage.
        solved = full @ inverse  # (m, n_weights)
        leverage = (solved * full).sum(axis=1, keepdims=True)
        residual = holds - full @ values[:, None]
        weights = values - solved * (residual / (1.0 - leverage))
        rating = entries >> _RATING_SHIFT
        ratings = np.where((rating > 0) & (seen > 0), rating - self._means[tasks][:, None], 0.0).astype(np.float32)
        dropped = ((entries & _DROPPED > 0) & (seen > 0)).astype(np.float32)
        return weigh_evidence(weights, self._cosines(target, speakers, full, holds), seen, ratings, dropped)

    def _cosines(self, target: int, speakers: NDArray[np.int32], full: Matrix, holds: Matrix) -> Matrix:
        """Give the cosines without the user, shape (m, n_weights)."""
        diagonal = np.diag(self._counts)
        together = self._counts[target, speakers] - full * holds
        norms = np.maximum(diagonal[speakers] - full, 1.0) * np.maximum(diagonal[target] - holds, 1.0)
        cosines: Matrix = (together / np.sqrt(norms)).astype(np.float32)
        return cosines


def _write_lists(tasks: Sequence[Task], train: Interactions) -> NDArray[np.uint8]:
    """Write every list into a row of bytes, shape (n_tasks, n_anime)."""
    lists = np.zeros((len(tasks), train.n_anime), dtype=np.uint8)
    for row, task in zip(lists, tasks, strict=True):
        row[task.target_rows] = row[task.other_rows] = _IN_LIST
        given_up = np.isin(task.known.statuses, (int(Status.DROPPED), int(Status.ON_HOLD)))
        row[task.known.anime_rows] = (
            (task.known.ratings << _RATING_SHIFT) | np.where(given_up, _DROPPED, 0) | _IN_INPUT | _IN_LIST
        )
    return lists


def _list_of(train: Interactions, entries: NDArray[np.int64]) -> UserList:
    return UserList(train.anime_rows[entries], train.ratings[entries], train.statuses[entries])


def _mean_rating(known: UserList) -> float:
    rated = known.ratings[known.ratings > 0]
    return float(rated.mean()) if len(rated) else 0.0


def _rows_matrix(rows: Sequence[NDArray[np.int32]], n_anime: int) -> sp.csr_matrix:
    offsets = np.cumsum([0, *map(len, rows)])
    columns = np.concatenate(rows)
    return sp.csr_matrix((np.ones(len(columns), dtype=np.float32), columns, offsets), shape=(len(rows), n_anime))
