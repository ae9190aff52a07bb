"""Finds the franchises of new anime, which no lists speak of: by titles, studio and source alone."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.franchises.candidates import candidate_pairs
from training.franchises.grouping import LINK, franchise_arrays, read_titles, trait_points
from training.franchises.title_points import TitlePoints
from training.lists.interactions import Interactions
from training.lists.prepared import Prepared

Arrays = Mapping[str, NDArray[Any]]

_COLUMNS: Final = ("studio_codes", "source_codes", "type_codes", "adult")


def all_franchise_arrays(lists: Interactions, prepared: Prepared) -> dict[str, NDArray[Any]]:
    """Make the franchise arrays of a bundle, those of new anime included; ``lists`` as for `franchise_arrays`."""
    franchises = franchise_arrays(lists, prepared.catalogue)
    return franchises | {"new_first_rows": first_rows_of_new(prepared.catalogue, prepared.new_anime, franchises)}


def first_rows_of_new(known: Arrays, new: Arrays, franchises: Arrays) -> NDArray[np.int32]:
    """Find the entry as which the franchise of each new anime is shown, in rows that go on behind the known anime.

    A new anime belongs to the franchise of the known one whose titles are most like its own, if they are like enough;
    otherwise it is taken to stand alone, as its own row. The franchises of known anime stay as they are.

    ``known`` and ``new`` are the catalogue's arrays of a prepared dump, with one meaning of codes.
    """
    n_known = len(known["type_codes"])
    if not len(new["type_codes"]):
        return np.empty(0, dtype=np.int32)
    titles = read_titles(known) + read_titles(new)
    first_rows = np.arange(n_known, len(titles), dtype=np.int32)
    pairs = candidate_pairs(titles)
    pairs = pairs[(pairs[:, 0] < n_known) & (pairs[:, 1] >= n_known)]
    traits = {name: np.concatenate([known[name], new[name]]) for name in _COLUMNS}
    compare = TitlePoints(titles).compare
    points = trait_points(pairs, {**traits, "type_names": known["type_names"]})
    points += [compare(titles[first], titles[second]) for first, second in pairs.tolist()]
    linked = pairs[points >= LINK]
    # The best link of a new anime is written last; of equals the oldest.
    order = np.lexsort((-linked[:, 0], points[points >= LINK]))
    begins = np.flatnonzero(franchises["franchise_positions"] == 0)
    of_franchise = np.empty(len(begins), dtype=np.int32)
    of_franchise[franchises["franchise_codes"][begins]] = begins
    first_rows[linked[order, 1] - n_known] = of_franchise[franchises["franchise_codes"][linked[order, 0]]]
    return first_rows
