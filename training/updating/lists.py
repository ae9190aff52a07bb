"""Lists of a newer dump in the rows of a bundle, and what is other than in the bundle's own lists."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle.reader import Bundle
from training.lists.interactions import Interactions
from training.lists.split import splitmix64


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
    now = lists.keep_users(~np.isin(lists.user_ids, user_ids))
    then = before.keep_users(np.isin(before.user_ids, user_ids))
    user_ids = np.concatenate([now.user_ids, then.user_ids])
    offsets = np.concatenate([now.offsets, now.offsets[-1] + then.offsets[1:]])
    order = np.argsort(user_ids)

    def pick(name: str) -> NDArray[Any]:
        of_users = np.split(np.concatenate([getattr(now, name), getattr(then, name)]), offsets[1:-1])
        return np.concatenate([of_users[row] for row in order.tolist()])

    columns = map(pick, ("anime_rows", "ratings", "statuses"))
    ends = np.cumsum(np.diff(offsets)[order])
    return Interactions(user_ids[order], lists.anime_ids, np.concatenate([[0], ends]), *columns)


def keep_anime(lists: Interactions, anime_ids: NDArray[np.int64]) -> Interactions:
    """Keep what lists hold of some anime, given by ids, ascending, as which rows count then."""
    kept = lists.keep_entries(np.isin(lists.anime_ids, anime_ids)[lists.anime_rows])
    rows = np.searchsorted(anime_ids, lists.anime_ids).astype(np.int32)
    return replace(kept, anime_ids=anime_ids, anime_rows=rows[kept.anime_rows])


def keep_learned(lists: Interactions, anime_ids: NDArray[np.int64], min_user_rows: int) -> Interactions:
    """Keep what lists hold of the learned anime, and the users who have enough of it, plan-to-watch left out."""
    kept = keep_anime(lists, anime_ids)
    return kept.keep_users(kept.count_by_user(kept.seen) >= max(1, min_user_rows))


def compare_lists(before: Interactions, after: Interactions) -> ListChanges:
    """Compare the lists of two dumps, of the same anime."""
    ids, rows_before, rows_after = np.intersect1d(
        before.user_ids, after.user_ids, assume_unique=True, return_indices=True
    )
    same = _hash_lists(before)[rows_before] == _hash_lists(after)[rows_after]
    return ListChanges(
        n_new_users=after.n_users - len(ids),
        n_changed=int(np.count_nonzero(~same)),
        n_removed_users=before.n_users - len(ids),
        same_before=rows_before[same],
        same_after=rows_after[same],
    )


def _hash_lists(lists: Interactions) -> NDArray[np.uint64]:
    hashes = np.zeros(lists.n_users, dtype=np.uint64)
    for first, last in lists.groups_of_users():
        part = lists.users_between(first, last)
        entries = part.anime_rows.astype(np.uint64) << np.uint64(16)
        entries |= part.ratings.astype(np.uint64) << np.uint64(8) | part.statuses.astype(np.uint64)
        # Sums wrap around, and so do their differences.
        sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(splitmix64(entries), dtype=np.uint64)])
        hashes[first:last] = np.diff(sums[part.offsets])
    return hashes
