"""What is known of all anime, computed in plain loops with every constant written out; see slow_features."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from numpy.typing import NDArray

KINDS: Final = ("type", "source", "studio", "age_rating", "year")

Features = dict[str, float]


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def spread(values: Sequence[float]) -> float:
    middle = mean(values)
    return math.sqrt(mean([(value - middle) ** 2 for value in values]))


def shares(counts: Sequence[float]) -> list[float]:
    return [(count + 1) / (sum(counts) + len(counts)) for count in counts]


class SlowCatalogue:
    """What is known of all anime."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], n_users: int) -> None:
        table: dict[str, list[Any]] = {name: array.tolist() for name, array in arrays.items()}
        self.table = table
        self.n_users = n_users
        self.counts: list[int] = table["popularity"]
        self.rows = range(len(self.counts))
        known_scores = [score for score in table["mean_scores"] if score > 0]
        known_days = [day for day in table["start_days"] if day > 0]
        self.scores = [score or (mean(known_scores) if known_scores else 6.5) for score in table["mean_scores"]]
        days = [day or (mean(known_days) if known_days else 38_000) for day in table["start_days"]]
        self.days: list[float] = days
        self.years = [(day - 36_525) / 365.25 for day in days]
        self.popularity = [math.log((count + 1) / (n_users + 1)) for count in self.counts]
        self.codes = {kind: table[f"{kind}_codes"] for kind in KINDS if kind != "year"} | {"year": table["years"]}
        self.code_shares = {kind: self._shares_of(codes) for kind, codes in self.codes.items()}
        self.genres = [{g for g, has in enumerate(marks) if has} for marks in table["anime_genres"]]
        n_genres = arrays["anime_genres"].shape[1]
        self.genre_shares = shares(
            [sum(self.counts[a] for a in self.rows if g in self.genres[a]) for g in range(n_genres)]
        )
        self.franchise: dict[int, list[int]] = {}
        for row, code in enumerate(table["franchise_codes"]):
            self.franchise.setdefault(code, []).append(row)
        self.by_popularity = sorted(self.rows, key=lambda row: (-self.counts[row], row))

    def _shares_of(self, codes: Sequence[int]) -> list[float]:
        return shares([sum(self.counts[a] for a in self.rows if codes[a] == code) for code in range(max(codes) + 1)])

    def as_popular(self, row: int) -> list[int]:
        """Give the band of popularity that an anime lies in, of 200 from the first place to the last."""
        n = len(self.counts)
        band = self.by_popularity.index(row) * 200 // n
        return [other for place, other in enumerate(self.by_popularity) if place * 200 // n == band]

    def mates(self, row: int) -> list[int]:
        """Give the whole franchise of an anime."""
        return self.franchise[self.table["franchise_codes"][row]]

    def main_before(self, row: int) -> list[int]:
        """Give what must be watched before an anime."""
        positions, roles = self.table["franchise_positions"], self.table["franchise_roles"]
        return [mate for mate in self.mates(row) if roles[mate] == 0 and positions[mate] < positions[row]]

    def genre_direction(self, row: int) -> list[float]:
        """Give the genres as a vector of length 1, in which rare ones are longer."""
        vector = [
            -math.log(share) if genre in self.genres[row] else 0.0 for genre, share in enumerate(self.genre_shares)
        ]
        length = math.hypot(*vector)
        return [value / length for value in vector] if length else vector

    def facts(self, row: int) -> Features:
        kind, source = (self.table[f"{name}_names"][self.codes[name][row]] for name in ("type", "source"))
        members, role = self.table["members"][row], self.table["franchise_roles"][row]
        return {
            "log share of lists": self.popularity[row],
            "log members": math.log(members + 1),
            "log favourites per member": math.log((self.table["favorites"][row] + 1) / (members + 100)),
            "mean score": self.scores[row],
            "log episodes": math.log(self.table["episodes"][row] + 1),
            "log minutes": math.log(self.table["minutes"][row] + 1),
            "years since 2000": self.years[row],
            "adult": float(self.table["adult"][row]),
            "place in its franchise": min(self.table["franchise_positions"][row], 10),
            "side story": float(role == 1),
            "extra": float(role == 2),
            "log size of its franchise": math.log(len(self.mates(row))),
            **{f"is {name}": float(kind == name) for name in ("TV", "Movie", "OVA", "ONA", "Special", "Music")},
            **{
                f"source {name}": float(source == name)
                for name in ("Original", "Manga", "Light novel", "Visual novel", "Game")
            },
        }
