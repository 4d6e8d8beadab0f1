"""The measurement: contenders that take turns, and the quartiles of their times."""

from __future__ import annotations

import importlib.util
import itertools
import math
import reprlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from ...backend.arrays import get, survey
from ...backend.cores import cores
from ...environment import machine
from ...errors import InputError, choose, to_stderr
from ...training.ranks import ranks_for
from . import contender as contenders
from .busy import busy as busy_machine
from .contender import Contender, Worker
from .workloads import DEFAULT, EAGER, GEMM, Workload, find

PEERS = {
    "torch": ("torch", "torch-tuned"),
    "torch-eager": ("torch",),
    "by-hand": ("by-hand",),
}
GPU_PEERS = {
    "torch": ("torch-cuda", "torch-cuda-compile", "torch-cuda-graph"),
    "torch-eager": ("torch-cuda",),
    "by-hand": (),
}


def bench(
    workloads: Sequence[str] = ("all",),
    *,
    backends: Sequence[str] | None = None,
    against: Sequence[str] = (),
    threads: Sequence[int | None] = (None,),
    ranks: Sequence[int | None] = (None,),
    busy: int = 0,
    seconds: float = 5.0,
    batches: Sequence[int | None] = (None,),
    width: float = 1,
    tf32: bool = False,
) -> dict[str, Any]:
    """Time rounds of Algorithm 1; return a dict of plain values, which `report` prints.

    workloads       names of `WORKLOADS`; "all": the models
    backends        their names; "all": each that works, and the reason why another does not, under
                    "unavailable"; default: each that works
    against         peers: "torch" for all that `torch_peer` lists for the device, or one of these
                    by its name; "torch-eager" for the first of them; "by-hand" for NumPy without an
                    engine
    threads         every contender plays once with each of these numbers of threads; None: as it
                    comes, with no number set for it
    ranks           tinygan on NumPy plays once with each of these numbers of ranks; None: as
                    `tinygan train` does, but with a number of threads one rank
    busy            number of other processes that each keep a core busy
    seconds         the time for each contender, workload and minibatch size
    batches         every contender plays once with each of these sizes of a minibatch; None: the
                    workload's own
    width           a factor of the widths of hidden layers
    tf32            on a GPU, tinygan and PyTorch round the factors of products to TF32

    If a peer fails, the reason is printed on stderr, and it is left out.

    Raises InputError for a name that is unknown, a number out of range or a missing library."""
    for name in against:
        choose("--against", name, [*PEERS, *GPU_PEERS["torch"]])
        if name.startswith("torch") and importlib.util.find_spec("torch") is None:
            raise InputError(f"--against {name}: PyTorch is not installed; pip install torch")
    unavailable: dict[str, str] = {}
    if backends is None or "all" in backends:
        found = survey()
        unavailable = {
            name: why.removeprefix(f"backend {name!r}: ")
            for name, why in found.items()
            if why and backends
        }
        backends = _with_all(backends or ["all"], [name for name in found if not found[name]])
    for name in backends:
        get(name)
    chosen = [find(name) for name in _with_all(workloads, DEFAULT)]
    numbers: list[tuple[str, int | None, int, int]] = [("busy", busy, 0, 64)]
    numbers += [("batch", n, 1, 1 << 16) for n in batches]
    numbers += [("threads", n, 1, cores()) for n in threads]
    numbers += [("ranks", n, 1, 64) for n in ranks]
    for name, value, low, high in numbers:
        if value is not None and not low <= value <= high:
            raise InputError(
                f"--{name}: expected an int in [{low}, {high}], got {reprlib.repr(value)}"
            )
    for name, amount in (("seconds", seconds), ("width", width)):
        if not 0 < amount < math.inf:
            raise InputError(f"--{name}: expected a number > 0, got {amount}")
    games = list(dict.fromkeys((each, n or each.batch) for each in chosen for n in batches))
    for (workload, batch), n in itertools.product(games, ranks):
        if n is not None and batch % n:
            raise InputError(
                f"--ranks {n}: the minibatch of {workload.name} has {batch} "
                "examples; expected a number that divides it"
            )
    most = None if None in threads else max(n for n in threads if n is not None)
    rows: list[dict[str, Any]] = []
    peaks: dict[str, float] = {}
    for backend in sorted(dict.fromkeys(backends), key=lambda name: name != "numpy"):
        known = PEERS if backend == "numpy" else GPU_PEERS  # the CPU and a GPU are timed separately
        peers = [peer for name in against for peer in known.get(name, (name,))]
        peaks[backend] = _gemm_peak(backend, most, int(tf32))
        with busy_machine(busy):
            for workload, batch in _shown(games, backend):
                sizes = {"batch": batch, "width": width, "tf32": int(tf32)}
                ours = _ours(backend, workload, sizes, threads, ranks)
                theirs = list(dict.fromkeys(Contender(name, n) for n in threads for name in peers))
                rows += _compare(workload, ours, theirs, seconds, peaks[backend], **sizes)
    return {
        "rows": rows,
        "unavailable": unavailable,
        "gemm_peak_gflops": peaks,
        "threads": list(threads),
        "busy": busy,
        "tf32": tf32,
        "seconds": seconds,
        "machine": machine(max(backends, key=lambda name: name != "numpy")),
    }


def _with_all(names: Sequence[str], known: Sequence[str]) -> list[str]:
    """The names, each once, with those in `known` in place of "all"."""
    return list(dict.fromkeys(n for name in names for n in (known if name == "all" else [name])))


def _shown(games: Sequence[Any], backend: str) -> Iterator[Any]:
    """The games, with a progress bar on stderr if it is a terminal."""
    from tqdm import tqdm  # slow to import

    hidden = sys.stderr is None or not sys.stderr.isatty()
    yield from tqdm(games, desc=backend, unit="game", leave=False, disable=hidden)


def _ours(
    backend: str,
    workload: Workload,
    sizes: dict[str, float],
    threads: Sequence[int | None],
    ranks: Sequence[int | None],
) -> list[Contender]:
    """The contenders of tinygan, each once."""
    if backend != "numpy":
        names = (backend, backend + EAGER)
        return list(dict.fromkeys(Contender(name, n) for n in threads for name in names))
    useful = 1
    if None in threads and None in ranks:
        batch = int(sizes["batch"])
        useful = ranks_for(batch, workload.flops(batch, sizes["width"], dense=False))
    found = (Contender(backend, t, r or (1 if t else useful)) for t in threads for r in ranks)
    return list(dict.fromkeys(found))


def _compare(
    workload: Workload,
    ours: list[Contender],
    peers: list[Contender],
    seconds: float,
    peak: float,
    **sizes: float,
) -> list[dict[str, Any]]:
    """A row for each contender. A ratio is the time of the first of `ours` that has the same number
    of threads over that of a peer."""
    with ExitStack() as stack:
        workers = []
        for contender in [*ours, *peers]:
            with _echoed(contender in peers):
                worker = stack.enter_context(Worker(workload.name, contender, **sizes))
                if worker.supported:
                    worker.calibrate()
                    workers.append(worker)
        slots = max(3, round(seconds / contenders.SLOT))
        times = np.array(
            [
                [worker.play(worker.rounds) / worker.rounds for worker in workers]
                for _ in range(slots)
            ]
        )  # (slots, contenders)
        batch, width = int(sizes["batch"]), sizes["width"]
        flops = workload.flops(batch, width)
        threads = [contender.threads for contender in ours]
        rows = []
        for worker, mine in zip(workers, times.T, strict=True):
            name, n, ranks = worker.contender
            row: dict[str, Any] = {
                "workload": workload.name,
                "contender": name,
                "threads": n,
                "ranks": ranks,
                "batch": batch,
                "width": width,
                "flops": flops,
                **_quartiles("median", "quartiles", mine),
                "times": [float(seconds) for seconds in mine],
                "rounds_a_slot": worker.rounds,
                "peak_memory": worker.memory,
            }
            row["gflops"] = flops / row["median"] / 1e9
            row["of_peak"] = row["gflops"] / peak
            if worker.contender in peers:
                row |= _quartiles("ratio", "ratio_quartiles", times[:, threads.index(n)] / mine)
            rows.append(row)
        return rows


@contextmanager
def _echoed(is_peer: bool) -> Iterator[None]:
    """Print the InputError of a peer instead of raising it."""
    try:
        yield
    except InputError as problem:
        if not is_peer:
            raise
        to_stderr(f"without this peer: {problem}")


def _quartiles(median: str, quartiles: str, values: np.ndarray) -> dict[str, Any]:
    low, middle, high = (float(q) for q in np.quantile(values, [0.25, 0.5, 0.75]))
    return {median: middle, quartiles: [low, high]}


def _gemm_peak(backend: str, threads: int | None, tf32: int) -> float:
    """GFLOP/s of the fastest of 20 large matrix products in float32, in a process of its own."""
    contender = Contender(f"gemm-{backend}", threads)
    with Worker("", contender, batch=1, width=1, tf32=tf32) as worker:
        fastest = min(worker.play(1) for _ in range(20))
    return 2 * (GEMM if backend == "numpy" else 4 * GEMM) ** 3 / fastest / 1e9
