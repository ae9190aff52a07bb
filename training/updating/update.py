"""Makes a bundle of a model that is published and a newer dump: new anime, new users and changed lists."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle.layout import LAYOUT
from models.bundle.manifest import ModelUpdate
from models.bundle.reader import Bundle
from models.object_store import ObjectStore
from models.store import Store
from training.embeddings.anime_map import place_new
from training.embeddings.content import read_content
from training.embeddings.new_anime import embed_new_anime
from training.errors import InputError
from training.franchises.new_anime import first_rows_of_new
from training.lists.prepared import Prepared
from training.lists.split import is_test_user
from training.publishing import publish_arrays
from training.settings import RunSettings
from training.similar_anime.truth import read_queries
from training.support.terminal import say
from training.updating.catalogue import update_catalogue
from training.updating.lists import compare_lists, keep_anime, keep_learned, lists_of_bundle, put_back
from training.updating.placing import measure_placing
from training.updating.users import update_users


def settings_of(bundle: Bundle) -> RunSettings:
    """Give the settings that decide who is on the lists of a bundle, as its training had them."""
    used = bundle.manifest.training.get("settings", {})
    names = ("min_user_rows", "min_anime_rows", "hold_out", "test_fold")
    return RunSettings(**{name: used[name] for name in names if name in used})


def update_bundle(
    store: Store | ObjectStore, bundle: Bundle, prepared: Prepared, *, keep_users: bool
) -> tuple[Path | str, ModelUpdate]:
    """Publish the model of a bundle with the users, lists and catalogue of a dump, and make it current.

    What was learned stays: embeddings, item weights, the re-ranker, similar anime and franchises of the anime that
    the model learned. Users are those of the dump alone; ``keep_users`` keeps those of the bundle of whom it has too
    few rows or none, and new anime that it lacks. Anime that the model did not learn are placed by their content,
    however many lists hold them. ``bundle`` is the current one, ``prepared`` holds all anime of its catalogue.

    Raises
    ------
    InputError
        If no user has enough rows of learned anime, more than half of the users would go, users of two kinds would
        have to be kept together, or another bundle became current meanwhile.
    StoreError
        If the store cannot be written.
    """
    settings, listed = settings_of(bundle), prepared.interactions
    lists = keep_learned(listed, bundle.anime_ids, settings.min_user_rows)
    if settings.hold_out:
        lists = lists.keep_users(~is_test_user(lists.user_ids, settings.test_fold))
    if not lists.n_users:
        raise InputError(
            f"{prepared.report.data_folder}: no user has {max(1, settings.min_user_rows)} rows of the anime that "
            f"{bundle.manifest.model_version} learned; is it a dump of another catalogue? `run` learns from it"
        )
    theirs, ours = ("texts" if ids.dtype.kind == "U" else "numbers" for ids in (lists.user_ids, bundle.user_ids))
    if keep_users and theirs != ours:
        raise InputError(
            f"{prepared.report.data_folder}: its user ids are {theirs}, those of {bundle.manifest.model_version} are "
            f"{ours}; --keep-users needs users of one kind"
        )
    kept = np.isin(bundle.user_ids, lists.user_ids, invert=True) & keep_users
    kept_ids = bundle.user_ids[kept]
    before, new_before = lists_of_bundle(bundle)
    lists = put_back(lists, before, kept_ids)
    changes = compare_lists(before, lists, kept_ids)
    if 2 * changes.n_removed_users > bundle.n_users:
        raise InputError(
            f"{prepared.report.data_folder}: has no list, or too short a one, of {changes.n_removed_users:,} of the "
            f"{bundle.n_users:,} users of {bundle.manifest.model_version}, and an update removes those; "
            "--keep-users keeps them with the lists that they have, `run` learns from this dump alone"
        )
    arrays: dict[str, NDArray[Any]] = {spec.name: getattr(bundle, spec.name) for spec in LAYOUT}
    with ThreadPoolExecutor(1) as pool:
        # Mostly one thread of Python, beside compiled code and algebra.
        updated = replace(prepared, interactions=lists)
        reading = pool.submit(_update_catalogue, bundle, updated, prepared, keep_new=keep_users)
        say(f"find the nearest users of {lists.n_users:,}")
        metrics = bundle.manifest.metrics | {"user_index": update_users(arrays, bundle, lists, changes)}
        catalogue, placing = reading.result()
    arrays |= catalogue
    new_now, new_before = (keep_anime(part, arrays["new_anime_ids"]) for part in (listed, new_before))
    new_now = put_back(new_now, new_before, kept_ids)
    new_entries = new_now.keep_users(np.isin(new_now.user_ids, lists.user_ids))
    arrays |= {"list_new_offsets": new_entries.offsets, "list_new_rows": new_entries.anime_rows}
    created_at = datetime.now(UTC).replace(microsecond=0)
    update = ModelUpdate(
        created_at=created_at,
        updated_version=bundle.manifest.model_version,
        data=prepared.report.data,
        n_new_users=changes.n_new_users,
        n_changed_lists=changes.n_changed,
        n_removed_users=changes.n_removed_users,
        n_new_anime=int(np.count_nonzero(~np.isin(arrays["new_anime_ids"], bundle.catalogue_ids))),
        n_waiting_anime=int(np.count_nonzero(new_now.popularity() >= max(1, settings.min_anime_rows))),
        placed_by_content=placing,
    )
    digest = hashlib.sha256((update.updated_version + update.data.fingerprint).encode()).hexdigest()
    manifest = bundle.manifest.model_copy(
        update={
            "model_version": f"{created_at:%Y%m%dT%H%M%SZ}-{bundle.manifest.network}-{digest[:8]}",
            "created_at": created_at,
            "metrics": metrics,
            "updates": (*bundle.manifest.updates, update),
        }
    )
    if (now := store.current_version()) != update.updated_version:
        raise InputError(f"another bundle was published meanwhile, and {now} stays current; update that one")
    return publish_arrays(store, manifest, arrays), update


def _update_catalogue(
    bundle: Bundle, updated: Prepared, prepared: Prepared, *, keep_new: bool
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Take the dump's catalogue and place new anime; give the arrays, and how well content places learned anime."""
    known, new = update_catalogue(bundle, prepared, keep_new=keep_new)
    content, embeddings, popularity = read_content(known), bundle.anime_embeddings, bundle.popularity
    names = {spec.name for spec in LAYOUT}
    arrays = {name: array for name, array in known.items() if name in names}
    arrays |= {f"new_{name}": array for name, array in new.items() if f"new_{name}" in names}
    # What anime are called elsewhere stays where the dump does not say it anew.
    arrays |= {name: array for name, array in prepared.elsewhere.items() if len(array)}
    arrays["new_anime_embeddings"] = embeddings[:0]
    if len(new["anime_ids"]):
        arrays["new_anime_embeddings"] = embed_new_anime(content, known, new, popularity, embeddings)
    franchises = {name: getattr(bundle, name) for name in ("franchise_codes", "franchise_positions")}
    arrays["new_first_rows"] = first_rows_of_new(known, new, franchises)
    # New anime that the dump lacks lie where they lay: the bundle has less of them than places an anime.
    kept_ids = np.setdiff1d(np.intersect1d(new["anime_ids"], bundle.new_anime_ids), prepared.interactions.anime_ids)
    if len(kept_ids):
        rows, rows_before = (np.searchsorted(ids, kept_ids) for ids in (new["anime_ids"], bundle.new_anime_ids))
        arrays["new_anime_embeddings"][rows] = bundle.new_anime_embeddings[rows_before]
        firsts = bundle.new_first_rows[rows_before]
        arrays["new_first_rows"][rows] = np.where(firsts < bundle.n_anime, firsts, bundle.n_anime + rows)
    arrays["new_map_positions"] = place_new(bundle.map_positions, embeddings, arrays["new_anime_embeddings"])
    return arrays, measure_placing(content, known, popularity, embeddings, read_queries(updated))
