"""Filters over HTTP against what the cards themselves say: a filter leaves rows out and changes nothing else."""

from collections.abc import Callable
from typing import Any

import httpx2 as httpx
import pytest

Card = dict[str, Any]
Passes = Callable[[Card], bool]

# Whatever is ranked, ten rows or all: the whole of it in one page, adult anime too.
RANKINGS = {
    "/anime": {},
    "/anime?query=title": {},
    "/anime/4/similar": {"collapse_franchise": "false"},
    "/anime/4/similar?method=embedding": {"collapse_franchise": "false"},
    "/users/12/recommendations": {"collapse_franchise": "false"},
}


def _ask(client: httpx.Client, path: str, **asked: Any) -> list[Card]:
    """Ask for all rows; they must be ranked from 1, and be as many as the answer says."""
    path, _, query = path.partition("?")
    parameters = {"limit": 100, **dict(httpx.QueryParams(query)), **asked}
    answer = client.get(path, params=parameters).json()
    rows: list[Card] = answer["data"]
    assert answer["pagination"] == {"limit": 100, "offset": 0, "total": len(rows)}
    assert [row.pop("rank") for row in rows] == list(range(1, len(rows) + 1))
    return rows


def _is_adult(card: Card) -> bool:
    return "Hentai" in card["genres"]


def _known(name: str, passes: Callable[[Any], bool]) -> Passes:
    """Compare a number of the card; what is unknown passes no bound."""
    return lambda card: card[name] is not None and passes(card[name])


def _score(card: Card) -> float | None:
    # Recommendations have a score of their own under that name.
    score: float | None = card.get("mean_score", card["score"])
    return score


def _cases(cards: list[Card]) -> list[tuple[dict[str, Any], Passes]]:
    """Bound every filter at values that some card has, so that the bounds themselves count."""
    years = sorted({card["year"] for card in cards} - {None})[::4]
    members = sorted({card["members"] for card in cards} - {None})[::8]
    scores = sorted({card["score"] for card in cards} - {None})[::8]
    ids = [card["anime_id"] for card in cards]
    cases: list[tuple[dict[str, Any], Passes]] = [({}, lambda card: True)]
    for year in years:
        cases += [
            ({"year_from": year}, _known("year", lambda value, year=year: value >= year)),
            ({"year_to": year}, _known("year", lambda value, year=year: value <= year)),
            ({"year_from": year, "year_to": year}, _known("year", lambda value, year=year: value == year)),
            ({"year_from": year - 3, "year_to": year}, _known("year", lambda v, year=year: year - 3 <= v <= year)),
        ]
    for count in members:
        cases += [
            ({"min_members": count}, _known("members", lambda value, count=count: value >= count)),
            ({"max_members": count}, _known("members", lambda value, count=count: value <= count)),
            ({"min_members": count, "max_members": count}, _known("members", lambda v, count=count: v == count)),
        ]
    cases += [
        ({"min_score": score}, lambda card, score=score: (_score(card) or -1) >= score) for score in [*scores, 0]
    ]
    cases += [
        ({"min_members": 0}, lambda card: card["members"] is not None),
        ({"type": "movie"}, lambda card: card["type"] == "Movie"),
        ({"type": ["TV", "OVA"]}, lambda card: card["type"] in {"TV", "OVA"}),
        ({"genre": "drama"}, lambda card: "Drama" in card["genres"]),
        ({"genre": ["Drama", "Action"]}, lambda card: {"Drama", "Action"} <= {*card["genres"]}),
        ({"exclude_genre": "drama"}, lambda card: "Drama" not in card["genres"]),
        ({"exclude_genre": ["Drama", "Action"]}, lambda card: not {"Drama", "Action"} & {*card["genres"]}),
        (
            {"genre": "Drama", "exclude_genre": "Action"},
            lambda c: "Drama" in c["genres"] and "Action" not in c["genres"],
        ),
        ({"exclude": ids[0]}, lambda card: card["anime_id"] != ids[0]),
        ({"exclude": [*ids[::2], 999]}, lambda card: card["anime_id"] in ids[1::2]),
    ]
    return cases


@pytest.mark.parametrize("path", RANKINGS)
def test_every_filter_leaves_out_what_the_cards_say_and_nothing_else(client: httpx.Client, path: str) -> None:
    cards = _ask(client, "/anime", include_adult="true")
    everything = _ask(client, path, include_adult="true", **RANKINGS[path])
    assert len(everything) > 20
    for asked, passes in _cases(cards):
        expected = [row for row in everything if passes(row)]
        assert _ask(client, path, include_adult="true", **RANKINGS[path], **asked) == expected, asked
        without_adult = [row for row in expected if not _is_adult(row)]
        assert _ask(client, path, **RANKINGS[path], **asked) == without_adult, asked
        assert len(expected) < len(everything) or asked in ({}, {"exclude": cards[0]["anime_id"]}), asked


@pytest.mark.parametrize("path", RANKINGS)
def test_the_ranks_of_a_page_go_on_where_the_page_before_ended(client: httpx.Client, path: str) -> None:
    rows = _ask(client, path, **RANKINGS[path])
    path, _, query = path.partition("?")
    asked = {**dict(httpx.QueryParams(query)), "collapse_franchise": "false"}
    asked = asked if path != "/anime" else dict(httpx.QueryParams(query))
    for offset, limit in ((0, 1), (1, 1), (3, 5), (len(rows) - 1, 5), (len(rows), 5), (len(rows) + 1, 5)):
        answer = client.get(path, params=asked | {"limit": str(limit), "offset": str(offset)}).json()
        assert answer["pagination"] == {"limit": limit, "offset": offset, "total": len(rows)}
        expected = list(enumerate(rows, 1))[offset : offset + limit]
        assert [(row["rank"], row["anime_id"]) for row in answer["data"]] == [
            (rank, row["anime_id"]) for rank, row in expected
        ]


def test_more_ids_than_are_remembered_are_left_out_all_the_same(client: httpx.Client) -> None:
    ids = [row["anime_id"] for row in _ask(client, "/anime", include_adult="true")]
    for n_excluded in (49, 50, 51, 59):
        rows = _ask(client, "/anime", include_adult="true", exclude=ids[:n_excluded])
        assert [row["anime_id"] for row in rows] == ids[n_excluded:]
