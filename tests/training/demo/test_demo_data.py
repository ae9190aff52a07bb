"""The simulated dump: its format, its size, its repeatability and its manners towards what is already there."""

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.demo import DemoSummary, write_demo_data
from training.demo.dump_files import ANIME_COLUMNS, LIST_COLUMNS, SYNOPSIS_COLUMNS
from training.demo.population import scale_lengths

N_USERS = 300


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoSummary:
    return write_demo_data(tmp_path_factory.mktemp("demo") / "dump", n_users=N_USERS, seed=1)


@pytest.fixture(scope="module")
def padded(tmp_path_factory: pytest.TempPathFactory) -> DemoSummary:
    out = tmp_path_factory.mktemp("padded") / "dump"
    return write_demo_data(out, n_users=500, n_anime=3000, n_rows=60_000, seed=2)


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_lists(folder: Path) -> dict[str, np.ndarray]:
    table: pa.Table = pa_csv.read_csv(folder / "animelist.csv")
    return {name: table[name].to_numpy() for name in table.column_names}


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_the_headers_are_those_of_the_dump(demo: DemoSummary) -> None:
    for name, columns in (
        ("animelist.csv", LIST_COLUMNS),
        ("anime.csv", ANIME_COLUMNS),
        ("anime_with_synopsis.csv", SYNOPSIS_COLUMNS),
    ):
        with (demo.folder / name).open(encoding="utf-8") as file:
            assert file.readline() == ",".join(columns) + "\n"


def test_the_headers_are_those_of_the_real_files(mal_data: Path) -> None:
    for name, columns in (("anime.csv", ANIME_COLUMNS), ("anime_with_synopsis.csv", SYNOPSIS_COLUMNS)):
        with (mal_data / name).open(encoding="utf-8") as file:
            assert tuple(next(csv.reader(file))) == columns


def test_the_summary_counts_what_was_written(demo: DemoSummary) -> None:
    lists = read_lists(demo.folder)
    assert demo.n_rows == len(lists["user_id"])
    assert demo.n_users == N_USERS == len(np.unique(lists["user_id"]))
    assert demo.n_anime == len(read_rows(demo.folder / "anime.csv"))
    assert demo.n_rated == np.count_nonzero(lists["rating"])
    assert demo.file_bytes == {path.name: path.stat().st_size for path in demo.folder.iterdir()}


def test_list_values_are_in_range(padded: DemoSummary) -> None:
    lists = read_lists(padded.folder)
    assert set(np.unique(lists["watching_status"])) == {1, 2, 3, 4, 6}
    assert lists["rating"].min() == 0
    assert lists["rating"].max() == 10
    assert (np.diff(lists["user_id"]) >= 0).all()
    known = {int(row["MAL_ID"]) for row in read_rows(padded.folder / "anime.csv")}
    assert set(lists["anime_id"].tolist()) <= known


def test_no_user_has_an_anime_twice(padded: DemoSummary) -> None:
    lists = read_lists(padded.folder)
    pairs = np.stack([lists["user_id"], lists["anime_id"]], axis=1)
    assert len(np.unique(pairs, axis=0)) == len(pairs)


def test_watched_episodes_agree_with_the_status(padded: DemoSummary) -> None:
    lists = read_lists(padded.folder)
    episodes_of = {int(row["MAL_ID"]): row["Episodes"] for row in read_rows(padded.folder / "anime.csv")}
    episodes = np.array(
        [0 if episodes_of[anime] == "Unknown" else int(episodes_of[anime]) for anime in lists["anime_id"].tolist()]
    )
    known, watched, status = episodes > 0, lists["watched_episodes"], lists["watching_status"]
    assert (watched[status == 6] == 0).all()
    assert known[status == 2].all()
    assert (watched[status == 2] == episodes[status == 2]).all()
    unfinished = known & (status != 2)
    assert (watched[unfinished] < episodes[unfinished]).all()


def test_the_catalogue_counts_the_lists(demo: DemoSummary) -> None:
    lists = read_lists(demo.folder)
    for row in read_rows(demo.folder / "anime.csv")[::40]:
        own = lists["anime_id"] == int(row["MAL_ID"])
        assert int(row["Members"]) == np.count_nonzero(own)
        for name, status in (("Watching", 1), ("Completed", 2), ("On-Hold", 3), ("Dropped", 4), ("Plan to Watch", 6)):
            assert int(row[name]) == np.count_nonzero(lists["watching_status"][own] == status)
        for points in range(1, 11):
            counted = np.count_nonzero(lists["rating"][own] == points)
            assert row[f"Score-{points}"] == (f"{counted}.0" if counted else "Unknown")


def test_ranks_and_popularity_follow_scores_and_members(padded: DemoSummary) -> None:
    rows = read_rows(padded.folder / "anime.csv")
    by_popularity = sorted(rows, key=lambda row: int(row["Popularity"]))
    members = [int(row["Members"]) for row in by_popularity]
    assert members == sorted(members, reverse=True)
    ranked = sorted((row for row in rows if row["Ranked"] != "Unknown"), key=lambda row: float(row["Ranked"]))
    scores = [float(row["Score"]) for row in ranked]
    assert scores == sorted(scores, reverse=True)
    assert not any("Hentai" in row["Genres"] for row in ranked)


def test_made_up_titles_are_labelled_and_stand_beside_the_curated_ones(padded: DemoSummary) -> None:
    rows = read_rows(padded.folder / "anime.csv")
    made_up = [row for row in rows if int(row["MAL_ID"]) >= 9_000_001]
    assert len(rows) == 3000
    assert 2000 < len(made_up) < 3000
    assert all("(Made Up)" in row["Name"] for row in made_up)
    assert len({row["Name"] for row in rows}) == len(rows)
    assert all(row[name] for row in rows for name in ANIME_COLUMNS)
    adult = [row for row in made_up if row["Rating"] == "Rx - Hentai"]
    assert 0.04 < len(adult) / len(made_up) < 0.12
    with_synopsis = {row["MAL_ID"]: row["sypnopsis"] for row in read_rows(padded.folder / "anime_with_synopsis.csv")}
    assert not {row["MAL_ID"] for row in adult} & with_synopsis.keys()
    assert all(text.startswith(("Made up", "No synopsis")) for key, text in with_synopsis.items() if len(key) == 7)


def test_a_small_catalogue_keeps_the_most_popular(tmp_path: Path) -> None:
    write_demo_data(tmp_path / "dump", n_users=50, n_anime=30)
    names = {row["Name"] for row in read_rows(tmp_path / "dump" / "anime.csv")}
    assert len(names) == 30
    assert {"Death Note", "Shingeki no Kyojin"} <= names


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("first", 5), ("second", 5), ("third", 6)):
        # 4,000 anime make the users fall into several blocks.
        write_demo_data(tmp_path / name, n_users=1500, n_anime=4000, n_rows=30_000, seed=seed)
    first, second, third = (digests(tmp_path / name) for name in ("first", "second", "third"))
    assert first == second
    assert first["animelist.csv"] != third["animelist.csv"]


@settings(max_examples=12, deadline=None)
@given(data=st.data(), n_users=st.integers(1, 60), n_anime=st.integers(1, 450), seed=st.integers(0, 99))
def test_any_possible_number_of_rows_is_met_exactly(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, n_users: int, n_anime: int, seed: int
) -> None:
    n_rows = data.draw(st.integers(n_users, n_users * n_anime))
    out = tmp_path_factory.mktemp("exact") / "dump"
    summary = write_demo_data(out, n_users=n_users, n_anime=n_anime, n_rows=n_rows, seed=seed)
    lists = read_lists(out)
    assert summary.n_rows == n_rows == len(lists["user_id"])
    assert len(np.unique(lists["user_id"] * 10_000_000 + lists["anime_id"])) == n_rows
    assert len(np.unique(lists["user_id"])) == n_users


@given(
    wanted=st.lists(st.floats(1e-3, 1e5), min_size=1, max_size=40),
    n_anime=st.integers(1, 300),
    part=st.floats(0, 1),
)
def test_scaled_lengths_add_up_and_keep_their_order(wanted: list[float], n_anime: int, part: float) -> None:
    n_rows = len(wanted) + round(part * len(wanted) * (n_anime - 1))
    lengths = scale_lengths(np.array(wanted), n_rows, n_anime)
    assert lengths.sum() == n_rows
    assert lengths.min() >= 1
    assert lengths.max() <= n_anime
    # Rounding may let a user pass another by one row.
    assert (np.diff(lengths[np.argsort(wanted)]) >= -1).all()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"n_users": 0}, "n_users"),
        ({"n_anime": 0}, "n_anime"),
        ({"n_rows": 0}, "n_rows"),
        ({"seed": -1}, "seed"),
        ({"n_users": 10, "n_anime": 5, "n_rows": 51}, "n_rows"),
        ({"n_users": 10, "n_rows": 9}, "n_rows"),
    ],
)
def test_impossible_sizes_are_refused(tmp_path: Path, options: dict[str, int], named: str) -> None:
    with pytest.raises(ValueError, match=rf"{named}: expected .* received"):
        write_demo_data(tmp_path / "dump", **options)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_the_dump_says_that_it_is_simulated(demo: DemoSummary) -> None:
    label = json.loads((demo.folder / "dataset.json").read_text(encoding="utf-8"))
    assert label["simulated"] is True
    assert set(label) == {"name", "simulated", "description"}
    assert "simulated" in (demo.folder / "README.txt").read_text(encoding="utf-8")


def test_an_earlier_demo_dump_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "dump"
    write_demo_data(out, n_users=20, seed=0)
    before = digests(out)
    (out / "leftover.txt").write_text("of an earlier version", encoding="utf-8")
    write_demo_data(out, n_users=20, seed=1)
    assert digests(out).keys() == before.keys()
    assert digests(out) != before
    assert [path.name for path in tmp_path.iterdir()] == ["dump"]


def test_other_files_are_never_overwritten(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "animelist.csv").write_text("user_id\n", encoding="utf-8")
    with pytest.raises(FileExistsError, match="choose another folder"):
        write_demo_data(theirs, n_users=5)
    with pytest.raises(FileExistsError, match="found a file"):
        write_demo_data(theirs / "animelist.csv", n_users=5)
    assert (theirs / "animelist.csv").read_text(encoding="utf-8") == "user_id\n"


def test_an_interruption_leaves_nothing_half_written(tmp_path: Path) -> None:
    out = tmp_path / "dump"
    write_demo_data(out, n_users=20)
    before = digests(out)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_demo_data(out, n_users=40, progress=interrupt)
    assert digests(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["dump"]


def test_progress_ends_with_all_users_done(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    write_demo_data(tmp_path / "dump", n_users=1100, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1024, 1100), (1100, 1100)]
