"""The map of all anime, for a page to draw."""

from typing import Annotated

import numpy as np
import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from service.api.answers import Answer, ModelVersion
from service.api.params import CheckedRoute, Model, Parameters, Truth
from service.api.problems import responses
from service.api.rendering import model_response
from service.api.threads import run_in_search_thread
from service.recommending.errors import NotReadyError
from service.recommending.model import LoadedModel
from service.recommending.requests import Filters

router = APIRouter(tags=["anime"], route_class=CheckedRoute)


class MapQuery(Parameters):
    """Query of GET /anime/map."""

    include_adult: Annotated[Truth, Field(description="Whether adult anime may appear")] = False


class MapAnswer(Answer):
    """Answer of GET /anime/map: columns of equal length, the most popular anime first; empty if there is no map."""

    model_version: ModelVersion
    genre_names: list[str]
    anime_ids: list[int]
    names: list[str]
    x: Annotated[list[float], Field(description="0 to 1. Similar anime lie side by side; the axes mean nothing")]
    y: Annotated[list[float], Field(description="0 to 1")]
    genres: Annotated[list[list[int]], Field(description="Of each anime, its genres as places in genre_names")]


@router.get("/anime/map", operation_id="getMap", response_model=MapAnswer, responses=responses(NotReadyError))
async def get_map(query: Annotated[MapQuery, Query()], model: Model, request: Request) -> Response:
    """Place all anime in the plane, similar ones side by side."""
    return await run_in_search_thread(request, _draw, model, query)


def _draw(model: LoadedModel, query: MapQuery) -> Response:
    bundle, catalogue = model.bundle, model.catalogue
    positions = np.concatenate([bundle.map_positions, bundle.new_map_positions])
    rows: list[int] = []
    if positions.shape[1]:
        allowed = catalogue.allowed_everywhere(Filters(include_adult=query.include_adult)).mask
        rows = model.title_search.most_popular(allowed, 0, len(allowed)).rows
    has_genre = np.concatenate([bundle.anime_genres, bundle.new_anime_genres])[rows]
    n_genres = np.count_nonzero(has_genre, axis=1)
    x, y = np.round(positions[rows].T.astype(np.float64), 4).tolist() if rows else ([], [])
    columns = {
        "model_version": model.version,
        "genre_names": catalogue.genre_names,
        "anime_ids": bundle.catalogue_ids[rows].tolist(),
        "names": [catalogue.titles[row][0] for row in rows],
        "x": x,
        "y": y,
        "genres": [part.tolist() for part in np.split(np.nonzero(has_genre)[1], np.cumsum(n_genres)[:-1])]
        if rows
        else [],
    }
    return model_response(model, orjson.dumps(columns))
