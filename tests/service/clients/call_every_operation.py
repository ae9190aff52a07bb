"""Call every operation of a running service through the generated client; print the requests that succeeded.

Not a test by itself: test_python_client.py runs it by the client's own Python.
"""

import json
import sys
from io import BytesIO
from typing import Any

from osusume_client import Client
from osusume_client.api.anime import find_anime, get_anime, get_map, similar_anime, similar_to_several
from osusume_client.api.health import get_metrics, is_live, is_ready
from osusume_client.api.lists import (
    compare_lists,
    import_list,
    recommend_to_group,
    recommend_to_list,
    similar_users_to_list,
)
from osusume_client.api.model import get_model
from osusume_client.api.users import recommend, similar_users
from osusume_client.models import (
    AnimeAnswer,
    ComparisonAnswer,
    GroupAnswer,
    GroupBody,
    HealthAnswer,
    ImportAnswer,
    ImportListBody,
    ListBody,
    ListEntry,
    ListEntryStatusType0,
    ListEntryStatusType1,
    ListRecommendationsAnswer,
    ListSimilarUsersAnswer,
    MapAnswer,
    ModelAnswer,
    NamedList,
    PairBody,
    Problem,
    RecommendationsAnswer,
    RecommendMethod,
    RecommendToListMethod,
    SimilarAnimeAnswer,
    SimilarAnimeMethod,
    SimilarAnimeOrder,
    SimilarToSeveralAnswer,
    SimilarUsersAnswer,
    TitlesAnswer,
)
from osusume_client.types import UNSET, File

# Every form of a status: words, numbers, null, and none at all.
PLANNED = (ListEntryStatusType0.PLAN_TO_WATCH, ListEntryStatusType1.VALUE_6)
STATUSES = (*ListEntryStatusType0, *ListEntryStatusType1, None, UNSET)


def read(answer: Any, expected: type[Any]) -> Any:
    """Give what the client read; nothing that the service wrote may be lost or changed on the way."""
    assert answer.status_code == 200, answer.content
    assert type(answer.parsed) is expected
    written = json.loads(answer.content)
    again = answer.parsed.to_dict()
    if "created_at" in written:
        written["created_at"] = written["created_at"].replace("Z", "+00:00")
    assert again == written, (again, written)
    return answer.parsed


def refused(answer: Any, status: int, code: str) -> Problem:
    """Give the problem."""
    assert answer.status_code == status, answer.content
    assert type(answer.parsed) is Problem
    assert (answer.parsed.status, answer.parsed.code) == (status, code)
    assert answer.parsed.to_dict() == json.loads(answer.content)
    return answer.parsed


def ask_about_anime(client: Client) -> None:
    """Ask what GET /anime and below have."""
    found = read(find_anime.sync_detailed(client=client, query="cowboy bebop", limit=1), TitlesAnswer)
    assert [anime.name for anime in found.data] == ["Cowboy Bebop"]
    assert found.pagination.limit == 1
    everything = read(find_anime.sync_detailed(client=client, limit=100, include_adult=True), TitlesAnswer)
    # The small model has cards with every kind of gap, and the client is told of all of them.
    for name in ("score", "synopsis", "year", "episodes", "english_name", "japanese_name"):
        assert None in {getattr(anime, name) for anime in everything.data}, name
    card = read(get_anime.sync_detailed(1, client=client), AnimeAnswer).data
    assert card.anime_id == 1
    drawn = read(get_map.sync_detailed(client=client), MapAnswer)
    assert len(drawn.anime_ids) == len(drawn.x) > 0
    similar = read(
        similar_anime.sync_detailed(
            1,
            client=client,
            limit=3,
            type_=["TV", "OVA"],
            exclude=[5, 6],
            order=SimilarAnimeOrder.LEAST,
            method=SimilarAnimeMethod.EMBEDDING,
            collapse_franchise=False,
        ),
        SimilarAnimeAnswer,
    )
    assert len(similar.data) == 3
    assert {anime.type_ for anime in similar.data} <= {"TV", "OVA"}
    similarities = [anime.similarity for anime in similar.data]
    assert similarities == sorted(similarities)
    several = similar_to_several.sync_detailed(client=client, like=[1, 4], unlike=[7], novelty=0.5, diversity=0.5)
    assert [anime.anime_id for anime in read(several, SimilarToSeveralAnswer).like] == [1, 4]
    refused(get_anime.sync_detailed(99999999, client=client), 404, "unknown_anime")
    refused(similar_anime.sync_detailed(99999999, client=client), 404, "unknown_anime")
    problem = refused(find_anime.sync_detailed(client=client, limit=0), 422, "invalid_request")
    assert [issue.parameter for issue in problem.errors] == ["limit"]


def ask_about_users(client: Client) -> None:
    """Ask about users of the training data."""
    read(similar_users.sync_detailed(2, client=client, limit=2), SimilarUsersAnswer)
    answer = read(
        recommend.sync_detailed(12, client=client, method=RecommendMethod.NEIGHBOURS), RecommendationsAnswer
    )
    assert answer.method == "neighbours"
    problem = refused(similar_users.sync_detailed(99999999, client=client), 404, "unknown_user")
    assert problem.hint
    refused(recommend.sync_detailed(99999999, client=client), 404, "unknown_user")


def ask_with_a_list(client: Client) -> None:
    """Post lists with every form of a status."""
    for status in STATUSES:
        body = ListBody(ratings=[ListEntry(anime_id=1, rating=9, status=status), ListEntry(anime_id=4, rating=None)])
        n_planned = int(status in PLANNED)
        recommended = read(recommend_to_list.sync_detailed(client=client, body=body), ListRecommendationsAnswer)
        alike = read(similar_users_to_list.sync_detailed(client=client, body=body), ListSimilarUsersAnswer)
        for summary in (recommended.list_summary, alike.list_summary):
            assert (summary.n_seen, summary.n_plan_to_watch) == (2 - n_planned, n_planned), status
    nothing = ListBody(ratings=[])
    answer = read(recommend_to_list.sync_detailed(client=client, body=nothing), ListRecommendationsAnswer)
    assert (answer.no_evidence, answer.method) == ("empty_list", RecommendToListMethod.POPULAR.value)
    for operation in (recommend_to_list, similar_users_to_list):
        wrong = ListBody(ratings=[ListEntry(anime_id=1), ListEntry(anime_id=2, rating=11)])
        problem = refused(operation.sync_detailed(client=client, body=wrong), 422, "invalid_request")
        assert [issue.parameter for issue in problem.errors] == ["ratings[1].rating"]


def import_titles(client: Client) -> None:
    """Send a file of titles."""
    file = File(payload=BytesIO(b"Cowboy Bebop, 9"), file_name="titles.txt")
    found = read(import_list.sync_detailed(client=client, body=ImportListBody(file=file)), ImportAnswer)
    assert [(entry.anime_id, entry.rating) for entry in found.ratings] == [(1, 9)]


def ask_with_several_lists(client: Client) -> None:
    """Post lists of a group, and of two to be compared."""
    one = NamedList(ratings=[ListEntry(anime_id=1, rating=9), ListEntry(anime_id=4)], name="A")
    other = NamedList(ratings=[ListEntry(anime_id=1, rating=3), ListEntry(anime_id=7, rating=8)])
    together = read(
        recommend_to_group.sync_detailed(client=client, body=GroupBody(lists=[one, other, other])), GroupAnswer
    )
    assert [member.name for member in together.lists] == ["A", None, None]
    assert {len(anime.lists) for anime in together.data} == {3}
    compared = read(compare_lists.sync_detailed(client=client, body=PairBody(lists=[one, other])), ComparisonAnswer)
    assert [anime.ratings for anime in compared.disagreements] == [[9, 3]]
    problem = refused(
        recommend_to_group.sync_detailed(client=client, body=GroupBody(lists=[one])), 422, "invalid_request"
    )
    assert [issue.parameter for issue in problem.errors] == ["lists"]


def ask_about_the_service(client: Client) -> None:
    """Ask for the model, the probes, and the metrics."""
    model = read(get_model.sync_detailed(client=client), ModelAnswer)
    assert model.created_at.tzinfo
    for probe, status in ((is_live, "live"), (is_ready, "ready")):
        health = read(probe.sync_detailed(client=client), HealthAnswer)
        assert (health.status, health.model_version) == (status, model.model_version)
    metrics = get_metrics.sync_detailed(client=client)
    assert metrics.status_code == 200
    assert metrics.parsed.startswith("# HELP ")
    assert model.model_version in metrics.parsed


def main() -> None:
    """Call everything."""

    def tell(response: Any) -> None:
        if response.status_code == 200:
            print(response.request.method, response.request.url.path)  # noqa: T201

    client = Client(
        base_url=sys.argv[1], raise_on_unexpected_status=True, httpx_args={"event_hooks": {"response": [tell]}}
    )
    for ask in (
        ask_about_anime,
        ask_about_users,
        ask_with_a_list,
        import_titles,
        ask_with_several_lists,
        ask_about_the_service,
    ):
        ask(client)


if __name__ == "__main__":
    main()
