"""The commands that ask a bundle, without a server: what the service answers, as tables.

This is the one module of training that knows the service: its domain (:mod:`service.recommending`) and its import of
lists (:mod:`service.importing`), and nothing of HTTP (ADR 27).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from rich.table import Table

from models.object_store import open_store
from models.scoring.user_list import Status, UserList
from models.store import Store
from service.importing.imports import read_list_file
from service.importing.matching import ImportedList
from service.recommending.errors import ServiceError
from service.recommending.model import LoadedModel, load_model
from service.recommending.requests import RecommendationsRequest, SimilarAnimeRequest
from service.recommending.title_search import SURE
from service.recommending.titles import find_titles
from training import options
from training.errors import InputError
from training.printing import out

_DEFAULT_STORE: Final = "models/store"
_FETCHED: Final = Path("runs/latest/store")
_MAX_LISTED: Final = 10

Rows = Annotated[int, typer.Option("--limit", min=1, max=100, help="Rows of the table.")]


def similar(
    title: Annotated[str, typer.Argument(help="A title as people type it, or a link to it.")],
    store: options.Store = _DEFAULT_STORE,
    limit: Rows = 10,
) -> None:
    """List the anime that are similar to one."""  # noqa: DOC501 - shown as help
    model = _load(store)
    everything = np.ones(len(model.catalogue.titles), dtype=bool)
    found = find_titles(model.title_search, model.catalogue, title, everything, 0, 3)
    if not found.rows:
        raise InputError(f"no title of this model is like {title!r}")
    names = [f"{model.catalogue.titles[row][0]} ({model.bundle.catalogue_ids[row]})" for row in found.rows]
    out.print(f"similar to {names[0]}")
    if round(found.scores[0], 6) < SURE and len(names) > 1:
        out.print(f"  note: that is a guess; it may be {' or '.join(names[1:])}")
    page = model.similar_anime.page(found.rows[0], SimilarAnimeRequest(limit=limit))
    table = Table("", "similarity", "title", "type", "year", "score", "id")
    for rank, (row, score) in enumerate(zip(page.rows, page.scores, strict=True), start=1):
        table.add_row(str(rank), f"{score:.3f}", *_facts(model, row))
    out.print(table)


def recommend(
    file: Annotated[Path, typer.Argument(help="A list: an export of any site, a table, or titles line by line.")],
    store: options.Store = _DEFAULT_STORE,
    limit: Rows = 10,
) -> None:
    """Recommend what to watch next by a list."""  # noqa: DOC501 - shown as help
    model = _load(store)
    try:
        imported = read_list_file(file, model)
    except ServiceError as error:
        raise InputError(f"{file}: {error.detail}" + (f"; {error.hint}" if error.hint else "")) from error
    _print_import(imported)
    page = model.recommend(
        model.similar_users.unseen_user(_user_list(imported, model)), RecommendationsRequest(limit=limit)
    )
    if not page.has_evidence:
        out.print("  note: nothing on the list says what you like; these are well-rated anime that many have seen")
    table = Table("", "score", "title", "type", "year", "score of all", "id", "because of")
    ranking = page.ranking
    for place, (row, score) in enumerate(zip(ranking.rows, ranking.scores, strict=True)):
        because = [model.catalogue.titles[reason][0] for reason, _ in page.explanations[place].because]
        table.add_row(str(place + 1), f"{score:.3f}", *_facts(model, row), ", ".join(because[:2]))
    out.print(table)


def _load(store: str) -> LoadedModel:

    opened = open_store(store)
    return load_model(opened.current_folder() if isinstance(opened, Store) else opened.fetch(_FETCHED))


def _facts(model: LoadedModel, row: int) -> list[str]:
    card: dict[str, Any] = json.loads(model.catalogue.card(row))
    return [
        str(card[name] if card[name] is not None else "") for name in ("name", "type", "year", "score", "anime_id")
    ]


def _user_list(imported: ImportedList, model: LoadedModel) -> UserList:
    """Take the anime that the model learned; of new ones it knows nothing."""
    rows = model.catalogue.rows_of([one.anime_id for one in imported.ratings])
    learned = sorted(
        (row, one.rating or 0, Status[one.status.upper()] if one.status else Status.UNKNOWN)
        for row, one in zip(rows, imported.ratings, strict=True)
        if row is not None and not model.catalogue.is_new(row)
    )
    columns = np.array(learned, dtype=np.int64).reshape(-1, 3).T
    return UserList(columns[0].astype(np.int32), columns[1].astype(np.uint8), columns[2].astype(np.uint8))


def _print_import(imported: ImportedList) -> None:
    out.print(
        f"{imported.format}: {len(imported.ratings):,} anime; {len(imported.uncertain):,} titles that are not sure "
        f"and {len(imported.unmatched):,} entries without a match do not count"
    )
    _print_some([f"{one.typed!r} may be {one.title} ({one.anime_id})" for one in imported.uncertain])
    _print_some([f"entry {one.place}, {one.title or 'no title'}: {one.reason}" for one in imported.unmatched])
    for note in imported.notes:
        out.print(f"  note: {note}")


def _print_some(lines: Sequence[str]) -> None:
    for line in lines[:_MAX_LISTED]:
        out.print(f"  {line}")
    if len(lines) > _MAX_LISTED:
        out.print(f"  ... and {len(lines) - _MAX_LISTED:,} more")
