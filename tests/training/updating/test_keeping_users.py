"""Dumps that lack users of the bundle: most of them are refused, and `--keep-users` takes them as a delta."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.bundle.layout import LAYOUT
from models.bundle.reader import Bundle, read_bundle
from models.store import Store
from tests.training.commands import fails, works
from tests.training.small_dump import ListRow, SmallDump, add_new_anime, write_csv, write_small_dump
from tests.training.updating.published import AIRED, cards_of, counts_of, list_of, newest, update, write_lists
from training.lists.interactions import Interactions
from training.lists.prepared import Prepared, load_prepared
from training.publishing import publish_arrays
from training.updating.lists import lists_of_bundle

ME = 9999


def rows_of(rows: list[ListRow], user_id: int, owner: int | None = None) -> list[ListRow]:
    return [(user_id, *row[1:]) for row in rows if row[0] == (user_id if owner is None else owner)]


def read_catalogue(dump: SmallDump) -> tuple[list[str], list[list[str]]]:
    with (dump.folder / "anime.csv").open(newline="", encoding="utf-8") as file:
        header, *catalogue = csv.reader(file)
    return header, catalogue


def refused(monkeypatch: pytest.MonkeyPatch, store: Store, dump: SmallDump, *flags: str) -> str:
    current = store.current_folder()
    places = ("--store", str(store.root), "--work", str(store.root.parent / "updated"))
    line = fails(monkeypatch, "update", "--data", str(dump.folder), *places, *flags)
    assert store.current_folder() == current
    return line


def read_texts(monkeypatch: pytest.MonkeyPatch, prefix: str = "") -> None:
    """Let user ids of dumps be texts: "me" is one of them."""

    def load(folder: Path) -> Prepared:
        prepared = load_prepared(folder)
        lists = prepared.interactions
        texts = ["me" if user_id == ME else f"{prefix}{user_id}" for user_id in lists.user_ids.tolist()]
        order = np.argsort(texts)
        entries = np.concatenate([np.arange(*lists.offsets[row : row + 2]) for row in order])
        offsets = np.cumsum([0, *np.diff(lists.offsets)[order]])
        columns = (lists.anime_rows[entries], lists.ratings[entries], lists.statuses[entries])
        return replace(
            prepared, interactions=Interactions(np.array(texts)[order], lists.anime_ids, offsets, *columns)
        )

    monkeypatch.setattr("training.pipeline.load_prepared", load)


@pytest.mark.parametrize("kind", ["numbers", "texts", "held out"])
def test_a_delta_makes_the_bundle_that_a_dump_of_all_users_makes(
    kind: str, store: Store, small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = small_dump.rows
    if kind == "held out":
        store = Store(tmp_path / "held out" / "store")
        works(monkeypatch, "publish", "--work", str(tmp_path / "trained"), "--store", str(store.root), "--hold-out")
    elif kind == "texts":
        read_texts(monkeypatch)
        assert update(monkeypatch, store, small_dump.folder).has_text_user_ids
    whole = Store(shutil.copytree(store.root, tmp_path / "whole" / "store"))
    add_new_anime(small_dump)
    header, catalogue = read_catalogue(small_dump)
    # The few anime on the lists of a delta are of few studios.
    write_csv(
        small_dump.folder / "anime.csv",
        (*header, "Studios"),
        [(*row, f"Studio {place}") for place, row in enumerate(catalogue)],
    )

    first = [*rows_of(rows, 3)[1:], *rows_of(rows, 900, owner=7), *rows_of(rows, ME, owner=9)]
    first += [(user_id, AIRED, 9, 2, 12) for user_id in (3, ME)]
    second = [*rows_of(rows, 5)[:-1], (5, AIRED, 8, 2, 12), *rows_of(rows, ME, owner=11)]
    for delta in (first, second):
        users = {row[0] for row in delta}
        rows = [row for row in rows if row[0] not in users] + delta
        write_lists(small_dump, delta)
        after = update(monkeypatch, store, small_dump.folder, "--keep-users")
        write_lists(small_dump, rows)
        expected = update(monkeypatch, whole, small_dump.folder)
        differ = [s.name for s in LAYOUT if not np.array_equal(getattr(after, s.name), getattr(expected, s.name))]
        assert not differ
        counts = [counts_of(bundle.manifest.updates[-1]) for bundle in (after, expected)]
        assert counts[0] == counts[1]
        assert counts[0][2] == 0
    assert after.manifest.golden == expected.manifest.golden
    assert len(after.list_new_rows) == 2
    assert set(after.studio_names) > {"Studio 39"}


def test_a_dump_that_lacks_more_than_half_of_the_users_is_refused(
    store: Store, small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_ids = read_bundle(store.current_folder()).user_ids.tolist()
    version = store.current_folder().name
    # One of those who are left has too few rows, which is as good as none.
    few = next(row for row in small_dump.rows if row[0] == user_ids[0])
    write_lists(small_dump, [few, *(row for row in small_dump.rows if row[0] in user_ids[31:])])
    line = refused(monkeypatch, store, small_dump)
    assert f"has no list, or too short a one, of 31 of the 60 users of {version}" in line
    assert "an update removes those; --keep-users keeps them" in line
    write_lists(small_dump, [row for row in small_dump.rows if row[0] in user_ids[30:]])
    after = update(monkeypatch, store, small_dump.folder)
    assert after.user_ids.tolist() == user_ids[30:]
    assert counts_of(after.manifest.updates[0]) == (0, 0, 30, 0, 0)


def test_other_users_come_beside_those_who_are_kept(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_bundle(store.current_folder())
    others = write_small_dump(tmp_path / "others", n_users=20, seed=1)
    write_lists(others, [(row[0] + 5000, *row[1:]) for row in others.rows])
    (others.folder / "recommendations.csv").unlink()
    assert "of 60 of the 60 users" in refused(monkeypatch, store, others)
    after = update(monkeypatch, store, others.folder, "--keep-users")
    assert after.user_ids.tolist() == [*before.user_ids.tolist(), *(5003 + 2 * user for user in range(20))]
    assert counts_of(after.manifest.updates[0]) == (20, 0, 0, 0, 0)
    assert set(after.manifest.updates[0].placed_by_content) == {"mean_cosine"}


def test_who_has_too_few_rows_in_a_delta_keeps_the_list_of_the_bundle(
    store: Store, small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lists(small_dump, newest(small_dump))
    before = update(monkeypatch, store, small_dump.folder)
    # 7 has four rows, 9 and the new 902 have five of which the model learned four.
    rows = [(900, *row[1:]) for row in small_dump.rows if row[0] == 11]
    rows += [row for row in small_dump.rows if row[0] == 7][:4]
    rows += [*[row for row in small_dump.rows if row[0] == 9 and row[3] != 6][:4], (9, 1003, 8, 2, 12)]
    rows += rows_of(rows, 902, owner=9)
    write_lists(small_dump, rows)
    after = update(monkeypatch, store, small_dump.folder, "--keep-users")
    assert after.user_ids.tolist() == before.user_ids.tolist()
    for user_id in (7, 9):
        assert list_of(after, user_id) == list_of(before, user_id)
        assert after.new_ids_on_list(int(np.searchsorted(after.user_ids, user_id))) == [AIRED]
    assert after.new_ids_on_list(int(np.searchsorted(after.user_ids, 900))) == []
    assert counts_of(after.manifest.updates[-1]) == (0, 1, 0, 0, 1)


def test_users_of_two_kinds_are_not_kept_together(
    store: Store, small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = read_bundle(store.current_folder())
    with monkeypatch.context() as patch:
        read_texts(patch)
        write_lists(small_dump, rows_of(small_dump.rows, ME, owner=7))
        line = refused(monkeypatch, store, small_dump, "--keep-users")
        assert f"its user ids are texts, those of {numbers.manifest.model_version} are numbers; --keep" in line
        # Without it a dump of all users changes the kind.
        write_lists(small_dump, [*small_dump.rows, *rows_of(small_dump.rows, ME, owner=7)])
        texts = update(monkeypatch, store, small_dump.folder)
        assert texts.user_ids.tolist() == sorted([*map(str, numbers.user_ids.tolist()), "me"])
        # Names that nobody has in the bundle are other users.
        read_texts(patch, prefix="user ")
        assert "of 60 of the 61 users" in refused(monkeypatch, store, small_dump)
    write_lists(small_dump, small_dump.rows)
    line = refused(monkeypatch, store, small_dump, "--keep-users")
    assert f"its user ids are numbers, those of {texts.manifest.model_version} are texts; --keep" in line
    after = update(monkeypatch, store, small_dump.folder)
    np.testing.assert_array_equal(after.user_ids, numbers.user_ids)
    assert [counts_of(added)[:3] for added in after.manifest.updates] == [(1, 0, 0), (0, 0, 1)]


def _place(store: Store, bundle: Bundle, first_row: int) -> Bundle:
    """Publish a bundle anew with the first two of its new anime in a franchise and a place of their own."""
    arrays = {spec.name: getattr(bundle, spec.name) for spec in LAYOUT}
    arrays["new_first_rows"] = bundle.n_anime + np.arange(bundle.n_new, dtype=np.int32)
    arrays["new_first_rows"][1] = first_row
    arrays["new_anime_embeddings"] = -bundle.new_anime_embeddings
    publish_arrays(store, bundle.manifest.model_copy(update={"model_version": "placed"}), arrays)
    return read_bundle(store.current_folder())


def test_anime_that_the_catalogue_of_a_delta_lacks_stay_where_they_lie(
    store: Store, small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lists(small_dump, newest(small_dump))
    update(monkeypatch, store, small_dump.folder)
    before = _place(store, read_bundle(store.current_folder()), first_row=0)
    gone = (1000, AIRED, 1002)
    header, catalogue = read_catalogue(small_dump)
    catalogue = [row for row in catalogue if int(row[0]) not in gone]
    for cells in catalogue:
        cells[header.index("Genres")] = "Aardvarks"
    write_csv(small_dump.folder / "anime.csv", tuple(header), [*catalogue, ("500", "Newest", *catalogue[0][2:])])
    write_lists(small_dump, rows_of(small_dump.rows, 7)[1:])
    whole = Store(shutil.copytree(store.root, tmp_path / "whole" / "store"))
    after = update(monkeypatch, store, small_dump.folder, "--keep-users")
    assert after.new_anime_ids.tolist() == [500, 1000, 1001, 1002, 1003, 1004]
    assert counts_of(after.manifest.updates[-1]) == (0, 1, 0, 1, 1)
    cards, cards_before = cards_of(after, new=True), cards_of(before, new=True)
    n_anime = after.n_anime
    assert after.new_first_rows[1:4].tolist() == [n_anime + 1, 0, n_anime + 3]
    np.testing.assert_array_equal(after.new_anime_embeddings[1:4], before.new_anime_embeddings[:3])
    assert not np.array_equal(after.new_anime_embeddings[4:], before.new_anime_embeddings[3:])
    for row, anime_id in enumerate(gone, start=1):
        assert cards[anime_id] == cards_before[anime_id]
        genres = after.genre_names[after.new_anime_genres[row]].tolist()
        assert genres == sorted(cards[anime_id].genres)
        assert after.type_names[after.new_type_codes[row]] == (cards[anime_id].type or "")
        assert after.new_members[row] == (cards[anime_id].members or 0)
    # Those who had one have it still, but for 7, whose list is another.
    _, entries = lists_of_bundle(after)
    assert entries.user_ids[np.diff(entries.offsets) > 0].tolist() == [9, 11, 13, 15, 900]
    assert set(after.new_anime_ids[after.list_new_rows]) == {AIRED}
    write_lists(small_dump, small_dump.rows)
    assert update(monkeypatch, whole, small_dump.folder).new_anime_ids.tolist() == [500, 1003, 1004]
