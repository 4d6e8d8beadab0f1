"""The measurement: contenders in processes that take turns, and the quartiles of their times."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import numpy as np

from ...backend.arrays import get, survey
from ...backend.cpu import cores
from ...environment import machine
from ...errors import InputError, choose
from .worker import EAGER, GEMM
from .workloads import WORKLOADS, Workload, find

PEERS = {"torch": ("torch", "torch-tuned"), "by-hand": ("by-hand",)}
GPU_PEERS = {"torch": ("torch-cuda", "torch-cuda-compile", "torch-cuda-graph"), "by-hand": ()}
THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
SLOT = 0.5  # seconds that a contender plays before the next one's turn


class Worker:
    """A contender in its own process, which plays rounds on request.

    `sizes`: the options of the process: batch, width, threads and tf32. `supported` is False if the
    contender lacks a layer of the workload.

    Raises InputError if the process fails."""

    def __init__(self, workload: str, name: str, **sizes: float) -> None:
        self.name, self.memory = name, 0
        options = [f"--{key}={value}" for key, value in sizes.items()]
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  an unread pipe could fill up
        self.process = subprocess.Popen(
            [sys.executable, "-m", __package__ + ".worker", workload, name, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={**os.environ, **dict.fromkeys(THREADS, str(sizes["threads"]))},
        )
        try:
            self.supported = self._answer()["supported"]
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *problem: object) -> None:
        self.process.kill()
        self.process.communicate()
        self.errors.close()

    def play(self, rounds: int) -> float:
        """The seconds of `rounds` rounds, after an untimed one that wakes threads and fills caches.

        Raises InputError if the process has ended."""
        assert self.process.stdin
        with suppress(BrokenPipeError):  # it has ended: `_answer` raises the reason
            self.process.stdin.write(f"{rounds}\n")
            self.process.stdin.flush()
        answer = self._answer()
        self.memory = answer["memory"]
        return float(answer["seconds"])

    def calibrate(self) -> None:
        """Warm up, and set `rounds` to the number that fills a slot."""
        self.rounds = 1
        while (seconds := self.play(self.rounds)) < SLOT / 4:
            self.rounds *= 2
        self.rounds = max(1, round(self.rounds * SLOT / min(seconds, self.play(self.rounds))))

    def _answer(self) -> dict[str, Any]:
        """The next answer of the process.

        Raises InputError if it has ended."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            last = (self.errors.read().strip() or "it ended without a message").splitlines()[-1]
            raise InputError(f"bench: the process of {self.name!r} failed: {last}")
        return json.loads(line)


def bench(
    workloads: Sequence[str] = tuple(WORKLOADS),
    *,
    backends: Sequence[str] | None = None,
    against: Sequence[str] = (),
    threads: int | None = None,
    seconds: float = 5.0,
    batch: int | None = None,
    width: float = 1,
    tf32: bool = False,
) -> dict[str, Any]:
    """Time rounds of Algorithm 1; return a dict of plain values, which `report` prints.

    workloads       names of `WORKLOADS`
    backends        default: all that work on this machine
    against         peers: "torch" for all that `torch_peer` lists for the device, or one of these
                    by its name; "by-hand" for NumPy without an engine
    threads         default: all cores
    seconds         the time for each contender and workload
    batch, width    the size of a minibatch, and a factor of the widths of hidden layers
    tf32            on a GPU, tinygan and PyTorch round the factors of products to TF32

    If a peer fails, the reason is printed on stderr, and it is left out.

    Raises InputError for a name that is unknown, a number out of range or a missing library."""
    for name in against:
        choose("--against", name, [*PEERS, *GPU_PEERS["torch"]])
        if name.startswith("torch") and importlib.util.find_spec("torch") is None:
            raise InputError(f"--against {name}: PyTorch is not installed; pip install torch")
    if backends is None:
        backends = [name for name, problem in survey().items() if problem is None]
    for name in backends:
        get(name)
    for name, value, maximum in (("threads", threads, cores()), ("batch", batch, 1 << 16)):
        if value is not None and not 1 <= value <= maximum:
            raise InputError(f"--{name}: expected an int in [1, {maximum}], got {value}")
    for name, amount in (("seconds", seconds), ("width", width)):
        if not 0 < amount < math.inf:
            raise InputError(f"--{name}: expected a number > 0, got {amount}")
    found = [find(name) for name in workloads]
    speed = {"threads": threads or cores(), "tf32": int(tf32)}
    rows: list[dict[str, Any]] = []
    peaks: dict[str, float] = {}
    for backend in sorted(dict.fromkeys(backends), key=lambda name: name != "numpy"):
        on_host = backend == "numpy"  # contenders on the CPU and on a GPU are timed separately
        ours = [backend] if on_host else [backend, backend + EAGER]
        known = PEERS if on_host else GPU_PEERS
        peers = [peer for name in against for peer in known.get(name, (name,))]
        peaks[backend] = _gemm_peak(backend, **speed)
        for workload in found:
            sizes = {"batch": batch or workload.batch, "width": width, **speed}
            rows += _compare(workload, ours, peers, seconds, peaks[backend], **sizes)
    return {
        "rows": rows,
        "gemm_peak_gflops": peaks,
        "threads": speed["threads"],
        "tf32": tf32,
        "seconds": seconds,
        "machine": machine(),
    }


def _compare(
    workload: Workload,
    ours: list[str],
    peers: list[str],
    seconds: float,
    peak: float,
    **sizes: float,
) -> list[dict[str, Any]]:
    """A row for each contender. A ratio is the time of the first of `ours` over that of a peer."""
    with ExitStack() as stack:
        workers = []
        for name in [*ours, *peers]:
            with _echoed(name in peers):
                worker = stack.enter_context(Worker(workload.model, name, **sizes))
                if worker.supported:
                    worker.calibrate()
                    workers.append(worker)
        slots = max(3, round(seconds / SLOT))
        times = np.array(
            [
                [worker.play(worker.rounds) / worker.rounds for worker in workers]
                for _ in range(slots)
            ]
        )  # (slots, contenders)
        batch, width = int(sizes["batch"]), sizes["width"]
        flops = workload.flops(batch, width)
        rows = []
        for worker, mine in zip(workers, times.T, strict=True):
            row: dict[str, Any] = {
                "workload": workload.model,
                "contender": worker.name,
                "batch": batch,
                "width": width,
                "flops": flops,
                **_quartiles("median", "quartiles", mine),
                "slots": slots,
                "rounds_a_slot": worker.rounds,
                "peak_memory": worker.memory,
            }
            row["gflops"] = flops / row["median"] / 1e9
            row["of_peak"] = row["gflops"] / peak
            if worker.name in peers:
                row |= _quartiles("ratio", "ratio_quartiles", times[:, 0] / mine)
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
        print(f"without this peer: {problem}", file=sys.stderr)


def _quartiles(median: str, quartiles: str, values: np.ndarray) -> dict[str, Any]:
    low, middle, high = (float(q) for q in np.quantile(values, [0.25, 0.5, 0.75]))
    return {median: middle, quartiles: [low, high]}


def _gemm_peak(backend: str, **speed: float) -> float:
    """GFLOP/s of the fastest of 20 large matrix products in float32, in a process of its own."""
    with Worker("", f"gemm-{backend}", batch=1, width=1, **speed) as worker:
        fastest = min(worker.play(1) for _ in range(20))
    return 2 * (GEMM if backend == "numpy" else 4 * GEMM) ** 3 / fastest / 1e9
