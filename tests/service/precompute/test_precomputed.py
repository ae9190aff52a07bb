"""Precomputed answers: what is found is what was written, and nothing that is not to be trusted is used."""

import contextlib
import json
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx2 as httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from models.store import Store
from service.api.params import RecommendationsQuery
from service.api.rendering import WrittenPage, recommend
from service.app import create_app
from service.precompute.answers import About, pack, unpack
from service.precompute.files import PrecomputedError, read_ahead, with_precomputed, write_precomputed
from service.recommending.model import LoadedModel
from service.settings import Settings
from tests.service.running import precomputed_of, wait_until
from tests.service.small_bundle import N_USERS, VERSION

TWENTY = RecommendationsQuery(limit=20)


def _precompute(store: Path, model: LoadedModel, query: RecommendationsQuery = TWENTY) -> Path:
    return _write(store, model, ((row, recommend(model, row, query)) for row in range(N_USERS)), query)


def _write(
    store: Path,
    model: LoadedModel,
    answers: Iterator[tuple[int, WrittenPage]],
    query: RecommendationsQuery = TWENTY,
) -> Path:
    about = About(model_version=model.version, query=query)
    digests = {row: b"%d %d" % (row, query.limit) for row in range(N_USERS)}
    return write_precomputed(store, about, digests, lambda rows: answers)


def _served(store: Path) -> Iterator[httpx.Client]:
    with TestClient(create_app(Settings(store=store, access_log=False, answer_memory_mb=0))) as client:
        wait_until(lambda: client.get("/health/ready").status_code == 200)
        yield client


def test_what_lies_in_the_file_is_what_is_served(own_store: Path, loaded: LoadedModel) -> None:
    def answers() -> Iterator[tuple[int, WrittenPage]]:
        for row in range(N_USERS):
            page = recommend(loaded, row, TWENTY)
            # Not among those that are computed once more.
            yield row, page._replace(total=4711) if row == 7 else page

    _write(own_store, loaded, answers())
    found = ["", "?limit=20", "?offset=19&limit=1"]
    worked_out = ["?limit=21", "?offset=19&limit=2", "?method=ranked", "?order=least", "?include_plan_to_watch=true"]
    for client in _served(own_store):
        for question in found + worked_out:
            answer = client.get(f"/users/37/recommendations{question}").json()
            assert (answer["pagination"]["total"] == 4711) == (question in found)


def _change(path: Path, statement: str, *values: object) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, values)


def _page(path: Path, user_row: int) -> bytes:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        content: bytes = connection.execute("SELECT page FROM answers WHERE user_row = ?", (user_row,)).fetchone()[0]
        return content


def _flip(content: bytes, place: int, bit: int = 4) -> bytes:
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


def test_a_damaged_answer_is_worked_out(own_store: Path, loaded: LoadedModel) -> None:
    path = _precompute(own_store, loaded)
    page = _page(path, 7)
    for place in (0, 4, len(page) // 2, len(page) - 1):
        _change(path, "UPDATE answers SET page = ? WHERE user_row = 7", _flip(page, place))
        precomputed = precomputed_of(loaded, own_store)
        assert precomputed.find(7, TWENTY) is None
        assert precomputed.find(8, TWENTY) == recommend(loaded, 8, TWENTY)


def test_the_answer_of_somebody_else_is_nobodys(own_store: Path, loaded: LoadedModel) -> None:
    path = _precompute(own_store, loaded)
    _change(path, "UPDATE answers SET page = ? WHERE user_row = 7", _page(path, 8))
    precomputed = precomputed_of(loaded, own_store)
    assert precomputed.find(7, TWENTY) is None
    assert precomputed.find(8, TWENTY) is not None


def _saying(old: str, new: str) -> Callable[[Path], None]:
    """Change what the file says of its answers, with a checksum that agrees."""

    def spoil(path: Path) -> None:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            content = connection.execute("SELECT content FROM about").fetchone()[0].decode()
        assert old in content
        changed = content.replace(old, new).encode()
        _change(path, "UPDATE about SET content = ?, checksum = ?", changed, zlib.crc32(changed))

    return spoil


def _doing(statement: str, *values: object) -> Callable[[Path], None]:
    return lambda path: _change(path, statement, *values)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40_000])


def _as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (_as_folder, "cannot be used: "),
    "empty": (lambda path: path.write_bytes(b""), "cannot be used: no such table: about"),
    "something else": (lambda path: path.write_bytes(b"x" * 9_000), "file is not a database"),
    "cut": (_cut, "cannot be used: database disk image is malformed"),
    "no table of answers": (_doing("DROP TABLE answers"), "cannot be used: no such table: answers"),
    "nothing said of them": (_doing("DELETE FROM about"), "what it says of its answers is damaged"),
    "another query": (
        _doing("UPDATE about SET content = CAST(replace(content, '20', '10') AS BLOB)"),
        "what it says of its answers is damaged",
    ),
    "text in place of bytes": (_doing("UPDATE about SET content = 'x'"), "cannot be used: a bytes-like object"),
    "another model": (_saying(VERSION, "20270101T000000Z-other-00000000"), "of model and software .'20270101"),
    "another release": (_saying('"software_version":"', '"software_version":"9'), "of model and software .*, '9"),
    "an unknown genre": (_saying('"genre":[]', '"genre":["Nonsense"]'), "cannot be understood: genre"),
    "a limit out of bounds": (_saying('"limit":20', '"limit":2000'), r"query\.limit"),
    "a damaged first answer": (_doing("UPDATE answers SET page = x'00' WHERE user_row = 0"), "row 0 is damaged"),
    "a damaged last answer": (_doing("UPDATE answers SET page = 5 WHERE user_row = 39"), "row 39 is damaged"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_file_is_said_and_not_used(
    own_store: Path, loaded: LoadedModel, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    spoil, said = FAULTS[fault]
    spoil(_precompute(own_store, loaded))
    with pytest.raises(PrecomputedError, match=said):
        with_precomputed(loaded, own_store)
    for client in _served(own_store):
        assert client.get("/users/7/recommendations").status_code == 200
    assert "precomputed answers are not used" in caplog.text


def test_whatever_byte_is_changed_no_wrong_answer_comes_of_it(own_store: Path, loaded: LoadedModel) -> None:
    path = _precompute(own_store, loaded)
    sound = path.read_bytes()
    right = [recommend(loaded, row, TWENTY) for row in range(N_USERS)]
    # The header of the file and of each page with where its rows are, the tables' own texts, and a few of everything.
    page_size = 16_384
    places = {start + near for start in range(0, len(sound), page_size) for near in range(20)}
    places |= {*range(page_size - 400, page_size, 7), *range(0, len(sound), 1_999)}
    n_refused = n_missing = 0
    for changed in (sound[:-1], *(_flip(sound, place, place % 8) for place in sorted(places))):
        path.write_bytes(changed)
        try:
            precomputed = precomputed_of(loaded, own_store)
        except PrecomputedError:
            n_refused += 1
            continue
        found = [precomputed.find(row, TWENTY) for row in range(N_USERS)]
        assert all(one in (None, right[row]) for row, one in enumerate(found))
        n_missing += None in found
    assert n_refused > 50
    assert n_missing > 50


def _precompute_off_by(difference: float, store: Path, model: LoadedModel) -> None:
    def answers() -> Iterator[tuple[int, WrittenPage]]:
        for row in range(N_USERS):
            page = recommend(model, row, TWENTY)
            written = [json.loads(own) for own in page.rows]
            written[3]["score"] += difference
            yield row, page._replace(rows=[json.dumps(own).encode() for own in written])

    _write(store, model, answers())


def test_answers_that_are_not_what_they_would_be_now_are_not_used(own_store: Path, loaded: LoadedModel) -> None:
    _precompute_off_by(0.01, own_store, loaded)
    with pytest.raises(PrecomputedError, match="the answer for user 2 is not what it would be now"):
        with_precomputed(loaded, own_store)


def test_last_digits_may_differ(own_store: Path, loaded: LoadedModel) -> None:
    _precompute_off_by(0.000002, own_store, loaded)
    assert precomputed_of(loaded, own_store).n_answers == N_USERS


def test_reading_ahead_changes_no_answer(own_store: Path, loaded: LoadedModel) -> None:
    read_ahead(loaded, own_store)
    _precompute(own_store, loaded)
    answers = precomputed_of(loaded, own_store)
    before = [answers.find(row, TWENTY) for row in range(N_USERS)]
    read_ahead(replace(loaded, precomputed=answers), own_store)
    assert [answers.find(row, TWENTY) for row in range(N_USERS)] == before


def test_a_model_without_any_has_none(own_store: Path, loaded: LoadedModel) -> None:
    assert with_precomputed(loaded, own_store).precomputed is None


def test_later_answers_take_the_place_of_earlier_ones_and_nothing_is_left_over(
    own_store: Path, loaded: LoadedModel
) -> None:
    _precompute(own_store, loaded)
    served = precomputed_of(loaded, own_store)
    (own_store / ".precomputing").write_bytes(b"of a process that was killed")
    _precompute(own_store, loaded, RecommendationsQuery(limit=5))
    assert precomputed_of(loaded, own_store).query.limit == 5
    # Who served the earlier ones still has them.
    assert served.find(3, TWENTY) == recommend(loaded, 3, TWENTY)
    names = {path.name for path in own_store.iterdir()}
    assert names == {VERSION, f"{VERSION}-precomputed.sqlite", "current", ".lock", ".precompute.lock"}
    assert Store(own_store).versions() == [VERSION]


def test_what_fails_midway_leaves_what_was_there(own_store: Path, loaded: LoadedModel) -> None:
    _precompute(own_store, loaded)

    def answers() -> Iterator[tuple[int, WrittenPage]]:
        yield 0, recommend(loaded, 0, TWENTY)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        _write(own_store, loaded, answers())
    assert precomputed_of(loaded, own_store).n_answers == N_USERS
    assert not (own_store / ".precomputing").exists()


def test_one_at_a_time(own_store: Path, loaded: LoadedModel) -> None:
    def answers() -> Iterator[tuple[int, WrittenPage]]:
        with pytest.raises(PrecomputedError, match="another process is precomputing"):
            _precompute(own_store, loaded)
        yield 0, recommend(loaded, 0, TWENTY)

    _write(own_store, loaded, answers())
    assert precomputed_of(loaded, own_store).n_answers == 1


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
    part = unpack(pack(page, 7), 7, RecommendationsQuery(limit=limit, offset=offset))
    assert part == WrittenPage(
        fields, page.anime_rows[offset:][:limit], page.rows[offset:][:limit], offset, limit, 345
    )
