"""The re-ranker of the small bundle, and lists to rank by."""

from typing import Any, Final

import numpy as np

from models.bundle.reader import Bundle
from models.scoring.reranker import Reranker, reranker_of
from models.scoring.user_list import Status, UserList
from tests.service.small_bundle import N_ANIME, make_bundle

# The arrays of a bundle that facts are computed from.
FACT_ARRAYS: Final = (
    "popularity",
    "mean_scores",
    "members",
    "favorites",
    "episodes",
    "minutes",
    "start_days",
    "years",
    "adult",
    "anime_genres",
    "type_names",
    "type_codes",
    "source_names",
    "source_codes",
    "studio_codes",
    "age_rating_codes",
    "franchise_codes",
    "franchise_positions",
    "franchise_roles",
)


def make_reranker(bundle: Bundle) -> Reranker:
    """Make the re-ranker of a bundle that has one."""
    reranker = reranker_of(bundle)
    assert reranker is not None
    return reranker


BUNDLE: Final = make_bundle()
RERANKER: Final = make_reranker(BUNDLE)
NOBODY: Final = np.zeros((N_ANIME, 2), dtype=np.float32)
EVERYTHING: Final = np.ones(N_ANIME, dtype=bool)


def list_of(rows: Any, rating: int = 8, status: Status = Status.COMPLETED) -> UserList:
    """Make a list whose entries have all the same rating and status."""
    rows = np.sort(np.asarray(rows, dtype=np.int32))
    return UserList(rows, np.full(len(rows), rating, np.uint8), np.full(len(rows), int(status), np.uint8))
