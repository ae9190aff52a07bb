"""Files of a dump, of every kind: read into lists and a catalogue, or refused as an InputError says."""

import csv
import gzip
import io
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from tests.chaos.fuzzing.inputs import literals
from training.dump.files import find_dump
from training.dump.rejects import RejectedRows
from training.errors import InputError
from training.lists.prepare import prepare
from training.lists.thresholds import Thresholds
from training.similar_anime.truth import read_similar_truth

WORDS: Final = (
    *(
        "user_id",
        "anime_id",
        "rating",
        "watching_status",
        "MAL_ID",
        "Name",
        "username",
        "\r\n",
        ",,,",
        ";",
        "\t",
        '"',
        '""',
    ),
    *("\n=====\n", "0x10", "1e308", "nan", "-0", "9223372036854775808", "Unknown", "Jan 13, 2012", "12 min. per ep."),
    *("R+ - Mild Nudity", "Hentai", "1,234,567", "\ufeff", "\x00", "sep=;\n", "{'from': '2012-01-13'}"),
)
_BETWEEN: Final = b"\n=====\n"
_NAMES: Final = ("", "anime", "anime_with_synopsis", "recommendations", "franchises", "synonyms", "idmap")
_LISTS: Final = b"user_id,anime_id,rating,watching_status\n1,20,9,2\n1,30,0,6\n2,20,8,2\n2,30,7,1\n"
_CATALOGUE: Final = (
    b"MAL_ID,Name,Score,Genres,English name,Japanese name,Type,Episodes,Aired,Premiered,Studios,Source,Duration,"
    b'Rating,Members\n20,A,7.5,"Action, Drama",B,Unknown,TV,12,"Jan 13, 2012 to ?",Winter 2012,C,Manga,24 min.,'
    b'PG-13,"1,000"\n30,D,Unknown,Hentai,,,OVA,Unknown,2001,,Unknown,,1 hr. 3 min.,Rx - Hentai,5\n'
)
_MORE: Final = (
    b"MAL_ID,sypnopsis\n20,A story\n",
    b"anime_id,similar_anime_id,votes\n20,30,3\n30,20,2\n",
    b"anime_id,franchise_id\n20,1\n30,2\n",
    b"anime_id,title\n20,E\n30,F\n",
    b"mal_id,anilist_id,kitsu_id,anidb_id\n20,1,2,3\n30,,,4\n",
)
#: How a file is called and packed.
_KINDS: Final = (
    *(("animelist", ".csv"), ("rating_complete", ".csv"), ("animelist", ".tsv"), ("animelists_cleaned", ".txt")),
    *(("animelist", ".csv.gz"), ("rating", ".csv.zst"), ("animelist", ".parquet"), ("final_animedataset", ".csv")),
)


def seeds() -> list[bytes]:
    """Give whole dumps of each kind, the tests' own tables, and damaged archives."""
    whole = _BETWEEN.join((_LISTS, _CATALOGUE, *_MORE))
    tables = [text for text in literals("tests/training/dump") if text.count(b",") > 2]
    found = [bytes([kind, what]) + whole for kind in range(len(_KINDS)) for what in range(3)]
    found += [bytes([0, 0]) + text for text in tables]
    found += [bytes([0, 0]) + _LISTS + _BETWEEN + text for text in tables]
    return found + [bytes([kind, 3]) + _packed(_LISTS, _KINDS[kind][1]) for kind in (4, 5, 6)]


def run(data: bytes) -> None:
    """Read a dump whose files are written and packed as the first two bytes say."""
    kind, what = (*data[:2], 0, 0)[:2]
    name, suffix = _KINDS[kind % len(_KINDS)]
    texts = [*data[2:].split(_BETWEEN), *([b""] * len(_NAMES))]
    folder = Path(tempfile.mkdtemp(prefix="fuzzed-dump-"))
    try:
        for number, (file, text) in enumerate(zip((name, *_NAMES[1:]), texts, strict=False)):
            content = text or (_CATALOGUE if file == "anime" else b"")
            if content or not number:
                # Lists, or the catalogue, or all of them are of that kind; the last: as they are, under its name.
                packed = what % 4 == 2 or (number == what % 4 < 2)
                end = suffix if packed or (what % 4 == 3 and not number) else ".csv"
                (folder / f"{file}{end}").write_bytes(_packed(content, end) if packed else content)
        _read(folder)
    finally:
        shutil.rmtree(folder)


def _read(folder: Path) -> None:
    rejected = folder / "rejected.csv"
    try:
        with RejectedRows(rejected) as rejects:
            dump = find_dump(folder)
            dump = replace(dump, lists=replace(dump.lists, memory="200MB", spill_folder=folder))
            prepared = prepare(dump, Thresholds(0, None), rejects)
            read_similar_truth(dump, prepared.interactions.anime_ids, min_votes=1, min_pairs=1)
    except InputError:
        return
    with rejected.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, strict=True))
    assert len(rows) == 1 + rejects.counts.total()


def _packed(content: bytes, suffix: str) -> bytes:
    if suffix.endswith(".gz"):
        return gzip.compress(content, 1)
    if suffix.endswith(".zst"):
        return bytes(pa.compress(content, codec="zstd", asbytes=True)) if content else b""
    if suffix == ".parquet":
        return _as_parquet(content)
    return content


def _as_parquet(content: bytes) -> bytes:
    """Make a table of the rows that are as long as the first; columns of whole numbers become some."""
    try:
        header, *rows = csv.reader(content.decode("utf-8", "replace").replace("\0", "").splitlines(keepends=True))
    except (csv.Error, ValueError):  # no table
        return content
    columns = []
    for cells in zip(*[row for row in rows if len(row) == len(header)], strict=True):
        whole = all(cell.isascii() and cell.isdigit() and len(cell) < 19 for cell in cells)
        columns.append(pa.array([int(cell) for cell in cells] if whole else cells))
    file = io.BytesIO()
    pq.write_table(pa.table(columns or [pa.array([], pa.int64()) for _ in header], names=header), file)
    return file.getvalue()
