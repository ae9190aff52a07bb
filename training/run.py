"""The whole run and its stages: each reads what the stage before left in the work folder.

::

    <work>/prepared/     lists in rows, catalogue arrays, report.json, rejected_rows.csv
    <work>/trained/<n>/  embeddings of network n, trained.json
    <work>/trained/recommender/  franchises, item weights, the re-ranker, recommender.json
    <work>/trained/similar/  ranked neighbours of every anime, the ranker, similar.json
    <work>/report/       evaluation.json, report.md, plots
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from models.store import Store
from training import publish as publishing
from training.baselines.item_knn import fit_item_knn
from training.dump import find_dump
from training.errors import InputError
from training.evaluate import Metrics, evaluate
from training.folders import replaced_folder, sweep_leftovers
from training.networks.trained import TrainedNetwork, load_trained
from training.prepare import prepare
from training.prepared import Prepared, PrepareReport, load_prepared, save_prepared
from training.rejects import REJECTS_FILE, RejectedRows
from training.report import write_report
from training.reranking.stage import FOLDER as RECOMMENDER_FOLDER
from training.reranking.stage import (
    RecommenderModel,
    fit_recommender_model,
    load_recommender,
    save_recommender,
)
from training.reuse import find_prepared
from training.scorers import (
    EmbeddingScorer,
    ItemKnnScorer,
    NeighboursScorer,
    PopularityScorer,
    RatingNetworkScorer,
    Scorer,
    embed_users,
)
from training.served_scorers import list_scorers, similar_scorers
from training.settings import RunSettings
from training.similar.stage import FOLDER as SIMILAR_FOLDER
from training.similar.stage import SimilarAnimeModel, fit_similar_anime, load_similar_anime, save_similar_anime
from training.similar_truth import read_similar_truth
from training.split import Split, is_test_user, split_interactions
from training.terminal import progress, say
from training.thresholds import Thresholds
from training.train import networks_to_train, train_networks


def run_prepare(data: Path, work: Path, settings: RunSettings, *, anew: bool = False) -> PrepareReport:
    """Prepare a dump, unless that was done before and nothing has changed since.

    Parameters
    ----------
    data : Path
        Folder of the dump.
    work : Path
    settings : RunSettings
    anew : bool, optional
        Whatever was done before.

    Returns
    -------
    PrepareReport

    Raises
    ------
    InputError
        If the dump cannot be used; an earlier prepared dump stays.
    """
    dump = find_dump(data)
    thresholds = Thresholds(settings.min_user_rows, settings.min_anime_rows)
    earlier = None if anew else find_prepared(work / "prepared", dump, thresholds)
    if earlier:
        sweep_leftovers(work / "prepared")
        say(f"{work / 'prepared'}: the dump has not changed since it was prepared, so that is used again")
        return earlier
    with replaced_folder(work / "prepared") as folder:
        with (
            RejectedRows(folder / REJECTS_FILE) as rejects,
            progress(f"read {dump.lists.name}", dump.lists.stat().st_size, "MB", scale=1e6) as update,
        ):
            prepared = prepare(dump, thresholds, rejects, update)
        save_prepared(folder, prepared)
    return prepared.report


def run_train(work: Path, settings: RunSettings, log_folder: Path | None) -> list[TrainedNetwork]:
    """Train the networks, then rank similar anime and learn to recommend with the embeddings of the published one.

    Parameters
    ----------
    work : Path
        Holds a prepared dump.
    settings : RunSettings
    log_folder : Path or None
        For TensorBoard.

    Returns
    -------
    list of TrainedNetwork

    Raises
    ------
    InputError
        If nothing is prepared.
    """
    prepared, split = _load_split(work, settings)
    trained = train_networks(work, split, settings, log_folder, prepared.catalogue)
    _rank_similar_anime(work, prepared, split, trained[0], settings)
    _learn_to_recommend(work, prepared, split, trained[0], settings)
    return trained


def run_evaluate(work: Path, settings: RunSettings) -> Metrics:
    """Measure the trained networks beside the baselines and write the report.

    Parameters
    ----------
    work : Path
        Holds a prepared dump and trained networks.
    settings : RunSettings

    Returns
    -------
    dict
        See :func:`training.evaluate.evaluate`.

    Raises
    ------
    InputError
        If nothing is trained, or on other data or another split than this.
    """
    prepared, split = _load_split(work, settings)
    trained = [load_trained(_trained_folder(work, name)) for name in networks_to_train(settings)]
    for network in trained:
        _check_same_rows(prepared, network, work)
        _check_same_split(network, settings)
    similar, recommender = _load_learned(prepared, work)
    if not len(split.test_user_rows):
        say("none of the users is one of those who test (about a tenth are), so next anime is not measured")
    queries = read_similar_truth(find_dump(Path(prepared.report.data_folder)), prepared.interactions.anime_ids)
    scorers: list[Scorer] = [
        *_make_scorers(trained, split, compare=settings.compare),
        *similar_scorers(similar, trained[0], recommender),
        *list_scorers(prepared, split, trained[0], recommender),
    ]
    metrics = evaluate(scorers, split, queries)
    metrics["measured"] = {network.network: network.digest() for network in trained}
    metrics["measured"] |= {SIMILAR_FOLDER: similar.digest(), RECOMMENDER_FOLDER: recommender.digest()}
    with replaced_folder(work / "report") as folder:
        write_report(folder, metrics, trained, prepared)
    return metrics


def run_publish(work: Path, store: Store, settings: RunSettings) -> Path:
    """Publish the trained network.

    Parameters
    ----------
    work : Path
        Holds a prepared dump, a trained network and, better, an evaluation.
    store : Store
    settings : RunSettings

    Returns
    -------
    Path
        The published bundle.

    Raises
    ------
    InputError
        If nothing is trained, or on other data than what is prepared now.
    StoreError
        If the store cannot be written.
    """
    prepared = load_prepared(work / "prepared")
    trained = load_trained(_trained_folder(work, settings.network))
    _check_same_rows(prepared, trained, work)
    similar, recommender = _load_learned(prepared, work)
    # What the stages were told when they ran, which need not be what this one is told.
    told = settings.model_dump() | trained.settings | prepared.report.settings
    told |= {"network": settings.network, "hold_out": settings.hold_out}
    digests = {trained.network: trained.digest(), SIMILAR_FOLDER: similar.digest()}
    metrics = _read_metrics(work, digests | {RECOMMENDER_FOLDER: recommender.digest()})
    recommender = recommender.with_embeddings_of(trained)
    if settings.hold_out:
        strangers = is_test_user(prepared.interactions.user_ids)
        prepared = replace(prepared, interactions=prepared.interactions.keep_users(~strangers))
        trained = trained.of_users(~strangers)
    return publishing.publish(store, prepared, trained, similar, recommender, metrics, told)


def ship_similar_weights(work: Path, out: Path) -> None:
    """Write the ranker that was learned in a work folder to where dumps without recommendations find it.

    Parameters
    ----------
    work : Path
        Holds similar anime, ranked by a learned ranker.
    out : Path

    Raises
    ------
    InputError
        If nothing is ranked, or by a ranker that was not learned here.
    """
    similar = load_similar_anime(_trained_folder(work, SIMILAR_FOLDER))
    if similar.weights != "learned":
        raise InputError(f"{work}: its ranker came with the project; train on a dump with recommendations.csv")
    similar.ranker.save(out)


def _load_split(work: Path, settings: RunSettings) -> tuple[Prepared, Split]:
    prepared = load_prepared(work / "prepared")
    split = split_interactions(prepared.interactions, settings.split_seed)
    if not split.train.n_users:
        raise InputError(
            f"{work}: all {prepared.interactions.n_users} users are among those who test, so nobody is left to learn "
            "from; more users are needed"
        )
    return prepared, split


def _make_scorers(trained: list[TrainedNetwork], split: Split, *, compare: bool) -> list[Scorer]:
    seen = split.train.anime_rows[split.train.seen]
    scorers: list[Scorer] = [PopularityScorer(np.bincount(seen, minlength=split.train.n_anime))]
    if compare:
        scorers.append(ItemKnnScorer(fit_item_knn(split.train)))
    for network in sorted(trained, key=lambda network: network.network, reverse=True):
        scorers.extend(_network_scorers(network, split))
    return scorers


def _network_scorers(trained: TrainedNetwork, split: Split) -> list[Scorer]:
    anime_embeddings, list_embeddings = trained.anime_embeddings, trained.list_embeddings
    if trained.user_embeddings is not None:
        return [RatingNetworkScorer(anime_embeddings, trained.user_embeddings)]
    train_embeddings = embed_users(list_embeddings, split.train)
    neighbours, embedding = f"{trained.network}, neighbours", f"{trained.network}, embedding"
    return [
        NeighboursScorer(
            anime_embeddings,
            list_embeddings,
            train_embeddings,
            split.train,
            f"{trained.network}, neighbours' top quarter (notebook)",
            rule="top-quarter",
        ),
        NeighboursScorer(anime_embeddings, list_embeddings, train_embeddings, split.train, neighbours),
        EmbeddingScorer(anime_embeddings, list_embeddings, trained.anime_gains, embedding),
    ]


def _rank_similar_anime(
    work: Path, prepared: Prepared, split: Split, trained: TrainedNetwork, settings: RunSettings
) -> None:
    dump = find_dump(Path(prepared.report.data_folder))
    queries = read_similar_truth(dump, prepared.interactions.anime_ids, min_votes=1, min_pairs=1)
    similar = fit_similar_anime(prepared, split.train, trained.anime_embeddings, queries, settings.model_dump())
    with replaced_folder(_trained_folder(work, SIMILAR_FOLDER)) as folder:
        save_similar_anime(folder, similar)


def _learn_to_recommend(
    work: Path, prepared: Prepared, split: Split, trained: TrainedNetwork, settings: RunSettings
) -> None:
    recommender = fit_recommender_model(prepared, split.train, trained, settings)
    with replaced_folder(_trained_folder(work, RECOMMENDER_FOLDER)) as folder:
        save_recommender(folder, recommender)


def _trained_folder(work: Path, name: str) -> Path:
    return work / "trained" / name


def _load_learned(prepared: Prepared, work: Path) -> tuple[SimilarAnimeModel, RecommenderModel]:
    similar = load_similar_anime(_trained_folder(work, SIMILAR_FOLDER))
    recommender = load_recommender(_trained_folder(work, RECOMMENDER_FOLDER))
    rows_digest = prepared.interactions.rows_digest()
    if similar.rows_digest != rows_digest or recommender.rows_digest != rows_digest:
        raise InputError(
            f"{work}: what follows the networks was learned before the dump was prepared anew, with other users or "
            "anime; run `train` again"
        )
    return similar, recommender


def _check_same_rows(prepared: Prepared, trained: TrainedNetwork, work: Path) -> None:
    if trained.rows_digest != prepared.interactions.rows_digest():
        raise InputError(
            f"{work}: the {trained.network} network was trained before the dump was prepared anew, with other users "
            "or anime; run `train` again"
        )


def _check_same_split(trained: TrainedNetwork, settings: RunSettings) -> None:
    learned = trained.settings["split_seed"]
    if learned != settings.split_seed:
        raise InputError(
            f"the {trained.network} network was trained with split_seed={learned}, and may have seen the targets of "
            f"split_seed={settings.split_seed}; evaluate with --set split_seed={learned}"
        )


def _read_metrics(work: Path, digests: dict[str, str]) -> dict[str, Any]:
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
        say("trained anew since it was evaluated: the bundle's card will hold no metrics")
        return {}
    return metrics
