"""Ranks on one machine, without MPI: processes made by fork, which share memory.

    with ranks(2) as comm:              from here on, two processes run the block: ranks 0 and 1
        train(config, comm=comm)
    print("done")                       only rank 0: the process of rank 1 ends with the block

Ranks meet at a barrier (Hensgen, Finkel and Manber 1988): in its stage k, rank r writes one byte to
rank r + 2^k and reads one from rank r - 2^k. After log2 n stages each rank has heard of all. A rank
that has ended has closed its pipes: the others then read no byte, and end too.
"""

import math
import mmap
import os
import pickle
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import NoReturn

import numpy as np

from . import checks
from .backend import Array, cpu
from .backend.inputs import SINGLE_PROCESS, Comm, T
from .errors import InputError, Interrupted, first_line, message_of

SLOT = 1 << 16  # bytes of a rank's part of the memory for messages
PATIENCE = 3.0  # seconds that rank 0 waits for the errors of others, after its own
EXPECTED = InputError, OSError, MemoryError  # errors that are no defects
INTERRUPTED = 130  # the exit status of a rank after Ctrl-C


class RankLost(Exception):
    """Another rank has ended."""


class LocalComm:
    """One of `size` processes that share memory: a `Comm`, for NumPy arrays.

    `memory` is the descriptor of a file in memory. `slots` (2, size, SLOT) are bytes that all ranks
    share. `writes` and `reads` have a pipe for each stage of a barrier."""

    def __init__(
        self, rank: int, memory: int, slots: np.ndarray, writes: list[int], reads: list[int]
    ) -> None:
        self.rank = self.local = rank
        self.size = slots.shape[1]
        self._memory, self._end, self._slots, self._turn = memory, 0, slots, 0
        self._writes, self._reads = writes, reads

    def shared(self, array: np.ndarray) -> np.ndarray:
        """An array that all ranks share, with the values of rank 0's `array`. All ranks have arrays
        of the same shape and dtype.

        Raises OSError if there is not enough memory."""
        unit = mmap.ALLOCATIONGRANULARITY
        size = -(-max(array.nbytes, 1) // unit) * unit
        os.posix_fallocate(self._memory, self._end, size)
        found = np.frombuffer(
            mmap.mmap(self._memory, size, offset=self._end), array.dtype, array.size
        ).reshape(array.shape)
        self._end += size
        if self.rank == 0:
            found[...] = array
        self.barrier()
        return found

    def share(self, work: cpu.Work, n: int, minimum: int) -> None:
        """Call work(start, stop) on this rank's part of range(n), in threads as `cpu.share` does,
        and wait for the other ranks.

        Raises RankLost if another rank has ended."""
        first, end = (n * rank // self.size for rank in (self.rank, self.rank + 1))
        cpu.share(lambda start, stop: work(first + start, first + stop), end - first, minimum)
        self.barrier()

    def barrier(self) -> None:
        """Return when all ranks have called this.

        Raises RankLost if another rank has ended."""
        try:
            for write, read in zip(self._writes, self._reads, strict=True):
                os.write(write, b".")
                if not os.read(read, 1):
                    raise RankLost("another rank has ended")
        except BrokenPipeError:
            raise RankLost("another rank has ended") from None

    def allreduce_mean_(self, flat: Array) -> None:
        vector, step = flat.reshape(-1), SLOT // flat.itemsize
        for start in range(0, flat.size, step):
            part = vector[start : start + step]
            mean_of_rows(self._exchange(part.view(np.uint8)).view(flat.dtype), part)

    def allgather(self, value: T) -> list[T]:
        message = np.frombuffer(pickle.dumps(value), np.uint8)
        sizes = self._exchange(np.array([message.size]).view(np.uint8)).copy().view(np.int64)[:, 0]
        padded = np.zeros(sizes.max(), np.uint8)
        padded[: message.size] = message
        parts = [
            self._exchange(padded[start : start + SLOT]).copy()
            for start in range(0, padded.size, SLOT)
        ]
        rows = np.concatenate(parts, axis=1)
        return [pickle.loads(row[:n].tobytes()) for row, n in zip(rows, sizes, strict=True)]

    def _exchange(self, mine: np.ndarray) -> np.ndarray:
        """Rows of bytes (size, n), one of each rank; `mine` is a vector of n <= SLOT bytes. The
        rows are valid until the next exchange."""
        self._turn ^= 1  # a fast rank may write while a slow one still reads the last messages
        slots = self._slots[self._turn]
        slots[self.rank, : mine.size] = mine
        self.barrier()
        return slots[:, : mine.size]


def mean_of_rows(rows: np.ndarray, out: np.ndarray) -> None:
    """Write the mean of the rows (size, n) to `out` (n,). It is summed in the order of ranks."""
    np.add.reduce(rows, axis=0, out=out)
    out /= len(rows)


def can_fork() -> bool:
    """Return whether this system has what `ranks` needs: fork, and files in memory (Linux)."""
    return hasattr(os, "fork") and hasattr(os, "memfd_create")


@contextmanager
def ranks(n: int) -> Iterator[Comm]:
    """Run the block in n processes; each gets its own `Comm`. This process is rank 0. The others
    run only the block, and end after it.

    The ranks divide the cores among them, unless the environment sets the number of threads.

    Raises ValueError unless n >= 1; InputError if this system cannot fork, or if another rank has
    an error that rank 0 has not: the message names the rank; RankLost if rank 0 waits for a rank
    that has ended without an error."""
    checks.sizes(n=n)
    if n == 1:
        yield SINGLE_PROCESS
        return
    if not can_fork():
        raise InputError(
            f"{n} ranks: expected 1, because this system lacks fork or memfd_create; use mpiexec"
        )
    first, children, held = os.getpid(), dict[int, int](), set[int]()
    slots, words = _shared_bytes(2, n, SLOT), _shared_bytes(n, SLOT)
    rank, problem = 0, None
    try:
        with _without_interrupts():
            held.add(memory := os.memfd_create("tinygan"))
            pipes = [[_pipe(held) for _ in range(n)] for _ in range((n - 1).bit_length())]
            for rank in [*range(1, n), 0]:  # the last is this process
                if rank and (pid := _fork()):
                    children[pid] = rank
                else:
                    break
            writes = [stage[rank][1] for stage in pipes]  # to rank + 2^k
            reads = [stage[(rank - 2**k) % n][0] for k, stage in enumerate(pipes)]
            for other in held - {memory, *writes, *reads}:
                held.remove(other)
                os.close(other)
        limit = nullcontext() if cpu.threads_are_set() else cpu.limited(max(1, cpu.cores() // n))
        with limit:
            yield LocalComm(rank, memory, slots, writes, reads)
    except BaseException as raised:
        problem = raised
    if os.getpid() != first:
        _leave(problem, words[rank])
    try:
        for each in held:  # ranks that still play end at their next barrier
            os.close(each)
        problem = _end(children, problem, words)
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    if problem is not None:
        raise problem


def _shared_bytes(*shape: int) -> np.ndarray:
    """Bytes, all 0, that this process shares with those that it forks."""
    return np.frombuffer(mmap.mmap(-1, math.prod(shape)), np.uint8).reshape(shape)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Within this block, let Ctrl-C wait, so that each process is either known or ended."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _pipe(held: set[int]) -> tuple[int, int]:
    """A pipe, whose two ends are added to the open descriptors `held`."""
    ends = os.pipe()
    held.update(ends)
    return ends


def _fork() -> int:
    """Fork, and return the new process, or 0 in the new process."""
    _flush()  # else both would print what is buffered
    with warnings.catch_warnings():  # about threads: those of BLAS and of `cpu` start again
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):  # closed, or a full disk
                stream.flush()


def _leave(problem: BaseException | None, words: np.ndarray) -> NoReturn:
    """End this process, which is not rank 0, and leave its last words to rank 0."""
    text = ""
    try:
        if isinstance(problem, EXPECTED):
            text = message_of(problem)
        elif not isinstance(problem, (type(None), RankLost, Interrupted, KeyboardInterrupt)):
            traceback.print_exception(problem)
            text = f"{type(problem).__name__}: {first_line(problem)}; its traceback is above"
        message = text.encode(errors="backslashreplace")[: words.size]
        words[: len(message)] = np.frombuffer(message, np.uint8)
        _flush()
    finally:
        os._exit(INTERRUPTED if isinstance(problem, KeyboardInterrupt) else bool(text))


def _end(
    children: dict[int, int], problem: BaseException | None, words: np.ndarray
) -> BaseException | None:
    """Wait until the other ranks have ended, remove them from `children`, and return the error of
    all ranks, if there is one; `problem` is that of rank 0.

    After an error, rank 0 waits for PATIENCE; after Ctrl-C or a defect, it does not wait."""
    is_plain = isinstance(problem, (type(None), RankLost, *EXPECTED))
    patience = PATIENCE if is_plain or isinstance(problem, Interrupted) else 0
    deadline = time.monotonic() + (math.inf if problem is None else patience)
    said = {0: message_of(problem)} if isinstance(problem, EXPECTED) else {}
    own = set(said.values())
    for pid, rank in list(children.items()):
        status = _status(children, pid, deadline)
        if text := _ending(status, words[rank]):
            said[rank] = text
        if status == INTERRUPTED and isinstance(problem, (type(None), RankLost)):
            return KeyboardInterrupt()
    if is_plain and set(said.values()) != own:
        return InputError("; ".join(f"rank {rank}: {text}" for rank, text in said.items()))
    return problem


def _status(children: dict[int, int], pid: int, deadline: float) -> int:
    """The exit status of a process once it has ended, and has been removed from `children`; 0 if it
    has not ended at the deadline."""
    while True:
        with _without_interrupts():
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del children[pid]
                return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            return 0
        time.sleep(0.01)


def _ending(status: int, words: np.ndarray) -> str:
    """The last words of a process, or the signal that killed it; "" if it had no error."""
    if status >= 0:
        return words.tobytes().rstrip(b"\0").decode(errors="replace")
    hint = ": out of memory?" if -status == signal.SIGKILL else ""
    return f"killed by signal {-status} ({signal.Signals(-status).name}){hint}"
