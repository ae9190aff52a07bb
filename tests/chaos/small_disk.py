"""A disk in memory that can be filled, be read-only, and be away."""

import subprocess
from pathlib import Path
from typing import Final

N_BYTES: Final = 8 << 20


class SmallDisk:
    """A tmpfs at a folder; bound to another folder too, it keeps what it holds while it is away."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept = folder.with_name("kept")
        self._filling = folder / ".filling"

    def mount(self) -> None:
        for folder in (self.folder, self._kept):
            folder.mkdir()
        _run("mount", "-t", "tmpfs", "-o", f"size={N_BYTES}", "tmpfs", str(self._kept))
        self.come_back()

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], timeout=60, check=False, capture_output=True)
        _run("umount", "-l", str(self._kept))

    def go_away(self) -> None:
        """Be unmounted, as a volume that is lost: an empty folder is left."""
        _run("umount", "-l", str(self.folder))

    def come_back(self) -> None:
        _run("mount", "--bind", str(self._kept), str(self.folder))

    def be_read_only(self) -> None:
        _run("mount", "-o", "remount,bind,ro", str(self.folder))

    def be_writable(self) -> None:
        _run("mount", "-o", "remount,bind,rw", str(self.folder))

    def fill(self, n_free_bytes: int = 0) -> None:
        """Leave so much room, about."""
        with self._filling.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass
            file.truncate(max(0, file.tell() - n_free_bytes))

    def empty(self) -> None:
        """Have room again."""
        self._filling.unlink()


def _run(*command: str) -> None:
    subprocess.run(command, timeout=60, check=True, capture_output=True)
