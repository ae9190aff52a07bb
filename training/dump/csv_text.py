"""Reads CSV as people write it, whatever its delimiter, encoding, compression and line ends, a line at a time."""

import codecs
import collections
import contextlib
import csv
import io
import itertools
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from training.errors import InputError

DELIMITERS: Final = {",": "comma", "\t": "tab", ";": "semicolon", "|": "vertical bar"}
UTF_8: Final = "utf-8-sig"
# What nobody writes into one cell of a dump; a quote that is still open after so many lines was never meant as one.
MAX_LINES: Final = 500

_SAMPLE_BYTES: Final = 1 << 20
_FIRST_ROWS: Final = 10
_OTHER_KINDS: Final = {
    b"PAR1": "Parquet",
    b"PK\3\4": "zip or Excel",
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}
_BYTE_ORDER_MARKS: Final = {codecs.BOM_UTF8: UTF_8, codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_BEYOND_ASCII: Final = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")
_NO_HEADER: Final = re.compile(r"(#.*|sep=.?)?", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\s*-?\d+([.,]\d+)?\s*")
_ONLY_DIGITS: Final = re.compile(r'[0-9,\t\r\n "+-]*')


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written."""

    header_line: int  # from 1; above it are blank lines, comments or Excel's "sep=;"
    header: list[str]  # a name for every cell of a row, "" where there is none
    delimiter: str
    encoding: str
    line_end: str  # "\n", also for "\r\n", or "\r"
    bytes_per_line: float  # of the file as it is, compressed or not; from its beginning

    only_digits: bool  # so far, below the header: no letter, no point

    @property
    def description(self) -> str:
        """How cells are separated, for errors."""
        if len(self.header) == 1:
            return f" (none of {', '.join(DELIMITERS.values())} separates its columns)"
        return f" (separated by {DELIMITERS[self.delimiter]})"


@contextlib.contextmanager
def open_bytes(path: Path) -> Iterator[Any]:
    """Open a file, .gz and .zst decompressed.

    Raises
    ------
    InputError
        If it turns out to be broken while it is read.
    OSError
        If it cannot be read.
    """
    codec, kind = {".gz": ("gzip", "gzip"), ".zst": ("zstd", "Zstandard")}.get(path.suffix, (None, ""))
    try:
        with pa.input_stream(str(path), compression=codec) if codec else path.open("rb") as file:
            yield file
    except OSError as error:
        if not codec:
            raise
        raise InputError(f"{path}: is a broken or cut {kind} file ({error}); fetch it again") from error


def find_dialect(path: Path, expected: Sequence[str]) -> Dialect:
    """Find out how a CSV file is written, from its first megabyte; `expected` are columns to name where it is none.

    Raises
    ------
    InputError
        If it is empty, is no CSV file or has no header.
    """
    with open_bytes(path) as file:
        sample = file.read(_SAMPLE_BYTES)
        whole = len(sample) < _SAMPLE_BYTES
    for mark, kind in _OTHER_KINDS.items():
        if sample.startswith(mark):
            raise InputError(f"{path}: is a {kind} file under the name of a CSV file")
    encoding = _find_encoding(sample, whole=whole)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(sample)
    if text.lstrip()[:1] in {"{", "[", "<"}:
        raise InputError(f"{path}: is {'XML or HTML' if text.lstrip()[0] == '<' else 'JSON'}, not CSV")
    line_end = "\n" if "\n" in text or "\r" not in text else "\r"
    lines = text.split(line_end)
    needed = f"a header with {', '.join(expected)} and rows below it"
    place = next((number for number, line in enumerate(lines) if not _NO_HEADER.fullmatch(line.strip())), None)
    if place is None:
        raise InputError(f"{path}: is empty; expected {needed}")
    lines = lines[place:]
    if len(lines) == 1 and not whole:
        raise InputError(f"{path}: a line of more than {len(sample) >> 20} MB; is this a CSV file? Expected {needed}")
    delimiter = max(DELIMITERS, key=lambda mark: len(_split(lines[0], mark)))
    if not _split(lines[0], delimiter):
        raise InputError(f"{path}: its first line is no CSV: {lines[0].strip()[:80]!r}; expected {needed}")
    rows = [_split(line, delimiter) for line in lines[1:_FIRST_ROWS] if line.strip()]
    header = _fit(_split(lines[0], delimiter), rows)
    if all(_NUMBER.fullmatch(name) for name in header):
        raise InputError(f"{path}: has no header, its first line is {lines[0].strip()[:80]}; expected {needed}")
    # How far the beginning is packed is about how far all of it is.
    packed = path.stat().st_size / len(sample) if whole else 0.25 if path.suffix in {".gz", ".zst"} else 1.0
    per_line = packed * len(sample) / len(lines)
    only_digits = place == 0 and _ONLY_DIGITS.fullmatch(text, len(lines[0])) is not None
    return Dialect(place + 1, header, delimiter, encoding, line_end, per_line, only_digits)


def write_plain(path: Path, dialect: Dialect, copy: Path) -> None:
    """Copy a CSV file from its header on, decompressed, as UTF-8 without old Macs' line ends."""
    with open_bytes(path) as file, copy.open("w", encoding="utf-8", newline="") as out:
        newline = None if dialect.line_end == "\r" else "\n"
        text = io.TextIOWrapper(file, dialect.encoding, errors="replace", newline=newline)
        collections.deque(itertools.islice(text, dialect.header_line - 1), maxlen=0)
        shutil.copyfileobj(text, out, _SAMPLE_BYTES)


def read_rows(path: Path, dialect: Dialect) -> Iterator[tuple[int, int, str, list[str]]]:
    """Yield line, number of lines, text and cells of every row below the header that is not blank.

    Cells may hold line ends within quotes. A row of another number of cells than the header has is yielded as it is,
    a row that is no CSV without cells.
    """
    with open_bytes(path) as file:
        text = io.TextIOWrapper(file, dialect.encoding, errors="replace", newline=dialect.line_end)
        lines = itertools.islice(text, dialect.header_line, None)
        ahead: collections.deque[str] = collections.deque()
        line = dialect.header_line + 1
        while (first := ahead.popleft() if ahead else next(lines, None)) is not None:
            row, n_lines, cells = first, 1, _parse(first, dialect.delimiter)
            if first.count('"') % 2 and not _parse(first, dialect.delimiter, strict=True):
                ahead.extend(itertools.islice(lines, MAX_LINES - len(ahead)))
                n_more = 1 + next((place for place, more in enumerate(ahead) if more.count('"') % 2), len(ahead))
                whole = first + "".join(itertools.islice(ahead, n_more))
                whole_cells = _parse(whole, dialect.delimiter, strict=True)
                # Else the quote was never meant as one, and the line stands alone.
                if len(whole_cells) == len(dialect.header):
                    row, n_lines, cells = whole, 1 + n_more, whole_cells
                    for _ in range(n_more):
                        ahead.popleft()
            if row.strip():
                yield line, n_lines, row.rstrip("\r\n"), cells
            line += n_lines


def _parse(text: str, delimiter: str, *, strict: bool = False) -> list[str]:
    try:
        lines = text.rstrip("\r\n").splitlines(keepends=True) if strict else [text.rstrip("\r\n")]
        return next(csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter != "\t", strict=strict), [])
    except csv.Error:
        return []


def _split(line: str, delimiter: str) -> list[str]:
    return [name.strip() for name in _parse(line, delimiter)]


def _fit(header: list[str], rows: list[list[str]]) -> list[str]:
    """Give every cell of the first rows a name: delimiters at the end of all rows, and R's row names, have none."""
    if len(rows) > 1 and {len(row) for row in rows} == {len(header) + 1}:
        if not any(row[-1] for row in rows):
            return [*header, ""]
        if [row[0] for row in rows] == [str(number) for number in range(1, len(rows) + 1)]:
            return ["", *header]
    if rows and not header[-1] and {len(row) for row in rows} == {len(header) - 1}:
        return header[:-1]
    return header


def _find_encoding(sample: bytes, *, whole: bool) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if sample.startswith(mark):
            return encoding
    if b"\0" in sample[:4]:
        return "utf-16-le" if sample[1:2] == b"\0" else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=whole)
    except UnicodeDecodeError:
        # A few bad bytes among good UTF-8 stay what they are; a text without any was written in Western Europe.
        return UTF_8 if _BEYOND_ASCII.search(sample) else "cp1252"
    return UTF_8
