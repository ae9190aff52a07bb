"""Reads what the stages left in a work folder, and checks that it belongs together."""

import json
from pathlib import Path
from typing import Any

from training.embeddings.trained import TrainedNetwork, load_trained
from training.errors import InputError
from training.lists.prepared import Prepared, load_prepared
from training.lists.split import Split, split_interactions
from training.recommending.stage import FOLDER as RECOMMENDER_FOLDER
from training.recommending.stage import RecommenderModel, load_recommender
from training.settings import RunSettings
from training.similar_anime.stage import FOLDER as SIMILAR_FOLDER
from training.similar_anime.stage import SimilarAnimeModel, load_similar_anime
from training.support.terminal import say


def load_split(work: Path, settings: RunSettings) -> tuple[Prepared, Split]:
    """Read the prepared dump and split it.

    Raises
    ------
    InputError
        If nothing is prepared, or there are no users to learn from.
    """
    prepared = load_prepared(work / "prepared")
    split = split_interactions(prepared.interactions, settings.split_seed, settings.test_fold)
    if not split.may_train.any():
        raise InputError(
            f"{work}: all {prepared.interactions.n_users} users are among those who test, so none is left to learn "
            "from; more users are needed"
        )
    return prepared, split


def trained_folder(work: Path, name: str) -> Path:
    """Return the folder of a network, or of what was learned after it."""
    return work / "trained" / name


def load_learned(prepared: Prepared, work: Path) -> tuple[SimilarAnimeModel, RecommenderModel]:
    """Read what was learned after the networks.

    Raises
    ------
    InputError
        If there is none, or it was learned from another dump.
    """
    similar = load_similar_anime(trained_folder(work, SIMILAR_FOLDER))
    recommender = load_recommender(trained_folder(work, RECOMMENDER_FOLDER))
    if {similar.prepared_digest, recommender.prepared_digest} != {prepared.digest}:
        raise InputError(
            f"{work}: what follows the networks was learned before the dump was prepared anew, from other files or "
            "with other thresholds; run `train` again"
        )
    return similar, recommender


def digests_of(prepared: Prepared, similar: SimilarAnimeModel, recommender: RecommenderModel) -> dict[str, str]:
    """Identify what an evaluation measures besides the networks."""
    return {
        "prepared": prepared.digest,
        SIMILAR_FOLDER: similar.digest(),
        RECOMMENDER_FOLDER: recommender.digest(),
    }


def load_network(work: Path, name: str, prepared: Prepared, settings: RunSettings | None = None) -> TrainedNetwork:
    """Read a network, trained on this prepared dump and, if settings are given, with their split.

    Raises
    ------
    InputError
        If there is none, or it was trained on another dump or split.
    """
    trained = load_trained(trained_folder(work, name))
    if trained.prepared_digest != prepared.digest:
        raise InputError(
            f"{work}: the {name} network was trained before the dump was prepared anew, from other files "
            "or with other thresholds; run `train` again"
        )
    # Networks of before the fold could be chosen do not name it.
    learned_with = RunSettings().model_dump() | trained.settings
    for setting in ("split_seed", "test_fold") if settings else ():
        asked, learned = getattr(settings, setting), learned_with[setting]
        if asked != learned:
            raise InputError(
                f"the {name} network was trained with {setting}={learned}, and may have seen the targets of "
                f"{setting}={asked}; evaluate with --set {setting}={learned}"
            )
    return trained


def read_metrics(work: Path, digests: dict[str, str]) -> dict[str, Any]:
    """Read the evaluation of what has these digests; empty if there is none, or if it measured something else.

    Raises
    ------
    InputError
        If the file is no evaluation.
    """
    path = work / "report" / "evaluation.json"
    try:
        metrics: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        say("not evaluated: the bundle's card will hold no metrics")
        return {}
    except ValueError as error:
        raise InputError(f"{path}: is no evaluation ({error}); make one with `evaluate`") from error
    measured = metrics.get("measured", {})
    if any(measured.get(name) != digest for name, digest in digests.items()):
        say("prepared or trained anew since it was evaluated: the bundle's card will hold no metrics")
        return {}
    return metrics
