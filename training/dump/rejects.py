"""Rows that cannot be used are kept aside with their line and the reason, counted and reported."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

REJECTS_FILE: Final = "rejected_rows.csv"


class RejectedRows:
    """Writes rejected rows to ``rejected_rows.csv``: file, line, reason, row.

    Parameters
    ----------
    path : Path
        The file to write. It is made even when nothing is rejected, so that its absence means nothing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        self.counts_by_file: Counter[str] = Counter()
        self._file = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(("file", "line", "reason", "row"))

    def add(self, file: str, line: int, reason: str, row: str) -> None:
        """Keep one row aside.

        Parameters
        ----------
        file : str
            Name of the input file.
        line : int
            Its line there, the header being line 1.
        reason : str
            Why, in words that are the same for all rows of this kind; they are counted by it.
        row : str
            The row as it came; where it was read and refused only later (unknown anime, duplicates), its
            user_id, anime_id, rating and watching_status.
        """
        self.counts[reason] += 1
        self.counts_by_file[file] += 1
        self._writer.writerow((file, line, reason, row))

    def add_many(self, file: str, lines: Sequence[int], reason: str, rows: Sequence[str]) -> None:
        """Keep rows aside that share a reason.

        Parameters
        ----------
        file : str
            Name of the input file.
        lines : sequence of int
            Their lines there.
        reason : str
            Why.
        rows : sequence of str
            The rows as they came, in the order of ``lines``.
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
