"""What routes depend on: the model, the bodies that are held, and checks of the query string."""

from typing import Annotated

from fastapi import Depends, Query, Request

from service.api.bodies import Bodies
from service.api.params import NoParameters
from service.api.validation import refuse_repeats
from service.recommending.model import LoadedModel
from service.recommending.readiness import Readiness

# All of them async: FastAPI calls others in a thread, on which a request waits longer than on most answers.


async def get_readiness(request: Request) -> Readiness:
    """Give the application's readiness."""
    readiness: Readiness = request.app.state.readiness
    return readiness


async def get_model(request: Request) -> LoadedModel:
    """Give the model that answers.

    Raises
    ------
    NotReadyError, ModelRefusedError
        If there is none.
    """
    return (await get_readiness(request)).model()


async def get_bodies(request: Request) -> Bodies:
    """Give the application's reader of bodies."""
    bodies: Bodies = request.app.state.bodies
    return bodies


async def check_query_string(request: Request) -> None:
    """Refuse what FastAPI lets pass: of a parameter that may come once it takes the last.

    Raises
    ------
    InvalidRequestError
        If one comes twice, or there are more than any route can have.
    """
    if b"&" in request.scope["query_string"]:
        refuse_repeats(request)


async def take_no_query(query: Annotated[NoParameters, Query()]) -> None:
    """Refuse any query parameter."""
    del query


Ready = Annotated[Readiness, Depends(get_readiness)]
Model = Annotated[LoadedModel, Depends(get_model)]
HeldBodies = Annotated[Bodies, Depends(get_bodies)]
NO_QUERY = Depends(take_no_query)
