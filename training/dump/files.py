"""Finds the files of a MyAnimeList dump in a folder, and takes their fingerprint."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from training.dump.file_source import FileSource
from training.errors import InputError
from training.support.artefacts import digest_file

_TEXT_SUFFIXES: Final = (".csv", ".tsv", ".txt")
SUFFIXES: Final = (*(f"{text}{packed}" for text in _TEXT_SUFFIXES for packed in ("", ".gz", ".zst")), ".parquet")
_ONE_FILE: Final = (".csv", ".csv.gz", ".parquet")
# In this order: the fuller list file wins where several are there. The last are those of 2016, 2018 and 2023.
LIST_NAMES: Final = (
    "animelist", "rating_complete", "rating", "animelists_cleaned", "users-score-2023", "final_animedataset"
)  # fmt: skip
CATALOGUE_NAMES: Final = ("anime", "anime_cleaned", "anime-dataset-2023")
UNFINISHED: Final = (".tmp", ".part", ".crdownload", ".inprogress", ".incomplete")
DATASET_FILE: Final = "dataset.json"


class DatasetNote(BaseModel):
    """The contents of dataset.json; only dumps that are not the Kaggle one need it."""

    model_config = ConfigDict(extra="ignore")

    name: str = "MyAnimeList dump"
    simulated: bool = False


@dataclass(frozen=True)
class DumpFiles:
    """The files of a dump."""

    folder: str  # where they are, as an absolute path
    lists: FileSource  # animelist or rating_complete, one file or parts
    catalogue: Path  # anime.csv
    synopses: Path | None  # anime_with_synopsis.csv
    recommendations: Path | None  # recommendations.csv: MyAnimeList users' own "if you liked A, watch B"
    franchises: Path | None  # franchises.csv: which anime belong together; only measures
    synonyms: Path | None  # synonyms.csv: further titles, for the title search
    id_map: Path | None  # idmap.csv: ids of other sites, for lists that are imported
    note: DatasetNote  # from dataset.json

    @property
    def paths(self) -> list[Path]:
        """The files that are there."""
        found = (self.catalogue, self.synopses, self.recommendations, self.franchises, self.synonyms, self.id_map)
        return [*self.lists.paths, *(part for path in found if path for part in parts_of(path))]

    def stamps(self) -> dict[Path, tuple[int, int, int]]:
        """Look at the files without reading them: inode, size and time of last change of those that are there."""
        found = {path: path.stat() for path in self.paths if path.exists()}
        return {path: (one.st_ino, one.st_size, one.st_mtime_ns) for path, one in found.items()}

    def fingerprint(self) -> str:
        """Hash names and contents: sha256, in hexadecimal."""
        total = hashlib.sha256()
        for path in self.paths:
            total.update(f"{path.name} {digest_file(path)}\n".encode())
        return total.hexdigest()


def find_dump(folder: Path) -> DumpFiles:
    """Find the files of a dump: CSV or Parquet, lists and catalogue also as folders of parts.

    Raises
    ------
    InputError
        If the folder or a needed file is not there, or is of the wrong kind.
    """
    if not folder.is_dir():
        what = "is a file; name the folder that holds it, an archive unpacked" if folder.exists() else "is not there"
        raise InputError(f"{folder}: {what} (expected a folder with animelist.csv and anime.csv)")
    names = sorted(path.name for path in folder.iterdir())
    there = f"it holds {', '.join(names[:8]) or 'nothing'}{', ...' if len(names) > 8 else ''}"
    kinds = f"(.csv, .tsv, .txt, also .gz or .zst; .parquet; or a folder of such parts); {there}"
    list_paths = next((paths for name in LIST_NAMES if (paths := _find_lists(folder, name))), None)
    catalogue = next((path for name in CATALOGUE_NAMES if (path := _find(folder, name))), None)
    if list_paths is None:
        raise InputError(f"{folder}: holds no animelist.csv and no rating_complete.csv {kinds}")
    if catalogue is None:
        raise InputError(f"{folder}: holds no anime.csv {kinds}")
    return DumpFiles(
        folder=str(folder.absolute()),
        lists=FileSource(str(list_paths[0] if len(list_paths) == 1 else list_paths[0].parent), list_paths),
        catalogue=catalogue,
        synopses=_find(folder, "anime_with_synopsis"),
        recommendations=_find(folder, "recommendations", _ONE_FILE),
        franchises=_find(folder, "franchises", _ONE_FILE),
        synonyms=_find(folder, "synonyms"),
        id_map=_find(folder, "idmap"),
        note=_read_note(folder / DATASET_FILE),
    )


def parts_of(path: Path) -> list[Path]:
    """Return the files of a folder of parts, in the order of their numbers; a file is its own part.

    Raises
    ------
    InputError
        If there are none, or not all of them.
    """
    if not path.is_dir():
        return [path]
    inside = [part for part in path.iterdir() if part.name != "_SUCCESS" and not part.name.startswith(".")]
    unfinished = [part for part in inside if part.suffix in UNFINISHED or part.name == "_temporary"]
    if unfinished:
        raise InputError(f"{unfinished[0]}: is half written; wait until the folder is complete")
    return _in_order(path, [part for part in inside if part.name.endswith(SUFFIXES)])


def _in_order(place: Path, parts: list[Path]) -> list[Path]:
    if not parts:
        raise InputError(f"{place}: is a folder without parts ({', '.join(SUFFIXES)})")
    promised = {int(found.group(1)) for part in parts if (found := re.search(r"-of-(\d+)", part.name))}
    if promised and promised != {len(parts)}:
        raise InputError(f"{place}: holds {len(parts)} of {max(promised)} parts; fetch the others")
    return sorted(parts, key=lambda part: [(text, int(n or 0)) for text, n in re.findall(r"(\D*)(\d*)", part.name)])


def _find_lists(folder: Path, name: str) -> list[Path]:
    """Find a file, a folder of parts, or parts beside each other: animelist-1.csv, animelist-2.csv."""
    path = _find(folder, name)
    if path:
        return parts_of(path)
    numbered = re.compile(rf"{name}[-_.]?(part)?[-_.]?\d+\D.*")
    parts = [path for path in folder.iterdir() if path.name.endswith(SUFFIXES) and numbered.fullmatch(path.name)]
    return _in_order(folder / name, parts) if parts else []


def _find(folder: Path, name: str, suffixes: Sequence[str] = SUFFIXES) -> Path | None:
    names = [f"{name}{suffix}" for suffix in suffixes]
    for path in [folder / each for each in names]:
        if path.is_file():
            return path
    return next((path for each in (name, *names) if (path := folder / each).is_dir()), None)


def _read_note(path: Path) -> DatasetNote:
    if not path.is_file():
        return DatasetNote()
    try:
        return DatasetNote.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, ValidationError) as error:
        raise InputError(f'{path}: expected a JSON object like {{"name": "...", "simulated": true}}') from error
