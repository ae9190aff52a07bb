"""A run on a cluster publishes the bytes that a run in one process publishes."""

from pathlib import Path

import pytest

from models.bundle.layout import LAYOUT
from models.bundle.reader import read_bundle
from models.store import Store
from tests.contract.cluster_run import run_both
from tests.training.commands import works
from tests.training.support.dask_cluster import running_cluster

QUICK = (
    "--no-compare",
    *("--set", "autoencoder.epochs=1"),
    *("--set", "autoencoder.embedding_size=8"),
    *("--set", "reranker.max_training_users=60"),
    *("--set", "reranker.few_training_users=60"),
    *("--set", "reranker.epochs=1"),
)
FEW = ("--set", "max_test_users=100", "--set", "similar.max_users=1000")
# All that run on a cluster.
STEPS = (
    *("list_reader.read_part", "list_builder.build_lists", "thresholds._count_between", "thresholds._keep_between"),
    *("co_counts._count_rows", "embed._embed_between", "examples.make_examples"),
    *("neighbours._nearest_between", "in_common._count_between", "in_common._compare_between"),
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


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_three_million_rows_are_the_same_though_a_worker_is_killed_in_each_step(tmp_path: Path) -> None:
    found = run_both(tmp_path, (3_000_000, 9_000, 4_000), (*QUICK, *FEW))
    assert found["different"] == []
    assert sorted(found["killed in"]) == sorted(STEPS)
    assert max(found["spread"]["own_gb"].values()) < 2.0
