"""What is wrong with the parameters of a request, in words: which one, what was expected, what came.

What was expected is read out of the schemas of a route's parameters, so a problem agrees with OpenAPI.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar, get_type_hints

from fastapi import Request
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.datastructures import QueryParams

from service.recommending.errors import MAX_ISSUES, MAX_NAME, MAX_TEXT, InvalidRequestError, Issue

# More than any route can have: a thousand ids, and names.
MAX_PARAMETERS: Final = 1_300

P = TypeVar("P", bound=BaseModel)
# JSON schemas by the name of the parameter.
Schemas = Mapping[str, Mapping[str, Any]]


def refuse_repeats(request: Request) -> None:
    """Refuse a query string in which a parameter that may come once comes twice.

    Raises
    ------
    InvalidRequestError
        If one does, or there are more parameters than any route can have.
    """
    _refuse_repeats(request.scope["query_string"], request.query_params, query_schemas(request.scope["endpoint"]))


def explain(faults: Sequence[Any], request: Request, more: Sequence[Issue] = ()) -> InvalidRequestError:
    """Put into words what FastAPI found wrong with a request: its ``RequestValidationError.errors()``.

    ``more`` is what is wrong with the path as well, and FastAPI could not know.
    """
    schemas, came = _path_schemas(request.scope["endpoint"]), QueryParams(request.path_params)
    of_path = [*more, *(_issue(fault, schemas, came) for fault in faults if fault["loc"][0] == "path")]
    of_query = [fault for fault in faults if fault["loc"][0] == "query"]
    return _explain(of_path, of_query, query_schemas(request.scope["endpoint"]), request.query_params)


def parse_query(model: type[P], query_string: bytes) -> P:
    """Read a query string, as in a URL, apart from any request.

    Raises
    ------
    InvalidRequestError
        As a route would that takes such a query.
    """
    schemas: Schemas = model.model_json_schema()["properties"]
    came = QueryParams(query_string)
    _refuse_repeats(query_string, came, schemas)
    values = {name: came.getlist(name) if _may_repeat(schemas, name) else came[name] for name in came}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        # FastAPI puts in front where the parameters stand.
        faults = [{**fault, "loc": ("query", *fault["loc"])} for fault in error.errors(include_url=False)]
        invalid = _explain([], faults, schemas, came)
        raise invalid from error


@lru_cache
def query_schemas(endpoint: Callable[..., Any]) -> Schemas:
    """Describe the query parameters of a route: those of its ``query``."""
    query = get_type_hints(endpoint).get("query")
    return TypeAdapter(query).json_schema()["properties"] if query else {}


@lru_cache
def _path_schemas(endpoint: Callable[..., Any]) -> Schemas:
    hints = get_type_hints(endpoint, include_extras=True)
    return {name: TypeAdapter(hint).json_schema() for name, hint in hints.items() if name.endswith("_id")}


def _may_repeat(schemas: Schemas, name: str) -> bool:
    return name in schemas and schemas[name].get("type") == "array"


def _refuse_repeats(query_string: bytes, came: QueryParams, schemas: Schemas) -> None:
    if query_string.count(b"&") >= MAX_PARAMETERS:
        raise InvalidRequestError([Issue("query", f"at most {MAX_PARAMETERS} parameters", None)])
    for name in came:
        values = came.getlist(name)
        if len(values) > 1 and name in schemas and not _may_repeat(schemas, name):
            raise InvalidRequestError([Issue(name, "given once", f"{values[0]} and {values[1]}"[:MAX_TEXT])])


def _explain(
    issues: Sequence[Issue], faults: Sequence[Any], schemas: Schemas, came: QueryParams
) -> InvalidRequestError:
    unknown = [fault["loc"][1] for fault in faults if fault["type"] == "extra_forbidden"]
    # An optional parameter is a union to pydantic, and each branch may complain.
    known = (_issue(fault, schemas, came) for fault in faults if fault["type"] != "extra_forbidden")
    issues = [*issues, *dict.fromkeys(known)]
    n_faults = len(issues) + len(unknown)
    no_such = f"no such parameter; known: {', '.join(schemas) or 'none'}"
    issues += [Issue(name[:MAX_NAME], no_such, came[name][:MAX_TEXT]) for name in unknown[:MAX_ISSUES]]
    close = difflib.get_close_matches(unknown[0][:MAX_NAME], schemas, n=1) if unknown else []
    return InvalidRequestError(issues, f"did you mean {close[0]}?" if close else None, n_faults=n_faults)


def _issue(fault: Any, schemas: Schemas, came: QueryParams) -> Issue:
    context = fault.get("ctx", {})
    if fault["type"] == "range":
        return Issue(context["parameter"], fault["msg"], came[context["parameter"]])
    _, name, *places = fault["loc"]
    if fault["type"] == "too_long":
        return Issue(name, f"given at most {context['max_length']} times", f"{context['actual_length']} times")
    if fault["type"] == "missing":
        return Issue(name, f"given at least once, {_in_words(schemas[name])}", None)
    # What came was text, whatever was made of it before a bound was checked.
    place = next((place for place in places if isinstance(place, int)), -1)
    return Issue(name, _in_words(schemas[name]), came.getlist(name)[place][:MAX_TEXT])


def _in_words(schema: Mapping[str, Any]) -> str:
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
