"""Puts a dump's catalogue into the rows of a bundle: the anime that its model learned, and all others as new ones."""

import itertools
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.bundle.card import AnimeCard
from models.bundle.reader import Bundle
from training.lists.prepared import Prepared

Arrays = dict[str, NDArray[Any]]

_NAMED: Final = ("type", "source", "studio", "age_rating")
_CARDS: Final = ("cards", "card_offsets")


def update_catalogue(bundle: Bundle, prepared: Prepared) -> tuple[Arrays, Arrays]:
    """Give the catalogue's arrays of the anime that the model learned, and of all others, with one meaning of codes.

    Both are as :attr:`training.lists.prepared.Prepared.new_anime`. Learned anime that the dump's catalogue lacks stay
    as the bundle has them, but for names that the dump lacks.
    """
    names = {name: array for name, array in prepared.catalogue.items() if name.endswith("_names")}
    columns = [name for name in prepared.catalogue if name not in {*names, *_CARDS}]
    listed = {**prepared.catalogue, "anime_ids": prepared.interactions.anime_ids}
    in_dump = np.concatenate([listed["anime_ids"], prepared.new_anime["anime_ids"]])
    lacking = np.flatnonzero(~np.isin(bundle.anime_ids, in_dump))
    parts = [listed, prepared.new_anime, _rows_of_bundle(bundle, lacking, columns, names)]
    whole = {name: np.concatenate([part[name] for part in parts]) for name in ("anime_ids", *columns)}
    of_bundle = split_cards({name: getattr(bundle, name) for name in _CARDS})
    cards = split_cards(listed) + split_cards(prepared.new_anime) + [of_bundle[row] for row in lacking.tolist()]
    order = np.argsort(whole["anime_ids"])
    is_learned = np.isin(whole["anime_ids"][order], bundle.anime_ids)

    def pick(rows: NDArray[np.int64], *, new: bool) -> Arrays:
        blobs = [_mark(cards[row], new=new) for row in rows.tolist()]
        return {
            **{name: array[rows] for name, array in whole.items()},
            **names,
            "cards": np.frombuffer(b"".join(blobs), dtype=np.uint8),
            "card_offsets": np.cumsum([0, *map(len, blobs)], dtype=np.int64),
        }

    return pick(order[is_learned], new=False), pick(order[~is_learned], new=True)


def split_cards(catalogue: Mapping[str, NDArray[Any]]) -> list[bytes]:
    """Give the card of each anime, as JSON."""
    blob, offsets = catalogue["cards"].tobytes(), catalogue["card_offsets"].tolist()
    return [blob[start:end] for start, end in itertools.pairwise(offsets)]


def _mark(card: bytes, *, new: bool) -> bytes:
    """Write a card anew if it says otherwise whether its anime is new."""
    read = AnimeCard.model_validate_json(card)
    return card if read.new == new else read.model_copy(update={"new": new}).to_json()


def _rows_of_bundle(bundle: Bundle, rows: NDArray[np.int64], columns: list[str], names: Arrays) -> Arrays:
    """Take some learned anime from the bundle, their cards left out, with codes of other names."""
    arrays: Arrays = {name: getattr(bundle, name)[rows] for name in ("anime_ids", *columns)}
    for kind in _NAMED:
        codes = arrays[f"{kind}_codes"]
        new_codes = {name: code for code, name in enumerate(names[f"{kind}_names"].tolist())}
        theirs = getattr(bundle, f"{kind}_names")[codes].tolist()
        arrays[f"{kind}_codes"] = np.array([new_codes.get(name, 0) for name in theirs], dtype=codes.dtype)
    genres = np.zeros((len(rows), len(names["genre_names"])), dtype=bool)
    _, before, after = np.intersect1d(bundle.genre_names, names["genre_names"], return_indices=True)
    genres[:, after] = arrays["anime_genres"][:, before]
    return arrays | {"anime_genres": genres}
