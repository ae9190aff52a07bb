"""The features of the re-ranker once more: one anime at a time, in plain loops, with every constant written out.

What the service computes is held to this. So nothing here comes from the code it holds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from tests.models.slow_catalogue import KINDS, Features, SlowCatalogue, mean, spread
from tests.models.slow_users import SlowNeighbours


@dataclass(frozen=True)
class Entry:
    """One title of a list; its rating is relative to the list's mean, 0 where unrated."""

    row: int
    rating: float
    gave_up: bool
    disliked: bool


class SlowList:
    """A list, and how anime relate to it. Statuses: 3 is on hold, 4 dropped, 6 plan-to-watch."""

    def __init__(
        self, catalogue: SlowCatalogue, rows: Sequence[int], ratings: Sequence[int], statuses: Sequence[int]
    ) -> None:
        self.catalogue = catalogue
        begun = [
            (row, rating, status) for row, rating, status in zip(rows, ratings, statuses, strict=True) if status != 6
        ]
        self.given = [rating for _, rating, _ in begun if rating > 0]
        middle = mean(self.given) if self.given else 7.5
        self.mean_rating = middle
        self.entries = {
            row: Entry(
                row,
                rating - middle if rating else 0.0,
                status in {3, 4},
                status == 4 or 0 < rating <= 4 or 0 < rating <= middle - 2,
            )
            for row, rating, status in begun
        }
        #: What shares of the list are counted by: of nothing there is no share.
        self.n = max(len(begun), 1)
        self.disliked = [entry.row for entry in self.entries.values() if entry.disliked]
        of_dislikes = max(0.0, 1 - 4 * len(self.disliked) / self.n)
        if len(self.disliked) == len(self.entries):
            of_dislikes = 1.0
        #: What each title counts for.
        self.counts = {row: of_dislikes if entry.disliked else 1.0 for row, entry in self.entries.items()}
        self.counts = {row: weight for row, weight in self.counts.items() if weight}
        self.n_counted = sum(self.counts.values())

    @cached_property
    def of_list(self) -> Features:
        catalogue, entries = self.catalogue, self.entries
        # Nothing on it tells nothing: then all anime stand for the list.
        rows = list(entries) or list(catalogue.rows)
        return {
            "log length of the list": math.log(len(entries) + 1),
            "share of rated titles": len(self.given) / self.n,
            "mean rating": self.mean_rating,
            "spread of ratings": spread(self.given) if self.given else 1.5,
            "share of dropped titles": sum(entry.gave_up for entry in entries.values()) / self.n,
            "mean popularity on the list": mean([catalogue.popularity[row] for row in rows]),
            "spread of popularity on the list": spread([catalogue.popularity[row] for row in rows]),
            "mean score on the list": mean([catalogue.scores[row] for row in rows]),
            "mean year on the list": mean([catalogue.years[row] for row in rows]),
            "newest year on the list": max(catalogue.years[row] for row in rows),
        }

    def relate(self, row: int) -> Features:
        return self._levels(row) | self._franchise(row) | self._genres(row) | self._codes(row)

    def _levels(self, row: int) -> Features:
        catalogue, mine = self.catalogue, self.of_list
        day = catalogue.days[row]
        days = [catalogue.days[seen] for seen in self.entries]
        less_popular = sum(catalogue.counts[seen] < catalogue.counts[row] for seen in self.entries)
        lower = sum(catalogue.scores[seen] < catalogue.scores[row] for seen in self.entries)
        band = catalogue.as_popular(row)
        return {
            "years newer than the newest": catalogue.years[row] - mine["newest year on the list"],
            "years from the mean": catalogue.years[row] - mine["mean year on the list"],
            "share of the list that is older": sum(seen < day for seen in days) / self.n,
            "share of the list within a year": sum(day - 183 <= seen < day + 183 for seen in days) / self.n,
            "popularity against the list's mean": catalogue.popularity[row] - mine["mean popularity on the list"],
            "share of the list that is more popular": 1 - less_popular / self.n,
            "score against the list's mean": catalogue.scores[row] - mine["mean score on the list"],
            "share of the list that scores higher": 1 - lower / self.n,
            "share seen of what is as popular": sum(other in self.entries for other in band) / len(band),
        }

    def _franchise(self, row: int) -> Features:
        catalogue = self.catalogue
        mates = catalogue.mates(row)
        seen = [self.entries[mate] for mate in mates if mate in self.entries]
        before = catalogue.main_before(row)
        n_before = sum(mate in self.entries for mate in before)
        is_main = catalogue.table["franchise_roles"][row] == 0
        gaps = [abs(catalogue.days[row] - catalogue.days[entry.row]) / 365.25 for entry in seen]
        return {
            "seen of its franchise": math.log(len(seen) + 1),
            "share seen of its franchise": len(seen) / len(mates),
            "seen of its franchise's main line before it": math.log(n_before + 1),
            "unseen of its franchise's main line before it": math.log(len(before) - n_before + 1),
            "next of a begun franchise": float(bool(seen) and n_before == len(before) and is_main),
            "rating of its franchise": mean([entry.rating for entry in seen]) if seen else 0.0,
            "dropped of its franchise": mean([entry.gave_up for entry in seen]) if seen else 0.0,
            "years from the nearest seen of its franchise": min([20.0, *gaps]),
        }

    @cached_property
    def _profile(self) -> list[float]:
        """Add up the genres of what counts."""
        vectors = [
            [weight * value for value in self.catalogue.genre_direction(seen)] for seen, weight in self.counts.items()
        ]
        return [sum(column) for column in zip(*vectors, strict=True)]

    def _genres(self, row: int) -> Features:
        catalogue, profile = self.catalogue, self._profile
        length = math.hypot(*profile)
        product = sum(a * b for a, b in zip(profile, catalogue.genre_direction(row), strict=bool(profile)))
        lifts, ratings = [], []
        for genre in catalogue.genres[row]:
            having = [entry for entry in self.entries.values() if genre in catalogue.genres[entry.row]]
            usual = catalogue.genre_shares[genre] * len(catalogue.genre_shares)
            counted = sum(self.counts.get(entry.row, 0.0) for entry in having)
            lifts.append(math.log((counted + 5 * usual) / (self.n_counted + 5) / usual + 0.001))
            ratings.append(sum(entry.rating for entry in having) / (len(having) + 5))
        return {
            "genre cosine": product / length if length else 0.0,
            "genre lift": mean(lifts) if lifts else 0.0,
            "rating of its genres": mean(ratings) if ratings else 0.0,
        }

    def _codes(self, row: int) -> Features:
        features = {}
        for kind in KINDS:
            codes = self.catalogue.codes[kind]
            share = self.catalogue.code_shares[kind][codes[row]]
            alike = sum(weight for seen, weight in self.counts.items() if codes[seen] == codes[row])
            lift = math.log((alike + 10 * share) / (self.n_counted + 10) / share)
            features[f"{kind.replace('_', ' ')} lift"] = lift if codes[row] else 0.0
        studios = self.catalogue.codes["studio"]
        by_it = [entry.rating for entry in self.entries.values() if studios[entry.row] == studios[row]]
        counted = sum(weight for seen, weight in self.counts.items() if studios[seen] == studios[row])
        known = studios[row] > 0
        features["rating of its studio"] = sum(by_it) / (len(by_it) + 2) if known else 0.0
        features["titles of its studio"] = math.log(counted + 1) if known else 0.0
        return features

    def co_seen(self, row: int, tables: Mapping[str, NDArray[Any]]) -> float:
        """Give how likely the user has seen an anime, by each title that counts: the mean, within [0, 1]."""
        return self._co_seen_with(row, self.counts, tables)

    def _co_seen_with(self, row: int, counts: Mapping[int, float], tables: Mapping[str, NDArray[Any]]) -> float:
        if len(counts) > 32:
            rows = list(counts)
            counts = {row: counts[row] for row in (rows[i * (len(rows) - 1) // 31] for i in range(32))}
        changes = sum(weight * changed(seen, row, tables) for seen, weight in counts.items())
        by_popularity = math.exp(self.catalogue.popularity[row])
        return min(max(by_popularity + changes / (sum(counts.values()) or 1.0), 0.0), 1.0)

    def dislike(self, row: int, tables: Mapping[str, NDArray[Any]]) -> float:
        """Give what the disliked titles take off the log odds of an anime."""
        if not self.disliked:
            return 0.0
        seen_with = self._co_seen_with(row, dict.fromkeys(self.disliked, 1.0), tables)
        lift = math.log((seen_with + 0.0001) / (math.exp(self.catalogue.popularity[row]) + 0.0001))
        return 9.0 * max(0.0, len(self.disliked) / self.n - 0.1) ** 2 * max(0.0, lift - 0.3)

    def evidence(self, row: int, weights: Mapping[str, NDArray[Any]]) -> Features:
        """Say what item weights do: who speaks for an anime with what weight."""
        columns = (weights[f"item_weight_{name}"][row].tolist() for name in ("rows", "values"))
        spoken, rated, dropped, liked = [], 0.0, 0.0, 0.0
        for supporter, weight in zip(*columns, strict=True):
            entry = self.entries.get(supporter)
            counts = self.counts.get(supporter, 0.0)
            spoken.append((weight * counts, entry.rating if entry else 0.0))
            if entry:
                rated += weight * entry.rating
                dropped += weight * entry.gave_up
                liked += weight * (entry.rating >= 0.75)
        values = sorted((weight for weight, _ in spoken), reverse=True)
        return {
            "item score": sum(values),
            "strongest weight": values[0],
            "three strongest weights": sum(values[:3]),
            "ten strongest weights": sum(values[:10]),
            "weighted ratings": rated,
            # Where nothing speaks for it, nothing is the strongest.
            "rating of the strongest": next(rating for weight, rating in spoken if weight == values[0])
            if values[0] > 0.0
            else 0.0,
            "weight of dropped titles": dropped,
            "weight of well-rated titles": liked,
        }


def changed(seen: int, row: int, tables: Mapping[str, NDArray[Any]]) -> float:
    """Give how the share of users who have seen an anime changes among those who have seen another."""
    pairs = zip(tables["co_seen_rows"][seen].tolist(), tables["co_seen_values"][seen].tolist(), strict=True)
    return float(sum(value for other, value in pairs if other == row))


def propose(mine: SlowList, neighbours: SlowNeighbours, weights: Mapping[str, NDArray[Any]], row: int) -> float:
    """Score an anime as a candidate: by its items, by the sixty nearest users, and by what is seen together."""
    together = mine.co_seen(row, weights) / (len(mine.counts) + 2)
    return float(mine.evidence(row, weights)["item score"] + 0.3 * neighbours.share(row, 60) + together)


def slow_table(
    mine: SlowList, neighbours: SlowNeighbours, weights: Mapping[str, NDArray[Any]], rows: Sequence[int]
) -> list[Features]:
    """Give all features of a list and some anime, one anime after the other."""
    table = []
    for row in rows:
        of_neighbours = {
            "log share of the 25 nearest users": math.log(neighbours.share(row, 25) + 0.003),
            "log share of the 60 nearest users": math.log(neighbours.share(row, 60) + 0.003),
            "log co-seen share": math.log(mine.co_seen(row, weights) + 0.0001),
            "log first-stage score": math.log(max(propose(mine, neighbours, weights, row), 0.0) + 0.001),
        }
        of_anime = mine.relate(row) | mine.catalogue.facts(row)
        table.append(mine.evidence(row, weights) | of_neighbours | of_anime | mine.of_list)
    return table
