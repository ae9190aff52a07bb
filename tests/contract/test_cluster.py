"""A run on a cluster publishes the bytes that a run in one process publishes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.bundle.layout import LAYOUT
from models.bundle.reader import read_bundle
from models.store import Store
from tests.training.commands import works
from tests.training.support.dask_cluster import Gated, killing, running_cluster
from training.item_weights.co_counts import co_counts
from training.lists.prepared import load_prepared
from training.settings import RunSettings
from training.similar_users.embed import embed_users
from training.similar_users.in_common import count_in_common, similarities_to_nearest
from training.similar_users.index import build_user_index
from training.support.engine import LOCAL, Engine, open_engine
from training.work_folder import load_split

QUICK = (
    "--no-compare",
    *("--set", "autoencoder.epochs=1"),
    *("--set", "autoencoder.embedding_size=8"),
    *("--set", "reranker.max_training_users=60"),
    *("--set", "reranker.few_training_users=60"),
    *("--set", "reranker.epochs=1"),
)


@pytest.mark.slow
def test_a_run_on_a_cluster_publishes_the_same_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    works(monkeypatch, "demo-data", "--out", str(tmp_path / "dump"), "--users", "300")
    with running_cluster(tmp_path) as cluster:
        for name, engine in (("alone", "local"), ("spread", cluster.address)):
            places = ("--work", str(tmp_path / name), "--store", str(tmp_path / "store" / name))
            works(monkeypatch, "run", "--data", str(tmp_path / "dump"), *places, "--engine", engine, *QUICK)
        # Stages on their own, with users left out.
        works(monkeypatch, "train", *places[:2], "--engine", cluster.address, *QUICK)
        works(monkeypatch, "publish", *places, "--hold-out", "--engine", cluster.address)
    works(monkeypatch, "publish", "--work", places[1], "--store", str(tmp_path / "store" / "alone"), "--hold-out")
    for version in (0, 1):
        alone, spread = (sorted((tmp_path / "store" / name).glob("2*"))[version] for name in ("alone", "spread"))
        assert read_bundle(alone).n_users == read_bundle(spread).n_users
        for spec in LAYOUT:
            file = f"{spec.name}.npy"
            assert (alone / file).read_bytes() == (spread / file).read_bytes(), file
    stores = (Store(tmp_path / "store" / name) for name in ("alone", "spread"))
    golden = [read_bundle(store.current_folder()).manifest.golden for store in stores]
    assert golden[0] == golden[1]
    assert not (tmp_path / "spread" / "engine").exists()


def _all_steps(engine: Engine, work: Path) -> dict[str, NDArray[Any]]:
    prepared, split = load_split(work, RunSettings())
    adds = np.random.default_rng(0).standard_normal((prepared.interactions.n_anime, 32)).astype(np.float32)
    users = embed_users(adds, prepared.interactions, engine)
    index, _ = build_user_index(users, 20, n_groups=150, engine=engine)
    nearest = index["nearest_user_rows"]
    return {
        "co-counts": co_counts(split.train, engine),
        "embeddings": users,
        **index,
        "in common": count_in_common(prepared.interactions, nearest, 20, engine),
        "similarities": similarities_to_nearest(users, nearest, 20, engine),
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_three_million_rows_are_the_same_though_a_worker_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    works(monkeypatch, "demo-data", "--out", str(tmp_path / "dump"), "--rows", "3000000", "--users", "50000")
    works(monkeypatch, "prepare", "--data", str(tmp_path / "dump"), "--work", str(tmp_path))
    assert load_prepared(tmp_path / "prepared").report.data.counts["rows_read"] == 3_000_000
    alone = _all_steps(LOCAL, tmp_path)
    (tmp_path / "gate").mkdir()
    with (
        running_cluster(tmp_path) as cluster,
        open_engine(cluster.address, tmp_path) as engine,
        killing(tmp_path / "gate"),
    ):
        spread = _all_steps(Gated(engine, tmp_path / "gate"), tmp_path)
    for name, array in alone.items():
        assert array.dtype == spread[name].dtype
        np.testing.assert_array_equal(spread[name], array, err_msg=name)
