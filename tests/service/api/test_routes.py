"""Every route over HTTP, against a real server."""

from collections.abc import Iterator
from typing import Any

import httpx2 as httpx
import numpy as np
import pytest
from pydantic import BaseModel

from models.bundle.card import AnimeCard
from models.bundle.reader import Bundle
from models.scoring.user_list import list_of_user
from service.api import answers as schemas
from tests.service.small_bundle import ADULT_ROWS, N_ANIME, N_USERS, VERSION

ANSWERS: list[tuple[str, type[BaseModel]]] = [
    ("/anime/1/similar", schemas.SimilarAnimeAnswer),
    ("/anime/1/similar?order=least&limit=100&include_adult=true", schemas.SimilarAnimeAnswer),
    ("/anime/1/similar?offset=1000", schemas.SimilarAnimeAnswer),
    ("/anime/28/similar?limit=100", schemas.SimilarAnimeAnswer),
    ("/anime", schemas.TitlesAnswer),
    ("/anime?query=cowboi+bebop", schemas.TitlesAnswer),
    ("/anime?query=nothing+is+called+like+this", schemas.TitlesAnswer),
    ("/anime/1", schemas.AnimeAnswer),
    ("/users/12/similar", schemas.SimilarUsersAnswer),
    ("/users/12/similar?order=least&offset=35", schemas.SimilarUsersAnswer),
    ("/users/12/recommendations", schemas.RecommendationsAnswer),
    ("/users/12/recommendations?method=neighbours&limit=100", schemas.RecommendationsAnswer),
    ("/users/12/recommendations?order=least&limit=100&include_adult=true", schemas.RecommendationsAnswer),
    ("/users/2/recommendations", schemas.RecommendationsAnswer),
    ("/users/7/recommendations?method=neighbours", schemas.RecommendationsAnswer),
    ("/model", schemas.ModelAnswer),
    ("/health/live", schemas.HealthAnswer),
    ("/health/ready", schemas.HealthAnswer),
]


def _rows(client: httpx.Client, path: str, **parameters: Any) -> list[dict[str, Any]]:
    answer = client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


def _user_ids(bundle: Bundle) -> Iterator[tuple[int, int]]:
    return enumerate(bundle.user_ids.tolist())


@pytest.mark.parametrize(("path", "schema"), ANSWERS, ids=[path for path, _ in ANSWERS])
def test_every_body_is_what_its_schema_declares(client: httpx.Client, path: str, schema: type[BaseModel]) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    # Lax only in that JSON has lists for tuples and text for dates.
    schema.model_validate_json(answer.content, strict=True)
    assert answer.json().get("model_version") == VERSION


def test_similar_anime_shows_the_query_and_never_lists_it(client: httpx.Client) -> None:
    for anime_id in range(1, 3 * N_ANIME, 3):
        answer = client.get(f"/anime/{anime_id}/similar", params={"limit": 100}).json()
        assert answer["anime"]["anime_id"] == anime_id
        assert anime_id not in [row["anime_id"] for row in answer["data"]]


def test_similar_anime_begin_with_the_ranked_neighbours(client: httpx.Client, bundle: Bundle) -> None:
    rows = _rows(client, "/anime/1/similar", limit=100, include_adult=True, collapse_franchise=False)
    n_similar = bundle.similar_rows.shape[1]
    expected = bundle.anime_ids[bundle.similar_rows[0]].tolist()
    assert [row["anime_id"] for row in rows[:n_similar]] == expected
    assert [row["rank"] for row in rows] == list(range(1, N_ANIME))
    assert [row["similarity"] for row in rows] == sorted((row["similarity"] for row in rows), reverse=True)


def test_similar_anime_by_embedding_are_ranked_by_cosine(client: httpx.Client, bundle: Bundle) -> None:
    rows = _rows(
        client, "/anime/1/similar", limit=100, include_adult=True, method="embedding", collapse_franchise=False
    )
    assert [row["rank"] for row in rows] == list(range(1, N_ANIME))
    cosines = bundle.anime_embeddings @ bundle.anime_embeddings[0]
    for row in rows:
        assert row["similarity"] == pytest.approx(cosines[(row["anime_id"] - 1) // 3], abs=2e-6)
    assert [row["similarity"] for row in rows] == sorted((row["similarity"] for row in rows), reverse=True)


def test_least_is_most_turned_round(client: httpx.Client) -> None:
    most = _rows(client, "/anime/4/similar", limit=100)
    least = _rows(client, "/anime/4/similar", limit=100, order="least")
    assert [row["similarity"] for row in least] == [row["similarity"] for row in reversed(most)]


@pytest.mark.parametrize("path", ["/anime/1/similar", "/users/12/recommendations", "/anime", "/anime?query=title"])
def test_pages_neither_repeat_nor_miss_a_row(client: httpx.Client, path: str) -> None:
    whole = client.get(path, params={"limit": 100}).json()
    assert whole["pagination"]["total"] == len(whole["data"])
    paged = []
    for offset in range(0, len(whole["data"]) + 7, 7):
        paged += _rows(client, path, limit=7, offset=offset)
    assert paged == whole["data"]


def test_similar_users_pages_neither_repeat_nor_miss_a_row(client: httpx.Client) -> None:
    whole = _rows(client, "/users/12/similar", limit=100)
    assert len(whole) == N_USERS - 1
    paged = [row for offset in range(0, 42, 6) for row in _rows(client, "/users/12/similar", limit=6, offset=offset)]
    assert paged == whole


def test_similar_users_never_contain_the_user_and_count_what_both_have_seen(
    client: httpx.Client, bundle: Bundle
) -> None:
    seen = [set(list_of_user(bundle, row).seen_rows.tolist()) for row in range(N_USERS)]
    for user_row, user_id in _user_ids(bundle):
        rows = _rows(client, f"/users/{user_id}/similar", limit=100)
        assert user_id not in [row["user_id"] for row in rows]
        for row in rows:
            other = int(np.searchsorted(bundle.user_ids, row["user_id"]))
            assert row["anime_in_common"] == len(seen[user_row] & seen[other])


@pytest.mark.parametrize("method", ["embedding", "neighbours"])
def test_nothing_on_the_list_is_recommended(client: httpx.Client, bundle: Bundle, method: str) -> None:
    for user_row, user_id in _user_ids(bundle):
        listed = set(bundle.anime_ids[list_of_user(bundle, user_row).anime_rows].tolist())
        rows = _rows(client, f"/users/{user_id}/recommendations", limit=100, method=method, include_adult=True)
        assert not listed & {row["anime_id"] for row in rows}


def test_plan_to_watch_can_be_asked_for(client: httpx.Client, bundle: Bundle) -> None:
    for user_row, user_id in _user_ids(bundle):
        user_list = list_of_user(bundle, user_row)
        unseen = set(bundle.anime_ids.tolist()) - set(bundle.anime_ids[user_list.seen_rows].tolist())
        path = f"/users/{user_id}/recommendations"
        asked = {"include_adult": "true", "include_plan_to_watch": "true", "collapse_franchise": "false"}
        asked["include_disliked_franchises"] = "true"
        rows = _rows(client, path, limit=100, method="embedding", **asked)
        assert {row["anime_id"] for row in rows} == unseen


def test_recommendations_come_with_reasons_of_the_users_own(client: httpx.Client, bundle: Bundle) -> None:
    for user_row, user_id in _user_ids(bundle):
        seen = set(bundle.anime_ids[list_of_user(bundle, user_row).seen_rows].tolist())
        for row in _rows(client, f"/users/{user_id}/recommendations"):
            contributions = [reason["contribution"] for reason in row["because"]]
            assert {reason["anime_id"] for reason in row["because"]} <= seen
            assert contributions == sorted(contributions, reverse=True)
            assert row["n_supporters"] >= len(row["supporters"])


def test_supporters_are_near_users_who_hold_it_in_their_top_quarter(client: httpx.Client, bundle: Bundle) -> None:
    near = [row["user_id"] for row in _rows(client, "/users/12/similar", limit=50)]
    for row in _rows(client, "/users/12/recommendations", limit=100):
        anime_row = int(np.searchsorted(bundle.anime_ids, row["anime_id"]))
        for supporter in row["supporters"]:
            theirs = list_of_user(bundle, int(np.searchsorted(bundle.user_ids, supporter["user_id"])))
            assert supporter["user_id"] in near
            assert anime_row in theirs.top_quarter_rows
            assert supporter["rating"] == theirs.ratings[theirs.anime_rows == anime_row][0]


def test_recommending_by_neighbours_lists_only_what_somebody_supports(client: httpx.Client) -> None:
    rows = _rows(client, "/users/12/recommendations", limit=100, method="neighbours")
    assert all(row["score"] > 0 for row in rows)
    asked = {"method": "neighbours", "rule": "top-quarter", "collapse_franchise": "false"}
    rows = _rows(client, "/users/12/recommendations", limit=100, **asked)
    assert all(row["score"] > 0 and row["n_supporters"] > 0 for row in rows)


def test_a_recommended_card_tells_what_it_is_to_its_franchise(client: httpx.Client, bundle: Bundle) -> None:
    told = 0
    for user_row, user_id in _user_ids(bundle):
        seen = set(bundle.anime_ids[list_of_user(bundle, user_row).seen_rows].tolist())
        for row in _rows(client, f"/users/{user_id}/recommendations", limit=100):
            place = int(np.searchsorted(bundle.anime_ids, row["anime_id"]))
            assert row["franchise"]["role"] == ["main", "side", "extra"][bundle.franchise_roles[place]]
            for before in row["franchise"]["next_after"]:
                other = int(np.searchsorted(bundle.anime_ids, before["anime_id"]))
                assert before["anime_id"] in seen
                assert bundle.franchise_codes[other] == bundle.franchise_codes[place]
                assert bundle.franchise_positions[other] < bundle.franchise_positions[place]
                told += 1
    assert told > 10


def test_a_user_of_plans_alone_is_told_so_and_gets_what_is_popular(client: httpx.Client) -> None:
    answer = client.get("/users/7/recommendations", params={"method": "neighbours"}).json()
    assert (answer["method"], answer["rule"], answer["no_evidence"]) == ("popular", None, "only_plan_to_watch")
    assert len(answer["notes"]) == 1
    assert answer["data"]


def test_a_recommended_card_keeps_the_catalogues_score_beside_its_own(client: httpx.Client, bundle: Bundle) -> None:
    for row in _rows(client, "/users/12/recommendations", limit=100):
        card = client.get(f"/anime/{row['anime_id']}").json()["data"]
        assert row["mean_score"] == card["score"]
        assert {name: row[name] for name in AnimeCard.model_fields if name not in {"score", "new"}} == {
            name: value for name, value in card.items() if name != "score"
        }


def test_adult_anime_appear_only_when_asked_for(client: httpx.Client, bundle: Bundle) -> None:
    adult = set(bundle.anime_ids[list(ADULT_ROWS)].tolist())
    routes: list[tuple[str, dict[str, str]]] = [("/anime", {}), ("/anime/1/similar", {"collapse_franchise": "false"})]
    for path, asked in routes:
        assert not adult & {row["anime_id"] for row in _rows(client, path, limit=100, **asked)}
        assert adult <= {row["anime_id"] for row in _rows(client, path, limit=100, include_adult="true", **asked)}


def test_an_adult_anime_may_be_asked_about(client: httpx.Client, bundle: Bundle) -> None:
    anime_id = int(bundle.anime_ids[ADULT_ROWS[0]])
    assert client.get(f"/anime/{anime_id}").status_code == 200
    rows = _rows(client, f"/anime/{anime_id}/similar", limit=100, collapse_franchise="false")
    assert len(rows) == N_ANIME - len(ADULT_ROWS)


def test_without_a_query_titles_come_by_popularity(client: httpx.Client, bundle: Bundle) -> None:
    rows = _rows(client, "/anime", limit=100, include_adult="true")
    order, new_order = (np.argsort(-counts, kind="stable") for counts in (bundle.popularity, bundle.new_members))
    expected = [*bundle.anime_ids[order].tolist(), *bundle.new_anime_ids[new_order].tolist()]
    assert [row["anime_id"] for row in rows] == expected
    assert {row["relevance"] for row in rows} == {None}


def test_the_model_card_says_that_its_data_are_simulated(client: httpx.Client) -> None:
    card = client.get("/model").json()
    assert card["data"]["simulated"] is True
    assert card["sizes"] == {
        "n_anime": 60,
        "n_new": 9,
        "n_users": 40,
        "n_list_entries": card["sizes"]["n_list_entries"],
    } | {"embedding_size": 16}
    assert "files" not in card
    assert "golden" not in card


def test_an_answer_that_the_client_has_already_is_an_empty_304(client: httpx.Client) -> None:
    first = client.get("/anime/1/similar")
    again = client.get("/anime/1/similar", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    whatever = client.get("/anime/1/similar", headers={"if-none-match": "*"})
    assert whatever.status_code == 304
    assert client.get("/anime/1/similar?limit=1").headers["etag"] != first.headers["etag"]
    other = client.get("/anime/1/similar", headers={"if-none-match": '"another"'})
    assert other.content == first.content
    missing = client.get("/anime/2", headers={"if-none-match": first.headers["etag"]})
    assert missing.status_code == 404


def test_a_sane_request_id_is_echoed_and_another_is_replaced(client: httpx.Client) -> None:
    assert client.get("/anime/1", headers={"x-request-id": "mine-1"}).headers["x-request-id"] == "mine-1"
    assert client.get("/anime/1", headers={"x-request-id": "a b"}).headers["x-request-id"] != "a b"
    assert client.get("/nothing", headers={"x-request-id": "mine-2"}).headers["x-request-id"] == "mine-2"


def test_head_is_get_without_a_body(client: httpx.Client) -> None:
    answer = client.head("/anime/1/similar")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == client.get("/anime/1/similar").headers["content-length"]


def test_scripts_of_other_pages_get_no_permission_by_default(client: httpx.Client) -> None:
    answer = client.get("/anime/1", headers={"origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_metrics_count_by_template_and_not_by_path(client: httpx.Client) -> None:
    client.get("/anime/1/similar")
    client.get("/no/such/path")
    text = client.get("/metrics").text
    assert 'osusume_http_requests_total{method="GET",route="/anime/{anime_id}/similar",status="200"}' in text
    assert 'route="(unmatched)",status="404"' in text
    assert f'osusume_model_info{{network="synthetic",simulated="True",version="{VERSION}"}} 1.0' in text
    assert "/no/such/path" not in text
