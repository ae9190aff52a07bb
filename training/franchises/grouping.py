"""Groups anime into franchises."""

import itertools
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.card import AnimeCard
from training.franchises.order import WatchFacts, order_franchises
from training.franchises.titles import read_title
from training.interactions import Interactions


def franchise_arrays(_lists: Interactions, catalogue: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Make the franchise arrays of a bundle.

    Parameters
    ----------
    lists : Interactions
        Who watched what; where there are few lists, titles decide alone.
    catalogue : mapping of str to ndarray
        The catalogue's arrays of a prepared dump.

    Returns
    -------
    dict of str to ndarray
        ``franchise_codes``, ``franchise_positions`` and ``franchise_roles``, as
        :data:`models.layout.LAYOUT` says.
    """
    cards = _read_cards(catalogue)
    titles = [read_title(card.name) for card in cards]
    stems = [" ".join(title.words[:3]) for title in titles]
    first: dict[str, int] = {}
    codes = np.array([first.setdefault(stem, len(first)) for stem in stems], dtype=np.int32)
    positions, roles = order_franchises(codes, WatchFacts.of_catalogue(catalogue, titles))
    return {"franchise_codes": codes, "franchise_positions": positions, "franchise_roles": roles}


def _read_cards(catalogue: Mapping[str, NDArray[Any]]) -> list[AnimeCard]:
    text, ends = catalogue["cards"].tobytes(), catalogue["card_offsets"].tolist()
    return [AnimeCard.model_validate(json.loads(text[start:end])) for start, end in itertools.pairwise(ends)]
