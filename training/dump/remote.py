"""Dumps that are not in a folder here: brought into the work folder, where they are read like any other."""

import itertools
import json
import shutil
from pathlib import Path
from typing import Final

from models.objects import Objects, is_url
from training.dump.databases import POSTGRESQL, SQLITE, read_queries_file, save_query_results, without_secrets
from training.dump.files import DATASET_FILE, SUFFIXES, UNFINISHED, find_dump
from training.errors import InputError
from training.support.folders import replaced_folder
from training.support.terminal import progress

SOURCE_FOLDER: Final = "source"
_OF_DUMP: Final = SUFFIXES + UNFINISHED
_BUCKETS: Final = ("s3", "gs")


def bring_dump(location: str, work: Path, queries: Path | None = None) -> Path:
    """Give the folder of a dump; one that is elsewhere is brought into the work folder first.

    Raises
    ------
    InputError
        If the place is of another kind, cannot be read, or holds no dump.
    """
    scheme = location.partition("://")[0] if is_url(location) else ""
    is_database = scheme in {*POSTGRESQL, SQLITE}
    if queries and not is_database:
        raise InputError("--queries is for databases: --data postgresql://... or sqlite:///file")
    folder = work / SOURCE_FOLDER
    if is_database:
        asked = read_queries_file(queries)
        with replaced_folder(folder) as new:
            save_query_results(location, asked, new)
            _name(new, asked.get("name") or without_secrets(location))
    elif scheme in _BUCKETS:
        _mirror(Objects(location), folder)
    elif scheme:
        raise InputError(f"--data {scheme}://...: expected a folder, s3://, gs://, postgresql:// or sqlite:///")
    found = folder if scheme else Path(location)
    find_dump(found)
    return found


def _mirror(objects: Objects, folder: Path) -> None:
    # Afterwards the folder holds the files of a dump that are below a URL, and nothing else.
    sizes = {name: meta["size"] for name, meta in objects.list().items() if _is_of_dump(name)}
    if not sizes:
        raise InputError(f"{objects.url}: holds no file of a dump (animelist.csv, anime.csv, ...)")
    for path in list(folder.rglob("[!.]*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() and not any(known.startswith(f"{name}/") for known in sizes):
            shutil.rmtree(path)
        elif not path.is_dir() and name not in sizes:
            path.unlink(missing_ok=True)
    with progress(f"fetch {objects.url}", sum(sizes.values()), "MB", scale=1e6) as update:
        for done, name in zip(itertools.accumulate(sizes.values()), sizes, strict=True):
            objects.refresh(name, folder / name)
            update(done)
    if DATASET_FILE not in sizes:
        _name(folder, objects.url)


def _is_of_dump(name: str) -> bool:
    # Also what is not finished: then the dump is refused, as in a folder.
    return name == DATASET_FILE or "/_temporary/" in name or (name.count("/") < 2 and name.endswith(_OF_DUMP))


def _name(folder: Path, name: str) -> None:
    (folder / DATASET_FILE).write_text(json.dumps({"name": name}), encoding="utf-8")
