"""Whatever stands in a field of a list as JSON, it is read or refused, and no entry is lost."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.chaos.fuzzing.imports import run
from tests.service.importing.test_json_lists import FORMS

# What parsers of JSON let through, but not all that deals with it afterwards.
ODD: Final = (
    '"\\ud800"',
    "1" + "0" * 30,
    "1e400",
    "NaN",
    "true",
    "[]",
    "{}",
    "[" * 300 + "]" * 300,
    '{"\\ud800": [1]}',
)


def with_a_mark(value: Any) -> Iterator[Any]:
    """Give copies in each of which one value, or one key more, is a mark."""
    yield "MARK"
    if isinstance(value, dict):
        yield value | {"MARK": "MARK"}
        for key, inner in value.items():
            yield from (value | {key: marked} for marked in with_a_mark(inner))
    if isinstance(value, list):
        for place, inner in enumerate(value):
            yield from ([*value[:place], marked, *value[place + 1 :]] for marked in with_a_mark(inner))


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("content", [content for _, content in FORMS])
def test_odd_values_in_any_place_are_read_or_refused(content: Any, odd: str) -> None:
    key = odd if odd.startswith('"') else '"more"'
    for marked in map(json.dumps, with_a_mark(content)):
        run(b"\0" + marked.replace('"MARK":', f"{key}:").replace('"MARK"', odd).encode())
