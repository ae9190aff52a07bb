"""The prepare stage: the files of a dump -> lists in rows and the catalogue's arrays."""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.manifest import DataCard
from training.catalogue import catalogue_arrays, read_catalogue
from training.dump import DumpFiles
from training.errors import InputError
from training.interactions import Interactions
from training.list_block import ListBlock
from training.list_files import read_list_file
from training.prepared import Prepared, PrepareReport
from training.rejects import RejectedRows
from training.thresholds import Thresholds, apply_thresholds

UNKNOWN_ANIME = "anime_id is not in the catalogue"
DUPLICATE = "same user and anime again in a later row (the last row counts)"


def prepare(
    dump: DumpFiles,
    thresholds: Thresholds,
    rejects: RejectedRows,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> Prepared:
    """Read a dump, keep what can be learned from, and number it in rows.

    Parameters
    ----------
    dump : DumpFiles
    thresholds : Thresholds
    rejects : RejectedRows
        Takes the rows that cannot be used.
    on_bytes : callable, optional
        Told how many bytes of the list file were read so far.

    Returns
    -------
    Prepared

    Raises
    ------
    InputError
        If a file cannot be used, or nothing is left.
    """
    started = time.monotonic()
    catalogue = read_catalogue(dump.catalogue, dump.synopses, rejects)
    rows = _CollectedRows(catalogue.anime_ids)
    for block in read_list_file(dump.lists, rejects, on_bytes):
        rows.add(_reject_unknown_anime(block, catalogue.anime_ids, dump.lists.name, rejects))
    if not rows.n_rows:
        raise InputError(f"{dump.lists}: has no usable row; {_say_reasons(rejects)}")
    everything = rows.to_interactions(dump.lists.name, rejects)
    kept = apply_thresholds(everything, thresholds)
    n_rejected = rejects.counts_by_file[dump.lists.name]
    counts = {
        "rows_read": n_rejected + len(everything.anime_rows),
        "rows_rejected": n_rejected,
        "rows_below_thresholds": len(everything.anime_rows) - len(kept.anime_rows),
        "rows_kept": len(kept.anime_rows),
        "users_read": everything.n_users,
        "users_kept": kept.n_users,
        "anime_in_catalogue": len(catalogue.cards),
        "anime_kept": kept.n_anime,
        "anime_without_synopsis": sum(
            catalogue.cards[anime_id].synopsis is None for anime_id in kept.anime_ids.tolist()
        ),
    }
    report = PrepareReport(
        data=DataCard(
            name=dump.note.name, simulated=dump.note.simulated, fingerprint=dump.fingerprint(), counts=counts
        ),
        data_folder=str(dump.lists.parent.absolute()),
        rejected=dict(rejects.counts),
        notes=[] if dump.synopses else ["no anime_with_synopsis.csv: answers have no synopsis"],
        settings=asdict(thresholds),
        seconds=time.monotonic() - started,
    )
    return Prepared(kept, catalogue_arrays(catalogue, kept.anime_ids), report)


def _reject_unknown_anime(
    block: ListBlock, known_ids: NDArray[np.int64], file_name: str, rejects: RejectedRows
) -> ListBlock:
    positions = np.searchsorted(known_ids, block.anime_ids)
    known = known_ids[np.minimum(positions, len(known_ids) - 1)] == block.anime_ids
    if not known.all():
        unknown = block.take(~known)
        rejects.add_many(file_name, unknown.lines.tolist(), UNKNOWN_ANIME, unknown.as_text())
    return block.take(known)


class _CompactBlock(NamedTuple):
    """A block in as few bytes as it fits: anime by row, lines in 32 bits."""

    user_ids: NDArray[np.int64]
    anime_rows: NDArray[np.int32]
    ratings: NDArray[np.uint8]
    statuses: NDArray[np.uint8]
    lines: NDArray[np.uint32]


class _CollectedRows:
    """Collects blocks, then turns them into lists."""

    def __init__(self, anime_ids: NDArray[np.int64]) -> None:
        self._anime_ids = anime_ids
        self._blocks: list[_CompactBlock] = []
        self.n_rows = 0

    def add(self, block: ListBlock) -> None:
        """Take a block whose anime are all in the catalogue."""
        if len(block):
            anime_rows = np.searchsorted(self._anime_ids, block.anime_ids).astype(np.int32)
            lines = block.lines.astype(np.uint32)
            self._blocks.append(_CompactBlock(block.user_ids, anime_rows, block.ratings, block.statuses, lines))
            self.n_rows += len(block)

    def to_interactions(self, file_name: str, rejects: RejectedRows) -> Interactions:
        """Sort into lists by user and anime; of duplicate rows the last one stays."""
        ids, user_rows = _encode(self._drain("user_ids"))
        anime_rows: NDArray[np.int32] = self._drain("anime_rows")
        keys = user_rows.astype(np.int64) * len(self._anime_ids) + anime_rows
        ratings, statuses, lines = self._drain("ratings"), self._drain("statuses"), self._drain("lines")
        steps = np.diff(keys)
        if not (steps > 0).all():
            order = np.argsort(keys, kind="stable")
            keys, anime_rows, ratings, statuses, lines, user_rows = (
                column[order] for column in (keys, anime_rows, ratings, statuses, lines, user_rows)
            )
            again = np.append(keys[1:] == keys[:-1], False)
            if again.any():
                texts = [
                    f"{ids[user_rows[i]]},{self._anime_ids[anime_rows[i]]},{ratings[i]},{statuses[i]}"
                    for i in np.flatnonzero(again)
                ]
                rejects.add_many(file_name, lines[again].tolist(), DUPLICATE, texts)
                anime_rows, ratings, statuses, user_rows = (
                    column[~again] for column in (anime_rows, ratings, statuses, user_rows)
                )
        offsets = np.concatenate([[0], np.cumsum(np.bincount(user_rows, minlength=len(ids)), dtype=np.int64)])
        return Interactions(ids, self._anime_ids, offsets, anime_rows, ratings, statuses)

    def _drain(self, attribute: str) -> NDArray[Any]:
        return np.concatenate([getattr(block, attribute) for block in self._blocks])


def _encode(user_ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Give every user id its row, by ascending id."""
    # Rows of one user mostly stand together, so runs are encoded, not rows.
    starts = np.flatnonzero(np.concatenate([[True], user_ids[1:] != user_ids[:-1]]))
    ids, run_rows = np.unique(user_ids[starts], return_inverse=True)
    lengths = np.diff(np.append(starts, len(user_ids)))
    return ids, np.repeat(run_rows.astype(np.int32), lengths)


def _say_reasons(rejects: RejectedRows) -> str:
    if not rejects.counts:
        return "there is nothing below the header"
    return "rejected: " + ", ".join(f"{count:,} x {reason}" for reason, count in rejects.counts.most_common(3))
