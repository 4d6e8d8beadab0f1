"""Check every claim about the GPU, on a GPU: needs CuPy, and PyTorch for the peers; no network.

    python benchmarks/gpu.py                      everything, in at most ten minutes
    python benchmarks/gpu.py --only tests replay  some of: replay numpy bench tests tf32
    python benchmarks/gpu.py --out FILE.json      (default: a new file in results/)

Prints a line for each claim (its name, the measured value, and whether it holds). Writes one JSON
file, again after each part. No part begins after nine minutes (--minutes).
"""

import argparse
import gc
import importlib.util
import itertools
import json
import math
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # the package need not be installed
os.environ["PYTHONPATH"] = str(HERE.parent)  # for the timed processes

from cuda_graph import kinds  # noqa: E402

from tinygan import backend as backends  # noqa: E402
from tinygan import gan, models, optim  # noqa: E402
from tinygan.backend.graph_replay import captured  # noqa: E402
from tinygan.backend.philox import Philox  # noqa: E402
from tinygan.commands.bench import bench, report  # noqa: E402
from tinygan.conv import im2col, winograd  # noqa: E402
from tinygan.data import Minibatches, load  # noqa: E402
from tinygan.environment import machine  # noqa: E402
from tinygan.nn import Dropout  # noqa: E402
from tinygan.training import Config, Session  # noqa: E402

TARGETS = {  # maxima: time over that of eager PyTorch; over that of its CUDA graph; microseconds
    "mlp-small": (0.2, 1.0, None),
    "mlp-mid": (0.2, 1.0, 150),
    "mlp-2014": (0.2, 1.0, 400),
    "dcgan28": (0.35, 1.0, None),
    "dcgan32": (0.35, 1.0, None),
}
Claim = dict[str, Any]  # what, measured, holds
State = dict[str, np.ndarray]


def claim(what: str, measured: Any, holds: bool) -> Claim:
    print(f"{'ok  ' if holds else 'NO  '} {what}: {measured}", flush=True)
    return {"what": what, "measured": measured, "holds": bool(holds)}


class Game:
    """A game of the model's G and D on `backend`, with noise by Philox. With `capture`, a round is
    captured as a CUDA graph."""

    def __init__(
        self, model: str, backend: str, dtype: Any, capture: bool, batch: int = 64
    ) -> None:
        shape = (3, 32, 32) if model == "dcgan32" else (1, 28, 28)
        pair = models.build(model, shape, rng=np.random.default_rng(0))
        images = np.random.default_rng(1).integers(256, size=(2000, *shape), dtype=np.uint8)
        images = load("digits").images if shape[0] == 1 else images
        G, D = (net.astype(dtype).to(backend) for net in (pair.G, pair.D))
        noise = Philox(0)
        for layer in D.modules():
            if isinstance(layer, Dropout):
                layer.rng = noise
        x = Minibatches(images, rng=np.random.default_rng(2), low=pair.low, backend=backend)
        opt_g, opt_d = (optim.Adam(net.parameters(), 2e-4, (0.5, 0.999)) for net in (G, D))
        players = (
            gan.non_saturating,
            G,
            D,
            lambda m: x(m).astype(dtype),
            pair.noise(noise),
            opt_g,
            opt_d,
        )

        def start() -> Iterator[gan.Round]:
            return gan.play(*players, m=batch)

        self.rounds: Any = captured(start, backend) if capture else start()
        self.owners: dict[str, Any] = {"G": G, "D": D, "opt_g": opt_g, "opt_d": opt_d}

    def play(self, n: int) -> None:
        for _ in itertools.islice(self.rounds, n):
            pass

    def state(self) -> State:
        return {
            f"{name}/{key}": backends.of(value).to_host(value)
            for name, owner in self.owners.items()
            for key, value in owner.state_dict().items()
        }


def equal(what: str, a: State, b: State) -> Claim:
    """The claim that two states have the same bits."""
    differing = [name for name in a if not np.array_equal(a[name], b[name])]
    return claim(f"{what}, bit for bit", differing or "equal", not differing)


def tests() -> Iterator[Claim]:
    """The tests that need a GPU, and those of the modules that use it."""
    folder = HERE.parent / "tests"
    names = "gpu", "graph_replay", "philox", "backend", "cuda*"
    files = [str(path) for name in names for path in sorted(folder.glob(f"test_{name}.py"))]
    options = ["-o", "addopts=-q", "--tb=short", "-p", "no:cacheprovider"]
    options += ["--continue-on-collection-errors", "-W", "default"]
    options += ["-n", "8"] if importlib.util.find_spec("xdist") else []
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *files],
        capture_output=True,
        encoding="utf-8",
        cwd=HERE.parent,
        env={**os.environ, "TINYGAN_NEEDS_GPU": "1"},  # without a GPU, tests fail, not skip
    )
    print("\n".join(ran.stdout.splitlines()[-60:]), ran.stderr[-2000:])
    last = (ran.stdout.strip().splitlines() or ["nothing"])[-1]
    yield claim("the tests pass on CuPy", last, ran.returncode == 0 and "passed" in last)


def replay() -> Iterator[Claim]:
    """Captured rounds equal eager ones, and launches take no more memory."""
    for model in models.MODELS:
        eager, fast = (Game(model, "cupy", np.float32, capture) for capture in (False, True))
        fast.play(4)
        rounds, held = fast.rounds, backends.get("cupy").held()
        if not rounds.captured:
            yield claim(f"{model}: a round is captured", rounds.why, False)
            continue
        fast.play(996)
        grown = backends.get("cupy").held() - held
        nodes = rounds.graph()
        eager.play(1000)
        yield equal(
            f"{model}: captured equals eager after 1000 rounds", fast.state(), eager.state()
        )
        yield claim(f"{model}: 996 launches take no more memory", f"{grown} bytes", grown <= 0)
        what = f"{model}: no node of the graph allocates memory"
        yield claim(what, dict(Counter(kinds(nodes))), "MEM_ALLOC" not in nodes.upper())
        del eager, fast, rounds
        gc.collect()  # else this memory is freed while that of the next model is measured
    yield from sessions()


def sessions() -> Iterator[Claim]:
    """The same for runs of `tinygan train`: other games, penalties, the average of G."""
    for model in ("mlp-small", "mlp-2014", "dcgan28-slim"):
        for options in (
            {},
            {"k": 2, "rng": "numpy"},
            {"penalty": "wgan-gp", "game": "wasserstein"},
            {"penalty": "r1", "label_noise": 0.2, "label_flips": 0.1},
            {"simultaneous": True, "game": "least-squares", "smoothing": 0.1},
        ):
            what, states = f"{model} {options or ''}: a captured run equals an eager one", []
            for no_graph in (False, True):
                config = Config(model=model, backend="cupy", batch=32, no_graph=no_graph, **options)
                session = Session(config)
                for _ in range(30):
                    session.play_round()
                states.append(session.state()[0])
                if session.not_captured:
                    yield claim(what, session.not_captured, False)
            yield equal(what, *states)


def numpy() -> Iterator[Claim]:
    """CuPy and NumPy agree in float64, from the same weights and noise."""
    # The same method of convolution on both backends.
    winograd.faster, im2col.flips_kernels = lambda *sizes: None, lambda geometry: False
    for model in ("mlp-small", "mlp-2014", "dcgan28-slim"):
        states = []
        for backend in ("cupy", "numpy"):
            game = Game(model, backend, np.float64, capture=True, batch=16)
            game.play(200)
            states.append(game.state())
        ours, theirs = states
        weights = [name for name in ours if name.startswith(("G/", "D/"))]
        # A bias before BatchNorm is rounding noise near 0. So errors are relative to at least 1e-3.
        sizes = {name: max(1e-3, np.abs(theirs[name]).max()) for name in weights}
        error = max(np.abs(ours[name] - theirs[name]).max() / sizes[name] for name in weights)
        what = f"{model}: CuPy and NumPy agree after 200 rounds in float64"
        yield claim(what, f"{error:.1e}", error < 1e-6)


def times(tf32: bool, workloads: Iterable[str], write: Callable[[Any], None]) -> Iterator[Claim]:
    """The times of each workload and its peers; `write(tables)` is called after each workload."""
    tables, precision = [], "TF32" if tf32 else "float32"
    for name in workloads:
        peers = ["torch-cuda", "torch-cuda-graph"]
        if name in ("mlp-mid", "dcgan32") and not tf32:  # compilation takes a minute
            peers.append("torch-cuda-compile")
        table = bench([name], backends=["cupy"], against=peers, seconds=1.5, tf32=tf32)
        print(report(table))
        tables.append(table)
        write(tables)
        rows = {row["contender"]: row for row in table["rows"]}
        *ratios, limit = TARGETS[name]
        for peer, maximum in zip(peers, ratios, strict=False):
            what = f"{name}, {precision}: at most {maximum:g} of {peer}"
            ratio = rows[peer]["ratio"] if peer in rows else math.nan
            yield claim(what, f"{ratio:.2f}", ratio <= maximum)
        if limit and not tf32:
            microseconds = rows["cupy"]["median"] * 1e6
            what = f"{name}: at most {limit} microseconds a round"
            yield claim(what, f"{microseconds:.0f}", microseconds <= limit)


def main() -> int:
    parser = argparse.ArgumentParser(description="Check every claim about the GPU.")
    parts = ["replay", "numpy", "bench", "tests", "tf32"]
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    problem = backends.survey()["cupy"]
    if problem is not None:
        print(problem)
        return 2
    claims: list[Claim] = []
    results: dict[str, Any] = {"machine": machine(), "claims": claims, "seconds": {}}
    commit = results["machine"]["commit"].rstrip("+") or "unknown"
    out = options.out or HERE / f"results/gpu-{time.strftime('%Y-%m-%d')}-{commit}.json"
    start = time.perf_counter()

    def write(part: str, what: Any) -> None:
        results[part] = what
        out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")

    run: dict[str, Callable[[], Iterator[Claim]]] = {
        "replay": replay,
        "numpy": numpy,
        "bench": lambda: times(False, TARGETS, lambda tables: write("bench", tables)),
        "tests": tests,
        "tf32": lambda: times(True, ["mlp-mid", "dcgan32"], lambda tables: write("tf32", tables)),
    }
    for part in options.only:
        part_start = time.perf_counter()
        if part_start - start > 60 * options.minutes:
            claims.append(claim(part, "not begun: the time is up", False))
            continue
        try:
            claims.extend(run[part]())
        except Exception as failure:  # the other parts still run
            claims.append(claim(part, f"{type(failure).__name__}: {failure}", False))
        write("seconds", {**results["seconds"], part: round(time.perf_counter() - part_start, 1)})
    failed = sum(not each["holds"] for each in claims)
    print(f"\n{len(claims) - failed} claims hold, {failed} do not; see {out}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
