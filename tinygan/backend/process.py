"""Settings that make a process faster: idle threads sleep soon, and freed memory is kept.

glibc returns large blocks to the system as soon as they are freed, and the system fills each page
with zeros before it gives it out again. In a round of convolutions these are 40,000 pages, and half
of the time. `keep_freed` makes glibc keep the blocks. The peak of memory does not change.
"""

import ctypes
import os
import sys

from .cpu import openblas

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGEST = 32 << 20  # bytes: the largest M_MMAP_THRESHOLD that glibc accepts


def keep_freed() -> None:
    """Make glibc's malloc keep freed memory, unless the environment sets MALLOC_TRIM_THRESHOLD_,
    MALLOC_MMAP_THRESHOLD_ or GLIBC_TUNABLES. Does nothing with another C library."""
    is_set = "MALLOC_TRIM_THRESHOLD_" in os.environ or "MALLOC_MMAP_THRESHOLD_" in os.environ
    is_set = is_set or "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", "")
    if is_set or not sys.platform.startswith("linux"):
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
    (0.2 ms) is still longer than the pause between two layers. OpenBLAS reads the variable when
    NumPy loads it, so this function makes it read the variable again and restart its threads. An
    OpenBLAS without the necessary functions does not change.
    """
    library, names = openblas(), ("openblas_read_env", "blas_thread_shutdown_", "blas_thread_init")
    if "OPENBLAS_THREAD_TIMEOUT" in os.environ or not all(hasattr(library, n) for n in names):
        return
    os.environ["OPENBLAS_THREAD_TIMEOUT"] = "19"
    for name in names:
        getattr(library, name)()
