"""Lists are the same in whatever order rows, blocks and groups come; of duplicates the last row counts."""

import csv
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.interactions_for_tests import rows_of
from training.dump.list_values import ListBlock
from training.dump.rejects import RejectedRows
from training.lists import interactions, list_builder, list_reader
from training.lists.interactions import Interactions
from training.lists.list_builder import DUPLICATE, UNKNOWN_ANIME, ListBuilder
from training.lists.list_reader import make_lists
from training.support.dask_engine import Dask
from training.support.engine import Engine

ANIME_IDS = np.array([1, 4, 5, 9, 40], dtype=np.int64)
Row = tuple[int, int, int, int]

USER_IDS = st.integers(1, 6) | st.sampled_from([2**31, 2**63 - 1])
ROWS = st.lists(
    st.tuples(USER_IDS, st.sampled_from([*ANIME_IDS.tolist(), 0, 7, 41]), st.integers(0, 10), st.integers(1, 4)),
    min_size=1,
    max_size=60,
)


class _Pieces(Engine):
    """An engine that cuts users into pieces wherever it can."""

    ranges = Dask.ranges


def lists_of(
    path: Path, rows: Sequence[Row], lines: Sequence[int], cuts: Sequence[int], names: dict[int, str] | None = None
) -> Interactions:
    """Build lists of blocks that end at the cuts, a third of them of each part; rejected rows are in the file.

    Users are called by `names`.
    """
    columns = np.array(rows, dtype=np.int64).T
    names_of_parts = [f"{number}.csv" for number in range(3)]
    blocks = list(itertools.pairwise([0, *sorted(cut % len(rows) for cut in cuts), len(rows)]))
    parts = []
    with RejectedRows(path) as rejects:
        for number, part in enumerate(names_of_parts):
            builder = ListBuilder(ANIME_IDS, of_part := RejectedRows(path.with_name(part)))
            for start, end in blocks[len(blocks) * number // 3 : len(blocks) * (number + 1) // 3]:
                users, anime, ratings, statuses = columns[:, start:end]
                if names:
                    users = np.array([names[user] for user in users.tolist()], dtype=np.str_)
                # Below a header.
                rows_of_part = np.array(lines[start:end], dtype=np.int64) - 2
                columns_of_bytes = (ratings.astype(np.uint8), statuses.astype(np.uint8))
                builder.add(ListBlock(part, rows_of_part, users, anime, *columns_of_bytes))
            of_part.settle(np.array([1]))
            parts.append(builder.rows(np.array([1])))
            with of_part:
                rejects.extend(of_part.content(), of_part.counts)
        return make_lists(parts, names_of_parts, ANIME_IDS, rejects, _Pieces())


@pytest.mark.parametrize("table_size", [0, 100])
@settings(max_examples=150, deadline=None)
@given(
    rows=ROWS,
    cuts=st.lists(st.integers(0, 60), max_size=5),
    order=st.sampled_from(["as they come", "by user", "by user and anime"]),
    gap=st.integers(1, 2),
    group_entries=st.integers(1, 20),
)
def test_lists_are_what_the_last_row_of_each_user_and_anime_says(
    tmp_path_factory: pytest.TempPathFactory,
    table_size: int,
    rows: list[Row],
    cuts: list[int],
    order: str,
    gap: int,
    group_entries: int,
) -> None:
    if order != "as they come":
        rows = sorted(rows, key=lambda row: row[: 1 + (order == "by user and anime")])
    # As where lines between were set aside before.
    lines = np.cumsum([2, *(1 + (gap - 1) * (row[2] == 0) for row in rows[1:])]).tolist()
    rows = [*rows, (2**62, 1, 8, 2)]
    lines = [*lines, lines[-1] + 1]
    known = [(line, row) for line, row in zip(lines, rows, strict=True) if row[1] in ANIME_IDS]
    last = {row[:2]: (line, row) for line, row in known}
    path = tmp_path_factory.mktemp("rejects") / "rejected.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interactions, "GROUP_ENTRIES", group_entries)
        patch.setattr(list_builder, "_MAX_TABLE_SIZE", table_size)
        patch.setattr(list_reader, "_BLOCK", group_entries)
        lists = lists_of(path, rows, lines, cuts)
    assert rows_of(lists) == sorted(row for _, row in last.values())
    assert [column.dtype for column in (lists.anime_rows, lists.ratings, lists.statuses)] == [
        np.int32,
        np.uint8,
        np.uint8,
    ]
    with path.open(newline="", encoding="utf-8") as file:
        rejected = [(int(row["line"]), row["reason"], row["row"]) for row in csv.DictReader(file)]
    unknown = [item for item in zip(lines, rows, strict=True) if item[1][1] not in ANIME_IDS]
    again = [item for item in known if item not in last.values()]
    expected = [(line, UNKNOWN_ANIME, row) for line, row in unknown] + [(line, DUPLICATE, row) for line, row in again]
    assert sorted(rejected) == sorted((line, reason, ",".join(map(str, row))) for line, reason, row in expected)


@settings(max_examples=100, deadline=None)
@given(
    rows=ROWS,
    cuts=st.lists(st.integers(0, 60), max_size=5),
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0,"), min_size=1),
        min_size=9,
        max_size=9,
        unique=True,
    ),
)
def test_users_may_be_called_by_texts(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], cuts: list[int], texts: list[str]
) -> None:
    names = dict(zip([*range(1, 7), 2**31, 2**62, 2**63 - 1], texts, strict=True))
    rows = [*rows, (2**62, 1, 8, 2)]
    lines = list(range(2, len(rows) + 2))
    folder = tmp_path_factory.mktemp("rejects")
    with_numbers = lists_of(folder / "numbers.csv", rows, lines, cuts)
    with_texts = lists_of(folder / "texts.csv", rows, lines, cuts, names)
    assert rows_of(with_texts) == sorted((names[user], *rest) for user, *rest in rows_of(with_numbers))
    assert with_texts.user_ids.tolist() == sorted(names[user] for user in with_numbers.user_ids.tolist())
    of_numbers, of_texts = (_rejected_users(folder / name) for name in ("numbers.csv", "texts.csv"))
    assert of_texts == sorted((line, why, names[int(user)]) for line, why, user in of_numbers)


def _rejected_users(path: Path) -> list[tuple[int, str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return sorted((int(row["line"]), row["reason"], row["row"].split(",")[0]) for row in csv.DictReader(file))
