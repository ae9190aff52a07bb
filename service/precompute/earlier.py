"""Answers of an earlier model that are those of this one too, to the byte: of users whom an update did not touch.

Whatever an answer depends on goes into a digest, and answers with the same digest are the same. That is all arrays of
the model, but of users only the lists of those who are near. Where popularity is looked at, which every update counts
anew, little stays the same; item weights and embeddings do not look at it.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from models.bundle.layout import LAYOUT
from models.bundle.reader import Bundle
from models.scoring.neighbours import DEFAULT_RULE, N_NEIGHBOURS, N_NEIGHBOURS_OF_RULE, NEIGHBOURHOOD_SIZES
from service.api.params import RecommendationsQuery
from service.api.rendering import WrittenPage, recommend
from service.precompute.answers import PrecomputedAnswers
from service.recommending.model import LoadedModel
from service.version import own_version

_DIGEST_BYTES: Final = 16
_BY_USER: Final = frozenset(
    spec.name for spec in LAYOUT if {"n_users", "n_users+1", "n_entries", "n_new_entries"} & set(spec.dims)
) | {"user_index"}
# Of recommendations no part; names are looked at one by one.
_NEVER_LOOKED_AT: Final = frozenset(
    {"cards", "card_offsets", "similar_rows", "similar_scores", "cosine_rows", "cosine_scores"}
    | {"map_positions", "new_map_positions", "synonym_ids", "synonyms", "id_map"}
)
# All that these methods look at, filters aside.
_PLAIN_METHODS: Final = frozenset({("items", None), ("embedding", None), ("neighbours", "top-quarter")})
_PLAIN: Final = frozenset(
    {"anime_ids", "anime_embeddings", "list_embeddings", "anime_gains", "item_weight_rows", "item_weight_values"}
    | {"franchise_codes", "franchise_positions", "franchise_roles"}
)
_POPULAR: Final = b'{"method":"popular"'
_N_PROVED: Final = 20


def answer_digests(model: LoadedModel, query: RecommendationsQuery, user_rows: Iterable[int]) -> dict[int, bytes]:
    """Give for each user row a digest of all that the answer to a query depends on."""
    bundle, request = model.bundle, query.request()
    method = query.method or bundle.manifest.default_methods.recommendations
    rule = query.rule or (DEFAULT_RULE if method == "neighbours" else None)
    k = N_NEIGHBOURS_OF_RULE[rule] if rule else NEIGHBOURHOOD_SIZES[-1] if method == "ranked" else N_NEIGHBOURS
    looked_at = {spec.name for spec in LAYOUT} - _BY_USER - _NEVER_LOOKED_AT
    if not request.include_new:
        looked_at -= {name for name in looked_at if name.startswith("new_")}
        if (method, rule) in _PLAIN_METHODS and not request.novelty:
            looked_at &= _PLAIN
    # Beyond the nearest users that are known all others are searched.
    if request.include_new or k > bundle.nearest_user_rows.shape[1]:
        looked_at |= _BY_USER
    shared = _digest(
        repr((own_version(), query, method, bundle.manifest.reranker_features, sorted(looked_at))).encode(),
        *(entry.sha256.encode() for entry in bundle.manifest.files if entry.name.removesuffix(".npy") in looked_at),
        # Of how many, where popularity is a share.
        str(bundle.n_users if "popularity" in looked_at else 0).encode(),
        model.catalogue.allowed(request.filters).mask.tobytes(),
        repr([names[0] for names in model.catalogue.titles[: bundle.n_anime]]).encode(),
    )
    users = np.frombuffer(b"".join(map(partial(_digest_of_user, bundle), range(bundle.n_users))), dtype="V16")

    def digest(row: int) -> bytes:
        near = users[bundle.nearest_user_rows[row, :k]].tobytes()
        return _digest(shared, users[row].tobytes(), near, bundle.nearest_similarities[row].tobytes())

    return {row: digest(row) for row in user_rows}


def _digest_of_user(bundle: Bundle, row: int) -> bytes:
    entries = slice(*bundle.list_offsets[row : row + 2].tolist())
    listed = (bundle.list_anime_rows, bundle.list_ratings, bundle.list_statuses)
    user_id = str(bundle.user_ids[row]).encode()
    return _digest(user_id, bundle.user_embeddings[row].tobytes(), *(column[entries].tobytes() for column in listed))


def _digest(*parts: bytes) -> bytes:
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for part in parts:
        digest.update(b"%d:%b" % (len(part), part))
    return digest.digest()


@dataclass(frozen=True)
class EarlierAnswers:
    """Answers that lie in a file already."""

    path: Path
    answers: PrecomputedAnswers
    rows: Mapping[int, int]  # from user rows of the model to those of the file

    def find(self, user_row: int) -> WrittenPage | None:
        """Find the answer for one of the rows; None where it has to be computed all the same."""
        page = self.answers.find(self.rows[user_row], self.answers.query)
        # What is popular is looked at by no method but for these users.
        return None if page is None or page.fields.startswith(_POPULAR) else page

    def agree(self, model: LoadedModel) -> bool:
        """Compute some of them again: another machine may give other last digits."""
        some = list(self.rows)[:: max(1, len(self.rows) // _N_PROVED)]
        found = ((row, self.find(row)) for row in some)
        return all(page is None or page == recommend(model, row, self.answers.query) for row, page in found)
