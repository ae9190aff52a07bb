"""Answers to lists as bytes: what known users get, and what became of the list."""

from typing import Any

from fastapi import Response

from service.api.posted_list import PostedList
from service.api.recommendation_rendering import (
    SO_POPULAR,
    WORDS_FOR_NO_EVIDENCE,
    method_fields,
    recommended_rows,
    spliced_head,
)
from service.api.rendering import list_response, similar_user_rows
from service.recommending.model import LoadedModel
from service.recommending.recommendations import RecommendationsPage
from service.recommending.similar_users import SimilarUsersPage


def list_recommendations_response(model: LoadedModel, posted: PostedList, page: RecommendationsPage) -> Response:
    """Answer with recommendations for a list.

    Returns
    -------
    Response
        Not to be kept: it depends on more than the URL.
    """
    fields = {**method_fields(page), **_summary(posted, has_evidence=page.has_evidence, instead=SO_POPULAR)}
    rows = recommended_rows(model, page)
    return list_response(model, spliced_head(model, fields), rows, page.ranking, cacheable=False)


def list_similar_users_response(model: LoadedModel, posted: PostedList, page: SimilarUsersPage) -> Response:
    """Answer with the users similar to a list.

    Returns
    -------
    Response
        Not to be kept: it depends on more than the URL.
    """
    fields = _summary(posted, has_evidence=page.ranking.total > 0, instead="Nobody is similar to that.")
    rows = similar_user_rows(model, page)
    return list_response(model, spliced_head(model, fields), rows, page.ranking, cacheable=False)


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
