"""`training update`: a newer dump's users, lists and anime in a bundle of the same model."""

import csv
from pathlib import Path

import numpy as np
import pytest

from models.bundle.layout import CO_SEEN_ARRAYS, ITEM_ARRAYS, LAYOUT
from models.bundle.manifest import DefaultMethods
from models.bundle.reader import read_bundle
from models.scoring.embedding import embed_list
from models.scoring.user_list import list_of_user
from models.store import Store
from service.api.params import RecommendationsQuery
from service.api.rendering import recommend
from service.recommending.model import load_model
from tests.training.commands import works
from tests.training.small_dump import SmallDump, write_csv
from tests.training.updating.published import (
    AIRED,
    UNHEARD,
    cards_of,
    counts_of,
    list_of,
    newest,
    update,
    write_lists,
)
from training.dump.files import find_dump
from training.embeddings.anime_map import place_new
from training.embeddings.trained import unit_rows
from training.lists.split import is_test_user
from training.publishing import publish_arrays

LEARNED = {
    "anime_ids", "anime_embeddings", "list_embeddings", "anime_gains", "franchise_codes", "franchise_positions",
    "franchise_roles", "similar_rows", "similar_scores", "cosine_rows", "cosine_scores", "item_weight_rows",
    "item_weight_values", "co_seen_rows", "co_seen_values", "reranker_scales",
    "reranker_first", "reranker_second", "reranker_last",
}  # fmt: skip


def test_an_update_takes_users_lists_and_anime_and_learns_nothing(
    store: Store, small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_bundle(store.current_folder())
    rows = newest(small_dump)
    write_lists(small_dump, rows)
    after = update(monkeypatch, store, small_dump.folder)
    same = {spec.name for spec in LAYOUT if np.array_equal(getattr(before, spec.name), getattr(after, spec.name))}
    assert same >= LEARNED
    assert after.user_ids.tolist() == sorted({*before.user_ids.tolist(), 900} - {5})
    learned = set(before.anime_ids.tolist())
    for user_id in after.user_ids.tolist():
        assert list_of(after, user_id) == sorted(row[1:4] for row in rows if row[0] == user_id and row[1] in learned)
    for row in range(after.n_users):
        expected = embed_list(after.list_embeddings, list_of_user(after, row).support)
        np.testing.assert_allclose(after.user_embeddings[row], expected, atol=1e-6)
    np.testing.assert_array_equal(
        after.popularity,
        [len({row[0] for row in rows if row[1] == i and row[0] != 901 and row[3] != 6}) for i in after.anime_ids],
    )
    # 900 has the list of 7, and the other way round.
    twins = np.searchsorted(after.user_ids, [7, 900])
    assert after.nearest_user_rows[twins, 0].tolist() == twins[::-1].tolist()
    assert after.new_anime_ids.tolist() == [1000, 1001, 1002, 1003, 1004]
    assert {card.new for card in cards_of(after, new=True).values()} == {True}
    assert {card.new for card in cards_of(after, new=False).values()} == {False}
    load_model(store.current_folder())


def test_the_card_says_what_was_added_and_keeps_what_was_measured(
    store: Store, small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_bundle(store.current_folder()).manifest
    write_lists(small_dump, newest(small_dump))
    after = update(monkeypatch, store, small_dump.folder).manifest
    assert "1 new users, 1 changed lists, 1 users gone, 5 new anime" in capsys.readouterr().out
    (added,) = after.updates
    assert counts_of(added) == (1, 1, 1, 5, 1)
    assert added.updated_version == before.model_version
    assert added.data.fingerprint == find_dump(small_dump.folder).fingerprint() != before.data.fingerprint
    assert added.created_at == after.created_at
    # Of the training, as before.
    assert (after.data, after.training, after.default_methods) == (
        before.data,
        before.training,
        before.default_methods,
    )
    assert {name: value for name, value in after.metrics.items() if name != "user_index"} == {
        name: value for name, value in before.metrics.items() if name != "user_index"
    }
    assert set(added.placed_by_content) == {"mean_cosine", "ndcg_at_10", "learned_ndcg_at_10"}


def test_updates_are_told_one_after_the_other(
    store: Store, small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = newest(small_dump)
    write_lists(small_dump, rows)
    first = update(monkeypatch, store, small_dump.folder)
    write_lists(small_dump, [row for row in rows if row[0] != 900])
    second = update(monkeypatch, store, small_dump.folder)
    assert [counts_of(added) for added in second.manifest.updates] == [(1, 1, 1, 5, 1), (0, 0, 1, 0, 1)]
    assert second.manifest.updates[0] == first.manifest.updates[0]
    assert second.manifest.updates[1].updated_version == first.manifest.model_version
    assert store.current_folder().name == second.manifest.model_version


def test_a_dump_that_did_not_change_changes_no_answer(
    store: Store, small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_bundle(store.current_folder())
    after = update(monkeypatch, store, small_dump.folder)
    differ = [
        spec.name for spec in LAYOUT if not np.array_equal(getattr(before, spec.name), getattr(after, spec.name))
    ]
    assert not differ
    assert after.manifest.golden == before.manifest.golden
    assert counts_of(after.manifest.updates[0]) == (0, 0, 0, 0, 0)


def test_what_anime_are_called_elsewhere_is_the_dumps_or_else_stays(
    store: Store, small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small_dump.folder / "synonyms.csv").write_text("anime_id,title\n1,Space Jazz\n", encoding="utf-8")
    (small_dump.folder / "idmap.csv").write_text("mal_id,anilist_id\n1,11\n", encoding="utf-8")
    first = update(monkeypatch, store, small_dump.folder)
    assert (first.synonyms.tolist(), first.id_map.tolist()) == (["Space Jazz"], [[1, 11, 0, 0]])
    (small_dump.folder / "synonyms.csv").unlink()
    (small_dump.folder / "idmap.csv").write_text("mal_id,kitsu_id\n1,3\n", encoding="utf-8")
    second = update(monkeypatch, store, small_dump.folder)
    assert (second.synonyms.tolist(), second.id_map.tolist()) == (["Space Jazz"], [[1, 0, 3, 0]])


def test_a_new_anime_stays_placed_by_content_and_is_recommended_to_those_who_have_not_seen_it(
    store: Store, small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_bundle(store.current_folder())
    write_lists(small_dump, newest(small_dump))
    after = update(monkeypatch, store, small_dump.folder)
    # On the map what was learned stays where it was, and what is new lies where its content says.
    assert np.array_equal(after.map_positions, before.map_positions)
    placed = place_new(before.map_positions, after.anime_embeddings, after.new_anime_embeddings)
    assert placed.shape == (after.n_new, 2)
    assert np.array_equal(after.new_map_positions, placed)
    rows = np.searchsorted(after.user_ids, [7, 17])
    assert [after.new_ids_on_list(row) for row in rows.tolist()] == [[AIRED], []]
    assert len(after.list_new_rows) == 6
    # Both would like it, and it stands alone.
    arrays = {spec.name: getattr(after, spec.name) for spec in LAYOUT}
    arrays["new_anime_embeddings"] = np.tile(
        unit_rows(after.user_embeddings[rows].sum(axis=0)[None]), (after.n_new, 1)
    )
    arrays["new_first_rows"] = (after.n_anime + np.arange(after.n_new)).astype(np.int32)
    publish_arrays(store, after.manifest.model_copy(update={"model_version": "liked"}), arrays)
    model = load_model(store.current_folder())
    for row, expected in zip(rows.tolist(), (set(), {AIRED}), strict=True):
        query = RecommendationsQuery.model_validate({"limit": 100, "include_new": True})
        found = {model.bundle.catalogue_ids[anime_row] for anime_row in recommend(model, row, query).anime_rows}
        assert found & {AIRED} == expected
        assert UNHEARD in found


def test_the_catalogue_is_that_of_the_dump_and_learned_anime_that_it_lacks_stay(
    store: Store, small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_bundle(store.current_folder())
    path = small_dump.folder / "anime.csv"
    with path.open(newline="", encoding="utf-8") as file:
        header, *catalogue = csv.reader(file)
    renamed, gone = int(catalogue[0][0]), int(catalogue[1][0])
    catalogue[0][header.index("Name")] = "Another Name"
    catalogue[0][header.index("Type")] = "A First Type"
    # Every genre of the dump has another place now; the second genre of the one that is gone is in no other row.
    for row in catalogue:
        row[header.index("Genres")] = row[header.index("Genres")].replace("Fantasy", "Aardvarks")
    write_csv(path, tuple(header), [catalogue[0], *catalogue[2:]])
    after = update(monkeypatch, store, small_dump.folder)
    cards, cards_before = cards_of(after, new=False), cards_of(before, new=False)
    assert cards[renamed].name == "Another Name"
    assert cards[gone] == cards_before[gone]
    assert after.type_names[0] == ""
    types = after.type_names[after.type_codes].tolist()
    row_of = {anime_id: row for row, anime_id in enumerate(after.anime_ids.tolist())}
    assert types[row_of[renamed]] == "A First Type"
    assert types[row_of[gone]] == cards[gone].type == "TV"
    for anime_id, card in cards.items():
        genres = after.genre_names[after.anime_genres[row_of[anime_id]]].tolist()
        assert genres == sorted(card.genres)
    assert "Fantasy" in cards[gone].genres
    assert not after.n_new
    assert row_of[gone] not in after.list_anime_rows


def test_who_tests_stays_left_out_of_a_bundle_that_holds_them_out(
    small_dump: SmallDump, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    works(monkeypatch, "publish", "--work", str(tmp_path / "trained"), "--store", str(tmp_path / "out"), "--hold-out")
    held_out = Store(tmp_path / "out")
    before = read_bundle(held_out.current_folder())
    after = update(monkeypatch, held_out, small_dump.folder)
    assert after.user_ids.tolist() == before.user_ids.tolist()
    assert not is_test_user(after.user_ids).any()


def test_users_with_a_row_of_their_own_keep_it_while_their_list_stays(
    store: Store, small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_bundle(store.current_folder())
    arrays = {spec.name: getattr(before, spec.name) for spec in LAYOUT}
    arrays["user_embeddings"] = -before.user_embeddings
    manifest = before.manifest.model_copy(update={"user_embedding_rule": "trained", "model_version": "trained"})
    store.publish(manifest, arrays)
    write_lists(small_dump, newest(small_dump))
    after = update(monkeypatch, store, small_dump.folder)
    for user_id in (7, 900):
        row = int(np.searchsorted(after.user_ids, user_id))
        own = embed_list(after.list_embeddings, list_of_user(after, row).support)
        np.testing.assert_allclose(after.user_embeddings[row], own if user_id == 900 else -own, atol=1e-6)


def test_a_model_of_embeddings_only_stays_one(
    store: Store, small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_bundle(store.current_folder())
    arrays = {spec.name: getattr(before, spec.name) for spec in LAYOUT}
    arrays |= {
        name: arrays[name][:, :0] for name in (*ITEM_ARRAYS, *CO_SEEN_ARRAYS, "similar_rows", "similar_scores")
    }
    methods = DefaultMethods(similar_anime="embedding", recommendations="embedding")
    manifest = before.manifest.model_copy(update={"default_methods": methods, "model_version": "quick"})
    store.publish(manifest, arrays)
    after = update(monkeypatch, store, small_dump.folder)
    assert (after.nearest_user_rows.shape[1], after.nearest_in_common.shape[1]) == (20, 10)
    assert {answer.method for answer in after.manifest.golden} == {"embedding", "popular", "neighbours", "cosine"}
    assert after.manifest.default_methods == methods
