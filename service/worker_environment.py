"""What ``__main__`` hands down to worker processes beside the settings, and what they tell it when they end.

It imports nothing of the service: a process that only watches over workers need not wait for what they are made of.
"""

import os
from pathlib import Path
from typing import Final

# Where prometheus_client looks for the folder that the processes of one service have in common.
MULTIPROCESS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
# The folder of the bundle whose every byte ``__main__`` has checked. No setting: nobody else can vouch for it.
CHECKED_BUNDLE: Final = "_OSUSUME_CHECKED_BUNDLE"
_REFUSED: Final = "refused"


def note_refusal() -> None:
    """Leave word that the bundle cannot be used: uvicorn's supervisor stops, but does not tell its caller why."""
    folder = os.environ.get(MULTIPROCESS_FOLDER)
    if folder:
        (Path(folder) / _REFUSED).touch()


def any_refused(folder: Path) -> bool:
    """Tell whether a worker ended because the bundle could not be used.

    Parameters
    ----------
    folder : Path
        What the workers have in common.
    """
    return (folder / _REFUSED).exists()
