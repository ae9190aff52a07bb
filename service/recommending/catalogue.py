"""The catalogue of a bundle: ids to rows, cards, and which rows pass a filter."""

import bisect
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from pydantic import ValidationError

from models.bundle.card import AnimeCard
from models.bundle.layout import UserId
from models.bundle.reader import Bundle
from models.errors import BundleContentError
from service.recommending.errors import InvalidRequestError, Issue, UnknownAnimeError, UnknownUserError
from service.recommending.requests import Filters

# 512 masks of 17,562 bytes are 9 MB; people filter by the same few things.
N_REMEMBERED_MASKS: Final = 512
N_ANIME_IDS_IN_A_KEY: Final = 50
SCORE_KEY: Final = b'"score":'


@dataclass(frozen=True)
class Allowed:
    """The rows that pass a filter. Shared between requests: read-only."""

    mask: NDArray[np.bool_]  # (n_anime,)
    with_first: NDArray[np.bool_]  # (n_anime,), those of them whose franchise's first entry passes too
    count: int  # how many pass
    first_count: int  # how many of them are the first entry of their franchise


class Catalogue:
    """What the bundle knows about its anime, apart from who watches them; ``folder`` is named in messages.

    Rows are those of the whole catalogue: new anime come behind those that the model learned.

    Raises
    ------
    BundleContentError
        If a card is no :class:`models.bundle.card.AnimeCard`, or belongs to another anime.
    """

    def __init__(self, bundle: Bundle, folder: Path = Path()) -> None:
        self._bundle = bundle
        #: How many anime the model learned; the rows of new ones come behind.
        self.n_known = bundle.n_anime
        self._cards = bundle.cards.data, bundle.card_offsets.tolist()
        self._new_cards = bundle.new_cards.data, bundle.new_card_offsets.tolist()
        self._rows = {anime_id: row for row, anime_id in enumerate(bundle.catalogue_ids.tolist())}
        #: For each anime, the row of the first entry of its franchise.
        self.first_rows: NDArray[np.int32] = np.concatenate([_first_rows(bundle), bundle.new_first_rows])
        self._is_first = self.first_rows == np.arange(len(self.first_rows))
        self._types = {str(name).casefold(): code for code, name in enumerate(bundle.type_names) if name}
        self._genres = {str(name).casefold(): column for column, name in enumerate(bundle.genre_names)}
        self.titles = [_titles(self.card(row), bundle, row, folder) for row in range(len(bundle.catalogue_ids))]
        # Not a cache of a bound method: that cycle would keep the memory of a model that was swapped out.
        self._remembered: LRUCache[Filters, Allowed] = LRUCache(N_REMEMBERED_MASKS)
        self._lock = threading.Lock()

    @property
    def type_names(self) -> list[str]:
        """Types an anime can have, the unknown one left out."""
        return [str(name) for name in self._bundle.type_names if name]

    @property
    def genre_names(self) -> list[str]:
        """Genres an anime can have."""
        return [str(name) for name in self._bundle.genre_names]

    def card(self, anime_row: int) -> bytes:
        """Give the card of an anime: a JSON object, see :class:`models.bundle.card.AnimeCard`."""
        return self._read_card(anime_row, 0)

    def is_new(self, anime_row: int) -> bool:
        """Whether too few lists hold an anime to learn from."""
        return anime_row >= self.n_known

    def open_cards(self, anime_rows: Iterable[int]) -> list[bytes]:
        """Give the cards of some anime without their opening braces: other fields go in front."""
        return [self._read_card(row, 1) for row in anime_rows]

    def _read_card(self, row: int, n_skipped: int) -> bytes:
        cards, ends = self._cards
        if row >= self.n_known:
            row -= self.n_known
            cards, ends = self._new_cards
        return bytes(cards[ends[row] + n_skipped : ends[row + 1]])

    def row_of(self, anime_id: int) -> int:
        """Find the row of an anime.

        Raises
        ------
        UnknownAnimeError
            If the catalogue has no such anime.
        """
        row = self._rows.get(anime_id)
        if row is None:
            raise UnknownAnimeError(anime_id)
        return row

    def rows_of(self, anime_ids: Iterable[int]) -> list[int | None]:
        """Find the rows of many anime; None where the catalogue has no such anime."""
        return [self._rows.get(anime_id) for anime_id in anime_ids]

    def allowed(self, filters: Filters) -> Allowed:
        """Find the anime that pass a filter, of those that the model learned.

        Raises
        ------
        InvalidRequestError
            If a type or a genre is unknown; lists the known ones.
        """
        # Long exclusion lists are one person's own: remembering them would push the common filters out.
        if len(filters.excluded_ids) > N_ANIME_IDS_IN_A_KEY:
            return self._find_allowed(filters)
        with self._lock:
            allowed = self._remembered.get(filters)
        if allowed is None:
            allowed = self._find_allowed(filters)
            with self._lock:
                self._remembered[filters] = allowed
        return allowed

    def allowed_everywhere(self, filters: Filters) -> Allowed:
        """Find the anime that pass a filter, new ones too.

        Raises
        ------
        InvalidRequestError
            As for :meth:`allowed`.
        """
        known = self.allowed(filters).mask
        return self._describe(np.concatenate([known, self._pass(filters, "new_")]))

    def _find_allowed(self, filters: Filters) -> Allowed:
        return self._describe(self._pass(filters))

    def _describe(self, mask: NDArray[np.bool_]) -> Allowed:
        first_rows = self.first_rows[: len(mask)]
        with_first = mask & mask[first_rows]
        first_count = np.count_nonzero(mask & self._is_first[: len(mask)])
        mask.flags.writeable = with_first.flags.writeable = False
        return Allowed(mask, with_first, int(np.count_nonzero(mask)), int(first_count))

    def _pass(self, filters: Filters, prefix: Literal["", "new_"] = "") -> NDArray[np.bool_]:
        """Mark what passes a filter of the anime whose arrays have a prefix."""

        def values(name: str) -> NDArray[Any]:
            array: NDArray[Any] = getattr(self._bundle, prefix + name)
            return array

        mask = np.ones(len(values("anime_ids")), dtype=bool)
        types = _codes("type", filters.types, self._types, self.type_names)
        if types:
            mask &= np.isin(values("type_codes"), types)
        for column in _codes("genre", filters.genres, self._genres, self.genre_names):
            mask &= values("anime_genres")[:, column]
        any_of = _codes("any_genre", filters.any_genres, self._genres, self.genre_names)
        if any_of:
            mask &= values("anime_genres")[:, any_of].any(axis=1)
        for column in _codes("exclude_genre", filters.excluded_genres, self._genres, self.genre_names):
            mask &= ~values("anime_genres")[:, column]
        _bound(mask, values("mean_scores"), filters.min_score, None)
        _bound(mask, values("members"), filters.min_members, filters.max_members)
        _bound(mask, values("years"), filters.year_from, filters.year_to)
        if not filters.include_adult:
            mask &= ~values("adult")
        begin = self.n_known if prefix else 0
        excluded = (self._rows.get(anime_id, -1) - begin for anime_id in filters.excluded_ids)
        mask[[row for row in excluded if 0 <= row < len(mask)]] = False
        return mask


def row_of_user(bundle: Bundle, user_id: UserId) -> int:
    """Find the row of a user.

    Raises
    ------
    UnknownUserError
        If the model has no such user.
    """
    # A binary search: a dictionary of 325,772 users would take every worker 30 MB and a tenth of a second.
    ids = bundle.user_ids
    if isinstance(user_id, str) != bundle.has_text_user_ids:
        row = bundle.n_users
    else:
        # For a text that is longer than all of them, numpy would copy them all.
        row = bisect.bisect_left(ids, user_id) if bundle.has_text_user_ids else int(ids.searchsorted(user_id))
    if row == bundle.n_users or ids[row].item() != user_id:
        raise UnknownUserError(user_id, ids[:3].tolist())
    return row


def _first_rows(bundle: Bundle) -> NDArray[np.int32]:
    first = np.flatnonzero(bundle.franchise_positions == 0).astype(np.int32)
    of_franchise = np.empty(len(first), dtype=np.int32)
    of_franchise[bundle.franchise_codes[first]] = first
    return of_franchise[bundle.franchise_codes]


def _titles(card: bytes, bundle: Bundle, row: int, folder: Path) -> tuple[str, ...]:
    try:
        parsed = AnimeCard.model_validate_json(card)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "JSON"
        raise BundleContentError(folder / "cards.npy", f"card {row}, {where}: {first['msg']}") from error
    # Answers put keys behind the brace and rename the score without parsing, so both must stand as expected.
    if not card.startswith(b"{") or card.count(SCORE_KEY) != 1:
        raise BundleContentError(folder / "cards.npy", f"card {row} is not compact JSON")
    if (parsed.anime_id, parsed.new) != (anime_id := int(bundle.catalogue_ids[row]), row >= bundle.n_anime):
        raise BundleContentError(folder / "cards.npy", f"card {row} is not that of anime {anime_id}")
    names = (parsed.name, parsed.english_name, parsed.japanese_name)
    return tuple(dict.fromkeys(name for name in names if name))


def _codes(parameter: str, names: Iterable[str], codes: dict[str, int], known: Sequence[str]) -> list[int]:
    unknown = [name for name in names if name.casefold() not in codes]
    if unknown:
        raise InvalidRequestError([Issue(parameter, f"one of {', '.join(known)}", name) for name in unknown])
    return [codes[name.casefold()] for name in names]


def _bound(mask: NDArray[np.bool_], values: NDArray[Any], low: float | None, high: float | None) -> None:
    if low is None and high is None:
        return
    mask &= values > 0
    if low is not None:
        # A Python number beside float32 scores counts as one: 8.1 does not lose to itself.
        mask &= values >= low
    if high is not None:
        mask &= values <= high
