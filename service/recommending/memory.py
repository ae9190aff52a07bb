"""What a process keeps of the memory that loading a model took."""

import ctypes
import gc
from typing import Final

# Of malloc.h.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_LARGE_BYTES: Final = 4 << 20


def take_large_arrays_from_the_kernel() -> None:
    """Have what is larger than any array of a usual answer returned once it is free.

    By itself glibc moves that bound up to 32 MB as soon as something large was freed, and keeps a fifth of a worker's
    own memory for more of it. A bound below 4 MB costs answers a third of their time. Nor is the end of the heap
    returned before it is as large: by itself that is done from 128 kB on, and every answer takes its pages anew.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _LARGE_BYTES)


def settle_memory() -> None:
    """Give back what a swap left: garbage among what loading keeps from the collector too, some 40 ms of work."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    trim_memory()


def trim_memory() -> None:
    """Give the kernel what loading left unused: glibc would keep it, a sixth of a worker's own memory."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
