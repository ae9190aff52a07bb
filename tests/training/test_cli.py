"""The commands: bad input ends in one clear line and a non-zero exit, and the old bundle goes on serving."""

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from models.bundle.reader import read_bundle
from models.store import Store
from tests.object_store.server import Bucket
from tests.training.commands import OLD, fails, works
from tests.training.small_dump import LIST_HEADER, SmallDump, write_csv, write_small_dump
from training.lists.prepared import load_prepared

# Keras' own, on numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

QUICK = ("--set", "autoencoder.epochs=1", "--set", "rating.epochs=1", "--set", "autoencoder.embedding_size=4")
Damage = Callable[[Path], object]


def _text(name: str, text: str) -> Damage:
    return lambda folder: (folder / name).write_text(text, encoding="utf-8")


def _bytes(name: str, content: bytes) -> Damage:
    return lambda folder: (folder / name).write_bytes(content)


def _folder_instead(name: str) -> Damage:
    def damage(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return damage


def _cut_gzip(folder: Path) -> None:
    content = gzip.compress((folder / "animelist.csv").read_bytes())
    (folder / "animelist.csv").unlink()
    (folder / "animelist.csv.gz").write_bytes(content[: len(content) // 2])


def _cut_parquet(folder: Path) -> None:
    (folder / "animelist.csv").unlink()
    (folder / "animelist.parquet").write_bytes(b"PAR1 and no more")


HEADER = ",".join(LIST_HEADER)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda folder: (folder / "animelist.csv").unlink(), "holds no animelist.csv"),
        (lambda folder: (folder / "anime.csv").unlink(), "holds no anime.csv"),
        (_folder_instead("animelist.csv"), "animelist.csv: is a folder without parts"),
        (_folder_instead("anime.csv"), "anime.csv: is a folder without parts"),
        (_text("animelist.csv", ""), "animelist.csv: is empty"),
        (_text("anime.csv", ""), "anime.csv: is empty"),
        (_text("animelist.csv", HEADER + "\n"), "there is nothing below the header"),
        (_text("anime.csv", "MAL_ID,Name\n"), "anime.csv: has no usable row"),
        (_text("animelist.csv", "user_id,rating\n1,8\n"), "animelist.csv: no column anime_id"),
        (_text("anime.csv", "MAL_ID,Genres\n1,Drama\n"), "anime.csv: no column name"),
        (_text("anime_with_synopsis.csv", "MAL_ID\n1\n"), "anime_with_synopsis.csv: no column synopsis"),
        (_text("animelist.csv", HEADER + "\n1,x,8,2,1\n"), "rejected: 1 x anime_id is no number"),
        (_text("animelist.csv", HEADER + "\n1,1,11,2,1\n"), "rejected: 1 x rating outside 0..10"),
        (_text("animelist.csv", HEADER + "\n1,1,8,9,1\n"), "rejected: 1 x unknown watching_status"),
        (_text("animelist.csv", HEADER + "\n1,2,8,2,1\n"), "rejected: 1 x anime_id is not in the catalogue"),
        (_text("animelist.csv", HEADER + "\n1,1,8,2,1\n"), "nothing is left of 1 users and 40 anime"),
        (_bytes("animelist.csv", bytes(range(256))), "animelist.csv: "),
        (_cut_gzip, "animelist.csv.gz: is a broken or cut gzip file"),
        (_cut_parquet, "animelist.parquet: is no readable Parquet file"),
        (_text("dataset.json", "{"), "dataset.json: expected a JSON object"),
    ],
)
def test_a_dump_that_cannot_be_used_ends_in_one_line(
    small_dump: SmallDump,
    places: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: Damage,
    fault: str,
) -> None:
    damage(small_dump.folder)
    assert fault in fails(monkeypatch, "run", "--data", str(small_dump.folder), *places)
    store = Store(tmp_path / "store")
    assert store.versions() == [OLD]
    assert read_bundle(store.current_folder()).manifest.model_version == OLD
    assert list((tmp_path / "work").glob("**/*")) == [] if (tmp_path / "work").exists() else True


def test_a_failed_prepare_leaves_the_earlier_one(
    small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("prepare", "--data", str(small_dump.folder), "--work", str(tmp_path / "work"))
    works(monkeypatch, *command)
    before = load_prepared(tmp_path / "work" / "prepared").report
    (small_dump.folder / "animelist.csv").write_text("", encoding="utf-8")
    fails(monkeypatch, *command)
    assert load_prepared(tmp_path / "work" / "prepared").report == before


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("train",), "prepared: is no prepared dump"),
        (("evaluate",), "prepared: is no prepared dump"),
        (("publish",), "prepared: is no prepared dump"),
        (("publish", "--network", "deep"), "setting network = 'deep'"),
        (("train", "--set", "epochs=3"), "--set epochs=3: expected NAME=VALUE"),
        (("train", "--seed", "-1"), "seed = -1"),
        (("train", "--set", "items.l2=0"), "setting items.l2 = '0': Input should be greater than 0"),
        (("train", "--set", "items.l2=1e39"), "setting items.l2 = '1e39': Input should be less than or equal to"),
        (("train", "--set", "similar.l2_per_user=1e39"), "setting similar.l2_per_user = '1e39'"),
        (("train", "--set", "similar.l2_per_user=nan"), "setting similar.l2_per_user = 'nan'"),
    ],
)
def test_a_stage_without_the_stage_before_says_which_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], fault: str
) -> None:
    assert fault in fails(monkeypatch, *arguments, "--work", str(tmp_path / "work"))


@pytest.mark.parametrize(
    ("data", "fault"), [("nowhere", "nowhere: is not there"), ("anime.csv", "anime.csv: is a file; name the folder")]
)
def test_a_wrong_folder_is_said_to_be_wrong(
    small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: str, fault: str
) -> None:
    place = str(small_dump.folder / data)
    assert fault in fails(monkeypatch, "prepare", "--data", place, "--work", str(tmp_path / "work"))


def test_a_file_in_the_place_of_the_work_folder_is_named(
    small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work").write_text("", encoding="utf-8")
    line = fails(monkeypatch, "prepare", "--data", str(small_dump.folder), "--work", str(tmp_path / "work"))
    assert str(tmp_path / "work") in line


@pytest.mark.parametrize(
    ("location", "fault"),
    [
        ("sqlite:///nowhere.db", "error: sqlite:///nowhere.db: there is no file nowhere.db"),
        ("s3://me:pass-4711@bucket", "error: s3://...@bucket: expected s3://bucket/prefix"),
        ("postgresql://me:pass-4711@host/db", "error: postgresql://host/db: the URL holds a password"),
        ("ftp://host/dump", "error: --data ftp://...: expected a folder, s3://"),
    ],
)
def test_a_source_that_cannot_be_used_ends_a_run_and_the_old_bundle_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, places: tuple[str, ...], location: str, fault: str
) -> None:
    said = fails(monkeypatch, "run", "--data", location, *places)
    assert said.startswith(fault)
    assert "4711" not in said
    assert Store(tmp_path / "store").versions() == [OLD]
    assert Store(tmp_path / "store").current_folder().name == OLD


def test_a_bucket_that_is_not_there_ends_a_run_before_it_begins(
    small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: Bucket
) -> None:
    options = ("--data", str(small_dump.folder), "--work", str(tmp_path / "work"))
    fault = fails(monkeypatch, "run", *options, "--store", "s3://nobody-has-this/x")
    assert fault == "error: s3://nobody-has-this/x: there is no such bucket"
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("place", ["nowhere", "empty"])
def test_verifying_nothing_names_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    (tmp_path / "empty").mkdir()
    assert f"{place}/manifest.json: cannot be read" in fails(monkeypatch, "verify", str(tmp_path / place))


def test_settings_lists_them_all(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    works(monkeypatch, "settings")
    assert "autoencoder.embedding_size" in capsys.readouterr().out


def test_prepare_reports_what_it_set_aside(
    small_dump: SmallDump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with (small_dump.folder / "animelist.csv").open("a", encoding="utf-8") as file:
        file.write("3,1,99,2,1\n")
    works(monkeypatch, "prepare", "--data", str(small_dump.folder), "--work", str(tmp_path / "work"))
    told = capsys.readouterr().out
    assert "kept 600 rows of 60 users and 40 anime" in told
    assert "set aside 1: rating outside 0..10" in told
    rejected = (tmp_path / "work" / "prepared" / "rejected_rows.csv").read_text(encoding="utf-8").splitlines()
    assert rejected[1] == 'animelist.csv,602,rating outside 0..10 or no whole number,"3,1,99,2"'


@pytest.mark.parametrize(
    "arguments",
    [
        ("prepare", "--data", "nowhere"),
        ("train", "--set", "autoencoder.epochs=0"),
    ],
)
def test_in_a_shell_the_one_line_is_all_there_is(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "training", *arguments],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_libraries_are_told_how_many_cores_may_be_used(tmp_path: Path) -> None:
    """They see what a process is pinned to, but no quota of its container."""
    code = (
        "import sys, os, runpy, models.cores, threadpoolctl\n"
        "models.cores.usable_cores = lambda: 1\n"
        "sys.argv = ['training', 'settings']\n"
        "try: runpy.run_module('training', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "pools = threadpoolctl.threadpool_info()\n"
        "names = 'TF_NUM_INTRAOP_THREADS', 'TF_NUM_INTEROP_THREADS'\n"
        "print({pool['num_threads'] for pool in pools if pool['user_api'] == 'blas'}, *map(os.environ.get, names))"
    )
    environment = {"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "PATH": "/usr/bin:/bin", "COLUMNS": "200"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "{1} 1 1"


@pytest.mark.parametrize("small", ["one user", "one anime"])
def test_a_dump_of_one_user_or_one_anime_is_published_where_the_thresholds_let_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, places: tuple[str, ...], small: str
) -> None:
    dump = write_small_dump(tmp_path / "dump")
    rows = [row for row in dump.rows if row[3] != 6 and row[0] not in {15, 69, 93, 101, 105}]
    kept = {
        "one user": [row for row in rows if row[0] == 3],
        "one anime": [row for row in rows if row[1] == 1],
    }[small]
    write_csv(dump.folder / "animelist.csv", LIST_HEADER, kept)
    command = ("run", "--data", str(dump.folder), *places, *QUICK)
    assert "nothing is left of" in fails(monkeypatch, *command)
    works(monkeypatch, *command, "--min-user-rows", "1", "--min-anime-rows", "1")
    bundle = read_bundle(Store(tmp_path / "store").current_folder())
    assert bundle.n_users == len({row[0] for row in kept})
    assert bundle.n_anime == len({row[1] for row in kept})


def test_anime_on_the_same_lists_need_a_penalty_and_are_told_so(
    small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch, places: tuple[str, ...]
) -> None:
    rows = [(user, anime, 8, 2, 12) for user in range(1, 61) for anime in sorted(small_dump.cluster_of)[:20]]
    write_csv(small_dump.folder / "animelist.csv", LIST_HEADER, rows)
    command = ("run", "--data", str(small_dump.folder), *places, *QUICK, "--only", "embeddings")
    line = fails(monkeypatch, *command, "--set", "items.l2=1e-30", "--set", "items.dropout=0")
    assert "received 1e-30 with a dropout of 0; raise --set items.l2 or items.dropout" in line
    works(monkeypatch, *command)


def test_a_network_whose_loss_cannot_be_computed_is_said_to_diverge(
    small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch, places: tuple[str, ...]
) -> None:
    command = ("run", "--data", str(small_dump.folder), *places, *QUICK, "--only", "embeddings")
    line = fails(monkeypatch, *command, "--set", "autoencoder.list_weight=1e38", "--set", "autoencoder.epochs=3")
    assert "the autoencoder network diverged" in line
    assert "lower autoencoder.learning_rate" in line


def test_where_every_user_tests_nobody_is_left_to_learn_from(
    small_dump: SmallDump, monkeypatch: pytest.MonkeyPatch, places: tuple[str, ...]
) -> None:
    write_csv(small_dump.folder / "animelist.csv", LIST_HEADER, [row for row in small_dump.rows if row[0] == 15])
    command = ("run", "--data", str(small_dump.folder), *places, "--min-user-rows", "1", "--min-anime-rows", "1")
    assert "all 1 users are among those who test" in fails(monkeypatch, *command)
