"""Files that are imported: read into a list that can be posted, or refused with what is wrong."""

import gzip
import io
import json
import zipfile
from typing import Any, Final

import orjson

from service.api.bodies import read_list
from service.api.import_answers import ImportAnswer
from service.api.imports import _import
from service.recommending.errors import ServiceError
from tests.chaos.fuzzing.inputs import literals
from tests.service.importing.lists_for_tests import MODEL
from tests.service.importing.test_json_lists import FORMS
from tests.service.importing.test_xml_lists import document, entry

WORDS: Final = (
    *(
        "<anime>",
        "</anime>",
        "<series_title>",
        "<![CDATA[",
        "]]>",
        "<my_score>",
        "<series_animedb_id>",
        "<?xml",
        "&#0;",
    ),
    *('"ratings"', '"media"', '"node"', '"data"', '"lists"', '"entries"', '"attributes"', '"show"', '"anime_id"'),
    *('"score"', '"status"', "Title,Score", "9/10", "85%", "★★★☆☆", "season 2", "https://myanimelist.net/anime/1"),
    *("PK\x03\x04", "PK\x05\x06", "1e999", "-0", "9223372036854775808", "\\ud800"),
)
_FORM: Final = "multipart/form-data; boundary=b"
_NAMES: Final = ("list.xml", "a/list.json", "list.csv.gz", ".hidden", "list.txt", "list.exe")
_BETWEEN: Final = b"\0\0"
_LONG: Final = 10_000


def seeds() -> list[bytes]:
    """Give files of all kinds, each in every wrapping."""
    texts = [json.dumps(content).encode() for _, content in FORMS]
    texts += [
        document(
            entry(1, "A &amp; B"), entry(4, "<![CDATA[C]]>", 0, "Dropped", "<my_rewatching>1</my_rewatching>")
        ).encode()
    ]
    texts += literals("tests/service/importing")
    return [bytes([place % 5]) + text for place, text in enumerate(texts)]


def run(data: bytes) -> None:
    """Import a file, and post what comes of it."""
    body, content_type = _wrapped(data[:1], data[1:])
    try:
        response = _import(MODEL, bytearray(body), content_type)
    except ServiceError:
        return
    answer: Any = orjson.loads(response.body)
    ImportAnswer.model_validate(answer)
    places = [one["place"] for name in ("matched", "unmatched", "uncertain") for one in answer[name]]
    assert sorted(places) == list(range(1, len(places) + 1)), "an entry is lost, or comes twice"
    assert read_list(orjson.dumps({"ratings": answer["ratings"]}), MODEL.catalogue).n_entries == len(
        answer["ratings"]
    )


def _wrapped(kind: bytes, text: bytes) -> tuple[bytes, str]:
    match kind:
        case b"\1":
            return gzip.compress(text, 1), "application/gzip"
        case b"\2":
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, part in zip(_NAMES, text.split(_BETWEEN), strict=False):
                    archive.writestr(name, part)
            return packed.getvalue(), "application/zip"
        case b"\3":
            head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="list"\r\n\r\n'
            return (text if text.startswith(b"--b") else head + text + b"\r\n--b--\r\n"), _FORM
        case b"\4" if text:
            # What takes too long shows in what is long.
            return text * (_LONG // len(text)), ""
        case _:
            return text, "application/octet-stream"
