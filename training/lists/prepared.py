"""The prepared folder, which the prepare stage writes and the others read; it is used again for the same dump."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.bundle.manifest import DataCard
from training.dump.elsewhere import ARRAYS
from training.dump.files import DumpFiles
from training.errors import InputError
from training.lists.interactions import Interactions
from training.lists.thresholds import Thresholds
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

_NEW: Final = "new_"


class PrepareReport(BaseModel):
    """What prepare read, kept, left out and why."""

    model_config = ConfigDict(extra="forbid")

    # Raised whenever prepare makes something else of the same dump, so that no earlier folder is used.
    format_version: Literal[5] = 5
    data: DataCard
    data_folder: str  # where the dump was
    rejected: dict[str, int]  # rows by reason
    notes: list[str]
    settings: dict[str, Any]
    seconds: float


@dataclass(frozen=True)
class Prepared:
    """A dump, ready to train on."""

    interactions: Interactions
    catalogue: dict[str, NDArray[Any]]  # arrays of the bundle, one row per anime of the interactions
    new_anime: dict[str, NDArray[Any]]  # the same and anime_ids, one row per anime that too few lists hold
    elsewhere: dict[str, NDArray[Any]]  # what anime are called elsewhere: arrays of the bundle
    report: PrepareReport

    @property
    def digest(self) -> str:
        """Identify what was prepared: sha256 over the fingerprint of the dump's files and the settings of prepare.

        So it costs nothing, and covers recommendations.csv and franchises.csv, which later stages read.
        """
        made_with = {"version": self.report.format_version, "settings": self.report.settings}
        whole = json.dumps(made_with, sort_keys=True) + self.report.data.fingerprint
        return hashlib.sha256(whole.encode()).hexdigest()


def save_prepared(folder: Path, prepared: Prepared) -> None:
    """Write a prepared dump into a folder; files that are there already, such as rejected rows, become part of it."""
    lists = {name: getattr(prepared.interactions, attribute) for attribute, name in _LISTS.items()}
    new_anime = {f"{_NEW}{name}": array for name, array in prepared.new_anime.items()}
    arrays = {**lists, **prepared.catalogue, **new_anime, **prepared.elsewhere}
    artefacts.save(folder / REPORT_FILE, arrays, prepared.report.model_dump(mode="json"))


def load_prepared(folder: Path) -> Prepared:
    """Read a prepared dump, the arrays memory-mapped.

    Raises
    ------
    InputError
        If the folder was not made by prepare, or by that of another version.
    """

    def make(arrays: artefacts.Arrays, facts: dict[str, Any]) -> Prepared:
        lists = {attribute: arrays.pop(name) for attribute, name in _LISTS.items()}
        new_anime = {name.removeprefix(_NEW): arrays.pop(name) for name in list(arrays) if name.startswith(_NEW)}
        elsewhere = {name: arrays.pop(name) for name in ARRAYS}
        return Prepared(Interactions(**lists), arrays, new_anime, elsewhere, PrepareReport.model_validate(facts))

    return artefacts.load(folder / REPORT_FILE, make, "is no prepared dump", "prepare", mapped=True)


def find_prepared(folder: Path, dump: DumpFiles, thresholds: Thresholds) -> PrepareReport | None:
    """Read the report of a prepared folder, if it was made of this dump and these thresholds; None where it was not.

    Every byte of the dump and of the prepared folder is read.
    """
    try:
        report = load_prepared(folder).report
    except InputError:
        return None
    made_of = (report.settings, report.data.name, report.data.simulated)
    if made_of != (asdict(thresholds), dump.note.name, dump.note.simulated):
        return None
    if dump.fingerprint() != report.data.fingerprint or not artefacts.is_undamaged(folder / REPORT_FILE):
        return None
    here = report.model_copy(update={"data_folder": dump.folder})
    if here != report:
        artefacts.save_facts(folder / REPORT_FILE, here.model_dump(mode="json"))
    return here
