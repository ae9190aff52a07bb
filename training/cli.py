"""The commands: ``python -m training COMMAND``."""

import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from models.bundle.reader import read_bundle
from models.errors import BundleError, StoreError
from models.object_store import ObjectStore, open_store
from models.objects import is_url
from models.store import Store
from training import asking, options
from training import pipeline as stages
from training.background import begin_import
from training.demo import write_demo_data
from training.dump.remote import bring_dump
from training.errors import InputError
from training.printing import out as _out
from training.printing import print_metrics, print_prepared, print_update
from training.settings import RunSettings, describe_settings, make_settings
from training.similar_anime.ranker import SHIPPED_FILE
from training.support.engine import open_engine
from training.support.folders import replaced_folder
from training.support.stage_times import StageTimes
from training.support.terminal import progress

app = typer.Typer(
    help="From a MyAnimeList dump to a published bundle.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

DEFAULT_WORK = Path("runs/latest")
# Apart from a run's: these prepare anew, and must not leave a run with networks of another preparation.
DEFAULT_BENCHMARK_WORK = Path("runs/benchmark")
DEFAULT_UPDATE_WORK = Path("runs/update")
DEFAULT_STORE = "models/store"

app.command("similar")(asking.similar)
app.command("recommend")(asking.recommend)


@app.command("demo-data")
def demo_data(
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    users: Annotated[int, typer.Option(help="Number of simulated users.")] = 3000,
    anime: Annotated[int | None, typer.Option(help="Number of anime. [default: all curated]")] = None,
    rows: Annotated[int | None, typer.Option(help="Number of list rows. [default: as the lists come]")] = None,
    seed: Annotated[int, typer.Option(help="The same seed writes the same bytes.")] = 0,
) -> None:
    """Write a small dump with simulated users, in the format of the real one."""  # noqa: DOC501 - shown as help
    try:
        with progress("simulate lists", rows or users, "rows" if rows else "users") as update:
            summary = write_demo_data(
                out,
                n_users=users,
                n_anime=anime,
                n_rows=rows,
                seed=seed,
                progress=lambda done, total: update(round(done / max(total, 1) * (rows or users))),
            )
    except (ValueError, FileExistsError) as error:
        raise InputError(str(error)) from error
    _out.print(
        f"{out}: {summary.n_rows:,} rows of {summary.n_users:,} simulated users over {summary.n_anime:,} anime"
    )


@app.command("run")
def run(  # noqa: PLR0913, PLR0917 - one parameter per option
    data: options.Data,
    store: options.Store = DEFAULT_STORE,
    work: options.Work = DEFAULT_WORK,
    queries: options.Queries = None,
    network: options.Network = "autoencoder",
    only: options.Only = None,
    compare: options.Compare = None,
    min_user_rows: options.MinUser = None,
    min_anime_rows: options.MinAnime = None,
    seed: options.Seed = None,
    assignments: options.Set = None,
    tensorboard: options.Log = None,
    anew: options.Anew = False,
    engine: options.Engine = "local",
) -> None:
    """Prepare, train, evaluate and publish."""
    settings = _settings(
        assignments,
        network=network,
        only=only,
        compare=compare,
        min_user_rows=min_user_rows,
        min_anime_rows=min_anime_rows,
        seed=seed,
    )
    folder = bring_dump(data, work, queries)  # first: a mistyped folder must not leave an empty store behind
    open_store(store).require_writable()
    started = time.monotonic()
    times = StageTimes(work)
    with open_engine(engine, work) as tasks:
        begin_import()
        with times.stage("prepare"):
            print_prepared(stages.run_prepare(folder, work, settings, tasks, anew=anew), work)
        with times.stage("train"):
            stages.run_train(work, settings, tensorboard, tasks)
        with times.stage("evaluate"):
            print_metrics(stages.run_evaluate(work, settings), work)
        with times.stage("publish"):
            bundle = stages.run_publish(work, open_store(store), settings, tasks)
    _out.print(
        f"published {bundle} in {time.monotonic() - started:.0f} s; `python -m service --store {store}` serves it"
    )


@app.command("prepare")
def prepare(  # noqa: PLR0913, PLR0917 - one parameter per option
    data: options.Data,
    work: options.Work = DEFAULT_WORK,
    queries: options.Queries = None,
    min_user_rows: options.MinUser = None,
    min_anime_rows: options.MinAnime = None,
    assignments: options.Set = None,
    anew: options.Anew = False,
    engine: options.Engine = "local",
) -> None:
    """Read the dump, set bad rows aside, number users and anime in rows."""
    settings = _settings(assignments, min_user_rows=min_user_rows, min_anime_rows=min_anime_rows)
    folder = bring_dump(data, work, queries)
    with open_engine(engine, work) as tasks:
        print_prepared(stages.run_prepare(folder, work, settings, tasks, anew=anew), work)


@app.command("train")
def train(  # noqa: PLR0913, PLR0917 - one parameter per option
    work: options.Work = DEFAULT_WORK,
    network: options.Network = "autoencoder",
    only: options.Only = None,
    compare: options.Compare = None,
    seed: options.Seed = None,
    assignments: options.Set = None,
    tensorboard: options.Log = None,
    engine: options.Engine = "local",
) -> None:
    """Train the networks on a prepared dump."""
    settings = _settings(assignments, network=network, only=only, compare=compare, seed=seed)
    with open_engine(engine, work) as tasks:
        networks = stages.run_train(work, settings, tensorboard, tasks)
    for trained in networks:
        loss = trained.history["loss"]
        _out.print(f"{trained.network}: loss {loss[0]:.4f} -> {loss[-1]:.4f} in {len(loss)} epochs")


@app.command("evaluate")
def evaluate(
    work: options.Work = DEFAULT_WORK,
    network: options.Network = "autoencoder",
    compare: options.Compare = None,
    assignments: options.Set = None,
) -> None:
    """Measure the trained networks and the baselines."""
    print_metrics(stages.run_evaluate(work, _settings(assignments, network=network, compare=compare)), work)


@app.command("publish")
def publish(
    work: options.Work = DEFAULT_WORK,
    store: options.Store = DEFAULT_STORE,
    network: options.Network = "autoencoder",
    hold_out: Annotated[
        bool,
        typer.Option("--hold-out", help="Leave test users out, to ask for them over HTTP as unseen users."),
    ] = False,
    engine: options.Engine = "local",
) -> None:
    """Write the bundle into the store and make it current."""
    settings = _settings(network=network, hold_out=hold_out)
    with open_engine(engine, work) as tasks:
        bundle = stages.run_publish(work, open_store(store), settings, tasks)
    _out.print(f"published {bundle}")


@app.command("update")
def update(
    data: options.Data,
    store: options.Store = DEFAULT_STORE,
    work: options.Work = DEFAULT_UPDATE_WORK,
    queries: options.Queries = None,
    keep_users: options.Keep = False,
) -> None:
    """Take users, lists and new anime of a newer dump into the current bundle, without learning anything."""
    started = time.monotonic()
    folder = bring_dump(data, work, queries)
    report, bundle, added = stages.run_update(folder, work, open_store(store), keep_users=keep_users)
    print_prepared(report, work)
    print_update(added)
    _out.print(f"published {bundle} in {time.monotonic() - started:.0f} s; `run` learns from what was added")


@app.command("ship-similar-weights")
def ship_similar_weights(
    work: options.Work = DEFAULT_WORK,
    out: Annotated[Path, typer.Option(help="File to write. [default: the one that comes with the project]")] = (
        SHIPPED_FILE
    ),
) -> None:
    """Make the ranker that `train` learned the one for dumps without recommendations.csv."""
    stages.ship_similar_weights(work, out)
    _out.print(f"wrote {out}: {out.stat().st_size:,} bytes")


@app.command("verify")
def verify(
    bundle: Annotated[str, typer.Argument(help="A bundle, or a store, whose current bundle is meant.")],
) -> None:
    """Check every byte and every promise of a bundle."""
    with tempfile.TemporaryDirectory(prefix="osusume-verify-") as copies:
        folder = Path(bundle)
        if is_url(bundle):
            store = ObjectStore(bundle)
            for version in store.unfinished():
                _out.print(f"note: {store.url}/{version} has no manifest: its publisher was killed, or is at work")
            folder = store.fetch(Path(copies))
        elif (folder / "current").is_file():
            folder = Store(folder).current_folder()
        checked = read_bundle(folder)
    _out.print(
        f"{checked.manifest.model_version if is_url(bundle) else folder}: sound; {checked.n_users:,} users, "
        f"{checked.n_anime:,} anime, {checked.manifest.embedding_size} wide, format {checked.manifest.format_version}"
    )


@app.command("benchmark")
def benchmark(
    data: options.Data,
    work: options.Work = DEFAULT_BENCHMARK_WORK,
    queries: options.Queries = None,
    out: Annotated[Path | None, typer.Option(help="Folder for tables and plots. [default: WORK/benchmark]")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Measure this method only; repeatable.")] = None,
    fold: Annotated[
        int | None,
        typer.Option(help="Who tests, and does not train: users whose hash modulo 10 is this. [default: 1]"),
    ] = None,
    assignments: options.Set = None,
) -> None:
    """Train and measure every method and baseline on the same users: the leaderboard."""
    from training.leaderboard.report import print_report, write_report  # noqa: PLC0415 - brings matplotlib
    from training.leaderboard.run import choose_methods, run_benchmark  # noqa: PLC0415 - beside the other

    settings = make_settings({"test_fold": fold}, assignments or [])
    methods, out = choose_methods(only or []), out or work / "benchmark"
    started = time.monotonic()
    dump = bring_dump(data, work, queries)  # first: a mistyped folder must not leave empty ones behind
    # A folder that cannot be written is found out now, and not when all is measured.
    with replaced_folder(out) as folder:
        summary = run_benchmark(dump, work, settings, methods)
        write_report(folder, summary)
    print_report(summary)
    _out.print(f"tables and plots: {out}; took {time.monotonic() - started:.0f} s")
    failed = [name for name, reason in summary["left_out"].items() if reason.startswith("failed")]
    wrong = [check["method"] for check in summary["sanity"] if not check["holds"]]
    if failed or wrong:
        _fail(f"not every row can be trusted: failed: {failed or 'none'}; sanity wrong: {wrong or 'none'}")


@app.command("settings")
def settings_table() -> None:
    """List every setting that --set changes."""
    table = Table("setting", "default", "meaning")
    for row in describe_settings():
        table.add_row(*row)
    _out.print(table)


def _settings(assignments: list[str] | None = None, **values: Any) -> RunSettings:
    return make_settings(values, assignments or [])


def main() -> None:
    """Run a command; bad input ends in one line and a non-zero exit."""
    try:
        app()
    except (InputError, StoreError, BundleError) as error:
        _fail(str(error))
    except MemoryError as error:
        _fail(f"not enough memory: {error}")
    except OSError as error:
        _fail(f"{error.filename or ''}: {error.strerror or error}".lstrip(": "))


def _fail(message: str) -> None:
    # One line, whatever a library put into its message.
    sys.exit(f"error: {' '.join(message.split())}")
