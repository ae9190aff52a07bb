"""Reading lists: every row is kept or set aside with its line and the reason, wherever a block happens to end."""

import csv
import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.training.slow_reader import RATING, Kept, Rejected, read_slowly_and_simply
from training.dump import file_source, line_numbers, list_values
from training.dump.file_source import FileSource
from training.dump.line_numbers import lines_of_rows
from training.dump.list_values import ListBlock
from training.errors import InputError
from training.lists import list_reader
from training.lists.list_builder import ListBuilder
from training.lists.list_reader import read_part

HEADER = "user_id,anime_id,rating,watching_status,watched_episodes"
CUT = "wrong number of columns, expected 5 (a cut line?)"


@dataclass
class _Rows:
    """What is made of rows here: columns with their lines."""

    columns: tuple[NDArray[Any], ...]


class _Blocks(ListBuilder):
    """Keeps the rows of all anime."""

    kept: Kept

    def __init__(self, *_: Any) -> None:
        self._given: list[ListBlock] = []
        type(self).kept = []

    def add(self, block: ListBlock) -> None:
        self._given.append(block)

    def rows(self, skipped: NDArray[np.int64]) -> Any:
        for block in self._given:
            cells = (
                lines_of_rows(block.rows, skipped),
                block.user_ids,
                block.anime_ids,
                block.ratings,
                block.statuses,
            )
            type(self).kept += zip(*(column.tolist() for column in cells), strict=True)
        return _Rows(())


def read_all(path: Path, on_bytes: Callable[[int], None] = lambda _: None) -> tuple[Kept, Rejected]:
    """Read a file: rows as (line, user, anime, rating, status), and (line, reason) of the others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(list_reader, "ListBuilder", _Blocks)
        for are_texts in (False, True):
            found = read_part(np.array([1]), FileSource(str(path), [path]), "", 0, are_texts, on_bytes)
            if found.rows is not None and not list_values.are_mostly_texts(*found.id_counts):
                break
    text = bytes(found.rejected).decode()
    (path.parent / "rejected.csv").write_text(f"file,line,reason,row\n{text}", encoding="utf-8", newline="")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert all(row[0] == path.name for row in rows)
    assert sum(found.reject_counts.values()) == len(rows)
    return _Blocks.kept, [(int(row[1]), row[2]) for row in rows]


def read_text(folder: Path, text: str | bytes, name: str = "animelist.csv") -> tuple[Kept, Rejected]:
    content = text.encode() if isinstance(text, str) else text
    (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return read_all(folder / name)


IDS = st.sampled_from([b"1", b"22", b"333333", b"9223372036854775807", b"007", b" 5", b'"6"', b"-0", b"+8"])
BAD_IDS = st.sampled_from(
    [
        b"",
        b"x",
        b"-4",
        b"9223372036854775808",
        b"1" * 40,
        b"1.5",
        b"0x10",
        b"1_0",
        "١".encode(),
        b"\xff",
        b"NaN",
    ]
)
RATINGS = st.sampled_from([b"0", b"10", b"7", b"8.0", b"1e1", b" 9 ", b'"3"'])
BAD_RATINGS = st.sampled_from(
    [b"11", b"-1", b"7.5", b"", b"good", b"nan", b"inf", b"1e39", b"1e300", b"\xfe", b"1_0"]
)
STATUSES = st.sampled_from([b"1", b"2", b"3", b"4", b"6"])
BAD_STATUSES = st.sampled_from([b"0", b"5", b"7", b"99", b"", b"watching", b"-1", b"\xc3"])
NOTES = st.sampled_from(
    [
        b"12",
        b"",
        b'"a,b"',
        b'"a""b"',
        b"0x1f",
        b"\xff\xfe",
        "ナ".encode(),
        b'"open',
        b'mid"quote',
        b"a,b",
        b"x\ry",
        b"\0",
    ]
)


def _line(*cells: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.tuples(*cells).map(b",".join)


LINES = st.one_of(
    _line(IDS, IDS, RATINGS, STATUSES, st.just(b"12")),
    _line(IDS, IDS, RATINGS, STATUSES, st.just(b"12")),
    _line(IDS | BAD_IDS, IDS | BAD_IDS, RATINGS | BAD_RATINGS, STATUSES | BAD_STATUSES, NOTES),
    st.sampled_from([b"", b"   ", b"1,2", b"1,2,3,4,5,6", b",,,,", b"no list at all", b'"1,2,8,2,1"', b"\xff" * 9]),
)


@settings(max_examples=400, deadline=None)
@given(
    lines=st.lists(LINES, max_size=12),
    ends=st.lists(st.sampled_from([b"\n", b"\n", b"\r\n"]), min_size=12, max_size=12),
    bom=st.booleans(),
    closed=st.booleans(),
    block_bytes=st.integers(1, 80),
    batch_rows=st.integers(1, 4),
)
def test_every_line_is_what_it_is_when_read_alone(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[bytes],
    ends: list[bytes],
    bom: bool,
    closed: bool,
    block_bytes: int,
    batch_rows: int,
) -> None:
    body = b"".join(line + end for line, end in zip(lines, ends, strict=False))
    content = (b"\xef\xbb\xbf" if bom else b"") + HEADER.encode() + b"\n" + (body if closed else body.rstrip(b"\r\n"))
    path = tmp_path_factory.mktemp("lists") / "animelist.csv"
    path.write_bytes(content)
    expected = read_slowly_and_simply(content, HEADER.split(","))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(list_values, "are_mostly_texts", lambda *_: False)
        patch.setattr(line_numbers, "_BLOCK_BYTES", block_bytes)
        patch.setattr(file_source, "_SMALL_BATCH_ROWS", batch_rows)
        kept, rejected = read_all(path)
    assert (kept, sorted(rejected)) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(list_values, "are_mostly_texts", lambda *_: False)
        patch.setattr(file_source, "_CsvPart", lambda path, *_, **__: file_source._CarefulPart(path))
        kept, rejected = read_all(path)
    assert (kept, sorted(rejected)) == expected


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("abc,2,8,2,1", "user_id is no number"),
        ("1,abc,8,2,1", "anime_id is no number"),
        ("1,2,great,2,1", "rating is no number"),
        ("1,2,8,seen it,1", "unknown watching_status"),
        (",2,8,2,1", "user_id is missing"),
        ("1,NULL,8,2,1", "anime_id is missing"),
        ("1,2,8,,1", "watching_status is missing"),
        ("1,2,11,2,1", RATING),
        ("1,2,-2,2,1", RATING),
        ("1,2,7.5,2,1", RATING),
        ("1,2,inf,2,1", "rating is no number"),
        ("1,2,8,5,1", "unknown watching_status"),
        ("1,2,8,0,1", "unknown watching_status"),
        ("-1,2,8,2,1", "negative id"),
        ("1,-2,8,2,1", "negative id"),
        ("9223372036854775808,2,8,2,1", "user_id is out of range"),
        ("1,99999999999999999999999,8,2,1", "anime_id is out of range"),
        ("0x10,2,8,2,1", "user_id is no number"),
        ("1_0,2,8,2,1", "user_id is no number"),
        ("1,2,8", CUT),
        ("1,2,8,2,1,9", CUT),
        ("hello", CUT),
    ],
)
def test_a_bad_row_is_set_aside_with_its_line_and_its_text(tmp_path: Path, row: str, reason: str) -> None:
    kept, rejected = read_text(tmp_path, f"{HEADER}\n5,6,7,1,1\n{row}\n8,9,10,2,1\n")
    assert kept == [(2, 5, 6, 7, 1), (4, 8, 9, 10, 2)]
    assert rejected == [(3, reason)]
    with (tmp_path / "rejected.csv").open(newline="", encoding="utf-8") as file:
        text = row if reason == CUT else row.rpartition(",")[0]
        assert list(csv.reader(file))[1] == ["animelist.csv", "3", reason, text]


def test_bytes_that_are_no_utf8_are_set_aside_where_a_number_should_be(tmp_path: Path) -> None:
    kept, rejected = read_text(
        tmp_path, HEADER.encode() + "\n1,\xff2,8,2,1\n1,3,8,2,\xffナ\n".encode().replace(b"\xc3\xbf", b"\xff")
    )
    assert kept == [(3, 1, 3, 8, 2)]
    assert rejected == [(2, "bytes that are no UTF-8")]


@pytest.mark.parametrize(
    "text", ["1,2,8,2,1\r\n3,4,9,6,0\r\n", "1,2,8,2,1\n\n\n3,4,9,6,0", '"1","2","8","2","1"\n3,4,9,6,0\n']
)
def test_windows_line_ends_blank_lines_and_quotes_are_no_fault(tmp_path: Path, text: str) -> None:
    kept, rejected = read_text(tmp_path, f"\ufeff{HEADER}\n{text}")
    assert [row[1:] for row in kept] == [(1, 2, 8, 2), (3, 4, 9, 6)]
    assert rejected == []


@pytest.mark.parametrize(
    ("text", "lines", "bad_lines"),
    [
        ('1,2,8,2,"a\n\nb"\n3,4,5,2\n3,4,5,2,1\n', [2, 6], [5]),
        ('1,2,8,2,"open\n3,4,5,2,1\n', [2, 3], []),
        ("1,2,8,2,a\r4,5,6,2,b\n3,4,5,2,1\n", [3], [2]),
        # One row too many and one too few.
        ('1,2,8,2,a\r4,5,6,2,b\n3,4,5,2,"a\nb"\n6,7,8,2,1\n', [3, 5], [2]),
    ],
)
def test_line_ends_inside_a_row_shift_no_line_number(
    tmp_path: Path, text: str, lines: list[int], bad_lines: list[int]
) -> None:
    kept, rejected = read_text(tmp_path, f"{HEADER}\n{text}")
    assert [row[0] for row in kept] == lines
    assert [line for line, _ in rejected] == bad_lines


def test_the_last_line_counts_without_a_line_end_and_is_set_aside_where_it_is_cut(tmp_path: Path) -> None:
    assert read_text(tmp_path, f"{HEADER}\n1,2,8,2,1\n3,4,9,2,1") == ([(2, 1, 2, 8, 2), (3, 3, 4, 9, 2)], [])
    assert read_text(tmp_path, f"{HEADER}\n1,2,8,2,1\n3,4,9") == ([(2, 1, 2, 8, 2)], [(3, CUT)])


@pytest.mark.parametrize("damage", ["cut", "flipped", "no gzip", "empty"])
def test_a_damaged_gzip_file_is_refused_and_named(tmp_path: Path, damage: str) -> None:
    rows = "".join(f"{user},{user * 7 % 1000},8,2,1\n" for user in range(5000))
    content = gzip.compress(f"{HEADER}\n{rows}".encode())
    path = tmp_path / "animelist.csv.gz"
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]
    path.write_bytes({"cut": content[:middle], "flipped": flipped, "no gzip": b"plain text", "empty": b""}[damage])
    with pytest.raises(InputError, match=r"animelist\.csv\.gz: is (a broken or cut gzip file|empty)"):
        read_all(path)


GOOD_TEXT = f"{HEADER}\n" + "".join(
    f"{u},{a},{(u + a) % 11},{(1, 2, 3, 4, 6)[a % 5]},1\n" for u in range(9) for a in range(7)
)


def test_progress_is_told_in_bytes_up_to_the_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_source, "_BATCH_ROWS", 10)
    path = tmp_path / "animelist.csv"
    path.write_text(GOOD_TEXT, encoding="utf-8")
    told: list[int] = []
    read_all(path, told.append)
    assert len(told) > 1
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size
