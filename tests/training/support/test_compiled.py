"""Compiled loops."""

from collections.abc import Callable
from typing import Any

import pytest

from training.support.compiled import compiled, on_all_threads


def test_what_cannot_be_kept_between_runs_is_compiled_all_the_same() -> None:
    # Of a function that stands in no file numba cannot tell whether it has changed, so it refuses to keep it.
    names: dict[str, Callable[..., Any]] = {}
    exec("def twice(number):\n    return 2 * number", names)  # noqa: S102
    assert compiled(names["twice"])(21) == 42


def test_work_is_shared_among_the_cores_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {3, 4, 7})
    shares: list[tuple[int, int]] = []
    on_all_threads(lambda first, step: shares.append((first, step)))
    assert sorted(shares) == [(0, 3), (1, 3), (2, 3)]
