"""The OpenAPI document, with the schemas that FastAPI cannot know of."""

from typing import Any, Final

from fastapi import FastAPI
from pydantic import TypeAdapter

from service.api.body_schemas import GroupBody, ListBody, PairBody
from service.api.problems import Problem

DESCRIPTION: Final = """\
Every list takes `limit` and `offset`; filters apply before a page is cut. Unknown query parameters are refused.
Every failure is an RFC 9457 problem (`application/problem+json`) with a stable `code`.
An answer to GET depends on its URL and on the model alone; with `If-None-Match` an unchanged one is an empty 304.
The links of an answer lead to what can be asked next with what stands in it."""

TAGS: Final = [
    {"name": "anime", "description": "Similar anime, title search, cards"},
    {"name": "users", "description": "Users of the training data: similar users, recommendations"},
    {"name": "lists", "description": "The same for somebody the model never saw, by the list in the body"},
    {"name": "model", "description": "What the model is and how good it measured"},
    {"name": "health", "description": "Probes and metrics"},
]

# What can be asked about a row of an answer.
_ABOUT: Final = {"anime_id": ("getAnime", "similarAnime"), "user_id": ("similarUsers", "recommend")}
_IMPORTED: Final = {"ratings": "$response.body#/ratings"}
_TWICE: Final = {"lists": [_IMPORTED, _IMPORTED]}
_TAKE_LISTS: Final[dict[str, dict[str, Any]]] = {
    "recommendToList": _IMPORTED,
    "similarUsersToList": _IMPORTED,
    "recommendToGroup": _TWICE,
    "compareLists": _TWICE,
}


def add_schemas(app: FastAPI) -> None:
    """Add links, and the schemas of problems, which are no plain JSON to FastAPI, and of bodies it does not read."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            schemas = make()["components"]["schemas"]
            for model in (Problem, ListBody, GroupBody, PairBody):
                schema = TypeAdapter(model).json_schema(ref_template="#/components/schemas/{model}")
                schemas.update(schema.pop("$defs"), **{model.__name__: schema})
            for operation in (one for methods in make()["paths"].values() for one in methods.values()):
                if links := _links(operation):
                    operation["responses"]["200"]["links"] = links
        return make()

    app.openapi = openapi  # type: ignore[method-assign]


def _links(operation: dict[str, Any]) -> dict[str, Any]:
    own = operation["operationId"]
    if own == "importList":
        how = "Ask with the imported list"
        return {to: {"operationId": to, "requestBody": body, "description": how} for to, body in _TAKE_LISTS.items()}
    names = {one["name"]: one["in"] for one in operation.get("parameters", ())}
    if "cursor" not in names:
        return {}
    what, how = "user_id" if own.startswith("similarUsers") else "anime_id", "Ask about a row, the first for instance"
    of_row = {what: f"$response.body#/data/0/{what}"}
    links = {to: {"operationId": to, "parameters": of_row, "description": how} for to in _ABOUT[what]}
    same = {name: f"$request.path.{name}" for name, place in names.items() if place == "path"}
    links["nextPage"] = {
        "operationId": own,
        "parameters": same | {"cursor": "$response.body#/pagination/next_cursor"},
        **({"requestBody": "$request.body"} if "requestBody" in operation else {}),
        "description": "Ask for the next page with the same other parameters, as long as there is one",
    }
    return links
