"""Embeddings of new anime, from content."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from training.embeddings.content import read_content
from training.embeddings.new_anime import describe_content, embed_new_anime, predict_embeddings

STUDIOS, SOURCES, RATINGS = ["", "Bones", "Sunrise"], ["", "Manga"], ["", "PG"]


def make_catalogue(kinds: NDArray[Any], *, known: bool = True, first_id: int = 0) -> dict[str, NDArray[Any]]:
    """Make anime of two kinds, which differ in genre, studio, era and words; of kind -1 nothing is known."""
    n = len(kinds)
    words = {0: "giant robots fight in space", 1: "girls drink tea after school", -1: ""}
    cards = [f'{{"synopsis": "{words[kind]}"}}'.encode() for kind in kinds.tolist()]
    codes = np.where(kinds < 0, 0, 1 + kinds)
    return {
        "anime_ids": first_id + np.arange(n),
        "cards": np.frombuffer(b"".join(cards), dtype=np.uint8),
        "card_offsets": np.cumsum([0, *map(len, cards)]),
        "anime_genres": np.stack([kinds == 0, kinds == 1], axis=1),
        "type_codes": np.where(kinds < 0, 0, 1).astype(np.uint8),
        "source_codes": np.where(kinds < 0, 0, 1),
        "studio_codes": codes,
        "age_rating_codes": np.where(kinds < 0, 0, 1),
        "start_days": np.where(kinds < 0, 0, 30_000 + 9_000 * kinds),
    }


def _embeddings(kinds: NDArray[Any]) -> NDArray[np.float32]:
    rows: NDArray[np.float32] = np.eye(3, dtype=np.float32)[kinds]
    return rows


def test_a_new_anime_lies_where_those_of_its_kind_lie() -> None:
    kinds, new_kinds = np.arange(40) % 2, np.array([1, 0, -1])
    known, new = make_catalogue(kinds), make_catalogue(new_kinds, first_id=100)
    popularity = np.ones(40, dtype=np.int32)
    found = embed_new_anime(read_content(known), known, new, popularity, _embeddings(kinds))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-6)
    assert found.dtype == np.float32
    assert found[0] @ [0, 1, 0] > 0.95
    assert found[1] @ [1, 0, 0] > 0.95
    # Nothing is known of the last: it lies between the two.
    np.testing.assert_allclose(found[2], [0.5**0.5, 0.5**0.5, 0.0], atol=0.05)


@pytest.mark.parametrize("same", ["anime_genres", "studio_codes", "start_days", "cards"])
def test_each_trait_alone_tells_the_kinds_apart(same: str) -> None:
    kinds, new_kinds = np.arange(40) % 2, np.array([1, 0])
    known, new = make_catalogue(kinds), make_catalogue(new_kinds)
    for catalogue in (known, new):
        for name in {"anime_genres", "studio_codes", "start_days"} - {same}:
            catalogue[name] = np.zeros_like(catalogue[name])
        if same != "cards":
            plain = make_catalogue(np.full(len(catalogue["anime_ids"]), -1))
            catalogue |= {name: plain[name] for name in ("cards", "card_offsets")}
    found = embed_new_anime(read_content(known), known, new, np.ones(40, dtype=np.int32), _embeddings(kinds))
    assert found[0, 1] > found[0, 0] + 0.1
    assert found[1, 0] > found[1, 1] + 0.1


def test_what_many_have_seen_counts_for_more() -> None:
    features = np.ones((2, 1), dtype=np.float32)
    popularity = np.array([1000, 1], dtype=np.int32)
    found = predict_embeddings(features, np.eye(2, dtype=np.float32), popularity, features[:1])
    assert found[0, 0] / found[0, 1] == pytest.approx(1000**0.7, rel=1e-4)


def test_codes_that_the_known_anime_lack_say_nothing_and_0_is_unknown() -> None:
    known, new = make_catalogue(np.array([0, 0, 1, -1, -1, -1])), make_catalogue(np.array([-1]))
    topics = np.zeros((1, 0), dtype=np.float32)
    row = describe_content(new, known, topics)[0]
    assert row[0] == 1.0
    assert not row[1:].any()


def test_an_anime_before_or_after_all_others_counts_as_the_first_or_the_last_of_them() -> None:
    known = make_catalogue(np.array([0, 0, 1]))
    new = make_catalogue(np.array([0, 0, 1, 1]))
    new["start_days"] = np.array([1, 30_000, 39_000, 60_000])
    rows = describe_content(new, known, np.zeros((4, 0), dtype=np.float32))
    np.testing.assert_array_equal(rows[0], rows[1])
    np.testing.assert_array_equal(rows[2], rows[3])
    assert (rows[1] != rows[2]).any()


def test_without_words_genres_and_codes_every_new_anime_is_the_mean() -> None:
    kinds = np.full(6, -1)
    known = make_catalogue(kinds)
    embeddings = np.eye(6, dtype=np.float32)
    found = embed_new_anime(
        read_content(known), known, make_catalogue(kinds[:2]), np.ones(6, dtype=np.int32), embeddings
    )
    np.testing.assert_allclose(found, np.full((2, 6), 6**-0.5), atol=1e-6)
