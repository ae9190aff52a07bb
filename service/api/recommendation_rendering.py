"""Recommendations as bytes, and all answers to posted lists."""

from typing import Any

import orjson
from fastapi import Response

from service.api.params import RecommendationsQuery
from service.api.posted_list import NoEvidence, PostedList
from service.api.rendering import head, list_response, similar_user_rows
from service.precompute.written_page import WrittenPage
from service.recommending.catalogue import SCORE_KEY
from service.recommending.explanations import Explanation
from service.recommending.franchise_paging import Place
from service.recommending.model import LoadedModel
from service.recommending.recommendations import RecommendationsPage
from service.recommending.similar_users import SimilarUsersPage

WORDS_FOR_NO_EVIDENCE: dict[NoEvidence, str] = {
    "empty_list": "The list is empty.",
    "only_unknown_ids": "The model knows none of the anime on the list.",
    "only_plan_to_watch": "The list holds plans alone, and planning to watch something is not liking it.",
    "no_direction": "What is on the list cancels out: it points nowhere.",
}
SO_POPULAR = "These are well-rated anime that many have seen, the same for everybody."


def recommend(model: LoadedModel, user_row: int, query: RecommendationsQuery) -> WrittenPage:
    """Compute the recommendations for a user the model knows.

    Parameters
    ----------
    model : LoadedModel
    user_row : int
        The user asked about.
    query : RecommendationsQuery

    Raises
    ------
    InvalidRequestError
        If the model cannot answer such a query.
    """
    page = model.recommender.page(model.recommender.known_user(user_row), query.request())
    no_evidence: NoEvidence | None = None if page.has_evidence else "only_plan_to_watch"
    notes = [f"{WORDS_FOR_NO_EVIDENCE[no_evidence]} {SO_POPULAR}"] if no_evidence else []
    user_id = int(model.bundle.user_ids[user_row])
    fields = {**_method(page), "user_id": user_id, "no_evidence": no_evidence, "notes": notes}
    ranking = page.ranking
    rows = _write_rows(model, page)
    return WrittenPage(orjson.dumps(fields), ranking.rows, rows, ranking.offset, ranking.limit, ranking.total)


def recommendations_response(model: LoadedModel, page: WrittenPage) -> Response:
    """Answer with recommendations for a user the model knows.

    Parameters
    ----------
    model : LoadedModel
    page : WrittenPage
        From :func:`recommend`, now or earlier.
    """
    rows = _with_cards(model, page.anime_rows, page.rows)
    return list_response(model, _beginning(model, page.fields), rows, page)


def list_recommendations_response(model: LoadedModel, posted: PostedList, page: RecommendationsPage) -> Response:
    """Answer with recommendations for a list.

    Returns
    -------
    Response
        Not to be kept: it depends on more than the URL.
    """
    fields = {**_method(page), **_summary(posted, has_evidence=page.has_evidence, instead=SO_POPULAR)}
    rows = _with_cards(model, page.ranking.rows, _write_rows(model, page))
    return list_response(model, _beginning(model, orjson.dumps(fields)), rows, page.ranking, cacheable=False)


def list_similar_users_response(model: LoadedModel, posted: PostedList, page: SimilarUsersPage) -> Response:
    """Answer with the users similar to a list.

    Returns
    -------
    Response
        Not to be kept: it depends on more than the URL.
    """
    fields = _summary(posted, has_evidence=page.ranking.total > 0, instead="Nobody is similar to that.")
    rows = similar_user_rows(model, page)
    return list_response(model, _beginning(model, orjson.dumps(fields)), rows, page.ranking, cacheable=False)


def _method(page: RecommendationsPage) -> dict[str, Any]:
    return {"method": page.method, "rule": page.rule}


def _beginning(model: LoadedModel, fields: bytes) -> bytes:
    """Write how an answer begins, with the fields of a JSON object."""
    return b"%b%b," % (head(model), fields[1:-1])


def _with_cards(model: LoadedModel, anime_rows: list[int], written: list[bytes]) -> list[bytes]:
    cards = (bytes(model.catalogue.card(row)).replace(SCORE_KEY, b'"mean_score":') for row in anime_rows)
    return [b",".join([b"%b,%b" % (own[:-1], card[1:]) for own, card in zip(written, cards, strict=True)])]


def _write_rows(model: LoadedModel, page: RecommendationsPage) -> list[bytes]:
    """Write each row without its card: a JSON object."""
    ranking = page.ranking
    return [
        orjson.dumps(
            {
                "rank": ranking.offset + 1 + place,
                "score": round(score, 6),
                **_explained(model, page.explanations[place]),
                "franchise": _placed(model, page.places[place], row, ranking.scored_rows[place]),
            }
        )
        for place, (row, score) in enumerate(zip(ranking.rows, ranking.scores, strict=True))
    ]


def _explained(model: LoadedModel, explanation: Explanation) -> dict[str, Any]:
    user_ids = model.bundle.user_ids
    return {
        "because": [
            {**_named(model, row), "contribution": round(contribution, 6)}
            for row, contribution in explanation.because
        ],
        "supporters": [
            {"user_id": int(user_ids[row]), "similarity": round(similarity, 6), "rating": rating}
            for row, similarity, rating in explanation.supporters
        ],
        "n_supporters": explanation.n_supporters,
        "notes": explanation.notes,
    }


def _placed(model: LoadedModel, place: Place, row: int, scored_row: int) -> dict[str, Any]:
    return {
        "role": place.role.name.lower(),
        "next_after": [_named(model, before) for before in place.next_after],
        "score_of": None if scored_row == row else _named(model, scored_row),
    }


def _named(model: LoadedModel, row: int) -> dict[str, Any]:
    return {"anime_id": int(model.bundle.anime_ids[row]), "name": model.catalogue.titles[row][0]}


def _summary(posted: PostedList, *, has_evidence: bool, instead: str) -> dict[str, Any]:
    no_evidence = None if has_evidence else posted.no_evidence or "no_direction"
    n_known, n_unknown = len(posted.user_list.anime_rows), len(posted.unknown_anime_ids)
    notes = [f"{WORDS_FOR_NO_EVIDENCE[no_evidence]} {instead}"] if no_evidence else []
    if n_unknown:
        notes.append(f"{n_unknown} of {n_known + n_unknown} anime on the list are not in the model.")
    if posted.repeated_anime_ids:
        notes.append(f"{len(posted.repeated_anime_ids)} anime came more than once; the last entry of each counts.")
    return {
        "list_summary": {
            "n_entries": posted.n_entries,
            "n_seen": posted.n_seen,
            "n_plan_to_watch": posted.n_planned,
            "n_unknown": n_unknown,
            "n_overruled": posted.n_entries - n_known - n_unknown,
        },
        "unknown_anime_ids": posted.unknown_anime_ids,
        "repeated_anime_ids": posted.repeated_anime_ids,
        "no_evidence": no_evidence,
        "notes": notes,
    }
