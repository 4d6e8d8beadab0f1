"""Processes that take turns, and what their times say."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from ...backend.arrays import get, survey
from ...backend.cpu import cores
from ...environment import machine
from ...errors import InputError, choose
from .worker import EAGER, GEMM
from .workloads import WORKLOADS, find

__all__ = ["PEERS", "bench"]

PEERS = {
    "torch": ("torch", "torch-tuned"),
    "by-hand": ("by-hand",),
}
GPU_PEERS = {"torch": ("torch-cuda", "torch-cuda-compile", "torch-cuda-graph"), "by-hand": ()}
THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
SLOT = 0.5  # seconds that a contender plays before the next one's turn


class Worker:
    """A contender in its own process, which plays when told to."""

    def __init__(
        self, workload: str, name: str, batch: int, width: float, threads: int, tf32: bool = False
    ) -> None:
        self.name, self.memory = name, 0
        sizes = {"batch": batch, "width": width, "threads": threads, "tf32": int(tf32)}
        given = [f"--{key}={value}" for key, value in sizes.items()]
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  a pipe could fill up, unread
        self.process = subprocess.Popen(
            [sys.executable, "-m", __package__ + ".worker", workload, name, *given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={**os.environ, **dict.fromkeys(THREADS, str(threads))},
        )
        try:
            self.can = self._answer()["can"]
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
        """The seconds that so many rounds take, after one that wakes threads and fills caches."""
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):  # it has ended: `_answer` says why
            self.process.stdin.write(f"{rounds}\n")
            self.process.stdin.flush()
        answer = self._answer()
        self.memory = answer["memory"]
        return float(answer["seconds"])

    def calibrate(self) -> None:
        """Warm up, and find how many rounds fill a slot."""
        self.rounds = 1
        while (seconds := self.play(self.rounds)) < SLOT / 4:
            self.rounds *= 2
        self.rounds = max(1, round(self.rounds * SLOT / min(seconds, self.play(self.rounds))))

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            last = (self.errors.read().strip() or "it ended").splitlines()[-1]
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
    """Time rounds of Algorithm 1; a dict of plain values, as `report` prints it.

    `backends`: those that work here, if None. `against`: "torch" (as its users write it, and tuned;
    on a GPU also compiled, and captured by hand) or one of those by its name, and "by-hand" (NumPy
    without an engine). A peer that fails is left out, with its reason on stderr. `threads`: all
    cores, if None. `seconds`: for each contender and workload. `batch` and `width` (of hidden
    layers, as a multiple) change the workloads. `tf32`: on a GPU, products of factors rounded to
    TF32, ours and PyTorch's alike; else strict float32 for both. Raises InputError for what is
    unknown or not installed.
    """
    for name in against:
        choose("--against", name, [*PEERS, *GPU_PEERS["torch"]])
        if name.startswith("torch") and importlib.util.find_spec("torch") is None:
            raise InputError(f"--against {name}: PyTorch is not installed; pip install torch")
    if backends is None:
        backends = [name for name, problem in survey().items() if problem is None]
    for name in backends:
        get(name)
    for name, value, most in (("threads", threads, cores()), ("batch", batch, 1 << 16)):
        if value is not None and not 1 <= value <= most:
            raise InputError(f"--{name}: expected an int in [1, {most}], got {value}")
    for name, amount in (("seconds", seconds), ("width", width)):
        if not 0 < amount < math.inf:
            raise InputError(f"--{name}: expected a number > 0, got {amount}")
    for name in workloads:  # before anything is timed
        find(name)
    threads = threads or cores()
    rows: list[dict[str, Any]] = []
    peaks: dict[str, float] = {}
    for backend in ("numpy", *(name for name in backends if name != "numpy")):
        if backend not in backends:
            continue  # what runs on the host races on the host, what runs on a GPU on that GPU
        ours, peers = (
            ([backend], PEERS) if backend == "numpy" else ([backend, backend + EAGER], GPU_PEERS)
        )
        contenders = [*ours, *(peer for name in against for peer in peers.get(name, (name,)))]
        peaks[backend] = _gemm_peak(backend, threads, tf32)
        for name in workloads:
            m = batch or find(name).batch
            race = list(_race(name, contenders, len(ours), m, width, threads, seconds, tf32))
            for row in race:
                row["gflops"] = row["flops"] / row["median"] / 1e9
                row["of_peak"] = row["gflops"] / peaks[backend]
            rows += race
    return {
        "rows": rows,
        "gemm_peak_gflops": peaks,
        "threads": threads,
        "tf32": tf32,
        "seconds": seconds,
        "machine": machine(),
    }


def _race(
    workload: str,
    contenders: Sequence[str],
    ours: int,
    batch: int,
    width: float,
    threads: int,
    seconds: float,
    tf32: bool,
) -> Iterator[dict[str, Any]]:
    """A row for each contender; the first `ours` of them are tinygan's backends."""
    sizes = batch, width, threads, tf32
    with ExitStack() as stack:
        workers = []
        for name in contenders:
            with _left_out_if_it_fails(name not in contenders[:ours]):
                worker = stack.enter_context(Worker(workload, name, *sizes))
                if worker.can:
                    worker.calibrate()
                    workers.append(worker)
        slots = max(3, round(seconds / SLOT))
        times: dict[str, list[float]] = {worker.name: [] for worker in workers}
        for _ in range(slots):
            for worker in workers:
                times[worker.name].append(worker.play(worker.rounds) / worker.rounds)
        flops = find(workload).flops(batch, width)
        for worker in workers:
            mine = np.array(times[worker.name])
            row = {
                "workload": workload,
                "contender": worker.name,
                "batch": batch,
                "width": width,
                "flops": flops,
                "median": float(np.median(mine)),
                "quartiles": [float(q) for q in np.quantile(mine, [0.25, 0.75])],
                "slots": slots,
                "rounds_a_slot": worker.rounds,
                "peak_memory": worker.memory,
            }
            if worker.name in contenders[ours:]:  # how long ours took, in its lengths
                ratios = np.array(times[contenders[0]]) / mine
                row["ratio"] = float(np.median(ratios))
                row["ratio_quartiles"] = [float(q) for q in np.quantile(ratios, [0.25, 0.75])]
            yield row


@contextlib.contextmanager
def _left_out_if_it_fails(is_peer: bool) -> Iterator[None]:
    """A peer that does not run says why, and the others race on."""
    try:
        yield
    except InputError as problem:
        if not is_peer:
            raise
        print(f"left out: {problem}", file=sys.stderr)


def _gemm_peak(backend: str, threads: int, tf32: bool) -> float:
    """GFLOP/s of the fastest of a few large matrix products in float32, in a process of its own."""
    with Worker("", f"gemm-{backend}", 1, 1, threads, tf32) as worker:
        fastest = min(worker.play(1) for _ in range(20))
    return 2 * (GEMM if backend == "numpy" else 4 * GEMM) ** 3 / fastest / 1e9
