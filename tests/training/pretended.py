"""What follows the networks in a work folder, without the time it takes to learn it."""

from pathlib import Path

import numpy as np

from models.scoring.items import ItemWeights
from tests.models.small_bundle import neighbours
from training.embeddings.trained import TrainedNetwork
from training.franchises.new_anime import all_franchise_arrays
from training.item_weights.co_counts import Square, co_counts
from training.item_weights.config import ItemsConfig
from training.item_weights.fit import fit_item_weights, invert_popular
from training.lists.interactions import Interactions
from training.lists.prepared import load_prepared
from training.recommending.stage import fit_recommender_model, save_recommender
from training.settings import make_settings
from training.similar_anime.rank import RankedNeighbours
from training.similar_anime.ranker import SHIPPED_FILE, load_ranker
from training.similar_anime.stage import SimilarAnimeModel, save_similar_anime


def learn_item_weights(work: Path, network: TrainedNetwork) -> None:
    prepared = load_prepared(work / "prepared")
    settings = make_settings({}, ["reranker.max_training_users=0", "items.n_weights=5"])
    folder = work / "trained" / "recommender"
    folder.mkdir(parents=True, exist_ok=True)
    lists = prepared.interactions
    counts, weights = count_and_weigh(lists, settings.items)
    franchises = all_franchise_arrays(lists, prepared)
    save_recommender(folder, fit_recommender_model(prepared, lists, network, counts, weights, franchises, settings))


def count_and_weigh(lists: Interactions, items: ItemsConfig) -> tuple[Square, ItemWeights]:
    counts = co_counts(lists)
    return counts, fit_item_weights(counts, invert_popular(counts, items), items)


def pretend_to_rank(work: Path, network: TrainedNetwork) -> None:
    n_anime = len(network.anime_embeddings)
    rows = neighbours(n_anime, 5, np.random.default_rng(0))
    scores = np.tile(np.linspace(0.9, 0.5, 5, dtype=np.float32), (n_anime, 1))
    ranker = load_ranker(SHIPPED_FILE)
    found = RankedNeighbours(rows, scores)
    similar = SimilarAnimeModel(found, found, ranker, "shipped", 1.0, network.prepared_digest, {})
    folder = work / "trained" / "similar"
    folder.mkdir(parents=True, exist_ok=True)
    save_similar_anime(folder, similar)
