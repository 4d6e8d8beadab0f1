"""Data-parallel training: every rank plays its share of each minibatch, and all take one step.

    mpiexec -n 4 tinygan train          four processes of one run, the ranks 0 to 3

    comm = join()                       the ranks that mpiexec started with this one, else ALONE
    with playing(comm):
        z = noise(16)                   this rank's 16 of the minibatch's 16 * comm.size examples

A loss is a mean over the minibatch. So its gradient is the mean over the ranks of the gradients on
their shares, if those are of one size: ranks need to tell each other but one vector for each update
(Goyal et al. 2017, section 3), and a `Comm` takes its mean for `parallel.DataParallel`.

Every rank draws the numbers of the whole minibatch (order of the data, noise, dropout) and keeps
those of its own examples: one row of every comm.size, from row comm.rank on. So all generators stay
in step, and nothing but the order of sums depends on the number of ranks. Rows are dealt out in
turn, not in blocks, since then a minibatch put together of two (D's real images and its fakes) is
dealt as each of them is.

An optimizer of several ranks: the step that one would take on the whole minibatch.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import TracebackType
from typing import Any

import numpy as np

from .backend import Array, cpu, of, place
from .backend.inputs import SINGLE_PROCESS, Comm, T
from .errors import InputError, first_line
from .optim.optimizer import Optimizer, check_optimizers
from .tensor import Tensor

__all__ = [
    "DataParallel",
    "MPIComm",
    "agree",
    "from_first",
    "join",
    "last_words",
    "mean_of",
    "own_device",
]

PATIENCE = 3.0  # seconds that a rank with an error waits for the others to have theirs
SIZES = "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE"  # as an mpiexec tells them
RANKS = "PMI_RANK", "PMIX_RANK"  # told by a launcher that may not tell how many there are


# Around a run: that all ranks do the same, and how they end.


def agree(comm: Comm, facts: Callable[[], Sequence[Mapping[str, Any]]]) -> None:
    """Raise one InputError, on all ranks, unless all have the same facts; it names those of the
    first mapping that differs, from which the rest may follow."""
    if comm.size == 1:
        return
    for one in zip(*comm.allgather(list(facts())), strict=True):
        different = []
        for name in dict.fromkeys(name for mine in one for name in mine):
            values = [mine.get(name, "nothing") for mine in one]
            other = next((rank for rank, value in enumerate(values) if value != values[0]), 0)
            if other:
                told = f"{values[0]!r} on rank 0, {values[other]!r} on rank {other}"
                different.append(f"{name} is {told}")
        if different:
            raise InputError(f"the ranks differ: {'; '.join(different)}")


def from_first(comm: Comm, act: Callable[[], T]) -> T:
    """What act() gives on rank 0, which alone calls it; all raise the error that it raised."""
    done: T | None = None
    failed: Exception | None = None
    if comm.rank == 0:
        try:
            done = act()
        except (InputError, OSError) as problem:
            failed = problem
    done, failed = comm.allgather((done, failed))[0]
    if failed is not None:
        raise failed
    return done  # type: ignore[return-value]


def own_device(where: str, comm: Comm) -> str:
    """The backend `where`, with "cupy" as the GPU that is this rank's own on its machine."""
    return f"cupy:{comm.local}" if where == "cupy" and comm.size > 1 else where


@cache
def join() -> Comm:
    """The ranks that mpiexec (or srun) started with this process; ALONE if it started none.

    Each rank then leaves the other cores to the others on its machine, unless the environment says
    how many threads it has; and an error that nobody catches ends all of them, which would else
    wait for this rank forever. Raises InputError if there are others that cannot be reached."""
    told = [os.environ[name] for name in SIZES if os.environ.get(name, "").isdecimal()]
    expected = max(map(int, told), default=0)  # 0: nobody said
    if expected == 1 or not (told or any(name in os.environ for name in RANKS)):
        return SINGLE_PROCESS
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as problem:  # no package, or no libmpi that it could load
        raise InputError(
            f"mpiexec started this process, but mpi4py does not work ({first_line(problem)}); "
            "pip install 'tinygan[mpich]', or mpi4py beside the MPI of that mpiexec"
        ) from problem
    world = MPI.COMM_WORLD
    if world.size < expected:
        library = MPI.Get_library_version().split(",")[0].splitlines()[0].strip()
        raise InputError(
            f"mpiexec started {expected} processes, but MPI sees {world.size}: mpi4py loaded "
            f"{library}, which is not of that mpiexec; use the mpiexec beside it"
        )
    if world.size == 1:
        return SINGLE_PROCESS
    neighbours = world.Split_type(MPI.COMM_TYPE_SHARED)
    if not {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"} & set(os.environ):
        cpu.at_most(max(1, cpu.cores() // neighbours.size))

    def end_all(kind: type[BaseException], problem: BaseException, at: TracebackType | None) -> Any:
        traceback.print_exception(kind, problem, at)
        _abort(world, 1)

    sys.excepthook = end_all
    return MPIComm(MPI, world, neighbours.rank)


class MPIComm:
    """The ranks of a communicator of MPI's. `MPI` is mpi4py's module.

    Arrays of NumPy are added up by MPI where they lie. Those of a device by what its backend has
    for it (`Backend.reducer`: NCCL, or an MPI that reads the device's memory), else on the host.
    """

    def __init__(self, MPI: Any, world: Any, local: int = 0) -> None:
        self.rank, self.size, self.local = int(world.rank), int(world.size), local
        self._MPI, self._world = MPI, world
        self._ends = world.Dup()  # where errors meet, while others may wait on `world`
        self._reducers: dict[str, Callable[[Array], None] | None] = {}

    def allreduce_mean_(self, flat: Array) -> None:
        backend = of(flat)
        if backend.name not in self._reducers:  # at the first array: the same one on all ranks
            make = backend.reducer
            self._reducers[backend.name] = None if make is None else make(self._MPI, self._world)
        reduce = self._reducers[backend.name]
        if reduce is not None:
            reduce(flat)
            flat /= self.size
            return
        host = backend.to_host(flat)  # of NumPy the array itself; of a GPU a copy, waited for
        self._world.Allreduce(self._MPI.IN_PLACE, host)
        host /= self.size
        if host is not flat:
            flat[...] = place(host, flat)

    def allgather(self, value: T) -> list[T]:
        gathered: list[T] = self._world.allgather(value)
        return gathered

    def last_words(self, status: int, message: str) -> str:
        """What this rank is to say at its end: see the function of that name."""
        met, deadline, alone = self._ends.Ibarrier(), time.monotonic() + PATIENCE, False
        while not met.Test():
            if not alone and time.monotonic() > deadline:
                alone = True
                print(f"tinygan: rank {self.rank}: {message}", file=sys.stderr)
                _abort(self._world, status)
            time.sleep(0.01)
        messages = self._ends.allgather(message)
        if self.rank:
            return ""
        if len(set(messages)) == 1:
            return message
        return "\n".join(f"rank {rank}: {each}" for rank, each in enumerate(messages))


def _abort(world: Any, status: int) -> None:
    """End all ranks, a moment after what was said: mpiexec reads no more once it knows."""
    sys.stderr.flush()
    time.sleep(0.5)
    world.Abort(status)


def last_words(status: int, message: str) -> str:
    """What this process, which ends with an error, is to say of it. Where all ranks end, rank 0
    speaks for all. One that ends alone says why, and ends the others, which wait for it."""
    try:
        comm = join()
    except InputError:  # of which the message tells
        return message
    return comm.last_words(status, message) if isinstance(comm, MPIComm) else message


def mean_of(comm: Comm, values: Sequence[float]) -> list[float]:
    """Numbers, each its mean over the ranks."""
    numbers = np.array(values, np.float64)
    comm.allreduce_mean_(numbers)
    return list(map(float, numbers))


class DataParallel:
    """Steps of `optimizer` by the mean of the gradients that the ranks of `comm` have.

    All ranks hold the same parameters and state, and keep them the same: the mean is one vector,
    and there is one message for each update. Its memory stays where
    it is, as a CUDA graph wants it.
    """

    def __init__(self, optimizer: Optimizer, comm: Comm) -> None:
        check_optimizers(optimizer=optimizer)
        self.optimizer, self.comm, self.parameters = optimizer, comm, optimizer.parameters
        self._flat = of(optimizer.w).xp.zeros_like(optimizer.w)
        self._means, start = [], 0
        for p in optimizer.parameters:
            self._means.append(self._flat[start : start + p.size].reshape(p.shape))
            start += p.size

    def step(self, grads: Sequence[Tensor]) -> None:
        """Update the parameters by the mean over the ranks of their gradients."""
        for g, mean in zip(self.optimizer.checked(grads), self._means, strict=True):
            mean[...] = g.data
        self.comm.allreduce_mean_(self._flat)
        self.optimizer.step([Tensor(mean) for mean in self._means])
