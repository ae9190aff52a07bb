"""What every route says of itself in OpenAPI: its query parameters, its failures, its answer."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import Path
from pydantic import BaseModel

from service.api.bodies import MAX_BODY_BYTES
from service.api.params import DIGITS, INT64_MAX, NoParameters, Parameters
from service.api.problems import KINDS, PROBLEM_JSON
from service.api.query_string import describe_parameters
from service.api.rendering import JSON
from service.recommending import errors

AnimeId = Annotated[int, Path(ge=0, le=INT64_MAX, description="MyAnimeList id of an anime", examples=[1]), DIGITS]
UserId = Annotated[int, Path(ge=0, le=INT64_MAX, description="User id of the training data", examples=[0]), DIGITS]

_INTERNAL: Final = {
    "type": "urn:osusume:problem:internal_error",
    "title": "Internal error",
    "status": 500,
    "detail": "something went wrong on this side; the log has it under this answer's x-request-id",
    "instance": "/anime/1/similar",
    "code": "internal_error",
}
_EXAMPLES: Final[dict[type[errors.ServiceError], errors.ServiceError]] = {
    errors.UnknownAnimeError: errors.UnknownAnimeError(99999999),
    errors.UnknownUserError: errors.UnknownUserError(99999999, [0, 1, 2]),
    errors.InvalidRequestError: errors.InvalidRequestError(
        [errors.Issue("limit", "a whole number from 1 to 100", "0")]
    ),
    errors.MediaTypeError: errors.MediaTypeError("text/csv"),
    errors.BodyTimeoutError: errors.BodyTimeoutError(30),
    errors.BodyTooLargeError: errors.BodyTooLargeError(MAX_BODY_BYTES),
    errors.BusyError: errors.BusyError(),
    errors.NotReadyError: errors.NotReadyError(),
}


def documented(
    answer: type[BaseModel],
    operation_id: str,
    *failures: type[errors.ServiceError],
    query: type[Parameters] = NoParameters,
    body: type[Any] | None = None,
) -> dict[str, Any]:
    """Describe a route to FastAPI.

    Parameters
    ----------
    answer : type of BaseModel
        The body of a success. Routes return bytes, so this documents and does not validate.
    operation_id : str
        Stable: clients are generated from it.
    *failures : type of ServiceError
        What can go wrong besides an invalid request and the unforeseen.
    query : type of Parameters, optional
        The query parameters.
    body : type, optional
        The TypedDict that a request's body is; routes without one are safe, and their answers can be kept.

    Returns
    -------
    dict
        Arguments for the decorator of a route.
    """
    kinds = [*failures, errors.InvalidRequestError]
    responses: dict[int | str, dict[str, Any]] = {}
    extra: dict[str, Any] = {"parameters": describe_parameters(query)}
    if body is None:
        responses[304] = {"description": "Unchanged since the If-None-Match given"}
    else:
        extra["requestBody"] = {"required": True, "content": {JSON: {"schema": {"$ref": reference_to(body)}}}}
    for status in sorted({KINDS[kind].status for kind in kinds}):
        responses[status.value] = _failure([kind for kind in kinds if KINDS[kind].status is status])
    responses[500] = _problem_content("Internal error", {"internal_error": {"value": _INTERNAL}})
    return {
        "response_model": answer,
        "operation_id": operation_id,
        "responses": responses,
        "openapi_extra": extra,
    }


def reference_to(body: type[Any]) -> str:
    """Say where the OpenAPI document has the schema of a body."""
    return f"#/components/schemas/{body.__name__}"


def _failure(kinds: Sequence[type[errors.ServiceError]]) -> dict[str, Any]:
    titles = " or ".join(KINDS[kind].title for kind in kinds)
    return _problem_content(titles, {kind.code: {"value": _example(_EXAMPLES[kind])} for kind in kinds})


def _problem_content(description: str, examples: dict[str, Any]) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {PROBLEM_JSON: {"schema": schema, "examples": examples}}}


def _example(error: errors.ServiceError) -> dict[str, Any]:
    kind = KINDS[type(error)]
    example: dict[str, Any] = {
        "type": f"urn:osusume:problem:{error.code}",
        "title": kind.title,
        "status": kind.status.value,
        "detail": error.detail,
        "instance": "/...",
        "code": error.code,
    }
    if error.hint:
        example["hint"] = error.hint
    if isinstance(error, errors.InvalidRequestError):
        example["errors"] = [vars(issue) for issue in error.issues]
    return example
