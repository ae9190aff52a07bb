"""Features of the re-ranker on five anime and a list of two, which anybody can check on paper."""

import math
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.models.feature_names import NAMES
from tests.models.rich_world import WIDE, Listed, bundle_of, features_of
from tests.models.small_bundle import Arrays, make_arrays

# A season of the year 2000, the one after it and an older film; something of which nothing is known; an old drama.
SEASON, SEQUEL, FILM, UNKNOWN, DRAMA = range(5)
# 1461 days are four years.
DAYS: Final = [36_525, 36_525 + 183, 36_525 - 183, 0, 36_525 - 6 * 1461]
COMPLETED, ON_HOLD, DROPPED, PLANNED = 2, 3, 4, 6
LOG_2: Final = math.log(2)


def make_five() -> Arrays:
    columns: dict[str, list[Any]] = {
        "start_days": DAYS,
        "years": [2000, 2001, 1999, 0, 1976],
        "mean_scores": [8, 7, 8, 0, 6],
        "popularity": [9, 4, 4, 0, 1],
        "members": [900, 0, 0, 0, 0],
        "favorites": [99, 0, 0, 0, 0],
        "episodes": [25, 12, 1, 0, 3],
        "minutes": [23, 23, 99, 0, 23],
        "adult": [False, False, False, False, True],
        "anime_genres": [[True, False], [True, True], [True, False], [False, False], [False, True]],
        "type_codes": [1, 1, 2, 0, 1],
        "source_codes": [1, 1, 1, 0, 2],
        "studio_codes": [1, 1, 2, 0, 2],
        "age_rating_codes": [1, 1, 1, 0, 1],
        "franchise_codes": [0, 0, 0, 1, 2],
        "franchise_positions": [0, 1, 2, 0, 0],
        "franchise_roles": [0, 0, 1, 0, 0],
        "item_weight_rows": [[1, 2, 4], [0, 2, 4], [0, 1, 4], [0, 1, 2], [0, 1, 2]],
        "item_weight_values": [[0, 0, 0], [0.5, 0.25, -0.2], [-0.1, 0.4, -0.3], [0, 0, 0], [0, 0, 0]],
        "co_seen_rows": [[1, 2], [0, 2], [0, 1], [0, 1], [1, 2]],
        "co_seen_values": [[0.25, -0.75], [0, 0], [0, 0], [0, 0], [0.5, 0.5]],
        # The first two users are neighbours; the others are there to be counted.
        "list_offsets": [0, 2, 5, *[6] * 7],
        "list_anime_rows": [1, 3, 1, 2, 3, 0],
        "list_ratings": [8, 0, 0, 0, 0, 0],
        "list_statuses": [COMPLETED, PLANNED, DROPPED, 1, PLANNED, 1],
    }
    arrays = make_arrays(n_anime=5, n_users=9)
    arrays["type_names"] = np.array(["", "TV", "Movie"])
    arrays |= {name: np.array(values, dtype=arrays[name].dtype) for name, values in columns.items()}
    arrays["list_offsets"][-1] = 6
    n_features = len(NAMES)
    scales = np.stack([np.zeros(n_features), np.full(n_features, WIDE)])
    layers = {"scales": scales, "first": np.ones((2, n_features + 1, 1)), "second": np.ones((2, 2, 1))}
    layers["last"] = np.ones((2, 2))
    return arrays | {f"reranker_{name}": array.astype(np.float32) for name, array in layers.items()}


# The season is liked, the drama was given up; the plan counts for nothing, though it is rated.
LISTED: Final[Listed] = ([SEASON, UNKNOWN, DRAMA], [8, 10, 6], [COMPLETED, PLANNED, DROPPED])


def look_at(listed: Listed, *rows: int) -> dict[str, NDArray[np.float64]]:
    table = features_of(bundle_of(make_five()), listed, [0, 1], [1.0, 0.5], rows)
    return dict(zip(NAMES, table.T, strict=True))


BY_HAND: Final[dict[str, list[float]]] = {
    # Half the list is disliked, so the drama supports nothing; what is not on the list is the film's strongest.
    "item score": [0.5, -0.1],
    "strongest weight": [0.5, 0.0],
    "three strongest weights": [0.5, -0.1],
    "weighted ratings": [0.5 + 0.2, -0.1 + 0.3],
    "rating of the strongest": [1.0, 0.0],
    "weight of dropped titles": [-0.2, -0.3],
    "weight of well-rated titles": [0.5, -0.1],
    # The neighbours weigh 1 and 1/16. Both have seen the sequel, the second alone has seen the film.
    "log share of the 25 nearest users": [math.log(1 + 0.003), math.log(1 / 17 + 0.003)],
    "log share of the 60 nearest users": [math.log(1 + 0.003), math.log(1 / 17 + 0.003)],
    # Half of all have seen each: of those who have seen the season a quarter more, three quarters less.
    "log co-seen share": [math.log(0.75 + 0.0001), math.log(0.0001)],
    # Items 0.5 and -0.1; a share of 1 and 1/17; co-seen over a list of one, plus two.
    "log first-stage score": [math.log(0.5 + 0.3 + 0.75 / 3 + 0.001), math.log(0.001)],
    "years newer than the newest": [183 / 365.25, -183 / 365.25],
    "years from the mean": [12 + 183 / 365.25, 12 - 183 / 365.25],
    "share of the list that is older": [1.0, 0.5],
    # Half a year after the season still counts, half a year before it does not.
    "share of the list within a year": [0.5, 0.0],
    "popularity against the list's mean": [math.log(0.5) - math.log(0.2) / 2] * 2,
    "share of the list that is more popular": [0.5, 0.5],
    "score against the list's mean": [0.0, 1.0],
    "share of the list that scores higher": [0.5, 0.5],
    "seen of its franchise": [LOG_2, LOG_2],
    "share seen of its franchise": [1 / 3, 1 / 3],
    "seen of its franchise's main line before it": [LOG_2, LOG_2],
    "unseen of its franchise's main line before it": [0.0, LOG_2],
    "next of a begun franchise": [1.0, 0.0],
    "rating of its franchise": [1.0, 1.0],
    "dropped of its franchise": [0.0, 0.0],
    "years from the nearest seen of its franchise": [183 / 365.25, 183 / 365.25],
    # Action has 18 of 24 shares, Drama 6. What counts of the list is action alone.
    "genre cosine": [math.log(4 / 3) / math.hypot(math.log(4 / 3), math.log(4)), 1.0],
    "genre lift": [
        (math.log(8.5 / 6 / 1.5 + 0.001) + math.log(2.5 / 6 / 0.5 + 0.001)) / 2,
        math.log(8.5 / 6 / 1.5 + 0.001),
    ],
    "rating of its genres": [0.0, 1 / 6],
    # TV has 15 of 21 shares, films have 5.
    "type lift": [math.log(57 / 55), math.log(10 / 11)],
    "rating of its studio": [1 / 3, -1 / 3],
    "titles of its studio": [LOG_2, 0.0],
    "share seen of what is as popular": [0.0, 0.0],
    "log share of lists": [math.log(0.5), math.log(0.5)],
    "mean score": [7.0, 8.0],
    "log episodes": [math.log(13), LOG_2],
    "log minutes": [math.log(24), math.log(100)],
    "years since 2000": [183 / 365.25, -183 / 365.25],
    "place in its franchise": [1.0, 2.0],
    "side story": [0.0, 1.0],
    "extra": [0.0, 0.0],
    "log size of its franchise": [math.log(3), math.log(3)],
    "is TV": [1.0, 0.0],
    "is Movie": [0.0, 1.0],
    "source Manga": [1.0, 1.0],
    "log length of the list": [math.log(3)] * 2,
    "share of rated titles": [1.0] * 2,
    "mean rating": [7.0] * 2,
    "spread of ratings": [1.0] * 2,
    "share of dropped titles": [0.5] * 2,
    "mean popularity on the list": [math.log(0.2) / 2] * 2,
    "spread of popularity on the list": [math.log(5) / 2] * 2,
    "mean score on the list": [7.0] * 2,
    "mean year on the list": [-12.0] * 2,
    "newest year on the list": [0.0] * 2,
}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_feature_of_a_sequel_and_a_film_is_what_paper_says(name: str) -> None:
    assert look_at(LISTED, SEQUEL, FILM)[name].tolist() == pytest.approx(BY_HAND[name], abs=1e-5)


def test_what_is_known_of_nothing_is_in_the_middle() -> None:
    unknown = {name: float(values[0]) for name, values in look_at(LISTED, UNKNOWN).items()}
    assert unknown["mean score"] == pytest.approx((8 + 7 + 8 + 6) / 4)
    assert unknown["years since 2000"] == pytest.approx(-6.0)
    assert unknown["years from the nearest seen of its franchise"] == 20.0
    for name in ("genre cosine", "genre lift", "type lift", "source lift", "studio lift", "age rating lift"):
        assert unknown[name] == 0.0
    assert unknown["log share of lists"] == pytest.approx(math.log(1 / 10))
    assert unknown["log favourites per member"] == pytest.approx(math.log(1 / 100))


def test_favourites_are_counted_per_member() -> None:
    assert look_at(LISTED, SEASON)["log favourites per member"][0] == pytest.approx(math.log(100 / 1000), abs=1e-5)


@pytest.mark.parametrize(("status", "gave_up"), [(0, 0), (1, 0), (COMPLETED, 0), (ON_HOLD, 1), (DROPPED, 1)])
def test_who_puts_on_hold_or_drops_gives_up(status: int, gave_up: int) -> None:
    seen = look_at(([SEASON], [8], [status]), SEQUEL)
    assert seen["share of dropped titles"][0] == gave_up
    assert seen["dropped of its franchise"][0] == gave_up
    assert seen["weight of dropped titles"][0] == pytest.approx(0.5 * gave_up)


@pytest.mark.parametrize(("ratings", "well_rated"), [([8, 7], False), ([9, 7], True), ([8, 0], False)])
def test_half_a_point_above_the_mean_is_not_well_rated(ratings: list[int], *, well_rated: bool) -> None:
    seen = look_at(([SEASON, UNKNOWN], ratings, [COMPLETED, COMPLETED]), SEQUEL)
    assert seen["weight of well-rated titles"][0] == pytest.approx(0.5 * well_rated)


def test_three_quarters_of_a_point_above_the_mean_is_well_rated() -> None:
    listed = [SEASON, FILM, UNKNOWN, DRAMA], [8, 7, 7, 7], [COMPLETED] * 4
    assert look_at(listed, SEQUEL)["weight of well-rated titles"][0] == pytest.approx(0.5)


def test_a_list_without_ratings_has_a_usual_mean_and_spread() -> None:
    unrated = look_at(([SEASON], [0], [COMPLETED]), SEQUEL)
    assert (unrated["mean rating"][0], unrated["spread of ratings"][0]) == (7.5, 1.5)
    assert unrated["share of rated titles"][0] == unrated["rating of its franchise"][0] == 0.0


def test_two_decades_are_as_far_as_an_anime_can_be_from_its_franchise() -> None:
    arrays = make_five()
    arrays["franchise_codes"][DRAMA] = 1
    arrays["franchise_positions"][DRAMA] = 1
    arrays["start_days"][UNKNOWN] = DAYS[SEASON]
    listed = [DRAMA], [8], [COMPLETED]
    gap = NAMES.index("years from the nearest seen of its franchise")
    assert features_of(bundle_of(arrays), listed, [], [], [UNKNOWN])[0, gap] == 20.0
    arrays["start_days"][DRAMA] = DAYS[SEASON] - 4 * 1461
    assert features_of(bundle_of(arrays), listed, [], [], [UNKNOWN])[0, gap] == pytest.approx(16.0)
