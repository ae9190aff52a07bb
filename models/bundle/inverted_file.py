"""The index of users that a bundle may hold: an inverted file of faiss, read where its bytes are mapped.

Sources: Jegou, Douze and Schmid, "Product Quantization for Nearest Neighbor Search", PAMI 2011; Douze et al., "The
Faiss library", 2024.
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_READING: Final = threading.Lock()


class InvertedFile:
    """Finds the users nearest to a vector among those of the groups nearest to it.

    ``content`` is what ``faiss.serialize_index`` gives. It is not copied, so that processes which map it share it.

    Raises
    ------
    ValueError
        If that is no inverted file for inner products.
    """

    def __init__(self, content: NDArray[np.uint8]) -> None:
        # 0.1 s and 6 MB, which models of few users need not pay.
        import faiss  # noqa: PLC0415

        self._content = content
        try:
            with _bounded(content.size):
                self._index: Any = faiss.read_index(faiss.ZeroCopyIOReader(faiss.swig_ptr(content), content.size))
        except (RuntimeError, MemoryError) as error:
            raise ValueError(f"is no index of faiss: {error}") from error
        if not isinstance(self._index, faiss.IndexIVF) or self._index.metric_type != faiss.METRIC_INNER_PRODUCT:
            raise ValueError(f"holds {type(self._index).__name__}, not an IndexIVF for inner products")

    @property
    def embedding_size(self) -> int:
        """Length of the vectors."""
        return int(self._index.d)

    def rows(self) -> NDArray[np.int64]:
        """List the user rows that it holds, group by group."""
        import faiss  # noqa: PLC0415

        lists = self._index.invlists
        sizes = [lists.list_size(group) for group in range(lists.nlist)]
        parts = [faiss.rev_swig_ptr(lists.get_ids(group), size) for group, size in enumerate(sizes) if size]
        return np.concatenate([np.empty(0, dtype=np.int64), *parts])

    def search(self, query: NDArray[np.float32], k: int) -> NDArray[np.int32]:
        """Find rows of the nearest users, about in order; fewer than k where the groups hold fewer.

        A single query is answered by the thread that asks.
        """
        rows = self._index.search(query[None], k)[1][0]
        found: NDArray[np.int32] = rows[rows >= 0].astype(np.int32)
        return found


@contextlib.contextmanager
def _bounded(n_bytes: int) -> Iterator[None]:
    """Have faiss refuse counts that so many bytes cannot hold: it would allocate gigabytes before it noticed."""
    import faiss  # noqa: PLC0415

    # The limits are the process's.
    with _READING:
        limits = faiss.get_deserialization_vector_byte_limit(), faiss.get_deserialization_loop_limit()
        faiss.set_deserialization_vector_byte_limit(n_bytes)
        faiss.set_deserialization_loop_limit(n_bytes)
        try:
            yield
        finally:
            faiss.set_deserialization_vector_byte_limit(limits[0])
            faiss.set_deserialization_loop_limit(limits[1])
