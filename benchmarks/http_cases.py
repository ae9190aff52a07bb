"""What is asked of the service: known users and anime from all over the model, never the same few."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.load import get, post
from models.bundle.reader import Bundle
from models.scoring.user_list import list_of_user

# Far more than one run asks, so that with the memory of answers off next to nothing is asked twice.
_N_PATHS: Final = 50_000
# What "asked again" draws from: as many as fit into the memory many times over.
_WORKING_SET: Final = 1_000
_N_LISTS: Final = 500
_METHODS: Final = ("ranked", "items", "embedding", "neighbours", "neighbours&rule=top-quarter")


@dataclass(frozen=True)
class Case:
    """A kind of request.

    Attributes
    ----------
    name : str
    paths : list of str
    bodies : list of bytes
        To post, one per path; empty for GET.
    again : bool
        Whether it was asked before and is answered from memory.
    """

    name: str
    paths: list[str]
    bodies: list[bytes]
    again: bool = False

    def requests(self) -> Iterator[bytes]:
        """Write the requests, one after the other, without end."""
        if self.bodies:
            written = [post(path, body) for path, body in zip(self.paths, self.bodies, strict=True)]
        else:
            written = [get(path) for path in self.paths]
        yield from itertools.cycle(written)


def make_cases(bundle: Bundle, answered: NDArray[np.int64] | None = None, seed: int = 0) -> list[Case]:
    """Make every case.

    Parameters
    ----------
    bundle : Bundle
        Whose users and anime are asked for.
    answered : ndarray of shape (n,), dtype=int64, optional
        Ids of users whose recommendations were precomputed.
    seed : int, optional
        Draws and orders them.
    """
    rng = np.random.default_rng(seed)
    # In a random order and around again where the model has fewer. Adult titles stand apart: what is most similar to
    # them is adult too, and left out unless it is asked for, so that the whole catalogue has to be ranked.
    anime, adult = (
        np.resize(bundle.anime_ids[rng.permutation(np.flatnonzero(bundle.adult == is_adult))], _N_PATHS)
        for is_adult in (False, True)
    )
    # Somebody who has seen something, as the measured method could not answer for others.
    heard = np.flatnonzero(np.diff(bundle.list_offsets) > 0)
    users = np.resize(bundle.user_ids[rng.permutation(heard)], _N_PATHS)
    known = users if answered is None else np.resize(rng.permutation(answered), _N_PATHS)
    default = bundle.manifest.default_methods.recommendations
    genre = bundle.genre_names[int(np.argmax(bundle.anime_genres.sum(axis=0)))]

    def get_case(name: str, ids: np.ndarray[tuple[int], np.dtype[np.int64]], path: Callable[[int], str]) -> Case:
        return Case(name, [path(identity) for identity in ids.tolist()], [])

    cases = [
        get_case("similar anime", anime, lambda i: f"/anime/{i}/similar"),
        get_case(
            f"similar anime, {genre} from 2000 on",
            anime,
            lambda i: f"/anime/{i}/similar?genre={genre}&year_from=2000".replace(" ", "%20"),
        ),
        *(
            [get_case("similar anime of adult titles", adult, lambda i: f"/anime/{i}/similar")]
            if bundle.adult.any()
            else []
        ),
        get_case("similar users", users, lambda i: f"/users/{i}/similar"),
        # The method is named, and is the default all the same: so spelled, nobody precomputed it.
        get_case("recommendations", users, lambda i: f"/users/{i}/recommendations?method={default}"),
        *(
            [get_case("recommendations, precomputed", known, lambda i: f"/users/{i}/recommendations")]
            if answered is not None
            else []
        ),
        *(
            get_case(
                f"recommendations, {method.replace('&rule=', ', ')}",
                rng.permutation(users),
                lambda i, method=method: f"/users/{i}/recommendations?method={method}",  # type: ignore[misc]
            )
            for method in _offered(bundle)
        ),
        _posted(bundle, rng),
    ]
    again = [case for case in cases if case.name in {"similar anime", "similar users", "recommendations"}]
    return [*cases, *(_asked_again(case) for case in again)]


def _asked_again(case: Case) -> Case:
    paths = case.paths[:_WORKING_SET]
    return Case(f"{case.name}, asked again", paths, [], again=True)


def _offered(bundle: Bundle) -> list[str]:
    absent = set()
    if not bundle.item_weight_rows.shape[1]:
        absent.add("items")
    if not len(bundle.reranker_first):
        absent.add("ranked")
    default = bundle.manifest.default_methods.recommendations
    return [method for method in _METHODS if method not in absent | {default}]


def _posted(bundle: Bundle, rng: np.random.Generator) -> Case:
    """Post lists that known users have: nothing is closer to what unknown ones would post."""
    rows = rng.choice(np.flatnonzero(np.diff(bundle.list_offsets) > 0), size=_N_LISTS).tolist()
    bodies = []
    for row in rows:
        listed = list_of_user(bundle, row)
        entries = [
            {"anime_id": identity, "rating": rating} if rating else {"anime_id": identity}
            for identity, rating in zip(
                bundle.anime_ids[listed.anime_rows].tolist(), listed.ratings.tolist(), strict=True
            )
        ]
        bodies.append(json.dumps({"ratings": entries[:1000]}).encode())
    return Case("POST recommendations", ["/recommendations"] * _N_LISTS, bodies)
