"""Filters over HTTP against what the cards themselves say: a filter leaves rows out and changes nothing else."""

from collections.abc import Callable
from typing import Any

import httpx2 as httpx
import pytest

Card = dict[str, Any]
Passes = Callable[[Card], bool]

# Every row of these stands for itself, and for no franchise.
RANKINGS: dict[str, dict[str, str]] = {
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
    assert answer["pagination"] == {"limit": 100, "offset": 0, "total": len(rows), "next_cursor": None}
    assert [row.pop("rank") for row in rows] == list(range(1, len(rows) + 1))
    return rows


def _is_adult(card: Card) -> bool:
    return "Hentai" in card["genres"]


def _within(name: str, low: float = float("-inf"), high: float = float("inf")) -> Passes:
    """Bound a number of the card, the bounds included; what is unknown passes no bound."""

    def passes(card: Card) -> bool:
        # Recommendations have a score of their own; theirs of the catalogue has another name.
        value = card.get("mean_score", card["score"]) if name == "score" else card[name]
        return value is not None and bool(low <= value <= high)

    return passes


def _some(cards: list[Card], name: str, step: int) -> list[Any]:
    """Take some values that cards have, so that the bounds themselves count."""
    return sorted({card[name] for card in cards} - {None})[::step]


def _cases(cards: list[Card]) -> list[tuple[dict[str, Any], Passes]]:
    ids = [card["anime_id"] for card in cards]
    cases: list[tuple[dict[str, Any], Passes]] = [
        ({}, lambda card: True),
        ({"min_members": 0}, _within("members")),
        ({"type": "movie"}, lambda card: card["type"] == "Movie"),
        ({"type": ["TV", "OVA"]}, lambda card: card["type"] in {"TV", "OVA"}),
        ({"genre": "drama"}, lambda card: "Drama" in card["genres"]),
        ({"genre": ["Drama", "Action"]}, lambda card: {"Drama", "Action"} <= {*card["genres"]}),
        ({"any_genre": ["drama", "Action"]}, lambda card: bool({"Drama", "Action"} & {*card["genres"]})),
        ({"any_genre": "Drama", "genre": "Action"}, lambda card: {"Drama", "Action"} <= {*card["genres"]}),
        ({"exclude_genre": "drama"}, lambda card: "Drama" not in card["genres"]),
        ({"exclude_genre": ["Drama", "Action"]}, lambda card: not {"Drama", "Action"} & {*card["genres"]}),
        (
            {"genre": "Drama", "exclude_genre": "Action"},
            lambda card: {"Drama", "Action"} & {*card["genres"]} == {"Drama"},
        ),
        ({"exclude": ids[0]}, lambda card: card["anime_id"] != ids[0]),
        ({"exclude": [*ids[::2], 999]}, lambda card: card["anime_id"] in ids[1::2]),
    ]
    for year in _some(cards, "year", 5):
        cases += [
            ({"year_from": year}, _within("year", low=year)),
            ({"year_to": year}, _within("year", high=year)),
            ({"year_from": year - 3, "year_to": year}, _within("year", year - 3, year)),
            ({"year_from": year, "year_to": year}, _within("year", year, year)),
        ]
    for members in _some(cards, "members", 12):
        cases += [
            ({"min_members": members}, _within("members", low=members)),
            ({"max_members": members}, _within("members", high=members)),
            ({"min_members": members, "max_members": members}, _within("members", members, members)),
        ]
    return cases + [({"min_score": score}, _within("score", low=score)) for score in [0, *_some(cards, "score", 8)]]


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
        paging = answer["pagination"]
        assert (paging["limit"], paging["offset"], paging["total"]) == (limit, offset, len(rows))
        expected = list(enumerate(rows, 1))[offset : offset + limit]
        assert [(row["rank"], row["anime_id"]) for row in answer["data"]] == [
            (rank, row["anime_id"]) for rank, row in expected
        ]


def test_more_ids_than_are_remembered_are_left_out_all_the_same(client: httpx.Client) -> None:
    ids = [row["anime_id"] for row in _ask(client, "/anime", include_adult="true")]
    for n_excluded in (49, 50, 51, 59):
        rows = _ask(client, "/anime", include_adult="true", exclude=ids[:n_excluded])
        assert [row["anime_id"] for row in rows] == ids[n_excluded:]
