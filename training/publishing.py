"""The publish stage: embeddings, lists and catalogue become a checked bundle in the store."""

import hashlib
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle.layout import FORMAT_VERSION
from models.bundle.manifest import DefaultMethods, Manifest
from models.bundle.reader import assemble
from models.golden import make_golden_answers
from models.object_store import ObjectStore
from models.scoring.candidate_features import FEATURES
from models.store import Store
from training.embeddings.anime_map import begin_projection, place_new
from training.embeddings.trained import TrainedNetwork
from training.evaluation.served_scorers import ITEMS, RANKED, SIMILAR
from training.lists.interactions import Interactions
from training.lists.prepared import Prepared
from training.recommending.stage import RecommenderModel
from training.similar_anime.stage import SimilarAnimeModel
from training.similar_users.embed import embed_users
from training.similar_users.in_common import N_COUNTED, N_COUNTED_QUICK, count_in_common, similarities_to_nearest
from training.similar_users.index import N_NEAREST, N_NEAREST_QUICK, build_user_index
from training.support.engine import LOCAL, Engine


def publish(  # noqa: PLR0913, PLR0917 - all that a bundle is made of
    store: Store | ObjectStore,
    prepared: Prepared,
    trained: TrainedNetwork,
    similar: SimilarAnimeModel,
    recommender: RecommenderModel,
    metrics: dict[str, Any],
    settings: dict[str, Any],
    engine: Engine = LOCAL,
) -> Path | str:
    """Publish a bundle and make it current; return where it lies.

    ``similar`` and ``recommender`` were made with the embeddings of the network; ``metrics`` are those of evaluate,
    empty where it was not run; ``settings`` are all of the run.

    Raises
    ------
    StoreError
        If the store cannot be written.
    BundleError
        If the arrays break the format.
    """
    with begin_projection(trained.anime_embeddings) as positions:
        arrays = {**_bundle_arrays(prepared, trained, similar, engine), **recommender.arrays}
        started = time.monotonic()
        user_index_metrics = add_user_index(arrays, prepared.interactions, engine)
        user_index_seconds = time.monotonic() - started
        arrays["map_positions"] = positions.result()
    new_embeddings = arrays["new_anime_embeddings"]
    arrays["new_map_positions"] = place_new(arrays["map_positions"], trained.anime_embeddings, new_embeddings)
    has_reranker = bool(len(arrays["reranker_first"]))
    created_at = datetime.now(UTC).replace(microsecond=0)
    digest = hashlib.sha256((trained.digest() + prepared.report.data.fingerprint).encode()).hexdigest()
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        model_version=f"{created_at:%Y%m%dT%H%M%SZ}-{trained.network}-{digest[:8]}",
        created_at=created_at,
        network=trained.network,
        embedding_size=trained.anime_embeddings.shape[1],
        user_embedding_rule=trained.user_embedding_rule,
        data=prepared.report.data,
        training={
            "settings": settings,
            "history": trained.history,
            "seconds": round(trained.seconds, 1),
            "similar_anime": {"weights": similar.weights, "seconds": round(similar.seconds, 1)},
            "user_index": {"seconds": round(user_index_seconds, 1)},
            "recommender": {"history": recommender.history, "seconds": round(recommender.seconds, 1)},
        },
        metrics=metrics | {"user_index": user_index_metrics},
        default_methods=_choose_methods(trained.network, arrays, metrics),
        reranker_features=FEATURES if has_reranker else (),
        golden=[],
        files=[],
    )
    return publish_arrays(store, manifest, arrays)


def add_user_index(arrays: dict[str, NDArray[Any]], lists: Interactions, engine: Engine = LOCAL) -> dict[str, Any]:
    """Add the index of users and everybody's nearest users to the arrays of a bundle; give what was measured."""
    has_weights = bool(arrays["item_weight_rows"].shape[1])
    n_nearest, n_counted = (N_NEAREST, N_COUNTED) if has_weights else (N_NEAREST_QUICK, N_COUNTED_QUICK)
    user_index, metrics = build_user_index(arrays["user_embeddings"], n_nearest, engine=engine)
    arrays |= user_index
    nearest = arrays["nearest_user_rows"][:, :n_counted]
    arrays["nearest_in_common"] = count_in_common(lists, nearest, engine)
    arrays["nearest_similarities"] = similarities_to_nearest(arrays["user_embeddings"], nearest, engine)
    return metrics


def publish_arrays(store: Store | ObjectStore, manifest: Manifest, arrays: dict[str, NDArray[Any]]) -> Path | str:
    """Publish a bundle with golden answers and make it current; see :meth:`models.store.Store.publish`."""
    golden = make_golden_answers(assemble(manifest, arrays))
    return store.publish(manifest.model_copy(update={"golden": golden}), arrays)


def _bundle_arrays(
    prepared: Prepared, trained: TrainedNetwork, similar: SimilarAnimeModel, engine: Engine
) -> dict[str, NDArray[Any]]:
    lists = prepared.interactions
    user_embeddings = trained.user_embeddings
    if user_embeddings is None:
        user_embeddings = embed_users(trained.list_embeddings, lists, engine)
    new_embeddings = trained.new_anime_embeddings
    if new_embeddings is None:
        new_embeddings = trained.anime_embeddings[:0]
    return {
        "anime_ids": lists.anime_ids,
        "user_ids": lists.user_ids,
        "anime_embeddings": trained.anime_embeddings,
        "list_embeddings": trained.list_embeddings,
        "anime_gains": trained.anime_gains,
        "user_embeddings": user_embeddings,
        "list_offsets": lists.offsets,
        "list_anime_rows": lists.anime_rows,
        "list_ratings": lists.ratings,
        "list_statuses": lists.statuses,
        # What lists hold of new anime was too little to be prepared.
        "list_new_offsets": np.zeros(lists.n_users + 1, dtype=np.int64),
        "list_new_rows": np.empty(0, dtype=np.int32),
        "similar_rows": similar.neighbours.rows,
        "similar_scores": similar.neighbours.scores,
        "cosine_rows": similar.cosines.rows,
        "cosine_scores": similar.cosines.scores,
        "popularity": lists.popularity(),
        **prepared.catalogue,
        **{f"new_{name}": array for name, array in prepared.new_anime.items()},
        **prepared.elsewhere,
        "new_anime_embeddings": new_embeddings,
    }


def _choose_methods(network: str, arrays: dict[str, NDArray[Any]], metrics: dict[str, Any]) -> DefaultMethods:
    """Choose the methods that measured best or, where they were not measured, the first that the bundle has."""
    embedding = {"embedding": f"{network}, embedding"}
    similar = {"ranked": SIMILAR} if arrays["similar_rows"].shape[1] else {}
    # Measured is not published: embeddings of another network leave the re-ranker out.
    lists = {"ranked": RANKED} if len(arrays["reranker_first"]) else {}
    lists |= {"items": ITEMS} if arrays["item_weight_rows"].shape[1] else {}
    neighbours = {"neighbours": f"{network}, neighbours"}

    def best(names: dict[str, str], question: str, metric: str) -> str:
        measured = {method: metrics.get("methods", {}).get(name, {}).get(question) for method, name in names.items()}
        means = {method: one[metric]["mean"] for method, one in measured.items() if one and metric in one}
        return max(means, key=lambda method: means[method], default=next(iter(names)))

    return DefaultMethods.model_validate(
        {
            "recommendations": best(lists | embedding | neighbours, "next_anime", "ndcg_at_100"),
            "similar_anime": best(similar | embedding, "similar_anime", "ndcg_at_10"),
        }
    )
