"""Write a simulated dump: a folder that appears complete or not at all."""

import json
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from models.cores import usable_cores
from training.demo.dump_files import (
    DATASET_FILE,
    LISTS_FILE,
    NAME,
    AnimeStatistics,
    write_catalogue,
    write_labels,
    write_lists,
)
from training.demo.lists import ListBlock, ListSimulator
from training.demo.population import draw_population
from training.demo.world import build_world
from training.support.folders import replaced_folder

_CELLS_PER_BLOCK: Final = 4_000_000
_MOST_USERS_PER_BLOCK: Final = 1024
# Each holds a block: 100 MB.
_MAX_THREADS: Final = 4


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What was written."""

    folder: Path
    n_users: int
    n_anime: int
    n_rows: int
    # Rows with a rating.
    n_rated: int
    # Size of every file, by name.
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

    An earlier demo dump in the folder is replaced once the new one is complete. Fewer anime than the curated ones are
    the most popular, more are made-up ones too. ``n_rows`` asks for an exact number of list entries. The same
    arguments give the same bytes. ``progress`` is called with users done and users in total.

    Raises
    ------
    ValueError
        If no such dump can exist.
    FileExistsError
        If ``out`` is a file, or a folder that holds anything but an earlier demo dump.
    """
    for name, value, least in (("n_users", n_users, 1), ("n_anime", n_anime, 1), ("seed", seed, 0)):
        if value is not None and value < least:
            raise ValueError(f"{name}: expected at least {least}, received {value}")
    out = out.resolve()
    _check_out(out)
    *seeds, block_seed = np.random.SeedSequence(seed).spawn(4)
    world_rng, user_rng, noise_rng = (np.random.default_rng(child) for child in seeds)
    world = build_world(n_anime, world_rng)
    size = len(world.titles)
    population = draw_population(world.viewers, n_users, size, n_rows, world.covered, user_rng)
    simulator, statistics = ListSimulator(world, population, noise_rng), AnimeStatistics(size)

    def counted_blocks() -> Iterator[ListBlock]:
        for block in _blocks(simulator, n_users, size, block_seed):
            yield block
            statistics.add(block)
            if progress:
                progress(int(block.user_rows[-1]) + 1, n_users)

    n_entries = int(population.lengths.sum())
    with replaced_folder(out) as folder:
        anime_ids = np.array([title.anime_id for title in world.titles], dtype=np.int64)
        write_lists(folder / LISTS_FILE, anime_ids, counted_blocks())
        write_catalogue(folder, world.titles, statistics)
        write_labels(folder, n_users=n_users, n_anime=size, n_rows=n_entries, seed=seed)
    n_rated = int(statistics.ratings[:, 1:].sum())
    file_bytes = {path.name: path.stat().st_size for path in sorted(out.iterdir())}
    return DemoSummary(out, n_users, size, n_entries, n_rated, file_bytes)


def _blocks(
    simulator: ListSimulator, n_users: int, n_anime: int, seed: np.random.SeedSequence
) -> Iterator[ListBlock]:
    """Simulate blocks of users in threads, and give them in order."""
    size = min(_MOST_USERS_PER_BLOCK, max(1, _CELLS_PER_BLOCK // n_anime))
    firsts = range(0, n_users, size)
    waiting: deque[Future[ListBlock]] = deque()
    n_threads = min(_MAX_THREADS, usable_cores())
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            for first, child in zip(firsts, seed.spawn(len(firsts)), strict=True):
                stop = min(first + size, n_users)
                waiting.append(pool.submit(simulator.simulate, first, stop, np.random.default_rng(child)))
                # One block more than there are threads keeps them busy; more would only fill the memory.
                if len(waiting) > n_threads + 1:
                    yield waiting.popleft().result()
            for ready in waiting:
                yield ready.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _check_out(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"{out}: expected a folder or nothing, found a file; choose another folder")
    if out.is_dir() and any(out.iterdir()) and not _is_demo_dump(out):
        raise FileExistsError(
            f"{out}: expected an empty folder or an earlier demo dump, found other files; choose another folder"
        )


def _is_demo_dump(folder: Path) -> bool:
    try:
        label = json.loads((folder / DATASET_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(label, dict) and label.get("name") == NAME and label.get("simulated") is True
