"""Weak and strong scaling: measured on the cores of this machine, and estimated for many GPUs.

    python benchmarks/parallel.py               measure, write results/ (two minutes)
    python benchmarks/parallel.py --estimate    a model of 8 to 1024 GPUs

Strong scaling: more ranks share the same minibatch. Weak scaling: the minibatch grows with the
number of ranks. Each contender is a job of its own, and the contenders take turns. A ratio is the
median over the turns.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from tinygan import gan, optim, parallel
from tinygan.backend import inputs
from tinygan.backend.cpu import VARIABLES, cores
from tinygan.commands.bench import DEFAULT, WORKLOADS
from tinygan.commands.bench.workloads import BETAS, LR
from tinygan.data import Minibatches
from tinygan.environment import machine

HERE = Path(__file__).parent
MODELS = ("mlp-small", "mlp-mid", "mlp-2014", "dcgan28")


class Contender(NamedTuple):
    """A job of `ranks` processes with `threads` threads each, which share minibatches of `batch`
    examples."""

    ranks: int
    threads: int
    batch: int
    batchnorm: str = "synchronized"


def rounds(workload: str, batch: int, comm: inputs.Comm, rng: Any) -> Iterator[gan.Round]:
    """Rounds on NumPy; the ranks of `comm` share minibatches of `batch` examples."""
    found = WORKLOADS[workload]
    pair = found.build(np.random.default_rng(0))
    data = Minibatches(found.images(), rng=np.random.default_rng(1), low=pair.low)
    opts: list[Any] = [optim.Adam(net.parameters(), LR, BETAS) for net in (pair.G, pair.D)]
    if comm.size > 1:
        opts = [parallel.DataParallel(opt, comm) for opt in opts]
    players = (gan.non_saturating, pair.G, pair.D, data, pair.noise(rng), *opts)
    return gan.play(*players, m=batch // comm.size)


def play(workload: str, batch: int, batchnorm: str, seconds: float) -> None:
    """Play as one rank of a job; rank 0 prints the seconds per round."""
    comm = parallel.join()
    with inputs.playing(comm, synchronized=batchnorm == "synchronized"):
        each = rounds(workload, batch, comm, np.random.default_rng(2))
        for _ in range(3):
            next(each)
        start = time.perf_counter()
        next(each)
        one_round = comm.allgather(time.perf_counter() - start)[0]  # of rank 0
        n = max(2, round(seconds / one_round))
        start = time.perf_counter()
        for _ in range(n):
            next(each)
        comm.allgather(None)  # wait for all ranks
        if comm.rank == 0:
            print((time.perf_counter() - start) / n)


def seconds_a_round(workload: str, job: Contender, seconds: float) -> float:
    """Start the job, and return its seconds per round."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    launcher = [shutil.which("mpiexec", path=path) or "mpiexec", "-n", str(job.ranks)]
    command = [sys.executable, __file__, "--play", workload, str(job.batch), job.batchnorm]
    done = subprocess.run(
        [*(launcher if job.ranks > 1 else []), *command, "--seconds", str(seconds)],
        env={**os.environ, **dict.fromkeys(VARIABLES, str(job.threads))},
        check=True,
        encoding="utf-8",
        stdout=subprocess.PIPE,
    )
    return float(done.stdout)


def measure(models: list[str], turns: int, seconds: float) -> dict[str, Any]:
    """The times of all contenders of each model, measured in turns."""
    all_cores = cores()
    rows = []
    for model in models:
        batch = WORKLOADS[model].batch
        batch -= batch % all_cores  # so that it can be shared
        contenders = [Contender(1, 1, batch), Contender(1, all_cores, batch)]
        for ranks in range(2, all_cores + 1):
            if all_cores % ranks == 0:
                threads = all_cores // ranks
                contenders.append(Contender(ranks, threads, batch))
                if model.startswith("dcgan"):
                    contenders.append(Contender(ranks, threads, batch, "local"))
                contenders.append(Contender(ranks, threads, batch * ranks))
                contenders.append(Contender(1, all_cores, batch * ranks))
        times: dict[Contender, list[float]] = {job: [] for job in contenders}
        for _ in range(turns):
            for job in contenders:
                times[job].append(seconds_a_round(model, job, seconds))
        rows += [{"model": model, **job._asdict(), "times": times[job]} for job in contenders]
        print(table(rows, model), flush=True)
    return {"rows": rows, "machine": machine()}


def table(rows: list[dict[str, Any]], model: str) -> str:
    """The Markdown table of a model: images per second of each contender over those of one thread,
    and over those of one process on all cores with the same minibatch."""
    rows = [row for row in rows if row["model"] == model]

    def speedup(row: dict[str, Any], other: dict[str, Any]) -> float:
        pairs = zip(row["times"], other["times"], strict=True)
        return row["batch"] / other["batch"] * median(theirs / ours for ours, theirs in pairs)

    lines = [
        "| model | batch | ranks x threads | BatchNorm | ms a round | to one thread | "
        "to one process on all cores |",
        "| --- | ---: | ---: | --- | ---: | ---: | ---: |",
    ]
    all_cores = max(row["threads"] for row in rows)
    alone = {o["batch"]: o for o in rows if (o["ranks"], o["threads"]) == (1, all_cores)}
    lines += [
        f"| {model} | {row['batch']} | {row['ranks']} x {row['threads']} | "
        f"{row['batchnorm'] if model.startswith('dcgan') else ''} | "
        f"{1e3 * median(row['times']):.3g} | {speedup(row, rows[0]):.2f} | "
        f"{speedup(row, alone[row['batch']]):.2f} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


# The model of many GPUs.

NODE = 8  # GPUs that NVLink joins
NVLINK, NETWORK = 400e9, 50e9  # bytes per second and GPU, each way: NVSwitch 4; 400 Gb/s InfiniBand
HOPS = 3e-6, 8e-6  # seconds for a message to the next GPU: within a node, between nodes
FLOPS = 30e12  # per second, in strict float32: about half of the 67e12 in the H200's data sheet
FIXED = 100e-6  # seconds of a round in a CUDA graph, even with the smallest minibatch
NUMBERS = 300e9  # drawn by Philox per second
FLOAT = 4  # bytes


class Traffic(NamedTuple):
    """The size in floats of each message of a round, and the random numbers per example. Each rank
    draws the numbers of all examples."""

    messages: list[int]
    drawn: float


class _FirstOfTwo:
    """The first of two ranks. There is no second one: it only records the sizes of messages."""

    rank, size, local = 0, 2, 0

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def allreduce_mean_(self, flat: Any) -> None:
        self.sizes.append(flat.size)

    def allgather(self, value: Any) -> list[Any]:
        return [value, value]


class _CountingGenerator(np.random.Generator):
    """A generator that counts the numbers it draws."""

    count = 0

    def standard_normal(self, size: Any = None, *args: Any, **kwargs: Any) -> Any:
        self.count += math.prod(size)
        return super().standard_normal(size, *args, **kwargs)

    def random(self, size: Any = None, *args: Any, **kwargs: Any) -> Any:
        self.count += math.prod(size)
        return super().random(size, *args, **kwargs)


def traffic(workload: str, synchronized: bool = True) -> Traffic:
    """The traffic of a round, recorded while it is played."""
    comm, rng, batch = _FirstOfTwo(), _CountingGenerator(np.random.PCG64(0)), 4
    with inputs.playing(comm, synchronized=synchronized):
        next(rounds(workload, batch, comm, rng))
    return Traffic(comm.sizes, rng.count / batch)


def allreduce_seconds(size: float, ranks: int) -> float:
    """The seconds to average `size` bytes over n = `ranks` GPUs. In a ring, each GPU sends
    2 (n - 1) / n of them at the speed of the slowest link. The latency is that of 2 log2 n hops, up
    and down a tree."""
    if ranks == 1:
        return 0.0
    inside, outside = min(ranks, NODE), math.ceil(ranks / NODE)
    hops = math.ceil(math.log2(inside)) * HOPS[0] + math.ceil(math.log2(outside)) * HOPS[1]
    bandwidth = NVLINK if ranks <= NODE else NETWORK
    return 2 * (ranks - 1) / ranks * size / bandwidth + 2 * hops


def round_seconds(workload: str, batch: int, ranks: int, sent: Traffic) -> float:
    """The seconds of a round of `batch` examples on `ranks` GPUs: the computation, the random
    numbers, and the messages, which do not overlap with computation."""
    measured, flops = measured_round(workload), WORKLOADS[workload].flops(1)
    each = flops / FLOPS if measured is None else (measured - FIXED) / WORKLOADS[workload].batch
    work = FIXED + each * batch / ranks + sent.drawn * batch / NUMBERS
    return work + sum(allreduce_seconds(FLOAT * n, ranks) for n in sent.messages)


def measured_round(workload: str) -> float | None:
    """The seconds of a round in the newest results of benchmarks/gpu.py, or None."""
    for path in sorted((HERE / "results").glob("gpu-*.json"), reverse=True):
        tables = json.loads(path.read_text(encoding="utf-8")).get("bench", [])
        for row in (row for table in tables for row in table["rows"]):
            if (row["workload"], row["contender"]) == (workload, "cupy"):
                return float(row["median"])
    return None


def speed(workload: str, batch: int, ranks: int, sent: Traffic) -> float:
    """Examples per second of each GPU."""
    return batch / ranks / round_seconds(workload, batch, ranks, sent)


def estimate() -> str:
    """The table in README.md: the relative speed of each GPU, and the largest number of GPUs (a
    power of two) at which it is at least half."""
    counts = (8, 64, 512, 1024)
    rows = [
        ["model", "KB a round", "messages", "one GPU, us", *(f"weak, {n}" for n in counts),
         "half up to", *(f"strong, {n}" for n in counts[:2]), "half up to"],
        ["---", *["---:"] * 11],
    ]  # fmt: skip
    choices = ((name, s) for name in DEFAULT for s in (True, False)[: 1 + ("dcgan" in name)])
    for name, synchronized in choices:
        sent = traffic(name, synchronized)
        row = [name if synchronized else f"{name}, local BatchNorm"]
        row += [f"{FLOAT * sum(sent.messages) / 1e3:.0f}", str(len(sent.messages))]
        row.append(f"{1e6 * round_seconds(name, 64, 1, sent):.0f}")
        for batch, shown in ((lambda n: 64 * n, counts), (lambda n: 4096, counts[:2])):
            one = speed(name, batch(1), 1, sent)
            shares = {n: speed(name, batch(n), n, sent) / one for n in (2**i for i in range(11))}
            row += [f"{100 * shares[n]:.0f} %" for n in shown]
            largest = max(n for n, share in shares.items() if share >= 0.5)
            row.append("over 1024" if largest == 1024 else str(largest))
        rows.append(row)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--estimate", action="store_true", help="print the model of many GPUs")
    parser.add_argument("--models", nargs="+", choices=list(WORKLOADS), default=list(MODELS))
    parser.add_argument("--turns", type=int, default=5, help="number, for each contender")
    parser.add_argument("--seconds", type=float, default=1, help="of each turn")
    parser.add_argument("--out", type=Path, help="default: a new file in results/")
    parser.add_argument("--play", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.play:
        workload, batch, batchnorm = args.play
        play(workload, int(batch), batchnorm, args.seconds)
    elif args.estimate:
        print(estimate())
    else:
        results = measure(args.models, args.turns, args.seconds)
        about = results["machine"]
        name = f"parallel-{about['date']}-{about['commit'].rstrip('+')}.json"
        out = args.out or HERE / "results" / name
        out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        print(out)


if __name__ == "__main__":
    main()
