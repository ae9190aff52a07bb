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

_CODED: Final = ("type", "source", "studio", "age_rating")
_CARDS: Final = ("cards", "card_offsets")


def update_catalogue(bundle: Bundle, prepared: Prepared, *, keep_new: bool) -> tuple[Arrays, Arrays]:
    """Give the catalogue's arrays of the anime that the model learned, and of all others, with one meaning of codes.

    Both are as :attr:`training.lists.prepared.Prepared.new_anime`. ``prepared`` holds all anime of its catalogue.
    Learned anime that it lacks stay as the bundle has them, and with ``keep_new`` the bundle's new ones as well.
    """
    in_dump = {**prepared.catalogue, "anime_ids": prepared.interactions.anime_ids}
    columns = [name for name in in_dump if not name.endswith("_names") and name not in _CARDS]
    lacking = np.flatnonzero(~np.isin(bundle.catalogue_ids if keep_new else bundle.anime_ids, in_dump["anime_ids"]))
    parts = (in_dump, _rows_of_bundle(bundle, lacking, columns))
    used = [part["genre_names"][part["anime_genres"].any(axis=0)] for part in parts]
    names: Arrays = {"genre_names": np.unique(np.concatenate(used))}
    for part in parts:
        part["anime_genres"] = part["anime_genres"] @ (part["genre_names"][:, None] == names["genre_names"])
    whole = {name: np.concatenate([part[name] for part in parts]) for name in columns}
    for kind in _CODED:
        texts = np.concatenate([[""], *(part[f"{kind}_names"][part[f"{kind}_codes"]] for part in parts)])
        names[f"{kind}_names"], codes = np.unique(texts, return_inverse=True)
        whole[f"{kind}_codes"] = codes[1:].astype(in_dump[f"{kind}_codes"].dtype)
    of_bundle = split_cards({name: getattr(bundle, name) for name in _CARDS})
    of_bundle += split_cards({name: getattr(bundle, f"new_{name}") for name in _CARDS})
    cards = split_cards(in_dump) + [of_bundle[row] for row in lacking.tolist()]
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


def _rows_of_bundle(bundle: Bundle, rows: NDArray[np.int64], columns: list[str]) -> Arrays:
    """Take some anime from the bundle, their cards left out; what it does not hold of new ones is unknown, 0."""
    arrays: Arrays = {name: getattr(bundle, name) for name in ("genre_names", *(f"{kind}_names" for kind in _CODED))}
    for name in columns:
        learned: NDArray[Any] = getattr(bundle, name)
        unknown = np.zeros((bundle.n_new, *learned.shape[1:]), dtype=learned.dtype)
        arrays[name] = np.concatenate([learned, getattr(bundle, f"new_{name}", unknown)])[rows]
    return arrays
