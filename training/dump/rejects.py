"""Rows that cannot be used: written with their line and the reason, counted and reported."""

import contextlib
import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from training.dump.line_numbers import lines_of_rows

REJECTS_FILE: Final = "rejected_rows.csv"
# Of a row; what is longer was never one.
_MAX_TEXT: Final = 10_000
# Bytes that are copied at a time.
_COPIED: Final = 1 << 20
_HEADER: Final = "file,line,reason,row\n"


class RejectedRows(contextlib.AbstractContextManager["RejectedRows"]):
    """Writes rejected rows to a file (file, line, reason, row), which is made even if there are none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        self._held: list[tuple[str, NDArray[np.int64], str, Any]] = []
        self._file = path.open("w", newline="", encoding="utf-8")
        self._file.write(_HEADER)
        self._writer = csv.writer(self._file, lineterminator="\n")
        # The other one leaves a carriage return as it is, and whoever reads the file takes it for the end of a row.
        self._quoting = csv.writer(self._file, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def add(self, file: str, line: int, reason: str, row: str) -> None:
        """Reject what is on a line of a file."""
        self.add_lines(file, np.array([line]), reason, [row])

    def add_lines(self, file: str, lines: NDArray[np.int64], reason: str, texts: Sequence[str]) -> None:
        """Reject what is on some lines of a file, which share a reason."""
        self.counts[reason] += len(lines)
        writer = self._quoting if any("\r" in text for text in texts) else self._writer
        writer.writerows(
            (file, line, reason, text[:_MAX_TEXT]) for line, text in zip(lines.tolist(), texts, strict=True)
        )

    def hold(self, file: str, rows: NDArray[np.int64], reason: str, texts: Sequence[str]) -> None:
        """Reject rows of a file, given by their numbers from 0, that share a reason, once their lines are known."""
        self._held.append((file, rows, reason, pa.array(texts, pa.string())))

    def settle(self, skipped: NDArray[np.int64]) -> None:
        """Write the rows that are held, of a file of which the `skipped` lines begin no row."""
        for file, rows, reason, texts in self._held:
            self.add_lines(file, lines_of_rows(rows, skipped), reason, texts.to_pylist())

    def content(self) -> NDArray[np.uint8]:
        """Return what was written, below the header."""
        self._file.flush()
        return np.memmap(self.path, np.uint8, "r")[len(_HEADER) :]

    def extend(self, content: NDArray[np.uint8], counts: Mapping[str, int]) -> None:
        """Write what :meth:`content` returned elsewhere."""
        self.counts.update(counts)
        self._file.flush()
        for start in range(0, len(content), _COPIED):
            self._file.buffer.write(content[start : start + _COPIED].tobytes())

    def __exit__(self, *_: object) -> None:
        self._file.close()
