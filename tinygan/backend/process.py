"""Settings that make a process faster: idle threads sleep soon, and freed memory is kept.

glibc returns large blocks to the system as soon as they are freed, and the system fills each page
with zeros before it gives it out again. In a round of convolutions these are 40,000 pages, and half
of the time. `keep_freed` makes glibc keep the blocks. The peak of memory does not change.
"""

import ctypes
import os
import sys

from . import cpu

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
    """Set up this process for speed: keep freed memory, and leave BLAS one thread, since
    `cpu.share` divides the work. No result depends on it.

    The commands, the benchmarks and the examples call it; `import tinygan` does not."""
    keep_freed()
    cpu.lower_blas()
