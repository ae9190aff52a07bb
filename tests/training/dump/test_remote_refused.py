"""Databases and buckets that cannot be used, and queries that fit none: one line that says so, without a secret."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from models.errors import StoreError
from tests.object_store.server import SECRET, Bucket
from tests.service.running import free_port
from tests.training.dump.postgresql_server import PASSWORD
from tests.training.dump.test_remote import in_parts, prepare_at, upload
from tests.training.small_dump import SmallDump
from training.dump.files import find_dump
from training.dump.remote import bring_dump
from training.errors import InputError


def _wrong_password(url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PGPASSWORD", f"{PASSWORD}-not")
    return url


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (_wrong_password, 'password authentication failed for user "osusume"'),
        (lambda url, _: f"{url}_2", "does not exist"),
        (lambda url, _: f"postgresql://osusume@127.0.0.1:{free_port()}/lists", "Connection refused"),
        (lambda url, _: "postgresql://osusume@nowhere.invalid/lists", "could not translate host name"),
        (lambda url, _: url.replace("@", f":{PASSWORD}@"), "the URL holds a password"),
        (lambda url, _: f"{url}?password={PASSWORD}", "the URL holds a password"),
        (lambda url, _: url, "lists: there is no table animelist; --queries names a file with a query"),
    ],
)
def test_a_database_that_cannot_be_used_is_told_in_a_line(
    postgresql: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[str, pytest.MonkeyPatch], str],
    fault: str,
) -> None:
    with pytest.raises(InputError, match=fault) as raised:
        bring_dump(change(postgresql, monkeypatch), tmp_path / "work")
    assert PASSWORD not in str(raised.value)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith("postgresql://")
    assert not (tmp_path / "work" / "source").exists()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("lists = ", r"queries\.toml: is no TOML file"),
        ("lists = 5", r"queries\.toml: expected texts called name, lists, .*; got lists = 5"),
        ('list = "SELECT 1"', r"queries\.toml: expected texts called .*; got list = 'SELECT 1'"),
        (
            'lists = "SELECT user_id, rating FROM animelist"',
            "lists: no column anime_id; the header has: user_id, rating",
        ),
        ('catalogue = "SELECT 1 AS mal_id"', "catalogue: no column name"),
        ('synopses = "SELECT * FROM nowhere"', 'relation "nowhere" does not exist'),
        ('lists = "SELEC"', "lists: syntax error"),
        (
            'lists = "SELECT user_id, anime_id, rating / (user_id - 5) AS rating FROM animelist"',
            "lists: division by zero",
        ),
    ],
)
def test_queries_that_cannot_be_used_are_told_in_a_line(
    in_postgresql: str, tmp_path: Path, text: str, fault: str
) -> None:
    before = prepare_at(in_postgresql, tmp_path / "work")
    queries = tmp_path / "queries.toml"
    queries.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=fault) as raised:
        bring_dump(in_postgresql, tmp_path / "work", queries)
    assert "\n" not in str(raised.value)
    # What was brought before is what the prepared lists go with.
    assert find_dump(Path(before.report.data_folder)).fingerprint() == before.report.data.fingerprint


@pytest.mark.parametrize(
    ("location", "fault"),
    [
        ("sqlite:///nowhere.db", r"sqlite:///nowhere\.db: there is no file nowhere\.db"),
        ("sqlite:///TMP/no.db", "file is not a database"),
        ("sqlite:///TMP/empty.db", "lists: there is no table animelist"),
        ("mysql://host/lists", "expected a folder, s3://, gs://, postgresql:// or sqlite:///"),
        ("postgresql://host:port:port/lists", "postgresql://host:port:port/lists: "),
    ],
)
def test_a_place_that_is_none_is_told_in_a_line(tmp_path: Path, location: str, fault: str) -> None:
    (tmp_path / "no.db").write_text("This is no database at all.", encoding="utf-8")
    sqlite3.connect(tmp_path / "empty.db").close()
    with pytest.raises(InputError, match=fault):
        bring_dump(location.replace("TMP", str(tmp_path)), tmp_path / "work")


def test_queries_are_for_databases(tmp_path: Path) -> None:
    for location in (str(tmp_path), "s3://bucket/dump"):
        with pytest.raises(InputError, match="--queries is for databases"):
            bring_dump(location, tmp_path / "work", tmp_path / "queries.toml")
    with pytest.raises(FileNotFoundError, match=r"queries\.toml"):
        bring_dump("sqlite:///lists.db", tmp_path / "work", tmp_path / "queries.toml")


def test_a_bucket_without_a_dump_is_told_in_a_line(bucket: Bucket, tmp_path: Path) -> None:
    bucket.ask("PUT", "/elsewhere/anime.csv", b"MAL_ID,Name\n1,One\n")
    with pytest.raises(InputError, match=f"{bucket.url}/dump: holds no file of a dump"):
        bring_dump(f"{bucket.url}/dump", tmp_path / "work")


@pytest.mark.parametrize("name", ["animelist/_temporary/0/part-1.parquet", "animelist/part-1.parquet.tmp"])
def test_a_half_written_folder_is_not_read(bucket: Bucket, tmp_path: Path, name: str, small_dump: SmallDump) -> None:
    upload(bucket, in_parts(small_dump.folder, tmp_path / "parts"))
    bucket.ask("PUT", f"/{name}", b"PAR1")
    with pytest.raises(InputError, match="half written; wait until"):
        find_dump(bring_dump(bucket.url, tmp_path / "work"))


def test_what_a_bucket_calls_its_objects_leads_nowhere_else(
    bucket: Bucket, tmp_path: Path, small_dump: SmallDump
) -> None:
    """An object may have any name."""
    upload(bucket, small_dump.folder)
    bucket.ask("PUT", "/a/b/c/deep.csv", b"x")
    bring_dump(bucket.url, tmp_path / "work")
    bucket.ask("PUT", "/..%2F..%2Fescaped.csv", b"x")
    with pytest.raises(StoreError, match="invalid path") as raised:
        bring_dump(bucket.url, tmp_path / "work")
    assert "\n" not in str(raised.value)
    assert SECRET not in str(raised.value)
    assert not [path for path in tmp_path.rglob("*.csv") if path.name in {"deep.csv", "escaped.csv"}]
