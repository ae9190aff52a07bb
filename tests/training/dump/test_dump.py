"""Finding the files of a dump."""

from pathlib import Path

import pytest

from tests.training.small_dump import SmallDump
from training.dump.files import find_dump
from training.errors import InputError


def test_a_dump_is_found_with_all_its_files(small_dump: SmallDump) -> None:
    dump = find_dump(small_dump.folder)
    assert [path.name for path in dump.paths] == [
        "animelist.csv",
        "anime.csv",
        "anime_with_synopsis.csv",
        "recommendations.csv",
    ]
    assert dump.franchises is None
    assert (dump.note.name, dump.note.simulated) == ("MyAnimeList dump", False)


def test_the_fingerprint_follows_every_byte(small_dump: SmallDump) -> None:
    before = find_dump(small_dump.folder).fingerprint()
    assert before == find_dump(small_dump.folder).fingerprint()
    with (small_dump.folder / "recommendations.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert find_dump(small_dump.folder).fingerprint() != before


def test_a_note_beside_the_dump_names_it_and_says_whether_it_is_simulated(small_dump: SmallDump) -> None:
    note = small_dump.folder / "dataset.json"
    note.write_text('{"name": "demo", "simulated": true, "more": 1}', encoding="utf-8")
    found = find_dump(small_dump.folder).note
    assert (found.name, found.simulated) == ("demo", True)
    for broken in (b"[", b"[]", b'{"simulated": "perhaps"}', b"\xff"):
        note.write_bytes(broken)
        with pytest.raises(InputError, match=r"dataset\.json: expected a JSON object"):
            find_dump(small_dump.folder)


def test_a_folder_that_is_not_there_or_is_a_file_is_said_to_be_so(small_dump: SmallDump, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: is not there"):
        find_dump(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"animelist\.csv: is a file; name the folder that holds it"):
        find_dump(small_dump.folder / "animelist.csv")


def test_a_file_that_is_missing_is_named(small_dump: SmallDump) -> None:
    (small_dump.folder / "anime.csv").unlink()
    with pytest.raises(InputError, match=r"holds no anime\.csv"):
        find_dump(small_dump.folder)
    (small_dump.folder / "animelist.csv").unlink()
    with pytest.raises(InputError, match=r"holds no animelist\.csv and no rating_complete\.csv"):
        find_dump(small_dump.folder)


def test_an_empty_folder_in_the_place_of_a_file_is_named(small_dump: SmallDump) -> None:
    (small_dump.folder / "animelist.csv").unlink()
    (small_dump.folder / "animelist.csv").mkdir()
    with pytest.raises(InputError, match=r"animelist\.csv: is a folder without parts"):
        find_dump(small_dump.folder)
