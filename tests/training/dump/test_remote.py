"""Dumps in databases and buckets: the same lists wherever they are, and one line where they cannot be had."""

import csv
import hashlib
import itertools
import sqlite3
import uuid
from pathlib import Path

import numpy as np
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from adbc_driver_postgresql import dbapi

from models.bundle.reader import read_bundle
from models.object_store import ObjectStore
from tests.object_store.server import SECRET, Bucket
from tests.training.commands import works
from tests.training.dump.postgresql_server import PASSWORD
from tests.training.small_dump import SmallDump
from tests.training.test_stages import pretend_to_train
from training.dump.files import find_dump
from training.dump.rejects import REJECTS_FILE
from training.dump.remote import bring_dump
from training.lists.prepared import Prepared, load_prepared
from training.pipeline import run_prepare
from training.settings import RunSettings


def _in_tabs(folder: Path, target: Path) -> Path:
    """Write a dump as tab-separated text."""
    target.mkdir()
    for path in folder.glob("*.csv"):
        suffix = ".csv" if path.stem == "recommendations" else ".tsv"
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        with (target / path.stem).with_suffix(suffix).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter="," if suffix == ".csv" else "\t").writerows(rows)
    return target


def in_parts(folder: Path, target: Path) -> Path:
    """Write the lists of a dump as 16 Parquet files."""
    (target / "animelist").mkdir(parents=True)
    lists = pacsv.read_csv(folder / "animelist.csv")
    edges = [len(lists) * part // 16 for part in range(17)]
    for part, (start, end) in enumerate(itertools.pairwise(edges)):
        pq.write_table(lists.slice(start, end - start), target / "animelist" / f"part-{part}.parquet")
    for path in folder.glob("*.csv"):
        if path.stem != "animelist":
            (target / path.name).write_bytes(path.read_bytes())
    return target


def prepare_at(location: str, work: Path, queries: Path | None = None) -> Prepared:
    run_prepare(bring_dump(location, work, queries), work, RunSettings())
    return load_prepared(work / "prepared")


def _assert_same(found: Prepared, expected: Prepared) -> None:
    for name, array in vars(expected.interactions).items():
        np.testing.assert_array_equal(getattr(found.interactions, name), array, name)
    for ours, theirs in ((found.catalogue, expected.catalogue), (found.new_anime, expected.new_anime)):
        assert ours.keys() == theirs.keys()
        for name, array in theirs.items():
            np.testing.assert_array_equal(ours[name], array, name)
    assert found.report.data.counts == expected.report.data.counts
    assert found.report.notes == expected.report.notes


def upload(bucket: Bucket, folder: Path, prefix: str = "") -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            bucket.ask("PUT", f"{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes())


def test_lists_are_the_same_wherever_they_come_from(
    small_dump: SmallDump, tmp_path: Path, in_postgresql: str, in_sqlite: str, bucket: Bucket
) -> None:
    expected = prepare_at(str(small_dump.folder), tmp_path / "of-folder")
    for other in (_in_tabs, in_parts):
        folder = other(small_dump.folder, tmp_path / other.__name__)
        _assert_same(prepare_at(str(folder), tmp_path / f"of-{folder.name}"), expected)
    upload(bucket, small_dump.folder, "/deep/dump")
    upload(bucket, tmp_path / "in_parts", "/parts")
    _assert_same(prepare_at(f"{bucket.url}/parts", tmp_path / "of-parts"), expected)
    names = {}
    for location in (in_postgresql, in_sqlite, f"{bucket.url}/deep/dump"):
        work = tmp_path / location.partition(":")[0]
        _assert_same(prepare_at(location, work), expected)
        report = load_prepared(work / "prepared").report
        names[location.partition(":")[0]] = report.data.name
        dump = find_dump(Path(report.data_folder))
        assert dump.recommendations
        assert PASSWORD not in (work / "prepared" / "report.json").read_text(encoding="utf-8")
    assert names == {
        "postgresql": in_postgresql.replace("osusume@", ""),
        "sqlite": in_sqlite,
        "s3": f"{bucket.url}/deep/dump",
    }


def test_bundles_are_the_same_wherever_lists_come_from_and_bundles_go(
    small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_postgresql: str, bucket: Bucket
) -> None:
    upload(bucket, small_dump.folder, "/dump")
    bundles = {}
    for location in (str(small_dump.folder), in_postgresql, f"{bucket.url}/dump"):
        work, store = tmp_path / location[:5].strip("/"), f"{bucket.url}/{location[:5].strip('/')}"
        works(monkeypatch, "prepare", "--data", location, "--work", str(work))
        pretend_to_train(work, seed=0)
        works(monkeypatch, "publish", "--work", str(work), "--store", store)
        bundles[location] = read_bundle(ObjectStore(store).fetch(tmp_path / "copies" / work.name)).manifest
    files, data = {}, {}
    for location, manifest in bundles.items():
        files[location] = [entry.model_dump() for entry in manifest.files]
        data[location] = manifest.data.counts
        assert SECRET not in manifest.model_dump_json()
        assert PASSWORD not in manifest.model_dump_json()
    assert all(found == files[str(small_dump.folder)] for found in files.values())
    assert all(found == data[str(small_dump.folder)] for found in data.values())


def test_a_model_in_a_bucket_is_updated_from_a_database(
    small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_sqlite: str, bucket: Bucket
) -> None:
    works(monkeypatch, "prepare", "--data", str(small_dump.folder), "--work", str(tmp_path / "work"))
    pretend_to_train(tmp_path / "work", seed=0)
    works(monkeypatch, "publish", "--work", str(tmp_path / "work"), "--store", bucket.url)
    before = ObjectStore(bucket.url).current_version()
    options = ("--data", in_sqlite, "--work", str(tmp_path / "updated"))
    works(monkeypatch, "update", *options, "--store", bucket.url)
    updated = read_bundle(ObjectStore(bucket.url).fetch(tmp_path / "copies")).manifest
    assert [(update.updated_version, update.data.name) for update in updated.updates] == [(before, in_sqlite)]


@pytest.mark.parametrize("kind", ["in_postgresql", "in_sqlite"])
def test_a_database_that_has_not_changed_is_not_prepared_again(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    url = request.getfixturevalue(kind)
    before = prepare_at(url, tmp_path / "work")
    capsys.readouterr()
    assert prepare_at(url, tmp_path / "work").digest == before.digest
    assert "the dump has not changed since it was prepared" in capsys.readouterr().err
    if kind == "in_sqlite":
        with sqlite3.connect(tmp_path / "lists #1.db") as connection:
            connection.execute("UPDATE animelist SET rating = 11 - rating WHERE rating > 0")
        connection.close()
    else:
        with dbapi.connect(url) as database, database.cursor() as cursor:
            cursor.execute("UPDATE animelist SET rating = 11 - rating WHERE rating > 0")
            database.commit()
    after = prepare_at(url, tmp_path / "work")
    assert after.digest != before.digest
    assert after.interactions.ratings.astype(int).sum() != before.interactions.ratings.astype(int).sum()


def test_only_objects_that_changed_are_fetched_and_those_that_are_gone_are_removed(
    small_dump: SmallDump, tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(bucket, small_dump.folder)
    bucket.ask("PUT", "/notes.docx", b"not of a dump")
    folder = bring_dump(bucket.url, tmp_path / "work")
    assert not (folder / "notes.docx").exists()
    before = {path.name: path.stat().st_ino for path in folder.iterdir()}
    bucket.ask("PUT", "/animelist.csv", (small_dump.folder / "animelist.csv").read_bytes()[:-40] + b"\n")
    bucket.ask("DELETE", "/recommendations.csv")
    bucket.ask("PUT", "/dataset.json", b'{"name": "Ours", "simulated": true}')
    assert bring_dump(bucket.url, tmp_path / "work") == folder
    dump = find_dump(folder)
    assert dump.recommendations is None
    assert (dump.note.name, dump.note.simulated) == ("Ours", True)
    changed = {path.name for path in folder.glob("[!.]*") if path.stat().st_ino != before.get(path.name)}
    assert "anime.csv" not in changed
    assert changed <= {"animelist.csv", "dataset.json"}
    assert (folder / "animelist.csv").read_bytes() == bucket.ask("GET", "/animelist.csv")


def test_a_folder_of_parts_in_a_bucket_may_become_a_file(
    small_dump: SmallDump, tmp_path: Path, bucket: Bucket
) -> None:
    parts = in_parts(small_dump.folder, tmp_path / "parts")
    upload(bucket, parts)
    assert len(find_dump(bring_dump(bucket.url, tmp_path / "work")).lists.paths) == 16
    for path in (parts / "animelist").iterdir():
        bucket.ask("DELETE", f"/animelist/{path.name}")
    bucket.ask("PUT", "/rating_complete.csv", b"user_id,anime_id,rating\n1,1,9\n")
    dump = find_dump(bring_dump(bucket.url, tmp_path / "work"))
    assert [path.name for path in dump.lists.paths] == ["rating_complete.csv"]


def test_queries_choose_rows_and_the_last_of_duplicates_counts(in_postgresql: str, tmp_path: Path) -> None:
    queries = tmp_path / "queries.toml"
    queries.write_text(
        """
        name = "Lists of ours"
        lists = '''
          SELECT user_id AS "User ID", anime_id::text, rating::numeric AS score, watching_status AS status
          FROM animelist
          UNION ALL SELECT 3, '1', 9, 2
          UNION ALL SELECT 3, '1', 4, 2;
        '''
        catalogue = "SELECT * FROM anime ORDER BY random() -- in any order"
        recommendations = ""
        """,
        encoding="utf-8",
    )
    found = prepare_at(in_postgresql, tmp_path / "work", queries)
    assert found.report.data.name == "Lists of ours"
    assert find_dump(Path(found.report.data_folder)).recommendations is None
    first = found.interactions.anime_rows[: found.interactions.offsets[1]].tolist()
    assert found.interactions.anime_ids[first.index(0)] == 1
    assert found.interactions.ratings[first.index(0)] == 4


def test_rows_that_cannot_be_used_are_named_by_their_number(in_sqlite: str, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "lists #1.db") as connection:
        n_rows = connection.execute("SELECT count(*) FROM animelist").fetchone()[0]
        connection.execute("INSERT INTO animelist VALUES (3, 1, 11, 2, 0)")
        connection.execute("INSERT INTO animelist VALUES (3, 1, 'nine', 2, 0)")
        # A whole number would become 3.000000e+00 if the column was read as what all of its values have in common.
        connection.execute("INSERT INTO animelist VALUES (3.5, 1, 9, 2, 0)")
        connection.execute("INSERT INTO animelist VALUES (3, 1.5, 9, 2, 0)")
        connection.execute("INSERT INTO animelist VALUES (3, 'one', 9, 2, 0)")
    connection.close()
    report = prepare_at(in_sqlite, tmp_path / "work").report
    assert report.data.counts["rows_kept"] == n_rows
    with (tmp_path / "work" / "prepared" / REJECTS_FILE).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {int(row["line"]) for row in rows} == {n_rows + number for number in range(1, 6)}


def test_users_may_be_known_by_a_uuid(in_postgresql: str, small_dump: SmallDump, tmp_path: Path) -> None:
    (tmp_path / "queries.toml").write_text(
        "lists = 'SELECT md5(user_id::text)::uuid AS user_id, anime_id, rating, watching_status FROM animelist'",
        encoding="utf-8",
    )
    found = prepare_at(in_postgresql, tmp_path / "work", tmp_path / "queries.toml").interactions.user_ids
    users = {row[0] for row in small_dump.rows}
    assert found.tolist() == sorted(str(uuid.UUID(hashlib.md5(b"%d" % user).hexdigest())) for user in users)  # noqa: S324
