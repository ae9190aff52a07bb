"""Answers as bytes.

Cards lie in the bundle as JSON already, so lists are put together without parsing or serialising them: the keys
of a row go in front of the card's own. A test validates every answer against its declared schema.
"""

import base64
import zlib
from dataclasses import asdict
from itertools import count
from typing import Any, Final, NamedTuple

import orjson
from fastapi import Response

from models.bundle.reader import Bundle
from models.scoring.franchises import Place, Role
from models.scoring.ranking import RankedPage
from service.api.answers import NoEvidenceReason
from service.api.bodies import PostedList
from service.api.params import RecommendationsQuery
from service.operations.answer_memory import RememberedResponse
from service.recommending.catalogue import SCORE_KEY
from service.recommending.explanations import Explanation, Reason
from service.recommending.model import LoadedModel, Refusal
from service.recommending.recommendations import RecommendationsPage
from service.recommending.similar_users import SimilarUsersPage

JSON: Final = "application/json"
WORDS_FOR_NO_EVIDENCE: Final[dict[NoEvidenceReason, str]] = {
    "empty_list": "The list is empty.",
    "only_unknown_ids": "The model knows none of the anime on the list.",
    "only_new_anime": "The model has not learned what is on this one.",
    "only_plan_to_watch": "The list holds plans alone, and planning to watch something is not liking it.",
    "only_dislikes": "The list holds nothing but what was dropped or rated low.",
    "no_direction": "What is on the list cancels out: it points nowhere.",
}
_ROLE_NAMES: Final = {role: role.name.lower() for role in Role}
SO_POPULAR: Final = "These are well-rated anime that many have seen, the same for everybody."


class WrittenPage(NamedTuple):
    """One page of recommendations for a known user, as bytes without the cards: the form that is precomputed."""

    fields: bytes  # a JSON object: the answer besides its rows, its paging and the model
    anime_rows: list[int]  # what is recommended, in order of rank
    rows: list[bytes]  # a JSON object for each: the row besides its card
    offset: int
    limit: int
    total: int


def json_response(content: object, *, status: int = 200, media_type: str = JSON) -> Response:
    """Make a response of anything that orjson can write."""
    return Response(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY), status, media_type=media_type)


def anime_response(model: LoadedModel, anime_row: int) -> Response:
    """Answer with one card."""
    return model_response(model, b'%b"data":%b}' % (_head(model), model.catalogue.card(anime_row)))


def model_card_response(model: LoadedModel, refusal: Refusal | None) -> Response:
    """Answer with the description of the model, and why another one does not answer in its place."""
    manifest = model.bundle.manifest
    # Not its golden answers, the names of features and the sums of files: those are for machines that read bundles.
    card = manifest.model_dump(mode="json", exclude={"golden", "files", "embedding_size", "reranker_features"})
    card["sizes"] = {
        "n_anime": model.bundle.n_anime,
        "n_new": model.bundle.n_new,
        "n_users": model.bundle.n_users,
        "n_list_entries": len(model.bundle.list_anime_rows),
        "embedding_size": manifest.embedding_size,
    }
    card["refused"] = refusal and asdict(refusal)
    card |= {"types": model.catalogue.type_names, "genres": model.catalogue.genre_names}
    return model_response(model, orjson.dumps(card))


def similar_anime_response(model: LoadedModel, anime_row: int, method: str, page: RankedPage) -> Response:
    """Answer with anime similar to one, by a method."""
    card = model.catalogue.card(anime_row)
    return list_similar_anime(model, b'"method":"%b","anime":%b,' % (method.encode(), card), page)


def list_similar_anime(model: LoadedModel, about: bytes, page: RankedPage) -> Response:
    """Answer with similar anime; ``about`` says what they are similar to."""
    ids = model.bundle.catalogue_ids.data
    written = b'{"rank":%d,"similarity":%.6f,"similarity_of":%d,%b'
    values = zip(
        count(page.offset + 1),
        page.scores,
        [ids[row] for row in page.scored_rows],
        model.catalogue.open_cards(page.rows),
    )
    rows = b",".join([written % fields for fields in values])
    return answer_with_rows(model, _head(model) + about, rows, page)


def titles_response(model: LoadedModel, page: RankedPage) -> Response:
    """Answer with anime found by title; without scores where nothing was searched for."""
    relevance = [b"%.6f" % score for score in page.scores] or [b"null"] * len(page.rows)
    values = zip(count(page.offset + 1), relevance, model.catalogue.open_cards(page.rows))
    rows = [b'{"rank":%d,"relevance":%b,%b' % fields for fields in values]
    return answer_with_rows(model, _head(model), b",".join(rows), page)


def similar_users_response(model: LoadedModel, user_row: int, page: SimilarUsersPage) -> Response:
    """Answer with users similar to a known one."""
    beginning = b'%b"user_id":%b,' % (_head(model), *_write_user_ids(model.bundle, [user_row]))
    return answer_with_rows(model, beginning, _similar_user_rows(model, page), page.ranking)


def recommend(model: LoadedModel, user_row: int, query: RecommendationsQuery) -> WrittenPage:
    """Compute the recommendations for a known user.

    Raises
    ------
    InvalidRequestError
        If the model cannot answer such a query.
    """
    profile = model.similar_users.known_user(user_row)
    asked = query.request()
    if asked.include_new:
        asked = asked.without_new(model.bundle.new_ids_on_list(user_row))
    page = model.recommend(profile, asked)
    no_evidence: NoEvidenceReason | None = None
    if not page.has_evidence:
        no_evidence = "only_dislikes" if len(profile.user_list.seen_rows) else "only_plan_to_watch"
    notes = [f"{WORDS_FOR_NO_EVIDENCE[no_evidence]} {SO_POPULAR}"] if no_evidence else []
    user_id, ranking = model.bundle.user_ids[user_row].item(), page.ranking
    fields = orjson.dumps(_method(page) | {"user_id": user_id, "no_evidence": no_evidence, "notes": notes})
    rows = _write_rows(model, page)
    return WrittenPage(fields, ranking.rows, rows, ranking.offset, ranking.limit, ranking.total)


def recommendations_response(model: LoadedModel, page: WrittenPage) -> Response:
    """Answer with a page from :func:`recommend`, computed now or earlier."""
    rows = recommended_cards(model, page.anime_rows, page.rows)
    return answer_with_rows(model, begin_answer(model, page.fields), rows, page)


def list_recommendations_response(model: LoadedModel, posted: PostedList, page: RecommendationsPage) -> Response:
    """Answer with recommendations for a list."""
    fields = _method(page) | summarise_list(posted, has_evidence=page.has_evidence, instead=SO_POPULAR)
    rows = recommended_cards(model, page.ranking.rows, _write_rows(model, page))
    return answer_with_rows(model, begin_answer(model, orjson.dumps(fields)), rows, page.ranking, cacheable=False)


def list_similar_users_response(model: LoadedModel, posted: PostedList, page: SimilarUsersPage) -> Response:
    """Answer with the users similar to a list."""
    fields = summarise_list(posted, has_evidence=page.ranking.total > 0, instead="Nobody is similar to that.")
    rows = _similar_user_rows(model, page)
    return answer_with_rows(model, begin_answer(model, orjson.dumps(fields)), rows, page.ranking, cacheable=False)


def write_cursor(model_version: str, offset: int) -> bytes:
    """Write the cursor of a place in a model's lists, which :mod:`service.api.cursors` reads: opaque to clients."""
    return base64.urlsafe_b64encode(b"%08x%x" % (zlib.crc32(model_version.encode()), offset)).rstrip(b"=")


def _head(model: LoadedModel) -> bytes:
    """Write how every answer begins: the brace and the model's version, with a comma."""
    return b'{"model_version":"%b",' % model.version.encode()


def begin_answer(model: LoadedModel, fields: bytes) -> bytes:
    """Write how an answer begins, with the fields of a JSON object."""
    return b"%b%b," % (_head(model), fields[1:-1])


def answer_with_rows(
    model: LoadedModel, beginning: bytes, rows: bytes, page: RankedPage | WrittenPage, *, cacheable: bool = True
) -> Response:
    """Answer with rows; ``cacheable`` if the answer depends on the URL and the model alone."""
    end = page.offset + page.limit
    cursor = b'"%b"' % write_cursor(model.version, end) if end < page.total else b"null"
    paging = b'"limit":%d,"offset":%d,"total":%d,"next_cursor":%b' % (page.limit, page.offset, page.total, cursor)
    body = b'%b"data":[%b],"pagination":{%b}}' % (beginning, rows, paging)
    if cacheable:
        return model_response(model, body)
    return Response(body, media_type=JSON, headers={"cache-control": "no-store"})


def model_response(model: LoadedModel, body: bytes) -> Response:
    """Answer with a body that depends on the URL and the model alone: it is remembered, and has an ETag."""
    # The model's version alone would let a new release of the service keep old shapes alive in clients' caches.
    return RememberedResponse(body, etag=b'"%b-%08x"' % (model.version.encode(), zlib.crc32(body)))


def _similar_user_rows(model: LoadedModel, page: SimilarUsersPage) -> bytes:
    ranking, ids = page.ranking, _write_user_ids(model.bundle, page.ranking.rows)
    written = b'{"rank":%d,"user_id":%b,"similarity":%.6f,"anime_in_common":%d}'
    values = zip(count(ranking.offset + 1), ids, ranking.scores, page.anime_in_common)
    return b",".join([written % fields for fields in values])


def recommended_cards(model: LoadedModel, anime_rows: list[int], written: list[bytes]) -> bytes:
    """Write the cards of recommendations, whose ``score`` is not the catalogue's."""
    cards = (model.catalogue.card(row).replace(SCORE_KEY, b'"mean_score":') for row in anime_rows)
    return b",".join([b"%b,%b" % (own[:-1], card[1:]) for own, card in zip(written, cards, strict=True)])


def _method(page: RecommendationsPage) -> dict[str, Any]:
    return {"method": page.method, "rule": page.rule}


def _write_rows(model: LoadedModel, page: RecommendationsPage) -> list[bytes]:
    """Write each row without its card: a JSON object."""
    ranking = page.ranking
    return [
        orjson.dumps(
            {
                "rank": ranking.offset + 1 + place,
                "score": round(score, 6),
                **_explained(model, page.explanations[place]),
                "franchise": place_in_franchise(model, page.places[place], row, ranking.scored_rows[place]),
            }
        )
        for place, (row, score) in enumerate(zip(ranking.rows, ranking.scores, strict=True))
    ]


def _explained(model: LoadedModel, explanation: Explanation) -> dict[str, Any]:
    user_ids = model.bundle.user_ids
    return {
        "because": name_reasons(model, explanation.because),
        "supporters": [
            {"user_id": user_ids[row].item(), "similarity": round(similarity, 6), "rating": rating}
            for row, similarity, rating in explanation.supporters
        ],
        "n_supporters": explanation.n_supporters,
        "seen_by": None if explanation.seen_by is None else round(explanation.seen_by, 4),
        "notes": explanation.notes,
    }


def name_reasons(model: LoadedModel, reasons: list[Reason]) -> list[dict[str, Any]]:
    """Write reasons with the names of their anime."""
    return [{**name_anime(model, row), "contribution": round(contribution, 6)} for row, contribution in reasons]


def place_in_franchise(model: LoadedModel, place: Place, row: int, scored_row: int) -> dict[str, Any]:
    """Write what an anime is to its franchise."""
    return {
        "role": _ROLE_NAMES[place.role],
        "next_after": [name_anime(model, before) for before in place.next_after],
        "score_of": None if scored_row == row else name_anime(model, scored_row),
    }


def name_anime(model: LoadedModel, row: int) -> dict[str, Any]:
    """Write the id and the name of an anime."""
    return {"anime_id": int(model.bundle.catalogue_ids[row]), "name": model.catalogue.titles[row][0]}


def summarise_list(posted: PostedList, *, has_evidence: bool, instead: str) -> dict[str, Any]:
    """Write what became of the entries of a list; ``instead`` says what answers a list without evidence."""
    no_evidence = None if has_evidence else posted.no_evidence or "no_direction"
    n_known, n_new = len(posted.user_list.anime_rows), len(posted.new_anime_ids)
    n_unknown = len(posted.unknown_anime_ids)
    n_anime = n_known + n_new + n_unknown
    notes = [f"{WORDS_FOR_NO_EVIDENCE[no_evidence]} {instead}"] if no_evidence else []
    if n_unknown:
        notes.append(f"{n_unknown} of {n_anime} anime on the list are not in the model.")
    if n_new:
        notes.append(f"{n_new} of {n_anime} anime on the list are new: the model has not learned them.")
    if posted.repeated_anime_ids:
        notes.append(f"{len(posted.repeated_anime_ids)} anime came more than once; the last entry of each counts.")
    return {
        "list_summary": {
            "n_entries": posted.n_entries,
            "n_seen": posted.n_seen,
            "n_plan_to_watch": posted.n_planned,
            "n_new": n_new,
            "n_unknown": n_unknown,
            "n_overruled": posted.n_entries - n_anime,
        },
        "new_anime_ids": posted.new_anime_ids,
        "unknown_anime_ids": posted.unknown_anime_ids,
        "repeated_anime_ids": posted.repeated_anime_ids,
        "no_evidence": no_evidence,
        "notes": notes,
    }


def _write_user_ids(bundle: Bundle, user_rows: list[int]) -> list[bytes]:
    """Write the ids of users as JSON."""
    ids = bundle.user_ids
    if bundle.has_text_user_ids:
        return [orjson.dumps(text) for text in ids[user_rows].tolist()]
    numbers = ids.data
    return [b"%d" % numbers[row] for row in user_rows]
