"""Updates that cannot be, and what they leave."""

import csv
from pathlib import Path

import pytest

from models.bundle.layout import LAYOUT
from models.bundle.reader import read_bundle
from models.store import Store
from tests.training.commands import OLD, fails, works
from tests.training.small_dump import SmallDump, write_csv
from tests.training.updating.published import newest, write_lists
from training import cli


def test_the_work_folder_of_a_training_is_left_alone(
    store: Store, small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = ("--work", str(tmp_path / "trained"))
    write_lists(small_dump, newest(small_dump))
    command = ("update", "--data", str(small_dump.folder), "--store", str(store.root))
    assert "give `update` another --work" in fails(monkeypatch, *command, *trained)
    works(monkeypatch, "publish", *trained, "--store", str(tmp_path / "again"))


def test_without_a_bundle_there_is_nothing_to_update(
    small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("update", "--data", str(small_dump.folder), "--store", str(tmp_path / "none"))
    assert "no bundle is published here yet" in fails(monkeypatch, *command)
    assert not (tmp_path / "none").exists()


def test_a_dump_that_is_not_there_and_one_of_another_catalogue_leave_the_bundle(
    places: tuple[str, ...], small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = Store(tmp_path / "store").current_folder()
    assert "is not there" in fails(monkeypatch, "update", "--data", str(tmp_path / "nowhere"), *places)
    write_lists(small_dump, [(row[0], 10**6 + row[1], *row[2:]) for row in small_dump.rows])
    with (small_dump.folder / "anime.csv").open(newline="", encoding="utf-8") as file:
        header, *catalogue = csv.reader(file)
    others = [(10**6 + int(anime_id), *rest) for anime_id, *rest in catalogue]
    write_csv(small_dump.folder / "anime.csv", tuple(header), others)
    assert "no user has 5 rows" in fails(monkeypatch, "update", "--data", str(small_dump.folder), *places)
    assert Store(tmp_path / "store").current_folder() == current
    assert current.name == OLD


def test_a_bundle_of_another_format_is_refused(
    places: tuple[str, ...], small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Store(tmp_path / "store").current_folder() / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"format_version": 8', '"format_version": 7'))
    line = fails(monkeypatch, "update", "--data", str(small_dump.folder), *places)
    assert "has format version 7" in line


def test_a_bundle_that_was_published_meanwhile_stays_current(
    store: Store, small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = read_bundle(store.current_folder())
    arrays = {spec.name: getattr(bundle, spec.name) for spec in LAYOUT}

    def measure_and_publish(*given: object) -> object:
        store.publish(bundle.manifest.model_copy(update={"model_version": "meanwhile"}), arrays)
        return {}

    monkeypatch.setattr("training.updating.update.measure_placing", measure_and_publish)
    command = ("update", "--data", str(small_dump.folder), "--store", str(store.root), "--work", str(tmp_path / "w"))
    assert "another bundle was published meanwhile" in fails(monkeypatch, *command)
    assert store.current_folder().name == "meanwhile"


def test_an_update_that_fails_or_is_stopped_leaves_the_bundle(
    store: Store, small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = store.current_folder()

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("models.store.read_bundle", stopped)
    command = ("update", "--data", str(small_dump.folder), "--store", str(store.root), "--work", str(tmp_path / "w"))
    monkeypatch.setattr("sys.argv", ["training", *command])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code
    assert store.current_folder() == current
    assert store.versions() == [current.name]
