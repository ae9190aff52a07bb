"""The map of all anime: columns for a page to draw."""

import httpx2 as httpx
import numpy as np
import pytest
from starlette.testclient import TestClient

from models.bundle.reader import assemble
from service.app import create_app
from service.recommending.model import build_model
from service.settings import Settings
from tests.service import small_bundle


def test_every_anime_is_on_the_map_where_the_bundle_has_it(client: httpx.Client) -> None:
    arrays = small_bundle.make_arrays()
    answer = client.get("/anime/map").json()
    popular = [anime["anime_id"] for anime in client.get("/anime?limit=100").json()["data"]]
    assert answer["anime_ids"] == popular
    assert len(popular) > small_bundle.N_ANIME - len(small_bundle.ADULT_ROWS)
    ids = [*arrays["anime_ids"], *arrays["new_anime_ids"]]
    positions = np.concatenate([arrays["map_positions"], arrays["new_map_positions"]])
    has_genre = np.concatenate([arrays["anime_genres"], arrays["new_anime_genres"]])
    for place, anime_id in enumerate(popular):
        row = ids.index(anime_id)
        assert [answer["x"][place], answer["y"][place]] == pytest.approx(positions[row], abs=1e-4)
        assert answer["genres"][place] == np.flatnonzero(has_genre[row]).tolist()
    assert answer["names"][popular.index(1)] == "Cowboy Bebop"
    assert answer["genre_names"] == small_bundle.GENRES


def test_adult_anime_are_on_it_if_asked_for(client: httpx.Client) -> None:
    adult = 3 * small_bundle.ADULT_ROWS[0] + 1
    assert adult not in client.get("/anime/map").json()["anime_ids"]
    everything = client.get("/anime/map?include_adult=true").json()["anime_ids"]
    assert adult in everything
    assert len(everything) == small_bundle.N_ANIME + small_bundle.N_NEW


def test_a_bundle_without_a_map_has_an_empty_one() -> None:
    arrays = small_bundle.make_arrays()
    arrays |= {name: arrays[name][:, :0] for name in ("map_positions", "new_map_positions")}
    model = build_model(assemble(small_bundle.make_manifest(arrays), arrays))
    with TestClient(create_app(Settings(), load=lambda: model)) as client:
        while client.get("/health/ready").status_code == 503:
            pass
        answer = client.get("/anime/map")
    assert answer.status_code == 200
    columns = {name: values for name, values in answer.json().items() if name not in {"model_version", "genre_names"}}
    assert columns == {"anime_ids": [], "names": [], "x": [], "y": [], "genres": []}
