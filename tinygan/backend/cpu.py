"""One loop on all cores: NumPy lets go of the interpreter while it computes.

    share(work, n, least=1000)      work(start, stop) on parts of range(n), side by side

The number of threads is that of NumPy's BLAS, so `OPENBLAS_NUM_THREADS=1` makes everything run in
one. While parts run side by side, each has a BLAS of one thread. With a BLAS that does not tell
its threads (not OpenBLAS), nothing is shared: it may have all cores.

How many threads BLAS has is a setting of the process, and a product by another number of threads
may be rounded otherwise. So what multiplies while another thread of the program shares work waits
for it (`undisturbed`), and two trainings in one process do not change each other's last bits.

Freed memory stays with the process: the next round of a game needs as much again.

The C library gives large blocks back to the system as soon as they are freed, and the system clears
each page of what it hands out anew: in a round of convolutions that is 40,000 pages and half of the
time. Where the library is glibc, it can be told to keep them. The peak stays what it was.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from functools import cache, wraps
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

__all__ = [
    "at_most",
    "blas_threads",
    "cores",
    "keep_freed",
    "share",
    "sleep_soon",
    "tune",
    "undisturbed",
]

Work = Callable[[int, int], object]
_crew: list[SimpleQueue[Any]] = []  # of each helping thread: what it is to do
_busy = threading.Lock()  # BLAS and the crew work for one caller at a time
_within: ContextVar[bool] = ContextVar("within", default=False)  # work that is being shared
_several = False  # whether BLAS has had several threads; if it never had, nobody need wait


def share(work: Work, n: int, least: int) -> None:
    """Call work(start, stop) on parts of range(n), side by side, each of at least `least` numbers.

    The parts must not depend on each other. Returns when all are done; raises what one raised.
    A handover costs some twenty microseconds: `least` should take several times that.
    """
    if _within.get() or not _may_wait():  # work that shares work: only the outer does
        work(0, n)
        return
    with _busy:
        token = _within.set(True)
        try:
            _side_by_side(work, n, least)
        finally:
            _within.reset(token)


def _side_by_side(work: Work, n: int, least: int) -> None:
    threads = blas_threads() or 1
    parts = min(threads, n // least)
    if parts < 2:
        work(0, n)
        return
    answers: SimpleQueue[BaseException | None] = SimpleQueue()
    bounds = [n * i // parts for i in range(parts + 1)]
    try:
        _set_blas_threads(1)
        for inbox, start, stop in zip(_helpers(parts - 1), bounds[1:], bounds[2:], strict=False):
            inbox.put((copy_context(), work, start, stop, answers))  # np.errstate holds there, too
        problems = [_attempt(work, 0, bounds[1]), *(_ended(answers) for _ in range(parts - 1))]
    finally:
        _set_blas_threads(threads)
    for problem in problems:
        if problem is not None:
            raise problem


def undisturbed(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which multiplies, kept apart from what other threads of the program share."""

    @wraps(function)
    def call(*args: Any) -> Any:
        if not _several or _within.get():
            return function(*args)
        with _busy:
            return function(*args)

    return call


def _may_wait() -> bool:
    """Whether BLAS has several threads, now or at any time before: `share` makes it one."""
    global _several
    _several = _several or (blas_threads() or 1) > 1
    return _several


def _attempt(work: Work, start: int, stop: int) -> BaseException | None:
    try:
        work(start, stop)
    except BaseException as problem:
        return problem
    return None


def _ended(answers: SimpleQueue[BaseException | None]) -> BaseException | None:
    """Wait for a part; Ctrl-C waits with us, for the part still writes."""
    try:
        return answers.get()
    except KeyboardInterrupt as stop:
        answers.get()
        return stop


def _helpers(count: int) -> list[SimpleQueue[Any]]:
    while len(_crew) < count:
        inbox: SimpleQueue[Any] = SimpleQueue()
        threading.Thread(target=_help, args=(inbox,), daemon=True, name="tinygan").start()
        _crew.append(inbox)
    return _crew


def _help(inbox: SimpleQueue[Any]) -> None:
    while True:
        context, work, start, stop, answers = inbox.get()
        answers.put(context.run(_attempt, work, start, stop))
        del context, work


def _begin_anew() -> None:
    global _busy
    _busy = threading.Lock()  # it may have been held when the process forked
    _crew.clear()


if hasattr(os, "register_at_fork"):  # a fork has none of the threads
    os.register_at_fork(after_in_child=_begin_anew)


def sleep_soon() -> None:
    """Let OpenBLAS's idle threads sleep after 2^19 cycles, unless OPENBLAS_THREAD_TIMEOUT is set.

    By default they wait in a loop for 2^26 cycles, twenty milliseconds, and take a core from
    whoever computes meanwhile; 2^19, a fifth of one, spans the pause between two layers. OpenBLAS
    reads the variable when NumPy loads it, so it is told to read again, and its threads to begin
    anew. One that cannot be told is left as it is.
    """
    library, names = _library(), ("openblas_read_env", "blas_thread_shutdown_", "blas_thread_init")
    if "OPENBLAS_THREAD_TIMEOUT" in os.environ or not all(hasattr(library, n) for n in names):
        return
    os.environ["OPENBLAS_THREAD_TIMEOUT"] = "19"
    for name in names:
        getattr(library, name)()


@cache
def _library() -> ctypes.CDLL | None:
    """The OpenBLAS inside NumPy's wheel, if there is one."""
    for path in (Path(np.__file__).parent.parent / "numpy.libs").glob("*openblas*"):
        return ctypes.CDLL(str(path))
    return None


@cache
def _openblas() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """How OpenBLAS tells and sets its threads; None for another BLAS."""
    library = _library()
    for name in ("scipy_openblas_%s_num_threads64_", "openblas_%s_num_threads"):
        if hasattr(library, name % "get"):
            return getattr(library, name % "get"), getattr(library, name % "set")
    return None


@undisturbed
def blas_threads() -> int | None:
    """How many threads NumPy's BLAS uses, when no work is being shared; None if it does not
    tell."""
    found = _openblas()
    return int(found[0]()) if found else None


def at_most(n: int) -> None:
    """Use no more than n threads from here on."""
    _set_blas_threads(min(n, blas_threads() or n))


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _set_blas_threads(n: int) -> None:
    found = _openblas()
    if found:
        found[1](n)


_may_wait()


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


def tune() -> None:
    """Set up this process for speed: `keep_freed` and `sleep_soon`. No result depends on it.

    The commands, the benchmarks and the examples call it; `import tinygan` does not."""
    keep_freed()
    sleep_soon()
