"""How query strings are read.

FastAPI can read a model of query parameters by itself; for fourteen of them that costs nearly as much as all the
rest of a request. So the routes hand their query string to :func:`parse_query`, which remembers what it read
before, and :func:`describe_parameters` documents the same models in OpenAPI. It also refuses what FastAPI lets
pass: a single-valued parameter that comes twice.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

from pydantic import ValidationError

from service.errors import InvalidRequestError, Issue
from service.query import MAX_EXCLUDED, MAX_NAMES, Parameters

# Longer query strings are one person's own and not worth remembering.
MAX_REMEMBERED_LENGTH: Final = 300
_MAX_FIELDS: Final = MAX_EXCLUDED + 4 * MAX_NAMES

P = TypeVar("P", bound=Parameters)


def parse_query(model: type[P], query_string: bytes) -> P:
    """Read a query string.

    Parameters
    ----------
    model : type of Parameters
        What the route takes.
    query_string : bytes
        As it came over the wire.

    Returns
    -------
    P
        Frozen, and shared with other requests that ask the same.

    Raises
    ------
    InvalidRequestError
        If a parameter is unknown, out of bounds, of the wrong type or comes too often, or if two contradict
        each other.
    """
    if len(query_string) > MAX_REMEMBERED_LENGTH:
        return _parse(model, query_string)
    parsed: P = _remembered(model, query_string)
    return parsed


def describe_parameters(model: type[Parameters]) -> list[dict[str, Any]]:
    """Describe query parameters for OpenAPI.

    Parameters
    ----------
    model : type of Parameters

    Returns
    -------
    list of dict
        OpenAPI parameter objects.
    """
    described = []
    for name, schema in model.model_json_schema()["properties"].items():
        plain = {key: value for key, value in schema.items() if key not in {"title", "description"}}
        if plain.get("default", 0) in (None, [], ""):
            del plain["default"]
        described.append(
            {"name": name, "in": "query", "required": False, "description": schema["description"], "schema": plain}
        )
    return described


def issues_of(errors: Sequence[Any], expectations: Mapping[str, str]) -> list[Issue]:
    """Say in words what pydantic found.

    Parameters
    ----------
    errors : sequence of dict
        As ``ValidationError.errors()`` gives them.
    expectations : mapping of str to str
        What each known parameter should be.

    Returns
    -------
    list of Issue
    """
    issues = []
    for found in errors:
        context = found.get("ctx", {})
        parameter = str(context.get("parameter") or (found["loc"][0] if found["loc"] else "query"))
        received = str(context.get("received", found["input"]))[:100]
        if found["type"] == "extra_forbidden":
            expected = f"no such parameter; known: {', '.join(expectations) or 'none'}"
        elif found["type"] == "too_long":
            expected, received = f"given at most {context['max_length']} times", f"{context['actual_length']} times"
        elif found["type"] == "range" or parameter not in expectations:
            expected = found["msg"]
        else:
            expected = expectations[parameter]
        issues.append(Issue(parameter, expected, received))
    # An optional parameter is a union to pydantic, and each branch may complain.
    return list(dict.fromkeys(issues))


def _parse(model: type[P], query_string: bytes) -> P:
    expectations = _expectations(model)
    values = _values(query_string, model)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        issues = issues_of(error.errors(include_url=False), expectations)
        unknown = [name for name in values if name not in expectations]
        close = difflib.get_close_matches(unknown[0], expectations, n=1) if unknown else []
        # A bound may have been checked after the text became a number; what came was text.
        issues = [_with_text(issue, values) for issue in issues]
        raise InvalidRequestError(
            list(dict.fromkeys(issues)), f"did you mean {close[0]}?" if close else None
        ) from error


def _with_text(issue: Issue, values: Mapping[str, Any]) -> Issue:
    text = values.get(issue.parameter)
    return replace(issue, received=text[:100]) if isinstance(text, str) else issue


# One table for all routes; a failed parse raises and is not remembered.
_remembered = lru_cache(maxsize=4096)(_parse)


def _values(query_string: bytes, model: type[Parameters]) -> dict[str, Any]:
    try:
        pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError as error:
        raise InvalidRequestError([Issue("query", f"at most {_MAX_FIELDS} parameters", None)]) from error
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in _repeatable(model):
            values.setdefault(name, []).append(value)
        elif name in values and name in model.model_fields:
            raise InvalidRequestError([Issue(name, "given once", f"{values[name]} and {value}"[:100])])
        else:
            values[name] = value
    return values


@lru_cache
def _repeatable(model: type[Parameters]) -> frozenset[str]:
    properties = model.model_json_schema().get("properties", {})
    return frozenset(name for name, schema in properties.items() if schema.get("type") == "array")


@lru_cache
def _expectations(model: type[Parameters]) -> dict[str, str]:
    properties = model.model_json_schema().get("properties", {})
    return {name: _in_words(schema) for name, schema in properties.items()}


def _in_words(schema: dict[str, Any]) -> str:
    if "enum" in schema or "const" in schema:
        return "one of " + ", ".join(schema.get("enum") or [schema["const"]])
    if schema["type"] == "array":
        return "each " + _in_words(schema["items"])
    if schema["type"] == "boolean":
        return "true or false"
    if schema["type"] == "string":
        return f"text of at most {schema['maxLength']} characters"
    kind = "a whole number" if schema["type"] == "integer" else "a number"
    return f"{kind} from {schema['minimum']} to {schema['maximum']}"
