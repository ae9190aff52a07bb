"""Similar users of a model whose users are searched by an index: of more groups than a search looks into."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx2 as httpx
import numpy as np
import pytest

from models.errors import BundleCorruptError
from models.scoring.user_list import Status
from models.store import Store
from service.recommending.model import load_model
from tests.models.small_bundle import flip_byte, nearest_counted, user_index
from tests.service.running import running
from tests.service.small_bundle import N_USERS, make_arrays, make_manifest

N_KNOWN: Final = 10
ARRAYS: Final = make_arrays()
ARRAYS.update(user_index(ARRAYS["user_embeddings"], n_groups=30, n_nearest=N_KNOWN + 2, n_probed=16))
# The nearest are found approximately among many users: here everybody's second and fifth were missed.
ARRAYS["nearest_user_rows"] = np.delete(ARRAYS["nearest_user_rows"], [1, 4], axis=1)
ARRAYS.update(nearest_counted(ARRAYS, 5))
USER_IDS: Final[list[int]] = ARRAYS["user_ids"].tolist()


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    store = tmp_path_factory.mktemp("grouped")
    Store(store).publish(make_manifest(ARRAYS), ARRAYS)
    with running(store) as url, httpx.Client(base_url=url) as client:
        yield client


def _list_of(user_row: int) -> list[dict[str, int]]:
    """Give what a user has seen, as a list to post."""
    entries = slice(*ARRAYS["list_offsets"][user_row : user_row + 2].tolist())
    seen = ARRAYS["list_statuses"][entries] != Status.PLAN_TO_WATCH
    ids = ARRAYS["anime_ids"][ARRAYS["list_anime_rows"][entries][seen]].tolist()
    ratings, statuses = (ARRAYS[name][entries][seen].tolist() for name in ("list_ratings", "list_statuses"))
    return [
        {"anime_id": anime_id} | ({"status": status} if status else {}) | ({"rating": rating} if rating else {})
        for anime_id, rating, status in zip(ids, ratings, statuses, strict=True)
    ]


def _ask(client: httpx.Client, user_row: int, how: str, **parameters: Any) -> dict[str, Any]:
    if how == "known":
        answer = client.get(f"/users/{USER_IDS[user_row]}/similar", params=parameters)
    else:
        answer = client.post("/users/similar", json={"ratings": _list_of(user_row)}, params=parameters)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize("how", ["known", "posted"])
@pytest.mark.parametrize("limit", [1, 7, 10, 100])
def test_pages_of_similar_users_hold_everybody_once(grouped: httpx.Client, how: str, limit: int) -> None:
    everybody = [user_id for row, user_id in enumerate(USER_IDS) if how == "posted" or row != 5]
    ids: list[int] = []
    ranks: list[int] = []
    for offset in range(0, len(everybody), limit):
        page = _ask(grouped, 5, how, limit=limit, offset=offset)
        assert page["pagination"]["total"] == len(everybody)
        assert len(page["data"]) == min(limit, len(everybody) - offset)
        ids += [row["user_id"] for row in page["data"]]
        ranks += [row["rank"] for row in page["data"]]
    assert sorted(ids) == everybody
    assert ranks == list(range(1, len(everybody) + 1))


@pytest.mark.parametrize("order", ["most", "least"])
@pytest.mark.parametrize("how", ["known", "posted"])
def test_pages_of_any_size_are_cut_from_one_ranking(grouped: httpx.Client, how: str, order: str) -> None:
    whole = _ask(grouped, 5, how, limit=100, order=order)["data"]
    for offset, limit in ((0, 9), (9, 1), (9, 2), (10, 10), (3, 30), (38, 5)):
        page = _ask(grouped, 5, how, limit=limit, offset=offset, order=order)
        assert page["data"] == whole[offset : offset + limit]


@pytest.mark.parametrize("order", ["most", "least"])
@pytest.mark.parametrize("how", ["known", "posted"])
def test_nobody_is_similar_beyond_the_last_user(grouped: httpx.Client, how: str, order: str) -> None:
    total = N_USERS - (how == "known")
    for offset in (total, total + 1, 999_999, 1_000_000):
        page = _ask(grouped, 5, how, offset=offset, order=order)
        assert (page["data"], page["pagination"]["total"]) == ([], total)


@pytest.mark.parametrize("how", ["known", "posted"])
def test_beyond_the_nearest_that_were_found_users_come_in_exact_order(grouped: httpx.Client, how: str) -> None:
    similarities = (ARRAYS["user_embeddings"].astype(np.float64) @ ARRAYS["user_embeddings"][5]).tolist()
    data = _ask(grouped, 5, how, limit=100)["data"]
    for row in data:
        assert row["similarity"] == pytest.approx(similarities[USER_IDS.index(row["user_id"])], abs=2e-6)
    rest = [row["similarity"] for row in data[N_KNOWN:]]
    assert rest == sorted(rest, reverse=True)
    if how == "known":
        exact = sorted(set(range(N_USERS)) - {5}, key=lambda row: -similarities[row])
        known = [row for rank, row in enumerate(exact[: N_KNOWN + 2]) if rank not in {1, 4}]
        assert [row["user_id"] for row in data[:N_KNOWN]] == [USER_IDS[row] for row in known]


@pytest.mark.parametrize("place", [0.0, 0.01, 0.5, 1.0])
def test_a_flipped_byte_of_the_index_is_refused_by_name(tmp_path: Path, place: float) -> None:
    folder = Store(tmp_path).publish(make_manifest(ARRAYS), ARRAYS)
    path = folder / "user_index.npy"
    # 128 bytes of numpy's header come first.
    flip_byte(path, 128 + int(place * (path.stat().st_size - 129)))
    with pytest.raises(BundleCorruptError, match=r"user_index\.npy: has sha256"):
        load_model(folder)
