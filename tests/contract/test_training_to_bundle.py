"""The contract between the halves: what training publishes is what a reader of bundles expects."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from models.bundle.card import AnimeCard
from models.bundle.layout import FORMAT_VERSION
from models.bundle.reader import Bundle, read_bundle
from models.scoring.candidate_features import FEATURES
from models.scoring.embedding import embed_list
from models.scoring.ranking import top_k_rows
from models.scoring.user_list import list_of_user
from models.store import Store
from service.recommending.model import load_model
from service.recommending.requests import SimilarAnimeRequest
from tests.training.small_dump import SmallDump, add_new_anime, write_small_dump
from training.dump.files import find_dump
from training.evaluation.metrics import graded_ndcg_at
from training.lists.split import is_test_user
from training.similar_anime.truth import read_similar_truth

# The first of them waits for a training.
pytestmark = pytest.mark.timeout(600)

TOLD = ("autoencoder.epochs=30", "autoencoder.learning_rate=0.05", "autoencoder.batch_size=16", "rating.epochs=2")


def training(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "training", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=580, check=False)


@dataclass(frozen=True)
class Run:
    """A run from dump to bundle."""

    dump: SmallDump
    work: Path
    store: Store
    output: str
    bundle: Bundle


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    dump = write_small_dump(folder / "dump")
    add_new_anime(dump)
    told = [part for assignment in (*TOLD, "autoencoder.embedding_size=8") for part in ("--set", assignment)]
    places = ["--data", dump.folder, "--work", folder / "work", "--store", folder / "store"]
    done = training("run", *places, "--tensorboard", folder / "logs", *told)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    store = Store(folder / "store")
    return Run(dump, folder / "work", store, done.stdout, read_bundle(store.current_folder()))


def test_the_bundle_holds_every_list_as_it_was(run: Run) -> None:
    bundle = run.bundle
    found = [
        (int(bundle.user_ids[user_row]), int(bundle.anime_ids[anime_row]), rating, status)
        for user_row in range(bundle.n_users)
        for listed in [list_of_user(bundle, user_row)]
        for anime_row, rating, status in zip(
            listed.anime_rows.tolist(), listed.ratings.tolist(), listed.statuses.tolist(), strict=True
        )
    ]
    assert found == sorted(row[:4] for row in run.dump.rows)
    # And a map of all anime.
    assert (bundle.map_positions.shape, bundle.new_map_positions.shape) == ((bundle.n_anime, 2), (bundle.n_new, 2))


def test_a_users_embedding_is_that_of_the_list(run: Run) -> None:
    bundle = run.bundle
    assert bundle.manifest.user_embedding_rule == "normalised_sum"
    for user_row in range(bundle.n_users):
        expected = embed_list(bundle.list_embeddings, list_of_user(bundle, user_row).support)
        np.testing.assert_allclose(bundle.user_embeddings[user_row], expected, atol=1e-6)


def test_similar_anime_and_users_share_the_planted_taste(run: Run) -> None:
    bundle = run.bundle
    anime_taste = np.array([run.dump.cluster_of[int(anime_id)] for anime_id in bundle.anime_ids])
    user_taste = (bundle.user_ids - 3) // 2 % 4
    for embeddings, taste in ((bundle.anime_embeddings, anime_taste), (bundle.user_embeddings, user_taste)):
        for row in range(len(taste)):
            nearest = top_k_rows(embeddings @ embeddings[row], 3, allowed=np.arange(len(taste)) != row)
            assert (taste[nearest] == taste[row]).mean() >= 2 / 3


def test_what_is_published_has_a_golden_answer_for_each_method_and_the_service_reproduces_them(run: Run) -> None:
    golden = run.bundle.manifest.golden
    of_lists = ["embedding", "popular", "top-quarter", "weighted", "items", "ranked"]
    assert [
        (answer.rule or answer.method, answer.unseen) for answer in golden if answer.kind == "recommendations"
    ] == [(method, unseen) for unseen in (False, True) for method in of_lists]
    assert [answer.unseen for answer in golden if answer.kind == "similar_users"] == [False, True]
    assert {answer.method for answer in golden if answer.kind == "similar_anime"} == {
        "embedding",
        "ranked",
        "cosine",
        "content",
    }
    assert all(len(answer.ids) == len(answer.scores) > 0 for answer in golden)
    load_model(run.store.current_folder())


def test_every_card_is_an_anime_card_of_its_row(run: Run) -> None:
    bundle = run.bundle
    blobs = [
        bundle.cards[start:end].tobytes()
        for start, end in zip(bundle.card_offsets[:-1], bundle.card_offsets[1:], strict=True)
    ]
    cards = [AnimeCard.model_validate_json(blob) for blob in blobs]
    assert [card.anime_id for card in cards] == bundle.anime_ids.tolist()
    assert cards[0].synopsis == "Story number 1."
    assert cards[-1].synopsis is None
    for row, card in enumerate(cards):
        assert card.type == bundle.type_names[bundle.type_codes[row]]
        assert card.genres == [
            genre for genre in card.genres if bundle.anime_genres[row, bundle.genre_names == genre]
        ]
        assert (card.year, card.members) == (int(bundle.years[row]), int(bundle.members[row]))


def test_anime_on_no_list_are_new_and_similar_to_those_of_their_kind(run: Run) -> None:
    model = load_model(run.store.current_folder())
    assert run.bundle.new_anime_ids.tolist() == [1000, 1001, 1002, 1003, 1004]
    assert not np.isin(run.bundle.new_anime_ids, run.bundle.anime_ids).any()
    for place, anime_id in enumerate(run.bundle.new_anime_ids.tolist()):
        card = AnimeCard.model_validate_json(model.catalogue.card(run.bundle.n_anime + place))
        assert (card.anime_id, card.new) == (anime_id, True)
        page = model.similar_anime.page(run.bundle.n_anime + place, SimilarAnimeRequest(collapse_franchise=False))
        assert (page.total, len(page.rows)) == (44, 10)
        if anime_id > 1000:
            nearest = [run.dump.cluster_of.get(int(run.bundle.catalogue_ids[row]), -1) for row in page.rows[:3]]
            assert nearest == [anime_id - 1001] * 3


def test_cosines_are_those_of_the_ratings_of_users_who_train(run: Run) -> None:
    bundle = run.bundle
    assert bundle.cosine_rows.shape == (bundle.n_anime, bundle.n_anime - 1)
    trains = np.flatnonzero(~is_test_user(bundle.user_ids))
    ratings = np.zeros((len(trains), bundle.n_anime))
    for place, user_row in enumerate(trains.tolist()):
        user_list = list_of_user(bundle, user_row)
        ratings[place, user_list.anime_rows] = user_list.ratings
    for row in (0, 17):
        norms = np.linalg.norm(ratings, axis=0) * np.linalg.norm(ratings[:, row])
        cosines = (ratings[:, row] @ ratings / norms.clip(1e-9))[bundle.cosine_rows[row]]
        np.testing.assert_allclose(bundle.cosine_scores[row], cosines, atol=1e-6)


def test_ranked_neighbours_are_measured_as_they_are_served(run: Run) -> None:
    bundle = run.bundle
    assert bundle.similar_rows.shape == bundle.similar_scores.shape == (bundle.n_anime, bundle.n_anime - 1)
    dump = find_dump(run.dump.folder)
    queries = [query for query in read_similar_truth(dump, bundle.anime_ids) if not query.may_choose]
    served = [
        [dict(zip(query.similar_rows.tolist(), query.gains.tolist(), strict=True)).get(row, 0.0) for row in rows]
        for query in queries
        for rows in [bundle.similar_rows[query.anime_row, :10].tolist()]
    ]
    found = np.mean(
        [graded_ndcg_at(10, gains, query.gains.tolist()) for gains, query in zip(served, queries, strict=True)]
    )
    measured = bundle.manifest.metrics["methods"]["similar anime, ranked"]["similar_anime"]["ndcg_at_10"]
    assert measured["mean"] == pytest.approx(found)
    assert measured["n"] == len(queries)


def test_popularity_counts_lists_without_plans(run: Run) -> None:
    seen = [row[1] for row in run.dump.rows if row[3] != 6]
    assert run.bundle.popularity.tolist() == [seen.count(anime_id) for anime_id in run.bundle.anime_ids.tolist()]


def test_the_manifest_says_what_was_told_measured_and_counted(run: Run) -> None:
    manifest = run.bundle.manifest
    assert set(manifest.metrics["methods"]) == {
        "popularity",
        "item kNN, cosine of ratings",
        "rating network (notebook)",
        "autoencoder, neighbours",
        "autoencoder, neighbours' top quarter (notebook)",
        "autoencoder, embedding",
        "items (first stage)",
        "ranked (two stages)",
        "ranked, one per franchise",
        "similar anime, ranked",
        "similar anime, ranked, one per franchise",
    }
    for name, measured in manifest.metrics["methods"].items():
        if not name.startswith("similar anime"):
            assert 0 <= measured["next_anime"]["ndcg_at_100"]["mean"] <= 1
        if not name.startswith("ranked"):
            assert measured["similar_anime"]["ndcg_at_10"]["n"] > 0
    best = manifest.default_methods.recommendations
    values = {
        method: manifest.metrics["methods"][name]["next_anime"]["ndcg_at_100"]["mean"]
        for method, name in {
            "ranked": "ranked (two stages)",
            "items": "items (first stage)",
            "embedding": "autoencoder, embedding",
            "neighbours": "autoencoder, neighbours",
        }.items()
    }
    assert values[best] == max(values.values())
    settings = manifest.training["settings"]
    assert (settings["autoencoder"]["embedding_size"], settings["autoencoder"]["epochs"]) == (8, 30)
    assert len(manifest.training["history"]["loss"]) == 30
    assert manifest.data.counts["rows_read"] == len(run.dump.rows)
    assert manifest.embedding_size == 8


def test_the_run_prints_a_summary_and_leaves_report_and_logs(run: Run) -> None:
    assert "kept 600 rows of 60 users and 40 anime" in run.output
    assert "popularity" in run.output
    assert f"published {run.store.current_folder()}" in run.output
    assert json.loads((run.work / "report" / "evaluation.json").read_text(encoding="utf-8"))["n_test_users"] == 5
    for network in ("autoencoder", "rating"):
        assert list((run.work.parent / "logs" / network).rglob("events.out.tfevents.*"))


def test_verify_passes_the_bundle_and_the_store_and_names_what_is_damaged(run: Run, tmp_path: Path) -> None:
    for place in (run.store.root, run.store.current_folder()):
        done = training("verify", place)
        assert done.returncode == 0
        assert f"sound; 60 users, 40 anime, 8 wide, format {FORMAT_VERSION}" in done.stdout
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for path in run.store.current_folder().iterdir():
        content = path.read_bytes()
        (damaged / path.name).write_bytes(content[:-1] if path.name == "cards.npy" else content)
    done = training("verify", damaged)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {damaged / 'cards.npy'}: has ")
    assert done.stderr.count("\n") == 1


def test_publishing_by_itself_tells_the_settings_of_the_training_and_not_its_own(run: Run, tmp_path: Path) -> None:
    done = training("publish", "--work", run.work, "--store", tmp_path / "store", "--network", "rating")
    assert done.returncode == 0, done.stderr
    bundle = read_bundle(Store(tmp_path / "store").current_folder())
    assert bundle.manifest.training["settings"]["rating"]["epochs"] == 2
    assert bundle.manifest.training["settings"]["network"] == bundle.manifest.network == "rating"
    assert bundle.manifest.user_embedding_rule == "trained"
    assert bundle.manifest.metrics == run.bundle.manifest.metrics
    # It learned with the nearest users of the other network.
    assert "the re-ranker learned with other embeddings than those of the rating network" in done.stderr + done.stdout
    assert (bundle.manifest.reranker_features, len(bundle.reranker_first)) == ((), 0)
    assert bundle.manifest.default_methods.recommendations != "ranked"
    assert run.bundle.manifest.reranker_features == FEATURES


def test_to_a_bundle_published_with_hold_out_the_users_who_test_are_strangers(run: Run, tmp_path: Path) -> None:
    done = training("publish", "--work", run.work, "--store", tmp_path / "store", "--hold-out")
    assert done.returncode == 0, done.stderr
    folder = Store(tmp_path / "store").current_folder()
    held_out, whole = read_bundle(folder), run.bundle
    unseen_users = is_test_user(whole.user_ids)
    assert unseen_users.sum() == 5
    assert held_out.user_ids.tolist() == whole.user_ids[~unseen_users].tolist()
    for row, user_row in enumerate(np.flatnonzero(~unseen_users).tolist()):
        mine, theirs = list_of_user(held_out, row), list_of_user(whole, user_row)
        assert mine.anime_rows.tolist() == theirs.anime_rows.tolist()
        assert mine.ratings.tolist() == theirs.ratings.tolist()
    np.testing.assert_allclose(held_out.user_embeddings, whole.user_embeddings[~unseen_users], atol=1e-6)
    for name in ("anime_embeddings", "item_weight_values", "reranker_first"):
        np.testing.assert_array_equal(getattr(held_out, name), getattr(whole, name))
    assert held_out.popularity.sum() == sum(len(list_of_user(held_out, row).seen_rows) for row in range(55))
    assert held_out.manifest.training["settings"]["hold_out"] is True
    assert training("verify", folder).returncode == 0
