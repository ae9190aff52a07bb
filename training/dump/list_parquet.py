"""Reads list files in Parquet form."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from training.dump import columns
from training.dump.list_block import NEEDED, TYPES, ListBlock, check_values
from training.dump.rejects import RejectedRows
from training.errors import InputError

_BATCH_ROWS: Final = 1 << 20


def read_parquet_lists(path: Path, rejects: RejectedRows, on_bytes: Callable[[int], None]) -> Iterator[ListBlock]:
    """Read a list file block by block; as :func:`training.dump.list_files.read_list_file`.

    Raises
    ------
    InputError
        If the file is cut, is no Parquet file, lacks a column or holds something other than numbers.
    """
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: is no readable Parquet file ({error})") from error
    names = columns.list_columns(file.schema_arrow.names)
    columns.require_columns(path, names, NEEDED, optional=(columns.STATUS,))
    spelled = {name: spelling for name, spelling in zip(names, file.schema_arrow.names, strict=True) if name in TYPES}
    first = 1
    for batch in _batches(path, file, list(spelled.values())):
        numbers = np.arange(first, first + batch.num_rows)
        first += batch.num_rows
        whole = _drop_missing(path.name, batch, spelled, numbers, rejects)
        cells = {name: _as_numbers(path, batch.column(spelling), name)[whole] for name, spelling in spelled.items()}
        read_texts = partial(_texts, batch, spelled, np.flatnonzero(whole))
        yield check_values(path.name, cells, numbers[whole], rejects, read_texts)
        on_bytes(round(path.stat().st_size * first / max(1, file.metadata.num_rows)))


def _batches(path: Path, file: pq.ParquetFile, spellings: list[str]) -> Iterator[pa.RecordBatch]:
    try:
        yield from file.iter_batches(batch_size=_BATCH_ROWS, columns=spellings)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: is a broken Parquet file ({error}); fetch it again") from error


def _drop_missing(
    file_name: str, batch: pa.RecordBatch, spelled: dict[str, str], numbers: NDArray[np.int64], rejects: RejectedRows
) -> NDArray[np.bool_]:
    """Reject rows with a missing value; mark the others."""
    whole = np.ones(batch.num_rows, dtype=bool)
    for name, spelling in spelled.items():
        column = batch.column(spelling)
        if not column.null_count:
            continue
        missing = column.is_null().to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(missing & whole)
        texts = _texts(batch, spelled, rows)
        rejects.add_many(file_name, numbers[rows].tolist(), f"{name} is missing", texts)
        whole &= ~missing
    return whole


def _texts(batch: pa.RecordBatch, spelled: dict[str, str], rows: NDArray[np.int64]) -> list[str]:
    picked = batch.take(pa.array(rows))
    cells = [picked.column(spelling).to_pylist() for spelling in spelled.values()]
    return [",".join("" if cell is None else str(cell) for cell in row) for row in zip(*cells, strict=True)]


def _as_numbers(path: Path, column: pa.Array, name: str) -> NDArray[Any]:
    kind = TYPES[name]
    # A float32 need not hold every digit of a rating that is out of range anyway.
    exact = not pa.types.is_floating(kind)
    try:
        filled = column.cast(kind, safe=exact).fill_null(0)
    except pa.ArrowException as error:
        raise InputError(f"{path}: column {name} does not hold numbers ({error})") from error
    numbers: NDArray[Any] = filled.to_numpy(zero_copy_only=False)
    return numbers
