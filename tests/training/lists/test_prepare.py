"""Preparing a dump: nothing is lost, duplicates resolve to the last row, and all file kinds come to the same."""

import csv
import gzip
import hashlib
import itertools
import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.small_dump import (
    CATALOGUE_HEADER,
    LIST_HEADER,
    SmallDump,
    add_new_anime,
    write_csv,
    write_small_dump,
)
from training.dump.files import find_dump
from training.dump.rejects import RejectedRows
from training.errors import InputError
from training.lists import list_reader
from training.lists.interactions import Interactions
from training.lists.list_builder import DUPLICATE, UNKNOWN_ANIME
from training.lists.prepare import prepare
from training.lists.prepared import Prepared, load_prepared, save_prepared
from training.lists.thresholds import Thresholds

EVERYTHING = Thresholds(1, 1)


def prepare_folder(folder: Path, thresholds: Thresholds = EVERYTHING) -> tuple[Prepared, list[dict[str, str]]]:
    """Prepare a dump; give it and the rejected rows."""
    with RejectedRows(folder / "rejected.csv") as rejects:
        prepared = prepare(find_dump(folder), thresholds, rejects)
    with (folder / "rejected.csv").open(newline="", encoding="utf-8") as file:
        return prepared, list(csv.DictReader(file))


def as_rows(lists: Interactions) -> list[tuple[int, int, int, int]]:
    columns = (lists.user_ids[lists.user_rows()], lists.anime_ids[lists.anime_rows], lists.ratings, lists.statuses)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def assert_same_lists(one: Interactions, other: Interactions) -> None:
    for name in ("user_ids", "anime_ids", "offsets", "anime_rows", "ratings", "statuses"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_every_row_of_a_clean_dump_arrives(small_dump: SmallDump) -> None:
    prepared, rejected = prepare_folder(small_dump.folder)
    assert as_rows(prepared.interactions) == sorted(row[:4] for row in small_dump.rows)
    assert rejected == []
    assert prepared.report.data.counts == {
        "rows_read": 600,
        "rows_rejected": 0,
        "rows_below_thresholds": 0,
        "rows_kept": 600,
        "users_read": 60,
        "users_kept": 60,
        "anime_in_catalogue": 40,
        "anime_kept": 40,
        "anime_without_synopsis": 1,
    }


def test_the_order_of_rows_does_not_matter(small_dump: SmallDump) -> None:
    ordered, _ = prepare_folder(small_dump.folder)
    rows = list(small_dump.rows)
    random.Random(0).shuffle(rows)
    write_csv(small_dump.folder / "animelist.csv", LIST_HEADER, rows)
    shuffled, _ = prepare_folder(small_dump.folder)
    assert_same_lists(ordered.interactions, shuffled.interactions)


@pytest.mark.parametrize("name", ["animelist.csv.gz", "animelist.parquet", "animelist.csv"])
def test_gzip_parquet_and_windows_copies_give_identical_interactions(small_dump: SmallDump, name: str) -> None:
    plain, _ = prepare_folder(small_dump.folder)
    path = small_dump.folder / "animelist.csv"
    content = path.read_bytes()
    frame = pd.read_csv(path)
    path.unlink()
    if name.endswith(".parquet"):
        frame.to_parquet(small_dump.folder / name)
    else:
        windows = b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n") + b"\r\n\r\n"
        (small_dump.folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else windows)
    copy, rejected = prepare_folder(small_dump.folder)
    assert rejected == []
    assert_same_lists(plain.interactions, copy.interactions)
    assert copy.report.data.fingerprint != plain.report.data.fingerprint


def test_a_catalogue_in_parquet_or_gzip_is_the_same_catalogue(small_dump: SmallDump) -> None:
    folder = small_dump.folder
    plain, _ = prepare_folder(folder)
    for name in ("anime", "anime_with_synopsis"):
        pd.read_csv(folder / f"{name}.csv").to_parquet(folder / f"{name}.parquet")
        (folder / f"{name}.csv").unlink()
    parquet, rejected = prepare_folder(folder)
    assert rejected == []
    for name, array in plain.catalogue.items():
        np.testing.assert_array_equal(parquet.catalogue[name], array)


def test_rating_complete_works_in_place_of_animelist(small_dump: SmallDump) -> None:
    completed = [row[:3] for row in small_dump.rows if row[3] == 2]
    (small_dump.folder / "animelist.csv").unlink()
    write_csv(small_dump.folder / "rating_complete.csv", LIST_HEADER[:3], completed)
    prepared, _ = prepare_folder(small_dump.folder)
    assert as_rows(prepared.interactions) == sorted((*row, 2) for row in completed)


def test_animelist_wins_over_rating_complete(small_dump: SmallDump) -> None:
    write_csv(small_dump.folder / "rating_complete.csv", LIST_HEADER[:3], [(1, 1, 5)])
    assert prepare_folder(small_dump.folder)[0].interactions.n_users == 60


@pytest.mark.parametrize("ordered", [True, False])
def test_of_duplicate_rows_the_last_counts_and_the_others_are_reported(small_dump: SmallDump, ordered: bool) -> None:
    rows = [(5, 1, 3, 2, 1), (5, 1, 4, 4, 1), (5, 1, 9, 1, 1), (5, 8, 7, 2, 1), (6, 1, 8, 2, 1)]
    if not ordered:
        rows = [(6, 1, 8, 2, 1), (5, 1, 3, 2, 1), (5, 8, 7, 2, 1), (5, 1, 4, 4, 1), (5, 1, 9, 1, 1)]
    write_csv(small_dump.folder / "animelist.csv", LIST_HEADER, rows)
    prepared, rejected = prepare_folder(small_dump.folder)
    assert as_rows(prepared.interactions) == [(5, 1, 9, 1), (5, 8, 7, 2), (6, 1, 8, 2)]
    lines = ["2", "3"] if ordered else ["3", "5"]
    assert [(row["line"], row["reason"], row["row"]) for row in rejected] == [
        (lines[0], DUPLICATE, "5,1,3,2"),
        (lines[1], DUPLICATE, "5,1,4,4"),
    ]
    counts = prepared.report.data.counts
    assert (counts["rows_read"], counts["rows_rejected"], counts["rows_kept"]) == (5, 2, 3)


def test_ids_unknown_to_the_catalogue_are_counted_and_reported(small_dump: SmallDump) -> None:
    rows = [*small_dump.rows[:50], (3, 2, 8, 2, 1), (3, 10**15, 8, 2, 1), (3, 0, 8, 2, 1)]
    write_csv(small_dump.folder / "animelist.csv", LIST_HEADER, rows)
    prepared, rejected = prepare_folder(small_dump.folder)
    assert [(row["line"], row["reason"]) for row in rejected] == [(str(line), UNKNOWN_ANIME) for line in (52, 53, 54)]
    assert prepared.report.rejected == {UNKNOWN_ANIME: 3}
    assert len(prepared.interactions.anime_rows) == 50


def test_a_user_whose_rows_are_all_set_aside_is_gone(small_dump: SmallDump) -> None:
    write_csv(small_dump.folder / "animelist.csv", LIST_HEADER, [(1, 1, 8, 2, 1), (2, 1, 11, 2, 1), (3, 2, 8, 2, 1)])
    prepared, rejected = prepare_folder(small_dump.folder)
    assert prepared.interactions.user_ids.tolist() == [1]
    assert len(rejected) == 2


def test_nothing_usable_says_what_was_wrong(small_dump: SmallDump) -> None:
    write_csv(small_dump.folder / "animelist.csv", LIST_HEADER, [(1, 1, 11, 2, 1), (2, 3, 8, 2, 1), (2, 4, 8, 2, 1)])
    expected = "animelist.csv: has no usable row; rejected: 2 x anime_id is not in the catalogue, 1 x rating outside"
    with pytest.raises(InputError, match=expected):
        prepare_folder(small_dump.folder)


def test_a_header_alone_says_so(small_dump: SmallDump) -> None:
    write_csv(small_dump.folder / "animelist.csv", LIST_HEADER, [])
    with pytest.raises(InputError, match=r"animelist\.csv: has no usable row; there is nothing below the header"):
        prepare_folder(small_dump.folder)


def test_without_synopses_the_report_says_so(small_dump: SmallDump) -> None:
    (small_dump.folder / "anime_with_synopsis.csv").unlink()
    prepared, _ = prepare_folder(small_dump.folder)
    assert prepared.report.notes == ["no anime_with_synopsis.csv: answers have no synopsis"]
    assert prepared.report.data.counts["anime_without_synopsis"] == 40


def test_rows_of_the_catalogue_set_aside_are_not_rows_of_lists(small_dump: SmallDump) -> None:
    with (small_dump.folder / "anime.csv").open("a", encoding="utf-8") as file:
        file.write("not,enough\n")
    prepared, rejected = prepare_folder(small_dump.folder)
    assert rejected[0]["file"] == "anime.csv"
    assert prepared.report.data.counts["rows_rejected"] == 0
    assert sum(prepared.report.rejected.values()) == 1


CELLS = st.tuples(
    st.sampled_from(["1", "2", "3", "17", "x", "-1"]),
    st.sampled_from(["1", "8", "15", "22", "29", "2", "", "99999"]),
    st.sampled_from(["0", "5", "8", "10", "11", "7.5"]),
    st.sampled_from(["1", "2", "4", "6", "6", "5"]),
)


@settings(max_examples=120, deadline=None)
@given(rows=st.lists(CELLS, min_size=1, max_size=40), minimum=st.integers(0, 4))
def test_rows_read_are_rows_kept_rejected_or_below_the_thresholds(
    catalogue_only: Path, rows: list[tuple[str, ...]], minimum: int
) -> None:
    text = "\n".join(["user_id,anime_id,rating,watching_status", *map(",".join, rows)])
    (catalogue_only / "animelist.csv").write_text(text, encoding="utf-8")
    usable = {
        (int(user), int(anime)): (int(rating), int(status))
        for user, anime, rating, status in rows
        if user not in {"x", "-1"}
        and anime not in {"2", "", "99999"}
        and rating not in {"11", "7.5"}
        and status != "5"
    }
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(list_reader, "are_mostly_texts", lambda *_: False)
            prepared, rejected = prepare_folder(catalogue_only, Thresholds(minimum, minimum))
    except InputError:
        seen_users = Counter(user for (user, _), (_, status) in usable.items() if status != 6)
        assert not seen_users or minimum > 1
        return
    counts = prepared.report.data.counts
    assert counts["rows_read"] == len(rows)
    assert counts["rows_kept"] + counts["rows_rejected"] + counts["rows_below_thresholds"] == len(rows)
    assert counts["rows_rejected"] == len(rejected) == len(rows) - len(usable)
    for user, anime, rating, status in as_rows(prepared.interactions):
        assert usable[user, anime] == (rating, status)
    assert counts["rows_kept"] == len(prepared.interactions.anime_rows)


@pytest.fixture(scope="module")
def catalogue_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dump whose lists each example writes."""
    return write_small_dump(tmp_path_factory.mktemp("catalogue")).folder


def test_a_prepared_dump_reads_back(small_dump: SmallDump, tmp_path: Path) -> None:
    prepared, _ = prepare_folder(small_dump.folder)
    save_prepared(tmp_path, prepared)
    loaded = load_prepared(tmp_path)
    assert_same_lists(prepared.interactions, loaded.interactions)
    assert loaded.report == prepared.report
    for name, array in prepared.catalogue.items():
        np.testing.assert_array_equal(loaded.catalogue[name], array)
    assert loaded.new_anime.keys() == prepared.new_anime.keys()
    for name, array in prepared.new_anime.items():
        np.testing.assert_array_equal(loaded.new_anime[name], array)


def test_anime_that_too_few_lists_hold_are_new(small_dump: SmallDump) -> None:
    new = add_new_anime(small_dump)
    rare = next(iter(small_dump.cluster_of))
    header, *rows = (small_dump.folder / "animelist.csv").read_text(encoding="utf-8").splitlines()
    of_rare = [row for row in rows if row.split(",")[1] == str(rare)]
    kept = [header, *(row for row in rows if row not in of_rare[1:])]
    (small_dump.folder / "animelist.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    prepared, _ = prepare_folder(small_dump.folder, Thresholds(1, 2))
    assert prepared.new_anime["anime_ids"].tolist() == [rare, 1000, *new]
    assert rare not in prepared.interactions.anime_ids
    blob, ends = prepared.new_anime["cards"].tobytes(), prepared.new_anime["card_offsets"].tolist()
    cards = [json.loads(blob[start:end]) for start, end in itertools.pairwise(ends)]
    assert [(card["anime_id"], card["new"]) for card in cards] == [(i, True) for i in (rare, 1000, *new)]
    assert b'"new"' not in prepared.catalogue["cards"].tobytes()
    for name in ("type_names", "genre_names", "studio_names", "source_names", "age_rating_names"):
        assert prepared.new_anime[name].tolist() == prepared.catalogue[name].tolist()


def test_what_prepare_makes_of_a_dump_changes_only_with_its_format_version(
    small_dump: SmallDump, tmp_path: Path
) -> None:
    prepared, _ = prepare_folder(small_dump.folder)
    save_prepared(tmp_path, prepared)
    total = hashlib.sha256()
    for path in sorted(tmp_path.glob("*.npy")):
        total.update(path.name.encode() + path.read_bytes())
    # Where this fails on purpose, raise PrepareReport.format_version: prepared folders of before must not be used.
    assert (prepared.report.format_version, total.hexdigest()[:16]) == (5, "4d896e93697f531a")


def test_a_catalogue_without_genres_survives_saving(small_dump: SmallDump, tmp_path: Path) -> None:
    rows = [(anime_id, f"A {anime_id}", *["Unknown"] * 10) for anime_id in small_dump.cluster_of]
    write_csv(small_dump.folder / "anime.csv", CATALOGUE_HEADER, rows)
    prepared, _ = prepare_folder(small_dump.folder)
    save_prepared(tmp_path, prepared)
    assert load_prepared(tmp_path).catalogue["anime_genres"].shape == (40, 0)


@pytest.mark.parametrize("name", ["animelist.csv", "anime.csv"])
def test_a_file_that_changes_while_it_is_read_is_refused(small_dump: SmallDump, name: str) -> None:
    def write_on(_: int) -> None:
        with (small_dump.folder / name).open("a", encoding="utf-8") as file:
            file.write("\n")

    with (
        RejectedRows(small_dump.folder / "rejected.csv") as rejects,
        pytest.raises(InputError, match=f"{name} changed while it was read; run again"),
    ):
        prepare(find_dump(small_dump.folder), EVERYTHING, rejects, write_on)
