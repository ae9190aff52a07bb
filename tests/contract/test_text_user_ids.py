"""Users whose ids are names, from lists to answers over HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx2 as httpx
import pytest

from models.bundle.reader import Bundle, read_bundle
from models.scoring.user_list import list_of_user
from models.store import Store
from tests.contract.test_training_to_bundle import TOLD, training
from tests.service.running import running
from tests.training.small_dump import LIST_HEADER, SmallDump, write_csv, write_small_dump
from training.lists.prepared import load_prepared
from training.lists.split import is_test_user

pytestmark = pytest.mark.timeout(600)


def name_of(number: int) -> str:
    """Call a user of the small dump otherwise: those who were in order are not any more."""
    return f"{number * 7919 % 1000} % Zoë/{number}?"


@dataclass(frozen=True)
class Run:
    """A run from lists to bundle."""

    dump: SmallDump
    work: Path
    store: Path
    bundle: Bundle


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("named")
    dump = write_small_dump(folder / "dump")
    told = [part for assignment in (*TOLD, "autoencoder.embedding_size=8") for part in ("--set", assignment)]
    places = ["--data", str(dump.folder), "--work", str(folder / "work"), "--store", str(folder / "store")]
    named = [(name_of(user), *rest) for user, *rest in dump.rows]
    write_csv(dump.folder / "animelist.csv", ("username", *LIST_HEADER[1:]), named)
    done = training("run", *places, *told)
    assert done.returncode == 0, done.stderr
    return Run(dump, folder / "work", folder / "store", read_bundle(Store(folder / "store").current_folder()))


@pytest.fixture(scope="module")
def client(run: Run) -> Iterator[httpx.Client]:
    with running(run.store) as url, httpx.Client(base_url=url) as client:
        yield client


def test_the_bundle_holds_the_list_of_every_name(run: Run) -> None:
    bundle = run.bundle
    assert bundle.user_ids.tolist() == sorted({name_of(row[0]) for row in run.dump.rows})
    found = [
        (bundle.user_ids[user_row].item(), int(bundle.anime_ids[anime_row]), rating)
        for user_row in range(bundle.n_users)
        for listed in [list_of_user(bundle, user_row)]
        for anime_row, rating in zip(listed.anime_rows.tolist(), listed.ratings.tolist(), strict=True)
    ]
    assert found == sorted((name_of(row[0]), row[1], row[2]) for row in run.dump.rows)


def test_a_tenth_tests_and_is_measured(run: Run) -> None:
    user_ids = load_prepared(run.work / "prepared").interactions.user_ids
    assert 1 <= is_test_user(user_ids).sum() <= 15
    assert "autoencoder, embedding" in run.bundle.manifest.metrics["methods"]


def test_every_name_is_answered_with_names(run: Run, client: httpx.Client) -> None:
    names = run.bundle.user_ids.tolist()
    for name in names[::7]:
        similar = client.get(f"/users/{quote(name, safe='')}/similar?limit=100").json()
        assert similar["user_id"] == name
        assert sorted([name, *(row["user_id"] for row in similar["data"])]) == names
        taste = [int(other.split("/")[1][:-1]) // 2 % 4 for other in (name, similar["data"][0]["user_id"])]
        recommended = client.get(f"/users/{quote(name, safe='')}/recommendations").json()
        assert recommended["user_id"] == name
        supporters = [one["user_id"] for anime in recommended["data"] for one in anime["supporters"]]
        assert set(supporters) <= set(names)
        assert taste[0] == taste[1]


def test_a_number_is_a_name_that_nobody_has(client: httpx.Client) -> None:
    problem = client.get("/users/3/similar").json()
    assert (problem["code"], problem["detail"]) == ("unknown_user", "user '3' is not in the model")
