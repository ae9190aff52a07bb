"""What the service is measured against: idiomatic FastAPI routes at its paths, which all answer with the same bytes.

They validate what the service's routes validate (path, query model, posted list) and depend on what was loaded, as
the service's routes depend on the model. ``python -m benchmarks.bare FILE PORT``.
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


async def get_answer(request: Request) -> Response:
    """Return the loaded bytes as an answer."""
    return Response(request.app.state.answer, media_type="application/json")


app = FastAPI()
Answer = Annotated[Response, Depends(get_answer)]
Recommendations = Annotated[RecommendationsQuery, Query()]


@app.get("/anime/{anime_id}/similar")
async def similar_anime(anime_id: Id, query: Annotated[SimilarAnimeQuery, Query()], answer: Answer) -> Response:
    """Answer."""
    return answer


@app.get("/users/{user_id}/similar")
async def similar_users(user_id: Id, query: Annotated[SimilarUsersQuery, Query()], answer: Answer) -> Response:
    """Answer."""
    return answer


@app.get("/users/{user_id}/recommendations")
async def recommend(user_id: Id, query: Recommendations, answer: Answer) -> Response:
    """Answer."""
    return answer


@app.post("/recommendations")
async def recommend_for_list(body: PostedList, query: Recommendations, answer: Answer) -> Response:
    """Answer."""
    return answer


if __name__ == "__main__":
    app.state.answer = Path(sys.argv[1]).read_bytes()
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), access_log=False, log_level="error")
