"""Puts the users and lists of a newer dump into the arrays of a bundle; who did not change is not computed anew."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from training.lists.interactions import Interactions
from training.publishing import add_user_index
from training.similar_users.embed import embed_users
from training.similar_users.in_common import count_in_common, similarities_to_nearest
from training.similar_users.index import count_groups, update_user_index
from training.similar_users.neighbours import EarlierNeighbours
from training.updating.lists import ListChanges, lists_of_bundle

# Where more than this share of the users came or changed, the nearest users of all are found anew.
_MOST_CHANGED: Final = 0.1


def update_users(
    arrays: dict[str, NDArray[Any]], bundle: Bundle, lists: Interactions, changes: ListChanges
) -> dict[str, Any]:
    """Put lists, embeddings and nearest users into the arrays of a bundle; give what was measured of the index.

    Users whose lists are the same keep their embeddings, and what they have in common with neighbours that stay.
    """
    same, before = changes.same_after, changes.same_before
    others, gone = (np.delete(np.arange(n), known) for n, known in ((lists.n_users, same), (bundle.n_users, before)))
    lists_of_gone, lists_of_others = lists_of_bundle(bundle)[0].take_users(gone), lists.take_users(others)
    embeddings = np.empty((lists.n_users, bundle.manifest.embedding_size), dtype=np.float32)
    embeddings_of_same = bundle.user_embeddings[before]
    embeddings[same] = embeddings_of_same
    embeddings[others] = embed_users(bundle.list_embeddings, lists_of_others)
    arrays |= {
        "user_ids": lists.user_ids,
        "user_embeddings": embeddings,
        "list_offsets": lists.offsets,
        "list_anime_rows": lists.anime_rows,
        "list_ratings": lists.ratings,
        "list_statuses": lists.statuses,
        "popularity": bundle.popularity - lists_of_gone.popularity() + lists_of_others.popularity(),
    }
    n_nearest = bundle.nearest_user_rows.shape[1]
    few_changed = len(others) <= _MOST_CHANGED * lists.n_users and n_nearest < min(bundle.n_users, lists.n_users) - 1
    if not few_changed or (count_groups(lists.n_users) > 1) != bool(len(bundle.user_index)):
        return add_user_index(arrays, lists)
    rows_now = np.full(bundle.n_users, -1, dtype=np.int32)
    rows_now[before] = same
    kept = rows_now[bundle.nearest_user_rows[before]]
    last = bundle.user_embeddings[bundle.nearest_user_rows[before, -1]]
    least = np.einsum("ij,ij->i", embeddings_of_same, last)
    index, metrics = update_user_index(embeddings, bundle.user_index, EarlierNeighbours(before, same, kept, least))
    arrays |= index
    nearest = index["nearest_user_rows"][:, : bundle.nearest_in_common.shape[1]]
    is_changed = (nearest[same] != kept[:, : nearest.shape[1]]).any(axis=1)
    again = np.concatenate([others, same[is_changed]])
    for name, found in (
        ("nearest_in_common", count_in_common(lists, nearest[again], rows=again)),
        ("nearest_similarities", similarities_to_nearest(embeddings, nearest[again], rows=again)),
    ):
        whole = np.empty(nearest.shape, dtype=found.dtype)
        whole[same] = getattr(bundle, name)[before]
        whole[again] = found
        arrays[name] = whole
    return metrics
