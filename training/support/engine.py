"""Where a step over all users runs: in this process, or as tasks on several machines (ADR 25).

A step is a function of a module. It takes inputs, of any kind and mostly arrays, and then the values of a call, which
JSON can write.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from training.errors import InputError

Range = tuple[int, int]


class Engine:
    """Runs the calls of a step: as it is, in one call with everything, whose threads are its own."""

    @property
    def n_machines(self) -> int:
        """Into how many tasks to cut a step whose tasks each read everything."""
        return 1

    def ranges(self, n_rows: int, block: int) -> list[Range]:  # noqa: ARG002 - one range begins anywhere
        """Cut rows into [first, last) ranges that begin at multiples of `block`: one for each call."""
        return [(0, n_rows)]

    def map(self, step: Callable[..., Any], inputs: Sequence[Any], calls: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
        """Yield ``step(*inputs, *call)`` of every call, in their order."""
        return (step(*inputs, *call) for call in calls)

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Make a large array, for what is put together of parts."""
        return np.empty(shape, dtype)


LOCAL: Final = Engine()


def over_ranges(
    engine: Engine, step: Callable[..., Any], inputs: Sequence[Any], n_rows: int, block: int, *constants: float
) -> NDArray[Any]:
    """Concatenate ``step(*inputs, first, last, *constants)`` of ranges of rows that begin at multiples of `block`."""
    calls = [(first, last, *constants) for first, last in engine.ranges(n_rows, block)]
    return concatenate(engine, list(engine.map(step, inputs, calls)))


def concatenate(engine: Engine, parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Concatenate arrays; a single one stays as it is."""
    if len(parts) == 1:
        return parts[0]
    whole = engine.empty((sum(map(len, parts)), *parts[0].shape[1:]), np.result_type(*parts))
    return np.concatenate(parts, out=whole)


@contextlib.contextmanager
def open_engine(address: str, work: Path) -> Iterator[Engine]:
    """Connect to what ``--engine`` names: ``local``, or the scheduler of a Dask cluster.

    What its workers made stays in the work folder until the block ends well, so that the next run need not make it.

    Raises
    ------
    InputError
        If there is no such engine, no scheduler or no worker, or one that cannot be used.
    """
    if address == "local":
        yield LOCAL
        return
    if not address.startswith(("tcp://", "tls://")):
        raise InputError(f"--engine {address}: expected local, or the address tcp://HOST:8786 or tls://HOST:8786")
    try:
        from training.support.dask_engine import connect  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InputError(f"--engine {address}: needs Dask ({error}); install osusume[dask]") from error
    with connect(address, work) as engine:
        yield engine
