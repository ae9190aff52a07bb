"""Reading lists in Parquet form."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.training.dump.test_list_csv import GOOD_TEXT, read_all, read_text
from tests.training.slow_reader import RATING
from training.errors import InputError


def test_csv_gzip_and_parquet_give_the_same_rows(tmp_path: Path) -> None:
    plain = read_text(tmp_path, GOOD_TEXT)
    assert read_text(tmp_path, GOOD_TEXT, "animelist.csv.gz") == plain
    write_parquet(tmp_path / "animelist.parquet", [row[1:] for row in plain[0]])
    kept, rejected = read_all(tmp_path / "animelist.parquet")
    assert [row[1:] for row in kept] == [row[1:] for row in plain[0]]
    assert [row[0] for row in kept] == list(range(1, 64))
    assert rejected == []


def write_parquet(path: Path, rows: Sequence[Sequence[object]], **types: pa.DataType) -> None:
    names = ("user_id", "anime_id", "rating", "watching_status")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    pq.write_table(pa.table({name: pa.array(cells, types.get(name)) for name, cells in columns.items()}), path)


def test_missing_and_bad_values_in_parquet_are_set_aside_by_row_number(tmp_path: Path) -> None:
    path = tmp_path / "animelist.parquet"
    rows = [
        (1, 2, 8, 2),
        (None, 2, 8, 2),
        (1, None, 8, 2),
        (1, 2, None, 2),
        (1, 2, 8, None),
        (1, 2, 11, 2),
        (-1, 2, 8, 2),
    ]
    write_parquet(path, rows)
    kept, rejected = read_all(path)
    assert kept == [(1, 1, 2, 8, 2), (4, 1, 2, 0, 2)]
    assert sorted(rejected) == [
        (2, "user_id is missing"),
        (3, "anime_id is missing"),
        (5, "watching_status is missing"),
        (6, RATING),
        (7, "negative id"),
    ]
    with (tmp_path / "rejected.csv").open(newline="", encoding="utf-8") as file:
        assert {row["row"] for row in csv.DictReader(file)} >= {",2,8,2", "1,2,11,2", "-1,2,8,2"}


def test_parquet_columns_of_other_number_types_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "animelist.parquet"
    write_parquet(path, [(1, 2, 8, 2)], user_id=pa.uint16(), anime_id=pa.float64(), rating=pa.float64())
    assert read_all(path)[0] == [(1, 1, 2, 8, 2)]
    write_parquet(path, [("1", "2", "8", "2")])
    assert read_all(path)[0] == [(1, 1, 2, 8, 2)]
    write_parquet(path, [(1, 2, 2**40 + 1, 2), (1, 2, 8, 2)], rating=pa.int64())
    assert read_all(path) == ([(2, 1, 2, 8, 2)], [(1, RATING)])
    table = pa.table({"user_id": [1], "anime_id": [2], "rating": pa.array(["8"]).dictionary_encode()})
    pq.write_table(table, path)
    assert read_all(path)[0] == [(1, 1, 2, 8, 2)]


def test_ids_in_parquet_that_are_no_whole_numbers_are_set_aside(tmp_path: Path) -> None:
    write_parquet(tmp_path / "animelist.parquet", [("one", 2.0, 8, 2), ("2", 2.5, 8, 2), ("3", 4.0, 8, 2)])
    reasons = [(1, "user_id is no number"), (2, "anime_id is no number")]
    kept, rejected = read_all(tmp_path / "animelist.parquet")
    assert (kept, sorted(rejected)) == ([(3, 3, 4, 8, 2)], reasons)


@pytest.mark.parametrize("user_id", [[1], {"a": 1}, True])
def test_a_parquet_column_without_text_or_numbers_is_refused_and_named(tmp_path: Path, user_id: object) -> None:
    path = tmp_path / "animelist.parquet"
    write_parquet(path, [(user_id, 2, 8, 2)])
    with pytest.raises(InputError, match=r"animelist\.parquet: column user_id holds .*text or numbers are expected"):
        read_all(path)


@pytest.mark.parametrize("damage", ["cut", "no parquet", "empty", "pages"])
def test_a_damaged_parquet_file_is_refused_and_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "animelist.parquet"
    rng = np.random.default_rng(0)
    write_parquet(path, [tuple(row) for row in rng.integers(1, 7, (2000, 4)).tolist()])
    content = path.read_bytes()
    broken = {
        "cut": content[:-20],
        "no parquet": b"text",
        "empty": b"",
        "pages": b"PAR1" + b"\xee" * 300 + content[304:],
    }
    path.write_bytes(broken[damage])
    with pytest.raises(InputError, match=r"animelist\.parquet: is (no readable|a broken) Parquet file"):
        read_all(path)


def test_a_parquet_file_without_rows_gives_none(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({name: pa.array([], pa.int64()) for name in ("user_id", "anime_id", "rating")}),
        tmp_path / "animelist.parquet",
    )
    assert read_all(tmp_path / "animelist.parquet") == ([], [])
