"""Reads lists from files with DuckDB: CSV (.csv, .tsv, .txt; .gz, .zst) and Parquet, in one file or in parts.

DuckDB reads CSV with all cores, as numbers. But it takes 7.5 for the whole number 8 and 0x10 for 16, so where a file
holds more than digits it reads text. It also loses rows, or the count of lines, where line ends are mixed or a quote
is never closed, so its rows are counted; where they do not add up the file is read again, line by line. What a cell
means is decided in `training.dump.list_values` alone.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.cores import usable_cores
from training.dump import columns
from training.dump.csv_text import UTF_8, Dialect, find_dialect, read_rows, write_plain
from training.dump.line_numbers import look_at_lines
from training.dump.list_values import NEEDED, WANTED
from training.dump.rejects import RejectedRows
from training.errors import InputError

# The arrays made of a batch fit a core's cache.
_BATCH_ROWS: Final = 1 << 17
_SMALL_BATCH_ROWS: Final = 1 << 14
# More than these are no slips: then each line is looked at on its own.
_MOST_MALFORMED: Final = 100_000
_COMPRESSION: Final = {".gz": "gzip", ".zst": "zstd"}
# Errors of DuckDB whose row is one line; others may have taken many rows for one.
_ONE_LINE: Final = {"MISSING COLUMNS", "TOO MANY COLUMNS"}

_TYPES: Final = {
    columns.USER_ID: "BIGINT",
    columns.ANIME_ID: "INTEGER",
    columns.RATING: "SMALLINT",
    columns.STATUS: "SMALLINT",
}
_READ_CSV: Final = f"""read_csv(
    $path, columns=$columns, delim=$delim, compression=$compression, quote='"', escape='"', header=true,
    auto_detect=false, strict_mode=true, ignore_errors=true, store_rejects=true, rejects_table='malformed',
    rejects_scan='malformed_scans', rejects_limit={_MOST_MALFORMED}
)"""
_MALFORMED: Final = """
    SELECT line, any_value(error_type)::VARCHAR, any_value(csv_line) FROM malformed GROUP BY line ORDER BY line
"""

OnBytes = Callable[[int], None]


class ReadInsteadError(Exception):
    """Tells whoever reads a part to forget what it yielded, and to read another one."""

    def __init__(self, part: "ListPart") -> None:
        super().__init__(part.name)
        self.part = part


def connect(memory: str, spill_folder: str) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB that keeps to a memory limit and writes what exceeds it into a folder.

    Raises
    ------
    InputError
        If the limit is no amount of memory.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "temp_directory": spill_folder,
        "threads": usable_cores(),
    }
    try:
        return duckdb.connect(config=config)
    except duckdb.Error as error:
        raise InputError(f"prepare.memory_limit = {memory!r}: {error}") from error


@dataclass(frozen=True)
class FileSource:
    """Lists in files."""

    name: str
    paths: Sequence[Path]
    memory: str = "1GB"  # of DuckDB's buffers
    spill_folder: Path | None = None  # takes what exceeds it; none: the system's folder for temporary files

    @property
    def n_bytes(self) -> int:
        """Sum of the sizes."""
        return sum(path.stat().st_size for path in self.paths)

    @contextlib.contextmanager
    def open_part(self, number: int, *, text_user_ids: bool) -> Iterator[tuple["ListPart", Path]]:
        """Open a file, to read user ids as texts or as numbers; give it, and a folder that is removed in the end.

        Raises
        ------
        InputError
            If it has other columns than the first one.
        """
        with (
            tempfile.TemporaryDirectory(prefix="spill-", dir=self.spill_folder) as spill,
            connect(self.memory, spill) as connection,
        ):
            place, path = self.paths[0].name, self.paths[number]
            first, part = (
                _ParquetPart(each, connection)
                if each.suffix == ".parquet"
                else _CsvPart(each, connection, Path(spill), as_text=text_user_ids)
                for each in (self.paths[0], path)
            )
            there, names = (", ".join(sorted({*WANTED} & {*each.names})) for each in (first, part))
            if names != there:
                raise InputError(f"{path}: its columns are {names}, but {there} in {place}; parts must agree")
            yield part, Path(spill)


@contextlib.contextmanager
def _reading(path: Path, otherwise: Callable[[Exception], Exception]) -> Iterator[None]:
    # Too little memory is the user's to mend, whatever was read.
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        reason = str(error).partition("\n")[0]
        room = "prepare.memory_limit, or the room to exceed it in the work folder, is too small"
        raise InputError(f"{path}: {room}: {reason}") from error
    except (duckdb.Error, OSError, pa.ArrowException) as error:
        raise otherwise(error) from error


class _ParquetPart:
    """A Parquet file; its rows are counted from 1.

    As in all parts, ``batches`` are rows in their order, of numbers or text, null where a cell is blank; what is no
    row goes to ``rejects``. ``skipped`` are the lines that begin no row, once all batches were read.
    """

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self._path, self._connection = path, connection
        self.name, self.n_bytes = path.name, path.stat().st_size
        self.skipped = np.array([], dtype=np.int64)
        with self._reading():
            self._relation = connection.read_parquet(str(path))
        self.names = columns.list_columns(self._relation.columns)
        columns.require_columns(path, self.names, NEEDED, optional=(columns.STATUS,))

    def batches(self, rejects: RejectedRows, on_bytes: OnBytes) -> Iterator[pa.RecordBatch]:  # noqa: ARG002 - all rows are rows
        picked = {name: old for name, old in zip(self.names, self._relation.columns, strict=True) if name in WANTED}
        expressions = [duckdb.ColumnExpression(old).alias(name) for name, old in picked.items()]
        done = 0
        with self._reading():
            n_rows = len(self._relation)
            for batch in self._relation.select(*expressions).to_arrow_reader(_BATCH_ROWS):
                yield batch
                done += batch.num_rows
                on_bytes(round(self.n_bytes * done / n_rows))

    def _reading(self) -> contextlib.AbstractContextManager[None]:
        broken = f"{self._path}: is no readable Parquet file, or a broken one"
        return _reading(self._path, lambda error: InputError(f"{broken} ({error})"))


class _CsvFile:
    """What both ways of reading a CSV file need."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name, self.n_bytes = path.name, path.stat().st_size
        self.dialect: Dialect = find_dialect(path, NEEDED)
        self.names = columns.list_columns(self.dialect.header)
        columns.require_columns(path, self.names, NEEDED, (columns.STATUS,), self.dialect.description)
        self.wanted = {name: place for place, name in enumerate(self.names) if name in WANTED}
        self._above = np.arange(1, self.dialect.header_line + 1)
        self.skipped = self._above

    @property
    def wrong_count(self) -> str:
        return f"wrong number of columns, expected {len(self.names)} (a cut line?)"

    def set_skipped(self, lines: NDArray[np.int64]) -> None:
        """Say which lines begin no row."""
        self.skipped = np.unique(np.concatenate([self._above, lines]))

    def show(self, n_lines: int, on_bytes: OnBytes) -> None:
        on_bytes(min(self.n_bytes, round(n_lines * self.dialect.bytes_per_line)))


class _CsvPart(_CsvFile):
    """A CSV file as DuckDB reads it, as numbers or text; a plain copy of one that it cannot read."""

    def __init__(
        self, path: Path, connection: duckdb.DuckDBPyConnection, spill: Path, *, as_text: bool = False
    ) -> None:
        super().__init__(path)
        self._connection = connection
        self._spill = spill
        self._as_text = as_text or not self.dialect.only_digits
        is_plain = (self.dialect.encoding, self.dialect.line_end, self.dialect.header_line) == (UTF_8, "\n", 1)
        self._readable = path if is_plain else spill / "plain.csv"

    def batches(self, rejects: RejectedRows, on_bytes: OnBytes) -> Iterator[pa.RecordBatch]:
        if self._readable != self.path:
            write_plain(self.path, self.dialect, self._readable)
        n_rows, n_above = 0, self.dialect.header_line - 1
        with ThreadPoolExecutor(1) as pool:
            looking = pool.submit(look_at_lines, self._readable)
            with _reading(self.path, lambda _: ReadInsteadError(_CarefulPart(self.path))):
                self._connection.execute("DROP TABLE IF EXISTS malformed; DROP TABLE IF EXISTS malformed_scans")
                for batch in self._relation().to_arrow_reader(_BATCH_ROWS):
                    yield batch
                    n_rows += batch.num_rows
                    self.show(n_rows, on_bytes)
                found = self._connection.sql(_MALFORMED).fetchall()
            lines = looking.result()
        kinds = {kind for _, kind, _ in found}
        if not self._as_text and ("CAST" in kinds or not lines.only_digits):
            raise ReadInsteadError(_CsvPart(self.path, self._connection, self._spill, as_text=True))
        if not lines.same_ends or kinds - _ONE_LINE or 1 + n_rows + len(found) + len(lines.blank) != lines.n_lines:
            raise ReadInsteadError(_CarefulPart(self.path))
        for line, _, text in found:
            if text.strip():
                rejects.add(self.name, n_above + line, self.wrong_count, text.strip("\r\n"))
        malformed = np.array([line for line, *_ in found], dtype=np.int64)
        self.set_skipped(n_above + np.concatenate([lines.blank, malformed]))
        on_bytes(self.n_bytes)

    def _relation(self) -> duckdb.DuckDBPyRelation:
        types = dict.fromkeys(range(len(self.names)), "VARCHAR")
        if not self._as_text:
            types |= {place: _TYPES[name] for name, place in self.wanted.items()}
        picked = ", ".join(f'c{place} AS "{name}"' for name, place in self.wanted.items())
        params = {
            "path": str(self._readable),
            "columns": {f"c{place}": kind for place, kind in types.items()},
            "delim": self.dialect.delimiter,
            "compression": _COMPRESSION.get(self._readable.suffix, "none"),
        }
        return self._connection.sql(f"SELECT {picked} FROM {_READ_CSV}", params=params)  # noqa: S608 - names of ours


class _CarefulPart(_CsvFile):
    """A CSV file read line by line: the slow way that copes with everything."""

    def batches(self, rejects: RejectedRows, on_bytes: OnBytes) -> Iterator[pa.RecordBatch]:
        kept: list[list[str]] = []
        skipped: list[int] = []
        last = self.dialect.header_line
        for line, n_lines, text, cells in read_rows(self.path, self.dialect):
            skipped += range(last + 1, line)  # blank ones
            last = line + n_lines - 1
            skipped += range(line + 1, last + 1)
            if len(cells) == len(self.names):
                kept.append([cells[place] for place in self.wanted.values()])
            else:
                skipped.append(line)
                rejects.add(self.name, line, self.wrong_count if cells else "no CSV", text)
            if len(kept) == _SMALL_BATCH_ROWS:
                yield self._batch(kept)
                kept = []
                self.show(line, on_bytes)
        yield self._batch(kept)
        self.set_skipped(np.array(skipped, dtype=np.int64))
        on_bytes(self.n_bytes)

    def _batch(self, rows: list[list[str]]) -> pa.RecordBatch:
        cells = [pa.array([row[place] for row in rows], pa.string()) for place in range(len(self.wanted))]
        return pa.RecordBatch.from_arrays(cells, list(self.wanted))


ListPart = _ParquetPart | _CsvPart | _CarefulPart
