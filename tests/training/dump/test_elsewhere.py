"""What anime are called elsewhere: synonyms.csv and idmap.csv."""

from pathlib import Path

import pytest

from tests.training.small_dump import SmallDump
from training.dump.elsewhere import read_elsewhere
from training.dump.files import find_dump
from training.dump.rejects import RejectedRows
from training.errors import InputError


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_synonyms_and_ids_are_read(tmp_path: Path) -> None:
    synonyms = _write(tmp_path / "s.csv", 'anime_id,title\n5,"Space, Jazz"\n1,Bebop\n1,\nx,y\n')
    ids = _write(tmp_path / "i.csv", "mal_id,title,anidb_id,anilist_id\n5,x,,15\n1,y,21,\n1,y,22,11\nz,,,\n")
    with RejectedRows(tmp_path / "rejects.csv") as rejects:
        arrays = read_elsewhere(synonyms, ids, rejects)
        assert dict(rejects.counts) == {
            "title is empty or longer than 200 characters": 1,
            "mal_id is no number": 2,
        }
    assert arrays["synonym_ids"].tolist() == [5, 1]
    assert arrays["synonyms"].tolist() == ["Space, Jazz", "Bebop"]
    # MyAnimeList, AniList, Kitsu, AniDB.
    assert arrays["id_map"].tolist() == [[5, 15, 0, 0], [1, 0, 0, 21], [1, 11, 0, 22]]


def test_without_the_files_there_is_nothing(tmp_path: Path) -> None:
    with RejectedRows(tmp_path / "rejects.csv") as rejects:
        arrays = read_elsewhere(None, None, rejects)
    assert {name: array.shape for name, array in arrays.items()} == {
        "synonym_ids": (0,),
        "synonyms": (0,),
        "id_map": (0, 4),
    }


def test_a_file_without_its_columns_is_refused(tmp_path: Path) -> None:
    with RejectedRows(tmp_path / "rejects.csv") as rejects:
        with pytest.raises(InputError, match="no column name"):
            read_elsewhere(_write(tmp_path / "s.csv", "anime_id,what\n1,x\n"), None, rejects)
        with pytest.raises(InputError, match="no column mal_id"):
            read_elsewhere(None, _write(tmp_path / "i.csv", "id_of_mal,x\n1,x\n"), rejects)


def test_both_files_count_among_those_of_a_dump(small_dump: SmallDump) -> None:
    before = find_dump(small_dump.folder).fingerprint()
    _write(small_dump.folder / "synonyms.csv", "anime_id,title\n1,x\n")
    _write(small_dump.folder / "idmap.csv", "mal_id,anilist_id\n1,2\n")
    dump = find_dump(small_dump.folder)
    assert [path.name for path in dump.paths][-2:] == ["synonyms.csv", "idmap.csv"]
    assert dump.fingerprint() != before
