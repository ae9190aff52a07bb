"""The main job on the real lists: from the dump to a published bundle whose answers a fan would nod at."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
import pytest

from models.bundle.card import AnimeCard
from models.bundle.reader import Bundle, read_bundle
from models.scoring.ranking import top_k_rows
from models.store import Store
from tests.service.running import running

# The first of them waits for the whole of training.
pytestmark = [pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(1800)]

COWBOY_BEBOP, SAMURAI_CHAMPLOO, TRIGUN = 1, 205, 6
DRAGON_BALL_Z, DRAGON_BALL, DRAGON_BALL_GT = 813, 223, 225
MUSHISHI, NATSUME, MONONOKE = 457, 4081, 2246
HAIKYUU, KUROKO_NO_BASKET, DIAMOND_NO_ACE = 20583, 11771, 18689
TOTORO, KIKI, SPIRITED_AWAY = 523, 512, 199


@pytest.fixture(scope="module")
def run_output(mal_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the whole of training once; give the store and what was printed."""
    folder = tmp_path_factory.mktemp("real")
    command = [sys.executable, "-m", "training", "run", "--data", str(mal_data)]
    places = ["--store", str(folder / "store"), "--work", str(folder / "work")]
    # Fewer training users than by default: minutes less, and a hundredth of the figure.
    quicker = [
        "--set",
        "reranker.max_training_users=2500",
        "--set",
        "reranker.n_folds=2",
        "--set",
        "reranker.epochs=6",
    ]
    done = subprocess.run([*command, *places, *quicker], capture_output=True, text=True, timeout=1780, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "store", done.stdout


@pytest.fixture(scope="module")
def bundle(run_output: tuple[Path, str]) -> Bundle:
    return read_bundle(Store(run_output[0]).current_folder())


@pytest.fixture(scope="module")
def service_url(run_output: tuple[Path, str]) -> Iterator[str]:
    with running(run_output[0]) as url:
        yield url


def _methods(bundle: Bundle) -> dict[str, Any]:
    methods: dict[str, Any] = bundle.manifest.metrics["methods"]
    return methods


def _similar_ids(bundle: Bundle, anime_id: int) -> list[int]:
    row = int(np.searchsorted(bundle.anime_ids, anime_id))
    scores = bundle.anime_embeddings @ bundle.anime_embeddings[row]
    others = np.arange(bundle.n_anime) != row
    return [int(bundle.anime_ids[row]) for row in top_k_rows(scores, 10, allowed=others)]


def test_every_method_and_baseline_stands_in_the_printed_table(run_output: tuple[Path, str]) -> None:
    for name in (
        "popularity",
        "item kNN",
        "rating network",
        "autoencoder, neighbours",
        "autoencoder, embedding",
        "similar",
    ):
        assert name in run_output[1]


def test_nothing_of_the_real_dump_is_lost(bundle: Bundle) -> None:
    counts = bundle.manifest.data.counts
    assert counts["rows_kept"] + counts["rows_rejected"] + counts["rows_below_thresholds"] == 1_165_977
    assert counts["users_read"] == 7_844
    assert counts["rows_kept"] == len(bundle.list_anime_rows)


def test_the_autoencoder_reaches_what_is_promised_for_unseen_users(bundle: Bundle) -> None:
    measured = _methods(bundle)["autoencoder, embedding"]["next_anime"]["ndcg_at_100"]
    assert measured["n"] > 700
    assert measured["mean"] >= 0.52


def test_the_embeddings_cosine_reaches_what_is_promised_for_similar_anime(bundle: Bundle) -> None:
    measured = _methods(bundle)["autoencoder, embedding"]["similar_anime"]
    assert measured["ndcg_at_10"]["mean"] >= 0.18
    assert measured["all"]["mean"] >= 0.165


def test_each_stage_beats_the_one_before_and_every_baseline_on_the_next_anime(bundle: Bundle) -> None:
    ndcg = {name: measured["next_anime"].get("ndcg_at_100") for name, measured in _methods(bundle).items()}
    baselines = ["popularity", "item kNN, cosine of ratings", "rating network (notebook)"]
    assert all(ndcg["autoencoder, embedding"]["low"] > ndcg[name]["high"] for name in baselines)
    ladder = ["autoencoder, neighbours", "autoencoder, embedding", "items (first stage)", "ranked (two stages)"]
    means = [ndcg[name]["mean"] for name in ladder]
    assert means == sorted(means)
    assert ndcg["autoencoder, neighbours"]["mean"] >= 0.48
    assert ndcg["items (first stage)"]["mean"] >= 0.59
    assert ndcg["ranked (two stages)"]["mean"] >= 0.615
    assert bundle.manifest.default_methods.recommendations == "ranked"


def test_two_stages_find_more_of_what_is_loved_and_less_of_what_is_not(bundle: Bundle) -> None:
    first, both = (_methods(bundle)[name] for name in ("items (first stage)", "ranked (two stages)"))
    assert both["next_anime"]["loved_ndcg_at_10"]["low"] > first["next_anime"]["loved_ndcg_at_10"]["mean"]
    assert both["next_anime"]["harm_at_10"]["mean"] < first["next_anime"]["harm_at_10"]["mean"]
    mirror = both["mirror"]
    assert mirror["overlap_with_turned"]["n"] > 150
    assert mirror["overlap_with_turned"]["mean"] < 0.45
    assert mirror["overlap_with_loved"]["mean"] > 0.65


@pytest.mark.parametrize(
    ("anime_id", "expected"),
    [
        (COWBOY_BEBOP, {SAMURAI_CHAMPLOO, TRIGUN}),
        (DRAGON_BALL_Z, {DRAGON_BALL, DRAGON_BALL_GT}),
        (TOTORO, {KIKI, SPIRITED_AWAY}),
    ],
)
def test_a_fan_would_nod_at_similar_anime(bundle: Bundle, anime_id: int, expected: set[int]) -> None:
    assert expected <= set(_similar_ids(bundle, anime_id))


def test_ranked_similar_anime_reach_what_is_promised_and_are_the_default(bundle: Bundle) -> None:
    measured = _methods(bundle)["similar anime, ranked"]["similar_anime"]["ndcg_at_10"]
    assert measured["n"] == 489
    assert measured["mean"] >= 0.40
    assert bundle.manifest.default_methods.similar_anime == "ranked"


@pytest.mark.parametrize(
    ("anime_id", "expected"),
    [
        (COWBOY_BEBOP, {SAMURAI_CHAMPLOO, TRIGUN}),
        (MUSHISHI, {NATSUME, MONONOKE}),
        (HAIKYUU, {KUROKO_NO_BASKET, DIAMOND_NO_ACE}),
    ],
)
def test_a_fan_would_nod_at_ranked_similar_anime(bundle: Bundle, anime_id: int, expected: set[int]) -> None:
    row = int(np.searchsorted(bundle.anime_ids, anime_id))
    assert expected <= set(bundle.anime_ids[bundle.similar_rows[row, :10]].tolist())


def test_every_anime_of_the_catalogue_answers_with_similar_anime(
    bundle: Bundle, mal_data: Path, service_url: str
) -> None:
    with (mal_data / "anime.csv").open(encoding="utf-8", newline="") as file:
        anime_ids = sorted(int(row["MAL_ID"]) for row in csv.DictReader(file))
    assert sorted(bundle.catalogue_ids.tolist()) == anime_ids
    with httpx.Client(base_url=service_url) as client:
        for anime_id in bundle.new_anime_ids[::20].tolist():
            assert client.get(f"/anime/{anime_id}").json()["data"]["anime_id"] == anime_id
            answer = client.get(f"/anime/{anime_id}/similar").json()
            assert (answer["method"], len(answer["data"])) == ("content", 10)


def test_every_stored_card_is_a_valid_card_of_its_anime(bundle: Bundle) -> None:
    blob = bundle.cards.tobytes()
    for row, anime_id in enumerate(bundle.anime_ids.tolist()):
        text = blob[bundle.card_offsets[row] : bundle.card_offsets[row + 1]]
        assert AnimeCard.model_validate(json.loads(text)).anime_id == anime_id


STATUSES = {"Watching": 1, "Completed": 2, "On Hold": 3, "On-Hold": 3, "Dropped": 4, "Plan to Watch": 6}
# AniList's: current, planning, completed, dropped, paused.
ANILIST_STATUSES = {0: 1, 1: 6, 2: 2, 3: 4, 4: 3}
EXPORTS = ["mal_1.xml", "mal_3.xml", "kitsu_1.xml", "anilist_gdpr_lists.json"]


def _exported(folder: Path, name: str) -> list[dict[str, Any]]:
    """Read an export the plain way: the page does it in the browser."""
    text = (folder / "exports" / name).read_text(encoding="utf-8")
    if name.endswith(".json"):
        return _from_anilist(json.loads(text)["lists"], folder / "idmap.csv")
    entries = []
    for anime in text.split("<anime>")[1:]:
        values = dict(re.findall(r"<(series_animedb_id|my_score|my_status)>([^<]*)<", anime))
        entry = {"anime_id": int(values["series_animedb_id"]), "rating": int(values.get("my_score") or 0)}
        entries.append({**entry, "status": STATUSES[values["my_status"]]})
    return entries


def _from_anilist(exported: list[dict[str, Any]], id_map: Path) -> list[dict[str, Any]]:
    """Give AniList's own export in MyAnimeList's ids, as a client has to that knows both."""
    with id_map.open(encoding="utf-8", newline="") as file:
        ids = {row["anilist_id"]: int(row["mal_id"]) for row in csv.DictReader(file) if row["mal_id"]}
    anime = [entry for entry in exported if entry["series_type"] == 0 and str(entry["series_id"]) in ids]
    entries = [
        {
            "anime_id": ids[str(entry["series_id"])],
            "rating": round(entry["score"] / 10),
            "status": ANILIST_STATUSES[entry["status"]],
        }
        for entry in anime
    ]
    return list({entry["anime_id"]: entry for entry in entries}.values())


@pytest.mark.parametrize("name", EXPORTS)
@pytest.mark.parametrize("method", [None, "items", "embedding", "neighbours"])
def test_a_real_export_gets_what_comes_next_and_none_of_what_it_holds(
    bundle: Bundle, service_url: str, mal_data: Path, name: str, method: str | None
) -> None:
    entries = _exported(mal_data, name)
    assert len(entries) > 100
    asked = {"limit": 100} | ({"method": method} if method else {})
    answer = httpx.post(f"{service_url}/recommendations", params=asked, json={"ratings": entries}, timeout=30)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    # Without a method the two stages answer.
    assert body["method"] == (method or "ranked")
    summary = body["list_summary"]
    assert summary["n_entries"] == len(entries)
    assert sum(summary.values()) == 2 * len(entries)
    assert len(body["unknown_anime_ids"]) == summary["n_unknown"] < len(entries) / 2
    rows = [int(np.searchsorted(bundle.anime_ids, anime["anime_id"])) for anime in body["data"]]
    codes = bundle.franchise_codes[rows].tolist()
    assert len(rows) == len(set(codes)) == 100
    assert not {entry["anime_id"] for entry in entries} & set(bundle.anime_ids[rows].tolist())
    seen = np.isin(bundle.anime_ids, [entry["anime_id"] for entry in entries if entry["status"] != 6])
    for row in rows:
        # Whoever gets a season or a story of it has seen every season before.
        before = (bundle.franchise_codes == bundle.franchise_codes[row]) & (bundle.franchise_roles == 0)
        before &= bundle.franchise_positions < bundle.franchise_positions[row]
        assert seen[before].all()
    assert any(anime["franchise"]["next_after"] for anime in body["data"])
    scores = [anime["score"] for anime in body["data"]]
    assert scores == sorted(scores, reverse=True)
    if method is None:
        assert all(0 < score < 1 for score in scores)
    watched = set(bundle.anime_ids[seen].tolist())
    assert any(anime["because"] for anime in body["data"])
    for row, anime in zip(rows, body["data"], strict=True):
        card = json.loads(bundle.cards[bundle.card_offsets[row] : bundle.card_offsets[row + 1]].tobytes())
        assert (anime["anime_id"], anime["name"], anime["genres"]) == tuple(
            card[key] for key in ("anime_id", "name", "genres")
        )
        assert {reason["anime_id"] for reason in anime["because"]} <= watched
