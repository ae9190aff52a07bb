"""Users of an updated bundle: who did not change is not computed anew, and all is as if they were."""

import numpy as np
import pytest

from models.bundle.layout import LAYOUT
from models.bundle.reader import read_bundle
from models.store import Store
from tests.training.commands import works
from tests.training.small_dump import SmallDump
from tests.training.updating.published import AIRED, newest, update, write_lists
from training.lists.interactions import Interactions
from training.publishing import add_user_index
from training.similar_users.index import update_user_index
from training.similar_users.neighbours import EarlierNeighbours
from training.updating import users


@pytest.fixture
def few_nearest(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store whose bundle holds a few nearest users of each, as one of many users does."""
    monkeypatch.setattr("training.publishing.N_NEAREST", 7)
    monkeypatch.setattr("training.publishing.N_COUNTED", 3)
    work, root = store.root.parent / "trained", store.root.parent / "few" / "store"
    works(monkeypatch, "publish", "--work", str(work), "--store", str(root))
    assert read_bundle(Store(root).current_folder()).nearest_user_rows.shape[1] == 7
    return Store(root)


def test_few_changes_give_the_neighbours_that_all_users_would_get(
    small_dump: SmallDump, few_nearest: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[EarlierNeighbours] = []

    def spied(*given: object) -> object:
        seen.extend(each for each in given if isinstance(each, EarlierNeighbours))
        return update_user_index(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(users, "update_user_index", spied)
    rows = newest(small_dump)
    # Not the whole list of 7, since ties between twins may fall either way.
    rows.remove(max((row for row in rows if row[0] == 900 and row[1] < AIRED), key=lambda row: row[2]))
    write_lists(small_dump, rows)
    after = update(monkeypatch, few_nearest, small_dump.folder)
    # All but 3, whose list changed, and 900, who came; 5 went.
    assert [len(earlier.rows) for earlier in seen] == [after.n_users - 2]
    assert (seen[0].nearest < 0).any()
    arrays = {spec.name: getattr(after, spec.name) for spec in LAYOUT}
    columns = (after.list_offsets, after.list_anime_rows, after.list_ratings, after.list_statuses)
    add_user_index(arrays, Interactions(after.user_ids, after.anime_ids, *columns))
    for name in ("nearest_user_rows", "nearest_in_common"):
        np.testing.assert_array_equal(arrays[name], getattr(after, name))
    np.testing.assert_allclose(arrays["nearest_similarities"], after.nearest_similarities, atol=1e-6)


def test_where_many_users_changed_all_are_found_anew(
    small_dump: SmallDump, few_nearest: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(users, "update_user_index")
    write_lists(small_dump, [(*row[:2], 1 + row[2] % 10, *row[3:]) for row in small_dump.rows])
    after = update(monkeypatch, few_nearest, small_dump.folder)
    assert after.manifest.updates[0].n_changed_lists == 60


def test_where_nobody_changed_nobody_is_looked_for_anew(
    small_dump: SmallDump, few_nearest: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_bundle(few_nearest.current_folder())
    after = update(monkeypatch, few_nearest, small_dump.folder)
    np.testing.assert_array_equal(after.nearest_user_rows, before.nearest_user_rows)
