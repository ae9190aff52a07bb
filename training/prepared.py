"""The prepared folder: what the prepare stage hands to the others."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.manifest import DataCard
from models.writer import save_array
from training.errors import InputError
from training.interactions import Interactions

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
    """What prepare read, kept, left out and why."""

    model_config = ConfigDict(extra="forbid")

    data: DataCard
    data_folder: str
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


def save_prepared(folder: Path, prepared: Prepared) -> None:
    """Write a prepared dump.

    Parameters
    ----------
    folder : Path
        Exists.
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
    report = prepared.report.model_dump(mode="json")
    report["catalogue"] = sorted(prepared.catalogue)
    (folder / REPORT_FILE).write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def load_prepared(folder: Path) -> Prepared:
    """Read a prepared dump, the large arrays memory-mapped.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Prepared

    Raises
    ------
    InputError
        If the folder was not made by prepare.
    """
    try:
        report = json.loads((folder / REPORT_FILE).read_text(encoding="utf-8"))
        names = report.pop("catalogue")
        lists = {attribute: _load(folder, name) for attribute, name in _LISTS.items()}
        catalogue = {name: _load(folder, name) for name in names}
        return Prepared(Interactions(**lists), catalogue, PrepareReport.model_validate(report))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
        raise InputError(f"{folder}: is no prepared dump ({error}); make one with `prepare`") from error


def _load(folder: Path, name: str) -> NDArray[Any]:
    array: NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    return array
