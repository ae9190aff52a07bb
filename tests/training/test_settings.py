"""Settings: defaults, overrides, and errors that say what would be right."""

import pytest

from training.embeddings.config import RatingConfig
from training.errors import InputError
from training.lists.split import TEST_FOLD
from training.settings import RunSettings, describe_settings, make_settings


def test_without_options_the_defaults_hold() -> None:
    assert make_settings({}, []) == RunSettings()
    assert make_settings({"seed": None, "min_user_rows": None}, []) == RunSettings()


def test_the_fold_that_tests_by_default_is_that_of_the_split() -> None:
    assert RunSettings().test_fold == TEST_FOLD


def test_defaults_are_what_was_measured() -> None:
    assert {name: value for name, value, _ in describe_settings()} == {
        "min_user_rows": "5",
        "min_anime_rows": "5",
        "network": "autoencoder",
        "only": "None",
        "quick_users": "65536",
        "compare": "None",
        "max_test_users": "750",
        "hold_out": "False",
        "test_fold": "1",
        "split_seed": "0",
        "autoencoder.embedding_size": "128",
        "autoencoder.epochs": "2",
        "autoencoder.max_steps": "50",
        "autoencoder.batch_size": "256",
        "autoencoder.learning_rate": "0.01",
        "autoencoder.max_users": "20000",
        "autoencoder.length_power": "0.6",
        "autoencoder.list_weight": "50.0",
        "autoencoder.user_weight": "2.0",
        "autoencoder.energy_power": "0.75",
        "autoencoder.target_sharpness": "8.0",
        "autoencoder.genre_weight": "0.7",
        "autoencoder.synopsis_weight": "1.8",
        "autoencoder.seed": "0",
        "rating.embedding_size": "128",
        "rating.epochs": "20",
        "rating.batch_size": "10000",
        "rating.start_learning_rate": "1e-05",
        "rating.max_learning_rate": "5e-05",
        "rating.min_learning_rate": "1e-05",
        "rating.rise_epochs": "5",
        "rating.decay": "0.8",
        "rating.held_out_rows": "10000",
        "rating.patience": "3",
        "rating.seed": "0",
        "similar.weights": "auto",
        "similar.max_users": "7000",
        "similar.dropout": "0.3",
        "prepare.memory_limit": "1GB",
        "similar.n_dense": "6144",
        "similar.l2_per_user": "0.08",
        "similar.epochs": "6",
        "similar.batch_size": "16",
        "similar.learning_rate": "0.008",
        "similar.seed": "0",
        "items.dropout": "0.3",
        "items.l2": "50.0",
        "items.n_dense": "4096",
        "items.n_proposed": "200",
        "items.n_weights": "100",
        "reranker.max_training_users": "8000",
        "reranker.few_training_users": "1250",
        "reranker.n_folds": "3",
        "reranker.n_candidates": "240",
        "reranker.n_splits": "2",
        "reranker.n_cuts": "1",
        "reranker.rating_weight": "0.6",
        "reranker.n_networks": "2",
        "reranker.first_width": "128",
        "reranker.second_width": "48",
        "reranker.hidden_dropout": "0.1",
        "reranker.epochs": "6",
        "reranker.batch_size": "8",
        "reranker.learning_rate": "0.005",
        "reranker.odds_weight": "0.05",
        "reranker.seed": "0",
    }


@pytest.mark.parametrize(("n_rows", "compares"), [(5_000_000, True), (5_000_001, False)])
def test_up_to_five_million_rows_are_compared_with_other_ways(n_rows: int, *, compares: bool) -> None:
    assert make_settings({}, []).compares(n_rows) == compares
    assert make_settings({}, ["compare=true"]).compares(n_rows)
    assert not make_settings({}, ["compare=false"]).compares(n_rows)
    assert not make_settings({}, ["only=embeddings"]).compares(n_rows)


def test_options_and_assignments_change_what_they_name() -> None:
    settings = make_settings(
        {"network": "rating", "min_user_rows": 400, "seed": 7},
        ["autoencoder.epochs=3", "rating.decay=0.5", "compare=false", "split_seed=2", "rating.seed=8"],
    )
    assert (settings.network, settings.min_user_rows, settings.compare, settings.split_seed) == (
        "rating",
        400,
        False,
        2,
    )
    assert (settings.autoencoder.epochs, settings.autoencoder.seed) == (3, 7)
    assert (settings.rating.decay, settings.rating.seed) == (0.5, 8)


@pytest.mark.parametrize(
    ("assignment", "fault"),
    [
        ("epochs=3", "--set epochs=3: expected NAME=VALUE with NAME one of min_user_rows"),
        ("autoencoder.epochs", "expected NAME=VALUE"),
        ("autoencoder=3", "expected NAME=VALUE"),
        ("", "expected NAME=VALUE"),
        ("autoencoder.epochs=0", "setting autoencoder.epochs = '0': Input should be greater than or equal to 1"),
        ("autoencoder.epochs=ten", "setting autoencoder.epochs = 'ten'"),
        ("autoencoder.epochs=2.5", "setting autoencoder.epochs = '2.5'"),
        ("autoencoder.learning_rate=-1", "setting autoencoder.learning_rate = '-1'"),
        ("autoencoder.learning_rate=inf", "setting autoencoder.learning_rate = 'inf'"),
        ("autoencoder.learning_rate=nan", "setting autoencoder.learning_rate = 'nan'"),
        ("items.dropout=1", "setting items.dropout = '1'"),
        ("autoencoder.seed=-1", "setting autoencoder.seed = '-1'"),
        ("network=deep", "setting network = 'deep'"),
        ("min_user_rows=-1", "setting min_user_rows = '-1'"),
        ("rating.decay=2", "setting rating.decay = '2'"),
    ],
)
def test_a_wrong_assignment_says_what_is_wrong(assignment: str, fault: str) -> None:
    with pytest.raises(InputError) as error:
        make_settings({}, [assignment])
    assert fault in str(error.value)


def test_every_setting_is_described_and_can_be_set_to_its_default() -> None:
    rows = describe_settings()
    assert {"min_user_rows", "autoencoder.embedding_size", "rating.patience"} <= {name for name, _, _ in rows}
    assert all(meaning for _, _, meaning in rows)
    assert make_settings({}, [f"{name}={value}" for name, value, _ in rows]) == RunSettings()


def test_the_learning_rate_rises_over_five_epochs_and_then_decays_by_a_fifth() -> None:
    rates = [RatingConfig().learning_rate_at(epoch) for epoch in range(9)]
    expected = [1e-5, 1.8e-5, 2.6e-5, 3.4e-5, 4.2e-5, 5e-5, 4.2e-5, 3.56e-5, 3.048e-5]
    assert rates == pytest.approx(expected)


def test_the_learning_rate_may_start_at_its_maximum() -> None:
    config = RatingConfig(rise_epochs=0, max_learning_rate=1e-3, min_learning_rate=1e-3)
    assert [config.learning_rate_at(epoch) for epoch in (0, 9)] == pytest.approx([1e-3, 1e-3])
