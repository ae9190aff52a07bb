"""Processes that end with the one that began them."""

import multiprocessing
import os
import threading
from collections.abc import Callable


def _end_at_once() -> None:
    os._exit(1)


def end_with_parent(end: Callable[[], object] = _end_at_once) -> None:
    """End this process once the one that began it is gone, however it went: killed, it tells nobody.

    Does nothing in a process that :mod:`multiprocessing` did not begin.

    Parameters
    ----------
    end : callable, optional
        Called in a thread of its own; by default the process ends at once.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        end()

    threading.Thread(target=wait, name="parent", daemon=True).start()
