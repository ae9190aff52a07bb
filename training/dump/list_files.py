"""Reads list files (animelist or rating_complete; .csv, .csv.gz or .parquet) as blocks of clean columns.

pyarrow parses blocks of text in threads. Where it fails, the block is halved until the rows at fault are alone; those
are read one by one, so that a row is treated the same whatever is next to it.
"""

import csv
import gzip
import io
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from models.cores import usable_cores
from training.dump import columns
from training.dump.list_block import NARROW_TYPES, NEEDED, TYPES, ListBlock, check_values
from training.dump.list_parquet import read_parquet_lists
from training.dump.rejects import RejectedRows
from training.errors import InputError

# The arrays made of a block fit a core's cache, and malloc reuses its pages.
BLOCK_BYTES: Final = 1 << 22
# Below this the python way costs less than another round of halving.
PIECE_BYTES: Final = 1 << 12
# A line of a list has some 30 bytes; a megabyte without a line end is something else.
MAX_LINE_BYTES: Final = 1 << 20

_MAX_THREADS: Final = 8
_NEWLINE: Final = ord("\n")
_WHOLE_NUMBER: Final = re.compile(r"[+-]?[0-9]+")


def read_list_file(path: Path, rejects: RejectedRows, on_bytes: Callable[[int], None]) -> Iterator[ListBlock]:
    """Read a list file block by block. Without a status column (rating_complete) all titles are completed.

    Parameters
    ----------
    path : Path
    rejects : RejectedRows
        Takes the rows that cannot be used.
    on_bytes : callable
        Called with the number of bytes of the file read so far.

    Raises
    ------
    InputError
        If the file is empty, cut (gzip, Parquet), no text, or lacks a column.
    """
    if path.suffix == ".parquet":
        yield from read_parquet_lists(path, rejects, on_bytes)
        return
    try:
        with path.open("rb") as raw:
            text = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
            yield from _read_csv(path, text, rejects, lambda: on_bytes(raw.tell()))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path}: is a broken or cut gzip file ({error}); fetch it again") from error


def _read_csv(
    path: Path, text: io.BufferedIOBase, rejects: RejectedRows, on_block: Callable[[], None]
) -> Iterator[ListBlock]:
    reader = _CsvBlocks(path.name, _read_header(path, text), rejects)
    waiting: deque[tuple[bytes, Future[pa.Table | None]]] = deque()
    n_threads = min(_MAX_THREADS, usable_cores())

    def finish_next() -> Iterator[ListBlock]:
        block, table = waiting.popleft()
        return reader.give(block, table.result())

    with ThreadPoolExecutor(n_threads) as pool:
        for block in _whole_lines(path, text):
            waiting.append((block, pool.submit(reader.parse_fast, block)))
            # One block more than there are threads, so that none of them waits for this one.
            if len(waiting) > n_threads:
                yield from finish_next()
            on_block()
        while waiting:
            yield from finish_next()
    on_block()


def _whole_lines(path: Path, text: io.BufferedIOBase) -> Iterator[bytes]:
    rest = b""
    while piece := text.read(BLOCK_BYTES):
        head, newline, tail = piece.rpartition(b"\n")
        if newline:
            yield rest + head + newline
            rest = tail
        else:
            rest += piece
        if len(rest) > max(MAX_LINE_BYTES, BLOCK_BYTES):
            raise InputError(f"{path}: a line of more than {len(rest) >> 20} MB; is this a CSV file?")
    if rest:
        # Without a line end the last line may be cut in its last number; it is used if it is whole in form.
        yield rest + b"\n"


def _read_header(path: Path, text: io.BufferedIOBase) -> list[str]:
    line = text.readline(1 << 16)
    if not line.strip():
        raise InputError(f"{path}: is empty; expected a header with {', '.join(NEEDED)} and rows below it")
    try:
        names = line.decode("utf-8-sig").rstrip("\r\n").split(",")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: the header is no UTF-8 text ({error}); is this a CSV file?") from error
    header = columns.list_columns(name.strip().strip('"') for name in names)
    columns.require_columns(path, header, NEEDED, optional=(columns.STATUS,))
    return header


class _CsvBlocks:
    """Parses blocks of whole lines and counts the lines."""

    def __init__(self, file_name: str, header: list[str], rejects: RejectedRows) -> None:
        self._file_name = file_name
        self._header = header
        self._rejects = rejects
        self._next_line = 2
        self._wanted = [name for name in header if name in TYPES]
        self._read_options = pacsv.ReadOptions(column_names=header, block_size=1 << 20, use_threads=False)
        self._parse_options = pacsv.ParseOptions(ignore_empty_lines=False)
        self._narrow, self._wide = (self._convert_options(types) for types in (NARROW_TYPES, TYPES))
        self._narrow_fits = True

    def _convert_options(self, types: dict[str, pa.DataType]) -> pacsv.ConvertOptions:
        column_types = {name: types[name] for name in self._wanted}
        return pacsv.ConvertOptions(column_types=column_types, include_columns=self._wanted, null_values=[])

    def give(self, block: bytes, table: pa.Table | None) -> Iterator[ListBlock]:
        """Check what pyarrow read of the next block; halve it where that failed."""
        if table is None:
            yield from self._parse_halves(block)
            return
        lines = np.arange(self._next_line, self._next_line + table.num_rows)
        self._next_line += table.num_rows
        cells = {name: table.column(name).to_numpy() for name in table.column_names}
        yield check_values(self._file_name, cells, lines, self._rejects, lambda: _texts(block))

    def parse_fast(self, block: bytes) -> pa.Table | None:
        """Parse with pyarrow; None where it fails or would misread a line."""
        # It takes 0x10 for 16, and a lone carriage return for a line end. One byte is found faster than two.
        if (b"x" in block and b"0x" in block) or (b"X" in block and b"0X" in block):
            return None
        if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):
            return None
        table = self._parse_table(block, self._narrow) if self._narrow_fits else None
        if table is None:
            table = self._parse_table(block, self._wide)
            if table is not None:
                # Where one block has ratings like 8.0 or large ids, all have; no need to try each of them twice.
                self._narrow_fits = False
        # Fewer rows than lines: a quoted line end, which no list file has a use for.
        n_lines = np.count_nonzero(np.frombuffer(block, dtype=np.uint8) == _NEWLINE)
        return table if table is not None and table.num_rows == n_lines else None

    def _parse_table(self, block: bytes, convert_options: pacsv.ConvertOptions) -> pa.Table | None:
        try:
            return pacsv.read_csv(pa.BufferReader(block), self._read_options, self._parse_options, convert_options)
        except pa.ArrowInvalid:
            return None

    def _parse_halves(self, block: bytes) -> Iterator[ListBlock]:
        middle = block.find(b"\n", len(block) // 2) + 1
        if len(block) <= PIECE_BYTES or middle in {0, len(block)}:
            yield self._parse_lines(block)
            return
        for half in (block[:middle], block[middle:]):
            yield from self.give(half, self.parse_fast(half))

    def _parse_lines(self, block: bytes) -> ListBlock:
        kept: list[list[float]] = []
        texts: list[str] = []
        lines: list[int] = []
        for text in _texts(block):
            row, reason = _parse_row(text, self._header)
            if not reason:
                kept.append(row)
                texts.append(text)
                lines.append(self._next_line)
            elif text.strip():
                self._rejects.add(self._file_name, self._next_line, reason, text)
            self._next_line += 1
        with np.errstate(over="ignore"):  # a rating beyond float32 is out of range either way
            cells = {
                name: np.array([row[i] for row in kept], dtype=TYPES[name].to_pandas_dtype())
                for i, name in enumerate(self._wanted)
            }
        return check_values(self._file_name, cells, np.array(lines, dtype=np.int64), self._rejects, lambda: texts)


def _texts(block: bytes) -> list[str]:
    """Return the lines of a block as text, with bytes that are no UTF-8 replaced."""
    return [line.rstrip(b"\r").decode("utf-8", "replace") for line in block.removesuffix(b"\n").split(b"\n")]


def _parse_row(text: str, header: list[str]) -> tuple[list[float], str]:
    """Read one line: the wanted numbers in the header's order, and the reason for rejecting it or ""."""
    try:
        cells = next(csv.reader([text], skipinitialspace=True), [])
    except csv.Error as error:
        return [], f"no CSV: {error}"
    if len(cells) != len(header):
        return [], f"wrong number of columns, expected {len(header)} (a cut line?)"
    row: list[float] = []
    for name, cell in zip(header, cells, strict=True):
        if name not in TYPES:
            continue
        number = _parse_rating(cell) if name == columns.RATING else _parse_whole(cell)
        if number is None:
            return [], "bytes that are no UTF-8" if "\ufffd" in cell else f"{name} is no number"
        if name != columns.RATING and abs(number) >= 2**63:
            return [], f"{name} is out of range"
        row.append(number)
    return row, ""


def _parse_whole(cell: str) -> int | None:
    digits = cell.strip(" \t")
    # int() would take digits of every script, and an underscore between them.
    if not _WHOLE_NUMBER.fullmatch(digits):
        return None
    return int(digits) if len(digits) < 25 else 2**63


def _parse_rating(cell: str) -> float | None:
    try:
        return float(cell) if cell.isascii() and "_" not in cell else None
    except ValueError:
        return None
