"""Simulated lists put together what real viewers put together."""

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.csv as pa_csv
import pytest
from numpy.typing import NDArray

from training.demo import write_demo_data
from training.demo.curated import read_curated
from training.demo.fit_taste import fit_factors, fit_rating_slopes
from training.demo.taste import read_taste, read_viewers

IDS = np.array([title.anime_id for title in read_curated()])


def cosines(path: Path) -> NDArray[np.float64]:
    """Cosine between anime of who has them on their lists, plans aside: shape (n_anime, n_anime)."""
    table = pa_csv.read_csv(path)
    users, anime, status = (table[name].to_numpy() for name in ("user_id", "anime_id", "watching_status"))
    kept = (status != 6) & np.isin(anime, IDS)
    _, rows = np.unique(users[kept], return_inverse=True)
    seen = np.zeros((rows.max() + 1, len(IDS)))
    seen[rows, np.searchsorted(IDS, anime[kept])] = 1.0
    norms = np.linalg.norm(seen, axis=0)
    similarities: NDArray[np.float64] = seen.T @ seen / np.outer(norms, norms)
    np.fill_diagonal(similarities, 0.0)
    return similarities


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> NDArray[np.float64]:
    out = tmp_path_factory.mktemp("taste") / "dump"
    write_demo_data(out, n_users=3000)
    return cosines(out / "animelist.csv")


@pytest.mark.parametrize(
    ("anime_id", "friends", "k"),
    [
        (1, {5}, 3),  # Cowboy Bebop: its film
        (813, {223}, 3),  # Dragon Ball Z: Dragon Ball
        (523, {164, 199}, 8),  # Totoro: Princess Mononoke, Spirited Away
        (7791, {5680}, 3),  # K-On!!: K-On!
        (4181, {2167}, 3),  # Clannad: After Story: Clannad
        (2904, {1575}, 3),  # Code Geass R2: Code Geass
        (530, {740, 532}, 5),  # Sailor Moon: R and S
    ],
)
def test_neighbours_are_what_a_fan_would_name(
    simulated: NDArray[np.float64], anime_id: int, friends: set[int], k: int
) -> None:
    nearest = np.argsort(-simulated[np.searchsorted(IDS, anime_id)])[:k]
    assert set(IDS[nearest].tolist()) >= friends


@pytest.mark.real_data
def test_similarities_agree_with_those_of_real_lists(
    simulated: NDArray[np.float64], mal_data: Path, tmp_path: Path
) -> None:
    lists = mal_data / "animelist.csv"
    if not lists.is_file():
        lists = tmp_path / "animelist.csv"
        lists.write_bytes(gzip.decompress((mal_data / "animelist.csv.gz").read_bytes()))
    upper = np.triu_indices(len(IDS), k=1)
    # Measured .945; real lists split in two agree at .964.
    assert np.corrcoef(simulated[upper], cosines(lists)[upper])[0, 1] > 0.9


def test_the_tables_know_every_curated_title() -> None:
    taste, viewers = read_taste(IDS), read_viewers()
    assert taste.factors.shape == (len(IDS), viewers.centres.shape[1] - 1)
    assert np.isfinite(taste.weights).all()
    with pytest.raises(ValueError, match="run python -m training"):
        read_taste(np.array([1, 424242]))


def test_ranks_and_shares_are_inverse() -> None:
    viewers = read_viewers()
    ranks = np.array([1.0, 10.0, 500.0, 9000.0])
    np.testing.assert_allclose(viewers.rank_of(viewers.log_share_at(ranks)), ranks, rtol=1e-6)


def test_the_factor_fit_finds_two_camps() -> None:
    rng = np.random.default_rng(0)
    camps = np.repeat([0, 1], 150)
    chances = np.where(camps[:, None] == np.repeat([0, 1], 6), 0.7, 0.1)
    seen = rng.random((300, 12)) < chances
    seen[np.arange(300), camps * 6] = True
    fit = fit_factors(seen, 1, steps=150)
    assert fit.factors[:6, 0].mean() * fit.factors[6:, 0].mean() < 0
    np.testing.assert_allclose(fit.tastes.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(fit.tastes.std(axis=0), 1, atol=1e-2)
    with pytest.raises(ValueError, match="at least one entry"):
        fit_factors(np.zeros((2, 2), dtype=np.bool_), 1)


def test_rating_slopes_recover_who_likes_what() -> None:
    rng = np.random.default_rng(0)
    tastes = rng.standard_normal((2000, 2)).astype(np.float32)
    truth = np.tile([[0.8, 0.0], [-0.8, 0.0]], (6, 1))
    ratings = (6 + tastes @ truth.T + 0.1 * rng.standard_normal((2000, 12))).astype(np.float32)
    deviations, slopes, spread = fit_rating_slopes(ratings, tastes, penalty=1.0)
    np.testing.assert_allclose(deviations, 0, atol=0.05)
    np.testing.assert_allclose(slopes, truth, atol=0.05)
    assert spread == pytest.approx(0.1, abs=0.02)


def test_users_are_drawn_from_every_kind_of_viewer() -> None:
    shares, centres = np.array([0.7, 0.3]), np.array([[-50.0, 0.0], [50.0, 1.0]])
    deviations = np.array([[1.0, 0.5], [0.5, 1.0]])
    viewers = replace(read_viewers(), shares=shares, centres=centres, deviations=deviations)
    points = viewers.draw(5000, np.random.default_rng(0))
    for kind, mine in enumerate((points[:, 0] < 0, points[:, 0] > 0)):
        assert mine.mean() == pytest.approx(shares[kind], abs=0.03)
        np.testing.assert_allclose(points[mine].mean(axis=0), centres[kind], atol=0.1)
        np.testing.assert_allclose(points[mine].std(axis=0), deviations[kind], atol=0.1)
