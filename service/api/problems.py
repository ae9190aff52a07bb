"""Failures as HTTP: one table from error to status, RFC 9457 bodies for all that goes wrong, and their OpenAPI."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import quote

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from starlette.exceptions import HTTPException

from service.api.answers import Answer
from service.api.bodies import MAX_BODY_BYTES
from service.api.rendering import json_response
from service.api.user_ids import faults_of_user_id
from service.api.validation import explain
from service.recommending import errors

PROBLEM_JSON: Final = "application/problem+json"
# Characters of a path that are given back.
MAX_PATH: Final = 200


class ProblemIssue(Answer):
    """What is wrong with one parameter, or with one place of a body."""

    parameter: Annotated[str, Field(description="Its name, or a place like ratings[3].rating")]
    expected: str
    received: str | None


def _left_out(schema: dict[str, Any]) -> None:
    """Document that a field which is left out rather than null has no default: clients would count on one."""
    del schema["default"]


class Problem(Answer):
    """Any failure (RFC 9457)."""

    type: Annotated[
        str, Field(description="Names the kind of problem", examples=["urn:osusume:problem:unknown_anime"])
    ]
    title: Annotated[str, Field(description="The kind of problem in words", examples=["Unknown anime"])]
    status: Annotated[int, Field(ge=400, le=599, examples=[404])]
    detail: Annotated[str, Field(description="This problem", examples=["anime 99999999 is not in the model"])]
    instance: Annotated[str, Field(description="The path that was asked for", examples=["/anime/99999999/similar"])]
    code: Annotated[str, Field(description="Stable: programs may rely on it", examples=["unknown_anime"])]
    hint: Annotated[str | SkipJsonSchema[None], Field(description="What would help", json_schema_extra=_left_out)] = (
        None
    )
    errors: Annotated[
        list[ProblemIssue] | SkipJsonSchema[None],
        Field(
            description="For invalid requests: each fault, what was expected, what came", json_schema_extra=_left_out
        ),
    ] = None


class ProblemKind(NamedTuple):
    """How a kind of error looks over HTTP."""

    status: HTTPStatus
    title: str


KINDS: Final[dict[type[errors.ServiceError], ProblemKind]] = {
    errors.UnknownAnimeError: ProblemKind(HTTPStatus.NOT_FOUND, "Unknown anime"),
    errors.UnknownUserError: ProblemKind(HTTPStatus.NOT_FOUND, "Unknown user"),
    errors.InvalidRequestError: ProblemKind(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid request"),
    errors.StaleCursorError: ProblemKind(HTTPStatus.GONE, "Stale cursor"),
    errors.MediaTypeError: ProblemKind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Unsupported media type"),
    errors.UnreadableListError: ProblemKind(HTTPStatus.UNPROCESSABLE_ENTITY, "Unreadable list"),
    errors.BodyTooLargeError: ProblemKind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Body too large"),
    errors.BodyTimeoutError: ProblemKind(HTTPStatus.REQUEST_TIMEOUT, "Request timeout"),
    errors.BusyError: ProblemKind(HTTPStatus.SERVICE_UNAVAILABLE, "Busy"),
    errors.UnauthorizedError: ProblemKind(HTTPStatus.UNAUTHORIZED, "Unauthorized"),
    errors.ForbiddenError: ProblemKind(HTTPStatus.FORBIDDEN, "Forbidden"),
    errors.TooManyRequestsError: ProblemKind(HTTPStatus.TOO_MANY_REQUESTS, "Too many requests"),
    errors.NotReadyError: ProblemKind(HTTPStatus.SERVICE_UNAVAILABLE, "Not ready"),
    errors.ModelRefusedError: ProblemKind(HTTPStatus.SERVICE_UNAVAILABLE, "Model refused"),
}

EXAMPLES: Final[dict[type[errors.ServiceError], errors.ServiceError]] = {
    errors.UnknownAnimeError: errors.UnknownAnimeError(99999999),
    errors.UnknownUserError: errors.UnknownUserError(99999999, [0, 1, 2]),
    errors.InvalidRequestError: errors.InvalidRequestError(
        [errors.Issue("limit", "a whole number from 1 to 100", "0")]
    ),
    errors.StaleCursorError: errors.StaleCursorError("20261123T101500Z-autoencoder"),
    errors.MediaTypeError: errors.MediaTypeError("text/csv"),
    errors.UnreadableListError: errors.UnreadableListError(
        "this is a web page, not an exported list", "log in at the site, export the list there, and send that file"
    ),
    errors.BodyTimeoutError: errors.BodyTimeoutError(30),
    errors.BodyTooLargeError: errors.BodyTooLargeError(MAX_BODY_BYTES),
    errors.BusyError: errors.BusyError(),
    errors.UnauthorizedError: errors.UnauthorizedError(),
    errors.ForbiddenError: errors.ForbiddenError("lists"),
    errors.TooManyRequestsError: errors.TooManyRequestsError(1.0),
    errors.NotReadyError: errors.NotReadyError(),
}
#: What can go wrong with a posted list before it is looked at.
BODY_FAILURES: Final = (
    errors.MediaTypeError,
    errors.BodyTimeoutError,
    errors.BodyTooLargeError,
    errors.BusyError,
    errors.NotReadyError,
)
# Where the operator asks for keys, or bounds what a client may ask.
_GUARDS: Final = (errors.UnauthorizedError, errors.ForbiddenError, errors.TooManyRequestsError)

# Failures that no error class of ours stands for.
_OTHER_CODES: Final = {404: "unknown_path", 405: "method_not_allowed"}


def problem_response(error: errors.ServiceError, instance: str) -> Response:
    """Answer with one of the service's own errors; ``instance`` is the path that was asked for."""
    kind = KINDS[type(error)]
    issues = [asdict(issue) for issue in error.issues] if isinstance(error, errors.InvalidRequestError) else None
    extras = {"hint": error.hint, "errors": issues}
    response = _problem(kind.status, error.code, kind.title, error.detail, instance, **extras)
    if kind.status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["retry-after"] = "1"
    elif isinstance(error, errors.TooManyRequestsError):
        response.headers["retry-after"] = str(error.retry_after_s)
    elif kind.status is HTTPStatus.UNAUTHORIZED:
        response.headers["www-authenticate"] = "Bearer"
    elif kind.status is HTTPStatus.REQUEST_TIMEOUT:
        # The rest of the body may still come, and is not waited for.
        response.headers["connection"] = "close"
    return response


def internal_error_response(instance: str) -> Response:
    """Answer to an unforeseen error. What it was stands in the log only."""
    detail = "something went wrong on this side; the log has it under this answer's x-request-id"
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "Internal error", detail, instance)


def responses(
    *failures: type[errors.ServiceError], cacheable: bool = True, is_open: bool = False
) -> dict[int | str, dict[str, Any]]:
    """Describe to FastAPI what a route answers besides a success.

    Every route can have invalid requests and internal errors besides ``failures``. ``cacheable`` if a success depends
    on the URL and the model alone; ``is_open`` if it needs no key.
    """
    described: dict[int | str, dict[str, Any]] = {}
    if cacheable:
        described[304] = {"description": "Unchanged since the If-None-Match given"}
    kinds: list[type[errors.ServiceError]] = [*failures, errors.InvalidRequestError, *(() if is_open else _GUARDS)]
    for status in sorted({KINDS[kind].status for kind in kinds}):
        alike = [kind for kind in kinds if KINDS[kind].status is status]
        titles = " or ".join(KINDS[kind].title for kind in alike)
        examples = {kind.code: problem_response(EXAMPLES[kind], "/...") for kind in alike}
        described[status.value] = _described(titles, examples)
    described[500] = _described("Internal error", {"internal_error": internal_error_response("/...")})
    return described


def _described(titles: str, examples: dict[str, Response]) -> dict[str, Any]:
    content = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "examples": {code: {"value": orjson.loads(response.body)} for code, response in examples.items()},
    }
    return {"description": titles, "content": {PROBLEM_JSON: content}}


def add_problem_handlers(app: FastAPI) -> None:
    """Let every failure of an application be answered with a problem."""
    app.add_exception_handler(errors.ServiceError, _on_service_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_service_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, errors.ServiceError):
        raise error
    return problem_response(error, request.scope["path"])


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return problem_response(explain(error.errors(), request, faults_of_user_id(request)), request.scope["path"])


async def _on_http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    code = _OTHER_CODES.get(status, f"http_{status.value}")
    hint = "GET /openapi.json lists what this service answers" if status in _OTHER_CODES else None
    path = request.scope["path"]
    detail = {
        404: f"there is nothing at {path[:MAX_PATH]}",
        405: f"{request.method[: errors.MAX_NAME]} is not possible here",
    }.get(status, str(error.detail))
    response = _problem(status, code, status.phrase.capitalize(), detail, path, hint=hint)
    # 405 comes with the methods that are allowed.
    response.headers.update(error.headers or {})
    return response


def _problem(status: HTTPStatus, code: str, title: str, detail: str, instance: str, **extras: object) -> Response:
    content: dict[str, object] = {
        "type": f"urn:osusume:problem:{code}",
        "title": title,
        "status": status.value,
        "detail": detail,
        # A URI reference: the path as it came was decoded.
        "instance": quote(instance[:MAX_PATH], safe="/:@!$&'()*+,;=~"),
        "code": code,
    }
    content.update({name: value for name, value in extras.items() if value is not None})
    return json_response(content, status=status.value, media_type=PROBLEM_JSON)
