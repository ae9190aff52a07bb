"""Large answers are compressed for those who take that; nothing else is touched."""

import gzip
from collections.abc import Iterator

import httpx2 as httpx
import pytest

LARGE = "/users/12/recommendations?limit=100&collapse_franchise=false"
LARGER = "/openapi.json"


@pytest.fixture(scope="module")
def asked(service_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service_url, headers={"accept-encoding": "identity"}) as session:
        yield session


def _raw(client: httpx.Client, path: str, accepted: str) -> tuple[httpx.Headers, bytes]:
    with client.stream("GET", path, headers={"accept-encoding": accepted}) as answer:
        return answer.headers, b"".join(answer.iter_raw())


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5", "GZIP, deflate"])
def test_a_large_answer_is_the_same_once_unpacked(asked: httpx.Client, path: str, accepted: str) -> None:
    headers, plain = _raw(asked, path, "identity")
    assert "content-encoding" not in headers
    compressed_headers, compressed = _raw(asked, path, accepted)
    if len(plain) < 20_000:
        assert compressed == plain
        return
    assert headers["vary"] == compressed_headers["vary"] == "accept-encoding"
    assert compressed_headers["content-encoding"] == "gzip"
    assert int(compressed_headers["content-length"]) == len(compressed) < len(plain) / 3
    assert gzip.decompress(compressed) == plain


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip; q=0.000", "xgzip"])
def test_who_does_not_take_gzip_gets_none(asked: httpx.Client, accepted: str) -> None:
    headers, _ = _raw(asked, LARGER, accepted)
    assert "content-encoding" not in headers


def test_a_small_answer_is_left_as_it_is(asked: httpx.Client) -> None:
    headers, content = _raw(asked, "/anime/1", "gzip")
    assert "content-encoding" not in headers
    assert "vary" not in headers
    assert content.startswith(b"{")


def test_a_compressed_answer_is_revalidated_as_the_plain_one(asked: httpx.Client) -> None:
    for _ in range(2):  # computed, then remembered
        plain, _ = _raw(asked, LARGE, "identity")
        headers, content = _raw(asked, LARGE, "gzip")
        assert len(content) < int(plain["content-length"])
        assert headers["etag"] == f"W/{plain['etag']}"
        for etag in (headers["etag"], plain["etag"]):
            again = asked.get(LARGE, headers={"if-none-match": etag, "accept-encoding": "gzip"})
            assert (again.status_code, again.content) == (304, b"")
            assert "content-encoding" not in again.headers
