"""A contender in a process of its own: it reads a number of rounds, plays them, and prints the
seconds that they took, as JSON.

python -m tinygan.commands.bench.worker mlp-small numpy --batch 64 --width 1 --tf32 0 --threads 2 \\
    --ranks 1

With --threads 0 the contender plays as it comes.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np

from ... import backend as backends
from ... import data, gan, optim
from ...backend import process
from ...backend.cuda.blas import tf32
from ...backend.graph_replay import GraphReplay, captured
from ...backend.inputs import Comm, playing
from ...backend.philox import Philox
from ...local_ranks import ranks
from ...models import Pair
from ...nn import Dropout
from ...parallel import data_parallel
from .workloads import BETAS, EAGER, GEMM, LR, WORKLOADS

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

Play = Callable[[int], None]  # play n rounds, and return when they are computed


def main() -> None:
    """Answer each line on stdin, a number of rounds, with a line of JSON on stdout."""
    process.tune()
    parser = argparse.ArgumentParser()
    parser.add_argument("workload")
    parser.add_argument("contender")
    for name in ("batch", "threads", "ranks", "tf32"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--width", type=float, required=True)
    args = parser.parse_args()
    with ranks(args.ranks) as comm, tf32(bool(args.tf32)), playing(comm):
        play = contender(args, comm)
        if comm.rank == 0:
            print(json.dumps({"supported": play is not None}), flush=True)
        while play is not None and (rounds := _asked(comm)):
            play(1)
            started = time.perf_counter()
            play(rounds)
            seconds = time.perf_counter() - started
            memory = sum(comm.allgather(_peak_memory(args.contender)))
            if comm.rank == 0:
                print(json.dumps({"seconds": seconds, "memory": memory}), flush=True)


def _asked(comm: Comm) -> int:
    """The number of rounds in the next line on stdin of rank 0; 0 at its end."""
    return comm.allgather(int(sys.stdin.readline() or 0) if comm.rank == 0 else 0)[0]


def contender(args: argparse.Namespace, comm: Comm) -> Play | None:
    """The function that plays rounds with the ranks of `comm`; None if the contender lacks a layer
    of the workload."""
    name, workload = args.contender, WORKLOADS.get(args.workload)
    if workload is None:
        return _gemm(name.removeprefix("gemm-"))
    pair, images = workload.build(np.random.default_rng(0), args.width), workload.images()
    if name == "by-hand":
        from . import by_hand

        return by_hand.player(pair, images, args.batch)
    if name.startswith("torch"):
        from . import torch_peer

        return torch_peer.player(pair, images, args.batch, args.threads, name, bool(args.tf32))
    backend, capture = name.removesuffix(EAGER), not name.endswith(EAGER)
    return _tinygan(pair, images, args.batch, backend, capture, comm)


def _tinygan(
    pair: Pair, images: np.ndarray, batch: int, backend: str, capture: bool, comm: Comm
) -> Play:
    """The function that plays rounds of tinygan; with `capture`, as a CUDA graph on a GPU."""
    library, rng = backends.get(backend), np.random.default_rng(0)
    backends.use(backend)
    G, D = pair.G.to(backend), pair.D.to(backend)
    opt_g, opt_d = (data_parallel(optim.Adam(net.parameters(), LR, BETAS), comm) for net in (G, D))
    x = data.Minibatches(images, rng=rng, low=pair.low, backend=backend)
    source = rng if backend == "numpy" else Philox(0)
    for layer in D.modules():
        if isinstance(layer, Dropout):
            layer.rng = source
    players = (gan.non_saturating, G, D, x, pair.noise(source), opt_g, opt_d)

    def start() -> Iterator[gan.Round]:
        return gan.play(*players, m=batch // comm.size)

    rounds = captured(start, backend) if capture else start()
    if isinstance(rounds, GraphReplay):
        for _ in range(3):
            next(rounds)
        if rounds.why:
            raise RuntimeError(f"the round cannot be captured: {rounds.why}")

    def play(n: int) -> None:
        for _ in islice(rounds, n):
            pass
        library.synchronize()

    return play


def _gemm(backend: str) -> Play:
    """The function that multiplies two large matrices; a product counts as a round."""
    library, size = backends.get(backend), GEMM if backend == "numpy" else 4 * GEMM
    a, b = (backends.move(np.ones((size, size), np.float32), backend) for _ in range(2))

    def play(n: int) -> None:
        for _ in range(n):
            library.matmul(a, b)
        library.synchronize()

    return play


def _peak_memory(name: str) -> int:
    """The peak memory of this process on its device, in bytes; 0 if it is unknown. Of ranks, each
    counts the memory that they share."""
    if name.startswith("torch-cuda"):
        import torch

        return int(torch.cuda.max_memory_reserved())
    if name.startswith("cupy"):
        return backends.get(name.removesuffix(EAGER)).held()
    with suppress(
        OSError, IndexError
    ):  # Linux; there ru_maxrss also counts the process that started this one
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    if resource is None:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
