"""Within a version the API and the settings only grow."""

import json
from copy import deepcopy

import pytest

from tests.contract.promises import FILE, Promises, read_promises

PROMISED: Promises = {
    kind: {name: facts.split(", ") if facts else [] for name, facts in named.items()}
    for kind, named in json.loads(FILE.read_text(encoding="utf-8")).items()
}


def _broken(promised: Promises, kept: Promises) -> list[str]:
    return [
        f"{kind}: {name}: {fact}"
        for kind, named in promised.items()
        for name, facts in named.items()
        for fact in (facts if name in kept[kind] else ["all of it"])
        if fact not in kept[kind].get(name, [])
    ]


def test_nothing_that_was_promised_is_gone() -> None:
    assert _broken(PROMISED, read_promises()) == []


@pytest.mark.parametrize(
    ("kind", "name", "fact"),
    [
        ("routes", "GET /users/{user_id}/recommendations", "method=items"),
        ("routes", "GET /anime/{anime_id}/similar", "exclude_genre"),
        ("routes", "GET /anime/{anime_id}/similar", "answer SimilarAnimeAnswer"),
        ("routes", "POST /recommendations", "body ListBody"),
        ("fields", "Pagination", "next_cursor"),
        ("settings", "names", "OSUSUME_STORE"),
    ],
)
def test_whatever_goes_is_noticed(kind: str, name: str, fact: str) -> None:
    kept = deepcopy(PROMISED)
    kept[kind][name].remove(fact)
    assert _broken(PROMISED, kept) == [f"{kind}: {name}: {fact}"]
    del kept[kind][name]
    assert f"{kind}: {name}: all of it" in _broken(PROMISED, kept)
