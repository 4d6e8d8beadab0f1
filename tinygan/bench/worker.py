"""One contender in a process of its own: it reads numbers of rounds and answers with seconds.

python -m tinygan.bench.worker mlp-small numpy --batch 64 --width 1 --threads 2
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from itertools import islice

import numpy as np

from .. import backend, data, gan, optim
from ..models import Pair
from .workloads import BETAS, LR, WORKLOADS

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

__all__ = ["main"]

GEMM = 2048


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("workload")
    parser.add_argument("contender")
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--width", type=float, required=True)
    parser.add_argument("--threads", type=int, required=True)
    args = parser.parse_args()
    play = contender(args.contender, args.workload, args.batch, args.width, args.threads)
    if play is None:
        print(json.dumps({"can": False}), flush=True)
        return
    print(json.dumps({"can": True}), flush=True)
    for line in sys.stdin:
        play(1)
        started = time.perf_counter()
        play(int(line))
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "memory": _peak_memory()}), flush=True)


def contender(
    name: str, workload: str, batch: int, width: float, threads: int
) -> Callable[[int], None] | None:
    """A function that plays that many rounds, and has waited for their end when it returns; None
    where the contender has no such round."""
    if name == "gemm":
        return _gemm()
    what = WORKLOADS[workload]
    pair, images = what.build(np.random.default_rng(0), width), what.images()
    if name == "by-hand":
        from . import floor

        return floor.player(pair, images, batch)
    if name in ("torch", "torch-tuned"):
        from . import torch_peer

        return torch_peer.player(pair, images, batch, threads, tuned=name == "torch-tuned")
    return _tinygan(pair, images, batch, name)


def _tinygan(pair: Pair, images: np.ndarray, batch: int, where: str) -> Callable[[int], None]:
    rng = np.random.default_rng(0)
    backend.use(where)
    G, D = pair.G.to(where), pair.D.to(where)
    opt_g, opt_d = (optim.Adam(net.parameters(), LR, BETAS) for net in (G, D))
    x = data.Minibatches(images, rng=rng, low=pair.low, where=where)
    rounds = gan.play(gan.non_saturating, G, D, x, pair.noise(rng), opt_g, opt_d, m=batch)

    def play(n: int) -> None:
        for _ in islice(rounds, n):
            pass
        backend.get(where).synchronize()

    return play


def _gemm() -> Callable[[int], None]:
    a, b = (np.ones((GEMM, GEMM), np.float32) for _ in range(2))
    out = np.empty_like(a)

    def play(n: int) -> None:
        for _ in range(n):
            np.matmul(a, b, out=out)

    return play


def _peak_memory() -> int:
    """The most memory that this process ever held, in bytes; 0 where the system does not tell."""
    if resource is None:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
