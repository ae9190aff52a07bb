"""The catalogue: what people see of an anime, and what filters need."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.bundle.card import AnimeCard
from tests.training.small_dump import CATALOGUE_HEADER, SYNOPSIS_HEADER, write_csv
from training.dump.catalogue import Catalogue, catalogue_arrays, new_anime_arrays, read_catalogue
from training.dump.rejects import RejectedRows
from training.errors import InputError

UNKNOWN = ("Unknown",) * 10


def read_rows(
    folder: Path,
    rows: Sequence[Sequence[object]],
    header: tuple[str, ...] = CATALOGUE_HEADER,
    synopses: Sequence[Sequence[object]] | None = None,
) -> tuple[Catalogue, dict[str, int]]:
    write_csv(folder / "anime.csv", header, rows)
    if synopses is not None:
        write_csv(folder / "synopses.csv", SYNOPSIS_HEADER, synopses)
    with RejectedRows(folder / "rejected.csv") as rejects:
        read = read_catalogue(folder / "anime.csv", folder / "synopses.csv" if synopses else None, rejects)
    return read, dict(rejects.counts)


def read_one(folder: Path, **cells: object) -> AnimeCard:
    names = {name.lower().replace(" ", "_"): name for name in CATALOGUE_HEADER}
    row = tuple({"mal_id": 1, "name": "A", **cells}.get(name, "Unknown") for name in names)
    return read_rows(folder, [row])[0].cards[1]


def test_a_full_row_becomes_a_full_card(tmp_path: Path) -> None:
    row = (
        1, "Cowboy Bebop", 8.78, "Action, Sci-Fi", "Cowboy Bebop", "カウボーイビバップ", "TV", 26,
        "Apr 3, 1998 to Apr 24, 1999", "Spring 1998", "R - 17+ (violence & profanity)", 1251960,
    )  # fmt: skip
    card = read_rows(tmp_path, [row], synopses=[(1, "", "", "", "Bounty hunters.")])[0].cards[1]
    assert card == AnimeCard(
        anime_id=1,
        name="Cowboy Bebop",
        english_name="Cowboy Bebop",
        japanese_name="カウボーイビバップ",
        type="TV",
        episodes=26,
        genres=["Action", "Sci-Fi"],
        synopsis="Bounty hunters.",
        year=1998,
        score=8.78,
        members=1251960,
        age_rating="R - 17+ (violence & profanity)",
        url="https://myanimelist.net/anime/1",
    )


@pytest.mark.parametrize("word", ["Unknown", "unknown", "", "  ", "NaN", "None", "null", "-", "?"])
def test_unknown_is_null(tmp_path: Path, word: str) -> None:
    card = read_rows(tmp_path, [(1, "A", *[word] * 10)])[0].cards[1]
    assert card.genres == []
    left = card.model_dump(exclude={"anime_id", "name", "genres", "url", "new"})
    assert set(left.values()) == {None}


def test_a_title_may_be_a_word_that_otherwise_means_unknown(tmp_path: Path) -> None:
    assert read_one(tmp_path, name="Unknown").name == "Unknown"
    assert read_one(tmp_path, name="?").name == "?"


@pytest.mark.parametrize(
    ("aired", "premiered", "year"),
    [
        ("Apr 3, 1998 to Apr 24, 1999", "Spring 1998", 1998),
        ("2005", "Unknown", 2005),
        ("Jan 1, 2005", "Fall 2004", 2005),
        ("Unknown", "Fall 2011", 2011),
        ("Jan 1917", "Unknown", 1917),
        ("Unknown", "Unknown", None),
        ("not yet aired", "?", None),
        ("1700", "3000", None),
        ("12005", "Unknown", None),
    ],
)
def test_the_year_comes_from_aired_else_from_premiered(
    tmp_path: Path, aired: str, premiered: str, year: int | None
) -> None:
    assert read_one(tmp_path, aired=aired, premiered=premiered).year == year


@pytest.mark.parametrize(
    ("text", "episodes"),
    [
        ("26", 26),
        ("26.0", 26),
        ("0", None),
        ("-3", None),
        ("many", None),
        ("nan", None),
        ("inf", None),
        ("1e99", None),
    ],
)
def test_episodes_are_a_count_or_unknown(tmp_path: Path, text: str, episodes: int | None) -> None:
    assert read_one(tmp_path, episodes=text).episodes == episodes
    assert read_one(tmp_path, members=text).members == (0 if text == "0" else episodes)


def test_a_score_of_zero_is_unknown(tmp_path: Path) -> None:
    assert read_one(tmp_path, score="0.0").score is None
    assert read_one(tmp_path, score="7.25").score == 7.25


def test_genres_are_split_trimmed_and_none_stands_twice(tmp_path: Path) -> None:
    assert read_one(tmp_path, genres=" Action,Sci-Fi , ,Action").genres == ["Action", "Sci-Fi"]


def test_html_entities_are_resolved(tmp_path: Path) -> None:
    card = read_one(tmp_path, name="Kimi &amp; Boku &#039;2", english_name="You &quot;&amp;&quot; Me")
    assert (card.name, card.english_name) == ("Kimi & Boku '2", 'You "&" Me')
    rows: Sequence[Sequence[object]] = [(1, "", "", "", "It&#039;s &lt;b&gt;")]
    assert read_rows(tmp_path, [(1, "A", *UNKNOWN)], synopses=rows)[0].cards[1].synopsis == "It's <b>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No synopsis information has been added to this title.", None),
        ("no synopsis has been added for this series yet.", None),
        ("", None),
        ("Unknown", None),
        ("  A story. ", "A story."),
        ("No synopsises were harmed.", "No synopsises were harmed."),
        ("There is no synopsis.", "There is no synopsis."),
    ],
)
def test_stub_synopses_are_null(tmp_path: Path, text: str, expected: str | None) -> None:
    synopses: Sequence[Sequence[object]] = [(1, "", "", "", text)]
    assert read_rows(tmp_path, [(1, "A", *UNKNOWN)], synopses=synopses)[0].cards[1].synopsis == expected


def test_an_anime_without_a_row_of_synopsis_has_none(tmp_path: Path) -> None:
    read, _ = read_rows(tmp_path, [(1, "A", *UNKNOWN), (2, "B", *UNKNOWN)], synopses=[(2, "", "", "", "B's.")])
    assert [card.synopsis for card in read.cards.values()] == [None, "B's."]


def test_adult_anime_are_known_by_age_rating_or_genre(tmp_path: Path) -> None:
    rows = [
        (1, "A", *UNKNOWN[:8], "Rx - Hentai", "1"),
        (2, "B", "Unknown", "Hentai, Comedy", *UNKNOWN[2:]),
        (3, "C", *UNKNOWN[:8], "R+ - Mild Nudity", "1"),
    ]
    assert read_rows(tmp_path, rows)[0].adult_ids == {1, 2}


def test_rows_without_a_usable_id_or_name_and_second_rows_are_set_aside(tmp_path: Path) -> None:
    rows: Sequence[Sequence[object]] = [
        (2, "B", *UNKNOWN),
        ("1.0", "A", *UNKNOWN),
        ("x", "bad id", *UNKNOWN),
        ("-4", "bad id", *UNKNOWN),
        ("9" * 30, "bad id", *UNKNOWN),
        (2, "again", *UNKNOWN),
        (5, " ", *UNKNOWN),
        (6, "too short"),
    ]
    read, rejected = read_rows(tmp_path, rows)
    assert {anime_id: card.name for anime_id, card in read.cards.items()} == {1: "A", 2: "B"}
    assert list(read.cards) == [1, 2]
    assert rejected == {
        "mal_id is no number": 3,
        "second row of an anime": 1,
        "name is empty": 1,
        "wrong number of columns, expected 12": 1,
    }


def test_line_ends_inside_quotes_do_not_shift_the_line_numbers(tmp_path: Path) -> None:
    (tmp_path / "anime.csv").write_text('MAL_ID,Name\n1,"A\nA"\nx,B\n', encoding="utf-8")
    with RejectedRows(tmp_path / "rejected.csv") as rejects:
        read_catalogue(tmp_path / "anime.csv", None, rejects)
    assert "anime.csv,4,mal_id is no number" in (tmp_path / "rejected.csv").read_text(encoding="utf-8")


def test_bytes_that_are_no_utf8_cost_a_letter_and_not_the_anime(tmp_path: Path) -> None:
    (tmp_path / "anime.csv").write_bytes("MAL_ID,Name\n1,Café\n2,ナ\n".encode().replace(b"\xc3\xa9", b"\xe9"))
    with RejectedRows(tmp_path / "rejected.csv") as rejects:
        cards = read_catalogue(tmp_path / "anime.csv", None, rejects).cards
    assert cards[1].name == "Caf\ufffd"
    assert rejects.counts.total() == 1


@pytest.mark.parametrize(
    "header",
    [
        "MAL_ID,Name,Genders,synopsis",
        "anime_id,title,genre,sypnopsis",
        "Mal ID,NAME,Genres,Sypnopsis",
        "MALID,name,genres,Synopsis",
    ],
)
def test_header_variants_mean_the_same(tmp_path: Path, header: str) -> None:
    (tmp_path / "anime.csv").write_text(f'\ufeff{header}\r\n1,A,"Drama",Story.\r\n', encoding="utf-8", newline="")
    with RejectedRows(tmp_path / "rejected.csv") as rejects:
        card = read_catalogue(tmp_path / "anime.csv", None, rejects).cards[1]
    assert (card.name, card.genres, card.synopsis) == ("A", ["Drama"], "Story.")


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("anime.csv", b"", "is empty; expected a header with mal_id, name"),
        ("anime.csv", b"MAL_ID,Genres\n1,Drama\n", "no column name; the header has: mal_id, genres"),
        ("anime.csv", b"Name,Genres\nA,Drama\n", "no column mal_id"),
        ("anime.csv", b"MAL_ID,Name,title\n1,A,B\n", "more than one column means name"),
        ("anime.csv", b"MAL_ID,Name\n", "has no usable row"),
        ("anime.csv", b"MAL_ID,Name\nx,y\n", "has no usable row"),
        ("anime.csv", b'MAL_ID,Name\n1,"' + b"A" * 200_000, "has no usable row"),
        ("anime.csv.gz", gzip.compress(b"MAL_ID,Name\n1,A\n" * 99, mtime=0)[:-30], "is a broken or cut gzip file"),
        ("anime.csv.gz", b"plain", "is a broken or cut gzip file"),
        ("anime.parquet", b"plain", "is no readable Parquet file"),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused_and_named(
    tmp_path: Path, name: str, content: bytes, fault: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with RejectedRows(tmp_path / "rejected.csv") as rejects, pytest.raises(InputError, match=f"{name}: ") as error:
        read_catalogue(tmp_path / name, None, rejects)
    assert fault in str(error.value)


def test_a_broken_file_of_synopses_is_refused_and_named(tmp_path: Path) -> None:
    write_csv(tmp_path / "anime.csv", CATALOGUE_HEADER, [(1, "A", *UNKNOWN)])
    (tmp_path / "synopses.csv").write_text("MAL_ID,Name\n", encoding="utf-8")
    with RejectedRows(tmp_path / "rejected.csv") as rejects, pytest.raises(InputError, match="no column synopsis"):
        read_catalogue(tmp_path / "anime.csv", tmp_path / "synopses.csv", rejects)


def test_parquet_with_missing_values_is_unknown_there_too(tmp_path: Path) -> None:
    frame = pd.DataFrame({"MAL_ID": [1, 2], "Name": ["A", "B"], "Episodes": [12, None], "Genres": [None, "Drama"]})
    frame.to_parquet(tmp_path / "anime.parquet")
    with RejectedRows(tmp_path / "rejected.csv") as rejects:
        one, two = read_catalogue(tmp_path / "anime.parquet", None, rejects).cards.values()
    assert (one.episodes, one.genres, two.episodes, two.genres) == (12, [], None, ["Drama"])


def test_arrays_hold_one_row_per_anime_asked_for(tmp_path: Path) -> None:
    rows = [
        (3, "C", 7.5, "Drama, Action", "Unknown", "Unknown", "TV", "12", "1999", "Unknown", "Rx - Hentai", "5"),
        (1, "A", "Unknown", "Comedy", "Unknown", "Unknown", "Movie", "1", "2001", "Unknown", "Unknown", "7"),
        (2, "B", *UNKNOWN),
    ]
    read, _ = read_rows(tmp_path, rows)
    arrays = catalogue_arrays(read, np.array([2, 3]))
    # Types and genres are those of the whole catalogue.
    assert arrays["type_names"].tolist() == ["", "Movie", "TV"]
    assert arrays["type_codes"].tolist() == [0, 2]
    assert arrays["genre_names"].tolist() == ["Action", "Comedy", "Drama"]
    assert arrays["anime_genres"].tolist() == [[False] * 3, [True, False, True]]
    assert arrays["years"].tolist() == [0, 1999]
    assert arrays["mean_scores"].tolist() == [0.0, 7.5]
    assert arrays["members"].tolist() == [0, 5]
    assert arrays["adult"].tolist() == [False, True]
    start, end = arrays["card_offsets"][1:3]
    assert json.loads(arrays["cards"][start:end].tobytes())["name"] == "C"
    rest = new_anime_arrays(read, np.array([2, 3]), arrays)
    assert (rest["anime_ids"].tolist(), rest["type_codes"].tolist(), rest["anime_genres"].tolist()) == (
        [1],
        [1],
        [[False, True, False]],
    )
    assert json.loads(rest["cards"].tobytes())["new"] is True


def test_new_anime_have_the_codes_of_the_others_and_what_those_lack_is_unknown(tmp_path: Path) -> None:
    header = (*CATALOGUE_HEADER, "Studios")
    studios = {1: "Bones", 2: "Sunrise", 3: "Bones", 4: "Gainax"}
    read, _ = read_rows(tmp_path, [(i, "A", *UNKNOWN, studio) for i, studio in studios.items()], header)
    known = catalogue_arrays(read, np.array([1, 2]))
    assert new_anime_arrays(read, np.array([1, 2]), known)["studio_codes"].tolist() == [1, 0]


def test_without_new_anime_their_arrays_are_empty(tmp_path: Path) -> None:
    read, _ = read_rows(tmp_path, [(1, "A", *UNKNOWN)])
    arrays = new_anime_arrays(read, read.anime_ids, catalogue_arrays(read, read.anime_ids))
    assert (len(arrays["anime_ids"]), arrays["card_offsets"].tolist(), arrays["cards"].size) == (0, [0], 0)


def test_a_type_column_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    rows = [(i, "A", *UNKNOWN[:4], f"type {i}", *UNKNOWN[:5]) for i in range(300)]
    read, _ = read_rows(tmp_path, rows)
    with pytest.raises(InputError, match="column type has 300 different values"):
        catalogue_arrays(read, read.anime_ids)
