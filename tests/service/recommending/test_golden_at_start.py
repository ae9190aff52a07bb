"""Golden answers at start: a method that answers otherwise than when the bundle was written is refused by name."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

import service.recommending.methods
import service.recommending.recommendations
import service.recommending.similar_anime
import service.recommending.similar_users
from models.bundle.manifest import DefaultMethods, Manifest
from models.bundle.reader import Bundle, assemble
from models.errors import BundleContentError
from models.golden import unseen_list
from models.scoring.items import ItemWeights
from models.scoring.neighbours import NeighbourRegression
from models.scoring.reranker import Reranker
from models.scoring.user_index import UserIndex
from service.recommending.catalogue import Catalogue
from service.recommending.methods import MethodKey
from service.recommending.model import LoadedModel, build_model, check_golden_answers, load_model
from tests.models.small_bundle import nearest_counted, replace_array, user_index
from tests.service.small_bundle import VERSION, make_arrays, make_manifest
from tests.service.small_recommender import without_items, without_reranker

QUESTIONS: Final = [
    "similar anime by embedding",
    "similar anime by ranked",
    "similar anime by cosine",
    "similar anime by content",
    *(
        f"{question}{who}"
        for who in ("", ", for an unseen list")
        for question in (
            "similar users by embedding",
            "recommendations by embedding",
            "recommendations by popular",
            "recommendations by neighbours, top-quarter",
            "recommendations by neighbours, weighted",
            "recommendations by items",
            "recommendations by ranked",
        )
    ),
]


def test_the_golden_answers_of_a_sound_bundle_are_reproduced(store: Path) -> None:
    model = load_model(store / VERSION)
    assert len(model.bundle.manifest.golden) == len(QUESTIONS) + 3  # two anime are asked for
    assert model.version == VERSION


@pytest.mark.parametrize("rule", ["normalised_sum", "trained"])
def test_those_of_more_users_than_any_method_asks_are_reproduced_too(rule: Any) -> None:
    arrays = make_arrays(rule, n_users=260)
    check_golden_answers(build_model(assemble(make_manifest(arrays, rule), arrays)), Path("b"))


def test_users_whom_the_index_misses_are_missed_by_the_service_too() -> None:
    arrays = make_arrays("trained", n_users=260)
    # Tastes without any order in many groups, and the same few next to everybody: few are compared.
    arrays |= user_index(arrays["user_embeddings"], n_groups=130, n_nearest=10, n_probed=16)
    nearest = [[other for other in range(11) if other != row][:10] for row in range(260)]
    arrays["nearest_user_rows"] = np.array(nearest, dtype=np.int32)
    arrays |= nearest_counted(arrays, 10)
    manifest = make_manifest(arrays, "trained")
    model = _model(manifest, arrays)
    check_golden_answers(model, Path("b"))
    golden = next(answer for answer in manifest.golden if answer.kind == "similar_users" and answer.unseen)
    mine = unseen_list(model.bundle, arrays["user_ids"].tolist().index(golden.query_id))
    cosines = arrays["user_embeddings"] @ arrays["list_embeddings"][mine.seen_rows].sum(axis=0)
    assert set(golden.ids) != set(arrays["user_ids"][np.argsort(-cosines)[:10]].tolist())


@pytest.mark.parametrize(
    ("array", "change", "question"),
    [
        ("anime_embeddings", lambda rows: np.roll(rows, 1, axis=0), "similar anime by embedding"),
        ("similar_rows", lambda rows: rows[:, ::-1].copy(), "similar anime by ranked"),
        ("similar_scores", lambda scores: scores * np.float32(0.999), "similar anime by ranked"),
        ("cosine_rows", lambda rows: rows[:, ::-1].copy(), "similar anime by cosine"),
        ("cosine_scores", lambda scores: scores * np.float32(0.999), "similar anime by cosine"),
        ("new_anime_embeddings", lambda rows: np.roll(rows, 1, axis=0), "similar anime by content"),
        ("nearest_user_rows", lambda rows: rows[:, ::-1].copy(), "similar users by embedding"),
        ("list_embeddings", lambda rows: np.roll(rows, 1, axis=0), "similar users by embedding, for an unseen list"),
        ("anime_gains", lambda gains: gains * np.float32(0.999), "recommendations by embedding"),
        ("mean_scores", lambda scores: np.roll(scores, 1), "recommendations by popular"),
        ("list_ratings", lambda ratings: 10 - ratings, "recommendations by neighbours, top-quarter"),
        ("list_statuses", lambda codes: np.roll(codes, 1), "recommendations by neighbours, weighted"),
        ("item_weight_values", lambda values: values * np.float32(0.999), "recommendations by items"),
        ("favorites", lambda counts: counts * 2, "recommendations by ranked"),
        ("reranker_first", lambda layers: layers[:, :, ::-1].copy(), "recommendations by ranked"),
        ("reranker_second", lambda layers: layers * np.float32(1.01), "recommendations by ranked"),
        ("reranker_last", lambda layers: layers * np.float32(1.01), "recommendations by ranked"),
        ("reranker_scales", lambda scales: scales * np.float32(1.01), "recommendations by ranked"),
    ],
)
def test_arrays_that_answer_otherwise_are_refused_though_their_sums_are_right(
    own_store: Path, array: str, change: Callable[[Any], Any], question: str
) -> None:
    replace_array(own_store / VERSION, array, change)
    with pytest.raises(BundleContentError, match=rf"\({question}; query \d+\) is not reproduced: expected .*, got "):
        load_model(own_store / VERSION)


@pytest.fixture(scope="module")
def arrays() -> dict[str, Any]:
    return make_arrays()


@pytest.fixture(scope="module")
def manifest(arrays: dict[str, Any]) -> Manifest:
    return make_manifest(arrays)


def _refusal(manifest: Manifest, arrays: dict[str, Any]) -> str:
    model = _model(manifest, arrays)
    with pytest.raises(BundleContentError) as refused:
        check_golden_answers(model, Path("b"))
    return str(refused.value)


def _model(manifest: Manifest, arrays: dict[str, Any]) -> LoadedModel:
    return build_model(Bundle(manifest=manifest, **arrays))


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_has_no_golden_answer_is_refused(manifest: Manifest, arrays: dict[str, Any], question: str) -> None:
    kept = [answer for answer in manifest.golden if _in_words(answer) != question]
    assert len(kept) < len(manifest.golden)
    # Whether it is the default or not.
    methods = DefaultMethods(similar_anime="embedding", recommendations="embedding")
    text = _refusal(manifest.model_copy(update={"golden": kept, "default_methods": methods}), arrays)
    assert text == f"b/manifest.json: holds no golden answer for {question}; train the bundle anew"


def _in_words(answer: Any) -> str:
    rule, who = f", {answer.rule}" if answer.rule else "", ", for an unseen list" if answer.unseen else ""
    return f"{answer.kind.replace('_', ' ')} by {answer.method}{rule}{who}"


def test_a_bundle_without_any_golden_answer_is_refused_with_all_that_it_lacks(
    manifest: Manifest, arrays: dict[str, Any]
) -> None:
    text = _refusal(manifest.model_copy(update={"golden": []}), arrays)
    assert all(question in text for question in QUESTIONS)


def test_a_default_that_the_model_does_not_have_is_refused(arrays: dict[str, Any]) -> None:
    fewer = without_reranker(arrays)
    fewer |= {name: arrays[name][:, :0] for name in ("similar_rows", "similar_scores")}
    manifest = make_manifest(fewer)
    check_golden_answers(_model(manifest, fewer), Path("b"))
    for kind, words in (("recommendations", "recommendations"), ("similar_anime", "similar anime")):
        methods = manifest.default_methods.model_copy(update={kind: "ranked"})
        text = _refusal(manifest.model_copy(update={"default_methods": methods}), fewer)
        assert f"no golden answer for {words} by ranked" in text


@pytest.mark.parametrize("place", range(len(QUESTIONS) + 3))
def test_other_scores_and_other_ids_are_refused(manifest: Manifest, arrays: dict[str, Any], place: int) -> None:
    answer = manifest.golden[place]
    changes: list[dict[str, Any]] = [
        {"scores": [score * 1.001 for score in answer.scores]},
        {"ids": [answer.ids[-1], *answer.ids[1:-1], answer.ids[0]]},
        {"ids": answer.ids[:-1], "scores": answer.scores[:-1]},
    ]
    for change in changes:
        golden = [*manifest.golden[:place], answer.model_copy(update=change), *manifest.golden[place + 1 :]]
        text = _refusal(manifest.model_copy(update={"golden": golden}), arrays)
        assert f"({_in_words(answer)}; query {answer.query_id}) is not reproduced" in text


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"query_id": 2}, "anime 2 is not in the model"),
        ({"kind": "similar_users", "query_id": 1}, "user 1 is not in the model"),
        ({"kind": "recommendations", "method": "items", "query_id": 147}, "golden query: recommendations by items"),
    ],
)
def test_a_golden_query_that_the_model_cannot_answer_is_refused(
    manifest: Manifest, arrays: dict[str, Any], change: dict[str, Any], fault: str
) -> None:
    golden = [manifest.golden[0].model_copy(update=change)]
    assert fault in _refusal(manifest.model_copy(update={"golden": golden}), without_items(arrays))


METHODS: Final[list[MethodKey]] = [
    ("embedding", None),
    ("popular", None),
    ("neighbours", "top-quarter"),
    ("neighbours", "weighted"),
    ("items", None),
    ("ranked", None),
]


@pytest.mark.parametrize(("key", "other"), [(key, METHODS[place - 1]) for place, key in enumerate(METHODS)])
def test_a_service_that_answers_for_one_method_by_another_is_refused(
    manifest: Manifest, arrays: dict[str, Any], monkeypatch: pytest.MonkeyPatch, key: MethodKey, other: MethodKey
) -> None:
    make_methods = service.recommending.methods.make_methods

    def confused(bundle: Bundle, catalogue: Catalogue) -> Any:
        methods = make_methods(bundle, catalogue)
        return methods | {key: methods[other]}

    monkeypatch.setattr(service.recommending.recommendations, "make_methods", confused)
    method, rule = key
    words = f"recommendations by {method}" + (f", {rule}" if rule else "")
    assert re.search(rf"\({words}; query \d+\) is not reproduced", _refusal(manifest, arrays))


def _backwards(results: Any) -> Any:
    """Turn scores around, of whatever form they come in."""
    if isinstance(results, np.ndarray):
        return results[::-1].copy()
    if isinstance(results, tuple):
        return results._replace(rows=results.rows[::-1].copy())  # type: ignore[attr-defined]
    return replace(results, scores=results.scores[::-1].copy())


@pytest.mark.parametrize(
    ("owner", "name", "question"),
    [
        (service.recommending.similar_anime, "cosine_scores", "similar anime by embedding"),
        (UserIndex, "ranked", "similar users by embedding"),
        (service.recommending.similar_users, "embed_list", "similar users by embedding, for an unseen list"),
        (service.recommending.methods, "list_scores", "recommendations by embedding"),
        (service.recommending.methods, "popular_scores", "recommendations by popular"),
        (service.recommending.methods, "score_by_neighbours", "recommendations by neighbours, top-quarter"),
        (NeighbourRegression, "fit", "recommendations by neighbours, weighted"),
        (ItemWeights, "score", "recommendations by items"),
        (Reranker, "rerank", "recommendations by ranked"),
    ],
)
def test_code_that_scores_otherwise_is_refused(
    manifest: Manifest, arrays: dict[str, Any], monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, question: str
) -> None:
    scored = getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *given, **named: _backwards(scored(*given, **named)))
    assert f"({question}; query " in _refusal(manifest, arrays)
