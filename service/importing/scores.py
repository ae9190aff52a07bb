"""Scores: read from what a list holds, and brought from its scale to 1..10."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from service.importing.entries import Score

_NUMBER: Final = re.compile(r"([+-]?\d{1,9}(?:[.,]\d{1,9})?)\s*(?:/\s*(\d{1,3})|(%))?")
_STARS: Final = re.compile(r"(★{1,10})(½?)(☆{0,9})")
_NO_SCORE: Final = {"", "-", "--", "–", "—", "n/a", "na", "none", "null", "nan", "unrated", "not rated", "?"}
# Above ten but below this, it is no score of a hundred that stands among scores of ten: rather a slip, or a joke.
_LEAST_OF_HUNDRED: Final = 20.0


def read_score(raw: object, out_of: float | None = None) -> Score:
    """Read a score; ``out_of`` is the best one, where the list says so.

    Takes numbers and texts: ``9``, ``8,5``, ``9/10``, ``85%``, ``★★★★☆``. What is no number is kept as unread.
    """
    if raw is None or isinstance(raw, bool):
        return Score()
    if isinstance(raw, int | float):
        return Score(float(raw), out_of) if math.isfinite(raw) else Score(unread=str(raw))
    text = str(raw).strip().replace("⭐", "★").replace("\ufe0f", "")
    if text.casefold() in _NO_SCORE:
        return Score()
    if found := _NUMBER.fullmatch(text):
        number, best, percent = found.groups()
        best = 100.0 if percent else float(best) if best else out_of
        return Score(float(number.replace(",", ".")), best or None)
    if stars := _STARS.fullmatch(text):
        full, half, empty = stars.groups()
        n_stars = len(full) + len(half) + len(empty)
        return Score(len(full) + 0.5 * len(half), 5.0 if n_stars <= 5 else 10.0)
    return Score(unread=text[:40])


@dataclass(frozen=True)
class Rated:
    """The ratings of a list, and what has to be said about them."""

    ratings: list[int | None]  # one per score
    notes: list[str]


def rate(scores: Sequence[Score], places: Sequence[int], out_of: float | None) -> Rated:
    """Bring the scores of a list to whole numbers from 1 to 10; halves round up, 0 is unrated.

    Parameters
    ----------
    scores : sequence of Score
    places : sequence of int
        Where each stands in the list, for what has to be said.
    out_of : float or None
        The best score of the list's scale; None where the format does not say. A list most of whose scores are
        above ten is then one of a hundred, and in any other each score from 20 to 100 is for itself.
    """
    given = [score.value for score in scores if score.value is not None and score.out_of is None and score.value > 0]
    if out_of is None and sum(value > 10 for value in given) * 2 > len(given):
        out_of = 100.0
    ratings: list[int | None] = []
    converted: dict[float, list[int]] = {}
    rounded, refused = [], []
    for score, place in zip(scores, places, strict=True):
        best = score.out_of or out_of or _own_scale(score.value)
        rating = _rate(score.value, best)
        ratings.append(rating)
        if score.unread is not None or (score.value and rating is None):
            refused.append((place, score))
        elif rating is not None and score.value is not None:
            if best != 10.0:
                converted.setdefault(best, []).append(place)
            elif score.value % 1:
                rounded.append(place)
    notes = [
        f"{_count(found, 'score')} out of {best:g} became ratings out of 10; halves are rounded up."
        for best, found in sorted(converted.items())
    ]
    if rounded:
        notes.append(f"{_count(rounded, 'score')} with decimals became whole numbers; halves are rounded up.")
    notes += [
        f"Entry {place}: {_written(score)} is no score out of {score.out_of or out_of or 10:g}; it counts as unrated."
        for place, score in refused[:10]
    ]
    if len(refused) > 10:
        notes.append(f"{len(refused) - 10} more scores like these count as unrated.")
    if not converted and len(given) >= 10 and max(given) <= 5:
        notes.append("No score is above 5. They are taken as out of 10; if they are stars out of 5, double them.")
    return Rated(ratings, notes)


def _own_scale(value: float | None) -> float:
    return 100.0 if value is not None and _LEAST_OF_HUNDRED <= value <= 100.0 else 10.0


def _rate(value: float | None, best: float) -> int | None:
    if value is None or not 0.0 < value <= best:
        return None
    return max(math.floor(value / best * 10.0 + 0.5), 1)


def _written(score: Score) -> str:
    if score.value is None:
        return repr(score.unread)
    return f"{score.value:g}/{score.out_of:g}" if score.out_of else f"{score.value:g}"


def _count(places: Sequence[int], what: str) -> str:
    return f"{len(places)} {what}{'s' if len(places) > 1 else ''}"
