"""Precomputed answers: what is found is what was written, and nothing that is not to be trusted is used."""

import contextlib
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2 as httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from models.store import Store
from service.api.params import RecommendationsQuery
from service.api.recommendation_rendering import recommend
from service.app import create_app
from service.precompute.answers import pack, unpack
from service.precompute.files import (
    ABOUT_FILE,
    ANSWERS_FILE,
    OFFSETS_FILE,
    About,
    PrecomputedError,
    read_ahead,
    with_precomputed,
    write_precomputed,
)
from service.precompute.written_page import WrittenPage
from service.recommending.model import LoadedModel
from service.settings import Settings
from tests.service.running import wait_until
from tests.service.small_bundle import N_USERS, VERSION

TWENTY = RecommendationsQuery(limit=20)


def _precompute(store: Path, model: LoadedModel, query: RecommendationsQuery = TWENTY) -> Path:
    answers = ((row, recommend(model, row, query)) for row in range(N_USERS))
    return write_precomputed(store, About(model_version=model.version, query=query), N_USERS, answers)


def _served(store: Path) -> Iterator[httpx.Client]:
    with TestClient(create_app(Settings(store=store, access_log=False, answer_memory_mb=0))) as client:
        wait_until(lambda: client.get("/health/ready").status_code == 200)
        yield client


def test_what_lies_in_the_file_is_what_is_served(own_store: Path, loaded: LoadedModel) -> None:
    def answers() -> Iterator[tuple[int, WrittenPage]]:
        for row in range(N_USERS):
            page = recommend(loaded, row, TWENTY)
            # Not among those that are worked out once more.
            yield row, page._replace(total=4711) if row == 7 else page

    write_precomputed(own_store, About(model_version=loaded.version, query=TWENTY), N_USERS, answers())
    found = ["", "?limit=20", "?offset=19&limit=1"]
    worked_out = ["?limit=21", "?offset=19&limit=2", "?method=ranked", "?order=least", "?include_plan_to_watch=true"]
    for client in _served(own_store):
        for question in found + worked_out:
            answer = client.get(f"/users/37/recommendations{question}").json()
            assert (answer["pagination"]["total"] == 4711) == (question in found)


def test_a_damaged_answer_is_worked_out(own_store: Path, loaded: LoadedModel) -> None:
    folder = _precompute(own_store, loaded)
    start, end = np.load(folder / OFFSETS_FILE)[7:9].tolist()
    content = bytearray((folder / ANSWERS_FILE).read_bytes())
    content[(start + end) // 2] ^= 0x10
    (folder / ANSWERS_FILE).write_bytes(content)
    precomputed = with_precomputed(loaded, own_store).precomputed
    assert precomputed.find(7, TWENTY) is None
    assert precomputed.find(8, TWENTY) == recommend(loaded, 8, TWENTY)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _with_other_offsets(path: Path) -> None:
    np.save(path, np.load(path)[::-1])


def _saying(old: str, new: str) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        content = path.read_text(encoding="utf-8")
        assert old in content
        path.write_text(content.replace(old, new), encoding="utf-8")

    return spoil


def _without_a_brace(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"}", b"|", 1))


def _zipped(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, offsets=np.zeros(3))


def _beginning_like_a_zip(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04" + path.read_bytes()[4:])


def _of_int32(path: Path) -> None:
    np.save(path, np.load(path).astype(np.int32))


FAULTS: list[tuple[str, Callable[[Path], None], str]] = [
    (ABOUT_FILE, Path.unlink, r"about\.json: cannot be read: No such file"),
    (ABOUT_FILE, _cut, r"about\.json: JSON: Invalid JSON"),
    (ABOUT_FILE, _saying(VERSION, "20270101T000000Z-other-00000000"), "of model and software .'20270101"),
    (ABOUT_FILE, _saying('"software_version":"', '"software_version":"9'), "of model and software .*, '9"),
    (ABOUT_FILE, _saying('"genre":[]', '"genre":["Nonsense"]'), "cannot be understood: genre"),
    (ABOUT_FILE, _saying('"limit":20', '"limit":2000'), r"about\.json: query\.limit"),
    (OFFSETS_FILE, Path.unlink, r"offsets\.npy: cannot be read: No such file"),
    (OFFSETS_FILE, _cut, "offsets"),
    (OFFSETS_FILE, _without_a_brace, r"offsets\.npy: is no numpy array"),
    (OFFSETS_FILE, _zipped, r"offsets\.npy: is no numpy array"),
    (OFFSETS_FILE, _beginning_like_a_zip, r"offsets\.npy: is no numpy array"),
    (OFFSETS_FILE, _of_int32, r"offsets\.npy: is no array of 41 int64"),
    (OFFSETS_FILE, _with_other_offsets, "does not divide"),
    (ANSWERS_FILE, Path.unlink, r"answers\.bin: cannot be read: No such file"),
    (ANSWERS_FILE, _cut, "does not divide"),
]


@pytest.mark.parametrize(("name", "spoil", "fault"), FAULTS)
def test_damaged_files_are_said_and_not_used(
    own_store: Path,
    loaded: LoadedModel,
    name: str,
    spoil: Callable[[Path], None],
    fault: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    spoil(_precompute(own_store, loaded) / name)
    with pytest.raises(PrecomputedError, match=fault):
        with_precomputed(loaded, own_store)
    for client in _served(own_store):
        assert client.get("/users/7/recommendations").status_code == 200
    assert "precomputed answers are not used" in caplog.text


def test_whatever_byte_is_changed_nothing_but_a_refusal_comes_of_it(own_store: Path, loaded: LoadedModel) -> None:
    path = _precompute(own_store, loaded) / OFFSETS_FILE
    sound = path.read_bytes()
    # The header, and the first offsets.
    for position in range(160):
        for bit in (position % 8, (position + 3) % 8):
            content = bytearray(sound)
            content[position] ^= 1 << bit
            path.write_bytes(content)
            with contextlib.suppress(PrecomputedError), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # numpy warns of names for types that it once had
                with_precomputed(loaded, own_store)


def _precompute_off_by(difference: float, store: Path, model: LoadedModel) -> None:
    def answers() -> Iterator[tuple[int, WrittenPage]]:
        for row in range(N_USERS):
            page = recommend(model, row, TWENTY)
            written = [json.loads(own) for own in page.rows]
            written[3]["score"] += difference
            yield row, page._replace(rows=[json.dumps(own).encode() for own in written])

    write_precomputed(store, About(model_version=model.version, query=TWENTY), N_USERS, answers())


def test_answers_that_are_not_what_they_would_be_now_are_not_used(own_store: Path, loaded: LoadedModel) -> None:
    _precompute_off_by(0.01, own_store, loaded)
    with pytest.raises(PrecomputedError, match="the answer for user 2 is not what it would be now"):
        with_precomputed(loaded, own_store)


def test_last_digits_may_differ(own_store: Path, loaded: LoadedModel) -> None:
    _precompute_off_by(0.000002, own_store, loaded)
    assert with_precomputed(loaded, own_store).precomputed.n_answers == N_USERS


@pytest.mark.parametrize("some", [True, False], ids=["with answers", "without"])
def test_reading_ahead_changes_no_answer(own_store: Path, loaded: LoadedModel, *, some: bool) -> None:
    if some:
        _precompute(own_store, loaded)
    model = with_precomputed(loaded, own_store)
    before = [model.precomputed.find(row, TWENTY) for row in range(N_USERS)]
    read_ahead(model, own_store)
    assert [model.precomputed.find(row, TWENTY) for row in range(N_USERS)] == before


def test_a_model_without_any_has_none(own_store: Path, loaded: LoadedModel) -> None:
    assert with_precomputed(loaded, own_store).precomputed.find(0, RecommendationsQuery()) is None


def test_later_answers_take_the_place_of_earlier_ones_and_nothing_is_left_over(
    own_store: Path, loaded: LoadedModel
) -> None:
    _precompute(own_store, loaded)
    served = with_precomputed(loaded, own_store).precomputed
    (own_store / ".precomputing-dead").mkdir()
    _precompute(own_store, loaded, RecommendationsQuery(limit=5))
    assert with_precomputed(loaded, own_store).precomputed.query.limit == 5
    # Who served the earlier ones still has them.
    assert served.find(3, TWENTY) == recommend(loaded, 3, TWENTY)
    names = {path.name for path in own_store.iterdir()}
    assert names == {VERSION, f"{VERSION}-precomputed", "current", ".lock", ".precompute.lock"}
    assert Store(own_store).versions() == [VERSION]


def test_what_fails_midway_leaves_what_was_there(own_store: Path, loaded: LoadedModel) -> None:
    _precompute(own_store, loaded)

    def answers() -> Iterator[tuple[int, WrittenPage]]:
        yield 0, recommend(loaded, 0, TWENTY)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_precomputed(own_store, About(model_version=loaded.version, query=TWENTY), N_USERS, answers())
    assert with_precomputed(loaded, own_store).precomputed.n_answers == N_USERS
    assert not list(own_store.glob(".precomputing-*"))


def test_one_at_a_time(own_store: Path, loaded: LoadedModel) -> None:
    def answers() -> Iterator[tuple[int, WrittenPage]]:
        with pytest.raises(PrecomputedError, match="another process is precomputing"):
            _precompute(own_store, loaded)
        yield 0, recommend(loaded, 0, TWENTY)

    write_precomputed(own_store, About(model_version=loaded.version, query=TWENTY), N_USERS, answers())
    assert with_precomputed(loaded, own_store).precomputed.n_answers == 1


_json = st.binary(max_size=30).map(lambda content: json.dumps({"x": content.hex()}).encode())


@given(
    fields=_json,
    rows=st.lists(st.tuples(st.integers(0, 20_000), _json), max_size=12),
    offset=st.integers(0, 14),
    limit=st.integers(1, 14),
)
def test_any_part_of_a_packed_page_comes_back(
    fields: bytes, rows: list[tuple[int, bytes]], offset: int, limit: int
) -> None:
    page = WrittenPage(fields, [row for row, _ in rows], [own for _, own in rows], 0, 12, 345)
    part = unpack(pack(page), RecommendationsQuery(limit=limit, offset=offset))
    assert part == WrittenPage(
        fields, page.anime_rows[offset:][:limit], page.rows[offset:][:limit], offset, limit, 345
    )
