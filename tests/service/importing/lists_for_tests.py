"""A small model of well-known anime, and lists read and looked up by it."""

from typing import Final

import numpy as np

from service.importing.imports import import_list
from service.importing.matching import ImportedList
from service.recommending.model import LoadedModel, build_model
from service.recommending.title_search import TitleSearch
from tests.service.small_bundle import make_bundle

# Row: id, names, year, members. The bundle's own anime have the ids 1, 4, 7, ...
TITLES: Final[list[tuple[list[str], int, int]]] = [
    (["Cowboy Bebop"], 1998, 1_251_960),
    (["Shingeki no Kyojin", "Attack on Titan"], 2013, 2_531_397),
    (["Fullmetal Alchemist: Brotherhood"], 2009, 2_248_456),
    (["Steins;Gate"], 2011, 1_771_162),
    (["Fullmetal Alchemist"], 2003, 1_151_621),
    (["Overlord"], 2015, 1_039_944),
    (["Overlord II"], 2018, 646_042),
    (["Monster"], 2004, 614_100),
    (["Mushishi"], 2005, 620_736),
    (["Hoshi no Koe", "Voices of a Distant Star"], 2002, 130_748),
    (["Berserk"], 2016, 254_341),
    (["Kenpuu Denki Berserk", "Berserk"], 1997, 432_190),
    (["Full Metal Panic!"], 2002, 400_000),
    (["Mob Psycho 100"], 2016, 1_000_000),
    (["Full Metal Panic? Fumoffu"], 2003, 200_000),
    (["Panty & Stocking with Garterbelt"], 2010, 300_000),
]
NAMES: Final = {names[0]: 1 + 3 * row for row, (names, _, _) in enumerate(TITLES)}


def make_model() -> LoadedModel:
    """Make a model whose first anime have these names; those behind have made-up ones."""
    model = build_model(make_bundle())
    n_more = len(model.catalogue.titles) - len(TITLES)
    titles = [names for names, _, _ in TITLES] + [[f"Nameless {row:x}"] for row in range(n_more)]
    members = np.array([count for _, _, count in TITLES] + [10] * n_more)
    years = np.array([year for _, year, _ in TITLES] + [0] * n_more)
    model.catalogue.titles = [tuple(names) for names in titles]
    model.__dict__["title_search"] = TitleSearch(titles, members, years)
    return model


MODEL: Final = make_model()


def imported(body: bytes | str) -> ImportedList:
    return import_list(body.encode() if isinstance(body, str) else body, MODEL)


def rated(body: bytes | str) -> dict[int, int | None]:
    """Give id and rating of everything that was matched for sure."""
    return {one.anime_id: one.rating for one in imported(body).ratings}


def statuses(body: bytes | str) -> list[str | None]:
    return [one.status for one in imported(body).ratings]
