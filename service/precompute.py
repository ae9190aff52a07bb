"""``python -m service.precompute``: work out recommendations for every user before anybody asks.

A site that shows them on its users' home pages asks one question of everybody. Worked out in advance, by night, after
a training, the answer takes a service no longer than looking up similar users does.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

# As many processes work as there are cores. numpy reads this when it is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.errors import BundleError
from models.seal import seal_of
from models.store import Store
from service.errors import InvalidRequestError
from service.loaded_model import LoadedModel, load_model
from service.precomputed_files import About, PrecomputedError, write_precomputed
from service.query import RecommendationsQuery
from service.query_string import parse_query
from service.recommendation_responses import recommend
from service.settings import SettingsError, read_settings
from service.written_page import WrittenPage

_USERS_AT_ONCE: Final = 64
_SECONDS_BETWEEN_REPORTS: Final = 10.0


class _InputError(Exception):
    """Something on the command line cannot be used."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Precompute answers.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command line.

    Returns
    -------
    int
        Exit code: 0, 1 where the bundle or the store cannot be used, 2 for what cannot be asked.
    """
    options = _parse(arguments)
    try:
        settings = read_settings(store=options.store)
        query = _read_query(options.query)
        folder = Store(settings.store).current_folder()
        seal = seal_of(folder)
        model = load_model(settings.store)
        user_rows = _read_users(options.users, model.bundle) if options.users else np.arange(model.bundle.n_users)
        # Now and not after half an hour.
        recommend(model, 0, query)
        about = About(model_version=model.version, query=query)
        work = _Work(settings.store, seal, model.version, query)
        answers = _work_out(work, user_rows, options.workers)
        target = write_precomputed(settings.store, about, model.bundle.n_users, answers)
    except (SettingsError, _InputError) as error:
        return _fail(str(error), 2)
    except InvalidRequestError as error:
        return _fail(f"--query: {error.detail}", 2)
    except OSError as error:
        return _fail(f"{error.filename or settings.store} cannot be used: {error.strerror}", 1)
    except (BundleError, PrecomputedError, BrokenProcessPool) as error:
        return _fail(str(error), 1)
    size = sum(path.stat().st_size for path in target.iterdir())
    _say(f"{len(user_rows):,} answers, {size / 1e6:,.1f} MB, in {target}; a service that starts now uses them")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m service.precompute",
        description="Work out recommendations for every user before anybody asks. A service finds them at its start.",
    )
    parser.add_argument("--store", type=Path, help="folder of published bundles (models/store)")
    parser.add_argument(
        "--query",
        default="",
        help='what will be asked, as in a URL: "limit=20&exclude_genre=Horror" (nothing: 10 rows)',
    )
    parser.add_argument("--users", type=Path, help="file with a user id per line: answers for these alone")
    parser.add_argument("--workers", type=_count, default=os.cpu_count(), help="processes that work (one per core)")
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {text}")
    return count


def _say(words: str) -> None:
    sys.stderr.write(f"precompute: {words}\n")


def _fail(fault: str, code: int) -> int:
    _say(fault)
    return code


def _read_query(text: str) -> RecommendationsQuery:
    query = parse_query(RecommendationsQuery, text.encode())
    if query.offset:
        raise _InputError("--query: offset should be left out: answers begin with the first row")
    return query


def _read_users(path: Path, bundle: Bundle) -> NDArray[np.int64]:
    """Read the rows of the users that a file names.

    Raises
    ------
    _InputError
        If a line is no user id.
    """
    user_ids = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if text and not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise _InputError(f"{path}, line {number}: expected a user id in digits, got {text[:100]!r}")
        if text:
            user_ids.append(int(text))
    wanted = np.unique(np.array(user_ids, dtype=np.int64))
    known = np.isin(wanted, bundle.user_ids)
    if not known.all():
        unknown = wanted[~known]
        some = ", ".join(map(str, unknown[:3].tolist()))
        _say(f"{len(unknown):,} of {len(wanted):,} users are not in the model and get no answer: {some}, ...")
    return np.searchsorted(bundle.user_ids, wanted[known])


@dataclass(frozen=True)
class _Work:
    """What every process has to know."""

    store: Path
    seal: str
    model_version: str
    query: RecommendationsQuery


def _work_out(work: _Work, user_rows: NDArray[np.int64], n_workers: int) -> Iterator[tuple[int, WrittenPage]]:
    """Answer for many users in several processes; gives rows and answers in order, and says how far it is."""
    started = reported = time.monotonic()
    chunks = [user_rows[i : i + _USERS_AT_ONCE].tolist() for i in range(0, len(user_rows), _USERS_AT_ONCE)]
    n_done = 0
    with ProcessPoolExecutor(n_workers, get_context("spawn"), _begin, (work,)) as pool:
        try:
            for rows, pages in zip(chunks, pool.map(_answer, chunks), strict=True):
                yield from zip(rows, pages, strict=True)
                n_done += len(rows)
                now = time.monotonic()
                if now - reported > _SECONDS_BETWEEN_REPORTS:
                    reported = now
                    minutes = (now - started) / n_done * (len(user_rows) - n_done) / 60.0
                    _say(f"{n_done:,} of {len(user_rows):,} users, {minutes:.0f} minutes to go")
        finally:
            pool.shutdown(cancel_futures=True)


# A process of a pool has no other place for what it works with.
_given: tuple[_Work, LoadedModel]


def _begin(work: _Work) -> None:
    """Read the model in a process of the pool."""
    global _given  # noqa: PLW0603
    _given = work, load_model(work.store, work.seal)


def _answer(user_rows: list[int]) -> list[WrittenPage]:
    """Answer for some users.

    Raises
    ------
    PrecomputedError
        If this process found another model in the store than the one that sent it.
    """
    work, model = _given
    if model.version != work.model_version:
        raise PrecomputedError(f"{work.store}: another bundle was published meanwhile; start again")
    return [recommend(model, row, work.query) for row in user_rows]


if __name__ == "__main__":
    sys.exit(main())
