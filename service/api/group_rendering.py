"""Answers about several anime, or about several people's lists, as bytes."""

from typing import Any

import orjson
from fastapi import Response

from models.scoring.ranking import RankedPage
from models.scoring.user_list import Status
from service.api.bodies import PostedList
from service.api.rendering import (
    SO_POPULAR,
    answer_with_rows,
    begin_answer,
    json_response,
    list_similar_anime,
    name_reasons,
    place_in_franchise,
    recommended_cards,
    summarise_list,
)
from service.recommending.comparison import Comparison, SharedAnime
from service.recommending.group import GroupPage, MemberView
from service.recommending.methods import MethodKey
from service.recommending.model import LoadedModel


def similar_to_several_response(
    model: LoadedModel, liked_rows: list[int], unliked_rows: list[int], method: str, page: RankedPage
) -> Response:
    """Answer with anime similar to several, by a method."""
    liked, unliked = (b",".join(map(model.catalogue.card, rows)) for rows in (liked_rows, unliked_rows))
    about = b'"method":"%b","like":[%b],"unlike":[%b],' % (method.encode(), liked, unliked)
    return list_similar_anime(model, about, page)


def group_response(model: LoadedModel, posted: list[PostedList], page: GroupPage) -> Response:
    """Answer with what to watch together."""
    members = [_member(one, key) for one, key in zip(posted, page.methods, strict=True)]
    ranking = page.ranking
    rows = [
        orjson.dumps(
            {
                "rank": ranking.offset + 1 + place,
                "score": round(ranking.scores[place], 6),
                "lists": [_view(model, view) for view in page.views[place]],
                "franchise": place_in_franchise(model, page.places[place], row, row),
            }
        )
        for place, row in enumerate(ranking.rows)
    ]
    beginning = begin_answer(model, orjson.dumps({"lists": members}))
    return answer_with_rows(model, beginning, recommended_cards(model, ranking.rows, rows), ranking, cacheable=False)


def comparison_response(model: LoadedModel, posted: list[PostedList], comparison: Comparison) -> Response:
    """Answer with how two lists compare."""
    says_something = [bool(len(one.user_list.liked_rows)) for one in posted]
    no_score = "So there is no score."
    lists = [
        {"name": one.name} | summarise_list(one, has_evidence=says, instead=no_score)
        for one, says in zip(posted, says_something, strict=True)
    ]
    content: dict[str, Any] = {"model_version": model.version, "lists": lists} | comparison._asdict()
    content |= {
        "score": None if comparison.score is None else round(comparison.score, 4),
        "agreement": None if comparison.agreement is None else round(comparison.agreement, 4),
        "shared": [_compared(model, one) for one in comparison.shared],
        "disagreements": [_compared(model, one) for one in comparison.disagreements],
    }
    response = json_response(content)
    response.headers["cache-control"] = "no-store"
    return response


def _member(posted: PostedList, key: MethodKey) -> dict[str, Any]:
    method, rule = key
    # What is asked for may be "popular" too; then the list is not to blame.
    has_evidence = method != "popular" or posted.no_evidence is None
    account = summarise_list(posted, has_evidence=has_evidence, instead=SO_POPULAR)
    return {"name": posted.name, "method": method, "rule": rule} | account


def _view(model: LoadedModel, view: MemberView) -> dict[str, Any]:
    return {
        "score": round(view.score, 6),
        "rank": view.rank,
        "seen": view.seen,
        "because": name_reasons(model, view.because),
    }


def _compared(model: LoadedModel, shared: SharedAnime) -> dict[str, Any]:
    card: dict[str, Any] = orjson.loads(model.catalogue.card(shared.anime_row))
    return card | {
        "ratings": [rating or None for rating in shared.ratings],
        "statuses": [None if status is Status.UNKNOWN else status.name.lower() for status in shared.statuses],
    }
