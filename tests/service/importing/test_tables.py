"""Lists as CSV."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.importing.imports import import_list
from service.recommending.errors import ServiceError
from tests.service.importing.lists_for_tests import MODEL, imported, rated, statuses


@pytest.mark.parametrize(
    "text",
    [
        "Title,Score,Status\nCowboy Bebop,9,Completed\nMonster,8,Watching\n",
        "Title,Score,Status\rCowboy Bebop,9,Completed\rMonster,8,Watching\r",
        "Name;My score;Status\r\nCowboy Bebop;9;Completed\r\nMonster;8;Watching\r\n",
        "\ufeffanime_id\tmy_rating\tstatus\n1\t9\tCompleted\n22\t8\tWatching\n",
        '"MAL ID"|"Rating"|"Status"\n1|9|Completed\n22|8|Watching\n',
        "Status,Rating (1-5),Series Title\nwatched,4.5,Cowboy Bebop\ncurrent,4,Monster\n",
        "url,score,status\nhttps://myanimelist.net/anime/1/x,9,done\nmyanimelist.net/anime/22,8,watching\n",
        "| Title | Score | Status |\n|---|---:|---|\n| Cowboy Bebop | 9 | Completed |\n| Monster | 8 | Watching |\n",
        "id,score,status\n1,9,2\n22,8,1\n",
        "anilist_id,score,status\n1001,90,COMPLETED\n0,,\n,80,\n".replace("0,,\n,80,\n", ""),
    ],
)
def test_the_usual_headers_and_separators_are_understood(text: str) -> None:
    assert rated(text).items() <= {1: 9, 22: 8}.items()
    assert statuses(text) == ["completed", "watching"][: len(statuses(text))]
    assert imported(text).format == "csv"
    assert statuses(text)


@given(
    st.binary(max_size=100)
    | st.text("\r\n\t,;|\"'<>&{}[]:09/\x00\u2028²カ", max_size=60).map(lambda text: f"title,score{text}".encode())
    | st.lists(st.sampled_from(["title", "score", "\r", "\n", ",", ";", '"', "9", "½"])).map(
        lambda p: "".join(p).encode()
    )
)
def test_whatever_comes_is_a_list_or_refused(body: bytes) -> None:
    with contextlib.suppress(ServiceError):
        import_list(body, MODEL)


def test_an_own_score_stands_before_the_score_of_all() -> None:
    assert rated("Title,Score,My Score\nCowboy Bebop,8.78,10\n") == {1: 10}


def test_an_id_stands_before_a_title() -> None:
    assert rated("title,mal_id,score\nCowboy Bebop,4,9\n") == {4: 9}


def test_a_year_tells_titles_apart() -> None:
    assert rated("title,year,score\nBerserk,2016,7\nBerserk,1997,9\n") == {31: 7, 34: 9}


def test_a_quote_that_nothing_closes_costs_its_own_row() -> None:
    text = 'title,score\n"Monster,9\nCowboy Bebop,8\n"Fullmetal Alchemist: Brotherhood",10\n'
    assert rated(text).items() >= {1: 8, 7: 10}.items()
    assert len(imported(text).ratings) + len(imported(text).uncertain) + len(imported(text).unmatched) == 3


def test_comments_may_go_over_lines() -> None:
    assert rated('title,score,notes\nMonster,9,"slow,\n\nbut ""good"""\nCowboy Bebop,8,\n') == {22: 9, 1: 8}


def test_a_row_of_other_columns_is_unmatched_by_that_reason() -> None:
    read = imported("title,score\nCowboy Bebop,9\nMonster\nMushishi,9,x,y\nOverlord,7,,\n")
    assert [(one.place, one.reason) for one in read.unmatched] == [
        (2, "the row has 1 columns, the header 2"),
        (3, "the row has 4 columns, the header 2"),
    ]
    assert [one.anime_id for one in read.ratings] == [1, 16]


@pytest.mark.parametrize(("encoding", "title"), [("cp1252", "Mushishí"), ("utf-16", "Cowboy Bebop")])
def test_other_encodings_are_read(encoding: str, title: str) -> None:
    read = imported(f"Title;Score\n{title};9\n".encode(encoding))
    assert (read.ratings + read.uncertain)[0].typed == title


def test_a_wrong_byte_is_said() -> None:
    body = "Title;Score\nCowboy Bebop;9\n進撃の巨人;8\n".encode() + b"Mushi\xffshi;7\n"
    read = imported(body)
    assert read.notes[0].startswith("Some bytes are no UTF-8")
    assert read.ratings[0].anime_id == 1


def test_a_gigantic_row_costs_itself() -> None:
    read = imported("title,score\n" + "," * 100_000 + '\n"' + "x" * 200_000 + '",3\nMonster,9\n')
    assert [(one.place, one.anime_id) for one in read.ratings] == [(3, 22)]
