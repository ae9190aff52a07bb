"""The OpenAPI document, with the schemas that FastAPI cannot know of."""

from typing import Any, Final

from fastapi import FastAPI
from pydantic import TypeAdapter

from service.api.body_schemas import GroupBody, ListBody, PairBody
from service.api.problems import Problem

DESCRIPTION: Final = """\
Every list takes `limit` and `offset`; filters apply before a page is cut. Unknown query parameters are refused.
Every failure is an RFC 9457 problem (`application/problem+json`) with a stable `code`.
An answer to GET depends on its URL and on the model alone; with `If-None-Match` an unchanged one is an empty 304."""

TAGS: Final = [
    {"name": "anime", "description": "Similar anime, title search, cards"},
    {"name": "users", "description": "Users of the training data: similar users, recommendations"},
    {"name": "lists", "description": "The same for somebody the model never saw, by the list in the body"},
    {"name": "model", "description": "What the model is and how good it measured"},
    {"name": "health", "description": "Probes and metrics"},
]


def add_schemas(app: FastAPI) -> None:
    """Add the schemas of problems, which are no plain JSON to FastAPI, and of bodies, which it does not read."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            schemas = make()["components"]["schemas"]
            for model in (Problem, ListBody, GroupBody, PairBody):
                schema = TypeAdapter(model).json_schema(ref_template="#/components/schemas/{model}")
                schemas.update(schema.pop("$defs"), **{model.__name__: schema})
        return make()

    app.openapi = openapi  # type: ignore[method-assign]
