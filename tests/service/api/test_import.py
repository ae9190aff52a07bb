"""POST /import: any list becomes what POST /recommendations takes."""

import gzip
import io
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from service.api import imports
from service.api.import_answers import ImportAnswer
from service.app import create_app
from service.importing.imports import import_list
from service.importing.matching import ImportedList
from service.importing.unpacking import MAX_BYTES
from service.recommending.model import LoadedModel
from service.settings import Settings
from tests.service.api.posted_lists import problem_of
from tests.service.running import running, serving

XML = b"""<?xml version="1.0"?><myanimelist><myinfo><user_name>x</user_name></myinfo>
<anime><series_animedb_id>1</series_animedb_id><series_title>Cowboy Bebop</series_title><my_score>9</my_score>
<my_status>Completed</my_status></anime>
<anime><series_animedb_id>4</series_animedb_id><my_score>0</my_score><my_status>Plan to Watch</my_status></anime>
</myanimelist>"""


def post_import(client: httpx.Client, body: bytes, content_type: str = "application/octet-stream") -> dict[str, Any]:
    """Send a file; give the answer, which has to keep its schema."""
    answer = client.post("/import", content=body, headers={"content-type": content_type})
    assert answer.status_code == 200, answer.text
    ImportAnswer.model_validate_json(answer.content, strict=True)
    assert answer.headers["cache-control"] == "no-store"
    imported: dict[str, Any] = answer.json()
    return imported


def _zipped(**files: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


@pytest.mark.parametrize(
    "body", [XML, gzip.compress(XML), _zipped(**{"list.xml": XML})], ids=["plain", "gzip", "zip"]
)
def test_an_export_can_be_posted_on_as_it_comes(client: httpx.Client, body: bytes) -> None:
    imported = post_import(client, body)
    assert imported["format"] == "myanimelist-xml"
    assert imported["ratings"] == [
        {"anime_id": 1, "rating": 9, "status": "completed"},
        {"anime_id": 4, "rating": None, "status": "plan_to_watch"},
    ]
    assert [one["title"] for one in imported["matched"]] == ["Cowboy Bebop", "Shingeki no Kyojin"]
    answer = client.post("/recommendations", json={"ratings": imported["ratings"]})
    assert answer.json()["list_summary"]["n_seen"] == 1


def test_a_form_is_read_like_the_file_alone(client: httpx.Client) -> None:
    answer = client.post("/import", files={"file": ("list.xml.gz", gzip.compress(XML))})
    assert answer.json() == post_import(client, XML)


@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "application/xml", "nonsense"])
def test_the_content_type_of_a_file_does_not_matter(client: httpx.Client, content_type: str) -> None:
    assert post_import(client, XML, content_type) == post_import(client, XML)


@pytest.mark.parametrize(
    ("content", "content_type", "received"),
    [
        (b"--x\r\n", "multipart/form-data", "a form without a boundary"),
        (b"nothing of the kind", "multipart/form-data; boundary=x", "a damaged form"),
        (
            b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--",
            "multipart/form-data; boundary=x",
            "none",
        ),
    ],
)
def test_a_form_without_a_file_is_refused(
    client: httpx.Client, content: bytes, content_type: str, received: str
) -> None:
    problem = problem_of(client.post("/import", content=content, headers={"content-type": content_type}))
    assert (problem.status, problem.code) == (422, "invalid_request")
    assert problem.errors
    assert problem.errors[0].received == received


def test_two_files_at_once_are_refused(client: httpx.Client) -> None:
    answer = client.post("/import", files=[("file", ("a.xml", XML)), ("file", ("b.xml", XML))])
    assert problem_of(answer).status == 422


def test_what_is_no_list_is_said_in_a_sentence(client: httpx.Client) -> None:
    problem = problem_of(client.post("/import", content=b"<!DOCTYPE html><html><body>Log in</body></html>"))
    assert (problem.status, problem.code) == (422, "unreadable_list")
    assert problem.detail == "this is a web page, not an exported list"


def test_uncertain_titles_stand_apart_with_all_that_is_needed_to_take_them(client: httpx.Client) -> None:
    imported = post_import(client, b"Cowboi Bebop - 9\nzzzzzz\nSpace Jazz\n")
    (uncertain,) = imported["uncertain"]
    assert (uncertain["place"], uncertain["title"], uncertain["rating"]) == (1, "Cowboi Bebop - 9", 9)
    assert uncertain["suggestion"] == {"anime_id": 1, "title": "Cowboy Bebop"}
    assert imported["unmatched"] == [
        {"place": 2, "title": "zzzzzz", "reason": "no title of this model is like it"},
    ]
    # A synonym of the bundle is a title like any other.
    assert imported["matched"] == [
        {"place": 3, "typed": "Space Jazz", "anime_id": 1, "title": "Cowboy Bebop", "relevance": 1.0}
    ]


def test_ids_of_other_sites_are_mapped_by_the_bundle(client: httpx.Client) -> None:
    rows = b'{"series_id": 1001, "series_type": 0, "score": 85, "status": 2}, {"series_id": 1099, "status": 2}'
    imported = post_import(client, b'{"lists": [%b]}' % rows)
    assert imported["ratings"] == [{"anime_id": 1, "rating": 9, "status": "completed"}]
    assert [one["reason"] for one in imported["unmatched"]] == ["anime 99999 is not in this model"]


def test_a_body_that_is_too_large_is_refused_before_all_of_it_came(client: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(200):
            yield b"x" * 1_000_000

    problem = problem_of(client.post("/import", content=endless()))
    assert (problem.status, problem.code) == (413, "body_too_large")
    problem = problem_of(client.post("/import", content=gzip.compress(b"x" * (MAX_BYTES + 1))))
    assert (problem.status, problem.detail) == (413, "unpacked, the file is larger than 20000000 bytes")


def test_a_body_that_is_gzipped_on_its_way_is_read(client: httpx.Client) -> None:
    body, encoding = gzip.compress(XML), {"content-encoding": "gzip"}
    assert client.post("/import", content=body, headers=encoding).status_code == 200
    problem = problem_of(client.post("/import", content=body, headers={"content-encoding": "br"}))
    assert (problem.status, problem.detail) == (415, "the body came as br, and is read as plain or gzip")


def test_query_parameters_are_refused(client: httpx.Client) -> None:
    assert problem_of(client.post("/import?format=csv", content=XML)).status == 422


def test_other_requests_do_not_wait_for_an_import(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def import_slowly(body: bytes, model: LoadedModel) -> ImportedList:
        begun.set()
        assert may_end.wait(60)
        return import_list(body, model)

    monkeypatch.setattr(imports, "import_list", import_slowly)
    app = create_app(Settings(), load=lambda: model)
    with serving(app) as url, ThreadPoolExecutor(1) as pool:
        importing = pool.submit(httpx.post, f"{url}/import", content=XML, timeout=60)
        try:
            assert begun.wait(60)
            body = {"ratings": [{"anime_id": 1, "rating": 9}]}
            answers = [httpx.get(f"{url}/anime?query=bebop"), httpx.post(f"{url}/recommendations", json=body)]
            assert [answer.status_code for answer in answers] == [200, 200]
            assert not importing.done()
        finally:
            may_end.set()
        assert importing.result(60).status_code == 200


def test_nothing_of_a_list_is_logged(store: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(store, log=log) as url:
        for body in (b"Secret Title - 3\n", b"<myanimelist><anime>&</anime>Secret", b'{"Secret'):
            httpx.post(f"{url}/import", content=body)
    written = log.read_text(encoding="utf-8")
    assert written.count("/import") == 3
    assert "Secret" not in written
