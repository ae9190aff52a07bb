"""How well franchises are known: measured against what the dump says of them."""

import math
from pathlib import Path

import numpy as np
import pytest

from tests.training.franchise_truth import leave_out_unreliable, measure_grouping, read_franchise_truth
from training.dump.catalogue import read_catalogue
from training.dump.files import find_dump
from training.dump.rejects import RejectedRows
from training.franchises.grouping import franchise_arrays
from training.lists.prepare import prepare
from training.lists.thresholds import Thresholds


def test_pairs_are_counted_among_anime_of_which_the_truth_is_known() -> None:
    anime_ids, truth = np.array([1, 2, 3, 4, 5, 6]), {1: 7, 2: 7, 3: 7, 4: 8, 5: 8}
    # Together: 1-2 (right), 3-4 (wrong), 5-6 (not known). Related: 1-2, 1-3, 2-3, 4-5.
    measure = measure_grouping(np.array([0, 0, 1, 1, 2, 2]), anime_ids, truth)
    assert (measure.n_together, measure.n_related) == (2, 4)
    assert (measure.precision, measure.recall) == (0.5, 0.25)
    nothing = measure_grouping(np.arange(6), anime_ids, {})
    assert math.isnan(nothing.precision)
    assert math.isnan(nothing.recall)


def test_franchises_that_crossovers_merge_or_the_list_tears_apart_are_not_believed() -> None:
    names = {
        1: "Giant",
        2: "Giant 2",
        3: "Giant 3",
        4: "Torn: A",
        5: "Torn: B",
        6: "Torn: C",
        7: "Sound",
        8: "Sound 2",
    }
    truth = {1: 1, 2: 1, 3: 1, 4: 2, 5: 3, 6: 4, 7: 5, 8: 5, 9: 5}
    assert leave_out_unreliable(truth, names, max_size=2 + 1) == {1: 1, 2: 1, 3: 1, 7: 5, 8: 5}
    assert leave_out_unreliable(truth, names, max_size=2) == {}


@pytest.mark.real_data
@pytest.mark.slow
def test_real_franchises_are_found_with_a_precision_of_95_percent(mal_data: Path, tmp_path: Path) -> None:
    dump = find_dump(mal_data)
    with RejectedRows(tmp_path / "rejected.csv") as rejects:
        prepared = prepare(dump, Thresholds(), rejects)
        everything = read_catalogue(dump.catalogue, None, rejects)
    arrays = franchise_arrays(prepared.interactions, prepared.catalogue)
    names = {anime_id: card.name for anime_id, card in everything.cards.items()}
    truth = leave_out_unreliable(read_franchise_truth(dump), names)
    # The half that chose nothing.
    truth = {anime_id: franchise for anime_id, franchise in truth.items() if franchise % 2 == 1}
    measure = measure_grouping(arrays["franchise_codes"], prepared.interactions.anime_ids, truth)
    assert measure.n_related > 2_500
    assert measure.precision >= 0.95
    assert measure.recall >= 0.75
