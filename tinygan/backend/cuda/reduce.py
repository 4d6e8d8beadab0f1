"""Sums of GPU arrays over the ranks, by NCCL or by a CUDA-aware MPI.

    reduce = reducer(cupy, MPI, world)    all ranks call it together; None: sum on the host
    reduce(flat)                          replaces a vector by its sum over the ranks

NCCL needs a GPU for each rank. Its sum runs on the current stream as a kernel does: the host does
not wait for it, and a captured round may contain it.
"""

import os
from collections.abc import Callable
from typing import Any

Array = Any
AWARE = "TINYGAN_CUDA_AWARE_MPI"  # set by the user, since a wrong guess would crash


def reducer(cupy: Any, MPI: Any, world: Any) -> Callable[[Array], None] | None:
    """Return a function that sums arrays on this rank's device over the ranks, in place; None if
    the sum must be taken on the host, since a rank has no NCCL or two ranks share a GPU."""
    from cupy.cuda import nccl

    gpu = f"{MPI.Get_processor_name()} {cupy.cuda.Device().pci_bus_id}"
    mine = (os.environ.get(AWARE) == "1", bool(nccl.available), gpu)
    aware, available, gpus = zip(*world.allgather(mine), strict=True)
    if all(aware):
        return _by_mpi(cupy, MPI, world)
    if all(available) and len(set(gpus)) == len(gpus):
        return _by_nccl(cupy, nccl, world)
    return None


def _by_mpi(cupy: Any, MPI: Any, world: Any) -> Callable[[Array], None]:
    def reduce(flat: Array) -> None:
        cupy.cuda.get_current_stream().synchronize()  # MPI does not wait for streams
        world.Allreduce(MPI.IN_PLACE, flat)

    return reduce


def _by_nccl(cupy: Any, nccl: Any, world: Any) -> Callable[[Array], None]:
    name = world.bcast(nccl.get_unique_id() if world.rank == 0 else None)
    ranks = nccl.NcclCommunicator(world.size, name, world.rank)

    def reduce(flat: Array) -> None:
        at, kind = flat.data.ptr, getattr(nccl, f"NCCL_{flat.dtype.name.upper()}")
        stream = cupy.cuda.get_current_stream()
        ranks.allReduce(at, at, flat.size, kind, nccl.NCCL_SUM, stream.ptr)

    return reduce
