"""What people recommend as evidence of other pairs: against sums by hand, and blind to the pair that is looked at."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.interactions_for_tests import random_interactions
from tests.training.similar_anime.lists_of_tastes import make_evidence, tastes
from training.similar_anime.features import PairEvidence
from training.similar_anime.truth import SimilarQuery
from training.similar_anime.votes import gather_votes

N_ANIME = 40


def make_query(row: int, votes: dict[int, int], *, may_choose: bool = True) -> SimilarQuery:
    gains = np.log1p(np.array(list(votes.values()), dtype=np.float64))
    return SimilarQuery(row, np.array(list(votes), dtype=np.int64), gains, may_choose)


def with_votes(*queries: SimilarQuery) -> PairEvidence:
    return replace(make_evidence(tastes()), votes=gather_votes(queries, N_ANIME))


def column(evidence: PairEvidence, query: int, kind: str) -> dict[int, float]:
    """Give a feature of a query's candidates."""
    pairs = evidence.describe(np.array([query]))
    values = pairs.features[:, pairs.names.index(kind)].tolist()
    return dict(zip(pairs.others.tolist(), values, strict=True))


def test_what_is_recommended_beside_the_query_is_added_up_over_the_anime_asked_about() -> None:
    votes = gather_votes([make_query(3, {0: 4, 1: 9, 2: 1}), make_query(5, {0: 2, 1: 3})], N_ANIME)
    assert votes is not None
    rows = np.array([0, 2])
    blank: dict[str, NDArray[np.float32]] = dict.fromkeys(
        ("blend", "embedding", "neighbours", "liked_cosine", "topics"), np.zeros((2, N_ANIME), dtype=np.float32)
    )
    found = votes.similarities(rows, blank)["co_voted"]
    a, b, c, d = np.log1p([4, 9, 2, 3])
    single = 0.3
    first = a + b + single
    assert found[0, 1] == pytest.approx((a * b / first**0.5 + c * d / (c + d) ** 0.5) / (a + c) ** 0.5, rel=1e-5)
    assert found[0, 2] == pytest.approx(a * single / first**0.5 / (a + c) ** 0.5, rel=1e-5)
    # Less than 1 together counts as 1, or a single vote would weigh as much as many.
    assert found[1, 0] == pytest.approx(a * single / first**0.5, rel=1e-5)
    assert found[0, 0] == 0.0
    assert np.count_nonzero(found) == 4


def test_what_is_recommended_for_anime_like_the_query_counts_by_how_alike_they_are() -> None:
    votes = gather_votes([make_query(3, {7: 1, 8: 1}), make_query(5, {8: 1})], N_ANIME)
    assert votes is not None
    blocks = {
        kind: np.zeros((1, N_ANIME), dtype=np.float32)
        for kind in ("blend", "embedding", "neighbours", "liked_cosine", "topics")
    }
    blocks["blend"][0, [3, 5]] = [0.8, 0.2]
    blocks["topics"][0, [3, 5]] = [-0.5, 0.2]
    found = votes.similarities(np.array([0]), blocks)["alike_voted"]
    # The tenth best of two is the worst: .8 / .2, at most 2, for the first kind; 0 and at most 2 for the second.
    like = np.array([2.0, 1.0 + 2.0]) / np.hypot(2.0, 3.0)
    assert found[0, 7] == pytest.approx(like[0] * 0.5**0.5, rel=1e-5)
    assert found[0, 8] == pytest.approx(like[0] * 0.5**0.5 + like[1], rel=1e-5)
    assert np.count_nonzero(found) == 2


@pytest.mark.parametrize("kind", ["co_voted", "alike_voted"])
def test_votes_for_a_pair_are_no_evidence_of_it_in_either_direction(kind: str) -> None:
    others = [make_query(6, {0: 3, 4: 2, 9: 2}), make_query(11, {0: 2, 9: 5})]
    # Of 0 for 9 and of 9 for 0; what else 0 and 9 have stays the same in its share.
    without = with_votes(*others, make_query(0, {20: 2}), make_query(9, {21: 2}))
    with_pair = with_votes(*others, make_query(0, {20: 2, 9: 50}), make_query(9, {21: 2, 0: 50}))
    before, after = column(without, 0, kind), column(with_pair, 0, kind)
    others_before = {other: value for other, value in before.items() if other in {4, 9}}
    # Against each other, since how much is known of the query is a constant among its candidates.
    assert after[9] * others_before.get(4, 0.0) == pytest.approx(after.get(4, 0.0) * others_before[9], abs=1e-6)


def test_what_measuring_queries_recommend_is_never_looked_at() -> None:
    teaching = make_query(6, {0: 3, 4: 2, 9: 2})
    with_measuring = with_votes(teaching, make_query(8, {0: 9, 1: 9}, may_choose=False)).describe(np.arange(N_ANIME))
    alone = with_votes(teaching).describe(np.arange(N_ANIME))
    np.testing.assert_array_equal(with_measuring.features, alone.features)
    assert gather_votes([make_query(8, {0: 9}, may_choose=False)], N_ANIME) is None


def test_without_votes_no_feature_speaks_of_them() -> None:
    names = make_evidence(tastes()).describe(np.array([0])).names
    more = with_votes(make_query(6, {0: 3})).describe(np.array([0])).names
    assert [name for name in more if name not in names] == [
        "co_voted",
        "co_voted_place",
        "alike_voted",
        "alike_voted_place",
    ]


def test_who_is_recommended_beside_the_query_is_a_candidate() -> None:
    evidence = make_evidence(random_interactions(60, 600, 0.2, 3))
    far = np.setdiff1d(np.arange(1, 600), evidence.describe(np.array([0])).others)[0]
    voted = replace(evidence, votes=gather_votes([make_query(6, {0: 3, int(far): 2})], 600))
    assert far in voted.describe(np.array([0])).others
