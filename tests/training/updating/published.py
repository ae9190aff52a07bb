"""A bundle of the small dump that is published, and what tests of updates do with it."""

from pathlib import Path

import numpy as np
import pytest

from models.bundle.card import AnimeCard
from models.bundle.manifest import ModelUpdate
from models.bundle.reader import Bundle, read_bundle
from models.scoring.user_list import list_of_user
from models.store import Store
from tests.training.commands import works
from tests.training.small_dump import LIST_HEADER, ListRow, SmallDump, add_new_anime, write_csv
from training.updating.catalogue import split_cards

# On the list of nobody when the model is trained; afterwards of several, and of one.
AIRED, UNHEARD = 1001, 1002


def update(monkeypatch: pytest.MonkeyPatch, store: Store, folder: Path, *flags: str) -> Bundle:
    work = store.root.parent / "updated"
    works(monkeypatch, "update", "--data", str(folder), "--store", str(store.root), "--work", str(work), *flags)
    return read_bundle(store.current_folder())


def write_lists(dump: SmallDump, rows: list[ListRow]) -> None:
    write_csv(dump.folder / "animelist.csv", LIST_HEADER, rows)


def list_of(bundle: Bundle, user_id: int) -> list[tuple[int, int, int]]:
    listed = list_of_user(bundle, int(np.searchsorted(bundle.user_ids, user_id)))
    ids = bundle.anime_ids[listed.anime_rows].tolist()
    return list(zip(ids, listed.ratings.tolist(), listed.statuses.tolist(), strict=True))


def cards_of(bundle: Bundle, *, new: bool) -> dict[int, AnimeCard]:
    prefix = "new_" if new else ""
    arrays = {name: getattr(bundle, f"{prefix}{name}") for name in ("cards", "card_offsets")}
    cards = map(AnimeCard.model_validate_json, split_cards(arrays))
    return {card.anime_id: card for card in cards}


def newest(dump: SmallDump) -> list[ListRow]:
    """Add new anime to the catalogue, and give changed lists: 5 leaves, 3 rates anew, 900 comes, 901 has too few."""
    add_new_anime(dump)
    kept = [row for row in dump.rows if row[0] != 5]
    first = next(place for place, row in enumerate(kept) if row[0] == 3)
    kept[first] = (*kept[first][:2], 1 if kept[first][2] != 1 else 2, *kept[first][3:])
    came: list[ListRow] = [(900, *row[1:]) for row in dump.rows if row[0] == 7]
    few: list[ListRow] = [(901, *row[1:]) for row in dump.rows if row[0] == 7][:3]
    seen: list[ListRow] = [(user_id, AIRED, 9, 2, 12) for user_id in (7, 9, 11, 13, 15, 900)]
    seen += [(901, AIRED, 9, 2, 12), (901, UNHEARD, 9, 2, 12)]
    return [*kept, *came, *few, *seen]


def counts_of(added: ModelUpdate) -> tuple[int, ...]:
    counts = (added.n_new_users, added.n_changed_lists, added.n_removed_users, added.n_new_anime)
    return (*counts, added.n_waiting_anime)
