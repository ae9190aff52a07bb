"""What routes read from a request besides its path."""

from typing import Final, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from service.errors import BodyTooLargeError, InvalidRequestError, Issue, MediaTypeError
from service.loaded_model import LoadedModel
from service.query import NoParameters, Parameters
from service.query_string import parse_query
from service.readiness import Readiness

# The longest list that is read, written at length: 200 bytes an entry.
MAX_BODY_BYTES: Final = 4_000_000

P = TypeVar("P", bound=Parameters)


def query_of(request: Request, model: type[P]) -> P:
    """Read a request's query string.

    Parameters
    ----------
    request : Request
    model : type of Parameters

    Returns
    -------
    P

    Raises
    ------
    InvalidRequestError
        If it cannot be understood.
    """
    return parse_query(model, request.scope["query_string"])


def refuse_query(request: Request) -> None:
    """Refuse any query parameter.

    Parameters
    ----------
    request : Request

    Raises
    ------
    InvalidRequestError
        If there is one.
    """
    query_of(request, NoParameters)


async def body_of(request: Request) -> bytes:
    """Read a request's body.

    Parameters
    ----------
    request : Request

    Returns
    -------
    bytes
        What claims to be JSON.

    Raises
    ------
    MediaTypeError
        If it claims to be something else, or is compressed.
    BodyTooLargeError
        If it is too large; the rest is not waited for.
    InvalidRequestError
        If the client goes away in the midst of it.
    """
    media_type = request.headers.get("content-type")
    if media_type is None or media_type.partition(";")[0].strip().lower() != "application/json":
        raise MediaTypeError(media_type)
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise MediaTypeError(encoding)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise BodyTooLargeError(MAX_BODY_BYTES)
    except ClientDisconnect as error:
        raise InvalidRequestError([Issue("body", "all of it", f"{len(body)} bytes")]) from error
    return bytes(body)


def readiness_of(request: Request) -> Readiness:
    """Give the application's readiness.

    Parameters
    ----------
    request : Request

    Returns
    -------
    Readiness
    """
    readiness: Readiness = request.app.state.readiness
    return readiness


def model_of(request: Request) -> LoadedModel:
    """Give the model that answers.

    Parameters
    ----------
    request : Request

    Returns
    -------
    LoadedModel

    Raises
    ------
    NotReadyError, ModelRefusedError
        If there is none.
    """
    return readiness_of(request).model()
