"""The software and hardware of this machine: versions, NumPy's BLAS and threads, backends."""

import platform
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from . import __version__
from . import backend as backends
from .backend.cpu import cores, kernels, loaded, threads

SOURCES = ":/*.py", ":/*.cu"  # git's patterns of the files that can change results

BLAS = {  # a part of the name of a library: its own name
    "openblas": "OpenBLAS", "mkl": "MKL", "accelerate": "Accelerate", "blis": "BLIS",
}  # fmt: skip


def facts() -> dict[str, Any]:
    """The entries of `machine`, and the backends, each with None if it works, else the reason."""
    return {**machine(), "backends": backends.survey()}


def report(found: Mapping[str, Any]) -> str:
    """The text of `tinygan info`, from `facts`."""
    count = found["blas_threads"]
    return "\n".join([
        f"tinygan   {found['tinygan']}",
        f"python    {found['python']} on {found['system']}",
        f"numpy     {found['numpy']}",
        f"blas      {found['blas']}, {count} thread{'' if count == 1 else 's'} on {found['cores']} "
        "cores (set OPENBLAS_NUM_THREADS or MKL_NUM_THREADS to change)",
        "backends",
        *(
            f"  {name:<7} {'works' if problem is None else 'does not work: ' + problem}"
            for name, problem in found["backends"].items()
        ),
    ])  # fmt: skip


def describe(backend: str) -> dict[str, Any]:
    """The software and hardware that can change the last bits of a result on `backend`."""
    device = backends.get(backend).device()
    found: dict[str, Any] = {
        "tinygan": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas()} {kernels()}".strip(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
    }
    return found | ({"device": device} if device else {})


def processor() -> str:
    """The name of the processor, or of its architecture if the system does not report a name."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = (line.partition(":")[2].strip() for line in lines if "model name" in line)
            return next(names, platform.machine())
    except OSError:
        return platform.processor() or platform.machine()


def blas() -> str:
    """The name and version of NumPy's BLAS: of the one that NumPy was built with or, if that is an
    interface for any, as in conda and Debian, of the one that is loaded."""
    config = np.show_config(mode="dicts") or {}
    found = config.get("Build Dependencies", {}).get("blas", {})
    built = found.get("name", "unknown"), found.get("version", "")
    for name, version in (built, *loaded()):
        for part, known in BLAS.items():
            if part in name.lower():
                return f"{known} {version.replace('unknown', '')}".strip()
    return " ".join(built).strip()


def machine(backend: str = "numpy") -> dict[str, Any]:
    """The software and hardware on which a measured time on `backend` depends: the entries of
    `describe`, the numbers of threads and cores, the versions of torch and CuPy, the commit and the
    date."""
    from importlib.metadata import PackageNotFoundError, version  # slow to import

    versions = {}
    for name in ("torch", "cupy"):
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    commit = {"commit": _commit(), "date": time.strftime("%Y-%m-%d")}
    sizes = {"blas_threads": threads(), "cores": cores()}
    return {**describe(backend), **sizes, **versions, **commit}


def _commit() -> str:
    """The commit of the running sources, followed by a + if they have changed since; "" if it is
    unknown, as for an installed copy."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(Path(__file__).parent), *words]
        return subprocess.run(
            command, capture_output=True, encoding="utf-8", check=True
        ).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", __file__)
        changed = git("status", "--porcelain", "--", *SOURCES)
        return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""
