"""Bundles whose user ids are texts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.bundle.manifest import GoldenAnswer
from models.bundle.reader import assemble, read_bundle
from models.bundle.writer import write_bundle
from models.errors import BundleContentError
from models.golden import make_golden_answers
from tests.models.small_bundle import make_arrays, make_manifest

N_USERS: Final = 7
TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200).filter(
    lambda text: not text.endswith("\0") and not text.startswith("\0")
)


@settings(max_examples=10, deadline=None)
@given(texts=st.lists(TEXTS, min_size=N_USERS, max_size=N_USERS, unique=True))
def test_any_texts_are_read_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("texts")
    arrays = make_arrays() | {"user_ids": np.array(sorted(texts))}
    write_bundle(folder, make_manifest(), arrays)
    bundle = read_bundle(folder)
    assert bundle.has_text_user_ids
    assert bundle.user_ids.tolist() == sorted(texts)


def test_whole_numbers_stay_numbers() -> None:
    bundle = assemble(make_manifest(), make_arrays())
    assert not bundle.has_text_user_ids
    assert bundle.user_ids.dtype == np.int64


def _with_character(code: int) -> NDArray[np.str_]:
    ids = np.array(["a", "b", "c", "d", "e", "f", "gh"])
    ids.view(np.uint32)[-1] = code
    return ids


@pytest.mark.parametrize(
    ("user_ids", "fault"),
    [
        (np.array(["b", "a", "c", "d", "e", "f", "g"]), "not strictly ascending"),
        (np.array(["a", "a", "c", "d", "e", "f", "g"]), "not strictly ascending"),
        (np.array(["", "a", "c", "d", "e", "f", "g"]), "have not 1 to 200 characters"),
        (np.array(["a", "b", "c", "d", "e", "f", "g" * 201]), "have not 1 to 200 characters"),
        (np.array(list("abcdefg")).astype(">U1"), "has dtype >U1, the format says int64 or str"),
        (np.array(list("abcdefg")).astype("S"), "has dtype |S1, the format says int64 or str"),
        (np.arange(7).astype(">i8"), "has dtype >i8, the format says int64 or str"),
        (np.arange(7, dtype=np.int32), "has dtype int32, the format says int64 or str"),
        (_with_character(0xD800), "holds what is no character"),
        (_with_character(0xDFFF), "holds what is no character"),
        (_with_character(0x110000), "holds what is no character"),
        (_with_character(0xFFFFFFFF), "holds what is no character"),
    ],
)
def test_texts_that_could_not_be_asked_for_are_refused(user_ids: NDArray[Any], fault: str) -> None:
    with pytest.raises(BundleContentError) as error:
        assemble(make_manifest(), make_arrays() | {"user_ids": user_ids}, Path("here"))
    assert error.value.path == Path("here/user_ids.npy")
    assert fault in str(error.value)


@pytest.mark.parametrize("code", [0xD7FF, 0xE000, 0x10FFFF])
def test_characters_next_to_those_are_accepted(code: int) -> None:
    bundle = assemble(make_manifest(), make_arrays() | {"user_ids": _with_character(code)})
    assert bundle.user_ids[-1] == f"g{chr(code)}"


def test_texts_that_are_padded_to_nothing_are_refused() -> None:
    ids = np.ndarray((1,), dtype="<U0", buffer=b"")
    with pytest.raises(BundleContentError, match="have not 1 to 200 characters"):
        assemble(make_manifest(), make_arrays(n_users=1) | {"user_ids": ids})


def test_golden_answers_name_users_by_their_texts() -> None:
    arrays = make_arrays()
    # The re-ranker has features of its own.
    arrays |= {f"reranker_{part}": arrays[f"reranker_{part}"][:0] for part in ("first", "second", "last")}
    names = np.array([f"{number}" for number in range(1, N_USERS + 1)])
    by_name = dict(zip(arrays["user_ids"].tolist(), names.tolist(), strict=True))
    of_numbers = make_golden_answers(assemble(make_manifest(), arrays))
    of_texts = make_golden_answers(assemble(make_manifest(), arrays | {"user_ids": names}))
    of_users = {"similar_users": lambda ids: [by_name[one] for one in ids]}
    for number, text in zip(of_numbers, of_texts, strict=True):
        change: Callable[[list[Any]], list[Any]] = of_users.get(number.kind, list)
        query_id = number.query_id if number.kind == "similar_anime" else by_name[number.query_id]
        assert text == number.model_copy(update={"query_id": query_id, "ids": change(list(number.ids))})
        # Digits in quotes are read as texts again.
        assert GoldenAnswer.model_validate_json(text.model_dump_json()) == text
