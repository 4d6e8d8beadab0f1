"""The number of cores that this process may use.

It is the least of three: the cores of the machine, those to which the process is bound (affinity),
and the CPU quota of its cgroups, as a container has one. A quota of 1.5 cores counts as one: two
threads would use it up before the end of each period, and then both wait for the next. A quota that
cannot be read counts as none.
"""

import math
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

FILES = {  # by the type of the file system: the quota and the period
    "cgroup2": ("cpu.max",),
    "cgroup": ("cpu.cfs_quota_us", "cpu.cfs_period_us"),
}


def cores() -> int:
    """The number of cores that this process may use, at least 1."""
    machine = os.cpu_count() or 1
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else machine
    return max(1, math.floor(min(machine, bound, quota())))


@cache
def quota(root: Path = Path("/")) -> float:
    """The CPU quota of this process, in cores: the least of its cgroups and of all that contain
    them; infinite if there is none."""
    limits = [math.inf]
    for kind, mount, group in cgroups(root):
        limits.append(_limit(kind, mount))
        while mount in group.parents:
            limits.append(_limit(kind, group))
            group = group.parent
    return min(limits)


def cgroups(root: Path = Path("/")) -> Iterator[tuple[str, Path, Path]]:
    """The cgroups of this process that can limit its CPU time: for each, the type of the file
    system, where it is mounted, and the folder of the cgroup."""
    try:
        groups = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        mounts = (root / "proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    paths = {}
    for line in groups:  # "0::/path" in version 2, "4:cpu,cpuacct:/path" in version 1
        number, names, path = [*line.split(":", 2), "", ""][:3]
        if (number, names) == ("0", ""):
            paths["cgroup2"] = path
        elif "cpu" in names.split(","):
            paths["cgroup"] = path
    for line in mounts:
        place, _, system = line.partition(" - ")
        kind, _, options = [*system.split(), "", "", ""][:3]
        if kind not in paths or (kind == "cgroup" and "cpu" not in options.split(",")):
            continue
        top, mount = [*place.split(), *[""] * 5][3:5]
        folder = root / mount.lstrip("/")
        inner = paths[kind].removeprefix(top.rstrip("/")).strip("/")
        yield kind, folder, folder / inner if ".." not in inner else folder


def _limit(kind: str, folder: Path) -> float:
    try:
        quota, period = map(
            int, " ".join((folder / f).read_text(encoding="utf-8") for f in FILES[kind]).split()
        )
    except (OSError, ValueError):  # no such file, "max", or nonsense
        return math.inf
    return quota / period if quota > 0 and period > 0 else math.inf
