"""Answers as bytes.

Cards lie in the bundle as JSON already, so lists are put together without parsing or serialising them: the keys
of a row go in front of the card's own. A test validates every answer against its declared schema.
"""

import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from fastapi import Response

from service.catalogue import SCORE_KEY
from service.loaded_model import LoadedModel
from service.ranked_page import RankedPage
from service.recommendations import Explanation, RecommendationsPage
from service.similar_users import SimilarUsersPage

JSON = "application/json"


def json_response(content: object, *, status: int = 200, media_type: str = JSON) -> Response:
    """Make a response of anything that orjson can write.

    Parameters
    ----------
    content : object
    status : int, optional
    media_type : str, optional

    Returns
    -------
    Response
    """
    return Response(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY), status, media_type=media_type)


def anime_response(model: LoadedModel, anime_row: int) -> Response:
    """Answer with one card.

    Parameters
    ----------
    model : LoadedModel
    anime_row : int

    Returns
    -------
    Response
    """
    return _model_response(model, b'%b"data":%b}' % (_head(model), bytes(model.catalogue.card(anime_row))))


def model_card_response(model: LoadedModel) -> Response:
    """Answer with what the model says of itself.

    Parameters
    ----------
    model : LoadedModel

    Returns
    -------
    Response
    """
    manifest = model.bundle.manifest
    # Not its golden answers and the sums of its files: those are for machines that read bundles.
    card = manifest.model_dump(mode="json", exclude={"golden", "files", "embedding_size"})
    card["sizes"] = {
        "n_anime": model.bundle.n_anime,
        "n_users": model.bundle.n_users,
        "n_list_entries": len(model.bundle.list_anime_rows),
        "embedding_size": manifest.embedding_size,
    }
    card |= {"types": model.catalogue.type_names, "genres": model.catalogue.genre_names}
    return _model_response(model, orjson.dumps(card))


def similar_anime_response(model: LoadedModel, anime_row: int, page: RankedPage) -> Response:
    """Answer with similar anime.

    Parameters
    ----------
    model : LoadedModel
    anime_row : int
        The anime asked about.
    page : RankedPage

    Returns
    -------
    Response
    """
    head = b'%b"method":"embedding","anime":%b,' % (_head(model), bytes(model.catalogue.card(anime_row)))
    return _list_response(model, head, _scored_cards(model, page, b"similarity"), page)


def titles_response(model: LoadedModel, page: RankedPage) -> Response:
    """Answer with anime found by title.

    Parameters
    ----------
    model : LoadedModel
    page : RankedPage
        Without scores where nothing was searched for.

    Returns
    -------
    Response
    """
    return _list_response(model, _head(model), _scored_cards(model, page, b"relevance"), page)


def similar_users_response(model: LoadedModel, user_id: int, page: SimilarUsersPage) -> Response:
    """Answer with similar users.

    Parameters
    ----------
    model : LoadedModel
    user_id : int
        The user asked about.
    page : SimilarUsersPage

    Returns
    -------
    Response
    """
    ranking = page.ranking
    user_ids = model.bundle.user_ids[ranking.rows].tolist()
    rows = [
        {"rank": rank, "user_id": other, "similarity": round(similarity, 6), "anime_in_common": common}
        for rank, (other, similarity, common) in enumerate(
            zip(user_ids, ranking.scores, page.anime_in_common, strict=True), ranking.offset + 1
        )
    ]
    return _list_response(
        model, b'%b"user_id":%d,' % (_head(model), user_id), [b",".join(map(orjson.dumps, rows))], ranking
    )


def recommendations_response(model: LoadedModel, user_id: int, page: RecommendationsPage) -> Response:
    """Answer with recommendations.

    Parameters
    ----------
    model : LoadedModel
    user_id : int
        The user asked about.
    page : RecommendationsPage

    Returns
    -------
    Response
    """
    ranking = page.ranking
    rows = (
        _spliced(
            {"rank": rank, "score": round(score, 6), **_explained(model, explanation)},
            bytes(model.catalogue.card(row)).replace(SCORE_KEY, b'"mean_score":'),
        )
        for rank, (row, score, explanation) in enumerate(
            zip(ranking.rows, ranking.scores, page.explanations, strict=True), ranking.offset + 1
        )
    )
    head = b'%b"method":"%b","user_id":%d,' % (_head(model), page.method.encode(), user_id)
    return _list_response(model, head, [b",".join(rows)], ranking)


def _explained(model: LoadedModel, explanation: Explanation) -> dict[str, Any]:
    anime_ids, user_ids, names = model.bundle.anime_ids, model.bundle.user_ids, model.catalogue.titles
    return {
        "because": [
            {"anime_id": int(anime_ids[row]), "name": names[row][0], "contribution": round(contribution, 6)}
            for row, contribution in explanation.because
        ],
        "supporters": [
            {"user_id": int(user_ids[row]), "similarity": round(similarity, 6), "rating": rating}
            for row, similarity, rating in explanation.supporters
        ],
        "n_supporters": explanation.n_supporters,
    }


def _scored_cards(model: LoadedModel, page: RankedPage, score_name: bytes) -> Iterable[bytes | memoryview]:
    scores: Sequence[float | None] = page.scores or [None] * len(page.rows)
    for rank, (row, score) in enumerate(zip(page.rows, scores, strict=True), page.offset + 1):
        written = b"null" if score is None else b"%.6f" % score
        yield b'%b{"rank":%d,"%b":%b,' % (b"" if rank == page.offset + 1 else b",", rank, score_name, written)
        # What follows the brace of the card, without copying it once more.
        yield model.catalogue.card(row)[1:]


def _spliced(fields: dict[str, Any], card: bytes) -> bytes:
    return b"%b,%b" % (orjson.dumps(fields)[:-1], card[1:])


def _head(model: LoadedModel) -> bytes:
    return b'{"model_version":"%b",' % model.version.encode()


def _list_response(model: LoadedModel, head: bytes, rows: Iterable[bytes | memoryview], page: RankedPage) -> Response:
    tail = b'],"pagination":{"limit":%d,"offset":%d,"total":%d}}' % (page.limit, page.offset, page.total)
    return _model_response(model, b"".join([head, b'"data":[', *rows, tail]))


def _model_response(model: LoadedModel, body: bytes) -> Response:
    # The model's version alone would let a new release of the service keep old shapes alive in clients' caches.
    etag = b'"%b-%08x"' % (model.version.encode(), zlib.crc32(body))
    response = Response(body, media_type=JSON)
    response.raw_headers += [(b"cache-control", b"no-cache"), (b"etag", etag)]
    return response
