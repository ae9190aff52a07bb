"""Lists of a newer dump in the rows of a bundle, and what is other than in the bundle's own lists."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from training.lists.interactions import Interactions, pick_users

# Users at a time: what their lists are copied to stays in the cache.
_COMPARED: Final = 2048


@dataclass(frozen=True)
class ListChanges:
    """What became of the users of a bundle."""

    n_new_users: int
    n_changed: int
    n_removed_users: int
    # User rows of those whose lists stayed as they were.
    same_before: NDArray[np.int64]
    same_after: NDArray[np.int64]


def lists_of_bundle(bundle: Bundle) -> tuple[Interactions, Interactions]:
    """Give what a bundle's lists hold of learned anime, and of new ones, without their ratings and statuses."""
    columns = (bundle.list_offsets, bundle.list_anime_rows, bundle.list_ratings, bundle.list_statuses)
    none = np.zeros(len(bundle.list_new_rows), dtype=np.uint8)
    new = (bundle.new_anime_ids, bundle.list_new_offsets, bundle.list_new_rows, none, none)
    return Interactions(bundle.user_ids, bundle.anime_ids, *columns), Interactions(bundle.user_ids, *new)


def put_back(lists: Interactions, before: Interactions, user_ids: NDArray[Any]) -> Interactions:
    """Give lists with those that some users had before, of the same anime, in place of what they have now."""
    if not len(user_ids):
        return lists
    kept = lists.n_users + np.flatnonzero(np.isin(before.user_ids, user_ids))
    rows = np.concatenate([np.flatnonzero(~np.isin(lists.user_ids, user_ids)), kept])
    order = np.argsort(np.concatenate([lists.user_ids, before.user_ids])[rows])
    return pick_users([lists, before], rows[order])


def keep_anime(lists: Interactions, anime_ids: NDArray[np.int64]) -> Interactions:
    """Keep what lists hold of some anime, given by ids, ascending, as which rows count then."""
    kept = lists.keep_entries(np.isin(lists.anime_ids, anime_ids)[lists.anime_rows])
    rows = np.searchsorted(anime_ids, lists.anime_ids).astype(np.int32)
    return replace(kept, anime_ids=anime_ids, anime_rows=rows[kept.anime_rows])


def keep_learned(lists: Interactions, anime_ids: NDArray[np.int64], min_user_rows: int) -> Interactions:
    """Keep what lists hold of the learned anime, and the users who have enough of it, plan-to-watch left out."""
    kept = keep_anime(lists, anime_ids)
    return kept.keep_users(kept.count_by_user(kept.seen) >= max(1, min_user_rows))


def compare_lists(before: Interactions, after: Interactions, kept_ids: NDArray[Any]) -> ListChanges:
    """Compare the lists of two dumps, of the same anime; those of some users are known to be the same."""
    ids, rows_before, rows_after = np.intersect1d(
        before.user_ids, after.user_ids, assume_unique=True, return_indices=True
    )
    same: NDArray[np.bool_] = np.diff(before.offsets)[rows_before] == np.diff(after.offsets)[rows_after]
    unsure = np.flatnonzero(same & ~np.isin(ids, kept_ids))
    for start in range(0, len(unsure), _COMPARED):
        some = unsure[start : start + _COMPARED]
        # Of lists as long as each other entries lie side by side.
        one, other = before.take_users(rows_before[some]), after.take_users(rows_after[some])
        differ = one.anime_rows != other.anime_rows
        differ |= (one.ratings != other.ratings) | (one.statuses != other.statuses)
        same[some] = other.count_by_user(differ) == 0
    return ListChanges(
        n_new_users=after.n_users - len(ids),
        n_changed=int(np.count_nonzero(~same)),
        n_removed_users=before.n_users - len(ids),
        same_before=rows_before[same],
        same_after=rows_after[same],
    )
