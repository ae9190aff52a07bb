"""How query strings are read.

FastAPI can read a model of query parameters by itself; for fourteen of them that costs nearly as much as all the
rest of a request. So the routes hand their query string to :func:`parse_query`, which remembers what it read
before, and :func:`describe_parameters` documents the same models in OpenAPI. It also refuses what FastAPI lets
pass: a single-valued parameter that comes twice.
"""

import difflib
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

from pydantic import ValidationError

from service.api.params import MAX_EXCLUDED, MAX_NAMES, Parameters
from service.recommending.errors import MAX_ISSUES, MAX_NAME, MAX_TEXT, InvalidRequestError, Issue

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


def _parse(model: type[P], query_string: bytes) -> P:
    expectations = _expectations(model)
    values, unknown = _values(query_string, model)
    issues: list[Issue] = []
    parsed = None
    try:
        parsed = model.model_validate(values)
    except ValidationError as error:
        # An optional parameter is a union to pydantic, and each branch may complain. A bound may have been checked
        # after the text became a number; what came was text.
        found = (_issue_of(fault, expectations) for fault in error.errors(include_url=False))
        issues = list(dict.fromkeys(_with_text(issue, values) for issue in found))
    if parsed is not None and not unknown:
        return parsed
    n_faults = len(issues) + len(unknown)
    no_such = f"no such parameter; known: {', '.join(expectations) or 'none'}"
    names = list(unknown)[:MAX_ISSUES]
    issues += [Issue(name[:MAX_NAME], no_such, unknown[name][:MAX_TEXT]) for name in names]
    close = difflib.get_close_matches(names[0][:MAX_NAME], expectations, n=1) if names else []
    raise InvalidRequestError(issues, f"did you mean {close[0]}?" if close else None, n_faults=n_faults)


def _issue_of(fault: Any, expectations: Mapping[str, str]) -> Issue:
    """Say in words what pydantic found."""
    context = fault.get("ctx", {})
    parameter = str(context.get("parameter") or fault["loc"][0])
    received = str(context.get("received", fault["input"]))[:MAX_TEXT]
    if fault["type"] == "too_long":
        return Issue(parameter, f"given at most {context['max_length']} times", f"{context['actual_length']} times")
    return Issue(parameter, fault["msg"] if fault["type"] == "range" else expectations[parameter], received)


def _with_text(issue: Issue, values: Mapping[str, Any]) -> Issue:
    text = values.get(issue.parameter)
    return replace(issue, received=text[:MAX_TEXT]) if isinstance(text, str) else issue


# One table for all routes; a failed parse raises and is not remembered.
_remembered = lru_cache(maxsize=4096)(_parse)


def _values(query_string: bytes, model: type[Parameters]) -> tuple[dict[str, Any], dict[str, str]]:
    """Give what came for the parameters that the model has, and for others.

    Raises
    ------
    InvalidRequestError
        If there are too many, or one comes twice that may come once.
    """
    try:
        pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError as error:
        raise InvalidRequestError([Issue("query", f"at most {_MAX_FIELDS} parameters", None)]) from error
    repeatable = _repeatable(model)
    values: dict[str, Any] = {}
    unknown: dict[str, str] = {}
    for name, value in pairs:
        if name not in model.model_fields:
            unknown[name] = value
        elif name in repeatable:
            values.setdefault(name, []).append(value)
        elif name in values:
            raise InvalidRequestError([Issue(name, "given once", f"{values[name]} and {value}"[:MAX_TEXT])])
        else:
            values[name] = value
    return values, unknown


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
