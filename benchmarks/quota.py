"""A CPU quota of one core for a command: a cgroup, where one can be made (as root).

with one_core() as prefix:
    if prefix is not None:
        subprocess.run([*prefix, "tinygan", "bench"])
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinygan.backend.cores import cgroups

QUOTA = {  # by the type of the file system: files, and their text
    "cgroup2": {"cpu.max": "100000 100000"},
    "cgroup": {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "100000"},
}
PATIENCE = 5.0  # seconds to wait for the end of processes in the cgroup


@contextmanager
def one_core(root: Path = Path("/")) -> Iterator[list[str] | None]:
    """The start of a command that runs the rest of it with a quota of one core; None if no cgroup
    can be made. The cgroup is removed at the end of the block."""
    for kind, mount, group in cgroups(root):
        for parent in dict.fromkeys((group, mount)):
            folder = parent / f"tinygan-{os.getpid()}"
            try:
                folder.mkdir()
            except OSError:
                continue
            if not _limited(folder, kind):
                folder.rmdir()
                continue
            try:
                yield ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(folder / "cgroup.procs")]
            finally:
                _remove(folder)
            return
    yield None


def _limited(folder: Path, kind: str) -> bool:
    """Set the quota of a new cgroup; return whether that worked."""
    try:
        for name, text in QUOTA[kind].items():
            with open(folder / name, "r+", encoding="utf-8") as file:
                file.write(text)
    except OSError:  # no such file: the controller is not enabled here
        return False
    return True


def _remove(folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while (folder / "cgroup.procs").read_text(encoding="utf-8") and time.monotonic() < deadline:
        time.sleep(0.05)
    folder.rmdir()
