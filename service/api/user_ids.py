"""User ids over HTTP: whole numbers, or texts, which in a path may hold anything, percent-encoded.

Which of the two is a matter of the dump, and so of the model: all users have the same.
"""

import re
from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Request
from pydantic import TypeAdapter, WithJsonSchema
from starlette.convertors import PathConvertor, register_url_convertor

from models.bundle import layout
from models.bundle.reader import Bundle
from service.api.answers import UserId
from service.api.params import INT64_MAX, model_of
from service.recommending.errors import MAX_TEXT, InvalidRequestError, Issue, ModelRefusedError, NotReadyError

# FastAPI gives the text that came, whatever the schema says: only a model can tell what it means.
PathUserId = Annotated[
    str,
    Path(description="User id of the training data. Encode what is special in a path, a slash as %2F"),
    WithJsonSchema(TypeAdapter(UserId).json_schema() | {"examples": [0]}),
]


class _AnyText(PathConvertor):
    # Servers decode a path before it is matched. A route that goes on behind such an id is matched from the end of
    # the path, so an id may hold slashes, and what looks like the rest of the route.
    regex = "(?s:.+)"


register_url_convertor("any_text", _AnyText())


def read_user_id(bundle: Bundle, text: str) -> layout.UserId:
    """Read a user id as those of a bundle are: a whole number, or the text as it stands.

    Raises
    ------
    InvalidRequestError
        If nobody can have it.
    """
    if bundle.has_text_user_ids:
        if 0 < len(text) <= layout.MAX_USER_ID_LENGTH:
            return text
        expected = f"text of at most {layout.MAX_USER_ID_LENGTH} characters"
    else:
        number = int(text) if re.fullmatch(r"-?[0-9]{1,19}", text) else -1
        if 0 <= number <= INT64_MAX:
            return number
        expected = f"a whole number from 0 to {INT64_MAX}"
    raise InvalidRequestError([Issue("user_id", expected, text[:MAX_TEXT])])


def faults_of_user_id(request: Request) -> Sequence[Issue]:
    """Find what is wrong with the user id of a path, if it has one."""
    text = request.path_params.get("user_id")
    if text is not None:
        try:
            read_user_id(model_of(request).bundle, text)
        except InvalidRequestError as error:
            return error.issues
        except (NotReadyError, ModelRefusedError):
            pass
    return ()
