"""The seam between where lists come from (files, a database, an object store) and what is made of them.

A source gives its lists in parts, a part gives Arrow record batches of rows as they came: text or numbers. What a
cell means is decided in `training.dump.list_values` alone, for all sources alike.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from training.dump.rejects import RejectedRows


@dataclass(frozen=True)
class ReadLimits:
    """What reading may take."""

    memory: str = "1GB"  # of DuckDB's buffers
    spill_folder: Path | None = None  # takes what exceeds it; none: the system's folder for temporary files
    text_user_ids: bool = False  # read them as they stand


class TextUserIdsError(Exception):
    """Tells whoever reads lists that user ids are texts, and to begin anew: ``0012`` was read as a number so far."""


class ListPart(Protocol):
    """A file, or the result of a query."""

    @property
    def name(self) -> str:
        """What the file of rejected rows calls it."""

    @property
    def n_bytes(self) -> int:
        """How much there is to read, for showing progress."""

    def batches(self, rejects: RejectedRows, on_bytes: Callable[[int], None]) -> Iterator[pa.RecordBatch]:
        """Yield rows in their order, with columns user_id, anime_id, rating and perhaps watching_status.

        Each column is text or numbers of any type, null where a cell is blank. What is no row at all goes to
        ``rejects``. ``on_bytes`` is called with the bytes read so far.

        Raises
        ------
        InputError
            If the part cannot be read.
        ReadInsteadError
            If it has to be read in another way; what was yielded does not count.
        """

    @property
    def skipped(self) -> NDArray[np.int64]:
        """The lines, from 1, that begin no row, ascending, once all batches were read."""


class ReadInsteadError(Exception):
    """Tells whoever reads a part to forget it and to read another one."""

    def __init__(self, part: ListPart) -> None:
        super().__init__(part.name)
        self.part = part
