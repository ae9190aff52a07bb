"""Reads list files (animelist or rating_complete; .csv, .csv.gz or .parquet) as blocks of clean columns.

The fast way parses a block of text with pyarrow. Where that fails, the block is halved until the rows at fault
are alone; those are read one by one, and kept aside with their line number and the reason.
"""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from models.scoring.user_list import Status
from training import columns
from training.errors import InputError
from training.rejects import RejectedRows

BLOCK_BYTES: Final = 1 << 25
# Below this the python way costs less than another round of halving.
PIECE_BYTES: Final = 1 << 12

NEEDED: Final = (columns.USER_ID, columns.ANIME_ID, columns.RATING)
_TYPES: Final = {
    columns.USER_ID: pa.int64(),
    columns.ANIME_ID: pa.int64(),
    # Some copies write 8.0; what is no whole number is caught after the parse.
    columns.RATING: pa.float32(),
    columns.STATUS: pa.int64(),
}
_VALID_STATUSES: Final = np.array([status for status in Status if status is not Status.UNKNOWN])


@dataclass(frozen=True)
class ListBlock:
    """A run of rows, all of them usable.

    Attributes
    ----------
    user_ids, anime_ids : ndarray of shape (n,), dtype=int64
    ratings : ndarray of shape (n,), dtype=uint8
        1..10, 0 = unrated.
    statuses : ndarray of shape (n,), dtype=uint8
    lines : ndarray of shape (n,), dtype=int64
        Line of each row in the file, the header being line 1; in Parquet files the row, from 1.
    """

    user_ids: NDArray[np.int64]
    anime_ids: NDArray[np.int64]
    ratings: NDArray[np.uint8]
    statuses: NDArray[np.uint8]
    lines: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.user_ids)

    def take(self, kept: NDArray[np.bool_]) -> "ListBlock":
        """Give the rows that are marked.

        Parameters
        ----------
        kept : ndarray of shape (n,), dtype=bool

        Returns
        -------
        ListBlock
        """
        if kept.all():
            return self
        return ListBlock(
            self.user_ids[kept], self.anime_ids[kept], self.ratings[kept], self.statuses[kept], self.lines[kept]
        )

    def as_text(self) -> list[str]:
        """Write the rows as comma-separated text, for the file of rejected rows.

        Returns
        -------
        list of str
        """
        cells = (self.user_ids, self.anime_ids, self.ratings, self.statuses)
        return [",".join(map(str, row)) for row in zip(*(column.tolist() for column in cells), strict=True)]


def read_list_file(path: Path, rejects: RejectedRows, on_bytes: Callable[[int], None]) -> Iterator[ListBlock]:
    """Read a list file block by block.

    Parameters
    ----------
    path : Path
        ``.csv``, ``.csv.gz`` or ``.parquet``. A file without a status column (rating_complete) is one of
        completed titles.
    rejects : RejectedRows
        Takes the rows that cannot be used.
    on_bytes : callable
        Told how many bytes of the file were read so far.

    Yields
    ------
    ListBlock

    Raises
    ------
    InputError
        If the file is empty, cut (gzip, Parquet), no text, or lacks a column.
    """
    if path.suffix == ".parquet":
        yield from _read_parquet(path, rejects, on_bytes)
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
    header = _read_header(path, text)
    reader = _CsvBlocks(path.name, header, rejects)
    rest = b""
    while piece := text.read(BLOCK_BYTES):
        head, newline, tail = piece.rpartition(b"\n")
        if not newline:
            rest += piece
            continue
        yield from reader.parse(rest + head + newline)
        rest = tail
        on_block()
    if rest:
        # Without a line end the last line may be cut in its last number; it is used if it is whole in form.
        yield from reader.parse(rest + b"\n")
    on_block()


def _read_header(path: Path, text: io.BufferedIOBase) -> list[str]:
    line = text.readline(1 << 16)
    if not line.strip():
        raise InputError(f"{path}: is empty; expected a header with {', '.join(NEEDED)} and rows below it")
    try:
        names = line.decode("utf-8-sig").rstrip("\r\n").split(",")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: the header is no UTF-8 text ({error}); is this a CSV file?") from error
    header = columns.list_columns(name.strip().strip('"') for name in names)
    columns.require_columns(path, header, NEEDED)
    return header


class _CsvBlocks:
    """Parses blocks of whole lines, counting lines as it goes."""

    def __init__(self, file_name: str, header: list[str], rejects: RejectedRows) -> None:
        self._file_name = file_name
        self._header = header
        self._rejects = rejects
        self._next_line = 2
        wanted = [name for name in header if name in _TYPES]
        self._has_status = columns.STATUS in wanted
        self._read_options = pacsv.ReadOptions(column_names=header, block_size=1 << 21)
        self._parse_options = pacsv.ParseOptions(ignore_empty_lines=False)
        self._convert_options = pacsv.ConvertOptions(
            column_types={name: _TYPES[name] for name in wanted}, include_columns=wanted, null_values=[]
        )

    def parse(self, block: bytes) -> Iterator[ListBlock]:
        """Parse whole lines; halve the block where the fast way fails."""
        try:
            table = pacsv.read_csv(io.BytesIO(block), self._read_options, self._parse_options, self._convert_options)
        except pa.ArrowInvalid:
            yield from self._parse_halves(block)
            return
        n_lines = block.count(b"\n")
        if table.num_rows != n_lines:  # a quoted line end, which no list file has a use for
            yield from self._parse_halves(block)
            return
        lines = np.arange(self._next_line, self._next_line + n_lines)
        self._next_line += n_lines
        cells = {name: table.column(name).to_numpy() for name in table.column_names}
        yield _check_values(self._file_name, cells, lines, self._rejects)

    def _parse_halves(self, block: bytes) -> Iterator[ListBlock]:
        middle = block.find(b"\n", len(block) // 2) + 1
        if len(block) <= PIECE_BYTES or middle in {0, len(block)}:
            yield self._parse_lines(block)
            return
        yield from self.parse(block[:middle])
        yield from self.parse(block[middle:])

    def _parse_lines(self, block: bytes) -> ListBlock:
        kept: list[list[float]] = []
        lines: list[int] = []
        for line in block.removesuffix(b"\n").split(b"\n"):
            row, reason = _parse_row(line.rstrip(b"\r"), self._header)
            if reason:
                if line.strip():
                    self._rejects.add(self._file_name, self._next_line, reason, line.decode("utf-8", "replace"))
            else:
                kept.append(row)
                lines.append(self._next_line)
            self._next_line += 1
        wanted = [name for name in self._header if name in _TYPES]
        cells = {
            name: np.array([row[i] for row in kept], dtype=_TYPES[name].to_pandas_dtype())
            for i, name in enumerate(wanted)
        }
        return _check_values(self._file_name, cells, np.array(lines, dtype=np.int64), self._rejects)


def _parse_row(line: bytes, header: list[str]) -> tuple[list[float], str]:
    """Read one line by hand: the numbers wanted, in the header's order, and what is wrong or ""."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return [], "bytes that are no UTF-8"
    cells = [cell.strip().strip('"') for cell in text.split(",")]
    if len(cells) != len(header):
        return [], f"wrong number of columns, expected {len(header)} (a cut line?)"
    row: list[float] = []
    for name, cell in zip(header, cells, strict=True):
        if name not in _TYPES:
            continue
        try:
            number: float = float(cell) if name == columns.RATING else int(cell)
        except ValueError:
            return [], f"{name} is no number"
        if abs(number) >= 2**63:
            return [], f"{name} is out of range"
        row.append(number)
    return row, ""


def _check_values(
    file_name: str, cells: dict[str, NDArray[Any]], lines: NDArray[np.int64], rejects: RejectedRows
) -> ListBlock:
    """Keep the rows whose values mean something; set the others aside."""
    ratings, user_ids, anime_ids = cells[columns.RATING], cells[columns.USER_ID], cells[columns.ANIME_ID]
    statuses = cells.get(columns.STATUS, np.full(len(lines), int(Status.COMPLETED)))
    # Written so that NaN is wrong too.
    is_rating = (ratings >= 0) & (ratings <= 10) & (ratings == np.rint(ratings))
    checks = (
        ("rating outside 0..10 or no whole number", ~is_rating),
        ("unknown watching_status", ~np.isin(statuses, _VALID_STATUSES)),
        ("negative id", (user_ids < 0) | (anime_ids < 0)),
    )
    wrong = np.zeros(len(lines), dtype=bool)
    for reason, fails in checks:
        for row in np.flatnonzero(fails & ~wrong):
            text = ",".join(str(column[row]) for column in cells.values())
            rejects.add(file_name, int(lines[row]), reason, text)
        wrong |= fails
    if wrong.any():
        keep = ~wrong
        user_ids, anime_ids, ratings, statuses = user_ids[keep], anime_ids[keep], ratings[keep], statuses[keep]
        lines = lines[keep]
    return ListBlock(user_ids, anime_ids, ratings.astype(np.uint8), statuses.astype(np.uint8), lines)


def _read_parquet(path: Path, rejects: RejectedRows, on_bytes: Callable[[int], None]) -> Iterator[ListBlock]:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: is no readable Parquet file ({error})") from error
    names = columns.list_columns(file.schema_arrow.names)
    columns.require_columns(path, names, NEEDED)
    spellings = dict(zip(names, file.schema_arrow.names, strict=True))
    spelled = {name: spelling for name, spelling in spellings.items() if name in _TYPES}
    first = 1
    for batch in file.iter_batches(batch_size=1 << 20, columns=list(spelled.values())):
        cells = {name: _as_numbers(path, batch.column(spelling), name) for name, spelling in spelled.items()}
        lines = np.arange(first, first + batch.num_rows)
        first += batch.num_rows
        yield _check_values(path.name, cells, lines, rejects)
        on_bytes(round(path.stat().st_size * first / max(1, file.metadata.num_rows)))


def _as_numbers(path: Path, column: pa.Array, name: str) -> NDArray[Any]:
    """Turn a Parquet column into numbers; a missing value becomes one that the checks refuse.

    Raises
    ------
    InputError
        If it does not hold numbers.
    """
    try:
        filled = column.cast(_TYPES[name]).fill_null(-1)
    except pa.ArrowInvalid as error:
        raise InputError(f"{path}: column {name} does not hold numbers ({error})") from error
    numbers: NDArray[Any] = filled.to_numpy(zero_copy_only=False)
    return numbers
