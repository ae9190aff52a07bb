"""Dumps whose user ids are no numbers: which of them are texts, and what cannot be used."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.commands import works
from tests.training.interactions_for_tests import rows_of
from tests.training.small_dump import LIST_HEADER, SmallDump, write_csv, write_small_dump
from training.dump import file_source
from training.lists.prepared import Prepared, load_prepared

Name = Callable[[int], Any]


def _prepare(dump: SmallDump, monkeypatch: pytest.MonkeyPatch, rows: list[tuple[Any, ...]] | None = None) -> Prepared:
    if rows is not None:
        write_csv(dump.folder / "animelist.csv", LIST_HEADER, rows)
    work = dump.folder / "work"
    thresholds = ("--min-user-rows", "1", "--min-anime-rows", "1")
    works(monkeypatch, "prepare", "--data", str(dump.folder), "--work", str(work), *thresholds)
    return load_prepared(work / "prepared")


def _named(dump: SmallDump, name: Name) -> list[tuple[Any, ...]]:
    return [(name(user), *rest) for user, *rest in dump.rows]


@pytest.mark.parametrize(
    "name",
    [
        lambda user: f"user{user}",
        lambda user: f"{user * 2654435761 % 2**32:08x}-4372-a567",
        # Most of them: those in digits are texts too, and keep their zeros.
        lambda user: f"{user:05}" if user % 3 == 0 else f"u{user}",
        lambda user: -user,
        lambda user: 2**64 + user,
        lambda user: f'{user}, "Zoë" 🍣',
    ],
    ids=["names", "hexadecimal", "some digits", "negative", "beyond int64", "quoted"],
)
def test_where_most_ids_are_no_whole_numbers_all_are_texts(
    small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch, name: Name
) -> None:
    lists = _prepare(small_dump, monkeypatch, _named(small_dump, name)).interactions
    assert rows_of(lists) == sorted((str(name(row[0])), *row[1:4]) for row in small_dump.rows)  # type: ignore[comparison-overlap]


def test_numbers_first_are_texts_too_once_most_are_none(
    small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is read first holds digits alone.
    many = [(f"{number:06}", 1, 8, 2, 1) for number in range(200_000)]
    rows = many + [(f"name {number}", 1, 8, 2, 1) for number in range(400_000)]
    user_ids = _prepare(small_dump, monkeypatch, rows).interactions.user_ids
    assert user_ids.tolist() == [row[0] for row in rows[:200_000]] + sorted(row[0] for row in rows[200_000:])


def test_a_few_that_are_no_numbers_are_rejected_and_the_others_stay_numbers(
    small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = _prepare(small_dump, monkeypatch, [*small_dump.rows, ("abc", 1, 8, 2, 1), (-5, 1, 8, 2, 1)])
    assert prepared.interactions.user_ids.dtype == "int64"
    assert prepared.report.rejected == {"user_id is no number": 1, "negative id": 1}


def test_texts_that_nobody_could_ask_for_are_rejected(small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = _named(small_dump, lambda user: f"user{user}")
    rows += [("", 1, 8, 2, 1), ("x" * 201, 1, 8, 2, 1), ("x" * 200, 1, 8, 2, 1), ("none", 1, 8, 2, 1)]
    prepared = _prepare(small_dump, monkeypatch, rows)
    assert Counter(prepared.report.rejected) == {
        "user_id is missing": 1,
        "user_id is too long": 1,
    }
    assert {"none", "x" * 200} <= set(prepared.interactions.user_ids.tolist())


@pytest.mark.parametrize("name", ["animelist.parquet", "animelist.csv.gz"])
def test_other_files_than_csv_hold_texts_too(
    small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    frame = pd.DataFrame(_named(small_dump, lambda user: f"user {user}"), columns=LIST_HEADER)
    (small_dump.folder / "animelist.csv").unlink()
    path = small_dump.folder / name
    frame.to_parquet(path) if name.endswith("parquet") else frame.to_csv(path, index=False)
    user_ids = _prepare(small_dump, monkeypatch).interactions.user_ids
    assert user_ids.tolist() == sorted({f"user {row[0]}" for row in small_dump.rows})


# No reader takes blanks, zeros or the sign for bytes that are no UTF-8, and "\r" ends lines.
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufffd\r"), min_size=1, max_size=200
).filter(
    lambda text: (
        bool(text.strip())
        and text == text.strip()
        and not text.isdigit()
        and text not in {"NULL", "NaN", "nan", "\\N"}
    )
)


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=8, unique=True))
def test_any_text_comes_out_of_a_dump_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    dump = write_small_dump(tmp_path_factory.mktemp("texts") / "dump", n_users=1, n_anime=4)
    rows = [(text, anime_id, 8, 2, 1) for text in texts for anime_id in (1, 8)]
    with pytest.MonkeyPatch.context() as patch:
        lists = _prepare(dump, patch, rows).interactions
    assert lists.user_ids.tolist() == sorted(texts)


@pytest.mark.parametrize("n_texts", [29, 30, 31])
def test_rows_decide_wherever_they_stand(
    small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch, n_texts: int
) -> None:
    monkeypatch.setattr(file_source, "_SMALL_BATCH_ROWS", 1)
    numbers = [(user, 1, 8, 2, 1) for user in range(30)]
    texts = [(f"name {number}", 1, 8, 2, 1) for number in range(n_texts)]
    user_ids = _prepare(small_dump, monkeypatch, [*numbers, *texts]).interactions.user_ids
    assert len(user_ids) == (61 if n_texts > 30 else 30)
    assert (user_ids.dtype == "int64") == (n_texts <= 30)
