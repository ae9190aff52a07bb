"""The stages of a run: each reads what the stage before left in the work folder.

::

    <work>/prepared/     lists in rows, catalogue arrays, report.json, rejected_rows.csv
    <work>/trained/<n>/  embeddings of network n, trained.json
    <work>/trained/recommender/  franchises, item weights, the re-ranker, recommender.json
    <work>/trained/similar/  ranked neighbours of every anime, the ranker, similar.json
    <work>/report/       evaluation.json, report.md, plots
    <work>/timings.json  seconds of each stage of `run`
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

from models.bundle.manifest import ModelUpdate
from models.bundle.reader import opened_bundle
from models.object_store import ObjectStore
from models.store import Store
from training import publishing
from training.background import begin_background
from training.dump.files import find_dump
from training.dump.rejects import REJECTS_FILE, RejectedRows
from training.embeddings.stage import AutoencoderInput, networks_to_train, train_networks
from training.embeddings.teacher import Teacher, fit_teacher
from training.embeddings.trained import TrainedNetwork
from training.errors import InputError
from training.evaluation.evaluate import Metrics, evaluate
from training.evaluation.report import write_report
from training.evaluation.served_scorers import make_scorers
from training.item_weights.co_counts import co_counts
from training.item_weights.fit import fit_item_weights, invert_popular
from training.lists.prepare import prepare
from training.lists.prepared import Prepared, PrepareReport, find_prepared, load_prepared, save_prepared
from training.lists.split import Split, is_test_user, some_users
from training.lists.thresholds import Thresholds
from training.recommending.stage import FOLDER as RECOMMENDER_FOLDER
from training.recommending.stage import fit_recommender_model, save_recommender, without_weights
from training.settings import RunSettings
from training.similar_anime.stage import FOLDER as SIMILAR_FOLDER
from training.similar_anime.stage import fit_similar_anime, load_similar_anime, save_similar_anime, without_ranking
from training.similar_anime.truth import read_queries
from training.support.engine import LOCAL, Engine
from training.support.folders import replaced_folder, sweep_leftovers
from training.support.terminal import progress, say
from training.updating.update import settings_of, update_bundle
from training.work_folder import digests_of, load_learned, load_network, load_split, read_metrics, trained_folder

# A single pass goes further in larger steps (docs/experiments.md).
_QUICK_PASS: Final = {"epochs": 1, "learning_rate": 0.02, "max_steps": 40}


def run_prepare(
    data: Path,
    work: Path,
    settings: RunSettings,
    engine: Engine = LOCAL,
    *,
    anew: bool = False,
    all_anime: bool = False,
) -> PrepareReport:
    """Prepare a dump, unless it has not changed since (or `anew`); after an error an earlier prepared dump stays."""
    dump = find_dump(data)
    thresholds = Thresholds(settings.min_user_rows, None if all_anime else settings.min_anime_rows)
    earlier = None if anew else find_prepared(work / "prepared", dump, thresholds)
    if earlier:
        sweep_leftovers(work / "prepared")
        say(f"{work / 'prepared'}: the dump has not changed since it was prepared, so that is used again")
        return earlier
    with replaced_folder(work / "prepared") as folder:
        with (
            RejectedRows(folder / REJECTS_FILE) as rejects,
            progress(f"read {Path(dump.lists.name).name}", dump.lists.n_bytes, "MB", scale=1e6) as update,
        ):
            source = replace(dump.lists, memory=settings.prepare.memory_limit, spill_folder=work)
            prepared = prepare(replace(dump, lists=source), thresholds, rejects, update, engine)
        save_prepared(folder, prepared)
    return prepared.report


def run_train(
    work: Path, settings: RunSettings, log_folder: Path | None, engine: Engine = LOCAL
) -> list[TrainedNetwork]:
    """Train the networks, then the ranking of similar anime and the re-ranker on the published one's embeddings."""
    prepared, split = load_split(work, settings)
    if settings.only == "embeddings":
        return _learn_embeddings(work, prepared, split, settings, log_folder)
    return _learn_all(work, prepared, split, settings, log_folder, engine)


# What needs the co-counts of anime runs in an order that keeps the fewest large matrices at a time.
def _learn_all(
    work: Path, prepared: Prepared, split: Split, settings: RunSettings, log_folder: Path | None, engine: Engine
) -> list[TrainedNetwork]:
    with begin_background(split.train, prepared) as (content, grouping):
        counts = co_counts(split.train, engine)
        dense = invert_popular(counts, settings.items)
        weights = fit_item_weights(counts, dense, settings.items)
        teacher = Teacher.of_weights(dense, weights)
        del dense
        names = networks_to_train(settings, len(prepared.interactions.anime_rows))
        given = AutoencoderInput(split.train, teacher, content.result())
        del teacher
        trained = train_networks(work, names, prepared, split, settings, log_folder, given)
        del given
        franchises = grouping.result()
    recommender = fit_recommender_model(
        prepared, split.train, trained[0], counts, weights, franchises, settings, engine
    )
    save_recommender(trained_folder(work, RECOMMENDER_FOLDER), recommender)
    del counts
    queries = read_queries(prepared, min_votes=1, min_pairs=1)
    embeddings = trained[0].anime_embeddings
    similar = fit_similar_anime(prepared, split.train, embeddings, queries, settings.model_dump(), engine)
    save_similar_anime(trained_folder(work, SIMILAR_FOLDER), similar)
    return trained


def _learn_embeddings(
    work: Path, prepared: Prepared, split: Split, settings: RunSettings, log_folder: Path | None
) -> list[TrainedNetwork]:
    """Train what a run of embeddings only publishes: on some users, in one quick pass unless settings differ."""
    quick = _QUICK_PASS | settings.autoencoder.model_dump(include=settings.autoencoder.model_fields_set)
    settings = settings.model_copy(update={"autoencoder": settings.autoencoder.model_copy(update=quick)})
    lists = some_users(split.train, settings.quick_users, "quick run")
    with begin_background(lists, prepared) as (content, grouping):
        teacher = fit_teacher(co_counts(lists), settings.items)
        names = networks_to_train(settings, len(prepared.interactions.anime_rows))
        given = AutoencoderInput(lists, teacher, content.result())
        trained = train_networks(work, names, prepared, split, settings, log_folder, given)
        franchises = grouping.result()
    save_similar_anime(trained_folder(work, SIMILAR_FOLDER), without_ranking(prepared, settings.model_dump()))
    recommender = without_weights(prepared, trained[0], franchises, settings)
    save_recommender(trained_folder(work, RECOMMENDER_FOLDER), recommender)
    return trained


def run_evaluate(work: Path, settings: RunSettings) -> Metrics:
    """Measure the trained networks and the baselines and write the report; see `evaluate` for the result."""
    prepared, split = load_split(work, settings)
    names = networks_to_train(settings, len(prepared.interactions.anime_rows))
    trained = [load_network(work, name, prepared, settings) for name in names]
    similar, recommender = load_learned(prepared, work)
    if not len(split.test_user_rows):
        say("none of the users is one of those who test (about a tenth are), so next anime is not measured")
    split = split.some_test_users(settings.max_test_users)
    scorers = make_scorers(prepared, split, trained, similar, recommender, settings)
    metrics = evaluate(scorers, split, read_queries(prepared))
    metrics["measured"] = {network.network: network.digest() for network in trained}
    metrics["measured"] |= digests_of(prepared, similar, recommender)
    with replaced_folder(work / "report") as folder:
        write_report(folder, metrics, trained, prepared)
    return metrics


def run_publish(work: Path, store: Store | ObjectStore, settings: RunSettings, engine: Engine = LOCAL) -> Path | str:
    """Publish the trained network, with its evaluation if there is one; return the bundle's folder or URL."""
    prepared = load_prepared(work / "prepared")
    trained = load_network(work, settings.network, prepared)
    similar, recommender = load_learned(prepared, work)
    # The settings that the stages ran with, which need not be those of this run.
    used = settings.model_dump() | trained.settings | prepared.report.settings
    used |= {"network": settings.network, "hold_out": settings.hold_out}
    digests = {trained.network: trained.digest()} | digests_of(prepared, similar, recommender)
    metrics = read_metrics(work, digests)
    recommender = recommender.with_embeddings_of(trained)
    if settings.hold_out:
        unseen = is_test_user(prepared.interactions.user_ids, used["test_fold"])
        prepared = replace(prepared, interactions=prepared.interactions.keep_users(~unseen))
        trained = trained.of_users(~unseen)
    return publishing.publish(store, prepared, trained, similar, recommender, metrics, used, engine)


def run_update(
    data: Path, work: Path, store: Store | ObjectStore, *, keep_users: bool
) -> tuple[PrepareReport, Path | str, ModelUpdate]:
    """Prepare a newer dump and publish the current model with its users, lists and anime; see `update_bundle`.

    Raises
    ------
    InputError
        If the dump cannot be used or lacks most users, or the work folder is that of a training.
    """
    find_dump(data)  # before the bundle is read
    folder = store.current_folder() if isinstance(store, Store) else store.fetch(work / "store")
    store.require_writable()
    if (work / "trained").exists():
        raise InputError(f"{work}: holds a training of the dump that is prepared there; give `update` another --work")
    with opened_bundle(folder) as bundle:  # checked meanwhile
        # All anime: which of them the model learned was decided by another dump.
        report = run_prepare(data, work, settings_of(bundle), all_anime=True)
    return report, *update_bundle(store, bundle, load_prepared(work / "prepared"), keep_users=keep_users)


def ship_similar_weights(work: Path, out: Path) -> None:
    """Write the ranker learned in a work folder to the file for dumps without recommendations.

    Raises
    ------
    InputError
        If no ranker was learned there, or one that needs to know what people recommend.
    """
    similar = load_similar_anime(trained_folder(work, SIMILAR_FOLDER))
    if similar.weights != "learned":
        raise InputError(f"{work}: its ranker came with the project; train on a dump with recommendations.csv")
    if similar.settings["similar"]["weights"] != "to ship":
        how = "train with --set 'similar.weights=to ship'"
        raise InputError(f"{work}: its ranker takes what people recommend as evidence; {how}")
    similar.ranker.save(out)
