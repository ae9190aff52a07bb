"""Users whose ids are texts: every one of them can be asked for, and comes back as it was."""

import contextlib
import http.client
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx2 as httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.bundle.reader import Bundle, read_bundle
from models.store import Store
from service.api import answers
from service.app import create_app
from service.precompute import __main__ as precompute
from service.recommending.catalogue import row_of_user
from service.recommending.errors import UnknownUserError
from service.recommending.model import LoadedModel, Readiness, load_model
from service.settings import Settings
from tests.service.running import precomputed_of, running, serving
from tests.service.small_bundle import N_USERS, publish

STRANGE: Final = [
    "123", "007", "-5", str(2**64), "1.5", "a/b", "/", "//", "a b", " lead", "trail ", " ", "100%", "%2F", "%",
    "é", "e\u0301", "🍣", "..", ".", "a/../b", "similar", "x/similar", "x/recommendations", "line\nbreak", "\t",
    "a\0b", 'a "quote"', "back\\slash", "?limit=0", "#top", "a&b=c;d", "\u2028", "\ufeffbom", "<b>", "\x7f", "日本語",
    "f47ac10b-58cc-4372-a567-0e02b2c3d479", "x" * 200, "\U0010ffff" * 200,
]  # fmt: skip
IDS: Final = np.array(sorted(STRANGE))


def _get(url: str, user_id: str, what: str) -> tuple[int, Any]:
    """Ask as a client that changes nothing of a path: others take dots out of it, encoded ones too."""
    address = urlsplit(url)
    with contextlib.closing(
        http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
    ) as connection:
        connection.request("GET", f"/users/{quote(user_id, safe='')}/{what}")
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


@pytest.fixture(scope="module")
def text_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    publish(folder, user_ids=IDS)
    return folder


@pytest.fixture(scope="module")
def text_log(text_store: Path) -> Path:
    return text_store / "log"


@pytest.fixture(scope="module")
def text_url(text_store: Path, text_log: Path) -> Iterator[str]:
    with running(text_store, log=text_log) as url:
        yield url


def test_the_bundle_holds_them_mapped(text_store: Path) -> None:
    bundle = read_bundle(Store(text_store).current_folder())
    assert bundle.user_ids.tolist() == sorted(STRANGE)
    assert len(IDS) == N_USERS
    base = bundle.user_ids.base
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


@pytest.mark.parametrize("row", range(N_USERS), ids=[ascii(text)[:20] for text in IDS])
def test_every_user_is_answered_as_with_numbers_for_ids(text_url: str, client: httpx.Client, row: int) -> None:
    user_id = IDS[row].item()
    for what, kind in (
        ("similar?limit=39", answers.SimilarUsersAnswer),
        ("recommendations", answers.RecommendationsAnswer),
    ):
        status, answer = _get(text_url, user_id, what)
        assert status == 200, answer
        kind.model_validate(answer)
        assert answer["user_id"] == user_id
        with_number = client.get(f"/users/{5 * row + 2}/{what}").json()
        for rows in (with_number["data"], *(anime.get("supporters", []) for anime in with_number["data"])):
            for named in rows:
                if "user_id" in named:
                    named["user_id"] = IDS[(named["user_id"] - 2) // 5].item()
        assert answer["data"] == with_number["data"]


def test_a_slash_may_come_as_it_is(text_url: str) -> None:
    assert httpx.get(f"{text_url}/users/a/b/similar").json()["user_id"] == "a/b"
    assert httpx.get(f"{text_url}/users/x/similar/similar").json()["user_id"] == "x/similar"


@pytest.mark.parametrize(
    "user_id", ["nobody", "124", "E\u0301", "a\0", "a\0b\0", "x" * 199, "\U0010ffff" * 199 + "x"]
)
def test_an_unknown_text_is_not_found(text_url: str, user_id: str) -> None:
    status, problem = _get(text_url, user_id, "similar")
    assert (status, problem["code"]) == (404, "unknown_user")
    assert problem["detail"] == f"user {user_id[:100]!r} is not in the model"
    assert problem["hint"] == r"ids of users it knows: '\t', ' ', ' lead', ..."


def test_a_text_that_is_too_long_is_refused(text_url: str) -> None:
    status, problem = _get(text_url, "x" * 201, "recommendations")
    assert status == 422
    expected = {"parameter": "user_id", "expected": "text of at most 200 characters", "received": "x" * 100}
    assert problem["errors"] == [expected]


def test_a_number_is_no_text_and_a_text_no_number(text_store: Path, bundle: Bundle) -> None:
    # Golden answers of a forged manifest may name either.
    with pytest.raises(UnknownUserError, match="user 123 is not in the model"):
        row_of_user(read_bundle(Store(text_store).current_folder()), 123)
    with pytest.raises(UnknownUserError, match="user '12' is not in the model"):
        row_of_user(bundle, "12")


def test_no_text_is_no_path(text_url: str) -> None:
    assert _get(text_url, "", "similar")[1]["code"] == "unknown_path"


def test_requests_are_counted_by_route_and_logged_in_one_line(text_url: str, text_log: Path) -> None:
    _get(text_url, "line\nbreak", "similar")
    counted = httpx.get(f"{text_url}/metrics").text
    assert 'method="GET",route="/users/{user_id}/similar",status="200"' in counted
    assert "any_text" not in counted
    assert r"path='/users/line\nbreak/similar'" in text_log.read_text(encoding="utf-8")
    assert re.search(r"^break", text_log.read_text(encoding="utf-8"), re.MULTILINE) is None


@pytest.fixture(scope="module")
def swapped(text_store: Path) -> Iterator[tuple[str, Readiness, LoadedModel]]:
    """A service whose model a test may swap."""
    app = create_app(Settings(store=text_store, answer_memory_mb=0))
    with serving(app) as url:
        readiness: Readiness = app.state.readiness
        yield url, readiness, readiness.model()


# What numpy could not hold: it takes zeros at the end for padding.
TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200).filter(
    lambda text: not text.endswith("\0")
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=1, max_size=5, unique=True))
def test_any_text_is_found_and_comes_back(swapped: tuple[str, Readiness, LoadedModel], texts: list[str]) -> None:
    url, readiness, model = swapped
    # The others are called what nothing else is.
    ids = np.array(sorted({*texts, *(f"\U0010fffe{row}" for row in range(N_USERS))})[:N_USERS])
    readiness.accept(replace(model, bundle=replace(model.bundle, user_ids=ids)))
    for text in set(texts) & set(ids.tolist()):
        status, answer = _get(url, text, "similar?limit=39")
        assert (status, answer.get("user_id")) == (200, text), answer
        assert {row["user_id"] for row in answer["data"]} == set(ids.tolist()) - {text}


def test_answers_are_precomputed_for_texts(
    text_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "users.txt").write_text(" lead\ntrail \n\n\u2028\nnobody\n a/b\n", encoding="utf-8", newline="")
    command = ["--store", str(text_store), "--workers", "1", "--users", str(tmp_path / "users.txt")]
    assert precompute.main(command) == 0
    assert "2 of 5 users are not in the model and get no answer:  a/b, nobody" in capsys.readouterr().err
    model = load_model(Store(text_store).current_folder())
    rows = precomputed_of(model, text_store).user_rows()
    assert model.bundle.user_ids[rows].tolist() == [" lead", "trail ", "\u2028"]
