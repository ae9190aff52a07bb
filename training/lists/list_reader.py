"""Reads all parts of a source of lists into blocks of usable rows."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from training.dump.file_source import FileSource
from training.dump.list_source import ListPart, ReadInsteadError, ReadLimits, TextUserIdsError
from training.dump.list_values import ListBlock, UserIds, read_block
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
        self._names: list[str] = []  # of the parts that were begun
        self._user_ids = UserIds()

    def read(self, source: FileSource, limits: ReadLimits) -> None:
        """Read all parts of a source; twice if it turns out that users are called by texts.

        Raises
        ------
        InputError
            If a part cannot be read.
        """
        forget_all = self._rejects.begin()
        try:
            self._read_parts(source, limits)
            self._user_ids.check()
        except TextUserIdsError:
            for name in self._names:
                self._blocks.forget(name)
        else:
            return
        forget_all()
        self._bytes_before, self._user_ids = 0, UserIds(are_texts=True)
        self._read_parts(source, replace(limits, text_user_ids=True))

    def _read_parts(self, source: FileSource, limits: ReadLimits) -> None:
        for part in source.parts(limits):
            self._names.append(part.name)
            self._read_part(part)
            self._bytes_before += part.n_bytes

    def _read_part(self, part: ListPart) -> None:
        self._rejects.hold(part.name)
        n_rows, counts = 0, self._user_ids.counts
        try:
            for batch in part.batches(self._rejects, lambda n_bytes: self._on_bytes(self._bytes_before + n_bytes)):
                self._blocks.add(read_block(part.name, n_rows, batch, self._rejects, self._user_ids))
                n_rows += batch.num_rows
        except ReadInsteadError as other:
            self._rejects.forget(part.name)
            self._blocks.forget(part.name)
            self._user_ids.counts = counts
            self._read_part(other.part)
            return
        self._rejects.settle(part.name, part.lines_of)
