"""All that is claimed of a GPU, tried on one: needs CuPy, and PyTorch for the peers; no network.

    python benchmarks/gpu.py                      everything, in at most ten minutes
    python benchmarks/gpu.py --only tests replay  some of: replay numpy bench tests tf32
    python benchmarks/gpu.py --out FILE.json      (default: a new file in results/)

It writes one JSON and prints one table: each claim, what was measured, and whether it holds. What
is done is written at once; no part is begun after nine minutes (--minutes).
"""

from __future__ import annotations

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
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # a bare machine cannot install the package
os.environ["PYTHONPATH"] = str(HERE.parent)  # and so for the processes that are timed

from cuda_graph import kinds  # noqa: E402

from tinygan import backend as backends  # noqa: E402
from tinygan import gan, models, optim  # noqa: E402
from tinygan.backend.graph_replay import GraphReplay  # noqa: E402
from tinygan.backend.philox import Philox  # noqa: E402
from tinygan.commands.bench import bench, report  # noqa: E402
from tinygan.conv import winograd  # noqa: E402
from tinygan.data import Minibatches, load  # noqa: E402
from tinygan.environment import machine  # noqa: E402
from tinygan.nn import Dropout  # noqa: E402
from tinygan.training import Config, Session  # noqa: E402

WANTED = {  # of PyTorch as its users write it, of one graph of PyTorch's, and microseconds
    "mlp-small": (0.2, 1.0, None),
    "mlp-mid": (0.2, 1.0, 150),
    "mlp-2014": (0.2, 1.0, 400),
    "dcgan28": (0.35, 1.0, None),
    "dcgan32": (0.35, 1.0, None),
}
Claim = dict[str, Any]  # what, measured, holds


def claim(what: str, measured: Any, holds: bool) -> Claim:
    print(f"{'ok  ' if holds else 'NO  '} {what}: {measured}", flush=True)
    return {"what": what, "measured": measured, "holds": bool(holds)}


class Match:
    """A game on `backend`, in `dtype`, with noise by Philox: recorded or played."""

    def __init__(self, model: str, backend: str, dtype: Any, record: bool, batch: int = 64) -> None:
        shape = (3, 32, 32) if model == "dcgan32" else (1, 28, 28)
        pair = models.build(model, shape, rng=np.random.default_rng(0))
        images = np.random.default_rng(1).integers(256, size=(2000, *shape), dtype=np.uint8)
        images = load("digits").images if shape[0] == 1 else images
        self.G, self.D = (net.astype(dtype).to(backend) for net in (pair.G, pair.D))
        noise = Philox(0)
        for layer in self.D.modules():
            if isinstance(layer, Dropout):
                layer.rng = noise
        x = Minibatches(images, rng=np.random.default_rng(2), low=pair.low, backend=backend)
        self.opt_g, self.opt_d = (
            optim.Adam(net.parameters(), 2e-4, (0.5, 0.999)) for net in (self.G, self.D)
        )
        z = pair.noise(noise)

        def start() -> Any:
            return gan.play(
                gan.non_saturating, self.G, self.D, lambda m: x(m).astype(dtype), z,
                self.opt_g, self.opt_d, m=batch,
            )  # fmt: skip

        self.rounds: Any = GraphReplay(start, backends.get(backend)) if record else start()

    def play(self, n: int) -> None:
        for _ in itertools.islice(self.rounds, n):
            pass

    def state(self) -> dict[str, np.ndarray]:
        owners = {"G": self.G, "D": self.D, "opt_g": self.opt_g, "opt_d": self.opt_d}
        return {
            f"{name}/{key}": backends.of(value).to_host(value)
            for name, owner in owners.items()
            for key, value in owner.state_dict().items()
        }


def tests() -> list[Claim]:
    """The tests that need a GPU, and those of the engine's parts for it."""
    files = [str(p) for p in sorted((HERE.parent / "tests").glob("test_*.py"))
             if p.stem in ("test_gpu", "test_replay", "test_philox", "test_backend")
             or p.stem.startswith("test_cuda")]  # fmt: skip
    plain = ["-q", "--tb=short", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
    spread = ["-n", "8"] if importlib.util.find_spec("xdist") else []
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *plain, *spread, "-W", "default", *files],
        capture_output=True,
        text=True,
        cwd=HERE.parent,
        env={**os.environ, "TINYGAN_NEEDS_GPU": "1"},  # without one, tests fail that would skip
    )
    print("\n".join(ran.stdout.splitlines()[-60:]), ran.stderr[-2000:])
    last = (ran.stdout.strip().splitlines() or ["nothing"])[-1]
    return [claim("the tests pass on CuPy", last, ran.returncode == 0 and "passed" in last)]


def replay() -> list[Claim]:
    """Recorded rounds equal played ones bit for bit; the memory of a graph stays as it is."""
    claims = []
    for model in models.MODELS:
        played, recorded = (Match(model, "cupy", np.float32, r) for r in (False, True))
        recorded.play(4)
        rounds, held = recorded.rounds, backends.get("cupy").held()
        if not rounds.recorded:
            claims.append(claim(f"{model}: a round is recorded", rounds.why, False))
            continue
        recorded.play(996)
        grown = backends.get("cupy").held() - held
        nodes, kinds_ = rounds.graph(), Counter(kinds(rounds.graph()))
        played.play(1000)
        ours, theirs = recorded.state(), played.state()
        other = [name for name in ours if not np.array_equal(ours[name], theirs[name])]
        what = f"{model}: recorded equals played after 1000 rounds, bit for bit"
        claims.append(claim(what, other or "equal", not other))
        what = f"{model}: memory grows by no byte over 996 launches"
        claims.append(claim(what, grown, grown <= 0))
        what = f"{model}: a graph without nodes of memory"
        claims.append(claim(what, dict(kinds_), "MEM_ALLOC" not in nodes.upper()))
        del played, recorded, rounds
        gc.collect()  # or the memory of this model is given back while the next one is watched
    return claims + sessions()


def sessions() -> list[Claim]:
    """The same of runs as `tinygan train` plays them: other games, penalties, the average of G."""
    claims = []
    for model in ("mlp-small", "mlp-2014", "dcgan28-slim"):
        for options in (
            {},
            {"k": 2, "rng": "numpy"},
            {"penalty": "wgan-gp", "game": "wasserstein"},
            {"penalty": "r1", "label_noise": 0.2, "label_flips": 0.1},
            {"simultaneous": True, "game": "least-squares", "smoothing": 0.1},
        ):
            both = []
            for no_graph in (False, True):
                config = Config(model=model, backend="cupy", batch=32, no_graph=no_graph, **options)
                session = Session(config)
                for _ in range(30):
                    session.play_round()
                both.append((session.state()[0], session.not_recorded))
            (ours, why), (theirs, _) = both
            other = [name for name in ours if not np.array_equal(ours[name], theirs[name])]
            what = f"{model} {options or ''}: a recorded run equals a played one"
            claims.append(claim(what, why or other or "equal", not (why or other)))
    return claims


def numpy() -> list[Claim]:
    """CuPy and NumPy, from the same weights and noise, in float64."""
    claims = []
    winograd.pays = lambda *sizes: False  # convolutions in one way on both
    for model in ("mlp-small", "mlp-2014", "dcgan28-slim"):
        matches = [
            Match(model, backend, np.float64, backend == "cupy", 16)
            for backend in ("cupy", "numpy")
        ]
        for match in matches:
            match.play(200)
        ours, theirs = (match.state() for match in matches)
        weights = [name for name in ours if name.startswith(("G/", "D/"))]
        # A bias before BatchNorm stays at rounding noise: so, not by its own size alone.
        sizes = {name: max(1e-3, np.abs(theirs[name]).max()) for name in weights}
        apart = max(np.abs(ours[name] - theirs[name]).max() / sizes[name] for name in weights)
        claims.append(claim(f"{model}: CuPy and NumPy agree after 200 rounds in float64",
                            f"{apart:.1e}", apart < 1e-6))  # fmt: skip
    return claims


def times(tf32: bool, workloads: list[str], write: Callable[[Any], None]) -> list[Claim]:
    """A race for each workload, written down when it is over."""
    claims, tables = [], []
    for name in workloads:
        peers = ["torch-cuda", "torch-cuda-graph"]
        if name in ("mlp-mid", "dcgan32") and not tf32:  # to compile takes a minute
            peers.append("torch-cuda-compile")
        table = bench([name], backends=["cupy"], against=peers, seconds=1.5, tf32=tf32)
        print(report(table))
        tables.append(table)
        write(tables)
        rows = {row["contender"]: row for row in table["rows"]}
        ours, precision = rows["cupy"]["median"], "TF32" if tf32 else "float32"
        eager, graph, limit = WANTED[name]
        for peer, most in (("torch-cuda", eager), ("torch-cuda-graph", graph)):
            what = f"{name}, {precision}: at most {most:g} of {peer}"
            ratio = rows[peer]["ratio"] if peer in rows else math.nan
            claims.append(claim(what, f"{ratio:.2f}", ratio <= most))
        if limit and not tf32:
            what = f"{name}: at most {limit} microseconds a round"
            claims.append(claim(what, f"{ours * 1e6:.0f}", ours * 1e6 <= limit))
    return claims


def main() -> int:
    parser = argparse.ArgumentParser(description="Try on a GPU all that is claimed of one.")
    parts = ["replay", "numpy", "bench", "tests", "tf32"]
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    problem = backends.survey()["cupy"]
    if problem is not None:
        print(problem)
        return 2
    results: dict[str, Any] = {"machine": machine(), "claims": [], "seconds": {}}
    commit = results["machine"]["commit"].rstrip("+") or "unknown"
    out = options.out or HERE / f"results/gpu-{time.strftime('%Y-%m-%d')}-{commit}.json"
    began = time.perf_counter()

    def write(part: str, what: Any) -> None:
        results[part] = what
        out.write_text(json.dumps(results, indent=1) + "\n")

    run: dict[str, Callable[[], list[Claim]]] = {
        "replay": replay,
        "numpy": numpy,
        "bench": lambda: times(False, list(WANTED), lambda tables: write("bench", tables)),
        "tests": tests,
        "tf32": lambda: times(True, ["mlp-mid", "dcgan32"], lambda tables: write("tf32", tables)),
    }
    for part in options.only:
        started = time.perf_counter()
        if started - began > 60 * options.minutes:
            results["claims"].append(claim(part, "not begun, the time is over", False))
            continue
        try:
            results["claims"] += run[part]()
        except Exception as failure:  # the other parts are worth having
            results["claims"].append(claim(part, f"{type(failure).__name__}: {failure}", False))
        write("seconds", {**results["seconds"], part: round(time.perf_counter() - started, 1)})
    failed = [c for c in results["claims"] if not c["holds"]]
    print(f"\n{len(results['claims']) - len(failed)} claims hold, {len(failed)} do not; see {out}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
