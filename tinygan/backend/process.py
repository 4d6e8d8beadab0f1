"""Set up a process for speed: the sleep of idle threads, and freed memory. No result depends on it.

glibc returns large blocks to the system as soon as they are freed, and the system clears each page
that it hands out again: 40,000 pages, and half of the time, in a round of convolutions.
`keep_freed` makes glibc keep them. The peak of memory does not change.
"""

from __future__ import annotations

import ctypes
import os
import sys

from .cpu import openblas

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGEST = 32 << 20  # bytes: the largest M_MMAP_THRESHOLD that glibc accepts


def keep_freed() -> None:
    """Make glibc's malloc keep freed memory, unless the environment sets MALLOC_TRIM_THRESHOLD_,
    MALLOC_MMAP_THRESHOLD_ or GLIBC_TUNABLES. Does nothing with another C library."""
    own = "MALLOC_TRIM_THRESHOLD_" in os.environ or "MALLOC_MMAP_THRESHOLD_" in os.environ
    own = own or "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", "")
    if own or not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, -1)
        mallopt(M_MMAP_THRESHOLD, LARGEST)


def tune() -> None:
    """Set up this process for speed by `keep_freed` and `sleep_soon`. No result depends on it.

    The commands, the benchmarks and the examples call it; `import tinygan` does not."""
    keep_freed()
    sleep_soon()


def sleep_soon() -> None:
    """Let OpenBLAS's idle threads sleep after 2^19 cycles, unless OPENBLAS_THREAD_TIMEOUT is set.

    By default they spin for 2^26 cycles (20 ms) and occupy cores that other threads need; 2^19
    (0.2 ms) still covers the pause between two layers. OpenBLAS reads the variable when NumPy
    loads it, so this makes it read the variable again and restart its threads. An OpenBLAS
    without these functions is left as it is.
    """
    library, names = openblas(), ("openblas_read_env", "blas_thread_shutdown_", "blas_thread_init")
    if "OPENBLAS_THREAD_TIMEOUT" in os.environ or not all(hasattr(library, n) for n in names):
        return
    os.environ["OPENBLAS_THREAD_TIMEOUT"] = "19"
    for name in names:
        getattr(library, name)()
