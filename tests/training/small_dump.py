"""A small dump for tests: users of four tastes, in exactly the format of the real files."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

N_CLUSTERS = 4
LIST_HEADER = ("user_id", "anime_id", "rating", "watching_status", "watched_episodes")
CATALOGUE_HEADER = (
    "MAL_ID", "Name", "Score", "Genres", "English name", "Japanese name", "Type", "Episodes", "Aired", "Premiered",
    "Rating", "Members",
)  # fmt: skip
SYNOPSIS_HEADER = ("MAL_ID", "Name", "Score", "Genres", "sypnopsis")

ListRow = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class SmallDump:
    """What was written.

    Attributes
    ----------
    folder : Path
    rows : list of tuple
        user, anime, rating, status, episodes; in the order of the file.
    cluster_of : dict of int to int
        The taste that an anime belongs to, by id.
    """

    folder: Path
    rows: list[ListRow]
    cluster_of: dict[int, int]


def write_small_dump(
    folder: Path, n_users: int = 60, n_anime: int = 40, seed: int = 0, n_strange: int = 1
) -> SmallDump:
    """Write animelist.csv, anime.csv, anime_with_synopsis.csv and recommendations.csv; users drop n_strange anime."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    anime_ids = [1 + 7 * number for number in range(n_anime)]
    cluster_of = {anime_id: number % N_CLUSTERS for number, anime_id in enumerate(anime_ids)}
    rows = [
        row
        for user in range(n_users)
        for row in _user_rows(3 + 2 * user, user % N_CLUSTERS, cluster_of, rng, n_strange)
    ]
    write_csv(folder / "animelist.csv", LIST_HEADER, rows)
    write_csv(folder / "anime.csv", CATALOGUE_HEADER, [_catalogue_row(i, cluster_of[i]) for i in anime_ids])
    synopses = [(i, f"Anime {i}", 7.5, "Action", f"Story number {i}.") for i in anime_ids if i != anime_ids[-1]]
    write_csv(folder / "anime_with_synopsis.csv", SYNOPSIS_HEADER, synopses)
    pairs = [
        (a, b, 3 + (a + b) % 5) for a in anime_ids for b in anime_ids if a != b and cluster_of[a] == cluster_of[b]
    ]
    write_csv(folder / "recommendations.csv", ("anime_id", "similar_anime_id", "votes"), pairs)
    return SmallDump(folder, rows, cluster_of)


def add_new_anime(dump: SmallDump) -> dict[int, int]:
    """Add anime to the catalogue that are on no list: one of each taste, by id, and one of which nothing is known."""
    new = {1001 + cluster: cluster for cluster in range(N_CLUSTERS)}
    with (dump.folder / "anime.csv").open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows(_catalogue_row(anime_id, cluster) for anime_id, cluster in new.items())
        writer.writerow((1000, "Untold", *["Unknown"] * 10))
    return new


def write_csv(path: Path, header: tuple[str, ...], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _user_rows(
    user_id: int, taste: int, cluster_of: dict[int, int], rng: np.random.Generator, n_strange: int
) -> list[ListRow]:
    mates = [anime_id for anime_id, cluster in cluster_of.items() if cluster == taste]
    others = [anime_id for anime_id, cluster in cluster_of.items() if cluster != taste]
    liked = rng.choice(mates, max(1, round(0.8 * len(mates))), replace=False).tolist()
    strange = rng.choice(others, min(n_strange, len(others)), replace=False).tolist()
    rows: list[ListRow] = [(user_id, anime_id, int(rng.integers(7, 11)), 2, 12) for anime_id in liked]
    rows += [(user_id, anime_id, int(rng.integers(0, 7)), 4, 2) for anime_id in strange]
    plans = sorted(set(others) - set(strange))[:1]
    return sorted(rows + [(user_id, anime_id, 0, 6, 0) for anime_id in plans])


def _catalogue_row(anime_id: int, cluster: int) -> tuple[object, ...]:
    genre = ("Action", "Drama", "Comedy", "Sci-Fi")[cluster]
    return (
        anime_id, f"Anime {anime_id}", 7.5, f"{genre}, Fantasy", f"English {anime_id}", "アニメ", "TV", 12,
        "Apr 3, 1998 to Apr 24, 1999", "Spring 1998", "PG-13 - Teens 13 or older", 1000 + anime_id,
    )  # fmt: skip
