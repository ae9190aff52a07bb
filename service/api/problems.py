"""Failures as HTTP: one table from error to status, and RFC 9457 bodies for everything that goes wrong."""

from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from service.api.rendering import json_response
from service.recommending import errors

PROBLEM_JSON: Final = "application/problem+json"
# Characters of a path that are given back.
MAX_PATH: Final = 200


@dataclass(frozen=True)
class ProblemKind:
    """How a kind of error looks over HTTP.

    Attributes
    ----------
    status : HTTPStatus
    title : str
    """

    status: HTTPStatus
    title: str


KINDS: Final[dict[type[errors.ServiceError], ProblemKind]] = {
    errors.UnknownAnimeError: ProblemKind(HTTPStatus.NOT_FOUND, "Unknown anime"),
    errors.UnknownUserError: ProblemKind(HTTPStatus.NOT_FOUND, "Unknown user"),
    errors.InvalidRequestError: ProblemKind(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid request"),
    errors.MediaTypeError: ProblemKind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Unsupported media type"),
    errors.BodyTooLargeError: ProblemKind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Body too large"),
    errors.BodyTimeoutError: ProblemKind(HTTPStatus.REQUEST_TIMEOUT, "Request timeout"),
    errors.BusyError: ProblemKind(HTTPStatus.SERVICE_UNAVAILABLE, "Busy"),
    errors.NotReadyError: ProblemKind(HTTPStatus.SERVICE_UNAVAILABLE, "Not ready"),
    errors.ModelRefusedError: ProblemKind(HTTPStatus.SERVICE_UNAVAILABLE, "Model refused"),
}

# Failures that no error class of ours stands for.
_OTHER_CODES: Final = {404: "unknown_path", 405: "method_not_allowed"}


def problem_response(error: errors.ServiceError, instance: str) -> Response:
    """Answer with one of the service's own errors.

    Parameters
    ----------
    error : ServiceError
    instance : str
        The path that was asked for.
    """
    kind = KINDS[type(error)]
    response = _problem(kind.status, error.code, kind.title, error.detail, instance, **_extras(error))
    if kind.status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["retry-after"] = "1"
    elif kind.status is HTTPStatus.REQUEST_TIMEOUT:
        # The rest of the body may still come, and nobody waits for it.
        response.headers["connection"] = "close"
    return response


def internal_error_response(instance: str) -> Response:
    """Answer when something broke that nobody foresaw. Says nothing of what it was: that stands in the log."""
    detail = "something went wrong on this side; the log has it under this answer's x-request-id"
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "Internal error", detail, instance)


def add_problem_handlers(app: FastAPI) -> None:
    """Let every failure of an application be answered with a problem."""
    app.add_exception_handler(errors.ServiceError, _on_service_error)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_service_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, errors.ServiceError):
        raise error
    return problem_response(error, request.url.path)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    code = _OTHER_CODES.get(status, f"http_{status.value}")
    hint = "GET /openapi.json lists what this service answers" if status in _OTHER_CODES else None
    detail = {
        404: f"there is nothing at {request.url.path[:MAX_PATH]}",
        405: f"{request.method[: errors.MAX_NAME]} is not possible here",
    }.get(status, str(error.detail))
    response = _problem(status, code, status.phrase.capitalize(), detail, request.url.path, hint=hint)
    # 405 comes with the methods that are allowed.
    response.headers.update(error.headers or {})
    return response


def _extras(error: errors.ServiceError) -> dict[str, Any]:
    issues = [asdict(issue) for issue in error.issues] if isinstance(error, errors.InvalidRequestError) else None
    return {"hint": error.hint, "errors": issues}


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
