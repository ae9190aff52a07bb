"""Headers of lists: their spellings, their order, and what is no list."""

import gzip
from pathlib import Path

import pytest

from tests.training.dump.test_list_csv import read_text
from training.errors import InputError

HEADER = "user_id,anime_id,rating,watching_status,watched_episodes"
CUT = "wrong number of columns, expected 5 (a cut line?)"


@pytest.mark.parametrize(
    "header",
    [
        "user_id,anime_id,rating",
        "User_ID,MAL_ID,Score",
        "userID, anime id ,my_score",
        '"user id","anime-id","RATING"',
        "UserId,AnimeId,rating\r",
    ],
)
def test_header_variants_mean_the_same_and_a_file_without_status_is_of_completed_titles(
    tmp_path: Path, header: str
) -> None:
    assert read_text(tmp_path, f"{header}\n1,2,8\n") == ([(2, 1, 2, 8, 2)], [])


def test_columns_may_stand_in_any_order_beside_others_of_any_name(tmp_path: Path) -> None:
    text = 'note,status,note,score,anime_id,user_id\n"a,b",6,,0,2,1\nx,1,y,9,4,3\n'
    assert read_text(tmp_path, text) == ([(2, 1, 2, 0, 6), (3, 3, 4, 9, 1)], [])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is empty; expected a header with user_id, anime_id, rating"),
        (b"\n \n", "is empty"),
        (b"user_id,anime_id\n1,2\n", "no column rating; the header has: user_id, anime_id"),
        (b"1,2,8\n", "has no header, its first line is 1,2,8; expected a header with user_id, anime_id, rating"),
        (b"user_id,anime_id,rating,score\n", "more than one column means rating; leave one"),
        (b"user_id,anime_id,rating,status,watching_status\n", "more than one column means watching_status"),
        (
            b"user_id;anime\n1;2\n",
            "the header has: user_id, anime (separated by semicolon); needed: user_id, anime_id, rating",
        ),
        (gzip.compress(b"user_id,anime_id,rating\n", mtime=0), "is a gzip file under the name of a CSV file"),
        (b'{"user_id": 1, "anime_id": 2, "rating": 3}', "is JSON, not CSV"),
        (b"<!DOCTYPE html>", "is XML or HTML, not CSV"),
        (b" " * 900_000 + b"x\n1,2,3\n", "no column user_id, anime_id, rating; the header has: x"),
        (b"7" * (1 << 21), "a line of more than 1 MB; is this a CSV file?"),
    ],
)
def test_a_file_that_is_no_list_is_refused_and_named(tmp_path: Path, content: bytes, fault: str) -> None:
    with pytest.raises(InputError, match=r"animelist\.csv: ") as error:
        read_text(tmp_path, content)
    assert fault in str(error.value)
