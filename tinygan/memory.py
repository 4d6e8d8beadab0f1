"""Freed memory stays with the process: the next round of a game needs as much again.

The C library gives large blocks back to the system as soon as they are freed, and the system clears
each page of what it hands out anew: in a round of convolutions that is 40,000 pages and half of the
time. Where the library is glibc, it can be told to keep them. The peak stays what it was.
"""

from __future__ import annotations

import ctypes
import os
import sys

__all__ = ["keep_freed"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGEST = 32 << 20  # bytes: glibc's limit for blocks that are not mapped one by one


def keep_freed() -> None:
    """Tell glibc, unless the environment has its own word about it (MALLOC_TRIM_THRESHOLD_,
    MALLOC_MMAP_THRESHOLD_, GLIBC_TUNABLES). Elsewhere nothing happens."""
    own = "MALLOC_TRIM_THRESHOLD_" in os.environ or "MALLOC_MMAP_THRESHOLD_" in os.environ
    own = own or "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", "")
    if own or not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, -1)
        mallopt(M_MMAP_THRESHOLD, LARGEST)
