"""Data-parallel training: each rank computes the gradients on its part of a minibatch, and all
ranks take the same step.

    tinygan train --ranks 4             four processes of one run, the ranks 0 to 3: `local_ranks`
    mpiexec -n 4 tinygan train          the same by MPI, on several machines or GPUs

    comm = join()                       the ranks that mpiexec started, or SINGLE_PROCESS
    opt = data_parallel(opt, comm)      an optimizer with the mean gradient of all ranks
    with playing(comm):                 see `backend.inputs` for the rows that each rank gets
        z = noise(16)                   this rank's 16 of the minibatch's 16 * comm.size examples

A loss is a mean over the minibatch. So if all parts have the same size, the gradient of the loss is
the mean of the gradients on the parts, and an update exchanges only one vector (Goyal et al. 2017,
section 3).
"""

import itertools
import math
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from types import TracebackType
from typing import Any

import numpy as np

from .backend import Array, cpu, of, place
from .backend.inputs import SINGLE_PROCESS, Comm, T
from .errors import InputError, first_line, to_stderr
from .local_ranks import LocalComm, mean_of_rows, ranks
from .optim.optimizer import CHUNK, MIN_SHARE, Optimizer, check_optimizers, views
from .tensor import Tensor

PATIENCE = 3.0  # seconds that a rank with an error waits for errors of the others
SIZES = "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE"  # set by mpiexec
RANKS = "PMI_RANK", "PMIX_RANK"  # set by a launcher that may not set the number of ranks


# The start and the end of a run: all ranks must have the same settings, and end together.


def agree(comm: Comm, facts: Callable[[], Sequence[Mapping[str, Any]]]) -> None:
    """Check that facts(), a list of mappings, is the same on all ranks.

    Raises InputError, on all ranks, with the differences in the first mapping that differs, since
    these may cause the later ones."""
    if comm.size == 1:
        return
    for one in zip(*comm.allgather(list(facts())), strict=True):  # one mapping of each rank
        different = []
        for name in dict.fromkeys(itertools.chain(*one)):
            first, *others = (mapping.get(name, "nothing") for mapping in one)
            for rank, value in enumerate(others, 1):
                if value != first:
                    different.append(f"{name} is {first!r} on rank 0, {value!r} on rank {rank}")
                    break
        if different:
            raise InputError(f"the ranks differ: {'; '.join(different)}")


def from_first(comm: Comm, act: Callable[[], T]) -> T:
    """The result of act(), which only rank 0 calls. If it raises InputError or OSError, all ranks
    raise this error."""
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


def own_device(backend: str, comm: Comm) -> str:
    """The backend of this rank: "cupy" becomes "cupy:1" and so on, by the rank's number on its
    machine; other names do not change."""
    return f"cupy:{comm.local}" if backend == "cupy" and comm.size > 1 else backend


def is_launched() -> bool:
    """Return whether mpiexec or srun started this process."""
    return any(name in os.environ for name in (*SIZES, *RANKS))


def launched() -> int:
    """The number of processes that mpiexec says it started; 0 if it says none."""
    return max(numbers(SIZES), default=0)


def numbers(names: Sequence[str]) -> list[int]:
    """The values of environment variables, of those that are whole numbers."""
    return [int(os.environ[name]) for name in names if os.environ.get(name, "").isdecimal()]


@cache
def join() -> Comm:
    """The ranks that mpiexec (or srun) started with this process, or SINGLE_PROCESS.

    The ranks on a machine divide its cores among them, unless the environment sets the number of
    threads. An uncaught error of one rank ends all, since the others would wait for it forever.

    Raises InputError if mpi4py does not work, or belongs to another MPI than mpiexec."""
    expected = launched()
    if expected == 1 or not is_launched():
        return SINGLE_PROCESS
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as problem:  # no package, or no libmpi to load
        raise InputError(
            f"mpiexec started this process, but mpi4py does not work ({first_line(problem)}); "
            "pip install 'tinygan[mpich]', or install mpi4py for the MPI of that mpiexec"
        ) from problem
    world = MPI.COMM_WORLD
    if world.size < expected:
        library = MPI.Get_library_version().split(",")[0].splitlines()[0].strip()
        raise InputError(
            f"mpiexec started {expected} processes, but MPI sees {world.size}: mpi4py loaded "
            f"{library}, another MPI than that mpiexec's; use the mpiexec of the same MPI"
        )
    if world.size == 1:
        return SINGLE_PROCESS
    neighbors = world.Split_type(MPI.COMM_TYPE_SHARED)
    if not cpu.threads_are_set():
        cpu.at_most(max(1, cpu.cores() // neighbors.size))

    def end_all(kind: type[BaseException], problem: BaseException, at: TracebackType | None) -> Any:
        traceback.print_exception(kind, problem, at)
        _abort(world, 1)

    sys.excepthook = end_all
    return MPIComm(MPI, world, neighbors.rank)


def start(n: int) -> AbstractContextManager[Comm]:
    """The ranks that mpiexec started, or else n ranks of `local_ranks`, which run the block.

    Raises the errors of `join` and of `local_ranks.ranks`."""
    comm = join()
    return nullcontext(comm) if comm.size > 1 else ranks(n)


class MPIComm:
    """The ranks of an MPI communicator: a `Comm`. `MPI` is mpi4py's module, `world` the
    communicator, `local` the number of this rank among those on its machine.

    MPI sums NumPy arrays in place. Device arrays are summed by `Backend.reducer` (NCCL, or an MPI
    that reads device memory) if there is one, else on the host.
    """

    def __init__(self, MPI: Any, world: Any, local: int = 0) -> None:
        self.rank, self.size, self.local = int(world.rank), int(world.size), local
        self._MPI, self._world = MPI, world
        self._ends = world.Dup()  # for errors, while other ranks may wait on `world`
        self._reducers: dict[str, Callable[[Array], None] | None] = {}

    def allreduce_mean_(self, flat: Array) -> None:
        backend = of(flat)
        if backend.name not in self._reducers:  # the first array, on all ranks at the same time
            make = backend.reducer
            self._reducers[backend.name] = None if make is None else make(self._MPI, self._world)
        reduce = self._reducers[backend.name]
        if reduce is not None:
            reduce(flat)
            flat /= self.size
            return
        host = backend.to_host(flat)  # for NumPy the array itself, for a GPU a copy
        self._world.Allreduce(self._MPI.IN_PLACE, host)
        host /= self.size
        if host is not flat:
            flat[...] = place(host, flat)

    def allgather(self, value: T) -> list[T]:
        return list(self._world.allgather(value))

    def last_words(self, status: int, message: str) -> str:
        """The message that this rank prints at its end: see the function `last_words`."""
        met, deadline = self._ends.Ibarrier(), time.monotonic() + PATIENCE
        while not met.Test():
            if time.monotonic() > deadline:
                to_stderr(f"tinygan: rank {self.rank}: {message}")
                _abort(self._world, status)
                deadline = math.inf  # MPI needs a moment to end all ranks
            time.sleep(0.01)
        messages = self._ends.allgather(message)
        if self.rank:
            return ""
        if len(set(messages)) == 1:
            return message
        return "\n".join(f"rank {rank}: {each}" for rank, each in enumerate(messages))


def _abort(world: Any, status: int) -> None:
    """End all ranks, after a pause in which mpiexec still forwards the message on stderr."""
    sys.stderr.flush()
    time.sleep(0.5)
    world.Abort(status)


def last_words(status: int, message: str) -> str:
    """The message that this process prints when it ends with an error; `status` is its exit status.
    If all ranks end within PATIENCE, rank 0 prints the messages of all. A rank that ends alone
    prints its own message and ends the others."""
    try:
        comm = join()
    except InputError:  # the message is about this error
        return message
    return comm.last_words(status, message) if isinstance(comm, MPIComm) else message


def mean_of(comm: Comm, values: Sequence[float]) -> list[float]:
    """The mean of each number over the ranks."""
    numbers = np.array(values, np.float64)
    comm.allreduce_mean_(numbers)
    return list(map(float, numbers))


def data_parallel(
    optimizer: Optimizer, comm: Comm
) -> "Optimizer | DataParallel | SharedMemoryParallel":
    """An optimizer that takes the steps of `optimizer` with the mean gradient of all ranks; for one
    rank it is `optimizer` itself.

    Raises TypeError unless `optimizer` is an Optimizer; ValueError if local ranks would share
    arrays that are not NumPy's."""
    check_optimizers(optimizer=optimizer)
    if comm.size == 1:
        return optimizer
    if isinstance(comm, LocalComm):
        return SharedMemoryParallel(optimizer, comm)
    return DataParallel(optimizer, comm)


class DataParallel:
    """An optimizer that takes the steps of `optimizer`, with the mean gradient of all ranks of
    `comm`.

    Up to rounding, a step equals that of one process on the whole minibatch. The parameters and the
    states of all ranks stay equal bit for bit. An update exchanges one flat vector, whose address
    stays the same, as a CUDA graph requires.
    """

    def __init__(self, optimizer: Optimizer, comm: Comm) -> None:
        check_optimizers(optimizer=optimizer)
        self.optimizer, self.comm, self.parameters = optimizer, comm, optimizer.parameters
        self._flat = of(optimizer.w).xp.zeros_like(optimizer.w)
        self._means = views(self._flat, optimizer.parameters)

    def step(self, grads: Sequence[Tensor]) -> None:
        """Update the parameters with the mean of `grads`, one for each parameter, over the ranks.

        Raises ValueError or TypeError for other gradients, before anything is exchanged."""
        for g, mean in zip(self.optimizer.checked(grads), self._means, strict=True):
            mean[...] = g.data
        self.comm.allreduce_mean_(self._flat)
        self.optimizer.step([Tensor(mean) for mean in self._means])


class SharedMemoryParallel:
    """`DataParallel` for the ranks of one machine. They share one array of parameters, its state
    and the gradients of all ranks. Each takes the mean of its part of the gradients, and updates
    this part of the parameters.
    """

    def __init__(self, optimizer: Optimizer, comm: LocalComm) -> None:
        check_optimizers(optimizer=optimizer)
        if (name := of(optimizer.w).name) != "numpy":
            raise ValueError(f"optimizer: expected parameters on numpy, got {name}; use mpiexec")
        optimizer.move(comm.shared, comm.share)
        self.optimizer, self.comm, self.parameters = optimizer, comm, optimizer.parameters
        self._gradients = comm.shared(np.zeros((comm.size, optimizer.w.size), optimizer.w.dtype))
        self._mean = comm.shared(np.zeros_like(optimizer.w))
        self._own = views(self._gradients[comm.rank], optimizer.parameters)
        self._means = [Tensor(mean) for mean in views(self._mean, optimizer.parameters)]

    def step(self, grads: Sequence[Tensor]) -> None:
        """Update the parameters with the mean of `grads`, one for each parameter, over the ranks.

        Raises ValueError or TypeError for other gradients, before anything is exchanged."""
        for g, own in zip(self.optimizer.checked(grads), self._own, strict=True):
            own[...] = g.data
        self.comm.barrier()
        self.comm.share(self._take_mean, self._mean.size, MIN_SHARE)
        self.optimizer.step(self._means)

    def _take_mean(self, start: int, stop: int) -> None:
        for begin in range(start, stop, CHUNK):
            part = slice(begin, min(begin + CHUNK, stop))
            mean_of_rows(self._gradients[:, part], self._mean[part])
