"""Answers taken over from an earlier model are the bytes that would be computed; all others are computed."""

import contextlib
import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.bundle.layout import LAYOUT
from models.bundle.manifest import FileEntry
from models.bundle.reader import Bundle, read_bundle
from models.store import Store
from service.api.params import RecommendationsQuery
from service.api.rendering import recommend
from service.precompute import __main__ as precompute
from service.precompute import pool
from service.precompute.answers import pack
from service.precompute.earlier import answer_digests
from service.precompute.files import precomputed_file
from service.recommending.model import LoadedModel, build_model, load_model
from tests.service.small_bundle import make_arrays, make_manifest

Arrays = dict[str, NDArray[Any]]

# More than the nearest users that most methods look at.
N_USERS = 160
FIRST, SECOND = "20260101T000000Z-small-00000000", "20260102T000000Z-small-11111111"
USER = 7
QUERIES = {
    "ranked": RecommendationsQuery(),
    "items": RecommendationsQuery(method="items"),
    "embedding, diverse": RecommendationsQuery(method="embedding", diversity=0.5),
    "items, novel": RecommendationsQuery(method="items", novelty=0.5),
    "items, old": RecommendationsQuery(method="items", year_to=2005, min_members=5_000, min_score=6.0),
    "top-quarter": RecommendationsQuery(method="neighbours", rule="top-quarter"),
    "weighted": RecommendationsQuery(method="neighbours"),
    "new": RecommendationsQuery(method="items", include_new=True),
}


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    return make_arrays(n_users=N_USERS)


def _model(arrays: Arrays) -> LoadedModel:
    files = [
        FileEntry(name=f"{spec.name}.npy", shape=(), dtype="", n_bytes=0, sha256=f"{_sum(arrays[spec.name]):064x}")
        for spec in LAYOUT
    ]
    manifest = make_manifest(make_arrays()).model_copy(update={"files": files})
    return build_model(Bundle(manifest=manifest, **arrays))


def _sum(array: NDArray[Any]) -> int:
    return zlib.crc32(array.tobytes())


def _change(name: str, array: NDArray[Any], offsets: NDArray[np.int64]) -> NDArray[Any]:
    """Change an array in a few places, if it is of users of one user, so that it is what a bundle might hold."""
    array = array.copy()
    listed = slice(*offsets[USER : USER + 2].tolist())
    match name:
        case "user_ids":
            array[USER] += 1
        case "user_embeddings" | "nearest_similarities":
            array[USER] *= 0.9
        case "nearest_user_rows":
            array[USER] = array[USER][::-1]
        case "nearest_in_common":
            array[USER] += 1
        case "list_anime_rows":
            array[listed] = np.sort(np.setdiff1d(np.arange(60), array[listed])[: listed.stop - listed.start])
        case "list_ratings" | "list_statuses":
            array[listed] = np.roll(array[listed], 1)
        case "cards":
            array = np.frombuffer(array.tobytes().replace(b"Steins;Gate", b"Gates;Stein"), dtype=np.uint8)
        case _:
            array = array * np.float32(1.01) if array.dtype.kind == "f" else np.roll(array, 1, axis=0)
    return array


# Held by what they belong to, or by one another; one group of users has no index.
NOT_CHANGED = ("anime_ids", "user_index", "_offsets", "new_cards", "list_new_rows", "franchise_codes", "_positions")


@pytest.mark.parametrize("asked", QUERIES)
def test_answers_with_the_same_digest_are_the_same_whatever_changes(arrays: Arrays, asked: str) -> None:
    # Weights are fitted slowly.
    query, rows = QUERIES[asked], [USER] if asked == "weighted" else [USER, *range(0, N_USERS, 10)]
    before = _model(arrays)
    digests = answer_digests(before, query, range(N_USERS))
    answers = {row: recommend(before, row, query) for row in rows}
    n_same, differ = {}, set()
    for spec in LAYOUT:
        if spec.name.endswith(NOT_CHANGED):
            continue
        changed = _change(spec.name, arrays[spec.name], arrays["list_offsets"])
        assert not np.array_equal(changed, arrays[spec.name]), spec.name
        after = _model(arrays | {spec.name: changed})
        now = answer_digests(after, query, range(N_USERS))
        n_same[spec.name] = sum(now[row] == digests[row] for row in range(N_USERS))
        for row in rows:
            answer = recommend(after, row, query)
            if answer != answers[row]:
                differ.add(spec.name)
                # Of users whom nothing is known of the popular is not taken over.
                assert now[row] != digests[row] or b'"popular"' in answer.fields, (spec.name, row)
    # The digests are of use: they hold what an answer depends on, and not much more.
    assert {"list_ratings", "list_statuses"} <= differ
    assert n_same["similar_rows"] == n_same["synonyms"] == n_same["id_map"] == N_USERS
    is_plain = asked in {"items", "embedding, diverse", "items, old", "top-quarter"}
    assert n_same["popularity"] == n_same["favorites"] == (N_USERS if is_plain else 0)
    assert (0 < n_same["list_ratings"] < N_USERS) == (asked not in {"weighted", "new"})


def _publish(store: Path, arrays: Arrays, version: str) -> None:
    Store(store).publish(make_manifest(arrays, version=version), arrays)


def _updated(arrays: Arrays) -> Arrays:
    """Do what an update does: another list, popularity counted anew."""
    listed = slice(*arrays["list_offsets"][USER : USER + 2].tolist())
    ratings, popularity = arrays["list_ratings"].copy(), arrays["popularity"].copy()
    ratings[listed] = np.roll(ratings[listed], 1)
    popularity[::2] += 30
    return arrays | {"list_ratings": ratings, "popularity": popularity}


def _answers(store: Path, version: str) -> dict[int, bytes]:
    with contextlib.closing(sqlite3.connect(precomputed_file(store, version))) as connection:
        return dict(connection.execute("SELECT user_row, page FROM answers"))


def _expected(store: Path, version: str, query: RecommendationsQuery) -> dict[int, bytes]:
    model = load_model(store / version)
    return {row: pack(recommend(model, row, query), row) for row in range(N_USERS)}


@pytest.fixture
def updated_store(tmp_path: Path, arrays: Arrays) -> Callable[[str], Path]:
    """Give a store with precomputed answers to a query, and then another model."""

    def make(query: str) -> Path:
        _publish(tmp_path, arrays, FIRST)
        assert precompute.main(["--store", str(tmp_path), "--query", query, "--workers", "1"]) == 0
        _publish(tmp_path, _updated(arrays), SECOND)
        return tmp_path

    return make


def test_answers_of_users_whom_an_update_did_not_touch_are_taken_over(
    updated_store: Callable[[str], Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = updated_store("method=items&limit=5")
    asked: list[int] = []

    def count(work: Any, rows: list[int], *arguments: Any) -> Any:
        asked.extend(rows)
        return compute(work, rows, *arguments)

    compute = pool.work_out
    monkeypatch.setattr(precompute, "work_out", count)
    assert precompute.main(["--store", str(store), "--query", "method=items&limit=5", "--workers", "1"]) == 0
    said = capsys.readouterr().err
    assert f"{N_USERS - len(asked)} answers are the same as in {FIRST}-precomputed.sqlite" in said
    near = np.any(read_bundle(store / SECOND).nearest_user_rows[:, :50] == USER, axis=1)
    assert asked == sorted({USER, *np.flatnonzero(near).tolist()})
    assert _answers(store, SECOND) == _expected(store, SECOND, RecommendationsQuery(method="items", limit=5))
    # Asked for once more there is nothing to do.
    asked.clear()
    assert precompute.main(["--store", str(store), "--query", "method=items&limit=5"]) == 0
    assert asked == []


def test_all_are_computed_where_popularity_counts(
    updated_store: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    store = updated_store("limit=5")
    assert precompute.main(["--store", str(store), "--query", "limit=5", "--workers", "1"]) == 0
    assert f"no answer in {FIRST}-precomputed.sqlite is certain to be the same now" in capsys.readouterr().err
    assert _answers(store, SECOND) == _expected(store, SECOND, RecommendationsQuery(limit=5))


def _alter(path: Path, change: Callable[[bytes, int], bytes]) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        pages = connection.execute("SELECT user_row, page FROM answers").fetchall()
        connection.executemany(
            "UPDATE answers SET page = ? WHERE user_row = ?", [(change(page, r), r) for r, page in pages]
        )


def _as_another_machine(page: bytes, row: int) -> bytes:
    packed = zlib.compress(zlib.decompress(page[4:]).replace(b'"score":1', b'"score":2').replace(b"0,", b"1,"))
    return zlib.crc32(packed, row).to_bytes(4, "big") + packed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_as_another_machine, "is certain to be the same now"),
        (lambda page, row: page[:-1] + bytes([page[-1] ^ 1]), "answers are the same"),
    ],
    ids=["computed otherwise", "damaged"],
)
def test_earlier_answers_that_cannot_be_trusted_are_computed(
    updated_store: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
    change: Callable[[bytes, int], bytes],
    words: str,
) -> None:
    store = updated_store("method=items&limit=5")
    _alter(precomputed_file(store, FIRST), change)
    assert precompute.main(["--store", str(store), "--query", "method=items&limit=5", "--workers", "1"]) == 0
    assert words in capsys.readouterr().err
    assert _answers(store, SECOND) == _expected(store, SECOND, RecommendationsQuery(method="items", limit=5))
