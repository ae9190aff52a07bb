"""`training update`: a newer dump's users, lists and anime in a bundle of the same model."""

import csv
from pathlib import Path

import numpy as np
import pytest

from models.bundle.card import AnimeCard
from models.bundle.layout import CO_SEEN_ARRAYS, ITEM_ARRAYS, LAYOUT
from models.bundle.manifest import DefaultMethods, ModelUpdate
from models.bundle.reader import Bundle, read_bundle
from models.scoring.embedding import embed_list
from models.scoring.user_list import list_of_user
from models.store import Store
from service.api.params import RecommendationsQuery
from service.api.rendering import recommend
from service.recommending.model import load_model
from service.recommending.requests import RecommendationsRequest
from tests.training.commands import OLD, fails, works
from tests.training.small_dump import LIST_HEADER, ListRow, SmallDump, add_new_anime, write_csv, write_small_dump
from tests.training.test_stages import pretend_to_train
from training import cli
from training.dump.files import find_dump
from training.embeddings.trained import unit_rows
from training.lists.split import is_test_user
from training.publishing import publish_arrays
from training.updating.catalogue import split_cards

LEARNED = {
    "anime_ids", "anime_embeddings", "list_embeddings", "anime_gains", "franchise_codes", "franchise_positions",
    "franchise_roles", "similar_rows", "similar_scores", "cosine_rows", "cosine_scores", "item_weight_rows",
    "item_weight_values", "item_weight_cosines", "co_seen_rows", "co_seen_values", "reranker_scales",
    "reranker_first", "reranker_second", "reranker_last",
}  # fmt: skip
# On the list of nobody when the model is trained; afterwards of several, and of one.
AIRED, UNHEARD = 1001, 1002


@pytest.fixture
def store(small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with a model of the small dump that was trained in no time."""
    work = tmp_path / "trained"
    works(monkeypatch, "prepare", "--data", str(small_dump.folder), "--work", str(work))
    pretend_to_train(work, seed=0)
    works(monkeypatch, "publish", "--work", str(work), "--store", str(tmp_path / "store"))
    return Store(tmp_path / "store")


def update(monkeypatch: pytest.MonkeyPatch, store: Store, folder: Path) -> Bundle:
    work = store.root.parent / "updated"
    works(monkeypatch, "update", "--data", str(folder), "--store", str(store.root), "--work", str(work))
    return read_bundle(store.current_folder())


def write_lists(dump: SmallDump, rows: list[ListRow]) -> None:
    write_csv(dump.folder / "animelist.csv", LIST_HEADER, rows)


def list_of(bundle: Bundle, user_id: int) -> list[tuple[int, int, int]]:
    listed = list_of_user(bundle, int(np.searchsorted(bundle.user_ids, user_id)))
    ids = bundle.anime_ids[listed.anime_rows].tolist()
    return list(zip(ids, listed.ratings.tolist(), listed.statuses.tolist(), strict=True))


def cards_of(bundle: Bundle, *, new: bool) -> dict[int, AnimeCard]:
    prefix = "new_" if new else ""
    arrays = {name: getattr(bundle, f"{prefix}{name}") for name in ("cards", "card_offsets")}
    cards = map(AnimeCard.model_validate_json, split_cards(arrays))
    return {card.anime_id: card for card in cards}


def newest(dump: SmallDump) -> list[ListRow]:
    """Add new anime to the catalogue, and give changed lists: 5 leaves, 3 rates anew, 900 comes, 901 has too few."""
    add_new_anime(dump)
    kept = [row for row in dump.rows if row[0] != 5]
    first = next(place for place, row in enumerate(kept) if row[0] == 3)
    kept[first] = (*kept[first][:2], 1 if kept[first][2] != 1 else 2, *kept[first][3:])
    came: list[ListRow] = [(900, *row[1:]) for row in dump.rows if row[0] == 7]
    few: list[ListRow] = [(901, *row[1:]) for row in dump.rows if row[0] == 7][:3]
    seen: list[ListRow] = [(user_id, AIRED, 9, 2, 12) for user_id in (7, 9, 11, 13, 15, 900)]
    seen += [(901, AIRED, 9, 2, 12), (901, UNHEARD, 9, 2, 12)]
    return [*kept, *came, *few, *seen]


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


def counts_of(added: ModelUpdate) -> tuple[int, ...]:
    counts = (added.n_new_users, added.n_changed_lists, added.n_removed_users, added.n_new_anime)
    return (*counts, added.n_waiting_anime)


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


def test_a_new_anime_stays_placed_by_content_and_is_recommended_to_those_who_have_not_seen_it(
    store: Store, small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lists(small_dump, newest(small_dump))
    after = update(monkeypatch, store, small_dump.folder)
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
    plain = RecommendationsRequest(limit=100)
    assert plain.without_new([AIRED]) == plain


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
    types = after.type_names[after.type_codes].tolist()
    row_of = {anime_id: row for row, anime_id in enumerate(after.anime_ids.tolist())}
    assert types[row_of[renamed]] == "A First Type"
    assert types[row_of[gone]] == cards[gone].type == "TV"
    for anime_id, card in cards.items():
        genres = after.genre_names[after.anime_genres[row_of[anime_id]]].tolist()
        assert genres == sorted(set(card.genres) - {"Fantasy"})
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


def test_the_work_folder_of_a_training_is_left_alone(
    store: Store, small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = ("--work", str(tmp_path / "trained"))
    write_lists(small_dump, newest(small_dump))
    command = ("update", "--data", str(small_dump.folder), "--store", str(store.root))
    assert "give `update` another --work" in fails(monkeypatch, *command, *trained)
    works(monkeypatch, "publish", *trained, "--store", str(tmp_path / "again"))


def test_without_a_bundle_there_is_nothing_to_update(
    small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("update", "--data", str(small_dump.folder), "--store", str(tmp_path / "none"))
    assert "no bundle is published here yet" in fails(monkeypatch, *command)
    assert not (tmp_path / "none").exists()


def test_a_dump_that_is_not_there_and_one_of_another_catalogue_leave_the_bundle(
    places: tuple[str, ...], small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = Store(tmp_path / "store").current_folder()
    assert "is not there" in fails(monkeypatch, "update", "--data", str(tmp_path / "nowhere"), *places)
    write_lists(small_dump, [(row[0], 10**6 + row[1], *row[2:]) for row in small_dump.rows])
    with (small_dump.folder / "anime.csv").open(newline="", encoding="utf-8") as file:
        header, *catalogue = csv.reader(file)
    others = [(10**6 + int(anime_id), *rest) for anime_id, *rest in catalogue]
    write_csv(small_dump.folder / "anime.csv", tuple(header), others)
    assert "no user has 5 rows" in fails(monkeypatch, "update", "--data", str(small_dump.folder), *places)
    assert Store(tmp_path / "store").current_folder() == current
    assert current.name == OLD


def test_a_bundle_of_another_format_is_refused(
    places: tuple[str, ...], small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Store(tmp_path / "store").current_folder() / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"format_version": 7', '"format_version": 6'))
    line = fails(monkeypatch, "update", "--data", str(small_dump.folder), *places)
    assert "has format version 6" in line


def test_a_bundle_that_was_published_meanwhile_stays_current(
    store: Store, small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = read_bundle(store.current_folder())
    arrays = {spec.name: getattr(bundle, spec.name) for spec in LAYOUT}

    def embed_and_publish(*given: object) -> object:
        store.publish(bundle.manifest.model_copy(update={"model_version": "meanwhile"}), arrays)
        return np.array(bundle.user_embeddings)

    monkeypatch.setattr("training.updating.update.embed_users", embed_and_publish)
    command = ("update", "--data", str(small_dump.folder), "--store", str(store.root), "--work", str(tmp_path / "w"))
    assert "another bundle was published meanwhile" in fails(monkeypatch, *command)
    assert store.current_folder().name == "meanwhile"


def test_an_update_that_fails_or_is_stopped_leaves_the_bundle(
    store: Store, small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = store.current_folder()

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("models.store.read_bundle", stopped)
    command = ("update", "--data", str(small_dump.folder), "--store", str(store.root), "--work", str(tmp_path / "w"))
    monkeypatch.setattr("sys.argv", ["training", *command])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code
    assert store.current_folder() == current
    assert store.versions() == [current.name]


def test_the_small_dump_with_other_users_is_all_new(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = write_small_dump(tmp_path / "others", n_users=20, seed=1)
    write_lists(others, [(row[0] + 5000, *row[1:]) for row in others.rows])
    (others.folder / "recommendations.csv").unlink()
    after = update(monkeypatch, store, others.folder)
    assert counts_of(after.manifest.updates[0]) == (20, 0, 60, 0, 0)
    assert set(after.manifest.updates[0].placed_by_content) == {"mean_cosine"}
