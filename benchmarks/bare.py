"""The bar to be measured against: FastAPI's idiomatic routes at the service's paths, which all give the same bytes.

They parse what the service's routes parse (path, query model, posted list) and depend on what was loaded, as the
service's depend on its model. ``python -m benchmarks.bare FILE PORT``.
"""

import sys
from pathlib import Path
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, Query, Request, Response
from pydantic import BaseModel

from service.api.params import Id, RecommendationsQuery, SimilarAnimeQuery, SimilarUsersQuery


class Entry(BaseModel):
    """An anime on a list."""

    anime_id: int
    rating: int | None = None


class PostedList(BaseModel):
    """A list."""

    ratings: list[Entry]


async def get_answer(request: Request) -> bytes:
    """Give what everybody is answered."""
    answer: bytes = request.app.state.answer
    return answer


Answer = Annotated[bytes, Depends(get_answer)]
app = FastAPI()


def _respond(answer: bytes) -> Response:
    return Response(answer, media_type="application/json")


@app.get("/anime/{anime_id}/similar")
async def similar_anime(anime_id: Id, query: Annotated[SimilarAnimeQuery, Query()], answer: Answer) -> Response:
    """Answer."""
    return _respond(answer)


@app.get("/users/{user_id}/similar")
async def similar_users(user_id: Id, query: Annotated[SimilarUsersQuery, Query()], answer: Answer) -> Response:
    """Answer."""
    return _respond(answer)


@app.get("/users/{user_id}/recommendations")
async def recommend(user_id: Id, query: Annotated[RecommendationsQuery, Query()], answer: Answer) -> Response:
    """Answer."""
    return _respond(answer)


@app.post("/recommendations")
async def recommend_for_list(
    body: PostedList, query: Annotated[RecommendationsQuery, Query()], answer: Answer
) -> Response:
    """Answer."""
    return _respond(answer)


if __name__ == "__main__":
    app.state.answer = Path(sys.argv[1]).read_bytes()
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), access_log=False, log_level="error")
