"""Finds the files of a MyAnimeList dump in a folder, and takes their fingerprint."""

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from training.errors import InputError

SUFFIXES: Final = (".csv", ".csv.gz", ".parquet")
# In this order: the fuller list file wins where both are there.
LIST_NAMES: Final = ("animelist", "rating_complete")
# The coarsest clock that file systems in use keep times by.
CLOCK_STEP_NS: Final = 2_000_000_000


class DatasetNote(BaseModel):
    """The contents of dataset.json; only dumps that are not the Kaggle one need it."""

    model_config = ConfigDict(extra="ignore")

    name: str = "MyAnimeList dump"
    simulated: bool = False


class FileState(BaseModel):
    """Shows without reading a file that it is unchanged.

    Every write sets the time of a file's last change (ctime), which no program can set back and which a copy under
    the same name does not inherit. Two writes within one step of the clock may share a time, so the times of a file
    that changed just now are left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    n_bytes: int
    inode: int
    modified_ns: int | None  # since 1970; None where the file changed too shortly before
    changed_ns: int | None

    @classmethod
    def of(cls, path: Path) -> "FileState":
        """Look at a file."""
        found = path.stat()
        modified_ns, changed_ns = found.st_mtime_ns, found.st_ctime_ns
        settled = max(modified_ns, changed_ns) + CLOCK_STEP_NS < time.time_ns()
        return cls(
            name=path.name,
            n_bytes=found.st_size,
            inode=found.st_ino,
            modified_ns=modified_ns if settled else None,
            changed_ns=changed_ns if settled else None,
        )


@dataclass(frozen=True)
class DumpFiles:
    """The files of a dump."""

    lists: Path  # animelist or rating_complete
    catalogue: Path  # anime.csv
    synopses: Path | None  # anime_with_synopsis.csv
    recommendations: Path | None  # recommendations.csv: MyAnimeList users' own "if you liked A, watch B"
    franchises: Path | None  # franchises.csv: which anime belong together; only measures
    note: DatasetNote  # from dataset.json

    @property
    def folder(self) -> str:
        """Where they are, as an absolute path."""
        return str(self.lists.parent.absolute())

    @property
    def paths(self) -> list[Path]:
        """The files that are there."""
        found = (self.lists, self.catalogue, self.synopses, self.recommendations, self.franchises)
        return [path for path in found if path]

    def states(self) -> list[FileState]:
        """Look at the files without reading them."""
        return [FileState.of(path) for path in self.paths]

    def fingerprint(self) -> str:
        """Hash names and contents: sha256, in hexadecimal."""
        total = hashlib.sha256()
        for path in self.paths:
            with path.open("rb") as file:
                total.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
        return total.hexdigest()


def find_dump(folder: Path) -> DumpFiles:
    """Find the files of a dump; each may be .csv, .csv.gz or .parquet.

    Raises
    ------
    InputError
        If the folder or a needed file is not there, or is of the wrong kind.
    """
    if not folder.is_dir():
        what = "is a file; name the folder that holds it" if folder.exists() else "is not there"
        raise InputError(f"{folder}: {what} (expected a folder with animelist.csv and anime.csv)")
    lists = next((path for name in LIST_NAMES if (path := _find(folder, name))), None)
    catalogue = _find(folder, "anime")
    if lists is None:
        raise InputError(f"{folder}: holds no animelist.csv and no rating_complete.csv (.csv, .csv.gz or .parquet)")
    if catalogue is None:
        raise InputError(f"{folder}: holds no anime.csv (.csv, .csv.gz or .parquet)")
    return DumpFiles(
        lists=lists,
        catalogue=catalogue,
        synopses=_find(folder, "anime_with_synopsis"),
        recommendations=_find(folder, "recommendations"),
        franchises=_find(folder, "franchises"),
        note=_read_note(folder / "dataset.json"),
    )


def _find(folder: Path, name: str) -> Path | None:
    for suffix in SUFFIXES:
        path = folder / f"{name}{suffix}"
        if path.is_dir():
            raise InputError(f"{path}: is a folder; expected a file")
        if path.is_file():
            return path
    return None


def _read_note(path: Path) -> DatasetNote:
    if not path.is_file():
        return DatasetNote()
    try:
        return DatasetNote.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, ValidationError) as error:
        raise InputError(f'{path}: expected a JSON object like {{"name": "...", "simulated": true}}') from error
