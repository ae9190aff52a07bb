"""Settings: defaults, overrides, and errors that say what would be right."""

import pytest

from training.errors import InputError
from training.networks.config import RatingConfig
from training.settings import RunSettings, describe_settings, make_settings


def test_without_options_the_defaults_hold() -> None:
    assert make_settings({}, []) == RunSettings()
    assert make_settings({"seed": None, "min_user_rows": None}, []) == RunSettings()


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
