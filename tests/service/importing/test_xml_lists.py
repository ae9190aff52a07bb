"""MyAnimeList's XML, sound and damaged."""

import pytest

from service.recommending.errors import UnreadableListError
from tests.service.importing.lists_for_tests import imported, rated, statuses


def entry(anime_id: int, title: str = "x", score: object = 9, status: str = "Completed", more: str = "") -> str:
    return (
        f"<anime><series_animedb_id>{anime_id}</series_animedb_id><series_title>{title}</series_title>"
        f"<my_score>{score}</my_score><my_status>{status}</my_status>{more}</anime>"
    )


def document(*entries: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8" ?>\n<myanimelist>{"".join(entries)}</myanimelist>'


@pytest.mark.parametrize(
    "title",
    [
        "Panty & Stocking",
        "nice \x0b ending",
        "a &nbsp; b &#11; c",
        "<3 love",
        "<![CDATA[Panty & <Stocking>]]> & more",
        "closed <b> never",
        "<![CDATA[never closed",
    ],
)
def test_a_damaged_entry_costs_itself_at_most(title: str) -> None:
    read = imported(document(entry(1, title), entry(4, score=7)))
    assert [(one.anime_id, one.rating) for one in read.ratings][-1] == (4, 7)
    assert len(read.ratings) + len(read.unmatched) == 2
    assert read.notes == ["The XML is damaged; it was mended, and read entry by entry."]


@pytest.mark.parametrize("title", ["Panty & Stocking", "nice \x0b ending", "<3 love"])
def test_what_can_be_mended_costs_nothing(title: str) -> None:
    assert rated(document(entry(1, title), entry(4))) == {1: 9, 4: 9}


@pytest.mark.timeout(60)
def test_declarations_that_never_end_take_no_longer_than_other_text() -> None:
    with pytest.raises(UnreadableListError, match="the list is empty"):
        imported("<?xml" * 1_000_000 + "<anime")


def test_sound_xml_is_read_without_a_word() -> None:
    read = imported(document(entry(1, "<![CDATA[Panty & Stocking]]>"), entry(4, "A &amp; B")))
    assert [one.typed for one in read.ratings] == ["Panty & Stocking", "A & B"]
    assert not read.notes


def test_an_entry_that_never_ends_ends_where_the_next_begins() -> None:
    read = imported("<myanimelist><anime><series_title>A & B" + entry(4) + "</myanimelist>")
    assert [(one.place, one.title) for one in read.unmatched] == [(1, "A & B")]
    assert [(one.place, one.anime_id) for one in read.ratings] == [(2, 4)]


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("Plan to Read", "plan_to_watch"),
        ("Plan to Watch", "plan_to_watch"),
        ("6", "plan_to_watch"),
        ("Rewatching", "completed"),
        ("On-Hold", "on_hold"),
        ("3", "on_hold"),
        ("Dropped", "dropped"),
        ("Watching", "watching"),
        ("", None),
    ],
)
def test_statuses_mean_what_people_mean(status: str, meaning: str | None) -> None:
    assert statuses(document(entry(1, status=status))) == [meaning]


def test_what_is_being_watched_again_was_seen() -> None:
    assert statuses(document(entry(1, status="Watching", more="<my_rewatching>1</my_rewatching>"))) == ["completed"]


def test_a_status_that_nobody_knows_is_said() -> None:
    read = imported(document(entry(1, status="Marinating")))
    assert read.ratings[0].status is None
    assert read.notes == ["Status 'Marinating' (entry 1) is not known here; such entries count as seen."]


def test_an_entry_without_an_id_is_found_by_its_title() -> None:
    assert rated(document(entry(0, "Attack on Titan", 8))) == {4: 8}


def test_an_id_that_the_model_does_not_know_is_not_taken_for_another_anime() -> None:
    (unmatched,) = imported(document(entry(99999, "Cowboy Bebop"))).unmatched
    assert unmatched.reason == "anime 99999 is not in this model"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<!DOCTYPE html><html><body>log in<br></html>", "a web page"),
        ("<rss><item/></rss>", "begins with <rss>"),
        ("<myanimelist><manga><manga_mangadb_id>1</manga_mangadb_id></manga></myanimelist>", "a list of manga"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><myanimelist>' + entry(1, "&a;") + "</myanimelist>", "declares entities"),
        ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><myanimelist/>', "declares entities"),
        ("<myanimelist></myanimelist>", "the list is empty"),
        ("<myanimelist>" + "<a>" * 1000, "the list is empty"),
        (document(*(entry(i) for i in range(20_001))), "more than 20000 entries"),
    ],
)
def test_what_is_no_list_is_said(text: str, fault: str) -> None:
    with pytest.raises(UnreadableListError, match=fault):
        imported(text)


def test_what_is_nested_deeply_is_not_followed() -> None:
    read = imported("<myanimelist>" + "<a>" * 1000 + entry(1) + "</a>" * 1000 + "</myanimelist>")
    assert read.notes == ["The XML is damaged; it was mended, and read entry by entry."]
    assert len(read.ratings) == 1


def test_manga_beside_anime_are_counted() -> None:
    read = imported(document(entry(1), "<manga><series_title>x</series_title></manga>"))
    assert read.notes == ["1 manga were left out."]
