"""The truth for similar anime: which pairs count, and who may choose weights by them."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.training.small_dump import SmallDump, write_csv
from training.dump.files import find_dump
from training.errors import InputError
from training.lists.split import may_choose_weights
from training.similar_anime.truth import SimilarQuery, read_similar_truth

KNOWN = np.array([1, 2, 3, 4, 5, 6, 7, 8])
PAIRS = ("anime_id", "similar_anime_id", "votes")


def read_pairs(dump: SmallDump, pairs: list[tuple[int, int, int]]) -> list[SimilarQuery]:
    write_csv(dump.folder / "recommendations.csv", PAIRS, pairs)
    return read_similar_truth(find_dump(dump.folder), KNOWN)


def test_pairs_count_from_two_votes_between_known_anime_and_queries_from_three_pairs(small_dump: SmallDump) -> None:
    queries = read_pairs(
        small_dump,
        [
            (2, 3, 9), (2, 4, 2), (2, 5, 3), (2, 6, 1), (2, 999, 50), (2, 2, 50),  # three pairs are left
            (3, 2, 9), (3, 4, 9), (3, 5, 1),  # two
            (999, 1, 9), (999, 2, 9), (999, 3, 9),  # unknown
        ],
    )  # fmt: skip
    assert len(queries) == 1
    assert queries[0].anime_row == 1
    assert queries[0].similar_rows.tolist() == [2, 3, 4]
    np.testing.assert_allclose(queries[0].gains, np.log([10, 3, 4]))


def test_pairs_within_a_franchise_do_not_count(small_dump: SmallDump) -> None:
    write_csv(
        small_dump.folder / "franchises.csv", ("anime_id", "franchise_id"), [(1, 70), (2, 70), (3, 71), (4, 71)]
    )
    pairs = [(1, other, 5) for other in (2, 3, 4, 5)] + [(8, other, 5) for other in (5, 6, 7)]
    queries = read_pairs(small_dump, pairs)
    # 2 is of the same franchise; those that no franchise is known for are of none, not of the same.
    assert [(query.anime_row, query.similar_rows.tolist()) for query in queries] == [(0, [2, 3, 4]), (7, [4, 5, 6])]


def test_queries_fall_into_the_halves_of_the_hash(small_dump: SmallDump) -> None:
    queries = read_pairs(small_dump, [(a, b, 5) for a in KNOWN for b in KNOWN])
    assert len(queries) == len(KNOWN)
    expected = may_choose_weights(KNOWN).tolist()
    assert [query.may_choose for query in queries] == expected
    assert len(set(expected)) == 2


def test_a_dump_without_recommendations_has_no_truth(small_dump: SmallDump) -> None:
    (small_dump.folder / "recommendations.csv").unlink()
    assert read_similar_truth(find_dump(small_dump.folder), KNOWN) == []


@pytest.mark.parametrize("suffix", [".csv.gz", ".parquet"])
def test_gzip_and_parquet_are_read_too(small_dump: SmallDump, suffix: str) -> None:
    pairs = [(1, 2, 3), (1, 3, 4), (1, 4, 5)]
    plain = read_pairs(small_dump, pairs)
    (small_dump.folder / "recommendations.csv").unlink()
    frame = pd.DataFrame(pairs, columns=PAIRS)
    path = small_dump.folder / f"recommendations{suffix}"
    if suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    again = read_similar_truth(find_dump(small_dump.folder), KNOWN)
    assert again[0].similar_rows.tolist() == plain[0].similar_rows.tolist()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "cannot be read as a table"),
        (b"anime_id,votes\n1,2\n", "no column similar_anime_id"),
        (b"anime_id,similar_anime_id,votes\n1,x,3\n", "must hold whole numbers"),
        (b"anime_id,similar_anime_id,votes\n1,,3\n", "must hold whole numbers"),
        (b"anime_id,similar_anime_id,votes\n1,2,2.5\n", "must hold whole numbers"),
        (b"anime_id,similar_anime_id,votes\n1,99999999999999999999999,2\n", "must hold whole numbers"),
        (b"anime_id,similar_anime_id,votes\n1,2,3,4,5\n1,2,3\n", ""),
        (b"anime_id,similar_anime_id,votes\n1,\xff,3\n", "cannot be read as a table"),
    ],
)
def test_a_file_that_is_no_truth_is_refused_and_named(small_dump: SmallDump, content: bytes, fault: str) -> None:
    (small_dump.folder / "recommendations.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"recommendations\.csv: ") as error:
        read_similar_truth(find_dump(small_dump.folder), KNOWN)
    assert fault in str(error.value)


def test_a_cut_gzip_file_is_refused_and_named(small_dump: SmallDump) -> None:
    (small_dump.folder / "recommendations.csv").unlink()
    content = gzip.compress(b"anime_id,similar_anime_id,votes\n" + b"1,2,3\n" * 999)
    Path(small_dump.folder / "recommendations.csv.gz").write_bytes(content[:-20])
    with pytest.raises(InputError, match=r"recommendations\.csv\.gz: cannot be read as a table"):
        read_similar_truth(find_dump(small_dump.folder), KNOWN)
