"""The prepared folder: what the prepare stage hands to the others."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.bundle.manifest import DataCard
from models.bundle.writer import save_array, save_bytes
from models.cores import usable_cores
from training.dump.files import FileState
from training.errors import InputError
from training.lists.interactions import Interactions

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
        What it was told.
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
        told = {"version": self.report.format_version, "settings": self.report.settings}
        whole = json.dumps(told, sort_keys=True) + self.report.data.fingerprint
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
    for attribute, name in _LISTS.items():
        save_array(folder / f"{name}.npy", getattr(prepared.interactions, attribute))
    for name, array in prepared.catalogue.items():
        save_array(folder / f"{name}.npy", array)
    _write_report(folder, prepared.report, sorted(prepared.catalogue), _digests(folder))


def update_report(folder: Path, report: PrepareReport) -> None:
    """Put another report in the place of a prepared dump's.

    Parameters
    ----------
    folder : Path
        A prepared dump.
    report : PrepareReport
    """
    old = json.loads((folder / REPORT_FILE).read_text(encoding="utf-8"))
    _write_report(folder, report, old["catalogue"], old["sha256"])


def is_undamaged(folder: Path) -> bool:
    """Check every byte of a prepared dump.

    Parameters
    ----------
    folder : Path
        A prepared dump that loads.

    Returns
    -------
    bool
        Whether its files are those that were written.
    """
    report = json.loads((folder / REPORT_FILE).read_text(encoding="utf-8"))
    return bool(report["sha256"] == _digests(folder))


def load_prepared(folder: Path) -> Prepared:
    """Read a prepared dump, the large arrays memory-mapped.

    Raises
    ------
    InputError
        If the folder was not made by prepare, or by that of another version.
    """
    try:
        report = json.loads((folder / REPORT_FILE).read_text(encoding="utf-8"))
        names, _ = report.pop("catalogue"), report.pop("sha256")
        lists = {attribute: _load(folder, name) for attribute, name in _LISTS.items()}
        catalogue = {name: _load(folder, name) for name in names}
        return Prepared(Interactions(**lists), catalogue, PrepareReport.model_validate(report))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
        raise InputError(f"{folder}: is no prepared dump ({error}); make one with `prepare`") from error


def _load(folder: Path, name: str) -> NDArray[Any]:
    array: NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    return array


def _write_report(folder: Path, report: PrepareReport, catalogue: list[str], digests: dict[str, str]) -> None:
    content = report.model_dump(mode="json") | {"catalogue": catalogue, "sha256": digests}
    # By way of another file, so that a report is never half there.
    unfinished = folder / f".{REPORT_FILE}"
    save_bytes(unfinished, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
    unfinished.replace(folder / REPORT_FILE)


def _digests(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.endswith(REPORT_FILE))
    with ThreadPoolExecutor(usable_cores()) as pool:
        return dict(zip((path.name for path in paths), pool.map(_digest, paths), strict=True))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
