"""What every method answers, held against numbers that were written down once."""

import json
from typing import Any, Final

import httpx2 as httpx
import pytest

from models.bundle.reader import Bundle
from models.golden import make_golden_answers
from tests.service.written_answers import PATH, QUESTIONS, ask

WRITTEN: Final[list[dict[str, Any]]] = json.loads(PATH.read_text(encoding="utf-8"))
# Of a number, or of the last of six decimals.
RELATIVE, ABSOLUTE = 1e-4, 2e-6


def _near(pairs: Any) -> Any:
    return pytest.approx({identity: number for identity, number, *_ in pairs}, rel=RELATIVE, abs=ABSOLUTE)


def _name(answer: dict[str, Any]) -> str:
    words = [
        answer["kind"],
        answer["method"],
        answer["rule"],
        "unseen" if answer["unseen"] else "",
        answer["query_id"],
    ]
    return " ".join(str(word) for word in words if word)


def _hold(rows: list[list[Any]], written: list[list[Any]]) -> None:
    """Hold ids and numbers against those written; of near-ties either may come first."""
    assert {identity: number for identity, number, *_ in rows} == _near(written)
    assert len(rows) == len(written)
    numbers = [number for _, number, *_ in rows]
    assert numbers == sorted(numbers, reverse=True)


@pytest.mark.parametrize("written", WRITTEN, ids=_name)
def test_over_http_every_method_answers_as_it_is_written(
    client: httpx.Client, bundle: Bundle, written: dict[str, Any]
) -> None:
    answer = ask(client, bundle, written)
    _hold(answer["rows"], written["rows"])
    assert answer.get("in_common") == written.get("in_common")
    for why, expected in zip(answer.get("why", []), written.get("why", []), strict=True):
        _hold(why["because"], expected["because"])
        _hold(why["supporters"], expected["supporters"])
        assert [rating for *_, rating in why["supporters"]] == [rating for *_, rating in expected["supporters"]]
        assert (why["n_supporters"], why["notes"]) == (expected["n_supporters"], expected["notes"])


def test_golden_answers_are_those_written(bundle: Bundle) -> None:
    """Of every question that is written down, and of no other."""
    golden = {_name(dict(answer)): answer for answer in make_golden_answers(bundle)}
    assert sorted(golden) == sorted(map(_name, WRITTEN)) == sorted(map(_name, QUESTIONS))
    for written in WRITTEN:
        answer = golden[_name(written)]
        _hold([list(row) for row in zip(answer.ids, answer.scores, strict=True)], written["rows"])
