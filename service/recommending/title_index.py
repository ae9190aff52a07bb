"""Which names hold a pair of letters, and which a whole text."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_START: Final = "\x02"
_N_BUCKETS: Final = 1 << 16


class PairIndex:
    """Which names hold which pairs of neighbouring letters; the start of a name counts as a letter.

    Pairs are hashed: two that meet in one bucket bring in a few names too many, which are then compared anyway.
    """

    def __init__(self, names: Sequence[str]) -> None:
        # All names in one array of code points, so that no Python runs per pair.
        text = np.frombuffer((_START + _START.join(names)).encode("utf-32-le"), dtype=np.uint32)
        owners = np.repeat(np.arange(len(names), dtype=np.int32), [len(name) + 1 for name in names])[:-1]
        inside = text[1:] != ord(_START)
        buckets = _bucket(text[:-1], text[1:])[inside]
        # Stable, so that the names in a bucket ascend and a pair that a name holds twice stands side by side.
        order = np.argsort(buckets, kind="stable")
        buckets, owners = buckets[order], owners[inside][order]
        first = np.ones(len(buckets), dtype=bool)
        first[1:] = (buckets[1:] != buckets[:-1]) | (owners[1:] != owners[:-1])
        self._owners = owners[first]
        self._starts = np.concatenate(([0], np.cumsum(np.bincount(buckets[first], minlength=_N_BUCKETS))))
        self._n_names = len(names)

    def share_of_pairs(self, query: str) -> NDArray[np.float32]:
        """Give which share of the query's pairs each name holds; 1 where it holds all."""
        # A query from the middle of a name lacks the start: only a single letter has to be one.
        text = np.frombuffer((query if len(query) > 1 else _START + query).encode("utf-32-le"), dtype=np.uint32)
        buckets = np.unique(_bucket(text[:-1], text[1:])).tolist()
        counts = np.zeros(self._n_names, dtype=np.int32)
        for bucket in buckets:
            counts[self._owners[self._starts[bucket] : self._starts[bucket + 1]]] += 1
        shares: NDArray[np.float32] = counts.astype(np.float32) / np.float32(len(buckets))
        return shares


class HashIndex:
    """Which numbers belong to a text, by its hash: a dictionary of these texts would take every worker 20 MB."""

    def __init__(self, pairs: Iterable[tuple[str, int]]) -> None:
        hashed = np.array([(hash(text), number) for text, number in pairs], dtype=np.int64).reshape(-1, 2)
        order = np.lexsort((hashed[:, 1], hashed[:, 0]))
        self._hashes = hashed[order, 0]
        self._numbers = hashed[order, 1].astype(np.int32)

    def find(self, text: str) -> list[int]:
        """Give the numbers of a text, ascending."""
        start, stop = self._hashes.searchsorted(hash(text)), self._hashes.searchsorted(hash(text), side="right")
        numbers: list[int] = self._numbers[start:stop].tolist()
        return numbers


def _bucket(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.uint16]:
    # Sixteen bits sort in linear time.
    return (first * np.uint32(0x9E37) + second).astype(np.uint16)
