"""Answers as bytes.

Cards lie in the bundle as JSON already, so lists are put together without parsing or serialising them: the keys
of a row go in front of the card's own. A test validates every answer against its declared schema.
"""

import zlib
from collections.abc import Iterable, Sequence

import orjson
from fastapi import Response

from service.operations.answer_memory import RememberedResponse
from service.precompute.written_page import WrittenPage
from service.recommending.model import LoadedModel
from service.recommending.paging import RankedPage
from service.recommending.similar_users import SimilarUsersPage

JSON = "application/json"


def json_response(content: object, *, status: int = 200, media_type: str = JSON) -> Response:
    """Make a response of anything that orjson can write."""
    return Response(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY), status, media_type=media_type)


def anime_response(model: LoadedModel, anime_row: int) -> Response:
    """Answer with one card."""
    body = b'%b"data":%b}' % (head(model), bytes(model.catalogue.card(anime_row)))
    return _model_response(model, body, body)


def model_card_response(model: LoadedModel) -> Response:
    """Answer with what the model says of itself."""
    manifest = model.bundle.manifest
    # Not its golden answers, the names of features and the sums of files: those are for machines that read bundles.
    card = manifest.model_dump(mode="json", exclude={"golden", "files", "embedding_size", "reranker_features"})
    card["sizes"] = {
        "n_anime": model.bundle.n_anime,
        "n_users": model.bundle.n_users,
        "n_list_entries": len(model.bundle.list_anime_rows),
        "embedding_size": manifest.embedding_size,
    }
    card |= {"types": model.catalogue.type_names, "genres": model.catalogue.genre_names}
    body = orjson.dumps(card)
    return _model_response(model, body, body)


def similar_anime_response(model: LoadedModel, anime_row: int, method: str, page: RankedPage) -> Response:
    """Answer with similar anime.

    Parameters
    ----------
    model : LoadedModel
    anime_row : int
        The anime asked about.
    method : str
        How the others were ranked.
    page : RankedPage
    """
    card = bytes(model.catalogue.card(anime_row))
    beginning = b'%b"method":"%b","anime":%b,' % (head(model), method.encode(), card)
    return list_response(model, beginning, _similar_cards(model, page), page)


def titles_response(model: LoadedModel, page: RankedPage) -> Response:
    """Answer with anime found by title.

    Parameters
    ----------
    model : LoadedModel
    page : RankedPage
        Without scores where nothing was searched for.
    """
    return list_response(model, head(model), _scored_cards(model, page, b"relevance"), page)


def similar_users_response(model: LoadedModel, user_id: int, page: SimilarUsersPage) -> Response:
    """Answer with similar users.

    Parameters
    ----------
    model : LoadedModel
    user_id : int
        The user asked about.
    page : SimilarUsersPage
    """
    ranking = page.ranking
    return list_response(model, b'%b"user_id":%d,' % (head(model), user_id), similar_user_rows(model, page), ranking)


def similar_user_rows(model: LoadedModel, page: SimilarUsersPage) -> list[bytes]:
    """Write the rows of a page of similar users.

    Returns
    -------
    list of bytes
        To be joined by nothing.
    """
    ranking = page.ranking
    user_ids = model.bundle.user_ids[ranking.rows].tolist()
    written = [
        b'{"rank":%d,"user_id":%d,"similarity":%.6f,"anime_in_common":%d}' % (rank, other, similarity, common)
        for rank, (other, similarity, common) in enumerate(
            zip(user_ids, ranking.scores, page.anime_in_common, strict=True), ranking.offset + 1
        )
    ]
    return [b",".join(written)]


def head(model: LoadedModel) -> bytes:
    """Write how every answer begins.

    Returns
    -------
    bytes
        The brace and the model's version, with a comma.
    """
    return b'{"model_version":"%b",' % model.version.encode()


def list_response(
    model: LoadedModel,
    beginning: bytes,
    rows: Iterable[bytes | memoryview],
    page: RankedPage | WrittenPage,
    *,
    cacheable: bool = True,
) -> Response:
    """Answer with a list.

    Parameters
    ----------
    model : LoadedModel
    beginning : bytes
        What stands before the rows, see :func:`head`.
    rows : iterable of bytes or memoryview
        The rows, commas included.
    page : RankedPage or WrittenPage
        Which part of the list they are.
    cacheable : bool, optional
        Whether the answer depends on the URL and the model alone.
    """
    tail = b'],"pagination":{"limit":%d,"offset":%d,"total":%d}}' % (page.limit, page.offset, page.total)
    parts = [beginning, b'"data":[', *rows, tail]
    body = b"".join(parts)
    if cacheable:
        # Cards that are shown as the bundle holds them are known by the model's version.
        return _model_response(model, body, b"".join([part for part in parts if isinstance(part, bytes)]))
    response = Response(body, media_type=JSON)
    response.raw_headers.append((b"cache-control", b"no-store"))
    return response


def _scored_cards(model: LoadedModel, page: RankedPage, score_name: bytes) -> Iterable[bytes | memoryview]:
    scores: Sequence[float | None] = page.scores or [None] * len(page.rows)
    for rank, (row, score) in enumerate(zip(page.rows, scores, strict=True), page.offset + 1):
        written = b"null" if score is None else b"%.6f" % score
        yield b'%b{"rank":%d,"%b":%b,' % (b"" if rank == page.offset + 1 else b",", rank, score_name, written)
        yield model.catalogue.card_fields(row)


def _similar_cards(model: LoadedModel, page: RankedPage) -> list[bytes | memoryview]:
    owners = model.bundle.anime_ids[page.scored_rows].tolist()
    fields, comma = model.catalogue.card_fields, b""
    parts: list[bytes | memoryview] = []
    for rank, (row, score, owner) in enumerate(zip(page.rows, page.scores, owners, strict=True), page.offset + 1):
        parts += (b'%b{"rank":%d,"similarity":%.6f,"similarity_of":%d,' % (comma, rank, score, owner), fields(row))
        comma = b","
    return parts


def _model_response(model: LoadedModel, body: bytes, tagged: bytes) -> Response:
    # The model's version alone would let a new release of the service keep old shapes alive in clients' caches.
    return RememberedResponse(body, etag=b'"%b-%08x"' % (model.version.encode(), zlib.crc32(tagged)))
