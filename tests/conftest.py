"""What every test may use."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.object_store.server import Bucket, running_server

# Locally hypothesis looks for new examples on every run; CI must not fail on a change that did not cause it.
# Nothing here is timed: machines are shared.
settings.register_profile("explore", deadline=None)
settings.register_profile("repeat", deadline=None, derandomize=True)
settings.load_profile("repeat" if os.environ.get("CI") else "explore")

# A shell that is not interactive has what it starts with & ignore SIGINT, and so would everything started here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent


def _find_real_data() -> Path | None:
    """Real lists lie where OSUSUME_TEST_DATA says, or in shared/data/mal beside the checkout."""
    named = os.environ.get("OSUSUME_TEST_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data" / "mal"
    return folder if (folder / "anime.csv").is_file() else None


@pytest.fixture(scope="session")
def mal_data() -> Path:
    """Give the folder of real lists; skip without it, fail without it where they are mandatory."""
    folder = _find_real_data()
    if folder is None:
        message = "the real lists are not here; OSUSUME_TEST_DATA names their folder"
        if os.environ.get("OSUSUME_REQUIRE_TEST_DATA"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A local S3 server."""
    with running_server(tmp_path_factory.mktemp("s3")) as endpoint:
        yield endpoint


@pytest.fixture
def bucket(s3_endpoint: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket, which the environment has the credentials of."""
    bucket = Bucket(s3_endpoint, f"test-{abs(hash(request.node.nodeid)):x}")
    bucket.ask("PUT")
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    return bucket
