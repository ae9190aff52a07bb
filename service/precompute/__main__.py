"""``python -m service.precompute``: compute recommendations for every user in advance.

A site that shows them on its users' home pages asks one question for all users. Computed in advance, by night, after
a training, the answer takes a service no longer than looking up similar users does.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Final

# As many processes work as there are cores. numpy reads this when it is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from models.bundle.reader import Bundle
from models.cores import usable_cores
from models.errors import BundleError, StoreError
from models.object_store import ObjectStore, open_store
from models.store import Store
from service.api.params import RecommendationsQuery
from service.api.rendering import recommend
from service.api.user_ids import read_user_id
from service.api.validation import parse_query
from service.local_store import with_local_store
from service.precompute.answers import About
from service.precompute.earlier import answer_digests
from service.precompute.files import Answers, PrecomputedError, find_earlier, precomputed_file, write_precomputed
from service.precompute.pool import Work, work_out
from service.recommending.errors import InvalidRequestError
from service.recommending.model import load_model
from service.settings import SettingsError, read_settings

_STOPPED: Final = 128


class _InputError(Exception):
    """Something on the command line cannot be used."""


_FAULTS: Final = (
    SettingsError,
    _InputError,
    InvalidRequestError,
    OSError,
    BundleError,
    StoreError,
    PrecomputedError,
    BrokenProcessPool,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Precompute answers.

    Returns
    -------
    int
        Exit code: 0, 1 where the bundle or the store cannot be used, 2 for what cannot be asked, 130 after Ctrl-C.
    """
    options = _parse(arguments)
    started = time.monotonic()
    try:
        settings = read_settings(store=options.store)
        store, folder = open_store(settings.store), Path(with_local_store(settings).store)
        n_answers, path = _precompute(folder, options)
        if isinstance(store, ObjectStore):
            store.objects.write(path.name, path)
        current = store.current_version()
    except _FAULTS as error:
        return _fail(*_explain(error))
    except KeyboardInterrupt:
        return _fail("stopped; started again, it goes on from there", _STOPPED + signal.SIGINT)
    size = path.stat().st_size
    _say(f"{n_answers:,} answers, {size / 1e6:,.1f} MB, in {path}, after {time.monotonic() - started:.0f} s")
    if path == precomputed_file(folder, current):
        _say("a running service uses them from now on")
    else:
        _say(f"meanwhile {current} was published, for which they are none: start again")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m service.precompute",
        description="Compute recommendations for every user in advance. A service finds them at its start.",
    )
    parser.add_argument("--store", help="folder of published bundles, or s3://... or gs://... (models/store)")
    parser.add_argument(
        "--query",
        default="",
        help='what will be asked, as in a URL: "limit=20&exclude_genre=Horror" (10 rows of all)',
    )
    parser.add_argument("--users", type=Path, help="file with a user id per line: answers for these alone")
    parser.add_argument(
        "--workers",
        type=_count,
        default=usable_cores(),
        help="processes (one per usable core: %(default)s)",
    )
    parser.add_argument(
        "--engine",
        default="local",
        help="local, or a Dask scheduler: tcp://HOST:8786 or tls://... (%(default)s)",
    )
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, got {text}")
    return int(text)


def _say(words: str) -> None:
    sys.stderr.write(f"precompute: {words}\n")


def _fail(fault: str, code: int) -> int:
    _say(fault)
    return code


def _explain(error: Exception) -> tuple[str, int]:
    """Give what went wrong in words, and the exit code."""
    if isinstance(error, InvalidRequestError):
        faults = [f"{issue.parameter}: expected {issue.expected}, got {issue.received!r}" for issue in error.issues]
        return f"--query: {'; '.join([*faults, *filter(None, [error.hint])])}", 2
    if isinstance(error, OSError):
        return f"{error.filename or 'the store'} cannot be used: {error.strerror}", 1
    if isinstance(error, BrokenProcessPool):
        return "a process ended in the midst of its work, for want of memory perhaps: try fewer --workers", 1
    return str(error), 2 if isinstance(error, SettingsError | _InputError) else 1


def _precompute(store: Path, options: argparse.Namespace) -> tuple[int, Path]:
    """Do all of it; give how many answers there are, and where."""
    query, users = _read_query(options.query), options.users
    folder = Store(store).current_folder()
    model = load_model(folder)
    user_rows = _read_users(users, model.bundle) if users else list(range(model.bundle.n_users))
    # What cannot be answered is reported now, and not by a process of the pool.
    recommend(model, 0, query)
    digests = answer_digests(model, query, user_rows)

    def answer(rows: list[int]) -> Answers:
        if len(rows) < len(digests):
            _say(f"{len(digests) - len(rows):,} answers are there from an earlier start")
        earlier = find_earlier(store, query, {row: digests[row] for row in rows})
        if earlier and earlier.rows and earlier.agree(model):
            _say(f"{len(earlier.rows):,} answers are the same as in {earlier.path.name}")
        elif earlier:
            _say(f"no answer in {earlier.path.name} is certain to be the same now: all are computed")
            earlier = None
        others = [row for row in rows if not earlier or row not in earlier.rows]
        computed = work_out(Work(folder.resolve(), query), others, options.workers, options.engine, _say)
        for row in rows:
            if earlier and row in earlier.rows:
                yield row, earlier.find(row) or recommend(model, row, query)
            else:
                yield next(computed)

    about = About(model_version=model.version, query=query)
    return len(user_rows), write_precomputed(store, about, digests, answer)


def _read_query(text: str) -> RecommendationsQuery:
    query = parse_query(RecommendationsQuery, os.fsencode(text.removeprefix("?")))
    if query.offset:
        raise _InputError("--query: offset should be left out: answers begin with the first row")
    return query


def _read_users(path: Path, bundle: Bundle) -> list[int]:
    """Read the rows of the users that a file names.

    Raises
    ------
    _InputError
        If a line is no user id, or none is of a user that the model knows.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise _InputError(f"{path}: expected text with a user id per line, got something else: {error}") from error
    user_ids = []
    for number, line in enumerate(lines, 1):
        # Spaces may be part of a text.
        text = line if bundle.has_text_user_ids else line.strip()
        try:
            user_ids += [read_user_id(bundle, text)] if text else []
        except InvalidRequestError as error:
            (issue,) = error.issues
            fault = f"expected a user id, {issue.expected}; got {issue.received!r}"
            raise _InputError(f"{path}, line {number}: {fault}") from error
    wanted = np.unique(np.array(user_ids, dtype=np.str_ if bundle.has_text_user_ids else np.int64))
    known = np.isin(wanted, bundle.user_ids)
    if not known.any():
        some = ", ".join(map(str, bundle.user_ids[:3].tolist()))
        raise _InputError(f"{path}: expected a user id per line, like {some}; got {len(wanted)}, all unknown")
    if not known.all():
        unknown = wanted[~known]
        some = ", ".join(map(str, unknown[:3].tolist()))
        _say(f"{len(unknown):,} of {len(wanted):,} users are not in the model and get no answer: {some}, ...")
    rows: list[int] = np.searchsorted(bundle.user_ids, wanted[known]).tolist()
    return rows


def _stop(number: int, _: object) -> None:
    """End in good order: nothing unfinished is left behind.

    Raises
    ------
    SystemExit
        Always.
    """
    raise SystemExit(_STOPPED + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main())
