"""What ``__main__`` gives worker processes beside the settings, and what they report when they end.

It imports nothing of the service: a process that only supervises workers need not wait for their imports.
"""

import os
from pathlib import Path
from typing import Final

# Where prometheus_client looks for the folder that the processes of one service have in common.
MULTIPROCESS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
# The folder of the bundle whose every byte ``__main__`` has checked. No setting: only ``__main__`` knows it.
CHECKED_BUNDLE: Final = "_OSUSUME_CHECKED_BUNDLE"
_REFUSED: Final = "refused"


def note_refusal() -> None:
    """Note that the bundle cannot be used: uvicorn's supervisor stops, but does not give its caller the reason."""
    folder = os.environ.get(MULTIPROCESS_FOLDER)
    if folder:
        (Path(folder) / _REFUSED).touch()


def any_refused(folder: Path) -> bool:
    """Whether a worker ended because the bundle could not be used; ``folder`` is what the workers have in common."""
    return (folder / _REFUSED).exists()
