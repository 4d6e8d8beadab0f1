"""Threads of the CPU, matrix products in pieces, and NumPy's faster form of Adam.

    share(work, n, minimum)           work(start, stop) on parts of range(n), in parallel threads
    matmul(a, b)                      a @ b, by `share` if it is large

NumPy releases the interpreter's lock while it computes, so threads run in parallel. The parts of a
call wait in a queue, from which the caller and helper threads take them. The caller waits for no
helper that has not begun a part. So on a busy machine, where a helper gets no core, the caller does
the work alone, and `share` does not wake this helper again until it has.

`share` uses as many threads as NumPy's BLAS had, and at most one for each core; so
`OPENBLAS_NUM_THREADS=1` makes everything run in one thread. BLAS itself has one thread in each
part. The pieces of a product depend on its shape alone, so no result depends on the number of
threads.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from functools import cache
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any, ClassVar
from weakref import WeakSet

import numpy as np

from .cores import cores as cores

Work = Callable[[int, int], object]

PARTS = 4  # maximum of parts for each thread, so that a slow thread gets fewer of them
# The numbers of threads of OpenBLAS, MKL, OpenMP and Apple's Accelerate.
VARIABLES = "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"
LARGE, PIECES = 1 << 23, 8  # multiplications of a piece of a product; maximum of pieces


class _Parts:
    """The parts of one call of `share`: those that wait, and the helpers that work on one."""

    def __init__(self, work: Work, bounds: list[tuple[int, int]]) -> None:
        self.work, self.waiting = work, deque(bounds)
        self.helpers: deque[None] = deque()  # one entry for each; its methods are atomic
        self.problems: deque[BaseException] = deque()
        self.ended: SimpleQueue[None] = SimpleQueue()

    def take(self) -> None:
        """Do parts until none is left."""
        while self.waiting:
            try:
                start, stop = self.waiting.popleft()
            except IndexError:  # another thread has taken the last
                return
            self.work(start, stop)

    def help(self) -> None:
        """Do parts in a helper thread."""
        self.helpers.append(None)
        try:
            with OneBlasThread():  # OpenMP has a number for each thread
                self.take()
        except BaseException as problem:
            self.problems.append(problem)
        finally:
            self.helpers.pop()
            self.ended.put(None)

    def close(self) -> None:
        """Leave no part to helpers, and wait for those that work on one. It can be called again if
        Ctrl-C has interrupted it."""
        self.waiting.clear()
        while self.helpers:
            with suppress(Empty):
                self.ended.get(timeout=0.05)


_calls: SimpleQueue[Any] = SimpleQueue()  # the calls of `share` that ask for a helper
_helpers: list[threading.Thread] = []
_inside: ContextVar[bool] = ContextVar("inside", default=False)  # whether this runs inside `share`


def share(work: Work, n: int, minimum: int) -> None:
    """Call work(start, stop) on parts of range(n) in parallel, each of at least `minimum` indices.

    The parts must not depend on each other. Returns when all are done, and raises the error of one
    part if any failed. Starting a part takes about 20 us, so the work on `minimum` indices should
    take several times that.
    """
    count = threads()
    parts = min(count * PARTS, n // minimum)
    if parts < 2 or count < 2 or _inside.get():  # a nested call does not divide its work again
        with OneBlasThread():
            work(0, n)
        return
    bounds = [(n * i // parts, n * (i + 1) // parts) for i in range(parts)]
    _in_parallel(_Parts(work, bounds), min(count, parts) - 1)


def _in_parallel(parts: _Parts, helpers: int) -> None:
    token = _inside.set(True)
    try:
        with OneBlasThread():
            try:
                _ask(parts, helpers)
                parts.take()
            finally:
                try:
                    parts.close()
                finally:
                    parts.close()  # the first was interrupted by Ctrl-C
    finally:
        _inside.reset(token)
    if parts.problems:
        raise parts.problems[0]


def _ask(parts: _Parts, helpers: int) -> None:
    """Ask as many helper threads for help, but none that has not begun what it was asked before."""
    while len(_helpers) < helpers:
        thread = threading.Thread(target=_run_helper, daemon=True, name="tinygan")
        _helpers.append(thread)
        with suppress(RuntimeError):  # the system starts no more threads: do without
            thread.start()
    for _ in range(helpers - _calls.qsize()):
        _calls.put((copy_context(), parts))  # the context keeps np.errstate


def _run_helper() -> None:
    while True:
        context, parts = _calls.get()
        context.run(parts.help)
        del context, parts  # an idle helper keeps no array alive


def _reset_after_fork() -> None:
    global _calls
    _calls = SimpleQueue()
    _helpers.clear()
    OneBlasThread.lock = Lock()  # a helper may have held it
    OneBlasThread.blocks.clear()


if hasattr(os, "register_at_fork"):  # a forked process has no helper threads
    os.register_at_fork(after_in_child=_reset_after_fork)


# The threads of BLAS.


@cache
def _libraries() -> tuple[Any, ...]:
    """The BLAS libraries of this process; none if their threads cannot be counted."""
    try:
        from threadpoolctl import ThreadpoolController  # slow to import
    except ImportError:
        return ()
    return tuple(ThreadpoolController().select(user_api="blas").lib_controllers)


def _blas_threads() -> int:
    return max((library.get_num_threads() or 1 for library in _libraries()), default=1)


def _set_blas_threads(n: int) -> None:
    for library in _libraries():
        # threadpoolctl lets only the first thread that asks change the number, except by this.
        getattr(library, "_real_set_num_threads", library.set_num_threads)(n)


def loaded() -> list[tuple[str, str]]:
    """The name, such as "openblas" or "mkl", and the version of each BLAS library of this process;
    "" for a version that is unknown."""
    return [(library.internal_api, library.version or "") for library in _libraries()]


def kernels() -> str:
    """The processor whose kernels BLAS uses, such as "SkylakeX"; "" if it is unknown. It may be
    another than this one, and kernels round differently."""
    found = {library.info().get("architecture") or "" for library in _libraries()}
    return " ".join(sorted(found)).strip()


class OneBlasThread:
    """A block within which BLAS has one thread. Blocks of several threads may overlap: the last to
    end gives BLAS its threads back."""

    blocks: ClassVar[WeakSet["OneBlasThread"]] = WeakSet()  # Ctrl-C can prevent __exit__
    lock: ClassVar[Lock] = Lock()
    before: ClassVar[int] = 1  # the number of threads to give back
    always: ClassVar[bool] = False  # whether BLAS has one thread outside of blocks, too

    def __enter__(self) -> None:
        if self.always:
            return
        with self.lock:  # for the check, too: a block of another thread may begin or end now
            count = max(self.before, _blas_threads())
            if count > 1:
                self.blocks.add(self)
                OneBlasThread.before = count
                _set_blas_threads(1)

    def __exit__(self, *problem: object) -> None:
        if self.before > 1:
            with self.lock:
                self.blocks.discard(self)
                if not self.blocks:
                    _set_blas_threads(self.before)
                    OneBlasThread.before = 1


_maximum: list[int] = []  # threads of `share`; empty until it is known


def threads() -> int:
    """The number of threads that `share` uses: as many as BLAS had at first, at most one for each
    core."""
    if not _maximum:
        with OneBlasThread.lock:
            before = max(OneBlasThread.before, _blas_threads())
            if not _libraries():  # as with Accelerate
                values = (os.environ.get(name, "") for name in VARIABLES)
                before = min((int(n) for n in values if n.isdecimal()), default=cores())
            _maximum[:] = [max(1, min(cores(), before))]
    return _maximum[0]


def lower_blas() -> None:
    """Leave BLAS one thread from now on, so that products need not ask for it each time."""
    threads()
    _set_blas_threads(1)
    OneBlasThread.always = True


def at_most(n: int) -> None:
    """Let `share` use at most n threads from now on."""
    _maximum[:] = [min(n, threads())]


@contextmanager
def limited(n: int) -> Iterator[None]:
    """Within this block, let `share` use at most n threads."""
    before = threads()
    at_most(n)
    try:
        yield
    finally:
        _maximum[:] = [before]


def threads_are_set() -> bool:
    """Return whether the environment sets the number of threads."""
    return any(name in os.environ for name in VARIABLES)


def matmul(a: Any, b: Any) -> Any:
    """a @ b. A large product of two matrices is cut into pieces, along its longer axis."""
    if a.ndim != 2 or b.ndim != 2 or a.shape[0] * a.shape[1] * b.shape[1] < 2 * LARGE:
        with OneBlasThread():
            return np.matmul(a, b)
    (rows, inner), columns = a.shape, b.shape[1]
    out = np.empty((rows, columns), np.result_type(a, b))
    longer = max(rows, columns)
    pieces = min(rows * inner * columns // LARGE, PIECES, longer)

    def work(start: int, stop: int) -> None:
        for i in range(start, stop):
            piece = slice(longer * i // pieces, longer * (i + 1) // pieces)
            if rows >= columns:
                np.matmul(a[piece], b, out=out[piece])
            else:
                np.matmul(a, b[:, piece], out=out[:, piece])

    share(work, pieces, 1)
    return out


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
