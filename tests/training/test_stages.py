"""The stages one by one: none takes what another dump, another split or another training left."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.bundle.reader import read_bundle
from models.store import Store
from tests.models.small_bundle import unit_rows
from tests.training.commands import fails, works
from tests.training.pretended import learn_item_weights, pretend_to_rank
from tests.training.small_dump import LIST_HEADER, SmallDump, write_csv
from training.embeddings.trained import TrainedNetwork, load_trained, save_trained
from training.lists.prepared import load_prepared
from training.lists.split import is_test_user
from training.recommending.stage import load_recommender, save_recommender
from training.settings import make_settings


@pytest.fixture
def trained_work(small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work folder with a prepared dump and a network that was trained in no time."""
    work = tmp_path / "work"
    works(monkeypatch, "prepare", "--data", str(small_dump.folder), "--work", str(work))
    pretend_to_train(work, seed=0)
    return work


def pretend_to_train(work: Path, seed: int, *assignments: str) -> None:
    prepared = load_prepared(work / "prepared")
    lists = prepared.interactions
    embeddings = unit_rows(lists.n_anime, 8, np.random.default_rng(seed))
    network = TrainedNetwork(
        "autoencoder",
        embeddings,
        embeddings,
        np.ones(lists.n_anime, dtype=np.float32),
        None,
        "normalised_sum",
        {},
        {"loss": [1.0]},
        1.0,
        settings=make_settings({}, ["split_seed=5", *assignments]).model_dump(),
        prepared_digest=prepared.digest,
    )
    folder = work / "trained" / "autoencoder"
    folder.mkdir(parents=True, exist_ok=True)
    save_trained(folder, network)
    pretend_to_rank(work, network)
    learn_item_weights(work, network)


def test_an_evaluation_with_another_split_than_the_training_is_refused(
    trained_work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("evaluate", "--work", str(trained_work), "--no-compare")
    assert "evaluate with --set split_seed=5" in fails(monkeypatch, *command)
    works(monkeypatch, *command, "--set", "split_seed=5")


def test_those_who_test_are_the_fold_that_the_training_left_out(
    trained_work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_to_train(trained_work, 0, "test_fold=3")
    command = ("evaluate", "--work", str(trained_work), "--no-compare", "--set", "split_seed=5")
    assert "evaluate with --set test_fold=3" in fails(monkeypatch, *command)
    works(monkeypatch, *command, "--set", "test_fold=3")
    works(monkeypatch, "publish", "--work", str(trained_work), "--store", str(tmp_path), "--hold-out")
    held_out = read_bundle(Store(tmp_path).current_folder())
    user_ids = load_prepared(trained_work / "prepared").interactions.user_ids
    assert held_out.user_ids.tolist() == user_ids[~is_test_user(user_ids, 3)].tolist() != user_ids.tolist()
    assert held_out.manifest.training["settings"]["test_fold"] == 3


def test_metrics_of_an_earlier_training_are_never_published(
    trained_work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = ("publish", "--work", str(trained_work))
    works(monkeypatch, "evaluate", "--work", str(trained_work), "--no-compare", "--set", "split_seed=5")
    works(monkeypatch, *publish, "--store", str(tmp_path / "one"))
    pretend_to_train(trained_work, seed=1)
    works(monkeypatch, *publish, "--store", str(tmp_path / "two"))
    measured, unmeasured = (read_bundle(Store(tmp_path / name).current_folder()).manifest for name in ("one", "two"))
    assert "autoencoder, embedding" in measured.metrics["methods"]
    assert measured.training["settings"]["split_seed"] == 5
    assert set(unmeasured.metrics) == {"user_index"}


def change_first_row(dump: SmallDump, column: str, value: int) -> None:
    rows = [list(row) for row in dump.rows]
    place = LIST_HEADER.index(column)
    assert rows[0][place] != value
    rows[0][place] = value
    write_csv(dump.folder / "animelist.csv", LIST_HEADER, rows)


def another_user(dump: SmallDump) -> None:
    # As many users and as many anime.
    rows = [(999, *row[1:]) if row[0] == 3 else row for row in dump.rows]
    write_csv(dump.folder / "animelist.csv", LIST_HEADER, rows)


def one_rating(dump: SmallDump) -> None:
    change_first_row(dump, "rating", 1)


def one_status(dump: SmallDump) -> None:
    change_first_row(dump, "watching_status", 1)


def one_entry(dump: SmallDump) -> None:
    listed = {row[1] for row in dump.rows if row[0] == dump.rows[0][0]}
    change_first_row(dump, "anime_id", min(set(dump.cluster_of) - listed))


def one_vote(dump: SmallDump) -> None:
    path = dump.folder / "recommendations.csv"
    head, row, *rest = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([head, f"{row}0", *rest]) + "\n", encoding="utf-8")


def genres(dump: SmallDump) -> None:
    path = dump.folder / "anime.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("Drama", "Mecha"), encoding="utf-8")


@pytest.mark.parametrize(
    "change", [another_user, one_rating, one_status, one_entry, one_vote, genres], ids=lambda change: change.__name__
)
def test_what_was_learned_from_an_earlier_dump_is_never_published_or_measured(
    trained_work: Path,
    small_dump: SmallDump,
    places: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[SmallDump], None],
) -> None:
    before = load_prepared(trained_work / "prepared").interactions
    change(small_dump)
    works(monkeypatch, "prepare", "--data", str(small_dump.folder), "--work", str(trained_work))
    now = load_prepared(trained_work / "prepared").interactions
    assert (now.n_users, now.n_anime) == (before.n_users, before.n_anime)
    evaluate = ("evaluate", "--work", str(trained_work), "--no-compare", "--set", "split_seed=5")
    for line in (fails(monkeypatch, "publish", *places), fails(monkeypatch, *evaluate)):
        assert "the autoencoder network was trained before the dump was prepared anew, from other files" in line
        assert line.endswith("run `train` again")


def test_what_was_learned_with_other_thresholds_is_never_published(
    trained_work: Path, small_dump: SmallDump, places: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = ("--data", str(small_dump.folder), "--work", str(trained_work))
    works(monkeypatch, "prepare", *data, "--min-user-rows", "4")
    assert "or with other thresholds; run `train` again" in fails(monkeypatch, "publish", *places)
    works(monkeypatch, "prepare", *data)
    works(monkeypatch, "publish", *places)


def test_metrics_of_an_earlier_dump_are_never_published_even_where_the_same_is_learned_again(
    trained_work: Path, small_dump: SmallDump, places: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    works(monkeypatch, "evaluate", "--work", str(trained_work), "--no-compare", "--set", "split_seed=5")
    one_rating(small_dump)
    works(monkeypatch, "prepare", "--data", str(small_dump.folder), "--work", str(trained_work))
    # Neither embeddings nor item weights look at ratings.
    pretend_to_train(trained_work, seed=0)
    works(monkeypatch, "publish", *places)
    bundle = read_bundle(Store(Path(places[-1])).current_folder())
    assert set(bundle.manifest.metrics) == {"user_index"}


def test_a_run_after_one_rating_has_changed_learns_and_measures_anew(
    trained_work: Path, small_dump: SmallDump, places: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    works(monkeypatch, "publish", *places)
    store = Store(Path(places[-1]))
    before = read_bundle(store.current_folder()).manifest
    one_rating(small_dump)
    quick = ("--no-compare", "--set", "autoencoder.epochs=1", "--set", "autoencoder.embedding_size=4")
    works(monkeypatch, "run", "--data", str(small_dump.folder), *places, *quick)
    now = read_bundle(store.current_folder()).manifest
    assert now.data.fingerprint != before.data.fingerprint
    assert now.embedding_size == 4 != before.embedding_size
    assert "autoencoder, embedding" in now.metrics["methods"]


def test_an_evaluation_that_is_cut_is_named(
    trained_work: Path, places: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    (trained_work / "report").mkdir()
    (trained_work / "report" / "evaluation.json").write_text('{"methods": ', encoding="utf-8")
    assert "evaluation.json: is no evaluation" in fails(monkeypatch, "publish", *places)


def test_neighbours_of_an_earlier_dump_are_never_published_or_measured(
    trained_work: Path, places: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = load_trained(trained_work / "trained" / "autoencoder")
    pretend_to_rank(trained_work, replace(trained, prepared_digest="0" * 64))
    assert "run `train` again" in fails(monkeypatch, "publish", *places)
    line = fails(monkeypatch, "evaluate", "--work", str(trained_work), "--no-compare", "--set", "split_seed=5")
    assert "what follows the networks was learned before the dump was prepared anew" in line


def test_a_recommender_of_an_earlier_dump_is_never_published_or_measured(
    trained_work: Path, places: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = trained_work / "trained" / "recommender"
    save_recommender(folder, replace(load_recommender(folder), prepared_digest="0" * 64))
    assert "run `train` again" in fails(monkeypatch, "publish", *places)
    line = fails(monkeypatch, "evaluate", "--work", str(trained_work), "--no-compare", "--set", "split_seed=5")
    assert "what follows the networks was learned before the dump was prepared anew" in line


def test_without_a_recommender_nothing_is_published(
    trained_work: Path, places: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    (trained_work / "trained" / "recommender" / "item_weight_rows.npy").unlink()
    assert "holds no recommender" in fails(monkeypatch, "publish", *places)


def test_metrics_of_an_earlier_recommender_are_never_published(
    trained_work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    works(monkeypatch, "evaluate", "--work", str(trained_work), "--no-compare", "--set", "split_seed=5")
    folder = trained_work / "trained" / "recommender"
    model = load_recommender(folder)
    doubled = 2 * model.arrays["item_weight_values"]
    save_recommender(folder, replace(model, arrays={**model.arrays, "item_weight_values": doubled}))
    works(monkeypatch, "publish", "--work", str(trained_work), "--store", str(tmp_path / "store"))
    bundle = read_bundle(Store(tmp_path / "store").current_folder())
    assert set(bundle.manifest.metrics) == {"user_index"}
    # Too few taught a re-ranker, and nothing was measured.
    assert bundle.manifest.default_methods.recommendations == "items"


def test_without_ranked_neighbours_nothing_is_published(
    trained_work: Path, places: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    (trained_work / "trained" / "similar" / "similar.json").unlink()
    assert "holds no ranked neighbours" in fails(monkeypatch, "publish", *places)
