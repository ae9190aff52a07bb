"""Work for one thread of Python, beside compiled code and algebra that leave it time."""

import contextlib
import importlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray

from training.embeddings.content import Content, read_content
from training.franchises.grouping import franchise_arrays
from training.lists.interactions import Interactions
from training.lists.prepared import Prepared

# What imports it first.
_TENSORFLOW: Final = "training.embeddings.keras_setup"


def begin_import() -> None:
    """Begin to import TensorFlow, which takes seconds, in a thread of its own: while a dump is read, say."""

    def try_it() -> None:
        # What goes wrong here goes wrong again where it is needed, and is said there.
        with contextlib.suppress(Exception):
            importlib.import_module(_TENSORFLOW)

    threading.Thread(target=try_it, name="import").start()


@dataclass(frozen=True)
class Beside:
    """What is made of titles and synopses while pairs of anime are counted.

    Attributes
    ----------
    content : Future of Content
    franchises : Future of dict of str to ndarray
        See :func:`training.franchises.grouping.franchise_arrays`.
    """

    content: Future[Content]
    franchises: Future[dict[str, NDArray[Any]]]


@contextlib.contextmanager
def begin_beside(lists: Interactions, prepared: Prepared) -> Iterator[Beside]:
    """Begin what one thread of Python has to do, beside compiled code and algebra that leave it time.

    TensorFlow comes first: it takes seconds to import, and is waited for first.

    Parameters
    ----------
    lists : Interactions
        Say which anime are watched together.
    prepared : Prepared
    """
    pool = ThreadPoolExecutor(1)
    try:
        pool.submit(importlib.import_module, _TENSORFLOW)
        content = pool.submit(read_content, prepared.catalogue)
        yield Beside(content, pool.submit(franchise_arrays, lists, prepared.catalogue))
    finally:
        # Whoever stops a run does not wait for what is not begun.
        pool.shutdown(cancel_futures=True)
