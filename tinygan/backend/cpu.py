"""Threads of the CPU, and NumPy's faster form of Adam.

    share(work, n, minimum=1000)      work(start, stop) on parts of range(n), in parallel threads

NumPy releases the interpreter's lock while it computes, so threads run in parallel. `share` uses as
many threads as NumPy's BLAS: `OPENBLAS_NUM_THREADS=1` makes everything run in one thread. While the
parts run, BLAS itself has one thread. The thread count of a BLAS other than OpenBLAS cannot be
read; then `share` runs everything in one thread.

The thread count of BLAS is global, and it changes the rounding of products. A matrix product
therefore waits while another thread has lowered the count (`undisturbed`). So two trainings in one
process do not change each other's last bits.
"""

import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cache, wraps
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from .cores import cores as cores

Work = Callable[[int, int], object]
_queues: list[SimpleQueue[Any]] = []  # the tasks of each worker thread
_lock = threading.Lock()  # only one caller at a time uses BLAS or the workers
_inside: ContextVar[bool] = ContextVar("inside", default=False)  # whether this runs inside `share`
_threaded = False  # whether BLAS ever had several threads; if not, `undisturbed` needs no lock


def share(work: Work, n: int, minimum: int) -> None:
    """Call work(start, stop) on parts of range(n) in parallel, each of at least `minimum` indices.

    The parts must not depend on each other. Returns when all are done, and raises the error of one
    part if any failed. Starting a part takes about 20 us, so the work on `minimum` indices should
    take several times that.
    """
    if _inside.get() or not _is_threaded():  # a nested call does not divide its work again
        work(0, n)
        return
    with _lock:
        token = _inside.set(True)
        try:
            _run_in_parallel(work, n, minimum)
        finally:
            _inside.reset(token)


def _run_in_parallel(work: Work, n: int, minimum: int) -> None:
    threads = blas_threads() or 1
    parts = min(threads, n // minimum)
    if parts < 2:
        work(0, n)
        return
    outcomes: SimpleQueue[BaseException | None] = SimpleQueue()  # the error of each part, or None
    bounds = [n * i // parts for i in range(parts + 1)]
    try:
        _set_blas_threads(1)
        for queue, start, stop in zip(_workers(parts - 1), bounds[1:], bounds[2:], strict=False):
            queue.put((copy_context(), work, start, stop, outcomes))  # keeps np.errstate
        problems = [_attempt(work, 0, bounds[1]), *(_wait(outcomes) for _ in range(parts - 1))]
    finally:
        _set_blas_threads(threads)
    for problem in problems:
        if problem is not None:
            raise problem


def undisturbed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function`, which uses BLAS, with a wait at its start while another thread is in
    `share` and has lowered the thread count of BLAS. A decorator."""

    @wraps(function)
    def call(*args: Any) -> Any:
        if not _threaded or _inside.get():
            return function(*args)
        with _lock:
            return function(*args)

    return call


def _is_threaded() -> bool:
    """Return whether BLAS has, or ever had, several threads outside of `share`."""
    global _threaded
    _threaded = _threaded or (blas_threads() or 1) > 1
    return _threaded


def _attempt(work: Work, start: int, stop: int) -> BaseException | None:
    try:
        work(start, stop)
    except BaseException as problem:
        return problem
    return None


def _wait(outcomes: SimpleQueue[BaseException | None]) -> BaseException | None:
    """Wait until a part has ended and return its error. After Ctrl-C wait too, because the part
    still writes to its arrays."""
    try:
        return outcomes.get()
    except KeyboardInterrupt as stop:
        outcomes.get()
        return stop


def _workers(count: int) -> list[SimpleQueue[Any]]:
    """The queues of at least `count` worker threads; starts those that are missing."""
    while len(_queues) < count:
        queue: SimpleQueue[Any] = SimpleQueue()
        threading.Thread(target=_run_worker, args=(queue,), daemon=True, name="tinygan").start()
        _queues.append(queue)
    return _queues


def _run_worker(queue: SimpleQueue[Any]) -> None:
    while True:
        context, work, start, stop, outcomes = queue.get()
        outcomes.put(context.run(_attempt, work, start, stop))
        del context, work  # an idle worker keeps no array alive


def _reset_after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # another thread may have held it when the process forked
    _queues.clear()


if hasattr(os, "register_at_fork"):  # a forked process has none of the worker threads
    os.register_at_fork(after_in_child=_reset_after_fork)


@cache
def openblas() -> ctypes.CDLL | None:
    """The OpenBLAS library inside NumPy's wheel; None if there is none."""
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
    """Let BLAS and `share` use at most n threads from now on."""
    _set_blas_threads(min(n, blas_threads() or n))


@contextmanager
def limited(n: int) -> Iterator[None]:
    """Within this block, let BLAS and `share` use at most n threads."""
    before = blas_threads()
    at_most(n)
    try:
        yield
    finally:
        if before is not None:
            _set_blas_threads(before)


def threads_are_set() -> bool:
    """Return whether the environment sets the number of threads."""
    return "OPENBLAS_NUM_THREADS" in os.environ or "OMP_NUM_THREADS" in os.environ


def _set_blas_threads(n: int) -> None:
    found = _thread_count()
    if found:
        found[1](n)


_is_threaded()


def adam(
    xp: Any, w: Any, g: Any, m: Any, v: Any, lr: Any, c1: Any, c2: Any,
    betas: tuple[float, float], eps: float, weight_decay: float,
) -> bool:  # fmt: skip
    """`optim.rules.adam` with one temporary vector, by the functions of the array library xp. The
    bias corrections c1 and c2 are moved into the scalars, as section 2 of Kingma and Ba 2014
    proposes. Return True, since a kernel that supports its arguments must not return None."""
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
