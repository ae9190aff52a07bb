"""The real lists: every row is accounted for, whatever the crawls left in them."""

import csv
import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.bundle.card import AnimeCard
from tests.training.lists.test_prepare import as_rows, assert_same_lists
from training.dump.files import find_dump
from training.dump.rejects import RejectedRows
from training.lists.interactions import Interactions
from training.lists.list_builder import UNKNOWN_ANIME
from training.lists.prepare import prepare
from training.lists.prepared import Prepared
from training.lists.split import split_interactions
from training.lists.thresholds import Thresholds
from training.similar_anime.truth import read_similar_truth

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

N_ROWS, N_USERS = 1_165_977, 7_844


@pytest.fixture(scope="module")
def real(mal_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Prepared, Path]:
    """The real dump prepared with the default thresholds, and its rejected rows."""
    path = tmp_path_factory.mktemp("real") / "rejected.csv"
    with RejectedRows(path) as rejects:
        return prepare(find_dump(mal_data), Thresholds(), rejects), path


@pytest.fixture(scope="module")
def frame(mal_data: Path) -> pd.DataFrame:
    """The same lists, as pandas reads them."""
    return pd.read_csv(mal_data / "animelist.csv.gz")


def test_every_row_is_kept_set_aside_or_below_the_thresholds(real: tuple[Prepared, Path]) -> None:
    counts = real[0].report.data.counts
    assert counts["rows_read"] == N_ROWS
    assert counts["rows_kept"] + counts["rows_rejected"] + counts["rows_below_thresholds"] == N_ROWS
    assert counts["users_read"] == N_USERS
    assert counts["anime_in_catalogue"] == 17_562
    assert counts["rows_kept"] == len(real[0].interactions.anime_rows) > 1_100_000
    assert counts["users_kept"] == real[0].interactions.n_users


def test_anime_newer_than_the_catalogue_are_set_aside_with_their_lines(
    real: tuple[Prepared, Path], frame: pd.DataFrame, mal_data: Path
) -> None:
    known = set(pd.read_csv(mal_data / "anime.csv", usecols=["MAL_ID"])["MAL_ID"])
    unknown = frame.index[~frame["anime_id"].isin(known)] + 2
    with real[1].open(newline="", encoding="utf-8") as file:
        rejected = list(csv.DictReader(file))
    assert Counter(row["reason"] for row in rejected) == {UNKNOWN_ANIME: len(unknown)}
    assert [int(row["line"]) for row in rejected] == unknown.tolist()


def test_what_is_kept_is_what_pandas_reads(real: tuple[Prepared, Path], frame: pd.DataFrame) -> None:
    lists = real[0].interactions
    kept = frame[frame["user_id"].isin(lists.user_ids) & frame["anime_id"].isin(lists.anime_ids)]
    kept = kept.sort_values(["user_id", "anime_id"])
    np.testing.assert_array_equal(lists.user_ids[lists.user_rows()], kept["user_id"])
    np.testing.assert_array_equal(lists.anime_ids[lists.anime_rows], kept["anime_id"])
    np.testing.assert_array_equal(lists.ratings, kept["rating"])
    np.testing.assert_array_equal(lists.statuses, kept["watching_status"])
    seen = lists.seen_matrix()
    assert np.asarray(seen.sum(axis=0)).min() >= 5
    assert np.asarray(seen.sum(axis=1)).min() >= 5


def test_rating_complete_gives_the_completed_rows(mal_data: Path, tmp_path: Path, frame: pd.DataFrame) -> None:
    for name in ("anime.csv", "rating_complete.csv.gz"):
        (tmp_path / name).symlink_to(mal_data / name)
    with RejectedRows(tmp_path / "rejected.csv") as rejects:
        prepared = prepare(find_dump(tmp_path), Thresholds(1, 1), rejects)
    assert prepared.report.data.counts["rows_read"] == 955_636
    assert set(prepared.interactions.statuses.tolist()) == {2}
    completed = frame[(frame["watching_status"] == 2) & (frame["rating"] > 0)]
    assert set(as_rows(prepared.interactions)) <= set(
        completed[["user_id", "anime_id", "rating", "watching_status"]].itertuples(index=False, name=None)
    )


def test_the_same_lists_in_parquet_are_the_same_interactions(
    real: tuple[Prepared, Path], frame: pd.DataFrame, mal_data: Path, tmp_path: Path
) -> None:
    for name in ("anime.csv", "anime_with_synopsis.csv"):
        (tmp_path / name).symlink_to(mal_data / name)
    frame.sample(frac=1.0, random_state=0).to_parquet(tmp_path / "animelist.parquet")
    with RejectedRows(tmp_path / "rejected.csv") as rejects:
        again = prepare(find_dump(tmp_path), Thresholds(), rejects)
    assert_same_lists(real[0].interactions, again.interactions)


def test_the_split_is_the_one_that_numbers_are_compared_by(real: tuple[Prepared, Path]) -> None:
    lists: Interactions = real[0].interactions
    split = split_interactions(lists)
    share = len(split.test_user_rows) / lists.n_users
    assert 0.1 < share < 0.13
    assert len(split.test_user_rows) + split.train.n_users <= lists.n_users


def test_the_truth_for_similar_anime_has_hundreds_of_queries_in_both_halves(
    real: tuple[Prepared, Path], mal_data: Path
) -> None:
    queries = read_similar_truth(find_dump(mal_data), real[0].interactions.anime_ids)
    halves = Counter(query.may_choose for query in queries)
    assert min(halves.values()) > 400


def test_every_real_anime_has_a_sensible_card(real: tuple[Prepared, Path]) -> None:
    catalogue = real[0].catalogue
    offsets = catalogue["card_offsets"]
    blob = catalogue["cards"].tobytes()
    cards = {
        card.anime_id: card
        for start, end in itertools.pairwise(offsets.tolist())
        if (card := AnimeCard.model_validate_json(blob[start:end]))
    }
    assert list(cards) == real[0].interactions.anime_ids.tolist()
    bebop = cards[1]
    assert (bebop.name, bebop.year, bebop.episodes, bebop.type) == ("Cowboy Bebop", 1998, 26, "TV")
    assert bebop.synopsis is not None
    assert bebop.synopsis.startswith("In the year 2071")
    for card in cards.values():
        assert "Unknown" not in {card.type, card.english_name, card.japanese_name, card.age_rating, card.synopsis}
        assert card.score is None or 1 <= card.score <= 10
        assert "&amp;" not in card.name
        assert card.synopsis is None or not card.synopsis.startswith("No synopsis")
    without = sum(card.synopsis is None for card in cards.values())
    assert real[0].report.data.counts["anime_without_synopsis"] == without
