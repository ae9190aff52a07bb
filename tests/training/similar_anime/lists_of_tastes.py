"""Lists of users of four tastes, and the evidence of which anime are alike that they give."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle.card import AnimeCard
from tests.models.small_bundle import make_arrays, unit_rows
from tests.training.interactions_for_tests import make_interactions
from training.lists.interactions import Interactions
from training.similar_anime.config import SimilarConfig
from training.similar_anime.evidence import gather_evidence
from training.similar_anime.features import PairEvidence, make_pair_evidence
from training.similar_anime.texts import read_texts

N_TASTES = 4


def make_evidence(lists: Interactions, seed: int = 0, embeddings: NDArray[np.float32] | None = None) -> PairEvidence:
    """Gather the evidence of lists beside a random catalogue."""
    n_anime = lists.n_anime
    if embeddings is None:
        embeddings = unit_rows(n_anime, 6, np.random.default_rng(seed))
    evidence = gather_evidence(lists, embeddings, SimilarConfig())
    cards = [make_card(row, "A pirate sails." if row % 2 else "Girls play music.") for row in range(n_anime)]
    return make_pair_evidence(evidence, make_arrays(n_anime=n_anime, seed=seed), read_texts(cards))


def make_card(row: int, synopsis: str | None) -> AnimeCard:
    """Make a card of which little but the synopsis is known."""
    unknown: dict[str, Any] = dict.fromkeys(
        ("english_name", "japanese_name", "type", "episodes", "year", "score", "members", "age_rating")
    )
    return AnimeCard(anime_id=row, name=f"Title {row}", genres=[], synopsis=synopsis, url="", **unknown)


def tastes(n_users: int = 120, n_anime: int = 40) -> Interactions:
    """Make users who see most of one taste and a little of the others."""
    rng = np.random.default_rng(0)
    alike = np.arange(n_users)[:, None] % N_TASTES == np.arange(n_anime) % N_TASTES
    seen = rng.random(alike.shape) < np.where(alike, 0.7, 0.05)
    seen[np.arange(n_anime), np.arange(n_anime)] = True
    return make_interactions(
        [(int(user), int(anime), int(rng.integers(1, 11)), 2) for user, anime in np.argwhere(seen)]
    )
