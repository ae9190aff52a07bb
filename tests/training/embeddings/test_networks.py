"""The networks: built as described, repeatable, and they learn what was planted."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.scoring.ranking import top_k_rows
from tests.training.interactions_for_tests import make_interactions
from tests.training.lists.test_prepare import prepare_folder
from tests.training.small_dump import SmallDump, write_small_dump
from training.embeddings import autoencoder as autoencoder_module
from training.embeddings import rating
from training.embeddings.autoencoder import UnitEmbeddings
from training.embeddings.config import AutoencoderConfig, RatingConfig
from training.embeddings.content import Content, read_content
from training.embeddings.rating import build_rating_network, fit_rating
from training.embeddings.stage import networks_to_train, train_network
from training.embeddings.teacher import fit_teacher
from training.embeddings.trained import TrainedNetwork, load_trained, save_trained, unit_rows
from training.errors import InputError
from training.item_weights.co_counts import co_counts
from training.item_weights.config import ItemsConfig
from training.lists.interactions import Interactions
from training.lists.split import split_interactions
from training.settings import make_settings

# Keras' own, on numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

QUICK = AutoencoderConfig(embedding_size=8, epochs=30, batch_size=16, learning_rate=0.05, seed=1)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> SmallDump:
    return write_small_dump(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def lists(planted: SmallDump) -> Interactions:
    return make_interactions([row[:4] for row in planted.rows])


def fit_autoencoder(lists: Interactions, config: AutoencoderConfig, content: Content | None = None) -> TrainedNetwork:
    teacher = fit_teacher(co_counts(lists), ItemsConfig())
    return autoencoder_module.fit_autoencoder(lists, teacher, config, None, content)


@pytest.fixture(scope="module")
def autoencoder(lists: Interactions) -> TrainedNetwork:
    return fit_autoencoder(lists, QUICK)


def _assert_unit_rows(rows: NDArray[np.float32]) -> None:
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)


def test_the_autoencoder_puts_cluster_mates_next_to_each_other(
    autoencoder: TrainedNetwork, planted: SmallDump, lists: Interactions
) -> None:
    _assert_unit_rows(autoencoder.anime_embeddings)
    clusters = np.array([planted.cluster_of[int(anime_id)] for anime_id in lists.anime_ids])
    cosines = autoencoder.anime_embeddings @ autoencoder.anime_embeddings.T
    nearest = np.stack([top_k_rows(cosines[row], 9, allowed=np.arange(40) != row) for row in range(40)])
    mates = clusters[nearest] == clusters[:, None]
    assert mates[:, :4].all()
    assert mates.mean() > 0.95
    assert autoencoder.history["loss"][-1] < autoencoder.history["loss"][0]
    assert len(autoencoder.history["loss"]) == QUICK.epochs


def test_one_seed_gives_the_same_bytes_and_another_seed_others(
    autoencoder: TrainedNetwork, lists: Interactions
) -> None:
    again = fit_autoencoder(lists, QUICK)
    assert again.anime_embeddings.tobytes() == autoencoder.anime_embeddings.tobytes()
    assert again.digest() == autoencoder.digest()
    other = fit_autoencoder(lists, QUICK.model_copy(update={"seed": 2, "epochs": 2}))
    same = fit_autoencoder(lists, QUICK.model_copy(update={"seed": 2, "epochs": 2}))
    assert other.anime_embeddings.tobytes() == same.anime_embeddings.tobytes()
    assert other.anime_embeddings.tobytes() != autoencoder.anime_embeddings.tobytes()


def test_whose_lists_say_which_directions_matter_is_fixed_for_ever() -> None:
    lists = {user: random.Random(user).sample(range(20), 6) for user in range(60)}
    config = AutoencoderConfig(embedding_size=4, epochs=1, max_users=5)

    def embeddings(lists: dict[int, list[int]]) -> bytes:
        seen = make_interactions([(user, anime, 8, 2) for user, rows in lists.items() for anime in rows])
        return fit_autoencoder(seen, config).anime_embeddings.tobytes()

    before = embeddings(lists)
    # 7 and 24 are drawn for other purposes, one or the other for each; 48 is drawn here.
    assert embeddings(lists | {7: lists[24], 24: lists[7]}) == before
    assert embeddings(lists | {7: lists[48], 48: lists[7]}) != before


def test_the_autoencoder_squeezes_the_teacher_as_the_best_low_rank_model_does(lists: Interactions) -> None:
    # Nothing but lists counts, and as many directions as there are anime: what is learned is the teacher itself.
    config = AutoencoderConfig(embedding_size=40, epochs=1, list_weight=1e6, learning_rate=0.003)
    taught = fit_teacher(co_counts(lists), ItemsConfig(l2=1.0))
    trained = autoencoder_module.fit_autoencoder(lists, taught, config)
    teacher = taught.times(np.eye(40, dtype=np.float32))
    gained = trained.anime_embeddings * trained.anime_gains[:, None]
    scores = trained.list_embeddings @ gained.T
    scale = np.sum(scores * teacher) / np.sum(scores * scores)
    np.testing.assert_allclose(scores * scale, teacher, atol=1e-3)


def test_nothing_is_lost_in_the_space_of_the_strongest_directions_and_all_outside_it() -> None:
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.normal(size=(12, 5)))[0].astype(np.float32)
    energies = np.array([5.0, 4.0, 3.0, 2.0, 1.0], dtype=np.float32)
    network = UnitEmbeddings(directions[:, :3], directions, energies, AutoencoderConfig(energy_power=1.0))
    turned = directions[:, :3] @ rng.normal(size=(3, 3)).astype(np.float32)
    assert float(network.lost_share(turned)) == pytest.approx(0.0, abs=1e-3)
    assert float(network.lost_share(directions[:, [0, 1, 3]])) == pytest.approx(1 / 12, abs=1e-3)
    outside = rng.normal(size=(12, 3)).astype(np.float32)
    outside -= directions @ (directions.T @ outside)
    assert float(network.lost_share(outside)) == pytest.approx(1.0, abs=1e-3)
    # As strong as wanted, however turned; with two of three directions as strong as wanted and the third gone.
    wanted = directions[:, :3] * np.sqrt(energies[:3])
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0].astype(np.float32)
    assert float(network.unevenness(wanted @ turn)) == pytest.approx(0.0, abs=1e-3)
    assert float(network.unevenness(wanted * [1.0, 1.0, 0.0])) == pytest.approx(0.5, abs=1e-3)


def test_the_network_compares_an_anime_with_all_others_and_never_with_itself() -> None:
    start = unit_rows(np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32))
    network = UnitEmbeddings(start, np.eye(6, dtype=np.float32), np.ones(6, dtype=np.float32), QUICK)
    expected = 12.0 * start[[4, 1]] @ start.T
    expected[[0, 1], [4, 1]] -= 60.0
    np.testing.assert_allclose(network(np.array([4, 1], dtype=np.int32)).numpy(), expected, atol=1e-4)


def test_content_brings_together_what_lists_say_nothing_of(lists: Interactions) -> None:
    likeness = np.zeros((lists.n_anime, 2), dtype=np.float32)
    likeness[:, 1] = 1.0
    likeness[[0, 1]] = [1.0, 0.0]
    nothing = np.zeros((lists.n_anime, 0), dtype=np.float32)
    config = AutoencoderConfig(embedding_size=8, epochs=30, batch_size=16, learning_rate=0.05, genre_weight=2.0)
    with_content = fit_autoencoder(
        lists, config, Content(likeness, nothing, lambda texts: nothing[: len(texts)])
    ).anime_embeddings
    without = fit_autoencoder(lists, config).anime_embeddings
    assert with_content[0] @ with_content[1] > without[0] @ without[1] + 0.1


def test_content_is_read_from_genres_and_synopses(planted: SmallDump) -> None:
    prepared, _ = prepare_folder(planted.folder)
    content = read_content(prepared.catalogue)
    for rows in (content.genres, content.synopses):
        norms = np.linalg.norm(rows, axis=1)
        assert (np.isclose(norms, 1.0, atol=1e-5) | (norms == 0.0)).all()
    assert content.genres.shape == prepared.catalogue["anime_genres"].shape
    joined = content.weighted(4.0, 0.25)
    expected = 4.0 * content.genres @ content.genres.T + 0.25 * content.synopses @ content.synopses.T
    np.testing.assert_allclose(joined @ joined.T, expected, atol=1e-5)


def test_plans_teach_the_autoencoder_nothing() -> None:
    rows = [(user, anime, 8, 2) for user in range(1, 9) for anime in (1, 2 + user % 2)]
    plans = [(user, 9, 0, 6) for user in range(1, 9)]
    quick = AutoencoderConfig(embedding_size=4, epochs=2, batch_size=4)
    without = fit_autoencoder(make_interactions(rows, [1, 2, 3, 9]), quick)
    with_plans = fit_autoencoder(make_interactions(rows + plans, [1, 2, 3, 9]), quick)
    np.testing.assert_array_equal(without.anime_embeddings, with_plans.anime_embeddings)


def _layer(network: Any, name: str) -> dict[str, Any]:
    config: dict[str, Any] = network.get_layer(name).get_config()
    return config


def test_the_rating_network_is_built_as_in_the_notebook() -> None:
    size = RatingConfig().embedding_size
    network = build_rating_network(11, 7, size)
    kinds = [type(layer).__name__ for layer in network.layers if type(layer).__name__ != "InputLayer"]
    assert kinds == ["Embedding", "Embedding", "Dot", "Flatten", "Dense", "BatchNormalization", "Activation"]
    assert size == 128
    assert (_layer(network, "user_embedding")["input_dim"], _layer(network, "user_embedding")["output_dim"]) == (
        11,
        128,
    )
    assert (_layer(network, "anime_embedding")["input_dim"], _layer(network, "anime_embedding")["output_dim"]) == (
        7,
        128,
    )
    assert (_layer(network, "dot_product")["axes"], _layer(network, "dot_product")["normalize"]) == (2, True)
    dense = _layer(network, "dense")
    assert (dense["units"], dense["kernel_initializer"]["class_name"]) == (1, "HeNormal")
    assert network.layers[-1].get_config()["activation"] == "sigmoid"
    scores = network.predict([np.zeros((3, 1), np.int32), np.ones((3, 1), np.int32)], verbose=0)
    assert scores.shape == (3, 1)
    assert ((scores > 0) & (scores < 1)).all()


def test_the_rating_network_rises_decays_and_writes_logs(lists: Interactions, tmp_path: Path) -> None:
    config = RatingConfig(embedding_size=4, epochs=7, patience=7, batch_size=200)
    trained = fit_rating(lists, config, tmp_path / "logs")
    assert trained.history["learning_rate"] == pytest.approx([1e-5, 1.8e-5, 2.6e-5, 3.4e-5, 4.2e-5, 5e-5, 4.2e-5])
    _assert_unit_rows(trained.anime_embeddings)
    assert trained.user_embeddings is not None
    _assert_unit_rows(trained.user_embeddings)
    assert trained.user_embeddings.shape == (60, 4)
    assert list((tmp_path / "logs").rglob("events.out.tfevents.*"))


@pytest.mark.parametrize("kernel", [1.5, -1.5])
def test_a_higher_cosine_means_a_higher_predicted_rating_whichever_way_the_network_starts(
    lists: Interactions, monkeypatch: pytest.MonkeyPatch, kernel: float
) -> None:
    built: list[Any] = []

    def build(n_users: int, n_anime: int, embedding_size: int) -> Any:
        network = build_rating_network(n_users, n_anime, embedding_size)
        network.get_layer("dense").set_weights([np.array([[kernel]]), np.zeros(1)])
        built.append(network)
        return network

    monkeypatch.setattr(rating, "build_rating_network", build)
    trained = fit_rating(lists, RatingConfig(embedding_size=4, epochs=1))
    assert trained.user_embeddings is not None
    anime_rows = np.arange(lists.n_anime, dtype=np.int32)[:, None]
    predicted = built[0].predict([np.zeros_like(anime_rows), anime_rows], verbose=0).ravel()
    served = trained.anime_embeddings @ trained.user_embeddings[0]
    assert np.corrcoef(predicted, served)[0, 1] > 0.99


def test_the_rating_network_stops_three_epochs_after_its_best_and_keeps_the_best(lists: Interactions) -> None:
    # So high a rate that the validation loss soon gets worse.
    rates = {"start_learning_rate": 0.5, "max_learning_rate": 0.5, "min_learning_rate": 0.5}
    config = RatingConfig(embedding_size=4, epochs=40, batch_size=50, seed=3).model_copy(update=rates)
    trained = fit_rating(lists, config)
    losses = trained.history["val_loss"]
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 3 < 40
    until_best = fit_rating(lists, config.model_copy(update={"epochs": best + 1}))
    np.testing.assert_array_equal(trained.anime_embeddings, until_best.anime_embeddings)


@pytest.mark.parametrize("name", ["autoencoder", "rating"])
def test_one_user_and_one_anime_are_enough_to_train(name: str) -> None:
    split = split_interactions(make_interactions([(1, 1, 8, 2)]))
    settings = make_settings({"network": name}, ["autoencoder.epochs=1", "rating.epochs=1"])
    trained = train_network(settings.network, split, settings, None)
    _assert_unit_rows(trained.anime_embeddings)
    assert trained.settings == settings.model_dump()


def test_a_training_that_diverges_says_so(
    autoencoder: TrainedNetwork, lists: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    diverged = replace(autoencoder, anime_embeddings=autoencoder.anime_embeddings * np.float32(np.nan))
    monkeypatch.setattr(autoencoder_module, "fit_autoencoder", lambda *_: diverged)
    with pytest.raises(InputError, match=r"autoencoder network diverged .* lower its learning rate"):
        train_network("autoencoder", split_interactions(lists), make_settings({}, []), None)


def test_the_published_network_is_trained_first_and_the_other_only_to_compare() -> None:
    assert networks_to_train(make_settings({}, []), 1000) == ["autoencoder", "rating"]
    assert networks_to_train(make_settings({"network": "rating"}, []), 1000) == ["rating", "autoencoder"]
    assert networks_to_train(make_settings({"network": "rating", "compare": False}, []), 1000) == ["rating"]


def test_a_trained_network_reads_back(autoencoder: TrainedNetwork, tmp_path: Path) -> None:
    save_trained(tmp_path, autoencoder)
    loaded = load_trained(tmp_path)
    assert loaded.anime_embeddings.tobytes() == autoencoder.anime_embeddings.tobytes()
    assert loaded.list_embeddings.tobytes() == autoencoder.list_embeddings.tobytes()
    assert loaded.anime_gains.tobytes() == autoencoder.anime_gains.tobytes()
    assert loaded.user_embeddings is None
    for name in ("config", "history", "settings"):
        assert getattr(loaded, name) == getattr(autoencoder, name)


@pytest.mark.parametrize("damage", ["missing", "no json", "no fields", "cut"])
def test_a_folder_without_a_trained_network_says_how_to_make_one(
    autoencoder: TrainedNetwork, tmp_path: Path, damage: str
) -> None:
    if damage != "missing":
        save_trained(tmp_path, autoencoder)
        facts, array = tmp_path / "trained.json", tmp_path / "anime_embeddings.npy"
        path, content = (
            (array, array.read_bytes()[:-1]) if damage == "cut" else (facts, b"{" if damage == "no json" else b"{}")
        )
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"holds no trained network .*; make one with `train`"):
        load_trained(tmp_path)


def test_rows_of_zeros_get_a_direction() -> None:
    rows = unit_rows(np.array([[3, 4], [0, 0], [1e-30, 0]], dtype=np.float32))
    np.testing.assert_allclose(rows, np.array([[0.6, 0.8], [1, 0], [1, 0]]), rtol=1e-6)
