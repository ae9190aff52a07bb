"""Lists as JSON, in the forms of the sites."""

import json
from typing import Any, Final

import pytest

from service.recommending.errors import UnreadableListError
from tests.service.importing.lists_for_tests import imported

ANILIST_ENTRY: Final = {
    "score": 9,
    "status": "COMPLETED",
    "media": {"id": 11, "idMal": 1, "type": "ANIME", "title": {"romaji": "Cowboy Bebop"}},
}
FORMS: Final[list[tuple[str, Any]]] = [
    ("osusume", {"ratings": [{"anime_id": 1, "rating": 9, "status": "completed"}]}),
    ("osusume", [{"anime_id": 1, "anime_title": "Cowboy Bebop", "score": 9, "status": 2}]),
    ("anilist-graphql", {"data": {"MediaListCollection": {"lists": [{"name": "Done", "entries": [ANILIST_ENTRY]}]}}}),
    ("anilist-graphql", {"data": {"Page": {"mediaList": [ANILIST_ENTRY]}}}),
    ("anilist-graphql", {"lists": [{"name": "Done", "entries": [ANILIST_ENTRY]}]}),
    ("anilist-export", {"lists": [{"series_id": 1001, "series_type": 0, "score": 90, "status": 2}]}),
    ("mal-api", {"data": [{"node": {"id": 1, "title": "x"}, "list_status": {"score": 9, "status": "completed"}}]}),
    ("mal-api", [{"data": [{"node": {"id": 1}, "list_status": {"score": 9, "status": "completed"}}]}]),
    (
        "simkl",
        {
            "shows": [],
            "anime": [
                {
                    "user_rating": 9,
                    "status": "completed",
                    "show": {"title": "Cowboy Bebop", "year": 1998, "ids": {"simkl": 5, "mal": "1"}},
                }
            ],
        },
    ),
    ("simkl", {"anime": [{"user_rating": 9, "status": "completed", "show": {"ids": {"anidb": "23"}}}]}),
    ("shikimori", [{"target_id": 1, "target_type": "Anime", "target_title": "x", "score": 9, "status": "completed"}]),
    ("shikimori", [{"id": 77, "score": 9, "status": "completed", "anime": {"id": 1, "name": "x"}, "manga": None}]),
    ("shikimori", {"data": {"userRates": [{"score": 9, "status": "completed", "anime": {"malId": "1"}}]}}),
    (
        "kitsu",
        {
            "data": [
                {
                    "type": "libraryEntries",
                    "attributes": {"status": "completed", "ratingTwenty": 18},
                    "relationships": {"anime": {"data": {"type": "anime", "id": "3"}}},
                }
            ],
            "included": [{"type": "anime", "id": "3", "attributes": {"canonicalTitle": "Cowboy Bebop"}}],
        },
    ),
    ("anime-planet", {"entries": [{"name": "Cowboy Bebop", "status": "watched", "rating": 4.5}]}),
    ("json", {"user": "me", "list": [{"title": "Cowboy Bebop", "my_score": "9", "score": 8.78, "status": "Done"}]}),
]


@pytest.mark.parametrize(("name", "content"), FORMS)
def test_every_form_is_recognised_and_read(name: str, content: Any) -> None:
    read = imported(json.dumps(content))
    assert read.format == name
    assert [(one.anime_id, one.rating, one.status) for one in read.ratings] == [(1, 9, "completed")]


def test_anilists_scale_is_the_one_it_names() -> None:
    collection = {
        "user": {"mediaListOptions": {"scoreFormat": "POINT_5"}},
        "lists": [{"entries": [ANILIST_ENTRY | {"score": 4}]}],
    }
    (rating,) = imported(json.dumps({"data": {"MediaListCollection": collection}})).ratings
    assert rating.rating == 8


def test_smileys_are_three() -> None:
    collection = {
        "user": {"mediaListOptions": {"scoreFormat": "POINT_3"}},
        "lists": [{"entries": [ANILIST_ENTRY | {"score": 2}]}],
    }
    (rating,) = imported(json.dumps({"data": {"MediaListCollection": collection}})).ratings
    assert rating.rating == 7


def test_an_entry_on_several_lists_of_anilist_is_read_once() -> None:
    lists = [{"entries": [ANILIST_ENTRY]}, {"name": "Favourites", "entries": [ANILIST_ENTRY]}]
    read = imported(json.dumps({"data": {"MediaListCollection": {"lists": lists}}}))
    assert len(read.ratings) == 1
    assert not read.unmatched
    assert read.notes == ["1 entries that stand on several lists were read once."]


def test_damaged_entries_of_anilist_are_each_counted() -> None:
    lists = [{"entries": [ANILIST_ENTRY, None, None]}]
    read = imported(json.dumps({"data": {"MediaListCollection": {"lists": lists}}}))
    assert (len(read.ratings), len(read.unmatched)) == (1, 2)


@pytest.mark.parametrize(
    ("number", "status"), list(enumerate(["watching", "plan_to_watch", "completed", "dropped", "on_hold"]))
)
def test_the_numbers_of_anilists_export_are_its_own(number: int, status: str) -> None:
    row = {"series_id": 1001, "series_type": 0, "score": 0, "status": number}
    (rating,) = imported(json.dumps({"lists": [row]})).ratings
    assert (rating.anime_id, rating.rating, rating.status) == (1, None, status)


def test_manga_are_left_out_and_counted() -> None:
    rows = [{"series_id": 1, "series_type": 1, "score": 1, "status": 2}] * 3
    anime = {"series_id": 1010, "series_type": 0, "score": 50, "status": 2}
    read = imported(json.dumps({"lists": [*rows, anime]}))
    assert [(one.place, one.anime_id) for one in read.ratings] == [(1, 10)]
    assert read.notes[0] == "3 manga were left out."
    with pytest.raises(UnreadableListError, match="a list of manga"):
        imported(json.dumps({"lists": rows}))


def test_an_id_that_is_in_no_id_map_is_unmatched_by_that_reason() -> None:
    rows = [{"series_id": 5, "series_type": 0, "score": 1, "status": 2}]
    (unmatched,) = imported(json.dumps({"lists": rows})).unmatched
    assert unmatched.reason.endswith("only anilist id 5, not in this model's id map")


def test_one_damaged_entry_costs_itself() -> None:
    rows = [
        {"anime_id": 1, "rating": 9},
        7,
        {"anime_id": -4, "rating": {}},
        {"anime_id": 4, "rating": [], "status": {}},
    ]
    read = imported(json.dumps({"ratings": rows}))
    assert [one.anime_id for one in read.ratings] == [1, 4]
    assert [one.place for one in read.unmatched] == [2, 3]


def test_what_is_too_long_for_a_title_is_not_compared_with_any() -> None:
    rows = [{"title": "Cowboy Bebop"}, {"title": "Cowboy Bebop " * 25}, {"title": "Monster", "anime_id": 1 + 3 * 7}]
    read = imported(json.dumps(rows))
    assert [one.place for one in read.ratings] == [1, 3]
    assert [(one.place, one.reason) for one in read.unmatched] == [(2, "the title is longer than 300 characters")]


def test_what_strict_json_has_no_place_for_costs_nothing() -> None:
    text = '{"ratings": [{"anime_id": 1, "rating": 9}, {"anime_id": 4, "title": "a\nb \\ud83d", "rating": NaN}]}'
    read = imported(text)
    assert [(one.anime_id, one.rating, one.typed) for one in read.ratings] == [(1, 9, None), (4, None, "a\nb ?")]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"a": ', "none: unexpected end"),
        ("[" * 100_000, "none: "),
        ('{"a": 1}', "no list that is known"),
        ("[]", "no list that is known"),
        ('{"ratings": []}', "no list that is known"),
        ("[" + "{}," * 400_001 + "{}]", "more than any list"),
    ],
)
def test_what_is_no_list_is_said(text: str, fault: str) -> None:
    with pytest.raises(UnreadableListError, match=fault):
        imported(text)
