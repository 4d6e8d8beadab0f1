"""Threads of the CPU, and NumPy's faster form of Adam.

    share(work, n, minimum=1000)      work(start, stop) on parts of range(n), in parallel threads

NumPy releases the interpreter's lock while it computes, so threads run in parallel. Their number is
that of NumPy's BLAS: `OPENBLAS_NUM_THREADS=1` makes everything run in one thread. While parts run
in parallel, BLAS has one thread. With a BLAS other than OpenBLAS, whose thread count cannot be
read, `share` runs everything in one thread.

BLAS's thread count is global, and changes rounding. A matrix product therefore waits while another
thread has lowered the count (`undisturbed`), so two trainings in one process do not change each
other's last bits.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from functools import cache, wraps
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

Work = Callable[[int, int], object]
_crew: list[SimpleQueue[Any]] = []  # one queue of tasks for each worker thread
_busy = threading.Lock()  # BLAS and the workers serve one caller at a time
_within: ContextVar[bool] = ContextVar("within", default=False)  # whether this runs inside `share`
_several = False  # whether BLAS ever had several threads; if not, `undisturbed` needs no lock


def share(work: Work, n: int, minimum: int) -> None:
    """Call work(start, stop) on parts of range(n) in parallel, each of at least `minimum` numbers.

    The parts must not depend on each other. Returns when all are done, and raises the first error
    of a part. Starting a part costs about 20 us, so `minimum` numbers should take several
    times that.
    """
    if _within.get() or not _may_wait():  # a nested call does not divide its work again
        work(0, n)
        return
    with _busy:
        token = _within.set(True)
        try:
            _side_by_side(work, n, minimum)
        finally:
            _within.reset(token)


def _side_by_side(work: Work, n: int, minimum: int) -> None:
    threads = blas_threads() or 1
    parts = min(threads, n // minimum)
    if parts < 2:
        work(0, n)
        return
    answers: SimpleQueue[BaseException | None] = SimpleQueue()
    bounds = [n * i // parts for i in range(parts + 1)]
    try:
        _set_blas_threads(1)
        for inbox, start, stop in zip(_helpers(parts - 1), bounds[1:], bounds[2:], strict=False):
            inbox.put((copy_context(), work, start, stop, answers))  # keeps np.errstate
        problems = [_attempt(work, 0, bounds[1]), *(_ended(answers) for _ in range(parts - 1))]
    finally:
        _set_blas_threads(threads)
    for problem in problems:
        if problem is not None:
            raise problem


def undisturbed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function that uses BLAS wait while another thread has lowered BLAS's thread count."""

    @wraps(function)
    def call(*args: Any) -> Any:
        if not _several or _within.get():
            return function(*args)
        with _busy:
            return function(*args)

    return call


def _may_wait() -> bool:
    """Return whether BLAS has, or ever had, several threads; inside `share` it has one."""
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
    """Wait for a part, also after Ctrl-C, because the part still writes to its arrays."""
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


if hasattr(os, "register_at_fork"):  # a forked process has none of the threads
    os.register_at_fork(after_in_child=_begin_anew)


@cache
def openblas() -> ctypes.CDLL | None:
    """The OpenBLAS inside NumPy's wheel, if there is one."""
    for path in (Path(np.__file__).parent.parent / "numpy.libs").glob("*openblas*"):
        return ctypes.CDLL(str(path))
    return None


@cache
def _thread_count() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """OpenBLAS's functions that get and set its thread count; None for another BLAS."""
    library = openblas()
    for name in ("scipy_openblas_%s_num_threads64_", "openblas_%s_num_threads"):
        if hasattr(library, name % "get"):
            return getattr(library, name % "get"), getattr(library, name % "set")
    return None


@undisturbed
def blas_threads() -> int | None:
    """The number of threads of NumPy's BLAS outside of `share`; None if it cannot be read."""
    found = _thread_count()
    return int(found[0]()) if found else None


def at_most(n: int) -> None:
    """Use at most n threads from here on."""
    _set_blas_threads(min(n, blas_threads() or n))


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _set_blas_threads(n: int) -> None:
    found = _thread_count()
    if found:
        found[1](n)


_may_wait()


def adam(
    xp: Any, w: Any, g: Any, m: Any, v: Any, lr: Any, c1: Any, c2: Any,
    betas: tuple[float, float], eps: float, weight_decay: float,
) -> bool:  # fmt: skip
    """`optim.rules.adam` with one temporary vector, by the functions of the array library xp. c1
    and c2 are moved into the scalars, as section 2 of Kingma and Ba 2014 proposes."""
    b1, b2 = betas
    step = (1 - b1) * g
    m *= b1
    m += step
    xp.multiply(g, g, out=step)
    step *= 1 - b2
    v *= b2
    v += step
    scale = xp.sqrt(c2)
    xp.sqrt(v, out=step)
    step += eps * scale
    xp.divide(m, step, out=step)
    step *= lr * scale / c1
    if weight_decay:
        w *= 1 - lr * weight_decay
    w -= step
    return True
