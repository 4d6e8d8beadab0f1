"""Does it pay to share a minibatch? Ranks on this machine's cores; and on paper, on many GPUs.

    python benchmarks/parallel.py               weak and strong scaling, into results/ (two minutes)
    python benchmarks/parallel.py --estimate    where it stops paying on 8 to 1024 GPUs

Strong: the minibatch stays, and each rank has its share of it. Weak: it grows with the ranks. Each
contender is a job of its own, and they take turns; a ratio is the median over the turns.
"""

from __future__ import annotations

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
from tinygan.backend import inputs, of
from tinygan.backend.cpu import cores
from tinygan.commands.bench import WORKLOADS
from tinygan.commands.bench.workloads import BETAS, LR
from tinygan.data import Minibatches
from tinygan.environment import machine

HERE = Path(__file__).parent
MODELS = ("mlp-small", "mlp-mid", "mlp-2014", "dcgan28")


# On this machine.


class Contender(NamedTuple):
    """So many ranks of so many threads play minibatches of so many examples in all."""

    ranks: int
    threads: int
    batch: int
    batchnorm: str = "synchronized"


def rounds(workload: str, batch: int, comm: inputs.Comm, rng: Any) -> Iterator[gan.Round]:
    """Rounds on NumPy, of which `comm`'s ranks play their shares."""
    found = WORKLOADS[workload]
    pair = found.build(np.random.default_rng(0))
    data = Minibatches(found.images(), rng=np.random.default_rng(1), low=pair.low)
    opts: list[Any] = [optim.Adam(net.parameters(), LR, BETAS) for net in (pair.G, pair.D)]
    if comm.size > 1:
        opts = [parallel.DataParallel(opt, comm) for opt in opts]
    players = (gan.non_saturating, pair.G, pair.D, data, pair.noise(rng), *opts)
    return gan.play(*players, m=batch // comm.size)


def take_part(workload: str, batch: int, batchnorm: str, seconds: float) -> None:
    """What each rank of a job does: rank 0 prints the seconds that a round takes."""
    comm = parallel.join()
    with inputs.playing(comm, synchronized=batchnorm == "synchronized"):
        each = rounds(workload, batch, comm, np.random.default_rng(2))
        for _ in range(3):
            next(each)
        start = time.perf_counter()
        next(each)
        took = comm.allgather(time.perf_counter() - start)[0]
        n = max(2, round(seconds / took))
        start = time.perf_counter()
        for _ in range(n):
            next(each)
        comm.allgather(None)  # until the last of them is done
        if comm.rank == 0:
            print((time.perf_counter() - start) / n)


def seconds_a_round(workload: str, who: Contender, seconds: float) -> float:
    beside = Path(sys.executable).with_name("mpiexec")
    launcher = [str(beside) if beside.exists() else shutil.which("mpiexec"), "-n", str(who.ranks)]
    command = [sys.executable, __file__, "--play", workload, str(who.batch), who.batchnorm]
    names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
    done = subprocess.run(
        [*(launcher if who.ranks > 1 else []), *command, "--seconds", str(seconds)],
        env={**os.environ, **dict.fromkeys(names, str(who.threads))},
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    )
    return float(done.stdout)


def measure(models: list[str], turns: int, seconds: float) -> dict[str, Any]:
    """Of each model the times of all contenders, by turns."""
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
        times: dict[Contender, list[float]] = {who: [] for who in contenders}
        for _ in range(turns):
            for who in contenders:
                times[who].append(seconds_a_round(model, who, seconds))
        rows += [{"model": model, **who._asdict(), "times": times[who]} for who in contenders]
        print(table(rows, model), flush=True)
    return {"rows": rows, "machine": machine()}


def table(rows: list[dict[str, Any]], model: str) -> str:
    """Images a second of each contender, as multiples of one thread's and of all cores' in one
    process with the same minibatch."""
    mine = [row for row in rows if row["model"] == model]

    def speedup(row: dict[str, Any], other: dict[str, Any]) -> float:
        pairs = zip(row["times"], other["times"], strict=True)
        return row["batch"] / other["batch"] * median(theirs / ours for ours, theirs in pairs)

    lines = [
        "| model | batch | ranks x threads | BatchNorm | ms a round | to one thread | "
        "to one process on all cores |",
        "| --- | ---: | ---: | --- | ---: | ---: | ---: |",
    ]
    whole = max(row["threads"] for row in mine if row["ranks"] == 1)
    for row in mine:
        alike = (1, whole, row["batch"])
        peer = next(o for o in mine if (o["ranks"], o["threads"], o["batch"]) == alike)
        lines.append(
            f"| {model} | {row['batch']} | {row['ranks']} x {row['threads']} | "
            f"{row['batchnorm'] if model.startswith('dcgan') else ''} | "
            f"{1e3 * median(row['times']):.3g} | {speedup(row, mine[0]):.2f} | "
            f"{speedup(row, peer):.2f} |"
        )
    return "\n".join(lines) + "\n"


# On paper.

NODE = 8  # GPUs that NVLink joins
NVLINK, NETWORK = 400e9, 50e9  # bytes a second and GPU, each way: NVSwitch 4; 400 Gb/s InfiniBand
HOPS = 3e-6, 8e-6  # seconds, for a message to the next GPU: in a node, between nodes
FLOPS = 30e12  # a second, in strict float32: half of the 67 of an H200's data sheet
FIXED = 100e-6  # seconds: what a round of small kernels in a graph takes, however small the batch
NUMBERS = 300e9  # of Philox, a second
FLOAT = 4  # bytes


class Traffic(NamedTuple):
    """What a round asks of `comm`, in floats of each message, and the numbers that it draws for an
    example, which every rank draws for all examples."""

    messages: list[int]
    drawn: float


class _Noting:
    """The first of two ranks, of which the other does the same; it notes what it would send."""

    rank, size, local = 0, 2, 0

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def allreduce_mean_(self, flat: Any) -> None:
        assert of(flat).name == "numpy"
        self.sizes.append(flat.size)

    def allgather(self, value: Any) -> list[Any]:
        return [value, value]


class _Counted(np.random.Generator):
    count = 0

    def standard_normal(self, size: Any = None, **kwargs: Any) -> Any:
        self.count += math.prod(size)
        return super().standard_normal(size, **kwargs)

    def random(self, size: Any = None, **kwargs: Any) -> Any:
        self.count += math.prod(size)
        return super().random(size, **kwargs)


def traffic(workload: str, synchronized: bool = True) -> Traffic:
    """Taken from a round as it is played."""
    comm, rng, batch = _Noting(), _Counted(np.random.PCG64(0)), 4
    with inputs.playing(comm, synchronized=synchronized):
        next(rounds(workload, batch, comm, rng))
    return Traffic(comm.sizes, rng.count / batch)


def allreduce_seconds(size: float, ranks: int) -> float:
    """Of `size` bytes: around a ring each GPU sends 2 (n - 1) / n of them, at the speed of the
    slowest link; and what comes first has to go up and down a tree of log2 n hops."""
    if ranks == 1:
        return 0.0
    inside, outside = min(ranks, NODE), math.ceil(ranks / NODE)
    hops = math.ceil(math.log2(inside)) * HOPS[0] + math.ceil(math.log2(outside)) * HOPS[1]
    bandwidth = NVLINK if ranks <= NODE else NETWORK
    return 2 * (ranks - 1) / ranks * size / bandwidth + 2 * hops


def round_seconds(workload: str, batch: int, ranks: int, asked: Traffic) -> float:
    """A round of `batch` examples on so many GPUs: the work, the messages, which nothing hides, and
    the numbers, which each rank draws for all."""
    known, flops = measured_round(workload), WORKLOADS[workload].flops(1)
    each = flops / FLOPS if known is None else (known - FIXED) / WORKLOADS[workload].batch
    work = FIXED + each * batch / ranks + asked.drawn * batch / NUMBERS
    return work + sum(allreduce_seconds(FLOAT * n, ranks) for n in asked.messages)


def measured_round(workload: str) -> float | None:
    """Seconds on an H200 by the newest results of benchmarks/gpu.py, if there are any."""
    for path in sorted((HERE / "results").glob("gpu-*.json"), reverse=True):
        for run in json.loads(path.read_text()).get("bench", []):
            for row in run.get("rows", []):
                if (row["workload"], row["contender"]) == (workload, "cupy"):
                    return float(row["median"])
    return None


def weak(workload: str, ranks: int, asked: Traffic) -> float:
    """The speed of each GPU, 64 examples on each, as a share of that of one alone."""
    alone = round_seconds(workload, 64, 1, asked)
    return alone / round_seconds(workload, 64 * ranks, ranks, asked)


def strong(workload: str, ranks: int, asked: Traffic) -> float:
    """The same, where all GPUs share 4096 examples."""
    alone = round_seconds(workload, 4096, 1, asked)
    return alone / round_seconds(workload, 4096, ranks, asked) / ranks


def estimate() -> str:
    """The table of README.md: how fast each GPU is still, and up to how many it is half as fast."""
    counts = (8, 64, 512, 1024)
    rows = [
        ["model", "KB a round", "messages", "one GPU, us", *(f"weak, {n}" for n in counts),
         "half up to", *(f"strong, {n}" for n in counts[:2]), "half up to"],
        ["---", *["---:"] * 11],
    ]  # fmt: skip
    choices = ((name, s) for name in WORKLOADS for s in (True, False)[: 1 + ("dcgan" in name)])
    for name, synchronized in choices:
        asked = traffic(name, synchronized)
        row = [name if synchronized else f"{name}, local BatchNorm"]
        row += [f"{FLOAT * sum(asked.messages) / 1e3:.0f}", str(len(asked.messages))]
        row.append(f"{1e6 * round_seconds(name, 64, 1, asked):.0f}")
        for share, shown in ((weak, counts), (strong, counts[:2])):
            row += [f"{100 * share(name, n, asked):.0f} %" for n in shown]
            halves = [2**i for i in range(11) if share(name, 2**i, asked) >= 0.5]
            row.append("over 1024" if max(halves) == 1024 else str(max(halves)))
        rows.append(row)
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--estimate", action="store_true", help="on paper, on many GPUs")
    parser.add_argument("--models", nargs="+", choices=list(WORKLOADS), default=list(MODELS))
    parser.add_argument("--turns", type=int, default=5, help="of each contender")
    parser.add_argument("--seconds", type=float, default=1, help="for each turn")
    parser.add_argument("--out", type=Path, help="default: a new file in results/")
    parser.add_argument("--play", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.play:
        workload, batch, batchnorm = args.play
        take_part(workload, int(batch), batchnorm, args.seconds)
    elif args.estimate:
        print(estimate())
    else:
        results = measure(args.models, args.turns, args.seconds)
        about = results["machine"]
        name = f"parallel-{about['date']}-{about['commit'].rstrip('+')}.json"
        out = args.out or HERE / "results" / name
        out.write_text(json.dumps(results, indent=1) + "\n")
        print(out)


if __name__ == "__main__":
    main()
