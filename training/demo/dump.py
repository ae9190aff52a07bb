"""Write a simulated dump: a folder that appears complete or not at all."""

import json
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from models.cores import usable_cores
from training.demo.dump_files import DATASET_FILE, LISTS_FILE, NAME, ListFile, write_catalogue, write_labels
from training.demo.lists import ListBlock, ListSimulator
from training.demo.population import draw_population
from training.demo.statistics import AnimeStatistics
from training.demo.world import build_world

_CELLS_PER_BLOCK: Final = 4_000_000
_MOST_USERS_PER_BLOCK: Final = 1024
# Each holds a block: 100 MB.
_MAX_THREADS: Final = 4


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What was written.

    Attributes
    ----------
    folder : Path
    n_users, n_anime, n_rows : int
    n_rated : int
        Rows with a rating.
    file_bytes : dict of str to int
        Size of every file, by name.
    """

    folder: Path
    n_users: int
    n_anime: int
    n_rows: int
    n_rated: int
    file_bytes: dict[str, int]


def write_demo_data(
    out: Path,
    *,
    n_users: int = 3000,
    n_anime: int | None = None,
    n_rows: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> DemoSummary:
    """Write a simulated dump in the format of the Anime Recommendation Database 2020.

    Parameters
    ----------
    out : Path
        Folder to make. An earlier demo dump in it is replaced once the new one is complete.
    n_users : int, default 3000
    n_anime : int, optional
        All curated titles by default; fewer keeps the most popular, more adds made-up ones.
    n_rows : int, optional
        Exact number of list entries; what the users' lists naturally give by default.
    seed : int, default 0
        The same arguments give the same bytes.
    progress : callable, optional
        Called with users done and users in total.

    Raises
    ------
    ValueError
        If no such dump can exist.
    FileExistsError
        If ``out`` is a file, or a folder that holds anything but an earlier demo dump.
    """
    _check_sizes(n_users, n_anime, n_rows, seed)
    out = out.resolve()
    _check_out(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.parent / f".{out.name}.partial-{os.getpid()}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        summary = _write_files(partial, n_users, n_anime, n_rows, seed, progress or _ignore)
        _move_into_place(partial, out)
    finally:
        # After a success nothing is left here; after Ctrl-C nothing may be.
        shutil.rmtree(partial, ignore_errors=True)
    return replace(summary, folder=out)


def _write_files(
    folder: Path,
    n_users: int,
    n_anime: int | None,
    n_rows: int | None,
    seed: int,
    progress: Callable[[int, int], None],
) -> DemoSummary:
    *seeds, block_seed = np.random.SeedSequence(seed).spawn(4)
    world_rng, user_rng, noise_rng = (np.random.default_rng(child) for child in seeds)
    world = build_world(n_anime, world_rng)
    size = len(world.titles)
    _check_rows(n_rows, n_users, size)
    population = draw_population(world.viewers, n_users, size, n_rows, world.covered, user_rng)
    simulator = ListSimulator(world, population, noise_rng)
    statistics = AnimeStatistics(size)
    anime_ids = np.array([title.anime_id for title in world.titles], dtype=np.int64)
    done = 0
    with ListFile(folder / LISTS_FILE, anime_ids) as file:
        for n_block_users, block in _blocks(simulator, n_users, size, block_seed):
            file.write(block)
            statistics.add(block)
            done += n_block_users
            progress(done, n_users)
    write_catalogue(folder, world.titles, statistics)
    total = int(population.lengths.sum())
    write_labels(folder, n_users=n_users, n_anime=size, n_rows=total, seed=seed)
    file_bytes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    return DemoSummary(folder, n_users, size, total, statistics.n_rated, file_bytes)


def _ignore(done: int, total: int) -> None:
    """Take no notice of progress."""


def _blocks(
    simulator: ListSimulator, n_users: int, n_anime: int, seed: np.random.SeedSequence
) -> Iterator[tuple[int, ListBlock]]:
    """Simulate blocks of users in threads, and give them in order with their numbers of users."""
    size = min(_MOST_USERS_PER_BLOCK, max(1, _CELLS_PER_BLOCK // n_anime))
    firsts = range(0, n_users, size)
    waiting: deque[tuple[int, Future[ListBlock]]] = deque()
    n_threads = min(_MAX_THREADS, usable_cores())
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            for first, child in zip(firsts, seed.spawn(len(firsts)), strict=True):
                stop = min(first + size, n_users)
                future = pool.submit(simulator.simulate, first, stop, np.random.default_rng(child))
                waiting.append((stop - first, future))
                # One block more than there are threads keeps them busy; more would only fill the memory.
                if len(waiting) > n_threads + 1:
                    n_block_users, ready = waiting.popleft()
                    yield n_block_users, ready.result()
            for n_block_users, ready in waiting:
                yield n_block_users, ready.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _check_sizes(n_users: int, n_anime: int | None, n_rows: int | None, seed: int) -> None:
    sizes = {"n_users": n_users, "n_anime": n_anime, "n_rows": n_rows}
    for name, value in sizes.items():
        if value is not None and value < 1:
            raise ValueError(f"{name}: expected at least 1, received {value}")
    if seed < 0:
        raise ValueError(f"seed: expected 0 or more, received {seed}")


def _check_rows(n_rows: int | None, n_users: int, n_anime: int) -> None:
    most = n_users * n_anime
    if n_rows is not None and not n_users <= n_rows <= most:
        raise ValueError(
            f"n_rows: expected {n_users:,} to {most:,} for {n_users:,} users and {n_anime:,} anime (every list holds "
            f"at least one anime, and none twice), received {n_rows:,}; change the rows, users or anime"
        )


def _check_out(out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise FileExistsError(f"{out}: expected a folder or nothing, found a file; choose another folder")
    if any(out.iterdir()) and not _is_demo_dump(out):
        raise FileExistsError(
            f"{out}: expected an empty folder or an earlier demo dump, found other files; choose another folder"
        )


def _is_demo_dump(folder: Path) -> bool:
    try:
        label = json.loads((folder / DATASET_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(label, dict) and label.get("name") == NAME and label.get("simulated") is True


def _move_into_place(partial: Path, out: Path) -> None:
    earlier = partial.with_name(f"{partial.name}.earlier")
    if out.exists():
        out.rename(earlier)
    try:
        partial.rename(out)
    except BaseException:
        if earlier.exists() and not out.exists():
            earlier.rename(out)
        raise
    shutil.rmtree(earlier, ignore_errors=True)
