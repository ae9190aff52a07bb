"""Archives and encodings, within bounds."""

import gzip
import io
import zipfile

import pytest

from service.importing.unpacking import MAX_BYTES, decode, unpack
from service.recommending.errors import BodyTooLargeError, UnreadableListError
from tests.service.importing.lists_for_tests import imported


def zipped(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in files.items():
            # Of no time: examples are named by their bytes.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return written.getvalue()


@pytest.mark.parametrize("name", ["list.xml", "a/b/list.JSON", "list", "list.csv"])
def test_a_list_is_found_in_an_archive(name: str) -> None:
    files = {"readme.md": b"x", "__MACOSX/._list.xml": b"x", ".hidden.xml": b"x", name: b"Monster"}
    assert [document.content for document in unpack(zipped(files))] == [b"Monster"]


def test_gzip_is_unpacked_also_within_zip() -> None:
    packed = gzip.compress(b"Monster")
    assert unpack(packed)[0].content == unpack(zipped({"a.xml.gz": packed}))[0].content == b"Monster"


def test_of_several_files_the_longest_list_is_read_and_that_is_said() -> None:
    read = imported(
        zipped({"a.txt": b"Monster\nMushishi\nOverlord\n", "b.csv": b"title,score\nMonster,9\n", "c.xml": b"<html>"})
    )
    assert read.format == "csv"
    assert read.notes == ["Of the archive's 3 files, b.csv was read."]


def test_bombs_are_unpacked_to_the_bound_and_no_further() -> None:
    for bomb in (gzip.compress(b"\0" * (MAX_BYTES + 1)), zipped({"a.xml": b"\0" * MAX_BYTES, "b.xml": b"\0"})):
        assert len(bomb) < MAX_BYTES // 500
        with pytest.raises(BodyTooLargeError, match="unpacked"):
            unpack(bomb)
    assert len(unpack(gzip.compress(b"\0" * MAX_BYTES))[0].content) == MAX_BYTES


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (gzip.compress(b"Monster" * 1000, mtime=0)[:-20], "gzipped, and damaged"),
        (zipped({"a.xml": b"Monster" * 1000})[:-30], "zip archive is damaged"),
        (zipped({"a.xml": b"Monster" * 1000})[:60] + b"PK\x05\x06" + bytes(18), "holds no list|damaged"),
        (zipped({"a.png": b"x"}), "holds no list"),
        (zipped({f"{number}.xml": b"" for number in range(3000)}), "too many files"),
    ],
)
def test_damaged_archives_are_refused(body: bytes, fault: str) -> None:
    with pytest.raises(UnreadableListError, match=fault):
        unpack(body)


def test_an_archive_that_is_locked_is_refused() -> None:
    body = bytearray(zipped({"a.xml": b"Monster"}))
    # The flag of encryption, in the member's header and in the directory.
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(mark) + offset] |= 1
    with pytest.raises(UnreadableListError, match="locked by a password"):
        unpack(bytes(body))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Pokémon\nMonster", "utf-8"),
        ("Pokémon\nMonster", "utf-8-sig"),
        ("Pokémon\nMonster", "utf-16"),
        ("Monster\nPokémon", "utf-16-le"),
        ("Monster\nPokémon", "utf-16-be"),
        ("Pokémon – “Monster”\n" * 3, "cp1252"),
        ("進撃の巨人 9\nカウボーイビバップ 8\n", "cp932"),
        ("Атака титанов\nКовбой Бибоп\n", "cp1251"),
    ],
)
def test_an_encoding_is_found(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding))[0] == text


def test_encodings_are_found_also_where_the_first_other_letter_comes_late() -> None:
    text = "Monster\n" * 50_000 + "Pokémon\n"
    assert decode(text.encode("cp1252"))[0] == text


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        (b"%PDF-1.4", "a PDF"),
        (b"\x89PNG\r\n", "a picture"),
        (bytes(range(256)) * 100, "no text"),
    ],
)
def test_what_is_no_text_is_said(content: bytes, fault: str) -> None:
    with pytest.raises(UnreadableListError, match=fault):
        decode(content)
