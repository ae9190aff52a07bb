"""From the bytes of a file to texts: archives are unpacked within bounds, encodings found."""

import codecs
import gzip
import io
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from charset_normalizer import from_bytes

from service.recommending.errors import BodyTooLargeError, UnreadableListError

# The longest list in the wordiest form: a thousand bytes an entry.
MAX_BYTES: Final = 20_000_000
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
# What lists are called in archives; .gz is unpacked too.
_LIST_SUFFIXES: Final = {".xml", ".json", ".csv", ".tsv", ".txt", ".gz", ""}
_MAX_DIRECTORY_BYTES: Final = 100_000
_DAMAGED: Final = (
    OSError,
    EOFError,
    zlib.error,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    IndexError,
)
# Beginnings of files that are no lists, so that one can be told what it is.
_OTHER_FILES: Final = {
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"RIFF": "a picture or a recording",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\xfd7zXZ": "an xz archive",
    b"BZh": "a bzip2 archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"SQLite format 3": "a database",
    b"\xd0\xcf\x11\xe0": "an old Office document",
}
_SAMPLE: Final = 1 << 16
_PIECE: Final = 1 << 18
_GUESSED: Final = 5_000
_CONTROL: Final = bytes(set(range(0x20)) - set(b"\t\r\n\x0b\x0c"))
_ASCII: Final = bytes(range(0x80))
_ENCODINGS: Final = {"windows-1251", "windows-1252", "iso-8859-1", "shift_jis", "euc-jp", "gbk", "big5", "euc-kr"}
_ISOLATED: Final = ["cp1252", "cp932", "cp1251", "euc_jp", "gb18030", "cp949", "big5"]
_MENDED: Final = "export the list again as XML, JSON or CSV, or paste titles, one per line"


class Document(NamedTuple):
    """A file that may be a list."""

    name: str | None  # in its archive
    content: bytes


def unpack(body: bytes) -> list[Document]:
    """Unpack gzip and zip; anything else is a document already.

    Raises
    ------
    BodyTooLargeError
        If it unpacks to more than is read.
    UnreadableListError
        If an archive is damaged, or holds nothing that could be a list.
    """
    if body.startswith(_ZIP):
        return _unzip(body)
    return [Document(None, _gunzip(body) if body.startswith(_GZIP) else body)]


def _gunzip(body: bytes) -> bytes:
    try:
        content = gzip.GzipFile(fileobj=io.BytesIO(body)).read(MAX_BYTES + 1)
    except _DAMAGED as error:
        raise UnreadableListError("the file is gzipped, and damaged: it cannot be unpacked", _MENDED) from error
    if len(content) > MAX_BYTES:
        raise BodyTooLargeError(MAX_BYTES, "unpacked, the file")
    return content


def _unzip(body: bytes) -> list[Document]:
    # The directory is read whole, so its size is looked at first: it stands behind the last of these marks.
    end = body.rfind(b"PK\x05\x06")
    if end >= 0 and int.from_bytes(body[end + 12 : end + 16], "little") > _MAX_DIRECTORY_BYTES:
        raise UnreadableListError("the zip archive holds too many files", "send the list alone")
    documents, n_bytes = [], 0
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = [member for member in archive.infolist() if _may_be_list(member)]
            for member in members:
                with archive.open(member) as file:
                    content = file.read(MAX_BYTES + 1 - n_bytes)
                n_bytes += len(content)
                if n_bytes > MAX_BYTES:
                    raise BodyTooLargeError(MAX_BYTES, "unpacked, the file")
                if content.startswith(_GZIP):
                    content = _gunzip(content)
                documents.append(Document(member.filename[:100], content))
    except _DAMAGED as error:
        is_locked = isinstance(error, RuntimeError) and "encrypted" in str(error)
        fault = "locked by a password" if is_locked else "damaged: it cannot be unpacked"
        raise UnreadableListError(f"the zip archive is {fault}", _MENDED) from error
    if not documents:
        raise UnreadableListError("the zip archive holds no list (.xml, .json, .csv or .txt)", _MENDED)
    return documents


def _may_be_list(member: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(member.filename)
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return not (member.is_dir() or hidden) and path.suffix.lower() in _LIST_SUFFIXES


def decode(content: bytes) -> tuple[str, list[str]]:
    """Decode a document as UTF-8, as UTF-16 or what its letters are most like; give what has to be said of that.

    Raises
    ------
    UnreadableListError
        If it is no text.
    """
    if not content.strip():
        raise UnreadableListError("the file is empty", _MENDED)
    for beginning, what in _OTHER_FILES.items():
        if content.startswith(beginning):
            raise UnreadableListError(f"this is {what}, no list", _MENDED)
    encoding = _utf_16(content)
    if encoding:
        return _decode(content, encoding), []
    # Texts hold hardly any control characters; what is compressed or compiled holds one in ten.
    head = content[:_SAMPLE]
    if len(head.translate(None, _CONTROL)) < 0.98 * len(head) - 2:
        raise UnreadableListError("this is no text, and no archive that is known here", _MENDED)
    encoding, notes = _find_encoding(content)
    return _decode(content, encoding), notes


def _decode(content: bytes, encoding: str) -> str:
    # In pieces: other threads would wait for the whole of it.
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    starts = range(0, len(content), _PIECE)
    return "".join([decoder.decode(content[start : start + _PIECE]) for start in starts]) + decoder.decode(b"", True)


def _utf_16(content: bytes) -> str | None:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if content[1:4:2] == b"\0\0" and content[0]:
        return "utf-16-le"
    return "utf-16-be" if content[:4:2] == b"\0\0" and content[1] else None


def _find_encoding(content: bytes) -> tuple[str, list[str]]:
    """Find an encoding, and what has to be said of it."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        begin = max(error.start - _SAMPLE // 2, 0)
    else:
        return "utf-8-sig", []
    sample = b"\n".join([line for line in content[begin : begin + _SAMPLE].splitlines() if not line.isascii()])
    text = sample.decode("utf-8", "replace")
    n_bad = text.count("\ufffd")
    if n_bad * 2 <= len(text) - len(text.encode("ascii", "ignore")):
        return "utf-8-sig", ["Some bytes are no UTF-8; what they stood for was replaced by \ufffd."]
    encoding = _guess(content, sample)
    return encoding, [f"The file is no UTF-8; it was read as {encoding}."]


def _guess(content: bytes, sample: bytes) -> str:
    """Guess an encoding: the declared one, or the one that makes the most of lines that are not plain ASCII."""
    declared = content[:200].partition(b'encoding="')[2].partition(b'"')[0].decode("ascii", "replace").lower()
    if declared in _ENCODINGS:
        return declared
    # A few letters among many plain ones are accents; guessing would take them for anything.
    if len(sample.translate(None, _ASCII)) < 0.3 * len(sample):
        return "cp1252"
    best = from_bytes(sample[:_GUESSED], cp_isolation=_ISOLATED).best()
    return best.encoding if best else "cp1252"
