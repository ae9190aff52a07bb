"""Groups anime into franchises: from titles, studio and source, with who watches what as the arbiter."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.card import AnimeCard
from training.franchises.beginnings import move_beginnings
from training.franchises.candidates import candidate_pairs
from training.franchises.co_watching import CoWatching
from training.franchises.distinctive_words import find_distinctive_words
from training.franchises.order import order_franchises
from training.franchises.title_points import TitlePoints
from training.franchises.titles import Title, read_title
from training.lists.interactions import Interactions

# Found on the tuning half of the known franchises: docs/experiments.md.
LINK: Final = 2.5
_SURE: Final = 5.0
_MIN_SUPPORT: Final = 0.1
_SUPPORT_FROM: Final = 10
_STUDIO, _OTHER_STUDIO, _SOURCE, _MUSIC, _ADULT = 0.5, -0.4, 0.2, -0.5, -0.4


def franchise_arrays(lists: Interactions, catalogue: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Make ``franchise_codes``, ``franchise_positions`` and ``franchise_roles`` of a bundle.

    ``lists`` tell who watched what; where there are few, titles decide alone. ``catalogue`` are the arrays of a
    prepared dump, one row per anime of the lists.
    """
    titles, watching = read_titles(catalogue), CoWatching(lists)
    codes = group_franchises(titles, catalogue, watching)
    positions, roles = order_franchises(codes, catalogue, titles)
    positions, roles = move_beginnings(codes, positions, roles, watching)
    return {"franchise_codes": codes, "franchise_positions": positions, "franchise_roles": roles}


def read_titles(catalogue: Mapping[str, NDArray[Any]]) -> list[Title]:
    """Read the titles of every card of a catalogue."""
    text, ends = catalogue["cards"].tobytes(), catalogue["card_offsets"].tolist()
    return [read_title(AnimeCard.model_validate_json(text[start:end])) for start, end in itertools.pairwise(ends)]


def group_franchises(
    titles: Sequence[Title], catalogue: Mapping[str, NDArray[Any]], watching: CoWatching
) -> NDArray[np.int32]:
    """Find the franchise of each anime, numbered by first row; a lone anime is its own franchise."""
    distinctive = find_distinctive_words(titles, watching)
    pairs = candidate_pairs(titles, distinctive)
    scores = watching.points(pairs[:, 0], pairs[:, 1]) + trait_points(pairs, catalogue)
    compare = TitlePoints(titles, distinctive).compare
    scores += [compare(titles[first], titles[second]) for first, second in pairs.tolist()]
    linked = scores >= LINK
    return _join(len(titles), pairs[linked], scores[linked])


def trait_points(pairs: NDArray[np.int64], catalogue: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Give points to pairs of anime rows, shape (n_pairs, 2), by studio, source, type and age rating."""
    studio, source = (catalogue[name][pairs] for name in ("studio_codes", "source_codes"))
    same_studio = np.where(studio[:, 0] == studio[:, 1], _STUDIO, _OTHER_STUDIO)
    points = np.where((studio > 0).all(axis=1), same_studio, 0.0)
    points += np.where((source[:, 0] == source[:, 1]) & (source[:, 0] > 0), _SOURCE, 0.0)
    # Those who collect music videos or adult titles watch many of them, related or not.
    music = (catalogue["type_names"] == "Music")[catalogue["type_codes"]]
    points += np.where(music[pairs].any(axis=1), _MUSIC, 0.0)
    points += np.where(catalogue["adult"][pairs].all(axis=1), _ADULT, 0.0)
    return points


def _join(n_anime: int, pairs: NDArray[np.int64], scores: NDArray[np.float64]) -> NDArray[np.int32]:
    """Join linked anime, the surest first. Two groups are not joined by a single weak link: a crossover is one."""
    linked: set[tuple[int, int]] = set(map(tuple, pairs.tolist()))
    groups = [[row] for row in range(n_anime)]
    for place in np.argsort(-scores, kind="stable").tolist():
        first, second = pairs[place].tolist()
        mine, theirs = groups[first], groups[second]
        if mine is theirs or not (scores[place] >= _SURE or _is_supported(mine, theirs, linked)):
            continue
        mine.extend(theirs)
        for row in theirs:
            groups[row] = mine
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(id(group), len(numbers)) for group in groups], dtype=np.int32)


def _is_supported(mine: list[int], theirs: list[int], linked: set[tuple[int, int]]) -> bool:
    n_pairs = len(mine) * len(theirs)
    if n_pairs < _SUPPORT_FROM:
        return True
    n_links = sum((min(pair), max(pair)) in linked for pair in itertools.product(mine, theirs))
    return n_links >= _MIN_SUPPORT * n_pairs
