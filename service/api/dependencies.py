"""What routes read from a request besides its path."""

from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from fastapi import Request

from service.api.bodies import Bodies
from service.api.params import NoParameters, Parameters
from service.api.query_string import parse_query
from service.recommending.model import LoadedModel
from service.recommending.readiness import Readiness

P = TypeVar("P", bound=Parameters)


def query_of(request: Request, model: type[P]) -> P:
    """Read a request's query string.

    Raises
    ------
    InvalidRequestError
        If it cannot be understood.
    """
    return parse_query(model, request.scope["query_string"])


def refuse_query(request: Request) -> None:
    """Refuse any query parameter.

    Raises
    ------
    InvalidRequestError
        If there is one.
    """
    query_of(request, NoParameters)


def body_of(request: Request) -> AbstractAsyncContextManager[bytearray]:
    """Read a request's body, and hold it until it is answered.

    Returns
    -------
    context manager of bytearray
        See :meth:`Bodies.read`.
    """
    bodies: Bodies = request.app.state.bodies
    return bodies.read(request)


def readiness_of(request: Request) -> Readiness:
    """Give the application's readiness."""
    readiness: Readiness = request.app.state.readiness
    return readiness


def model_of(request: Request) -> LoadedModel:
    """Give the model that answers.

    Raises
    ------
    NotReadyError, ModelRefusedError
        If there is none.
    """
    return readiness_of(request).model()
