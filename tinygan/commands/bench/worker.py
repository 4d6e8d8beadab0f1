"""One contender in a process of its own: it reads numbers of rounds and answers with seconds.

python -m tinygan.commands.bench.worker mlp-small numpy --batch 64 --width 1 --threads 2 --tf32 0
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np

from ... import backend as backends
from ... import data, gan, optim
from ...backend import process
from ...backend.cuda.blas import tf32
from ...backend.graph_replay import GraphReplay
from ...backend.philox import Philox
from ...models import Pair
from ...nn import Dropout
from .workloads import BETAS, LR, WORKLOADS

__all__ = ["main"]

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


GEMM = 2048  # on a GPU, four times that
EAGER = "-eager"  # a backend whose rounds are not recorded


def main() -> None:
    process.tune()
    parser = argparse.ArgumentParser()
    parser.add_argument("workload")
    parser.add_argument("contender")
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--width", type=float, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--tf32", type=int, required=True)
    args = parser.parse_args()
    with tf32(bool(args.tf32)):
        _serve(args)


def _serve(args: argparse.Namespace) -> None:
    sizes = args.batch, args.width, args.threads
    play = contender(args.contender, args.workload, *sizes, bool(args.tf32))
    if play is None:
        print(json.dumps({"can": False}), flush=True)
        return
    print(json.dumps({"can": True}), flush=True)
    for line in sys.stdin:
        play(1)
        started = time.perf_counter()
        play(int(line))
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "memory": _peak_memory(args.contender)}), flush=True)


def contender(
    name: str, workload: str, batch: int, width: float, threads: int, fast: bool = False
) -> Callable[[int], None] | None:
    """A function that plays that many rounds, and has waited for their end when it returns; None
    where the contender has no such round."""
    if name.startswith("gemm"):
        return _gemm(name.removeprefix("gemm-"))
    what = WORKLOADS[workload]
    pair, images = what.build(np.random.default_rng(0), width), what.images()
    if name == "by-hand":
        from . import by_hand

        return by_hand.player(pair, images, batch)
    if name.startswith("torch"):
        from . import torch_peer

        return torch_peer.player(pair, images, batch, threads, name, fast)
    return _tinygan(pair, images, batch, name.removesuffix(EAGER), not name.endswith(EAGER))


def _tinygan(
    pair: Pair, images: np.ndarray, batch: int, backend: str, record: bool
) -> Callable[[int], None]:
    rng, on_host = np.random.default_rng(0), backend == "numpy"
    backends.use(backend)
    G, D = pair.G.to(backend), pair.D.to(backend)
    opt_g, opt_d = (optim.Adam(net.parameters(), LR, BETAS) for net in (G, D))
    x = data.Minibatches(images, rng=rng, low=pair.low, backend=backend)
    source = rng if on_host else Philox(0)
    for layer in D.modules():
        if isinstance(layer, Dropout):
            layer.rng = source
    players = (gan.non_saturating, G, D, x, pair.noise(source), opt_g, opt_d)

    def start() -> Iterator[gan.Round]:
        return gan.play(*players, m=batch)

    rounds: Iterator[gan.Round] = start()
    if record and not on_host:
        rounds = GraphReplay(start, backends.get(backend))
        for _ in range(3):
            next(rounds)
        if rounds.why:
            raise RuntimeError(f"the round is not recorded: {rounds.why}")

    def play(n: int) -> None:
        for _ in islice(rounds, n):
            pass
        backends.get(backend).synchronize()

    return play


def _gemm(backend: str) -> Callable[[int], None]:
    size = GEMM if backend == "numpy" else 4 * GEMM
    a, b = (backends.move(np.ones((size, size), np.float32), backend) for _ in range(2))
    out = np.empty_like(a) if backend == "numpy" else None
    library = backends.get(backend)

    def play(n: int) -> None:
        for _ in range(n):
            np.matmul(a, b, out=out) if backend == "numpy" else library.matmul(a, b)
        library.synchronize()

    return play


def _peak_memory(name: str) -> int:
    """The most memory that this process ever held, of the device that it computes on, in bytes; 0
    where nobody tells."""
    if name.startswith("torch-cuda"):
        import torch

        return int(torch.cuda.max_memory_reserved())
    if not name.startswith(("torch", "by-hand", "gemm", "numpy")):
        return backends.get(name.removesuffix(EAGER)).held()
    if resource is None:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
