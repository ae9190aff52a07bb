"""Reads the catalogue (anime.csv and anime_with_synopsis.csv) into anime cards and the arrays that filters need."""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.bundle.card import AnimeCard
from training.dump import columns
from training.dump.catalogue_values import UNKNOWN, Row, check_sense, known_cells, read_names, read_number
from training.dump.csv_text import find_dialect, read_rows
from training.dump.files import parts_of
from training.dump.list_values import read_whole
from training.dump.rejects import RejectedRows
from training.dump.traits import AnimeTraits, read_traits, trait_arrays
from training.errors import InputError

MAL_ID: Final = "mal_id"
MAX_TYPES: Final = 256
_NEEDED: Final = (MAL_ID, "name")
_YEAR: Final = re.compile(r"\b(19|20)\d\d\b")
_NO_SYNOPSIS: Final = re.compile(r"^no (synopsis|description)\b", re.IGNORECASE)

# The only reason that keeps the row: a title with an odd letter is better than no title.
NO_UTF8: Final = "bytes that are no UTF-8 (row kept, bytes replaced)"


@dataclass(frozen=True)
class Catalogue:
    """All anime the dump knows, by MyAnimeList id, ascending."""

    cards: dict[int, AnimeCard]
    adult_ids: frozenset[int]  # age rating Rx or genre Hentai
    traits: dict[int, AnimeTraits]  # one for every card

    @property
    def anime_ids(self) -> NDArray[np.int64]:
        """Ids, ascending."""
        return np.fromiter(self.cards, dtype=np.int64, count=len(self.cards))


def read_catalogue(anime_file: Path, synopsis_file: Path | None, rejects: RejectedRows) -> Catalogue:
    """Read the catalogue files. Without a file of synopses they come from a column of the catalogue, if it has one.

    ``rejects`` takes rows without a usable id or name, and the second row of an id.

    Raises
    ------
    InputError
        If a file is empty, broken, lacks a column, or has no usable row.
    """
    synopses = _read_synopses(synopsis_file, rejects) if synopsis_file else {}
    cards: dict[int, AnimeCard] = {}
    traits: dict[int, AnimeTraits] = {}
    adult_ids = set()
    rows: list[Row] = []
    for file, line, anime_id, row in identified_rows(anime_file, _NEEDED, rejects):
        fault = "second row of an anime" if anime_id in cards else "" if row["name"].strip() else "name is empty"
        if fault:
            rejects.add(file, line, fault, ",".join(row.values()))
            continue
        known = known_cells(row)
        cards[anime_id] = _make_card(anime_id, row["name"], known, synopses.get(anime_id) or row.get("synopsis"))
        traits[anime_id] = read_traits(known)
        rows.append(known)
        if known.get("rating", "").startswith("Rx") or "Hentai" in cards[anime_id].genres:
            adult_ids.add(anime_id)
    if not cards:
        raise InputError(f"{anime_file}: has no usable row")
    check_sense(anime_file, rows)
    return Catalogue(dict(sorted(cards.items())), frozenset(adult_ids), traits)


def new_anime_arrays(
    catalogue: Catalogue, known_ids: NDArray[np.int64], known: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Make the arrays of all anime but some known ones, whose names of studios and the like are used again.

    They are those of :func:`catalogue_arrays`, and ``anime_ids``. Their cards say that they are new.
    """
    anime_ids = np.setdiff1d(catalogue.anime_ids, known_ids)
    return {"anime_ids": anime_ids, **catalogue_arrays(catalogue, anime_ids, like=known)}


def catalogue_arrays(
    catalogue: Catalogue, anime_ids: NDArray[np.int64], like: Mapping[str, NDArray[Any]] | None = None
) -> dict[str, NDArray[Any]]:
    """Put cards and traits of some anime into the catalogue's arrays of the bundle (`models.bundle.layout.LAYOUT`).

    Types and genres are those of the whole catalogue. ``like`` is for new anime: the arrays of the others.

    Raises
    ------
    InputError
        If there are more types of anime than a byte counts: some other column has that name.
    """
    cards = [catalogue.cards[anime_id] for anime_id in anime_ids.tolist()]
    blobs = [card.model_copy(update={"new": like is not None}).to_json() for card in cards]
    type_names = ["", *sorted({card.type for card in catalogue.cards.values() if card.type})]
    if len(type_names) > MAX_TYPES:
        raise InputError(
            f"the catalogue's column type has {len(type_names) - 1:,} different values; TV, Movie, ... expected"
        )
    genre_names = sorted({genre for card in catalogue.cards.values() for genre in card.genres})
    genre_index = {name: column for column, name in enumerate(genre_names)}
    anime_genres = np.zeros((len(cards), len(genre_names)), dtype=bool)
    for row, card in enumerate(cards):
        anime_genres[row, [genre_index[genre] for genre in card.genres]] = True
    return {
        "cards": np.frombuffer(b"".join(blobs), dtype=np.uint8),
        "card_offsets": np.concatenate([[0], np.cumsum([len(blob) for blob in blobs], dtype=np.int64)]),
        "type_names": np.array(type_names, dtype=np.str_),
        "type_codes": np.array([type_names.index(card.type or "") for card in cards], dtype=np.uint8),
        "genre_names": np.array(genre_names, dtype="U1" if not genre_names else np.str_),
        "anime_genres": anime_genres,
        "years": np.array([card.year or 0 for card in cards], dtype=np.int16),
        "mean_scores": np.array([card.score or 0.0 for card in cards], dtype=np.float32),
        "members": np.array([card.members or 0 for card in cards], dtype=np.int32),
        "adult": np.isin(anime_ids, np.fromiter(catalogue.adult_ids, dtype=np.int64)),
        **trait_arrays(cards, [catalogue.traits[anime_id] for anime_id in anime_ids.tolist()], like),
    }


def _read_synopses(path: Path, rejects: RejectedRows) -> dict[int, str]:
    synopses: dict[int, str] = {}
    for file, line, anime_id, row in identified_rows(path, (MAL_ID, "synopsis"), rejects):
        if anime_id in synopses:
            rejects.add(file, line, "second synopsis of an anime", ",".join(row.values()))
        else:
            synopses[anime_id] = row["synopsis"]
    return synopses


def _make_card(anime_id: int, name: str, known: Row, synopsis: str | None) -> AnimeCard:
    synopsis = html.unescape(synopsis or "").strip()
    year = _YEAR.search(known.get("aired", "")) or _YEAR.search(known.get("premiered", ""))
    score, members = read_number(known.get("score")), read_number(known.get("members"))
    return AnimeCard(
        anime_id=anime_id,
        name=html.unescape(name).strip(),
        english_name=known.get("english_name"),
        japanese_name=known.get("japanese_name"),
        type=known.get("type"),
        episodes=int(read_number(known.get("episodes")) or 0) or None,
        genres=read_names(known.get("genres", "")),
        synopsis=None if synopsis.lower() in UNKNOWN or _NO_SYNOPSIS.match(synopsis) else synopsis,
        year=int(year.group()) if year else None,
        score=score or None,
        members=None if members is None else int(members),
        age_rating=known.get("rating"),
        url=f"https://myanimelist.net/anime/{anime_id}",
    )


def identified_rows(path: Path, needed: Sequence[str], rejects: RejectedRows) -> Iterator[tuple[str, int, int, Row]]:
    """Yield file, line, id and row of every row with a usable id; set the others aside."""
    for file, line, row in _rows(path, needed, rejects):
        anime_id = read_whole(row[MAL_ID])
        if anime_id is None or not 0 <= anime_id < 2**63:
            rejects.add(file, line, f"{MAL_ID} is no number", ",".join(row.values()))
        else:
            yield file, line, anime_id, row


def _rows(path: Path, needed: Sequence[str], rejects: RejectedRows) -> Iterator[tuple[str, int, Row]]:
    """Yield file, line and cells of every row."""
    for part in parts_of(path):
        yield from (_parquet_rows if part.suffix == ".parquet" else _csv_rows)(part, needed, rejects)


def _csv_rows(path: Path, needed: Sequence[str], rejects: RejectedRows) -> Iterator[tuple[str, int, Row]]:
    dialect = find_dialect(path, needed)
    names = columns.catalogue_columns(dialect.header)
    columns.require_columns(path, names, needed, written=dialect.description)
    for line, _, text, cells in read_rows(path, dialect):
        if len(cells) != len(names):
            reason = f"wrong number of columns, expected {len(names)}" if cells else "no CSV"
            rejects.add(path.name, line, reason, text)
            continue
        if "\ufffd" in text:
            rejects.add(path.name, line, NO_UTF8, text)
        yield path.name, line, dict(zip(names, cells, strict=True))


def _parquet_rows(
    path: Path,
    needed: Sequence[str],
    rejects: RejectedRows,  # noqa: ARG001 - Parquet has no rows that are none
) -> Iterator[tuple[str, int, Row]]:
    try:
        frame = pd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: is no readable Parquet file ({error})") from error
    frame.columns = pd.Index(columns.catalogue_columns(map(str, frame.columns)))
    columns.require_columns(path, list(frame.columns), needed)
    texts = frame.astype(object).where(frame.notna(), "").astype(str)
    for number, row in enumerate(texts.to_dict("records"), start=1):
        yield path.name, number, {str(name): str(value) for name, value in row.items()}
