"""Rows that cannot be used: written with their line and the reason, counted and reported."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

REJECTS_FILE: Final = "rejected_rows.csv"


class RejectedRows:
    """Writes rejected rows to a file (file, line, reason, row), which is made even if there are none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        self.counts_by_file: Counter[str] = Counter()
        self._file = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(("file", "line", "reason", "row"))

    def add(self, file: str, line: int, reason: str, row: str) -> None:
        """Reject one row."""
        self.add_many(file, [line], reason, [row])

    def add_many(self, file: str, lines: Sequence[int], reason: str, rows: Sequence[str]) -> None:
        """Reject rows that share a reason, which they are counted by.

        Parameters
        ----------
        file : str
            Name of the input file.
        lines : sequence of int
            Their lines there, the header being line 1.
        reason : str
        rows : sequence of str
            As they came; if they were rejected only after parsing, user_id, anime_id, rating and watching_status.
        """
        self.counts[reason] += len(rows)
        self.counts_by_file[file] += len(rows)
        self._writer.writerows((file, line, reason, row) for line, row in zip(lines, rows, strict=True))

    def __enter__(self) -> "RejectedRows":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
