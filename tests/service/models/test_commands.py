"""``python -m service.models``."""

from pathlib import Path

import httpx2 as httpx
import pytest

from models.store import Store
from service.models.__main__ import main
from tests.service.models.test_swap import SECOND, THIRD, publish_other, publish_spoiled
from tests.service.running import free_port, running
from tests.service.small_bundle import VERSION


@pytest.fixture
def three_bundles(own_store: Path) -> Path:
    publish_other(own_store, SECOND, seed=1)
    publish_other(own_store, THIRD, seed=2)
    return own_store


def _run(store: Path, *arguments: str) -> int:
    return main(["--store", str(store), *arguments])


def test_bundles_are_listed_rolled_back_pinned_and_deleted(
    three_bundles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(three_bundles, "list") == 0
    assert capsys.readouterr().out.split() == [VERSION, SECOND, THIRD, "current"]
    assert _run(three_bundles, "rollback") == 0
    assert Store(three_bundles).current_version() == SECOND
    assert _run(three_bundles, "pin", VERSION) == 0
    assert Store(three_bundles).current_version() == VERSION
    assert _run(three_bundles, "rollback") == 1
    assert "is pinned; unpin it" in capsys.readouterr().err
    assert _run(three_bundles, "keep", "1") == 0
    # The pinned one, the current one, the newest one.
    assert Store(three_bundles).versions() == [VERSION, SECOND, THIRD]
    assert _run(three_bundles, "unpin") == 0
    assert _run(three_bundles, "keep", "1") == 0
    assert Store(three_bundles).versions() == [SECOND, THIRD]


@pytest.mark.parametrize(
    ("arguments", "code", "fault"),
    [
        (["pin", "20200101T000000Z-none-00000000"], 1, "no bundle is called"),
        (["pin", "../elsewhere"], 1, "no bundle is called"),
        (["swap"], 1, "no service of this user serves port"),
        (["--store", "s3://bucket/store", "list"], 2, "is in a bucket"),
    ],
)
def test_what_cannot_be_done_is_said(
    own_store: Path, arguments: list[str], code: int, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(own_store, "--port", str(free_port()), *arguments) == code
    assert fault in capsys.readouterr().err


def test_there_is_nothing_to_go_back_to(own_store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(own_store, "rollback") == 1
    assert f"no bundle is older than {VERSION}" in capsys.readouterr().err


def test_swap_waits_until_the_service_has_decided(own_store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running(own_store, OSUSUME_WATCH_S="0") as url:
        port = url.rpartition(":")[2]
        publish_other(own_store)
        assert _run(own_store, "--port", port, "swap") == 0
        assert httpx.get(f"{url}/health/ready").json()["model_version"] == SECOND
        publish_spoiled(own_store, THIRD)
        assert _run(own_store, "--port", port, "swap") == 1
        assert f"{THIRD} was refused, and {SECOND} goes on" in capsys.readouterr().err
        # What answers stays on disk, though it is neither current nor new.
        publish_other(own_store, THIRD[:-1] + "4")
        assert _run(own_store, "keep", "1") == 0
        assert SECOND in Store(own_store).versions()
        assert VERSION not in Store(own_store).versions()
