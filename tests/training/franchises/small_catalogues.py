"""Small catalogues of titles, and the franchises that are found in them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.scoring.franchises import Role
from tests.training.dump.test_traits import CARD
from tests.training.interactions_for_tests import make_interactions
from training.dump.catalogue import Catalogue, catalogue_arrays
from training.dump.traits import AnimeTraits
from training.franchises.grouping import franchise_arrays
from training.lists.interactions import Interactions

Arrays = dict[str, NDArray[Any]]

# Name, type, day of the first airing, members, episodes, minutes.
Entry = tuple[str, str, int, int, int, int]
FILLER: list[Entry] = [(f"Unrelated{letter} Number{letter}", "TV", 30_000, 500, 12, 24) for letter in "abcdefghij"]
# What began in the last months before the dump is treated as new.
FILLER[-1] = ("Shinsaku", "TV", 45_000, 500, 12, 24)


def make_catalogue(entries: list[Entry]) -> Arrays:
    """Make the arrays of a catalogue; ids are counted from 1."""
    cards, traits = {}, {}
    for anime_id, (name, kind, day, members, episodes, minutes) in enumerate(entries, start=1):
        update = {"anime_id": anime_id, "name": name, "type": kind, "members": members or None}
        cards[anime_id] = CARD.model_copy(update=update | {"episodes": episodes or None})
        traits[anime_id] = AnimeTraits(start_day=day, minutes=minutes)
    return catalogue_arrays(Catalogue(cards, frozenset(), traits), np.arange(1, len(cards) + 1))


def nobody_watches(n_anime: int) -> Interactions:
    """Make lists that say nothing of what belongs together."""
    return make_interactions([(1, 1, 0, 2)], range(1, n_anime + 1))


def group(entries: list[Entry], lists: Interactions | None = None) -> list[list[tuple[str, Role]]]:
    """Group a small catalogue; give the franchises of more than one entry, in the order to watch them."""
    everything = entries + FILLER
    arrays = franchise_arrays(lists or nobody_watches(len(everything)), make_catalogue(everything))
    codes, positions, roles = (arrays[f"franchise_{name}"] for name in ("codes", "positions", "roles"))
    found = []
    for code in range(int(codes.max()) + 1):
        rows = sorted(np.flatnonzero(codes == code).tolist(), key=lambda row: int(positions[row]))
        assert [int(positions[row]) for row in rows] == list(range(len(rows)))
        assert roles[rows[0]] == Role.MAIN
        if len(rows) > 1:
            found.append([(everything[row][0], Role(int(roles[row]))) for row in rows])
    return found


def series(name: str, day: int, members: int = 10_000) -> Entry:
    """Make a season of twelve episodes."""
    return name, "TV", day, members, 12, 24
