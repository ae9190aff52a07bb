"""Checks look at large arrays in blocks: what lies in a later block is looked at too, and borders change nothing."""

from pathlib import Path

import numpy as np
import pytest

from models.bundle.reader import assemble
from models.errors import BundleContentError
from tests.models.small_bundle import Arrays, make_arrays, make_manifest

# Blocks are of 8,192 and 65,536 users and of 4,194,304 entries of lists: more than one of each.
N_ANIME, N_USERS = 64, 65_600
LAST_ENTRY = 64 * 65_600 - 1


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    """Everybody has seen everything, so that entry 4,194,304 begins a list."""
    users = np.arange(N_USERS)
    n_entries = N_ANIME * N_USERS
    return make_arrays(N_ANIME, n_users=3) | {
        "user_ids": users * 2,
        "user_embeddings": np.tile(np.eye(4, dtype=np.float32), (N_USERS // 4, 1)),
        "user_index": np.empty(0, dtype=np.uint8),
        "nearest_user_rows": ((users[:, None] + [1, 2, 8_192]) % N_USERS).astype(np.int32),
        "nearest_in_common": np.zeros((N_USERS, 2), dtype=np.uint16),
        "nearest_similarities": np.zeros((N_USERS, 2), dtype=np.float32),
        "list_offsets": np.arange(N_USERS + 1) * N_ANIME,
        "list_new_offsets": np.zeros(N_USERS + 1, dtype=np.int64),
        "list_new_rows": np.empty(0, dtype=np.int32),
        "list_anime_rows": np.tile(np.arange(N_ANIME, dtype=np.int32), N_USERS),
        "list_ratings": np.full(n_entries, 10, dtype=np.uint8),
        "list_statuses": np.full(n_entries, 6, dtype=np.uint8),
    }


def _without_the_first_entry(arrays: Arrays) -> Arrays:
    """Make entry 4,194,304 the second of a list."""
    lists = {f"list_{name}": arrays[f"list_{name}"][1:] for name in ("anime_rows", "ratings", "statuses")}
    return arrays | lists | {"list_offsets": np.maximum(arrays["list_offsets"] - 1, 0)}


def _fault(arrays: Arrays) -> str:
    with pytest.raises(BundleContentError) as error:
        assemble(make_manifest(), arrays, Path("here"))
    return str(error.value)


def test_a_sound_bundle_of_several_blocks_is_accepted(arrays: Arrays) -> None:
    assert assemble(make_manifest(), arrays).n_users == 65_600
    assert assemble(make_manifest(), _without_the_first_entry(arrays)).n_users == 65_600


@pytest.mark.parametrize("entry", [1, 4_194_303, 4_194_305, LAST_ENTRY])
def test_an_anime_twice_in_a_list_is_found_in_every_block(arrays: Arrays, entry: int) -> None:
    rows = arrays["list_anime_rows"].copy()
    rows[entry] = rows[entry - 1]
    fault = _fault(arrays | {"list_anime_rows": rows})
    assert fault == f"here/list_anime_rows.npy: entry {entry}: anime rows do not ascend within a list"


@pytest.mark.parametrize("entry", [4_194_304, 4_194_305])
def test_an_anime_twice_in_a_list_is_found_at_the_border_of_two_blocks(arrays: Arrays, entry: int) -> None:
    shifted = _without_the_first_entry(arrays)
    rows = shifted["list_anime_rows"].copy()
    rows[entry] = rows[entry - 1]
    fault = _fault(shifted | {"list_anime_rows": rows})
    assert fault == f"here/list_anime_rows.npy: entry {entry}: anime rows do not ascend within a list"


@pytest.mark.parametrize("row", [0, 8_191, 8_192, 16_384, 65_599])
def test_a_user_among_their_own_neighbours_is_found_in_every_block(arrays: Arrays, row: int) -> None:
    nearest = arrays["nearest_user_rows"].copy()
    nearest[row, 2] = row
    fault = _fault(arrays | {"nearest_user_rows": nearest})
    assert fault == f"here/nearest_user_rows.npy: row {row} is among its own neighbours"


@pytest.mark.parametrize("row", [0, 65_535, 65_536, 65_599])
def test_a_row_that_is_no_unit_is_found_in_every_block(arrays: Arrays, row: int) -> None:
    embeddings = arrays["user_embeddings"].copy()
    embeddings[row] = 0.0
    assert _fault(arrays | {"user_embeddings": embeddings}) == (
        f"here/user_embeddings.npy: row {row} has norm 0.0000, not 1"
    )


@pytest.mark.parametrize(("name", "value"), [("anime_rows", 64), ("ratings", 11), ("statuses", 7)])
def test_the_last_entry_is_looked_at(arrays: Arrays, name: str, value: int) -> None:
    changed = arrays[f"list_{name}"].copy()
    changed[-1] = value
    fault = _fault(arrays | {f"list_{name}": changed})
    assert fault == f"here/list_{name}.npy: holds values outside 0..{value - 1}"
