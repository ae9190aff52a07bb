"""Imports TensorFlow quietly, and makes its runs repeat."""

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Discard what native code writes to standard error; what Python writes, in other threads too, still arrives.

    TensorFlow logs about the machine while it is imported, before it reads its own log level.
    """
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    # Never closed: other threads may hold on to it.
    before, still_shown = sys.stderr, os.fdopen(os.dup(2), "w", buffering=1, closefd=False)
    try:
        sys.stderr = still_shown
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
        # Unless it was replaced in between.
        if sys.stderr is still_shown:
            sys.stderr = before


# Read by TensorFlow's native half when it is imported, so it must be set before.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with _quiet_stderr(), warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import keras
    import tensorflow as tf

__all__ = ["keras", "make_repeatable", "tf"]


def make_repeatable(seed: int) -> None:
    """Let everything random in Keras and TensorFlow follow from a seed."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
