"""Which lines of a text the rows that a parser counts are on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.dump.csv_text import open_bytes

_BLOCK_BYTES: Final = 1 << 18
_NEWLINE, _RETURN = ord("\n"), ord("\r")


class Lines(NamedTuple):
    """What the lines of a file are like."""

    n_lines: int
    blank: NDArray[np.int64]  # which, from 1
    same_ends: bool  # all lines end in "\r\n", or none has a "\r"
    only_digits: bool  # no letter, no point: whatever reads whole numbers there cannot misread one


def look_at_lines(path: Path) -> Lines:
    """Count the lines of a file, .gz and .zst decompressed; the first one is the header."""
    n_lines, n_returns, only_digits = 0, 0, True
    blank: list[NDArray[np.int64]] = [np.array([], dtype=np.int64)]
    before = b"\n\n"
    with open_bytes(path) as file:
        while block := file.read(_BLOCK_BYTES):
            text = before + block
            letters = np.frombuffer(text, dtype=np.uint8)
            is_end = letters == _NEWLINE
            if (is_end[2:] & is_end[1:-1]).any() or (b"\r" in text and b"\n\r\n" in text):
                ends = np.flatnonzero(is_end[2:]) + 2
                last, last_but_one = letters[ends - 1], letters[ends - 2]
                is_blank = (last == _NEWLINE) | ((last == _RETURN) & (last_but_one == _NEWLINE))
                blank.append(n_lines + 1 + np.flatnonzero(is_blank))
                n_ends = len(ends)
            else:
                n_ends = int(np.count_nonzero(is_end[2:]))
            below_header = 0 if n_lines else block.find(b"\n") + 1
            rest = letters[2 + below_header :]
            only_digits = only_digits and rest.max(initial=0) <= ord("9") and block.find(b".", below_header) < 0
            n_lines += n_ends
            n_returns += block.count(b"\r")
            before = text[-2:]
    is_cut = before[-1] != _NEWLINE
    return Lines(n_lines + is_cut, np.concatenate(blank), n_returns in {0, n_lines}, only_digits)


def lines_of_rows(rows: NDArray[np.int64], skipped: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the lines, from 1, of rows, from 0, where each line but the skipped ones (ascending) begins a row."""
    rows_before = np.asarray(skipped, dtype=np.int64) - 1 - np.arange(len(skipped))
    return rows + 1 + np.searchsorted(rows_before, rows, side="right")
