"""Work for one Python thread, while compiled code and algebra leave it time."""

import contextlib
import importlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from numpy.typing import NDArray

from training.embeddings.content import Content, read_content
from training.franchises.new_anime import all_franchise_arrays
from training.lists.interactions import Interactions
from training.lists.prepared import Prepared

_TENSORFLOW: Final = "training.embeddings.keras_setup"


def begin_import() -> None:
    """Start to import TensorFlow, which takes seconds, in a thread: while a dump is read, for example."""

    def try_it() -> None:
        # An error occurs again where the import is needed, and is reported there.
        with contextlib.suppress(Exception):
            importlib.import_module(_TENSORFLOW)

    threading.Thread(target=try_it, name="import").start()


@contextlib.contextmanager
def begin_background(
    lists: Interactions, prepared: Prepared
) -> Iterator[tuple[Future[Content], Future[dict[str, NDArray[Any]]]]]:
    """Start what one thread of Python has to do; TensorFlow first, since it is needed first."""
    pool = ThreadPoolExecutor(1)
    try:
        pool.submit(importlib.import_module, _TENSORFLOW)
        content = pool.submit(read_content, prepared.catalogue)
        yield content, pool.submit(all_franchise_arrays, lists, prepared)
    finally:
        # A stopped run does not wait for what has not started.
        pool.shutdown(cancel_futures=True)
