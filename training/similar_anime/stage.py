"""The part of the train stage that ranks similar anime, and the folder in which it leaves its result."""

import itertools
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.bundle.card import AnimeCard
from training.lists.interactions import Interactions
from training.lists.prepared import Prepared
from training.lists.split import some_users
from training.similar_anime.config import SimilarConfig
from training.similar_anime.evidence import gather_evidence
from training.similar_anime.features import PairEvidence, make_pair_evidence
from training.similar_anime.item_cosines import find_item_cosines
from training.similar_anime.learn import enough_to_learn, learn_ranker
from training.similar_anime.rank import N_SIMILAR, RankedNeighbours, rank_neighbours
from training.similar_anime.ranker import RANKER_FILE, SHIPPED_FILE, Ranker, load_ranker
from training.similar_anime.texts import read_texts
from training.similar_anime.truth import SimilarQuery
from training.similar_anime.votes import VoteEvidence, gather_votes
from training.support import artefacts
from training.support.engine import LOCAL, Engine
from training.support.folders import replaced_folder
from training.support.terminal import progress

FOLDER: Final = "similar"
_FACTS_FILE: Final = "similar.json"
_FACTS: Final = ("weights", "seconds", "prepared_digest", "settings")


@dataclass(frozen=True)
class SimilarAnimeModel:
    """Ranked neighbours and how they came about."""

    neighbours: RankedNeighbours
    # By the cosine of ratings alone.
    cosines: RankedNeighbours
    ranker: Ranker
    # Whether the ranker was learned from this dump's recommendations or came with the project.
    weights: Literal["learned", "shipped"]
    # Wall-clock time.
    seconds: float
    # Of the prepared dump.
    prepared_digest: str
    # Every setting of the run.
    settings: dict[str, Any]

    def digest(self) -> str:
        """Hash the neighbours, so that an evaluation can name what it measured."""
        return artefacts.digest(self.neighbours.rows, self.neighbours.scores)


def fit_similar_anime(
    prepared: Prepared,
    train: Interactions,
    embeddings: NDArray[np.float32],
    queries: list[SimilarQuery],
    settings: dict[str, Any],
    engine: Engine = LOCAL,
) -> SimilarAnimeModel:
    """Rank the neighbours of every anime, by a ranker that is learned where there is something to learn from.

    ``train`` are the training users, of whom at most ``similar.max_users`` are looked at; ``embeddings``, of shape
    (n_anime, embedding_size), unit rows. ``queries`` are what people recommend, single votes included: with few or
    none, the shipped weights rank. ``settings`` are all of the run; the engine counts pairs.
    """
    started = time.monotonic()
    config = SimilarConfig.model_validate(settings["similar"])
    train = some_users(train, config.max_users, "similar anime")
    learns = config.weights != "shipped" and enough_to_learn(queries)
    votes = gather_votes(queries, train.n_anime) if learns and config.weights == "auto" else None
    evidence = gather_pair_evidence(prepared, train, embeddings, config, votes, engine)
    ranker = learn_ranker(evidence, queries, train.anime_ids, config) if learns else load_ranker(SHIPPED_FILE)
    with progress("rank similar anime", train.n_anime, "anime") as update:
        neighbours = rank_neighbours(evidence, ranker, update)
    return SimilarAnimeModel(
        neighbours,
        find_item_cosines(train, N_SIMILAR),
        ranker,
        "learned" if learns else "shipped",
        time.monotonic() - started,
        prepared.digest,
        settings,
    )


def without_ranking(prepared: Prepared, settings: dict[str, Any]) -> SimilarAnimeModel:
    """Rank nothing, since the embeddings show which anime are similar: neighbours of width 0."""
    none = np.zeros((prepared.interactions.n_anime, 0), dtype=np.float32)
    neighbours = RankedNeighbours(none.astype(np.int32), none)
    ranker = load_ranker(SHIPPED_FILE)
    return SimilarAnimeModel(neighbours, neighbours, ranker, "shipped", 0.0, prepared.digest, settings)


def gather_pair_evidence(
    prepared: Prepared,
    train: Interactions,
    embeddings: NDArray[np.float32],
    config: SimilarConfig,
    votes: VoteEvidence | None = None,
    engine: Engine = LOCAL,
) -> PairEvidence:
    """Gather everything that is known of pairs of anime."""
    blob, offsets = prepared.catalogue["cards"].tobytes(), prepared.catalogue["card_offsets"].tolist()
    cards = [AnimeCard.model_validate_json(blob[start:end]) for start, end in itertools.pairwise(offsets)]
    texts = read_texts(cards, config.seed)
    return make_pair_evidence(gather_evidence(train, embeddings, config, engine), prepared.catalogue, texts, votes)


def save_similar_anime(folder: Path, model: SimilarAnimeModel) -> None:
    """Write ranked neighbours; an earlier folder is replaced."""
    arrays = {
        f"{name}_{part}": getattr(found, part)
        for name, found in (("similar", model.neighbours), ("cosine", model.cosines))
        for part in ("rows", "scores")
    }
    with replaced_folder(folder) as new:
        model.ranker.save(new / RANKER_FILE)
        artefacts.save(new / _FACTS_FILE, arrays, {name: getattr(model, name) for name in _FACTS})


def load_similar_anime(folder: Path) -> SimilarAnimeModel:
    """Read ranked neighbours.

    Raises
    ------
    InputError
        If the folder holds none.
    """

    def make(arrays: artefacts.Arrays, facts: dict[str, Any]) -> SimilarAnimeModel:
        neighbours, cosines = (
            RankedNeighbours(arrays[f"{name}_rows"], arrays[f"{name}_scores"]) for name in ("similar", "cosine")
        )
        return SimilarAnimeModel(neighbours, cosines, load_ranker(folder / RANKER_FILE), **facts)

    return artefacts.load(folder / _FACTS_FILE, make, "holds no ranked neighbours")
