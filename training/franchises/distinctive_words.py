"""Words that name a franchise, found by who watches the anime that have them: "gundam" does, "senki" does not."""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np

from training.franchises.co_watching import CoWatching
from training.franchises.titles import Title

_MIN_LETTERS: Final = 4
_MIN_VIEWERS: Final = 20
_MIN_TITLES, _MAX_TITLES = 5, 200
_MAX_PAIRS: Final = 400
# Found on the tuning half of the known franchises: docs/experiments.md.
_MIN_MEAN, _MIN_SHARE, _TOGETHER = 0.95, 0.6, 0.9


def find_distinctive_words(titles: Sequence[Title], watching: CoWatching) -> frozenset[str]:
    """Find the words of which any two anime are watched by the same people; none where there are too few lists."""
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, title in enumerate(titles):
        for word in set(title.romaji.words):
            if len(word) >= _MIN_LETTERS and not word.isdigit():
                rows_of[word].append(row)
    return frozenset(
        word
        for word, rows in rows_of.items()
        if _MIN_TITLES <= len(rows) <= _MAX_TITLES and _are_watched_together(rows, watching)
    )


def _are_watched_together(rows: Sequence[int], watching: CoWatching) -> bool:
    known = [row for row in rows if watching.viewers[row] >= _MIN_VIEWERS]
    if len(known) < _MIN_TITLES:
        return False
    pairs = np.array(list(itertools.combinations(known, 2)))
    # Evenly spaced, not at random: the same lists must give the same franchises.
    pairs = pairs[:: -(-len(pairs) // _MAX_PAIRS)]
    points = watching.points(pairs[:, 0], pairs[:, 1])
    return bool(points.mean() >= _MIN_MEAN and (points >= _TOGETHER).mean() >= _MIN_SHARE)
