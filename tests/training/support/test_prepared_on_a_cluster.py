"""Lists in parts are prepared on a cluster as in one process, whoever is killed."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.training.lists.test_prepare import assert_same_lists
from tests.training.small_dump import LIST_HEADER, SmallDump, write_csv
from tests.training.support.dask_cluster import Gated, killing, running_cluster
from training.dump.files import find_dump
from training.dump.rejects import RejectedRows
from training.lists import list_reader, thresholds
from training.lists.prepare import prepare
from training.lists.prepared import Prepared
from training.lists.thresholds import Thresholds
from training.support.engine import LOCAL, Engine, open_engine


def _prepare(folder: Path, engine: Engine) -> tuple[Prepared, str]:
    with RejectedRows(folder / "rejected.csv") as rejects:
        prepared = prepare(find_dump(folder), Thresholds(5, 9), rejects, engine=engine)
    return prepared, (folder / "rejected.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", [lambda user: user, lambda user: f"user {user * 7919 % 1000}"], ids=["numbers", "texts"]
)
def test_lists_in_parts_are_prepared_as_in_one_process(
    small_dump: SmallDump, tmp_path: Path, name: Callable[[int], object]
) -> None:
    # Rows in no order, every third one again in a later part, and some that cannot be used.
    rows: list[tuple[object, ...]] = [(name(user), *rest) for user, *rest in small_dump.rows]
    rows += [(user, anime, 1, *rest) for user, anime, _, *rest in rows[::3]]
    rows += [(name(3), 999_999, 5, 2, 1), (name(5), 1, 77, 2, 1), ("", 1, 5, 2, 1)]
    random.Random(0).shuffle(rows)
    (small_dump.folder / "animelist.csv").unlink()
    (small_dump.folder / "animelist").mkdir()
    for number, places in enumerate(np.array_split(np.arange(len(rows)), 3)):
        path = small_dump.folder / "animelist" / f"{number}.csv"
        write_csv(path, LIST_HEADER, [rows[place] for place in places])
    alone, rejected = _prepare(small_dump.folder, LOCAL)
    assert rejected.count("later row") > 100
    with (
        running_cluster(tmp_path) as cluster,
        open_engine(cluster.address, tmp_path / "work") as engine,
        pytest.MonkeyPatch.context() as patch,
    ):
        for module in (list_reader, thresholds):
            patch.setattr(module, "_BLOCK", 7)
        (tmp_path / "gate").mkdir()
        with killing(tmp_path / "gate"):
            spread, rejected_there = _prepare(small_dump.folder, Gated(engine, tmp_path / "gate"))
    assert_same_lists(alone.interactions, spread.interactions)
    assert alone.interactions.user_ids.dtype == spread.interactions.user_ids.dtype
    assert rejected_there == rejected
    assert spread.report.data.counts == alone.report.data.counts
    assert list(spread.report.rejected.items()) == list(alone.report.rejected.items())
