"""Routes that begin with an anime."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from models.scoring.ranking import RankedPage
from service.api.answers import AnimeAnswer, SimilarAnimeAnswer, TitlesAnswer
from service.api.group_answers import SimilarToSeveralAnswer
from service.api.group_params import SimilarToSeveralQuery
from service.api.group_rendering import similar_to_several_response
from service.api.params import MAX_QUERY_LENGTH, NO_QUERY, AnimeId, AnimeQuery, CheckedRoute, Model, SimilarAnimeQuery
from service.api.problems import responses
from service.api.rendering import anime_response, similar_anime_response, titles_response
from service.api.threads import run_in_cpu_thread, run_in_search_thread
from service.recommending.errors import NotReadyError, StaleCursorError, UnknownAnimeError
from service.recommending.model import LoadedModel
from service.recommending.titles import find_titles

router = APIRouter(tags=["anime"], route_class=CheckedRoute)


class TitlesQuery(AnimeQuery):
    """Query of GET /anime."""

    query: Annotated[
        str,
        Field(
            max_length=MAX_QUERY_LENGTH,
            description="Words of a title: English, romaji or Japanese. Without it: every anime, most popular first",
        ),
    ] = ""


# The most asked for stands first: routes are tried in order.
@router.get(
    "/anime/{anime_id}/similar",
    operation_id="similarAnime",
    response_model=SimilarAnimeAnswer,
    responses=responses(UnknownAnimeError, StaleCursorError, NotReadyError),
)
async def similar_anime(anime_id: AnimeId, query: Annotated[SimilarAnimeQuery, Query()], model: Model) -> Response:
    """List the anime that are most (or least) similar to this one, which is never among them."""
    asked = query.request()
    row = model.catalogue.row_of(anime_id)
    # Reading a page takes microseconds, scanning all anime for one half a millisecond: less than the way to a thread
    # and back, on which a request waits for the event loop to let go of the interpreter.
    return similar_anime_response(
        model, row, model.similar_anime.method_of(row, asked), model.similar_anime.page(row, asked)
    )


@router.get(
    "/anime/similar",
    operation_id="similarToSeveral",
    response_model=SimilarToSeveralAnswer,
    responses=responses(UnknownAnimeError, StaleCursorError, NotReadyError),
)
async def similar_to_several(
    query: Annotated[SimilarToSeveralQuery, Query()], model: Model, request: Request
) -> Response:
    """List the anime that are most similar to those given as `like`, and neither these nor like those of `unlike`."""
    return await run_in_cpu_thread(request, _similar_to_several, model, query)


@router.get(
    "/anime",
    operation_id="findAnime",
    response_model=TitlesAnswer,
    responses=responses(StaleCursorError, NotReadyError),
)
async def find_anime(query: Annotated[TitlesQuery, Query()], model: Model, request: Request) -> Response:
    """Find anime by title: English, romaji or Japanese, typos forgiven. Without a query: the most popular."""
    allowed = model.catalogue.allowed_everywhere(query.filters()).mask

    def search() -> RankedPage:
        # The first request makes the index, in this thread too.
        if query.query.strip():
            return find_titles(model.title_search, model.catalogue, query.query, allowed, query.offset, query.limit)
        return model.title_search.most_popular(allowed, query.offset, query.limit)

    return titles_response(model, await run_in_search_thread(request, search))


@router.get(
    "/anime/{anime_id}",
    operation_id="getAnime",
    response_model=AnimeAnswer,
    responses=responses(UnknownAnimeError, NotReadyError),
    dependencies=[NO_QUERY],
)
async def get_anime(anime_id: AnimeId, model: Model) -> Response:
    """Show one anime."""
    return anime_response(model, model.catalogue.row_of(anime_id))


def _similar_to_several(model: LoadedModel, query: SimilarToSeveralQuery) -> Response:
    liked, unliked = (
        [model.catalogue.row_of(one) for one in dict.fromkeys(ids)] for ids in (query.like, query.unlike)
    )
    asked = query.request()
    page = model.similar_anime.page_of_several(liked, unliked, asked)
    method = model.similar_anime.method_of_several([*liked, *unliked], asked)
    return similar_to_several_response(model, liked, unliked, method, page)
