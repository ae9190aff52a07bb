"""Both stages learned end to end, in a world where the second has something to learn."""

from pathlib import Path
from typing import Final

import numpy as np
import pytest

from models.bundle.layout import ITEM_ARRAYS, RERANKER_ARRAYS
from models.scoring.candidate_features import FEATURES
from tests.training.lists.test_prepare import prepare_folder
from tests.training.pretended import count_and_weigh
from tests.training.small_dump import SmallDump, write_small_dump
from training.embeddings.trained import TrainedNetwork
from training.errors import InputError
from training.evaluation.evaluate import evaluate
from training.evaluation.scorers import list_neighbours
from training.evaluation.served_scorers import ITEMS, RANKED, ItemsScorer, TwoStageScorer
from training.franchises.grouping import franchise_arrays
from training.item_weights.co_counts import co_counts
from training.lists.interactions import Interactions
from training.lists.prepared import Prepared
from training.lists.split import Split, split_interactions
from training.recommending.config import RerankerConfig
from training.recommending.network import fit_network
from training.recommending.stage import RecommenderModel, fit_recommender_model, load_recommender, save_recommender
from training.settings import RunSettings, make_settings

# Keras' own, on numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

QUICK: Final = [
    "items.n_weights=8",
    "items.l2=5",
    "reranker.n_candidates=20",
    "reranker.epochs=8",
    "reranker.n_networks=2",
    "reranker.first_width=16",
    "reranker.second_width=8",
]


def quick_settings(*assignments: str) -> RunSettings:
    return make_settings({}, [*QUICK, *assignments])


def drawn_network(lists: Interactions, seed: int = 0) -> TrainedNetwork:
    """Embeddings by chance: the nearest users are whoever they are."""
    rows = np.random.default_rng(seed).normal(size=(lists.n_anime, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    gains = np.ones(lists.n_anime, dtype=np.float32)
    return TrainedNetwork("autoencoder", rows, rows, gains, None, "normalised_sum", {}, {"loss": [1.0]}, 1.0)


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> SmallDump:
    return write_small_dump(tmp_path_factory.mktemp("tastes"), n_users=200)


@pytest.fixture(scope="module")
def prepared(dump: SmallDump) -> Prepared:
    return prepare_folder(dump.folder)[0]


@pytest.fixture(scope="module")
def split(prepared: Prepared) -> Split:
    return split_interactions(prepared.interactions)


@pytest.fixture(scope="module")
def network(prepared: Prepared) -> TrainedNetwork:
    return drawn_network(prepared.interactions)


def fit_model(prepared: Prepared, split: Split, network: TrainedNetwork, *assignments: str) -> RecommenderModel:
    settings = quick_settings(*assignments)
    counts, weights = count_and_weigh(split.train, settings.items)
    franchises = franchise_arrays(split.train, prepared.catalogue)
    return fit_recommender_model(prepared, split.train, network, counts, weights, franchises, settings)


@pytest.fixture(scope="module")
def model(prepared: Prepared, split: Split, network: TrainedNetwork) -> RecommenderModel:
    return fit_model(prepared, split, network)


def test_the_loss_falls_and_the_arrays_are_those_of_a_network(model: RecommenderModel, prepared: Prepared) -> None:
    loss = model.history["loss"]
    assert len(loss) == 8
    assert loss[-1] < loss[0]
    shapes = {name: model.arrays[name].shape for name in (*ITEM_ARRAYS, *RERANKER_ARRAYS)}
    n_anime, n_features = prepared.interactions.n_anime, len(FEATURES)
    assert {shapes[name] for name in ITEM_ARRAYS} == {(n_anime, 8)}
    expected = [(2, n_features), (2, n_features + 1, 16), (2, 17, 8), (2, 9)]
    assert [shapes[name] for name in RERANKER_ARRAYS] == expected
    assert all(model.arrays[name].dtype == np.float32 for name in RERANKER_ARRAYS)
    assert all(np.isfinite(model.arrays[name]).all() for name in (*ITEM_ARRAYS, *RERANKER_ARRAYS))


def test_both_stages_find_what_users_of_one_taste_have_in_common(
    model: RecommenderModel, prepared: Prepared, split: Split, network: TrainedNetwork
) -> None:
    reranker = model.reranker(model.facts(split.train, prepared.catalogue))
    assert reranker is not None
    two_stages = TwoStageScorer(reranker, list_neighbours(network, split.train))
    methods = evaluate([ItemsScorer(model.weights()), two_stages], split, [])["methods"]
    ndcg = {name: methods[name]["next_anime"]["ndcg_at_10"]["mean"] for name in (ITEMS, RANKED)}
    # Four tastes of ten anime each, of which eight are on a list: by chance it would be about 0.1.
    assert ndcg[ITEMS] > 0.5
    assert ndcg[RANKED] > 0.5


def test_one_seed_gives_the_same_arrays_and_another_seed_others(
    model: RecommenderModel, prepared: Prepared, split: Split, network: TrainedNetwork
) -> None:
    again = fit_model(prepared, split, network)
    assert again.digest() == model.digest()
    other = fit_model(prepared, split, network, "reranker.seed=1", "reranker.epochs=1")
    assert other.digest() != model.digest()
    # The first stage has nothing random in it.
    for name in ITEM_ARRAYS:
        np.testing.assert_array_equal(other.arrays[name], model.arrays[name])


def test_the_network_learns_which_feature_tells() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(64, 10, 3)).astype(np.float16)
    hidden = features[:, :, 1] == features[:, :, 1].max(axis=1, keepdims=True)
    scales = np.array([[0, 0, 0], [1, 1, 1]], dtype=np.float32)
    config = RerankerConfig(n_networks=2, first_width=8, second_width=4, epochs=12, batch_size=8, learning_rate=0.02)
    network, history = fit_network(features, hidden.astype(np.float32), scales, config)
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    fresh = rng.normal(size=(200, 10, 3)).astype(np.float32)
    logits = network.logits(fresh.reshape(-1, 3)).reshape(200, 10)
    assert (logits.argmax(axis=1) == fresh[:, :, 1].argmax(axis=1)).mean() > 0.6


@pytest.mark.parametrize(
    "few",
    [("reranker.max_training_users=0",), ("reranker.max_training_users=19", "reranker.n_cuts=0")],
    ids=["nobody", "nineteen"],
)
def test_of_too_few_teachers_there_are_item_weights_alone(
    model: RecommenderModel, prepared: Prepared, split: Split, network: TrainedNetwork, few: tuple[str, ...]
) -> None:
    alone = fit_model(prepared, split, network, *few)
    assert alone.history == {}
    assert alone.reranker(alone.facts(split.train, prepared.catalogue)) is None
    assert not len(alone.arrays["reranker_first"])
    np.testing.assert_allclose(alone.weights().values, model.weights().values, atol=1e-6)


def test_item_weights_of_the_model_are_those_of_the_lists(model: RecommenderModel, split: Split) -> None:
    seen = split.train.seen_matrix().toarray().astype(np.float64)
    counts = seen.T @ seen
    weights = model.weights()
    for target in (0, 13, 39):
        support = weights.rows[target]
        among = counts[np.ix_(support, support)] + np.diag(0.3 / 0.7 * np.diag(counts)[support] + 5.0)
        np.testing.assert_allclose(weights.values[target], np.linalg.solve(among, counts[support, target]), atol=1e-4)


def test_facts_count_those_who_train_and_no_plans(model: RecommenderModel, prepared: Prepared, split: Split) -> None:
    facts = model.facts(split.train, prepared.catalogue)
    seen = split.train.seen_matrix().toarray().sum(axis=0)
    np.testing.assert_allclose(facts.popularity, np.log((seen + 1.0) / (split.train.n_users + 1.0)), rtol=1e-5)
    assert facts.n_users == split.train.n_users


def test_a_recommender_reads_back(model: RecommenderModel, tmp_path: Path) -> None:
    save_recommender(tmp_path, model)
    loaded = load_recommender(tmp_path)
    assert loaded.digest() == model.digest()
    assert set(loaded.arrays) == set(model.arrays)
    for name in ("history", "seconds", "prepared_digest", "embeddings_digest", "settings"):
        assert getattr(loaded, name) == getattr(model, name)


@pytest.mark.parametrize("damage", ["missing", "no json", "no fields", "cut"])
def test_a_folder_without_a_recommender_says_how_to_make_one(
    model: RecommenderModel, tmp_path: Path, damage: str
) -> None:
    if damage != "missing":
        save_recommender(tmp_path, model)
        facts, array = tmp_path / "recommender.json", tmp_path / "reranker_first.npy"
        path, content = (
            (array, array.read_bytes()[:-1]) if damage == "cut" else (facts, b"{" if damage == "no json" else b"{}")
        )
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"holds no recommender .*; make one with `train`"):
        load_recommender(tmp_path)


def test_beside_other_embeddings_the_reranker_is_left_out_and_the_rest_stays(
    model: RecommenderModel, network: TrainedNetwork, prepared: Prepared
) -> None:
    assert model.with_embeddings_of(network) is model
    without = model.with_embeddings_of(drawn_network(prepared.interactions, seed=1))
    assert not len(without.arrays["reranker_first"])
    for name in set(model.arrays) - set(RERANKER_ARRAYS):
        np.testing.assert_array_equal(without.arrays[name], model.arrays[name])


def test_counting_a_fold_out_is_counting_the_others(split: Split) -> None:
    fold = np.arange(split.train.n_users) % 3 == 0
    without = co_counts(split.train) - co_counts(split.train.keep_users(fold))
    np.testing.assert_array_equal(without, co_counts(split.train.keep_users(~fold)))
