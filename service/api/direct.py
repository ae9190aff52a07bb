"""Routes that FastAPI documents and that read their ids themselves."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute

from service.api.params import INT64_MAX
from service.recommending.errors import MAX_TEXT, InvalidRequestError, Issue

MAX_DIGITS: Final = len(str(INT64_MAX))


class DirectRoute(APIRoute):
    """A route whose function takes the request, the ids of its path, and nothing else.

    FastAPI looks for dependencies, queries, headers, cookies and bodies at every request, which takes longer than
    most answers here; what it has no dependencies to find, this leaves out. Its signature documents the function
    as ever.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Make what answers a request."""
        answer = self.endpoint

        async def handle(request: Request) -> Response:
            ids = {name: read_id(name, text) for name, text in request.path_params.items()}
            response: Response = await answer(request=request, **ids)
            return response

        return handle


def read_id(name: str, text: str) -> int:
    """Read an id of a path.

    Parameters
    ----------
    name : str
        What it is called in messages.
    text : str

    Returns
    -------
    int
        In [0, 2**63).

    Raises
    ------
    InvalidRequestError
        If it is anything else than digits, or too large.
    """
    if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and (identity := int(text)) <= INT64_MAX:
        return identity
    raise InvalidRequestError([Issue(name, f"a whole number from 0 to {INT64_MAX}", text[:MAX_TEXT])])
