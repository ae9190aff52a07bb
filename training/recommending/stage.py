"""The part of the train stage that learns to recommend in two stages, and the folder of its result."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.layout import CO_SEEN_ARRAYS, FRANCHISE_ARRAYS, ITEM_ARRAYS, RERANKER_ARRAYS
from models.scoring.anime_facts import AnimeFacts
from models.scoring.franchises import FranchiseOrder
from models.scoring.items import CoSeen, ItemWeights
from models.scoring.reranker import Reranker, RerankingNetwork
from training.embeddings.trained import TrainedNetwork
from training.item_weights.co_counts import Square
from training.lists.interactions import Interactions
from training.lists.prepared import Prepared
from training.recommending.co_seen import find_co_seen
from training.recommending.fit import TrainedReranker, facts_of_train, fit_reranker
from training.settings import RunSettings
from training.support import artefacts
from training.support.engine import LOCAL, Engine
from training.support.folders import replaced_folder
from training.support.terminal import say

FOLDER: Final = "recommender"
_FACTS_FILE: Final = "recommender.json"
_FACTS: Final = ("history", "seconds", "prepared_digest", "embeddings_digest", "settings")


@dataclass(frozen=True)
class RecommenderModel:
    """What recommending in two stages needs, and how it came about.

    Attributes
    ----------
    arrays : dict of str to ndarray
        The arrays of the bundle that come from here: franchises, item weights, and the re-ranker's.
    history : dict of str to list of float
        The re-ranker's loss per epoch; empty where there were too few lists to learn one.
    seconds : float
        Wall-clock time.
    prepared_digest : str
        Of the prepared dump: :attr:`training.lists.prepared.Prepared.digest`.
    embeddings_digest : str
        Of the network whose embeddings find the nearest users.
    settings : dict
        Every setting of the run.
    """

    arrays: Mapping[str, NDArray[Any]]
    history: dict[str, list[float]]
    seconds: float
    prepared_digest: str
    embeddings_digest: str
    settings: dict[str, Any]

    def digest(self) -> str:
        """Hash the arrays, so that an evaluation can say what it measured.

        Returns
        -------
        str
            sha256, 64 hexadecimal digits.
        """
        names = (*FRANCHISE_ARRAYS, *ITEM_ARRAYS, *CO_SEEN_ARRAYS, *RERANKER_ARRAYS)
        return artefacts.digest(*(self.arrays[name] for name in names))

    def with_embeddings_of(self, network: TrainedNetwork) -> "RecommenderModel":
        """Give what can be published beside a network's embeddings.

        Returns
        -------
        RecommenderModel
            Without the re-ranker where it learned with the nearest users of other embeddings.
        """
        if network.digest() == self.embeddings_digest:
            return self
        say(f"the re-ranker learned with other embeddings than those of the {network.network} network: left out")
        empty = RerankingNetwork.empty()
        without = {name: getattr(empty, name.removeprefix("reranker_")) for name in RERANKER_ARRAYS}
        return replace(self, arrays={**self.arrays, **without})

    @property
    def has_weights(self) -> bool:
        """Whether there are item weights: a run of embeddings only has none."""
        return bool(self.arrays["item_weight_rows"].shape[1])

    def franchises(self) -> FranchiseOrder:
        """Give which anime belong together, and in what order to watch them."""
        return FranchiseOrder(*(self.arrays[name] for name in FRANCHISE_ARRAYS))

    def weights(self) -> ItemWeights:
        """Give the item weights."""
        return ItemWeights(*(self.arrays[name] for name in ITEM_ARRAYS))

    def reranker(self, facts: AnimeFacts) -> Reranker | None:
        """Give the re-ranker.

        Returns
        -------
        Reranker or None
            None where none was learned.
        """
        network = RerankingNetwork(*(self.arrays[name] for name in RERANKER_ARRAYS))
        co_seen = CoSeen(*(self.arrays[name] for name in CO_SEEN_ARRAYS))
        return Reranker(facts, self.weights(), co_seen, network) if network.n_networks else None

    def facts(self, train: Interactions, catalogue: Mapping[str, NDArray[Any]]) -> AnimeFacts:
        """Compute the facts that the re-ranker was learned with.

        Parameters
        ----------
        train : Interactions
        catalogue : mapping of str to ndarray
        """
        return facts_of_train(train, {**catalogue, **{name: self.arrays[name] for name in FRANCHISE_ARRAYS}})


def fit_recommender_model(  # noqa: PLR0913, PLR0917 - all that it is made of
    prepared: Prepared,
    train: Interactions,
    network: TrainedNetwork,
    counts: Square,
    weights: ItemWeights,
    franchises: Mapping[str, NDArray[Any]],
    settings: RunSettings,
    engine: Engine = LOCAL,
) -> RecommenderModel:
    """Learn the re-ranker.

    Parameters
    ----------
    prepared : Prepared
    train : Interactions
        Of the users who train.
    network : TrainedNetwork
        Its embeddings find the nearest users.
    counts : ndarray of shape (n_anime, n_anime), dtype=float32
        Co-counts of those who train.
    weights : ItemWeights
        Learned from them.
    franchises : mapping of str to ndarray
        From :func:`training.franchises.grouping.franchise_arrays`, of the same users: nobody else's lists are looked
        at.
    settings : RunSettings
    engine : Engine, optional
        Where examples are made.
    """
    catalogue = {**prepared.catalogue, **franchises}
    fitted = fit_reranker(
        train, counts, weights, catalogue, network.list_embeddings, settings.items, settings.reranker, engine
    )
    arrays = {**franchises, **_arrays_of(weights, find_co_seen(counts, train.n_users))}
    return _make_model(prepared, network, settings, arrays, fitted)


def without_weights(
    prepared: Prepared, network: TrainedNetwork, franchises: Mapping[str, NDArray[Any]], settings: RunSettings
) -> RecommenderModel:
    """Keep franchises only: embeddings and neighbours recommend.

    Parameters
    ----------
    prepared : Prepared
    network : TrainedNetwork
    franchises : mapping of str to ndarray
        From :func:`training.franchises.grouping.franchise_arrays`.
    settings : RunSettings

    Returns
    -------
    RecommenderModel
        With item weights of width 0, and without a re-ranker.
    """
    none = np.zeros((prepared.interactions.n_anime, 0), dtype=np.float32)
    rows = none.astype(np.int32)
    arrays = {**franchises, **_arrays_of(ItemWeights(rows, none), CoSeen(rows, none))}
    return _make_model(prepared, network, settings, arrays, TrainedReranker(None, {}, 0.0))


def _arrays_of(weights: ItemWeights, co_seen: CoSeen) -> dict[str, NDArray[Any]]:
    arrays = {name: getattr(weights, name.removeprefix("item_weight_")) for name in ITEM_ARRAYS}
    return arrays | {name: getattr(co_seen, name.removeprefix("co_seen_")) for name in CO_SEEN_ARRAYS}


def _make_model(
    prepared: Prepared,
    network: TrainedNetwork,
    settings: RunSettings,
    arrays: Mapping[str, NDArray[Any]],
    fitted: TrainedReranker,
) -> RecommenderModel:
    reranker = fitted.network or RerankingNetwork.empty()
    arrays = {**arrays} | {name: getattr(reranker, name.removeprefix("reranker_")) for name in RERANKER_ARRAYS}
    return RecommenderModel(
        arrays,
        fitted.history,
        fitted.seconds,
        prepared.digest,
        network.digest(),
        settings.model_dump(),
    )


def save_recommender(folder: Path, model: RecommenderModel) -> None:
    """Write a recommender.

    Parameters
    ----------
    folder : Path
        An earlier one is replaced.
    model : RecommenderModel
    """
    with replaced_folder(folder) as new:
        artefacts.save(new / _FACTS_FILE, model.arrays, {name: getattr(model, name) for name in _FACTS})


def load_recommender(folder: Path) -> RecommenderModel:
    """Read a recommender.

    Raises
    ------
    InputError
        If the folder holds none.
    """
    return artefacts.load(
        folder / _FACTS_FILE, lambda arrays, facts: RecommenderModel(arrays, **facts), "holds no recommender"
    )
