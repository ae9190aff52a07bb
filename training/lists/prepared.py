"""The prepared folder: what the prepare stage hands to the others."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.bundle.manifest import DataCard
from training.dump.files import FileState
from training.lists.interactions import Interactions
from training.support import artefacts

REPORT_FILE: Final = "report.json"
_LISTS: Final = {
    "user_ids": "user_ids",
    "anime_ids": "anime_ids",
    "offsets": "list_offsets",
    "anime_rows": "list_anime_rows",
    "ratings": "list_ratings",
    "statuses": "list_statuses",
}


class PrepareReport(BaseModel):
    """What prepare read, kept, left out and why.

    Attributes
    ----------
    format_version : int
        Raised whenever prepare makes something else of the same dump, so that no folder of before is used.
    data : DataCard
    data_folder : str
        Where the dump was.
    dump_files : list of FileState
        As its files were before they were read.
    rejected : dict of str to int
        How many rows were set aside, by reason.
    notes : list of str
    settings : dict
        What it was given.
    seconds : float
    """

    model_config = ConfigDict(extra="forbid")

    format_version: Literal[2] = 2
    data: DataCard
    data_folder: str
    dump_files: list[FileState]
    rejected: dict[str, int]
    notes: list[str]
    settings: dict[str, Any]
    seconds: float


@dataclass(frozen=True)
class Prepared:
    """A dump, ready to train on.

    Attributes
    ----------
    interactions : Interactions
    catalogue : dict of str to ndarray
        The catalogue's arrays of the bundle, one row per anime of the interactions.
    report : PrepareReport
    """

    interactions: Interactions
    catalogue: dict[str, NDArray[Any]]
    report: PrepareReport

    @property
    def digest(self) -> str:
        """Identify what was prepared: sha256 over the fingerprint of the dump's files and the settings of prepare.

        It costs nothing at any size, and covers recommendations.csv and franchises.csv, which later stages read.
        """
        made_with = {"version": self.report.format_version, "settings": self.report.settings}
        whole = json.dumps(made_with, sort_keys=True) + self.report.data.fingerprint
        return hashlib.sha256(whole.encode()).hexdigest()


def save_prepared(folder: Path, prepared: Prepared) -> None:
    """Write a prepared dump.

    Parameters
    ----------
    folder : Path
        Exists. Files that are there already, such as the rejected rows, count as part of what is prepared.
    prepared : Prepared

    Raises
    ------
    OSError
        If the disk is full.
    """
    lists = {name: getattr(prepared.interactions, attribute) for attribute, name in _LISTS.items()}
    artefacts.save(folder / REPORT_FILE, {**lists, **prepared.catalogue}, prepared.report.model_dump(mode="json"))


def load_prepared(folder: Path) -> Prepared:
    """Read a prepared dump, the large arrays memory-mapped.

    Raises
    ------
    InputError
        If the folder was not made by prepare, or by that of another version.
    """

    def make(arrays: artefacts.Arrays, facts: dict[str, Any]) -> Prepared:
        lists = {attribute: arrays.pop(name) for attribute, name in _LISTS.items()}
        return Prepared(Interactions(**lists), arrays, PrepareReport.model_validate(facts))

    return artefacts.load(folder / REPORT_FILE, make, "is no prepared dump", "prepare", mapped=True)
