"""Routes that begin with an anime."""

from fastapi import APIRouter, Request, Response

from service.api.answers import AnimeAnswer, SimilarAnimeAnswer, TitlesAnswer
from service.api.dependencies import model_of, query_of, refuse_query
from service.api.direct import DirectRoute
from service.api.documented import AnimeId, documented
from service.api.params import SimilarAnimeQuery, TitlesQuery
from service.api.rendering import anime_response, similar_anime_response, titles_response
from service.api.threads import run_in_search_thread
from service.recommending.errors import NotReadyError, UnknownAnimeError

router = APIRouter(tags=["anime"], route_class=DirectRoute)


# The most asked for stands first: routes are tried in order.
@router.get(
    "/anime/{anime_id}/similar",
    **documented(SimilarAnimeAnswer, "similarAnime", UnknownAnimeError, NotReadyError, query=SimilarAnimeQuery),
)
async def similar_anime(anime_id: AnimeId, request: Request) -> Response:
    """List the anime that are most (or least) similar to this one, which is never among them."""
    model = model_of(request)
    asked = query_of(request, SimilarAnimeQuery).request()
    row = model.catalogue.row_of(anime_id)
    # Reading a page takes microseconds, scanning all anime for one half a millisecond: less than the way to a thread
    # and back, on which a request waits for the event loop to let go of the interpreter.
    return similar_anime_response(
        model, row, model.similar_anime.method_of(asked), model.similar_anime.page(row, asked)
    )


@router.get("/anime", **documented(TitlesAnswer, "findAnime", NotReadyError, query=TitlesQuery))
async def find_anime(request: Request) -> Response:
    """Find anime by title: English, romaji or Japanese, typos forgiven. Without a query: the most popular."""
    model = model_of(request)
    query = query_of(request, TitlesQuery)
    allowed = model.catalogue.allowed(query.filters()).mask
    if query.query.strip():
        # There too where it is asked for: whoever is first makes it.
        page = await run_in_search_thread(
            request, lambda: model.title_search.page(query.query, allowed, query.offset, query.limit)
        )
    else:
        page = await run_in_search_thread(
            request, lambda: model.title_search.most_popular(allowed, query.offset, query.limit)
        )
    return titles_response(model, page)


@router.get("/anime/{anime_id}", **documented(AnimeAnswer, "getAnime", UnknownAnimeError, NotReadyError))
async def get_anime(anime_id: AnimeId, request: Request) -> Response:
    """Show one anime."""
    refuse_query(request)
    model = model_of(request)
    return anime_response(model, model.catalogue.row_of(anime_id))
