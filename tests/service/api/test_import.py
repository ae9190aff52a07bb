"""POST /import: any list becomes what POST /recommendations takes."""

import gzip
import io
import zipfile
from typing import Any

import httpx2 as httpx
import pytest

from service.api.import_answers import ImportAnswer
from tests.service.api.posted_lists import problem_of

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
