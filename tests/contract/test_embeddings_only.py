"""A run of embeddings only, and what the service offers with it."""

import httpx2 as httpx
import pytest

from models.bundle.reader import Bundle, read_bundle
from models.store import Store
from tests.contract.test_training_to_bundle import TOLD, training
from tests.service.running import running
from tests.training.small_dump import write_small_dump

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("run")
    dump = write_small_dump(folder / "dump")
    told = [part for assignment in (*TOLD, "autoencoder.embedding_size=8") for part in ("--set", assignment)]
    places = ["--data", dump.folder, "--work", folder / "work", "--store", folder / "store"]
    done = training("run", *places, "--only", "embeddings", *told)
    assert done.returncode == 0, done.stderr
    return Store(folder / "store")


@pytest.fixture(scope="module")
def bundle(store: Store) -> Bundle:
    return read_bundle(store.current_folder())


def test_nothing_is_ranked_and_embeddings_answer_by_default(bundle: Bundle) -> None:
    assert bundle.item_weight_rows.shape == (bundle.n_anime, 0)
    assert bundle.similar_rows.shape == (bundle.n_anime, 0)
    assert not len(bundle.reranker_first)
    assert bundle.manifest.default_methods.recommendations == "embedding"
    assert bundle.manifest.default_methods.similar_anime == "embedding"
    assert "autoencoder, embedding" in bundle.manifest.metrics["methods"]


def test_there_are_golden_answers_for_what_is_served_and_for_nothing_else(bundle: Bundle) -> None:
    golden = bundle.manifest.golden
    assert {(answer.kind, answer.method, answer.rule) for answer in golden} == {
        ("similar_anime", "embedding", None),
        ("similar_users", "embedding", None),
        ("recommendations", "embedding", None),
        ("recommendations", "popular", None),
        ("recommendations", "neighbours", "top-quarter"),
        ("recommendations", "neighbours", "weighted"),
    }
    of_users = [answer for answer in golden if answer.kind != "similar_anime"]
    assert len(of_users) == 10
    assert sum(answer.unseen for answer in of_users) == 5


def test_the_service_offers_embedding_and_neighbours_and_refuses_the_rest(store: Store, bundle: Bundle) -> None:
    user, anime = int(bundle.user_ids[0]), int(bundle.anime_ids[0])
    with running(store.root) as url, httpx.Client(base_url=url) as client:
        assert client.get(f"/anime/{anime}/similar").json()["method"] == "embedding"
        assert client.get(f"/users/{user}/similar").json()["data"]
        for method in ("", "?method=embedding", "?method=neighbours"):
            answer = client.get(f"/users/{user}/recommendations{method}")
            assert answer.status_code == 200
            assert answer.json()["method"] == (method.partition("=")[2] or "embedding")
        for path in (f"/users/{user}/recommendations?method=items", f"/anime/{anime}/similar?method=ranked"):
            refused = client.get(path)
            assert refused.status_code == 422
            assert "that this model has" in refused.text
