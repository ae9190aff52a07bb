"""Compiled loops."""

from collections.abc import Callable
from typing import Any

from training.compiled import compiled


def test_what_cannot_be_kept_between_runs_is_compiled_all_the_same() -> None:
    # Of a function that stands in no file numba cannot tell whether it has changed, so it refuses to keep it.
    names: dict[str, Callable[..., Any]] = {}
    exec("def twice(number):\n    return 2 * number", names)  # noqa: S102
    assert compiled(names["twice"])(21) == 42
