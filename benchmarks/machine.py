"""What the figures were measured on."""

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Final

from models.cores import usable_cores

PACKAGES: Final = ("numpy", "scipy", "pandas", "pyarrow", "tensorflow", "keras", "fastapi", "uvicorn", "pydantic")


def describe_machine() -> dict[str, str]:
    """Say what decides how fast this machine is.

    Returns
    -------
    dict of str to str
        Processor, cores this process may use, memory, system, Python and the packages that do the work.
    """
    return {
        "processor": _processor(),
        "cores": str(usable_cores()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": ", ".join(f"{name} {version}" for name in PACKAGES if (version := _version(name))),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
