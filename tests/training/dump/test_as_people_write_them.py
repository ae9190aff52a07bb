"""Dumps as people write them: other dialects, encodings, spellings and scales than those of the Kaggle files."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from models.bundle.card import AnimeCard
from tests.training.dump.test_list_csv import read_all, read_text
from training.dump.catalogue import read_catalogue
from training.dump.files import find_dump
from training.dump.rejects import RejectedRows
from training.errors import InputError
from training.lists.prepare import prepare
from training.lists.thresholds import Thresholds

CASES = Path(__file__).resolve().parents[3].parent / "shared" / "cases" / "dumps"
LISTS = "user_id,anime_id,rating,watching_status\n1,20,9,2\n2,30,0,6\n"
ROWS = [(1, 20, 9, 2), (2, 30, 0, 6)]


def rows_of(folder: Path, content: str | bytes, name: str = "animelist.csv") -> list[tuple[Any, ...]]:
    """Read lists of which no row may be rejected; give user, anime, rating and status."""
    kept, rejected = read_text(folder, content, name)
    assert rejected == []
    return [row[1:] for row in kept]


def cards_of(folder: Path, content: str | bytes) -> dict[int, AnimeCard]:
    (folder / "anime.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    with RejectedRows(folder / "rejected.csv") as rejects:
        return read_catalogue(folder / "anime.csv", None, rejects).cards


@pytest.mark.parametrize(
    "write",
    [
        lambda text: text,
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "|"),
        lambda text: text.replace(",", ", "),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("\n", "\n\n").replace("9,2\n", "9,2\r\n"),
        lambda text: f"sep=,\n{text}",
        lambda text: f"# of 2024\n\n{text}",
        lambda text: text.replace("1,20", "'1','20'"),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines()),
        lambda text: text.upper(),
        lambda text: text.replace("user_id,anime_id", " User ID , Anime-Id"),
        lambda text: text.replace("\n", ",\n"),
        lambda text: "\n".join([text.splitlines()[0], *(f"{line}," for line in text.splitlines()[1:])]),
        lambda text: "\n".join(f"{n or ''},{line}" for n, line in enumerate(text.splitlines())),
        lambda text: "\n".join(
            [text.splitlines()[0], *(f'"{n}",{each}' for n, each in enumerate(text.splitlines()) if n)]
        ),
        lambda text: "".join(
            f'{line},"a{end}b, ""c"""\n' for line, end in zip(text.splitlines(), ["", "\n", ""], strict=True)
        ),
        lambda text: text.replace("1,20", "1.0,20.0").replace("2,30", "2.0,30.0"),
        lambda text: text.replace("9,2", "9.0,Completed").replace("0,6", ",plan_to_watch"),
        lambda text: text.replace("9,2", '"9,0",2.0'),
        lambda text: text.replace(",", ";").replace("9;2", "9,0;2"),
    ],
)
def test_every_dialect_gives_the_same_rows(tmp_path: Path, write: Callable[[str], str | bytes]) -> None:
    assert rows_of(tmp_path, write(LISTS)) == ROWS


@pytest.mark.parametrize("name", ["animelist.tsv.gz", "animelist.csv.zst", "animelist.txt"])
def test_compressed_lists_are_read_by_their_suffix(tmp_path: Path, name: str) -> None:
    content = LISTS.encode()
    packed = {".gz": gzip.compress(content), ".zst": pa.compress(content, codec="zstd", asbytes=True)}
    (tmp_path / name).write_bytes(packed.get(Path(name).suffix, content))
    kept, rejected = read_all(tmp_path / name)
    assert ([row[1:] for row in kept], rejected) == (ROWS, [])


def test_a_cut_zstandard_file_is_refused_and_named(tmp_path: Path) -> None:
    path = tmp_path / "animelist.csv.zst"
    path.write_bytes(pa.compress(LISTS.encode() * 99, codec="zstd", asbytes=True)[:-6])
    with pytest.raises(InputError, match=r"animelist\.csv\.zst: is a broken or cut Zstandard file"):
        read_all(path)


@pytest.mark.parametrize("cell", ["", "0", "-1", "-1.0", "NULL", "NaN", "None", r"\N", "N/A", " ", '""', "Unknown"])
def test_a_rating_that_is_blank_or_minus_one_is_none(tmp_path: Path, cell: str) -> None:
    assert rows_of(tmp_path, f"user_id,anime_id,rating\n1,2,{cell}\n1,3,8\n") == [(1, 2, 0, 2), (1, 3, 8, 2)]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        *(("Watching", 1), ("currently-watching", 1), ("COMPLETED", 2), ("on-hold", 3), ("On Hold", 3)),
        *(
            ("paused", 3),
            ("dropped", 4),
            ("Plan to Watch", 6),
            ("plan_to_watch", 6),
            ("planning", 6),
            ("2.0", 2),
            (" 6 ", 6),
        ),
    ],
)
def test_a_status_may_be_a_word(tmp_path: Path, word: str, status: int) -> None:
    assert rows_of(tmp_path, f"user_id,anime_id,rating,status\n1,2,8,{word}\n") == [(1, 2, 8, status)]


def test_ids_with_thousands_separators_are_numbers(tmp_path: Path) -> None:
    assert rows_of(tmp_path, 'user_id,anime_id,rating\n"1,234,567","30,276",8\n') == [(1234567, 30276, 8, 2)]


@pytest.mark.parametrize(("ratings", "most", "divisor"), [((85, 0, 70, 9), 85, 10), ((20, 13, 16, 0), 20, 2)])
def test_ratings_on_another_scale_are_refused_with_a_word_on_scaling(
    tmp_path: Path, ratings: tuple[int, ...], most: int, divisor: int
) -> None:
    rows = "".join(f"1,{number},{rating}\n" for number, rating in enumerate(ratings))
    with pytest.raises(InputError, match=rf"animelist\.csv: ratings go up to {most}, .*\(rating / {divisor}\)"):
        read_text(tmp_path, f"user_id,anime_id,rating\n{rows}")


def test_a_few_slips_are_no_other_scale(tmp_path: Path) -> None:
    kept, rejected = read_text(tmp_path, "user_id,anime_id,rating\n1,1,80\n1,2,8\n1,3,7\n1,4,11\n")
    assert ([row[2] for row in kept], [line for line, _ in rejected]) == ([2, 3], [2, 5])


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("user_id,Username,anime_id,Anime Title,rating", "1,somebody,20,Naruto,9"),
        ("username,anime_id,my_score,user_id,title,score,rating", "somebody,20,9,1,Naruto,7.9,PG-13"),
    ],
)
def test_headers_of_the_dumps_of_2023_are_known(tmp_path: Path, header: str, row: str) -> None:
    assert rows_of(tmp_path, f"{header}\n{row}\n") == [(1, 20, 9, 2)]


@pytest.mark.parametrize("names", [("Zoë, 1", "日本"), ("0f8fad5b-d9cb-469f-a165-70867728950e", "7")])
def test_users_may_be_texts(tmp_path: Path, names: tuple[str, str]) -> None:
    text = "".join(f'"{name}",{anime},8\n' for anime in (1, 2) for name in (names[0], *names))
    assert rows_of(tmp_path, f"username,anime_id,rating\n{text}")[:3] == [
        (names[0], 1, 8, 2),
        (names[0], 1, 8, 2),
        (names[1], 1, 8, 2),
    ]


def test_a_few_users_that_are_no_numbers_do_not_make_texts_of_the_others(tmp_path: Path) -> None:
    kept, rejected = read_text(tmp_path, "user_id,anime_id,rating\n1,2,8\nx,2,8\n007,2,8\n")
    assert ([row[1] for row in kept], rejected) == ([1, 7], [(3, "user_id is no number")])


def test_a_text_that_cannot_be_an_id_is_set_aside(tmp_path: Path) -> None:
    text = f"user_id,anime_id,rating\na,2,8\nb,2,8\n,2,8\nNULL,2,8\n{'x' * 201},2,8\nNone,2,8\n"
    kept, rejected = read_text(tmp_path, text)
    assert [str(row[1]) for row in kept] == ["a", "b", "None"]
    assert sorted(rejected) == [
        (4, "user_id is missing"),
        (5, "user_id is missing"),
        (6, "user_id is too long"),
    ]


def test_a_digit_that_would_be_misread_as_another_number_is_not(tmp_path: Path) -> None:
    # DuckDB reads all of these as whole numbers; the lines before make it think that all are.
    good = "".join(f"{user},2,8\n" for user in range(100_000))
    kept, rejected = read_text(tmp_path, f"user_id,anime_id,rating\n{good}1,2,7.5\n0x10,2,8\n1_0,2,8\n1e1,2,8\n")
    assert len(kept) == 100_000
    assert [line for line, _ in rejected] == [100_002, 100_003, 100_004, 100_005]


def test_a_quote_that_is_never_closed_costs_no_row(tmp_path: Path) -> None:
    good = [f"{user},2,8,note {user}" for user in range(3000)]
    text = "\n".join(["user_id,anime_id,rating,note", *good[:10], '7,7,7,"open', *good[10:], ""])
    assert len(rows_of(tmp_path, text)) == 3001


def test_lines_are_counted_below_a_comment_and_where_line_ends_are_mixed(tmp_path: Path) -> None:
    kept, rejected = read_text(tmp_path, "# note\n\nuser_id,anime_id,rating\n\n1,2,8\nx,2,8\n3,2,8\n")
    assert ([row[0] for row in kept], [line for line, _ in rejected]) == ([5, 7], [6])
    kept, rejected = read_text(tmp_path, "user_id,anime_id,rating\n,,\r\n   \n3,2,8\n1,2\n4,2,8\n")
    assert ([row[0] for row in kept], sorted(line for line, _ in rejected)) == ([4, 6], [2, 5])


def test_latin_1_is_read_as_such(tmp_path: Path) -> None:
    assert cards_of(tmp_path, "MAL_ID,Name\n1,Café\n".encode("latin-1"))[1].name == "Café"


def test_a_catalogue_of_2016_has_its_mean_score_under_rating(tmp_path: Path) -> None:
    text = 'anime_id,name,genre,type,episodes,rating,members\n1,Naruto &amp; Co,"Action, Drama",TV,220,7.85,338\n'
    card = cards_of(tmp_path, text)[1]
    assert (card.score, card.age_rating, card.genres, card.members) == (7.85, None, ["Action", "Drama"], 338)
    assert card.name == "Naruto & Co"
    assert cards_of(tmp_path, "MAL_ID,Name,Rating\n1,Naruto,18\n")[1].age_rating == "18"
    card = cards_of(tmp_path, "MAL_ID,Name,Score,Rating\n1,Naruto,7.85,PG-13\n")[1]
    assert (card.score, card.age_rating) == (7.85, "PG-13")


def test_a_catalogue_of_2023_has_its_synopses_and_japanese_names(tmp_path: Path) -> None:
    header = "anime_id,Name,English name,Other name,Score,Genres,Synopsis,Type,Episodes,Scored By,Members,Image URL"
    rows = "1,A,UNKNOWN,カウボーイ,8.7,Drama,Story.,TV,26.0,914193.0,1771505,https://x/1.jpg\n2,B,C,D,UNKNOWN,Drama,"
    cards = cards_of(tmp_path, f"{header}\n{rows}No description available for this anime.,TV,1,UNKNOWN,3,x\n")
    assert (cards[1].japanese_name, cards[1].english_name, cards[1].synopsis) == ("カウボーイ", None, "Story.")
    assert (cards[1].members, cards[1].episodes) == (1_771_505, 26)
    assert (cards[2].synopsis, cards[2].score) == (None, None)


@pytest.mark.parametrize(
    ("cell", "genres"),
    [
        ("\"['Action', 'Sci-Fi']\"", ["Action", "Sci-Fi"]),
        ('"[""Girls\' Love"", \'Drama\']"', ["Girls' Love", "Drama"]),
        ("\"['Action' 'Drama']\"", ["Action", "Drama"]),
        ("[]", []),
        ("\"[{'mal_id': 1, 'name': 'Action'}, {'mal_id': 8, 'name': 'Drama'}]\"", ["Action", "Drama"]),
        ('"[Action, Drama]"', ["Action", "Drama"]),
        ("Action|Drama", ["Action", "Drama"]),
        ("Action; Drama", ["Action", "Drama"]),
    ],
)
def test_genres_may_be_a_list_as_text(tmp_path: Path, cell: str, genres: list[str]) -> None:
    assert cards_of(tmp_path, f"MAL_ID,Name,Genres\n1,A,{cell}\n")[1].genres == genres


def test_studios_may_be_a_list_as_text(tmp_path: Path) -> None:
    (tmp_path / "anime.csv").write_text("MAL_ID,Name,Studios\n1,A,\"['Bones', 'Gainax']\"\n", encoding="utf-8")
    with RejectedRows(tmp_path / "rejected.csv") as rejects:
        assert read_catalogue(tmp_path / "anime.csv", None, rejects).traits[1].studio == "Bones"


@pytest.mark.parametrize("cell", ['"1,268,000"', "1.268.000", "1 268 000", "1268000.0", "1268000"])
def test_members_may_have_thousands_separators(tmp_path: Path, cell: str) -> None:
    assert cards_of(tmp_path, f"MAL_ID,Name,Members\n1,A,{cell}\n")[1].members == 1_268_000


def test_a_score_may_have_a_decimal_comma(tmp_path: Path) -> None:
    assert cards_of(tmp_path, "MAL_ID;Name;Score\n1;A;8,71\n")[1].score == 8.71


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ('{0},A,100,"genre {0}, kind {0}"', r"column genres has 80 different genres for 40 anime, such as 'genre 0'"),
        ("{0},A,many,Action", r"column members should hold numbers; none does, as in 'many'"),
    ],
)
def test_a_catalogue_that_makes_no_sense_is_refused_with_what_was_seen(tmp_path: Path, row: str, fault: str) -> None:
    text = "".join(f"{row.format(number)}\n" for number in range(40))
    with pytest.raises(InputError, match=f"anime.csv: {fault}"):
        cards_of(tmp_path, f"MAL_ID,Name,Members,Genres\n{text}")


def test_where_no_column_fits_the_error_names_the_delimiter_and_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has: a, b \(separated by tab\); needed: mal_id, name"):
        cards_of(tmp_path, "a\tb\n1\t2\n")


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not here")
@pytest.mark.parametrize("name", ["pandas-round-trip", "python-lists-as-text", "tabs", "kaggle-2016"])
def test_dumps_that_people_have_are_read_whole(tmp_path: Path, name: str) -> None:
    dump = find_dump(CASES / name)
    with RejectedRows(tmp_path / "rejected.csv") as rejects:
        prepared = prepare(dump, Thresholds(1, 1), rejects)
        cards = read_catalogue(dump.catalogue, None, rejects).cards
    lists, counts = prepared.interactions, prepared.report.data.counts
    assert rejects.counts.total() == 0
    assert (cards[1].genres[:2], cards[1].score, cards[1].episodes) == (["Action", "Adventure"], 8.71, 26)
    assert cards[1].members == (268_000 if name == "python-lists-as-text" else 268)
    whole = pd.read_csv(CASES / "python-lists-as-text" / "animelist.csv")
    if name == "kaggle-2016":
        whole = whole[whole["watching_status"] != 6]
        assert set(lists.statuses.tolist()) == {2}
    assert (counts["rows_read"], lists.n_users) == (len(whole), whole["user_id"].nunique())
    assert lists.ratings.sum() == whole["rating"].sum()
