"""A bundle, read, checked and ready to answer."""

import gc
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, Final, Protocol, cast

from models.bundle.layout import MANIFEST_FILE, UserId
from models.bundle.manifest import GoldenAnswer, SimilarAnimeMethod
from models.bundle.reader import Bundle, opened_bundle
from models.bundle.sums import Sums
from models.errors import BundleContentError
from models.golden import GOLDEN_K, agrees, question_in_words, unseen_list
from models.scoring.neighbours import NeighbourRule
from models.scoring.ranking import Cut
from models.store import hold_bundle
from service.recommending.catalogue import Catalogue, row_of_user
from service.recommending.comparison import Comparisons
from service.recommending.errors import ModelRefusedError, NotReadyError, ServiceError
from service.recommending.group import GroupRecommender
from service.recommending.memory import take_large_arrays_from_the_kernel, trim_memory
from service.recommending.new_recommendations import NewAnimeRecommender
from service.recommending.recommendations import RecommendationsPage, Recommender
from service.recommending.requests import Filters, MethodName, RecommendationsRequest, SimilarAnimeRequest
from service.recommending.similar_anime import SimilarAnime
from service.recommending.similar_users import SimilarUsers, UserProfile
from service.recommending.title_search import TitleSearch
from service.recommending.titles import make_title_search

_OBJECTS_PER_COLLECTION: Final = 20_000


class PrecomputedAnswers(Protocol):
    """Recommendations that were computed before they are asked for; see :mod:`service.precompute`."""

    n_answers: int

    def find(self, user_row: int, query: Any) -> Any:
        """Find the answer to a query; None where it has to be computed."""


@dataclass(frozen=True)
class LoadedModel:
    """Everything that answers requests. Immutable, apart from what it remembers of earlier answers."""

    bundle: Bundle
    catalogue: Catalogue
    similar_anime: SimilarAnime
    similar_users: SimilarUsers
    recommender: Recommender
    new_anime_recommender: NewAnimeRecommender
    group_recommender: GroupRecommender
    comparisons: Comparisons
    precomputed: PrecomputedAnswers | None = None

    @cached_property
    def title_search(self) -> TitleSearch:
        """Finds anime by their titles. Made at the first use: a tenth of a start, that few requests wait for."""
        return make_title_search(self.bundle, self.catalogue)

    def recommend(self, profile: UserProfile, request: RecommendationsRequest) -> RecommendationsPage:
        """Recommend anime to a user, new ones too if they ask for them.

        Raises
        ------
        InvalidRequestError
            If a filter names an unknown type or genre, or a method or rule is named that this model does not have.
        """
        return (self.new_anime_recommender if request.include_new else self.recommender).page(profile, request)

    @property
    def version(self) -> str:
        """The model's version, which every answer carries."""
        return self.bundle.manifest.model_version


@dataclass(frozen=True)
class Refusal:
    """A bundle that was to answer next, and why it does not."""

    model_version: str
    fault: str
    refused_at: datetime


class Readiness:
    """Holds the model once there is one, and the fault where there is none.

    Loading happens beside the event loop: until it is done, probes and problems are answered already. Another model
    may take the place of the first at any time, so a request asks for it once.
    """

    def __init__(self) -> None:
        self._model: LoadedModel | None = None
        self._fault: str | None = None
        self.refusal: Refusal | None = None
        self.n_swaps = self.n_refusals = 0

    def model(self) -> LoadedModel:
        """Give the model.

        Raises
        ------
        NotReadyError
            If it is still being read.
        ModelRefusedError
            If the bundle could not be used.
        """
        if self._model is not None:
            return self._model
        if self._fault is not None:
            raise ModelRefusedError(self._fault)
        raise NotReadyError

    def model_if_ready(self) -> LoadedModel | None:
        """Give the model, or None where there is none (yet)."""
        return self._model

    def accept(self, model: LoadedModel) -> None:
        """Serve a model from now on."""
        if self._model is not None and self._model.version != model.version:
            self.n_swaps += 1
        self._model = model
        self.refusal = None

    def refuse_other(self, refusal: Refusal) -> None:
        """Remember why a bundle does not take the place of the model that answers."""
        self.refusal = refusal
        self.n_refusals += 1

    def refuse(self, fault: str) -> None:
        """Remember why there is no model."""
        self._fault = fault


def build_model(bundle: Bundle, folder: Path = Path()) -> LoadedModel:
    """Make what answers requests of a bundle; ``folder`` is named in messages.

    Raises
    ------
    BundleContentError
        If the bundle's cards are not what they should be.
    """
    catalogue = Catalogue(bundle, folder)
    recommender = Recommender(bundle, catalogue)
    return LoadedModel(
        bundle=bundle,
        catalogue=catalogue,
        similar_anime=SimilarAnime(bundle, catalogue),
        similar_users=SimilarUsers(bundle),
        recommender=recommender,
        new_anime_recommender=NewAnimeRecommender(bundle, catalogue, recommender),
        group_recommender=GroupRecommender(bundle, catalogue, recommender),
        comparisons=Comparisons(bundle),
    )


def load_model(folder: Path, *, is_checked: bool = False, sums: Sums | None = None) -> LoadedModel:
    """Read a bundle with every check, and have it reproduce its golden answers.

    ``is_checked`` and ``sums`` are those of :func:`models.bundle.reader.opened_bundle`.

    Raises
    ------
    BundleError
        If there is no bundle, or it cannot be trusted.
    """
    take_large_arrays_from_the_kernel()
    # What is read lives as long as the process: the collector need not walk it, neither now nor again and again.
    gc.disable()
    try:
        # The model is made while the bundle's bytes are checked, and answers nothing before they were.
        with opened_bundle(folder, is_checked=is_checked, sums=sums) as bundle:
            weakref.finalize(bundle, hold_bundle(folder).close)
            model = build_model(bundle, folder)
        check_golden_answers(model, folder)
        # Without collecting first: of garbage there is a hundred kB, which takes a tenth of a second to find.
        gc.freeze()
        # A posted list makes more objects than the 700 after which the collector looks for cycles, and leaves none.
        gc.set_threshold(_OBJECTS_PER_COLLECTION)
    finally:
        gc.enable()
    trim_memory()
    return model


def check_golden_answers(model: LoadedModel, folder: Path) -> None:
    """Answer the manifest's golden queries the way requests are answered, and compare.

    Raises
    ------
    BundleContentError
        If an answer differs from what training computed: this machine or this code would answer wrongly. If there is
        none for a method that this model offers.
    """
    manifest_file = folder / MANIFEST_FILE
    unchecked = _questions(model)
    # One search for all methods that are asked for one list.
    profile_of = cache(partial(_profile_of, model))
    for golden in model.bundle.manifest.golden:
        question = question_in_words(golden.kind, golden.method, golden.rule, unseen=golden.unseen)
        try:
            ids, scores = _answer(model, golden, profile_of)
        except ServiceError as error:
            raise BundleContentError(manifest_file, f"golden query: {question}: {error.detail}") from error
        if not agrees(golden, ids, scores):
            expected, received = (
                [(identity, round(score, 6)) for identity, score in zip(*pair, strict=True)]
                for pair in ((golden.ids, golden.scores), (ids, scores))
            )
            fault = f"golden answer ({question}; query {golden.query_id}) is not reproduced"
            mend = "serve it with the software that trained it, or train it anew"
            raise BundleContentError(manifest_file, f"{fault}: expected {expected}, got {received}; {mend}")
        unchecked.discard(question)
    if unchecked:
        names = "; ".join(sorted(unchecked))
        raise BundleContentError(manifest_file, f"holds no golden answer for {names}; train the bundle anew")


def _questions(model: LoadedModel) -> set[str]:
    """Name everything that the model answers with scores, and what it is asked where a request names no method."""
    default = model.bundle.manifest.default_methods
    of_anime = {
        question_in_words("similar_anime", method) for method in (*model.similar_anime.methods, default.similar_anime)
    }
    offered = {name for name, _ in model.recommender.methods}
    of_lists = [
        ("similar_users", "embedding", None),
        *(("recommendations", *key) for key in model.recommender.methods),
        *(("recommendations", name, None) for name in {default.recommendations} - offered),
    ]
    return of_anime | {
        question_in_words(kind, method, rule, unseen=unseen)
        for kind, method, rule in of_lists
        for unseen in (False, True)
    }


def _profile_of(model: LoadedModel, user_id: UserId, unseen: bool) -> UserProfile:
    row = row_of_user(model.bundle, user_id)
    users = model.similar_users
    return users.unseen_user(unseen_list(model.bundle, row)) if unseen else users.known_user(row)


def _answer(
    model: LoadedModel, golden: GoldenAnswer, profile_of: Callable[[UserId, bool], UserProfile]
) -> tuple[list[UserId], list[float]]:
    bundle = model.bundle
    if golden.kind == "similar_users":
        row, cut = row_of_user(bundle, golden.query_id), Cut(limit=GOLDEN_K)
        users = (
            model.similar_users.page_of_list(unseen_list(bundle, row), cut)
            if golden.unseen
            else model.similar_users.page(row, cut)
        )
        return bundle.user_ids[users.ranking.rows].tolist(), users.ranking.scores
    # Without franchises: golden answers are there to compare numbers.
    filters = Filters(include_adult=True)
    if golden.kind == "similar_anime":
        anime_row = model.catalogue.row_of(cast(int, golden.query_id))
        method = cast(SimilarAnimeMethod, golden.method)
        ask_anime = SimilarAnimeRequest(limit=GOLDEN_K, filters=filters, method=method, collapse_franchise=False)
        page = model.similar_anime.page(anime_row, ask_anime)
    else:
        rule = cast(NeighbourRule | None, golden.rule)
        ask = RecommendationsRequest(
            limit=GOLDEN_K,
            filters=filters,
            method=cast(MethodName, golden.method),
            rule=rule,
            collapse_franchise=False,
            include_disliked_franchises=True,
        )
        page = model.recommender.page(profile_of(golden.query_id, golden.unseen), ask).ranking
    return bundle.catalogue_ids[page.rows].tolist(), page.scores
