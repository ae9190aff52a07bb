"""What runs in processes of their own. A module of little, since each of them imports it."""

import os

from training.leaderboard.isolated import peak_memory_mb


def say_who(n_bytes: int) -> tuple[int, int, float]:
    """Give the process, what it was asked to hold, and its peak in MB."""
    held = b"1" * n_bytes
    return os.getpid(), len(held), peak_memory_mb()


def fail() -> None:
    raise ValueError("on purpose")


def die() -> None:
    os.kill(os.getpid(), 9)
