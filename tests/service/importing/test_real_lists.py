"""Real exports, and real titles as people type them."""

import csv
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from service.importing.imports import import_list
from service.recommending.errors import UnreadableListError
from service.recommending.model import LoadedModel
from service.recommending.title_forms import normalise_title
from service.recommending.title_search import SURE

pytestmark = pytest.mark.real_data


@pytest.mark.parametrize(
    ("name", "form", "n_entries", "n_matched"),
    [
        ("mal_1.xml", "myanimelist-xml", 176, 126),
        ("mal_3.xml", "myanimelist-xml", 577, 558),
        ("kitsu_1.xml", "myanimelist-xml", 800, 616),
        ("anilist_gdpr_lists.json", "anilist-export", 995, 830),
    ],
)
def test_real_exports_are_imported_with_every_entry_accounted_for(
    real_model: LoadedModel, mal_data: Path, name: str, form: str, n_entries: int, n_matched: int
) -> None:
    read = import_list((mal_data / "exports" / name).read_bytes(), real_model)
    assert read.format == form
    assert len(read.ratings) == n_matched
    places = [one.place for one in (*read.ratings, *read.uncertain)] + [one.place for one in read.unmatched]
    assert sorted(places) == list(range(1, n_entries + 1))
    assert all(one.reason for one in read.unmatched)


def test_every_case_is_imported_or_refused_in_a_sentence(real_model: LoadedModel, cases: Path) -> None:
    refused = {}
    for path in sorted((cases / "lists").iterdir()):
        try:
            read = import_list(path.read_bytes(), real_model)
        except UnreadableListError as error:
            refused[path.name] = error.detail
        else:
            assert read.ratings, path
            assert not read.unmatched, path
    assert refused == {"web-page.xml": "this is a web page, not an exported list"}


def test_titles_are_found_as_people_type_them(real_model: LoadedModel, cases: Path) -> None:
    with (cases / "titles.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 20
    for row in rows:
        read = import_list(row["typed"].encode(), real_model)
        if row["right_id"]:
            found = [(str(one.anime_id), str(one.rating or "")) for one in read.ratings]
            assert found == [(row["right_id"], row["rating"])], row
        else:
            assert not read.ratings, row


SEASONS: Final = re.compile(r"\b(II|III|IV|[2345]|(?:2nd|3rd|4th|5th) Season|Season [2345])$")
NUMBERS: Final = {"II": 2, "III": 3, "IV": 4}


def _with_typo(name: str, rng: random.Random) -> str | None:
    if len(name) < 8:
        return None
    place = rng.choice([place for place, letter in enumerate(name) if place and letter.isalpha()])
    before, letter, after = name[:place], name[place], name[place + 1 :]
    return rng.choice([before + after, before + letter * 2 + after, before + rng.choice("aeioustrn") + after])


def _initials(name: str, _: random.Random) -> str | None:
    words = normalise_title(name).split()
    letters = "".join(word[0] for word in words)
    plain = letters.isascii() and letters.isalpha() and not re.search(r"\d|Season|Part|\bI+\b", name)
    return letters.upper() if 3 <= len(words) <= 6 and plain else None


def _with_other_number(name: str, rng: random.Random) -> str | None:
    found = SEASONS.search(name)
    if not found:
        return None
    number = NUMBERS.get(found.group()) or int("".join(filter(str.isdigit, found.group())))
    ordinal = {2: "2nd", 3: "3rd"}.get(number, f"{number}th")
    spelt = [
        str(number),
        f"S{number}",
        f"Season {number}",
        f"{ordinal} Season",
        {2: "II", 3: "III"}.get(number, "IV"),
    ]
    spelt = spelt[: 5 if number <= 4 else 4]
    return name[: found.start()] + rng.choice([one for one in spelt if one != found.group()])


def test_titles_drawn_from_the_catalogue_are_found_and_what_is_sure_is_right(real_model: LoadedModel) -> None:
    titles, search = real_model.catalogue.titles, real_model.title_search
    rng = random.Random(17)
    # What people abbreviate is what many know; of initials that two share, the better known is right.
    by_members = np.argsort(-search._known_by).tolist()
    changes: list[Callable[[str, random.Random], str | None]] = [_with_typo, _initials, _with_other_number]
    n_right = n_sure_and_wrong = n_drawn = 0
    for change in changes:
        pool = by_members[: 1000 if change is _initials else 5000]
        drawn: list[tuple[int, str, str]] = []
        for row in rng.sample(pool, len(pool)):
            name = rng.choice([name for name in titles[row] if name.isascii()] or [""])
            typed = change(name, rng) if name else None
            if typed and len(drawn) < 100:
                drawn.append((row, name, typed))
        assert len(drawn) == 100
        for row, name, typed in drawn:
            found = search.best(typed)
            others = {normalise_title(one) for one in titles[found.row]} if found else set()
            is_right = found is not None and (found.row == row or normalise_title(name) in others)
            n_right += is_right
            n_sure_and_wrong += found is not None and found.relevance >= SURE and not is_right
            n_drawn += 1
    assert n_drawn == 300
    assert n_right / n_drawn >= 0.93
    assert n_sure_and_wrong / n_drawn <= 0.01
