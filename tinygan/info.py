"""What this machine offers: versions, the BLAS that NumPy brings and its threads, the backends."""

from __future__ import annotations

import ctypes
import os
import platform
from pathlib import Path

import numpy as np

from . import __version__, backend

__all__ = ["blas", "blas_threads", "report"]


def report() -> str:
    """The text of `tinygan info`."""
    threads = blas_threads()
    lines = [
        f"tinygan   {__version__}",
        f"python    {platform.python_version()} on {platform.system()} {platform.machine()}",
        f"numpy     {np.__version__}",
        f"blas      {blas()}, {threads or 'an unknown number of'} "
        f"thread{'' if threads == 1 else 's'} on {os.cpu_count()} cores "
        "(set OPENBLAS_NUM_THREADS or MKL_NUM_THREADS to change)",
        "backends",
    ]
    for name, problem in backend.survey().items():
        lines.append(f"  {name:<7} {'works' if problem is None else 'does not work: ' + problem}")
    return "\n".join(lines)


def blas() -> str:
    """Name and version of the BLAS that NumPy was built with."""
    config = np.show_config(mode="dicts") or {}
    found = config.get("Build Dependencies", {}).get("blas", {})
    return f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()


def blas_threads() -> int | None:
    """How many threads the OpenBLAS inside NumPy's wheel uses; None for another BLAS."""
    libraries = Path(np.__file__).parent.parent.glob("numpy.libs/*openblas*")
    for path in libraries:
        library = ctypes.CDLL(str(path))
        for name in ("scipy_openblas_get_num_threads64_", "openblas_get_num_threads"):
            if hasattr(library, name):
                return int(getattr(library, name)())
    return None
