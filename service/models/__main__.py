"""``python -m service.models``: which bundles a store holds, and which of them answers."""

import argparse
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from models.bundle.reader import read_manifest
from models.errors import BundleError, StoreError
from models.objects import is_url
from models.store import Store
from service.settings import Settings, SettingsError, read_settings
from service.worker_environment import process_of

_PATIENCE_S: Final = 120.0


class SwapError(Exception):
    """The running service does not answer from the store's bundle."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was asked; give the exit code: 0, 1 where it could not be done, 2 where it cannot be asked."""
    options = _parse(arguments)
    try:
        settings = read_settings(port=options.port, store=options.store)
    except SettingsError as error:
        return _fail(str(error), 2)
    if is_url(settings.store):
        return _fail(f"{settings.store} is in a bucket; this looks after stores that are folders", 2)
    try:
        options.command(Store(Path(settings.store)), settings, options)
    except (BundleError, StoreError, SwapError) as error:
        return _fail(str(error), 1)
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m service.models", description=__doc__)
    parser.add_argument("--store", help="folder of published bundles (models/store)")
    parser.add_argument("--port", type=int, help="port of the service on this machine (8000)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[Store, Settings, argparse.Namespace], None], what: str) -> Any:
        added = commands.add_parser(name, help=what, description=what)
        added.set_defaults(command=command)
        return added

    add("list", _list, "list the bundles of the store, oldest first")
    add("swap", _swap, "have the running service look for another bundle now, and wait until it answers")
    add("rollback", _roll_back, "make the bundle current that was published before the current one")
    pin = add("pin", _pin, "serve this version, whatever is published later")
    pin.add_argument("version")
    add("unpin", _unpin, "serve what is current again")
    keep = add("keep", _keep, "delete all bundles but the newest N and those that are served")
    keep.add_argument("n", type=_at_least_one, metavar="N")
    return parser.parse_args(arguments)


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("should be 1 or more")
    return number


def _fail(fault: str, code: int) -> int:
    sys.stderr.write(f"service.models: {fault}\n")
    return code


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _list(store: Store, _: Settings, __: argparse.Namespace) -> None:
    served, pinned = store.current_version(), store.pinned_version()
    for version in store.versions():
        state = " pinned" if version == pinned else " current" if version == served else ""
        try:
            read_manifest(store.root / version)
        except BundleError as error:
            state += f", cannot be served: {error}"
        _say(version + state)


def _roll_back(store: Store, _: Settings, __: argparse.Namespace) -> None:
    _say(f"{store.roll_back()} is current")


def _pin(store: Store, _: Settings, options: argparse.Namespace) -> None:
    store.pin(options.version)
    _say(f"{options.version} is served, whatever is published, until `python -m service.models unpin`")


def _unpin(store: Store, _: Settings, __: argparse.Namespace) -> None:
    store.pin(None)
    _say(f"{store.current_version()} is current")


def _keep(store: Store, _: Settings, options: argparse.Namespace) -> None:
    for version in store.keep(options.n):
        _say(f"deleted {version}")


def _swap(store: Store, settings: Settings, _: argparse.Namespace) -> None:
    process = process_of(settings.port)
    if process is None:
        raise SwapError(f"no service of this user serves port {settings.port} on this machine; name it with --port")
    wanted = store.current_version()
    os.kill(process, signal.SIGHUP)
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        model = _ask(settings)
        if model["model_version"] == wanted:
            _say(f"{wanted} answers")
            return
        refused = model["refused"]
        if refused and refused["model_version"] == wanted:
            raise SwapError(f"{wanted} was refused, and {model['model_version']} goes on: {refused['fault']}")
        time.sleep(0.1)
    raise SwapError(f"after {_PATIENCE_S:.0f} s the service does not answer from {wanted} yet; see its log")


def _ask(settings: Settings) -> dict[str, Any]:
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}{settings.root_path}/model"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            content: dict[str, Any] = json.load(answer)
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise SwapError(f"{url}: no answer: {error}") from error
    return content


if __name__ == "__main__":
    sys.exit(main())
