"""Features of pairs of anime once more: with dense matrices and plain loops, and every constant written out.

What ranks similar anime is held to this. So nothing here comes from the code it holds.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tests.training.interactions_for_tests import Row

Matrix = NDArray[np.float64]
Values = dict[str, float]

PLANNED: Final = 6
GENRES: Final = (
    "Action, Adventure, Comedy, Dementia, Demons, Drama, Ecchi, Fantasy, Game, Harem, Hentai, Historical, "
    "Horror, Kids, Magic, Martial Arts, Mecha, Military, Music, Mystery, Parody, Police, Psychological, "
    "Romance, Samurai, School, Sci-Fi, Seinen, Shoujo, Shounen, Slice of Life, Space, Sports, Super Power, "
    "Supernatural, Thriller, Vampire"
)


class SlowViewers:
    """What lists say of all pairs, as dense matrices."""

    def __init__(self, rows: Sequence[Row], n_anime: int) -> None:
        users = sorted({user for user, *_ in rows})
        self.n_users = len(users)
        self.seen = np.zeros((self.n_users, n_anime))
        self.liked = np.zeros((self.n_users, n_anime))
        for number, user in enumerate(users):
            mine = [(anime, rating) for who, anime, rating, status in rows if who == user and status != PLANNED]
            given = [rating for _, rating in mine if rating]
            for anime, rating in mine:
                self.seen[number, anime] = 1
                self.liked[number, anime] = rating > 0 and rating >= sum(given) / len(given)
        self.counts = self.seen.sum(axis=0)
        self.places = places(self.counts.tolist())

    def cosine(self, marks: Matrix) -> Matrix:
        together = marks.T @ marks
        lengths = np.sqrt(np.diag(together))
        lengths[lengths == 0] = 1
        return without_itself(together / lengths[:, None] / lengths[None, :])

    def evenly(self) -> Matrix:
        """Weigh each user by one over the length of the list."""
        shares: Matrix = self.seen / np.sqrt(np.maximum(self.seen.sum(axis=1, keepdims=True), 1))
        return shares

    def inverse(self, n_dense: int) -> Matrix:
        """Invert the co-counts: each anime outside the most popular as if it were alone with one other."""
        together = self.seen.T @ self.seen
        together += np.diag(np.diag(together) * 0.3 / 0.7 + max(0.08 * self.n_users, 1.0))
        popular = sorted(range(len(together)), key=lambda row: -self.counts[row])[:n_dense]
        diagonal = np.diag(together)
        inverse: Matrix = -together / diagonal[:, None] / diagonal[None, :]
        np.fill_diagonal(inverse, 1 / diagonal)
        among = np.ix_(sorted(popular), sorted(popular))
        inverse[among] = np.linalg.inv(together[among])
        return inverse


def without_itself(matrix: Matrix) -> Matrix:
    """Take the diagonal out: of an anime and itself nothing is said."""
    return matrix - np.diag(np.diag(matrix))


def unit(matrix: Matrix) -> Matrix:
    lengths = np.sqrt((matrix**2).sum(axis=1, keepdims=True))
    return matrix / np.where(lengths < 1e-9, 1, lengths)


def evidence_of_lists(viewers: SlowViewers, embeddings: Matrix, n_dense: int) -> dict[str, Matrix]:
    """Give each kind of evidence, rows for queries."""
    inverse = viewers.inverse(n_dense)
    weight_for = without_itself(-inverse / np.diag(inverse)[None, :])
    return {
        "weight_for": weight_for,
        "weight_from": weight_for.T,
        "cosine": viewers.cosine(viewers.seen),
        "liked_cosine": viewers.cosine(viewers.liked),
        "even_cosine": viewers.cosine(viewers.evenly()),
        "embedding": without_itself(embeddings @ embeddings.T),
    }


def neighbourhoods(inverse: Matrix) -> Matrix:
    """Compare the 50 nearest of each by partial correlation."""
    lengths = np.sqrt(np.diag(inverse))
    partial = np.maximum(without_itself(-inverse / lengths[:, None] / lengths[None, :]), 0)
    near = np.zeros_like(partial)
    for row, values in enumerate(partial):
        nearest = np.argsort(-values, kind="stable")[:50]
        near[row, nearest] = values[nearest]
    return without_itself(unit(near) @ unit(near).T)


def genre_directions(genres: Matrix) -> Matrix:
    rarity = [max(math.log(len(genres) / (1 + having)), 0.1) for having in genres.sum(axis=0)]
    return unit(genres * np.array(rarity))


def tf_idf(documents: Sequence[Sequence[str]], least: int, most: float) -> Matrix:
    """Weigh terms that enough documents have, and not too many, as unit rows."""
    n = len(documents)
    found_in = Counter(term for document in documents for term in set(document))
    kept = [term for term, count in found_in.items() if least <= count <= most * n]
    rows = np.zeros((n, len(kept)))
    for number, document in enumerate(documents):
        times = Counter(document)
        for column, term in enumerate(kept):
            if times[term]:
                rows[number, column] = (1 + math.log(times[term])) * (math.log((1 + n) / (1 + found_in[term])) + 1)
    return unit(rows)


def groups_of_letters(title: str) -> list[str]:
    """Cut words, with a space on both sides, into groups of three and of four letters."""
    groups = []
    for word in title.lower().split():
        for size in (3, 4):
            padded = f" {word} "
            groups += [padded[i : i + size] for i in range(max(len(padded) - size, 0) + 1)]
            if len(padded) <= size:
                break
    return groups


def topics(words: Matrix, n_topics: int) -> Matrix:
    """Add up what words mean: how much more often than by chance each is found beside each other."""
    marks = words > 0
    both = marks.T.astype(float) @ marks
    information = np.zeros_like(both)
    for one, other in np.argwhere(both >= 3).tolist():
        if one != other:
            by_chance = both[one, one] * both[other, other] / len(words)
            information[one, other] = max(math.log(both[one, other] / by_chance), 0)
    left, strengths, _ = np.linalg.svd(information)
    found = words @ unit(left[:, :n_topics] * strengths[:n_topics])
    told = marks.any(axis=1)
    found[told] -= found[told].mean(axis=0)
    return unit(found)


def expected_embeddings(columns: Matrix, embeddings: Matrix, counts: Matrix) -> Matrix:
    """Predict embeddings: every anime as often as it weighs, and rows of zeros that draw all slopes to 0."""
    weights = np.sqrt(np.minimum(counts, 300) + 1)
    columns = np.column_stack([np.ones(len(columns)), columns])
    penalty = math.sqrt(10 * weights.mean()) * np.eye(columns.shape[1])
    inputs = np.concatenate([columns * np.sqrt(weights)[:, None], penalty])
    outputs = np.concatenate([embeddings * np.sqrt(weights)[:, None], np.zeros((len(penalty), embeddings.shape[1]))])
    found = columns @ np.linalg.lstsq(inputs, outputs, rcond=None)[0]
    return unit(found - (found * weights[:, None]).sum(axis=0) / weights.sum())


def content(about: Matrix, catalogue: Mapping[str, NDArray[Any]]) -> Matrix:
    """Put topics, genres, codes of fifteen anime or more, and years into columns."""
    columns = [*about.T, *catalogue["anime_genres"].astype(float).T]
    for name in ("type", "source", "studio", "age_rating"):
        codes = catalogue[f"{name}_codes"].tolist()
        often = [which for which, count in Counter(codes).items() if count >= 15]
        columns += [np.array([float(code == which) for code in codes]) for which in often]
    years = [day / 365.25 if day > 0 else math.nan for day in catalogue["start_days"].tolist()]
    known = [year for year in years if not math.isnan(year)]
    for share in (0.02, 0.14, 0.26, 0.38, 0.5, 0.62, 0.74, 0.86, 0.98):
        bend = np.quantile(np.array(known, dtype=np.float32), share)
        columns.append(np.array([0.0 if math.isnan(year) else max(year - bend, 0) / 10 for year in years]))
    return np.column_stack(columns)


def places(values: Sequence[float]) -> list[float]:
    """Give each its place from 0 to 1, in the middle of those that are equal."""
    return [(sum(x < value for x in values) + sum(x <= value for x in values)) / 2 / len(values) for value in values]


def of_counts(viewers: SlowViewers, query: int, other: int) -> Values:
    of_query, of_other = viewers.counts[query], viewers.counts[other]
    seen = float(viewers.seen[:, query] @ viewers.seen[:, other])
    liked = float(viewers.liked[:, query] @ viewers.liked[:, other])
    product = max(of_query * of_other, 1)
    expected = viewers.liked[:, query].sum() * viewers.liked[:, other].sum() / product * seen
    return {
        "lift": math.log((seen + 1) / (product / viewers.n_users + 1)),
        "share_of_other": seen / max(of_other, 1),
        "share_of_query": seen / max(of_query, 1),
        "liked_lift": math.log((liked + 0.5) / (expected + 0.5)),
        "popularity": viewers.places[other],
        "query_popularity": viewers.places[query],
        "popularity_more": math.log((of_other + 1) / (of_query + 1)),
    }


class SlowTraits:
    """What the catalogue says of each anime; no number where it is not known."""

    def __init__(self, catalogue: Mapping[str, NDArray[Any]]) -> None:
        def known(name: str, scale: Callable[[float], float] = float) -> list[float]:
            return [scale(value) if value > 0 else math.nan for value in catalogue[name].tolist()]

        self.genre_names = catalogue["genre_names"].tolist()
        self.genres = [{g for g, has in enumerate(marks) if has} for marks in catalogue["anime_genres"].tolist()]
        self.directions = genre_directions(catalogue["anime_genres"].astype(np.float64))
        members = known("members", math.log1p)
        self.numbers = {
            "year": known("start_days", lambda day: day / 365.25),
            "score": known("mean_scores"),
            "episodes": known("episodes", math.log1p),
            "minutes": known("minutes", math.log1p),
            "members": members,
            "fans": [math.log1p(n) - of for n, of in zip(catalogue["favorites"].tolist(), members, strict=True)],
            "fame": places(catalogue["members"].tolist()),
            "adult": catalogue["adult"].astype(float).tolist(),
        }
        self.types = [catalogue["type_names"][code] for code in catalogue["type_codes"]]
        self.codes = {
            name: catalogue[f"{name}_codes"].tolist() for name in ("type", "source", "studio", "age_rating")
        }

    def marks(self, which: str, row: int) -> Values:
        have = {self.genre_names[genre] for genre in self.genres[row]}
        return {f"{which}_{genre}": float(genre in have) for genre in GENRES.split(", ")}

    def compare(self, query: int, other: int) -> Values:
        of_query = {name: values[query] for name, values in self.numbers.items()}
        of_other = {name: values[other] for name, values in self.numbers.items()}
        more = {name: of_other[name] - of_query[name] for name in self.numbers}
        shared, either = self.genres[query] & self.genres[other], self.genres[query] | self.genres[other]
        return {
            "genre_cosine": float(self.directions[query] @ self.directions[other]),
            "genres_shared": len(shared),
            "genres_jaccard": len(shared) / max(len(either), 1),
            "genres_new": len(self.genres[other] - self.genres[query]),
            "years_later": more["year"],
            "years_apart": abs(more["year"]),
            "score_higher": more["score"],
            "score_apart": abs(more["score"]),
            "query_fame": of_query["fame"],
            "is_tv": float(self.types[other] == "TV"),
            **{name: of_other[name] for name in ("year", "score", "episodes", "minutes", "fame", "fans")},
            **{f"{name}_more": more[name] for name in ("episodes", "minutes", "members", "fans", "adult")},
            **self.marks("query", query),
            **self.marks("other", other),
            **{f"same_{name}": float(codes[other] == codes[query] != 0) for name, codes in self.codes.items()},
        }
