"""The route that reads people's lists, whatever site they come from."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from service.api.import_answers import ImportAnswer
from service.api.params import NO_QUERY, CheckedRoute, Model
from service.api.problems import responses
from service.api.rendering import json_response
from service.api.threads import run_in_import_thread
from service.api.uploads import FIELD, Uploads, file_of
from service.importing.imports import import_list
from service.importing.matching import ImportedList, Rating
from service.recommending.errors import (
    BodyTimeoutError,
    BodyTooLargeError,
    BusyError,
    MediaTypeError,
    NotReadyError,
    UnreadableListError,
)
from service.recommending.model import LoadedModel

router = APIRouter(tags=["lists"], route_class=CheckedRoute)

_RESPONSES: Final = responses(
    MediaTypeError,
    BodyTimeoutError,
    BodyTooLargeError,
    BusyError,
    NotReadyError,
    UnreadableListError,
    cacheable=False,
)
_FILE: Final = {"type": "string", "format": "binary"}
_FORM: Final = {"type": "object", "required": [FIELD], "properties": {FIELD: _FILE}}
# A plain body of any type will do as well; generators of clients make nothing that runs of two ways to send a file.
_BODY: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}
}


@router.post(
    "/import",
    operation_id="importList",
    response_model=ImportAnswer,
    responses=_RESPONSES,
    openapi_extra=_BODY,
    dependencies=[NO_QUERY],
)
async def import_a_list(model: Model, uploads: Uploads, request: Request) -> Response:
    """Read an export of any list site, a table, or titles line by line, into what POST /recommendations takes."""
    async with uploads.read(request) as body:
        return await run_in_import_thread(request, _import, model, body, request.headers.get("content-type", ""))


def _import(model: LoadedModel, body: bytearray, content_type: str) -> Response:
    imported = import_list(file_of(body, content_type), model)
    response = json_response({"model_version": model.version} | _written(imported))
    response.headers["cache-control"] = "no-store"
    return response


def _written(imported: ImportedList) -> dict[str, Any]:
    return {
        "format": imported.format,
        "ratings": [
            {"anime_id": one.anime_id, "rating": one.rating, "status": one.status} for one in imported.ratings
        ],
        "matched": [
            {
                "place": one.place,
                "typed": one.typed,
                "anime_id": one.anime_id,
                "title": one.title,
                "relevance": _rounded(one),
            }
            for one in imported.ratings
        ],
        "unmatched": imported.unmatched,
        "uncertain": [
            {
                "place": one.place,
                "title": one.typed,
                "suggestion": {"anime_id": one.anime_id, "title": one.title},
                "relevance": _rounded(one),
                "rating": one.rating,
                "status": one.status,
            }
            for one in imported.uncertain
        ],
        "notes": imported.notes,
    }


def _rounded(one: Rating) -> float | None:
    return None if one.relevance is None else round(one.relevance, 6)
