"""Golden answers: a service that scores as the writer did reproduces them, one that does not is caught."""

from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from models.bundle.manifest import GoldenAnswer
from models.bundle.reader import Bundle, assemble
from models.golden import agrees, make_golden_answers
from models.scoring.user_list import UserList, list_of_user
from tests.models.slow_users import slow_counts
from tests.models.small_bundle import Arrays, make_arrays, make_manifest, user_index

GOLDEN = GoldenAnswer(kind="similar_anime", method="embedding", query_id=1, ids=[5, 6, 7], scores=[0.9, 0.5, 0.49995])
# More users than any method asks.
N_ANIME, N_USERS = 30, 230
KINDS: Final = ("similar_anime", "similar_users", "recommendations")


def _arrays(n_anime: int = N_ANIME, n_users: int = N_USERS, **fewer: int) -> Arrays:
    """Make a model without a re-ranker, whose features have tests of their own."""
    arrays = make_arrays(n_anime=n_anime, n_users=n_users)
    for name in ("first", "second", "last"):
        arrays[f"reranker_{name}"] = arrays[f"reranker_{name}"][:0]
    for name in (
        "item_weight_rows",
        "item_weight_values",
        *(f"{method}_{part}" for method in ("similar", "cosine") for part in ("rows", "scores")),
    ):
        arrays[name] = arrays[name][:, : fewer.get(name.rpartition("_")[0], 100)]
    # Two that nobody has rated, and one that nobody has on a list.
    arrays["mean_scores"][[3, 4][: n_anime // 5]] = 0
    return arrays


def _golden(arrays: Arrays) -> list[GoldenAnswer]:
    return make_golden_answers(assemble(make_manifest(), arrays))


def _nearest(bundle: Bundle, embedding: Any, without: int | None, k: int) -> tuple[list[int], NDArray[Any]]:
    cosines = bundle.user_embeddings.astype(float) @ embedding.astype(float)
    rows = [row for row in np.argsort(-cosines, kind="stable").tolist() if row != without][:k]
    return rows, cosines[rows]


def _scores(bundle: Bundle, name: str, mine: UserList, embedding: Any, without: int | None) -> dict[int, float]:
    """Score anime the slow way, from what docs/adr and the papers say, with the numbers that were chosen."""
    n_anime, popularity = bundle.n_anime, np.maximum(bundle.popularity, 1).astype(float)
    counts = slow_counts(mine)
    if name == "embedding":
        return dict(enumerate(bundle.anime_embeddings @ embedding * bundle.anime_gains))
    if name == "items":
        pairs = [
            dict(zip(*pair, strict=True))
            for pair in zip(bundle.item_weight_rows.tolist(), bundle.item_weight_values.tolist(), strict=True)
        ]
        return {
            row: sum(pairs[row].get(other, 0.0) * count for other, count in counts.items()) for row in range(n_anime)
        }
    if name == "popular":
        known = bundle.mean_scores > 0
        mean, trusted = bundle.mean_scores[known].mean(), max(np.quantile(bundle.popularity[known], 0.9), 1)
        own = np.where(known, bundle.mean_scores, mean)
        return dict(enumerate((bundle.popularity * own + trusted * mean) / (bundle.popularity + trusted) / 10))
    scores: dict[int, float] = {}
    if name == "top-quarter":
        rows, cosines = _nearest(bundle, embedding, without, 50)
        total = cosines[cosines > 0].sum()
        for row, cosine in zip(rows, cosines, strict=True):
            theirs = list_of_user(bundle, row)
            rated = theirs.ratings[theirs.ratings > 0]
            for anime, rating in zip(theirs.anime_rows.tolist(), theirs.ratings.tolist(), strict=True):
                if cosine > 0 and rating and rating >= np.percentile(rated, 75):
                    scores[anime] = scores.get(anime, 0.0) + cosine / total
        return scores
    rows, _ = _nearest(bundle, embedding, without, 200)
    # Shape: (n_neighbours, n_anime), who has seen what.
    holds = np.array([np.isin(np.arange(n_anime), list_of_user(bundle, row).seen_rows) for row in rows], dtype=float)
    idf = popularity**-0.3
    gram = (holds * idf) @ holds.T
    ridge = 2 * (np.trace(gram) / len(rows) + 1e-6)
    weights = np.linalg.solve(
        gram + ridge * np.eye(len(rows)), (holds * idf)[:, list(counts)] @ list(counts.values())
    )
    fitted = weights @ holds * popularity**-0.25
    return {row: score for row, score in enumerate(fitted.tolist()) if score > 0}


def _hold(answer: GoldenAnswer, scores: dict[int, float], ids: Any) -> None:
    rows = sorted(scores, key=lambda row: (-scores[row], row))[:10]
    assert answer.ids == ids[rows].tolist()
    assert answer.scores == pytest.approx([scores[row] for row in rows], rel=1e-4)


# Of two users one is the other's only neighbour, who does not speak for ten anime.
@pytest.mark.parametrize("n_users", [N_USERS, 2])
def test_golden_recommendations_and_similar_users_are_what_brute_force_says(n_users: int) -> None:
    bundle = assemble(make_manifest(), _arrays(n_users=n_users))
    answers = [answer for answer in make_golden_answers(bundle) if answer.kind != "similar_anime"]
    methods = ["embedding", "popular", "top-quarter", "weighted", "items"]
    assert [answer.rule or answer.method for answer in answers] == 2 * ["embedding", *methods]
    assert [answer.unseen for answer in answers] == [False] * 6 + [True] * 6
    for answer in answers:
        row = bundle.user_ids.tolist().index(answer.query_id)
        mine, embedding, without = list_of_user(bundle, row), bundle.user_embeddings[row], row
        if answer.unseen:
            # Somebody who has every second entry of the list, and is nobody whom the model knows.
            mine = UserList(mine.anime_rows[::2], mine.ratings[::2], mine.statuses[::2])
            counts = slow_counts(mine)
            added = np.array(list(counts.values())) @ bundle.list_embeddings[list(counts)].astype(float)
            embedding, without = added / np.linalg.norm(added), -1
        if answer.kind == "similar_users":
            _hold(answer, dict(zip(*_nearest(bundle, embedding, without, 10), strict=True)), bundle.user_ids)
            continue
        scores = _scores(bundle, answer.rule or answer.method, mine, embedding, without)
        listed = mine.anime_rows.tolist()
        _hold(answer, {row: score for row, score in scores.items() if row not in listed}, bundle.anime_ids)


def test_golden_similar_anime_are_what_brute_force_says() -> None:
    arrays = _arrays()
    answers = [answer for answer in _golden(arrays) if answer.kind == "similar_anime"]
    most_popular = np.argsort(-arrays["popularity"], kind="stable")[:2]
    ids, cosines = arrays["anime_ids"], arrays["anime_embeddings"] @ arrays["anime_embeddings"].T
    *of_known, of_new = answers
    assert [(answer.query_id, answer.method) for answer in of_known] == [
        (ids[row], method) for row in most_popular for method in ("embedding", "ranked", "cosine")
    ]
    for row, embedding, *by_neighbours in zip(most_popular, *(of_known[i::3] for i in range(3)), strict=True):
        scores = {other: float(cosines[row, other]) for other in range(N_ANIME) if other != row}
        _hold(embedding, scores, ids)
        # What is no neighbour follows below the last, in the order of its cosine.
        for name, answer in zip(("similar", "cosine"), by_neighbours, strict=True):
            neighbours, similarities = (arrays[f"{name}_{part}"][row].tolist() for part in ("rows", "scores"))
            below = {other: 0.99 * similarities[-1] * (cosine + 1) / 2 for other, cosine in scores.items()}
            _hold(answer, below | dict(zip(neighbours, similarities, strict=True)), ids)
    asked = int(np.argmax(arrays["new_members"]))
    embeddings = np.concatenate([arrays["anime_embeddings"], arrays["new_anime_embeddings"]])
    all_ids = np.concatenate([ids, arrays["new_anime_ids"]])
    assert (of_new.method, of_new.query_id) == ("content", arrays["new_anime_ids"][asked])
    cosines = (
        embeddings @ arrays["new_anime_embeddings"][asked] * np.where(np.arange(len(all_ids)) < N_ANIME, 1.0, 0.6)
    )
    _hold(of_new, {row: float(cosines[row]) for row in range(len(all_ids)) if row != N_ANIME + asked}, all_ids)


def test_users_are_asked_for_whose_lists_are_neither_short_nor_long() -> None:
    arrays = make_arrays(n_anime=150, n_users=300)
    for name in ("first", "second", "last"):
        arrays[f"reranker_{name}"] = arrays[f"reranker_{name}"][:0]
    bundle = assemble(make_manifest(), arrays)
    asked = {answer.query_id for answer in make_golden_answers(bundle) if answer.kind != "similar_anime"}
    assert len(asked) == 2
    for user_id in asked:
        mine = list_of_user(bundle, bundle.user_ids.tolist().index(user_id))
        assert 40 <= len(mine.seen_rows) <= len(mine.anime_rows) <= 80


@pytest.mark.parametrize("cut", [25, 50, 60, 200])
@pytest.mark.parametrize("unseen", [False, True])
def test_nobody_is_asked_for_whose_last_neighbour_another_is_as_near_as(cut: int, unseen: bool) -> None:
    """Which of the two is taken may depend on the processor's rounding."""
    arrays = _arrays()

    def asked() -> GoldenAnswer:
        found = [a for a in _golden(arrays) if (a.kind, a.unseen, a.method) == ("recommendations", unseen, "items")]
        return found[0]

    first = asked()
    bundle = assemble(make_manifest(), arrays)
    row = bundle.user_ids.tolist().index(first.query_id)
    embedding, without = bundle.user_embeddings[row], row
    if unseen:
        whole = list_of_user(bundle, row)
        counts = slow_counts(UserList(whole.anime_rows[::2], whole.ratings[::2], whole.statuses[::2]))
        added = np.array(list(counts.values())) @ bundle.list_embeddings[list(counts)].astype(float)
        embedding, without = added, -1
    nearest, _ = _nearest(bundle, embedding, without, cut + 1)
    arrays["user_embeddings"] = arrays["user_embeddings"].copy()
    arrays["user_embeddings"][nearest[cut]] = arrays["user_embeddings"][nearest[cut - 1]]
    arrays |= user_index(arrays["user_embeddings"], n_groups=2, n_nearest=3, n_probed=2)
    assert asked().query_id != first.query_id


@pytest.mark.parametrize(
    ("fewer", "missing"),
    [
        ({"item_weight": 0}, {"recommendations items"}),
        ({"similar": 0}, {"similar_anime ranked"}),
        ({"cosine": 0}, {"similar_anime cosine"}),
    ],
)
def test_a_method_that_a_bundle_lacks_has_no_golden_answer(fewer: dict[str, int], missing: set[str]) -> None:
    whole, less = (
        {f"{answer.kind} {answer.method}" for answer in _golden(arrays)} for arrays in (_arrays(), _arrays(**fewer))
    )
    assert whole - less == missing
    assert not less - whole


def test_a_model_of_one_user_and_one_anime_has_golden_answers_too() -> None:
    answers = _golden(_arrays(n_anime=1, n_users=1))
    assert {answer.kind for answer in answers} == set(KINDS)
    # Somebody the model never saw has one user next to them.
    assert [answer.ids for answer in answers if answer.ids] == [[10]]
    assert all(agrees(answer, answer.ids, answer.scores) for answer in answers)


@pytest.mark.parametrize(
    ("ids", "scores"),
    [
        ([5, 6, 7], [0.9, 0.5, 0.49995]),
        ([5, 6, 7], [0.90005, 0.49995, 0.5]),  # the last bits differ
        ([5, 7, 6], [0.9, 0.5, 0.49995]),  # a near-tie swapped
        ([5, 6, 99], [0.9, 0.5, 0.49995]),  # a near-tie with one that is not listed
    ],
)
def test_an_answer_agrees_within_rounding(ids: list[int], scores: list[float]) -> None:
    assert agrees(GOLDEN, ids, scores)


@pytest.mark.parametrize(
    ("ids", "scores"),
    [
        ([5, 6], [0.9, 0.5]),
        ([], []),
        ([6, 5, 7], [0.9, 0.5, 0.49995]),
        ([99, 6, 7], [0.9, 0.5, 0.49995]),
        ([5, 6, 7], [0.9, 0.5003, 0.49995]),
        ([5, 6, 7], [0.9, 0.5, float("nan")]),
    ],
)
def test_another_answer_does_not_agree(ids: list[int], scores: list[float]) -> None:
    assert not agrees(GOLDEN, ids, scores)


def test_scores_agree_by_a_share_of_the_largest_of_them() -> None:
    """Scores of one method are a hundredth of another's: what is rounding there is another answer here."""
    small = GOLDEN.model_copy(update={"scores": [0.009, 0.005, 0.004]})
    assert agrees(small, [5, 6, 7], [0.009, 0.005, 0.004])
    assert not agrees(small, [5, 6, 7], [0.009, 0.005, 0.00395])
    assert not agrees(small, [5, 7, 6], [0.009, 0.005, 0.004])
    large = GOLDEN.model_copy(update={"scores": [90.0, 50.0, 40.0]})
    assert agrees(large, [5, 6, 7], [90.0, 50.001, 40.0])
