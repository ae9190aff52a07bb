"""What tests of rankings have in common: a small model, questions of every kind, and answers the slow way."""

from typing import Any, Final

import numpy as np
from hypothesis import strategies as st

from models.bundle.reader import Bundle
from models.scoring.franchises import franchises_of
from service.recommending.model import LoadedModel, build_model
from tests.service.small_bundle import GENRES, N_ANIME, N_USERS, TYPES, make_bundle

BUNDLE: Final[Bundle] = make_bundle()
MODEL: Final[LoadedModel] = build_model(BUNDLE)
FRANCHISES: Final = franchises_of(BUNDLE)

anime_rows = st.integers(0, N_ANIME - 1)
user_rows = st.integers(0, N_USERS - 1)
some_genres = st.lists(st.sampled_from([*GENRES, "action", "SLICE OF LIFE"]), max_size=2).map(tuple)
filters = st.fixed_dictionaries(
    {},
    optional={
        "type": st.lists(st.sampled_from([*TYPES[1:], "tv", "ova"]), max_size=2).map(tuple),
        "genre": some_genres,
        "any_genre": some_genres,
        "exclude_genre": some_genres,
        "min_score": st.floats(0, 10),
        "min_members": st.integers(0, 50_000),
        "max_members": st.integers(50_000, 110_000),
        "year_from": st.integers(1985, 2005),
        "year_to": st.integers(2005, 2025),
        "exclude": st.lists(st.integers(0, 200), max_size=80).map(tuple),
        "include_adult": st.booleans(),
    },
)
paging = st.fixed_dictionaries(
    {"limit": st.integers(1, 100), "offset": st.integers(0, 70), "order": st.sampled_from(["most", "least"])}
)


def passes(row: int, wanted: dict[str, Any], prefix: str = "") -> bool:
    """Filter one anime the slow way, from the promises of the documentation; of the new ones with prefix ``new_``."""

    def value(name: str) -> Any:
        return getattr(BUNDLE, prefix + name)[row]

    genres = {GENRES[column].casefold() for column in np.flatnonzero(value("anime_genres"))}
    bounds = [
        (float(np.float32(wanted["min_score"])) if "min_score" in wanted else None, None, value("mean_scores")),
        (wanted.get("min_members"), wanted.get("max_members"), value("members")),
        (wanted.get("year_from"), wanted.get("year_to"), value("years")),
    ]
    kind = str(BUNDLE.type_names[value("type_codes")]).casefold()
    return (
        (not wanted.get("type") or kind in {name.casefold() for name in wanted["type"]})
        and all(name.casefold() in genres for name in wanted.get("genre", ()))
        and (not wanted.get("any_genre") or any(name.casefold() in genres for name in wanted["any_genre"]))
        and not any(name.casefold() in genres for name in wanted.get("exclude_genre", ()))
        and all(number > 0 for low, high, number in bounds if low is not None or high is not None)
        and all(number >= low for low, _, number in bounds if low is not None)
        and all(number <= high for _, high, number in bounds if high is not None)
        and int(value("anime_ids")) not in wanted.get("exclude", ())
        and (wanted.get("include_adult", False) or not value("adult"))
    )


def brute_force(scores: Any, candidates: list[int], page: dict[str, Any]) -> list[int]:
    sign = -1 if page["order"] == "most" else 1
    ranked = sorted(candidates, key=lambda row: (sign * scores[row], row))
    return ranked[page["offset"] : page["offset"] + page["limit"]]
