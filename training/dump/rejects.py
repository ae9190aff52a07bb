"""Rows that cannot be used: written with their line and the reason, counted and reported."""

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

REJECTS_FILE: Final = "rejected_rows.csv"
# Of a row; what is longer was never one.
_MAX_TEXT: Final = 10_000

LinesOf = Callable[[NDArray[np.int64]], NDArray[np.int64]]


class RejectedRows:
    """Writes rejected rows to a file (file, line, reason, row), which is made even if there are none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        self._held: dict[str, list[tuple[NDArray[np.int64], str, Any]]] = {}
        self._lines_of: dict[str, LinesOf] = {}
        self._file = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(("file", "line", "reason", "row"))

    def add(self, file: str, line: int, reason: str, row: str) -> None:
        """Reject what is on a line of a file."""
        self.counts[reason] += 1
        self._writer.writerow((file, line, reason, row[:_MAX_TEXT]))

    def begin(self) -> Callable[[], None]:
        """Return what forgets all that is rejected from here on."""
        place, counts = self._file.tell(), self.counts.copy()

        def forget_all() -> None:
            self._file.seek(place)
            self._file.truncate()
            self.counts, self._held, self._lines_of = counts, {}, {}

        return forget_all

    def hold(self, file: str) -> None:
        """Keep what :meth:`add_many` gets of a file until it is known which lines its rows are on."""
        self._held[file] = []

    def forget(self, file: str) -> None:
        """Forget what is held of a file."""
        del self._held[file]

    def settle(self, file: str, lines_of: LinesOf) -> None:
        """Write what is held of a file; `lines_of` gives the lines of rows."""
        self._lines_of[file] = lines_of
        for rows, reason, texts in self._held.pop(file):
            self.add_many(file, rows, reason, texts.to_pylist())

    def add_many(self, file: str, rows: NDArray[np.int64], reason: str, texts: Sequence[str]) -> None:
        """Reject rows that share a reason, which they are counted by.

        Parameters
        ----------
        file : str
            Name of the input file.
        rows : ndarray of shape (n,), dtype=int64
            Which of its rows, from 0.
        reason : str
        texts : sequence of str
            user_id, anime_id, rating and watching_status, as they came.
        """
        if file in self._held:
            self._held[file].append((rows, reason, pa.array(texts, pa.string())))
            return
        self.counts[reason] += len(rows)
        lines = self.lines_of(file, rows).tolist()
        self._writer.writerows(
            (file, line, reason, text[:_MAX_TEXT]) for line, text in zip(lines, texts, strict=True)
        )

    def lines_of(self, file: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the lines of rows of a file that was settled."""
        return self._lines_of[file](rows)

    def __enter__(self) -> "RejectedRows":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
