"""Dumps of other years and of other programs: read as they are, or refused with what is there."""

from datetime import date
from pathlib import Path

import pytest

from models.bundle.card import AnimeCard
from tests.training.dump.test_as_people_write_them import LISTS, ROWS, cards_of
from tests.training.dump.test_list_csv import read_text
from training.dump.files import find_dump
from training.dump.list_values import NO_RATING
from training.dump.rejects import RejectedRows
from training.dump.traits import FIRST_DAY
from training.errors import InputError
from training.lists.prepare import prepare
from training.lists.thresholds import Thresholds


def test_many_fractions_are_another_scale(tmp_path: Path) -> None:
    rows = "".join(f"1,{number},{number % 9 / 2 + 0.5}\n" for number in range(60))
    with pytest.raises(InputError, match=r"26 ratings are fractions, .*rating \* 2"):
        read_text(tmp_path, f"user_id,anime_id,rating\n{rows}")
    kept, rejected = read_text(tmp_path, "user_id,anime_id,rating\n1,1,7.5\n1,2,8\n1,3,7\n" + "2,9,-7\n" * 30)
    assert (len(kept), len(rejected)) == (2, 31)


def test_a_spreadsheet_of_western_europe_is_read(tmp_path: Path) -> None:
    """Semicolons at the end of lines too, decimal commas, dates, Windows' encoding and line ends."""
    header = "User ID;Anime ID;My Score;Status;Datum;\r\n"
    lists = header + "1;20;9,0;Completed;31.12.2020;\r\n2;30;0,0;Plan to Watch;;\r\n3;20;8,5;Completed;;\r\n"
    kept, rejected = read_text(tmp_path, lists.encode("cp1252"), "animelist.csv")
    assert [row[1:] for row in kept] == ROWS
    assert rejected == [(4, NO_RATING)]
    text = 'MAL_ID;Name;Score;Members\r\n20;"Straße; Übermut";8,71;1.500\r\n'
    card = cards_of(tmp_path, text.encode("cp1252"))[20]
    assert (card.name, card.score, card.members) == ("Straße; Übermut", 8.71, 1500)


def test_quoted_parts_with_marks_and_thousands_of_blank_lines_are_read(tmp_path: Path) -> None:
    (tmp_path / "anime.csv").write_text("MAL_ID,Name\n20,A\n30,B\n", encoding="utf-8")
    for number, row in enumerate(('"1","20","9","2"', '"2","30","0","6"', '"3","20","x","2"'), start=1):
        header, blank = '"USER ID","ANIME ID","RATING","WATCHING STATUS"\r\n', "\r\n" * 5000
        text = f"{header}{blank}{row}\r\n{blank}"
        (tmp_path / f"animelist-{number}.csv").write_text(text, encoding="utf-8-sig", newline="")
    with RejectedRows(tmp_path / "rejected.csv") as rejects:
        lists = prepare(find_dump(tmp_path), Thresholds(0, None), rejects).interactions
    assert lists.user_ids.tolist() == [1]
    assert lists.ratings.tolist() == [9]
    assert "animelist-3.csv,5002,rating is no number" in (tmp_path / "rejected.csv").read_text(encoding="utf-8")


def test_the_dump_of_2018_is_read(tmp_path: Path) -> None:
    """Names for users, commas in them, and columns of its own."""
    lists = "username,anime_id,my_watched_episodes,my_finish_date,my_score,my_status,my_last_updated,my_tags\n"
    lists += '"me, too",20,12,0000-00-00,9,2,1362307973,"a, b"\nyou,20,0,0000-00-00,0,6,1362307973,\n'
    (tmp_path / "animelists_cleaned.csv").write_text(lists, encoding="utf-8")
    (tmp_path / "UserList.csv").write_text("username\nyou\n", encoding="utf-8")
    catalogue = "anime_id,title,title_english,aired_string,aired,studio,genre,score\n"
    catalogue += '20,A,B,"Jan 13, 2012","{\'from\': \'2012-01-13\'}",C,"Action, Drama",7.5\n'
    (tmp_path / "anime_cleaned.csv").write_text(catalogue, encoding="utf-8")
    with RejectedRows(tmp_path / "rejected.csv") as rejects:
        prepared = prepare(find_dump(tmp_path), Thresholds(0, None), rejects)
    assert prepared.interactions.user_ids.tolist() == ["me, too"]
    assert prepared.interactions.ratings.tolist() == [9]
    card = AnimeCard.model_validate_json(prepared.catalogue["cards"].tobytes())
    assert (card.name, card.english_name, card.year, card.genres) == ("A", "B", 2012, ["Action", "Drama"])
    assert prepared.catalogue["studio_names"].tolist() == ["", "C"]
    assert prepared.catalogue["start_days"].tolist() == [(date(2012, 1, 13) - FIRST_DAY).days]


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("AnimeList.CSV", LISTS, r"holds no animelist\.csv .*; it holds AnimeList\.CSV"),
        ("animelist.csv.zip", LISTS, r"it holds animelist\.csv\.zip"),
        (
            "animelist.csv",
            LISTS.replace(",", "::"),
            "none of comma, tab, .* separates its columns",
        ),
        ("animelist.csv", "user_id,1,5,6\n1,8,,9\n", "no column anime_id, rating; the header has: user_id, 1, 5, 6"),
        ("animelist.csv", "1,2,8\r4,5,6\n3,4,5\n", r"its first line is no CSV: '1,2,8\\r4,5,6'"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_is_there(tmp_path: Path, name: str, text: str, fault: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    if name == "animelist.csv":
        (tmp_path / "anime.csv").write_text("MAL_ID,Name\n20,A\n", encoding="utf-8")
    with pytest.raises(InputError, match=fault), RejectedRows(tmp_path / "rejected.csv") as rejects:
        prepare(find_dump(tmp_path), Thresholds(0, None), rejects)


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_in_a_plain_copy_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, end: str
) -> None:
    monkeypatch.delattr("training.dump.file_source._CarefulPart")
    lines = ["# é", "", "user_id,anime_id,rating,name", "1,20,9,é", "", "2,30", "3,x,8,é", "4,20,7,é"]
    kept, rejected = read_text(tmp_path, (end.join(lines) + end).encode(encoding), "animelist.csv")
    assert [row[1:4] for row in kept] == [(1, 20, 9), (4, 20, 7)]
    assert sorted(line for line, _ in rejected) == [6, 7]
