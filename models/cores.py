"""How many cores this process may use, which need not be all that the machine has."""

import math
import os
from pathlib import Path


def usable_cores(cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Count the cores that this process may keep busy, at least 1.

    They are those that it is pinned to (``taskset``, a cpuset), and no more than the processor time of its container
    (``docker run --cpus``, a Kubernetes limit; cgroup v1 or v2), rounded up.
    """
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for names in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):
        try:
            quota, period = " ".join((cgroups / name).read_text(encoding="ascii") for name in names).split()
            if int(quota) > 0:
                n_cores = min(n_cores, math.ceil(int(quota) / int(period)))
        except (OSError, ValueError):
            # No such file, or the quota is "max": nothing is limited this way.
            continue
    return n_cores
