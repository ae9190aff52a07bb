"""Reads all parts of a source of lists, and makes lists of their rows: as tasks over parts, then over users."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.dump.file_source import FileSource, ListPart, ReadInsteadError
from training.dump.list_values import TextUserIdsError, UserIds, are_mostly_texts, read_block
from training.dump.rejects import REJECTS_FILE, RejectedRows
from training.errors import InputError
from training.lists.interactions import Interactions, concatenate_lists
from training.lists.list_builder import DUPLICATE, ListBuilder, ListRows, build_lists, number_users
from training.support.engine import LOCAL, Engine

# Rows of a task that makes lists, at least.
_BLOCK: Final = 1 << 20
# Of so many runs of rows users are looked at to cut them into ranges.
_SAMPLED: Final = 1 << 20
# Rejected rows that are written at a time.
_WRITTEN: Final = 1 << 16


def read_lists(
    source: FileSource,
    version: str,
    anime_ids: NDArray[np.int64],
    rejects: RejectedRows,
    on_bytes: Callable[[int], None] = lambda _: None,
    engine: Engine = LOCAL,
) -> Interactions:
    """Read the lists of a source; twice if it turns out that users are called by texts.

    Parameters are as for :func:`training.lists.prepare.prepare`; `version` is another one where files have changed.

    Raises
    ------
    InputError
        If a file cannot be used, or holds no usable row.
    """
    step = partial(read_part, on_bytes=on_bytes) if engine is LOCAL else read_part
    # Workers may run in another folder.
    spill = source.spill_folder.absolute() if source.spill_folder else None
    there = replace(source, paths=[path.absolute() for path in source.paths], spill_folder=spill)
    for are_texts in (False, True):
        calls = [(number, are_texts) for number in range(len(source.paths))]
        found: list[ReadPart] = []
        for part in engine.map(step, (anime_ids, there, version), calls):
            found.append(part)
            if part.rows is None:
                break
        id_counts = np.sum([part.id_counts for part in found], axis=0)
        if found[-1].rows is not None and not are_mostly_texts(*id_counts):
            break
    for part in found:
        rejects.extend(part.rejected, part.reject_counts)
    parts = [part.rows for part in found if part.rows is not None]
    if not any(len(rows.ratings) for rows in parts):
        reasons = ", ".join(f"{count:,} x {reason}" for reason, count in rejects.counts.most_common(3))
        why = f"rejected: {reasons}" if reasons else "there is nothing below the header"
        raise InputError(f"{source.name}: has no usable row; {why}")
    return make_lists(parts, [path.name for path in source.paths], anime_ids, rejects, engine)


def make_lists(
    parts: Sequence[ListRows],
    names: Sequence[str],
    anime_ids: NDArray[np.int64],
    rejects: RejectedRows,
    engine: Engine = LOCAL,
) -> Interactions:
    """Make lists of all rows of a source, whose parts have these names; of duplicate rows the last one stays."""
    built = list(engine.map(build_lists, (parts, anime_ids), list(_ranges_of_users(parts, engine))))
    starts = np.cumsum([0, *(lists.n_users for lists, _ in built)])
    repeated = [rows + np.array([0, 0, start, 0, 0, 0]) for (_, rows), start in zip(built, starts, strict=False)]
    lists = concatenate_lists([lists for lists, _ in built], engine)
    _reject_repeated(np.concatenate(repeated), names, lists, rejects)
    return lists


@dataclass(frozen=True)
class ReadPart:
    """What was read of a file."""

    rows: ListRows | None  # None: it is clear that user ids are texts, and should be read as such
    rejected: NDArray[np.uint8]  # text of rejected rows
    reject_counts: Mapping[str, int]
    id_counts: tuple[int, int]


def read_part(
    anime_ids: NDArray[np.int64],
    source: FileSource,
    version: str,  # noqa: ARG001 - it names what is made
    number: int,
    are_texts: bool,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> ReadPart:
    """Read a file.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    before = sum(path.stat().st_size for path in source.paths[:number])
    with source.open_part(number, text_user_ids=are_texts) as (part, folder):
        return _read(part, folder / REJECTS_FILE, anime_ids, are_texts, lambda n_bytes: on_bytes(before + n_bytes))


def _read(
    part: ListPart, reject_file: Path, anime_ids: NDArray[np.int64], are_texts: bool, on_bytes: Callable[[int], None]
) -> ReadPart:
    user_ids, n_rows, rows = UserIds(are_texts=are_texts), 0, None
    with RejectedRows(reject_file) as rejects:
        builder = ListBuilder(anime_ids, rejects)
        try:
            for batch in part.batches(rejects, on_bytes):
                builder.add(read_block(part.name, n_rows, batch, rejects, user_ids))
                n_rows += batch.num_rows
            rejects.settle(part.skipped)
            rows = builder.rows(part.skipped)
        except ReadInsteadError as other:
            return _read(other.part, reject_file, anime_ids, are_texts, on_bytes)
        except TextUserIdsError:
            pass
        return ReadPart(rows, rejects.content(), rejects.counts, user_ids.counts)


def _ranges_of_users(some: Sequence[ListRows], engine: Engine) -> Iterator[tuple[int, int]]:
    """Cut users into ranges [first, last] with about as many rows each."""
    n_ranges = len(engine.ranges(sum(len(rows.ratings) for rows in some), _BLOCK))
    every, most = number_users(some)[1], np.iinfo(np.int64).max
    step = sum(map(len, every)) // _SAMPLED + 1
    sample = np.sort(np.concatenate([users[::step] for users in every])) if n_ranges > 1 else np.zeros(1, np.int64)
    firsts = np.unique(sample[np.arange(n_ranges) * len(sample) // n_ranges])[1:].tolist()
    return zip([0, *firsts], [*(first - 1 for first in firsts), int(most)], strict=True)


def _reject_repeated(
    repeated: NDArray[np.int64], names: Sequence[str], lists: Interactions, rejects: RejectedRows
) -> None:
    """Reject the rows that :func:`build_lists` found to be repeated, part by part and line by line."""
    repeated = repeated[np.lexsort((repeated[:, 1], repeated[:, 0]))]
    ends = np.searchsorted(repeated[:, 0], np.arange(len(names)), side="right")
    for name, of_part in zip(names, np.split(repeated, ends[:-1]), strict=True):
        for start in range(0, len(of_part), _WRITTEN):
            rows = of_part[start : start + _WRITTEN]
            users, anime = lists.user_ids[rows[:, 2]].tolist(), lists.anime_ids[rows[:, 3]].tolist()
            cells = zip(users, anime, *rows[:, 4:].T.tolist(), strict=True)
            rejects.add_lines(name, rows[:, 1], DUPLICATE, [",".join(map(str, row)) for row in cells])
