"""`docker compose up` on a clean clone, with a real Docker engine: what a newcomer does first."""

import json
import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import ROOT
from tests.service.running import wait_until
from training.demo import write_demo_data

# The first of them waits for the images to be built.
pytestmark = [pytest.mark.compose, pytest.mark.slow, pytest.mark.timeout(2400)]

UP = ("up", "--detach", "--wait")


@dataclass(frozen=True)
class Compose:
    """A compose project of its own, in a clone of its own."""

    clone: Path
    project: str
    port: int

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run docker compose as somebody would who has set nothing but the port."""
        mine = ("OSUSUME_", "COMPOSE_", "DATA_DIR")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
        if not (self.clone / ".env").exists():
            environment["OSUSUME_PORT"] = str(self.port)
        return subprocess.run(
            ["docker", "compose", "--project-name", self.project, *arguments],
            cwd=self.clone,
            env=environment,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )

    def __call__(self, *arguments: str) -> str:
        """Run docker compose and give its output; fail with the containers' logs if it fails."""
        done = self.run(*arguments)
        if done.returncode:
            pytest.fail(
                f"docker compose {' '.join(arguments)}: {done.stdout[-5000:]}{done.stderr[-5000:]}{self.logs()}"
            )
        return done.stdout

    def logs(self, *services: str) -> str:
        return self.run("logs", "--no-color", "--no-log-prefix", "--tail", "200", *services).stdout

    def get(self, path: str) -> Any:
        """Ask the service, from outside the container."""
        answer = httpx2.get(f"http://127.0.0.1:{self.port}{path}", trust_env=False, timeout=30)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}\n{self.logs('service')}"
        return answer.json()

    def python(self, code: str) -> Any:
        """Run code in the service's container, and read what it prints as JSON."""
        return json.loads(self("exec", "-T", "service", "python", "-c", code))

    def inspect(self, service: str) -> Any:
        container = self("ps", "--all", "--quiet", service).strip()
        shown = subprocess.run(
            ["docker", "inspect", container], capture_output=True, text=True, timeout=60, check=True
        )
        return json.loads(shown.stdout)[0]


@pytest.fixture(scope="module")
def docker_engine() -> None:
    """Need a Docker engine with compose; skip without it, fail without it where it is mandatory."""
    if shutil.which("docker"):
        calls = (["docker", "info"], ["docker", "compose", "version"])
        if not any(subprocess.run(call, capture_output=True, timeout=60, check=False).returncode for call in calls):
            return
    message = "no Docker engine with compose answers"
    if os.environ.get("OSUSUME_REQUIRE_DOCKER"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def running(docker_engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    """`docker compose up` in a clean clone, without .env."""
    compose = _clone(tmp_path_factory.mktemp("clone"))
    try:
        compose(*UP, "--build")
        yield compose
    finally:
        compose.run("down", "--volumes", "--timeout", "5")


@pytest.fixture
def second_clone(running: Compose, tmp_path: Path) -> Iterator[Compose]:
    """One more clone, where nothing runs yet; the images are built already."""
    compose = _clone(tmp_path)
    try:
        yield compose
    finally:
        compose.run("down", "--volumes", "--timeout", "5")


def _clone(folder: Path) -> Compose:
    """Copy what git would clone, were the working tree committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    for name in listed.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return Compose(folder, f"osusume-test-{uuid.uuid4().hex[:8]}", port)


def _make_small_dump(folder: Path) -> None:
    write_demo_data(folder, n_users=300, n_anime=None, n_rows=None, seed=1)
    # Without its label it passes for somebody's own data.
    (folder / "dataset.json").unlink()


def test_the_service_is_ready_and_serves_the_simulated_demo(running: Compose) -> None:
    running.get("/health/ready")
    model = running.get("/model")
    # Whoever else listens on this machine has no such model.
    assert model["model_version"] == running("exec", "-T", "service", "cat", "models/store/current").strip()
    assert model["data"]["simulated"] is True
    assert model["metrics"]
    assert "simulated demo data" in running.logs("training")


@pytest.mark.parametrize("anime_id", [813, 1])
def test_similar_anime_of_well_known_ones(running: Compose, anime_id: int) -> None:
    answer = running.get(f"/anime/{anime_id}/similar?limit=5")
    assert answer["anime"]["anime_id"] == anime_id
    assert answer["pagination"]["limit"] == 5
    assert [card["rank"] for card in answer["data"]] == [1, 2, 3, 4, 5]
    assert anime_id not in [card["anime_id"] for card in answer["data"]]
    for card in answer["data"]:
        assert card["name"]
        assert card["genres"]
        assert card["synopsis"]
        assert -1 <= card["similarity"] <= 1


def test_similar_users_and_recommendations_of_a_known_user(running: Compose) -> None:
    user_id = running.python(
        "from models.store import Store; from pathlib import Path; import numpy as np;"
        "print(np.load(Store(Path('models/store')).current_folder() / 'user_ids.npy')[0])"
    )
    users = running.get(f"/users/{user_id}/similar")["data"]
    assert [user["rank"] for user in users] == list(range(1, 11))
    assert user_id not in [user["user_id"] for user in users]
    cards = running.get(f"/users/{user_id}/recommendations")["data"]
    assert [card["rank"] for card in cards] == list(range(1, 11))
    assert all(card["name"] and card["because"] for card in cards)


def test_the_service_image_has_neither_tensorflow_nor_pandas(running: Compose) -> None:
    found = running.python(
        "import importlib.util as u, json;"
        "print(json.dumps([n for n in ('tensorflow', 'keras', 'pandas', 'training', 'pytest') if u.find_spec(n)]))"
    )
    assert found == []
    # Nor a compiler, nor anything of the project that it does not need.
    found = running.python(
        "import json, os, shutil; mine = {'docker', 'models', 'service'};"
        "print(json.dumps([*filter(shutil.which, ('gcc', 'cc', 'make')), *(set(os.listdir('/app')) - mine)]))"
    )
    assert found == []


def test_the_service_runs_without_rights(running: Compose) -> None:
    running("exec", "-T", "service", "touch", "/tmp/allowed")  # noqa: S108
    for path in ("/app/x", "/app/models/store/x", "/x"):
        assert running.run("exec", "-T", "service", "touch", path).returncode != 0, f"{path} can be written"
    for service in ("service", "training"):
        container = running.inspect(service)
        assert container["Config"]["User"] not in {"", "0", "root"}
        assert container["HostConfig"]["ReadonlyRootfs"] is True
        assert container["HostConfig"]["CapDrop"] == ["ALL"]
        assert "no-new-privileges:true" in container["HostConfig"]["SecurityOpt"]


def test_a_second_up_does_not_train_again(running: Compose) -> None:
    version = running.get("/model")["model_version"]
    running(*UP)
    assert running.get("/model")["model_version"] == version
    assert f"The store has a model already, {version}" in running.logs("training")


def test_the_service_stops_when_asked_and_starts_again(running: Compose) -> None:
    running("stop", "service")
    # 137 would mean that it had to be killed.
    assert running.inspect("service")["State"]["ExitCode"] in {0, 143}
    running(*UP)
    running.get("/health/ready")


def test_recommendations_can_be_precomputed(running: Compose) -> None:
    user_id = running.python(
        "import numpy as np; from pathlib import Path; from models.store import Store;"
        "print(np.load(Store(Path('models/store')).current_folder() / 'user_ids.npy')[-1])"
    )
    before = running.get(f"/users/{user_id}/recommendations")
    running("run", "--rm", "precompute", "--workers", "1")
    running("restart", "service")
    running(*UP)
    assert f"precomputed={running.get('/model')['sizes']['n_users']}" in running.logs("service")
    assert running.get(f"/users/{user_id}/recommendations") == before


def test_own_data_take_the_place_of_the_demo_and_are_trained_on_again_when_asked(second_clone: Compose) -> None:
    again = ("run", "--rm", "-T", "training", "again", "--no-compare", "--set", "autoencoder.epochs=1")
    second_clone(*again)
    second_clone(*UP)
    assert second_clone.get("/model")["data"]["simulated"] is True

    _make_small_dump(second_clone.clone / "my-dump")
    (second_clone.clone / ".env").write_text(f"DATA_DIR=my-dump\nOSUSUME_PORT={second_clone.port}\n")
    second_clone(*UP)
    model = second_clone.get("/model")
    assert model["data"]["simulated"] is False

    started = second_clone.inspect("service")["State"]["StartedAt"]
    second_clone(*again)
    # Without a restart: the service follows its store.
    wait_until(lambda: second_clone.get("/model")["model_version"] != model["model_version"], pause=0.2)
    assert second_clone.inspect("service")["State"]["StartedAt"] == started
    trained_again = second_clone.get("/model")
    assert trained_again["data"] == model["data"]


def test_a_mistyped_data_dir_is_named(second_clone: Compose) -> None:
    (second_clone.clone / ".env").write_text("DATA_DIR=./mistyped\n")
    done = second_clone.run(*UP)
    assert done.returncode != 0
    assert done.stderr.strip().splitlines()[-1].endswith(f"does not exist: {second_clone.clone / 'mistyped'}")
    assert not (second_clone.clone / "mistyped").exists()


def test_a_data_dir_without_a_dump_says_what_is_missing(second_clone: Compose) -> None:
    (second_clone.clone / "empty").mkdir()
    (second_clone.clone / ".env").write_text("DATA_DIR=./empty\n")
    assert second_clone.run(*UP).returncode != 0
    last = second_clone.logs("training").strip().splitlines()[-1]
    assert "error: /data: holds no animelist.csv" in last
