"""Lists and catalogues in several files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.training.lists.test_prepare import assert_same_lists, prepare_folder
from tests.training.small_dump import SmallDump
from training.dump.files import find_dump, parts_of
from training.errors import InputError
from training.lists.list_builder import DUPLICATE
from training.pipeline import run_prepare
from training.settings import make_settings


def split(small_dump: SmallDump, n_parts: int) -> list[pd.DataFrame]:
    """Take the lists away; give them in parts."""
    path = small_dump.folder / "animelist.csv"
    frame = pd.read_csv(path)
    path.unlink()
    return [frame.iloc[places] for places in np.array_split(np.arange(len(frame)), n_parts)]


@pytest.mark.parametrize(
    "name",
    [
        "animelist/part-{}.parquet",
        "animelist.parquet/part-{:05}-of-00012.parquet",
        "animelist.csv/{}.csv",
        "animelist/{}.csv.gz",
        "animelist-{}.csv",
        "animelist_part{}.parquet",
    ],
)
def test_parts_are_read_in_the_order_of_their_numbers(small_dump: SmallDump, name: str) -> None:
    whole, _ = prepare_folder(small_dump.folder)
    parts = split(small_dump, 12)
    # The first row again in the last part, with another rating.
    again = parts[0].iloc[:1].assign(rating=1)
    parts[11] = pd.concat([parts[11], again])
    (small_dump.folder / name).parent.mkdir(exist_ok=True)
    for number, part in enumerate(parts):
        path = small_dump.folder / name.format(number)
        (part.to_parquet if path.suffix == ".parquet" else part.to_csv)(path, index=False)
    (small_dump.folder / name).parent.joinpath(".hidden").write_text("", encoding="utf-8")
    prepared, rejected = prepare_folder(small_dump.folder)
    user, anime, rating = again.iloc[0, :3].tolist()
    entry = int(np.flatnonzero(prepared.interactions.anime_ids == anime)[0])
    row = int(np.flatnonzero(prepared.interactions.user_ids == user)[0])
    listed = prepared.interactions.list_of(row)
    assert listed.ratings[listed.anime_rows == entry].tolist() == [rating]
    line = "1" if name.endswith("parquet") else "2"
    shown = Path(name.format(0)).name
    assert [(each["file"], each["line"], each["reason"]) for each in rejected] == [(shown, line, DUPLICATE)]
    listed.ratings[listed.anime_rows == entry] = whole.interactions.list_of(row).ratings[listed.anime_rows == entry]
    assert_same_lists(whole.interactions, prepared.interactions)
    assert prepared.report.data.counts["rows_read"] == 601


def test_parts_of_other_columns_are_refused_and_the_part_is_named(small_dump: SmallDump) -> None:
    one, other = split(small_dump, 2)
    (small_dump.folder / "animelist").mkdir()
    one.to_parquet(small_dump.folder / "animelist" / "0.parquet")
    other.drop(columns="watching_status").to_parquet(small_dump.folder / "animelist" / "1.parquet")
    fault = r"animelist/1\.parquet: its columns are anime_id, rating, user_id, but .*watching_status in 0\.parquet"
    with pytest.raises(InputError, match=fault):
        prepare_folder(small_dump.folder)


def test_a_broken_part_is_named(small_dump: SmallDump) -> None:
    one, _ = split(small_dump, 2)
    (small_dump.folder / "animelist").mkdir()
    one.to_parquet(small_dump.folder / "animelist" / "0.parquet")
    content = (small_dump.folder / "animelist" / "0.parquet").read_bytes()
    (small_dump.folder / "animelist" / "1.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"animelist/1\.parquet: is no readable Parquet file"):
        prepare_folder(small_dump.folder)


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (["part-0-of-3.parquet", "part-1-of-3.parquet"], "holds 2 of 3 parts; fetch the others"),
        (["0.parquet", "1.parquet.tmp"], r"1\.parquet\.tmp: is half written"),
        (["0.parquet", "_temporary"], "_temporary: is half written"),
        (["readme.md"], "is a folder without parts"),
    ],
)
def test_half_a_folder_is_refused(tmp_path: Path, names: list[str], fault: str) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=fault):
        parts_of(tmp_path)


def test_a_catalogue_may_be_in_parts(small_dump: SmallDump) -> None:
    whole, _ = prepare_folder(small_dump.folder)
    path = small_dump.folder / "anime.csv"
    frame = pd.read_csv(path)
    path.unlink()
    (small_dump.folder / "anime").mkdir()
    frame[:10].to_parquet(small_dump.folder / "anime" / "0.parquet")
    frame[10:].to_csv(small_dump.folder / "anime" / "1.csv", index=False)
    parts, rejected = prepare_folder(small_dump.folder)
    assert rejected == []
    for name, array in whole.catalogue.items():
        np.testing.assert_array_equal(parts.catalogue[name], array)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_too_little_memory_is_said_in_one_line(small_dump: SmallDump, tmp_path: Path, suffix: str) -> None:
    (frame,) = split(small_dump, 1)
    path = small_dump.folder / f"animelist.{suffix}"
    (frame.to_parquet if suffix == "parquet" else frame.to_csv)(path, index=False)
    settings = make_settings({}, ["prepare.memory_limit=1KB"])
    with pytest.raises(
        InputError, match=rf"animelist\.{suffix}: prepare\.memory_limit, .* is too small: .*\Z"
    ) as error:
        run_prepare(small_dump.folder, tmp_path / "work", settings)
    assert "\n" not in str(error.value)
    assert list((tmp_path / "work").iterdir()) == []


def test_another_part_is_another_dump(small_dump: SmallDump) -> None:
    parts = split(small_dump, 2)
    (small_dump.folder / "animelist").mkdir()
    parts[0].to_csv(small_dump.folder / "animelist" / "0.csv", index=False)
    before = find_dump(small_dump.folder).fingerprint()
    parts[1].to_csv(small_dump.folder / "animelist" / "1.csv", index=False)
    assert find_dump(small_dump.folder).fingerprint() != before
