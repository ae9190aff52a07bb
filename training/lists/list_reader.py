"""Reads all parts of a source of lists into blocks of usable rows."""

from collections.abc import Callable
from typing import Protocol

import pyarrow as pa

from training.dump.list_source import ListPart, ListSource, ReadInsteadError, ReadLimits
from training.dump.list_values import ListBlock, read_block, users_are_texts
from training.dump.rejects import RejectedRows


class _Blocks(Protocol):
    """What :class:`training.lists.list_builder.ListBuilder` does with blocks of rows."""

    def add(self, block: ListBlock) -> None: ...
    def forget(self, part: str) -> None: ...


class ListReader:
    """Hands rows to blocks or rejects; `on_bytes` gets the bytes read so far."""

    def __init__(self, blocks: _Blocks, rejects: RejectedRows, on_bytes: Callable[[int], None]) -> None:
        self._blocks = blocks
        self._rejects = rejects
        self._on_bytes = on_bytes
        self._bytes_before = 0
        # One answer for the whole source; its first rows give it.
        self._text_users: bool | None = None

    def read(self, source: ListSource, limits: ReadLimits) -> None:
        """Read all parts of a source.

        Raises
        ------
        InputError
            If a part cannot be read.
        """
        for part in source.parts(limits):
            self._read_part(part)
            self._bytes_before += part.n_bytes

    def _read_part(self, part: ListPart) -> None:
        self._rejects.hold(part.name)
        n_rows = 0
        try:
            for batch in part.batches(self._rejects, lambda n_bytes: self._on_bytes(self._bytes_before + n_bytes)):
                self._blocks.add(self._read_block(part.name, n_rows, batch))
                n_rows += batch.num_rows
        except ReadInsteadError as other:
            self._rejects.forget(part.name)
            self._blocks.forget(part.name)
            self._read_part(other.part)
            return
        self._rejects.settle(part.name, part.lines_of)

    def _read_block(self, part: str, first_row: int, batch: pa.RecordBatch) -> ListBlock:
        if self._text_users is None and batch.num_rows:
            self._text_users = users_are_texts(batch.slice(0, 1000))
        return read_block(part, first_row, batch, self._rejects, text_users=bool(self._text_users))
