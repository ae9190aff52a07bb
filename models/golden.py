"""Golden answers: computed when a bundle is written, reproduced by the service before it is ready.

One set for each method that the bundle serves, for a known and for an unseen user. They are put together here from
:mod:`models.scoring`, apart from the service: so code or a machine that scores otherwise than when the model was
measured is noticed, and a method that the service puts together wrongly.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.bundle.layout import UserId
from models.bundle.manifest import GoldenAnswer
from models.bundle.reader import Bundle
from models.scoring.embedding import cosine_scores, embed_list, list_scores, ranked_scores
from models.scoring.items import weights_of
from models.scoring.neighbours import (
    N_NEIGHBOURS,
    N_WEIGHTED_NEIGHBOURS,
    NEIGHBOURHOOD_SIZES,
    NeighbourRegression,
    neighbourhood_shares,
    score_by_neighbours,
)
from models.scoring.new_anime import score_by_content
from models.scoring.popular import popular_scores
from models.scoring.ranking import top_k_rows
from models.scoring.reranker import reranker_of
from models.scoring.user_index import Nearest, UserIndex, user_index_of
from models.scoring.user_list import UserList, list_of_user, seen_lists_of_users

GOLDEN_K: Final = 10
_N_ANIME_QUERIES: Final = 2
# Users are asked for whose lists are about this long: neither trivial nor slow to answer.
_USUAL_LENGTH: Final = 60
_N_USUAL: Final = 64
# How many of the nearest users the methods ask. Where the last of them and the next are as near but for rounding,
# another processor may ask the other one: users with less than this gap between the two are not chosen.
_CUTS: Final = (*NEIGHBOURHOOD_SIZES, N_NEIGHBOURS, N_WEIGHTED_NEIGHBOURS)
_LEAST_GAP: Final = 1e-5
# Of the largest score. Sums may differ in their last bits between processors; a wrong row differs by far more.
SCORE_TOLERANCE: Final = 1e-4

Scores = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class _Asker:
    """The user a golden answer is for."""

    user_id: UserId
    unseen: bool
    user_list: UserList
    embedding: NDArray[np.float32]
    nearest: Callable[[int], Nearest]


class _Scored(NamedTuple):
    """All anime, scored by one method; ``allowed`` are those that may be recommended."""

    method: str
    rule: str | None
    scores: Scores
    allowed: Mask


def make_golden_answers(bundle: Bundle) -> list[GoldenAnswer]:
    """Answer a few fixed queries by every method that the bundle serves, without any filter.

    They are: similar anime of the most popular, and of a new anime; similar users and recommendations for a known
    user, and for half the list of another one, as if the model had never seen them.
    """
    index = user_index_of(bundle)
    rows = _usual_users(bundle)
    known = _choose(_known(bundle, index, row) for row in rows)
    unseen = _choose(_unseen(bundle, index, row) for row in rows[1:] or rows)
    answers = list(_similar_anime(bundle))
    # By the index, which may miss a user: the service must answer as the writer would, not as a scan would.
    for asker in (known, unseen):
        nearest = asker.nearest(GOLDEN_K)
        answers.append(
            GoldenAnswer(
                kind="similar_users",
                method="embedding",
                unseen=asker.unseen,
                query_id=asker.user_id,
                ids=bundle.user_ids[nearest.rows].tolist(),
                scores=nearest.similarities.tolist(),
            )
        )
        answers += _recommendations(bundle, asker)
    return answers


def unseen_list(bundle: Bundle, user_row: int) -> UserList:
    """Give the list that an unseen user asks with: every second entry of a known user's."""
    whole = list_of_user(bundle, user_row)
    return UserList(whole.anime_rows[::2], whole.ratings[::2], whole.statuses[::2])


def question_in_words(kind: str, method: str, rule: str | None = None, *, unseen: bool = False) -> str:
    """Name a question, such as "recommendations by neighbours, top-quarter, for an unseen list"."""
    words = [f"{kind.replace('_', ' ')} by {method}", rule, "for an unseen list" if unseen else None]
    return ", ".join(word for word in words if word)


def agrees(golden: GoldenAnswer, ids: Sequence[UserId], scores: Sequence[float]) -> bool:
    """Whether an answer, ids with their scores, best first, is the golden one, near-ties aside."""
    # Of the largest, as methods differ in how large their scores are, and sums of large parts may be small.
    tolerance = SCORE_TOLERANCE * max(map(abs, golden.scores), default=0.0)
    if len(ids) != len(golden.ids) or not np.allclose(scores, golden.scores, rtol=0.0, atol=tolerance):
        return False
    expected = dict(zip(golden.ids, golden.scores, strict=True))
    last = golden.scores[-1] if golden.scores else 0.0
    # Near-ties may swap places, and the last place may go to one that is not listed.
    return all(
        abs(expected.get(identity, last) - score) <= 2 * tolerance
        for identity, score in zip(ids, scores, strict=True)
    )


def _usual_users(bundle: Bundle) -> list[int]:
    """Find users with lists of a usual length; who likes most of theirs comes first."""
    lengths = np.diff(bundle.list_offsets)
    usual: list[int] = np.argsort(np.abs(lengths - _USUAL_LENGTH), kind="stable")[:_N_USUAL].tolist()
    return sorted(usual, key=lambda row: -len(list_of_user(bundle, row).liked_rows))


def _known(bundle: Bundle, index: UserIndex, row: int) -> _Asker:
    user_list, embedding = list_of_user(bundle, row), bundle.user_embeddings[row]
    return _Asker(bundle.user_ids[row].item(), False, user_list, embedding, partial(index.neighbours, row))


def _unseen(bundle: Bundle, index: UserIndex, row: int) -> _Asker:
    user_list = unseen_list(bundle, row)
    embedding = embed_list(bundle.list_embeddings, user_list.support)
    return _Asker(bundle.user_ids[row].item(), True, user_list, embedding, partial(index.search, embedding))


def _choose(askers: Iterable[_Asker]) -> _Asker:
    """Choose the first whose neighbours do not depend on rounding; of none the first."""
    candidates = list(askers)
    return next((asker for asker in candidates if _is_clear(asker.nearest(max(_CUTS) + 1))), candidates[0])


def _is_clear(nearest: Nearest) -> bool:
    gaps = -np.diff(nearest.similarities)
    return all(gaps[cut - 1] > _LEAST_GAP for cut in _CUTS if cut <= len(gaps))


def _similar_anime(bundle: Bundle) -> Iterator[GoldenAnswer]:
    for row in top_k_rows(bundle.popularity.astype(np.float32), _N_ANIME_QUERIES).tolist():
        others = np.arange(bundle.n_anime) != row
        cosines = cosine_scores(bundle.anime_embeddings, bundle.anime_embeddings[row])
        yield _golden(
            "similar_anime", bundle, _Scored("embedding", None, cosines, others), int(bundle.anime_ids[row])
        )
        for method, neighbours in bundle.similar_anime_neighbours.items():
            scores = ranked_scores(*neighbours, bundle.anime_embeddings, row)
            yield _golden("similar_anime", bundle, _Scored(method, None, scores, others), int(bundle.anime_ids[row]))
    if bundle.n_new:
        row = bundle.n_anime + int(top_k_rows(bundle.new_members.astype(np.float32), 1)[0])
        others = np.arange(bundle.n_anime + bundle.n_new) != row
        scored = _Scored("content", None, score_by_content(bundle, row), others)
        yield _golden("similar_anime", bundle, scored, int(bundle.catalogue_ids[row]))


def _recommendations(bundle: Bundle, asker: _Asker) -> Iterator[GoldenAnswer]:
    unlisted = np.ones(bundle.n_anime, dtype=bool)
    unlisted[asker.user_list.anime_rows] = False
    for scored in _score(bundle, asker, unlisted):
        yield _golden("recommendations", bundle, scored, asker.user_id, unseen=asker.unseen)


def _score(bundle: Bundle, asker: _Asker, unlisted: Mask) -> Iterator[_Scored]:
    """Score all anime by each method. A stage comes before the one that builds on it, whose answer it changes."""
    support = asker.user_list.support
    by_embedding = list_scores(bundle.anime_embeddings, bundle.anime_gains, asker.embedding)
    yield _Scored("embedding", None, by_embedding, unlisted)
    yield _Scored("popular", None, popular_scores(bundle.popularity, bundle.mean_scores), unlisted)

    nearest = asker.nearest(N_NEIGHBOURS)
    lists = [list_of_user(bundle, row) for row in nearest.rows.tolist()]
    supported = score_by_neighbours(bundle.n_anime, nearest.similarities, lists).scores
    # What no neighbour supports is not recommended by neighbours.
    yield _Scored("neighbours", "top-quarter", supported, unlisted & (supported > 0.0))
    regression = NeighbourRegression(bundle.popularity)
    theirs = seen_lists_of_users(bundle, asker.nearest(N_WEIGHTED_NEIGHBOURS).rows)
    fitted = regression.fit(support, theirs).scores
    yield _Scored("neighbours", "weighted", fitted, unlisted & (fitted > 0.0))

    if bundle.item_weight_rows.shape[1]:
        yield _Scored("items", None, weights_of(bundle).score(support), unlisted)
    reranker = reranker_of(bundle)
    if reranker is not None:
        neighbourhood = asker.nearest(NEIGHBOURHOOD_SIZES[-1])
        theirs = seen_lists_of_users(bundle, neighbourhood.rows)
        shares = neighbourhood_shares(bundle.n_anime, neighbourhood.similarities, theirs)
        yield _Scored("ranked", None, reranker.rerank(asker.user_list, shares, unlisted).scores, unlisted)


def _golden(kind: str, bundle: Bundle, scored: _Scored, query_id: UserId, *, unseen: bool = False) -> GoldenAnswer:
    rows = top_k_rows(scored.scores, GOLDEN_K, allowed=scored.allowed)
    fields = {"kind": kind, "method": scored.method, "rule": scored.rule, "unseen": unseen, "query_id": query_id}
    ids, scores = bundle.catalogue_ids[rows].tolist(), scored.scores[rows].tolist()
    return GoldenAnswer.model_validate(fields | {"ids": ids, "scores": scores})
