"""How many of the nearest users each method of recommending asks for."""

import numpy as np
import pytest

from models.scoring.user_index import Nearest
from models.scoring.user_list import list_of_user
from service.recommending.catalogue import Catalogue
from service.recommending.methods import MethodKey, make_methods
from service.recommending.similar_users import UserProfile
from tests.service.small_bundle import make_bundle

BUNDLE = make_bundle()
METHODS = make_methods(BUNDLE, Catalogue(BUNDLE))
N_ASKED: dict[MethodKey, set[int]] = {
    ("embedding", None): set(),
    ("items", None): set(),
    ("popular", None): set(),
    ("ranked", None): {60},
    ("neighbours", "weighted"): {200},
    ("neighbours", "top-quarter"): {50},
}


def test_no_method_is_forgotten_here() -> None:
    assert set(METHODS) == set(N_ASKED)


@pytest.mark.parametrize("key", N_ASKED, ids=str)
def test_a_method_asks_for_as_many_nearest_users_as_it_was_measured_with(key: MethodKey) -> None:
    asked = []

    def find(k: int) -> Nearest:
        asked.append(k)
        return Nearest(np.array([3, 8], dtype=np.int32), np.array([0.9, 0.2], dtype=np.float32))

    profile = UserProfile(BUNDLE, list_of_user(BUNDLE, 5), BUNDLE.user_embeddings[5], find)
    METHODS[key].score(profile, np.ones(BUNDLE.n_anime, dtype=bool))
    assert set(asked) == N_ASKED[key]
