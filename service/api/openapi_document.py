"""The OpenAPI document, with what FastAPI cannot know of itself."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from service.api.answers import Problem
from service.api.list_answers import ListBody

DESCRIPTION = """
Every list takes `limit` and `offset`; filters apply before a page is cut. Unknown query parameters are refused.
Every failure is an RFC 9457 problem (`application/problem+json`) with a stable `code`.
An answer to GET depends on its URL and on the model alone; with `If-None-Match` an unchanged one is an empty 304.
"""

REFERENCE = "#/components/schemas/{model}"

TAGS = [
    {"name": "anime", "description": "Similar anime, title search, cards"},
    {"name": "users", "description": "Users of the training data: similar users, recommendations"},
    {"name": "lists", "description": "The same for somebody the model never saw, by the list in the body"},
    {"name": "model", "description": "What the model is and how good it measured"},
    {"name": "health", "description": "Probes and metrics"},
]


def use_own_openapi(app: FastAPI) -> None:
    """Let an application's document hold what FastAPI cannot know: the schema of problems."""

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=DESCRIPTION.strip(),
        routes=app.routes,
        tags=TAGS,
    )
    schemas = document["components"]["schemas"]
    problem = Problem.model_json_schema(ref_template=REFERENCE)
    schemas.update(problem.pop("$defs"), Problem=problem)
    body = TypeAdapter(ListBody).json_schema(ref_template=REFERENCE)
    schemas.update(body.pop("$defs"), ListBody=body)
    return document
