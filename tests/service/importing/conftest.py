"""The real catalogue, as far as lists are looked up in it."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from models.bundle.layout import SITES
from service.recommending.model import LoadedModel
from service.recommending.title_search import TitleSearch


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@pytest.fixture(scope="session")
def real_model(mal_data: Path) -> LoadedModel:
    """What an import asks of a model, of the complete catalogue and the complete id map."""
    rows = list(_rows(mal_data / "anime.csv"))
    row_of = {int(row["MAL_ID"]): number for number, row in enumerate(rows)}
    names = [(row["Name"], row["English name"], row["Japanese name"]) for row in rows]
    titles = [tuple(dict.fromkeys(name for name in found if name != "Unknown")) for found in names]
    years = [re.search(r"(19|20)\d\d", row["Aired"]) for row in rows]
    id_map = [[int(row[f"{site}_id"] or 0) for site in ("mal", *SITES)] for row in _rows(mal_data / "idmap.csv")]
    search = TitleSearch(
        titles,
        np.array([int(row["Members"]) for row in rows]),
        np.array([int(year.group()) if year else 0 for year in years]),
    )
    catalogue = SimpleNamespace(titles=titles, rows_of=lambda anime_ids: [row_of.get(one) for one in anime_ids])
    bundle = SimpleNamespace(catalogue_ids=np.array(list(row_of)), id_map=np.array(id_map))
    fake: Any = SimpleNamespace(title_search=search, catalogue=catalogue, bundle=bundle)
    return cast(LoadedModel, fake)


@pytest.fixture(scope="session")
def cases(mal_data: Path) -> Path:
    """The cases beside the real lists; skip without them."""
    folder = mal_data.parent.parent / "cases"
    if not (folder / "titles.csv").is_file():
        pytest.skip("the cases are not beside the real lists")
    return folder
