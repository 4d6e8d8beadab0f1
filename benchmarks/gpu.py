"""All that is claimed of a GPU, tried on one: needs CuPy, and PyTorch for the peers; no network.

    python benchmarks/gpu.py                      everything, in some ten minutes
    python benchmarks/gpu.py --only tests replay  some of: tests replay numpy bench tf32
    python benchmarks/gpu.py --out FILE.json      (default: a new file in results/)

It writes one JSON and prints one table: each claim, what was measured, and whether it holds.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # a bare machine cannot install the package
os.environ["PYTHONPATH"] = str(HERE.parent)  # and so for the processes that are timed

from tinygan import backend, gan, models, optim  # noqa: E402
from tinygan.bench import bench, report  # noqa: E402
from tinygan.bench.measure import machine  # noqa: E402
from tinygan.data import Minibatches, load  # noqa: E402
from tinygan.nn import Dropout  # noqa: E402
from tinygan.philox import Philox  # noqa: E402
from tinygan.replay import Replay  # noqa: E402

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
    """A game on `where`, in `dtype`, with noise by Philox: recorded or played."""

    def __init__(self, model: str, where: str, dtype: Any, record: bool, batch: int = 64) -> None:
        shape = (3, 32, 32) if model == "dcgan32" else (1, 28, 28)
        pair = models.build(model, shape, rng=np.random.default_rng(0))
        images = np.random.default_rng(1).integers(256, size=(2000, *shape), dtype=np.uint8)
        images = load("digits").images if shape[0] == 1 else images
        self.G, self.D = (net.astype(dtype).to(where) for net in (pair.G, pair.D))
        noise = Philox(0)
        for layer in self.D.modules():
            if isinstance(layer, Dropout):
                layer.rng = noise
        x = Minibatches(images, rng=np.random.default_rng(2), low=pair.low, where=where)
        self.opt_g, self.opt_d = (
            optim.Adam(net.parameters(), 2e-4, (0.5, 0.999)) for net in (self.G, self.D)
        )
        z = pair.noise(noise)

        def start() -> Any:
            return gan.play(
                gan.non_saturating, self.G, self.D, lambda m: x(m).astype(dtype), z,
                self.opt_g, self.opt_d, m=batch,
            )  # fmt: skip

        self.rounds: Any = Replay(start, backend.get(where)) if record else start()

    def play(self, n: int) -> None:
        for _ in itertools.islice(self.rounds, n):
            pass

    def state(self) -> dict[str, np.ndarray]:
        owners = {"G": self.G, "D": self.D, "opt_g": self.opt_g, "opt_d": self.opt_d}
        return {
            f"{name}/{key}": backend.of(value).to_host(value)
            for name, owner in owners.items()
            for key, value in owner.state_dict().items()
        }


def tests() -> list[Claim]:
    """The tests that need a GPU, and those of the engine's parts for it."""
    files = [str(p) for p in sorted((HERE.parent / "tests").glob("test_*.py"))
             if p.stem in ("test_gpu", "test_replay", "test_philox", "test_backend")
             or p.stem.startswith("test_cuda")]  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", *files],
        capture_output=True,
        text=True,
        cwd=HERE.parent,
    )
    print("\n".join(ran.stdout.splitlines()[-60:]), ran.stderr[-2000:])
    last = (ran.stdout.strip().splitlines() or ["nothing"])[-1]
    return [claim("the tests pass on CuPy", last, ran.returncode == 0)]


def replay() -> list[Claim]:
    """Recorded rounds equal played ones bit for bit; the memory of a graph stays as it is."""
    claims = []
    for model in models.MODELS:
        played, recorded = (Match(model, "cupy", np.float32, r) for r in (False, True))
        recorded.play(4)
        rounds, held = recorded.rounds, backend.get("cupy").held()
        if not rounds.recorded:
            claims.append(claim(f"{model}: a round is recorded", rounds.why, False))
            continue
        recorded.play(996)
        grown = backend.get("cupy").held() - held
        played.play(1000)
        ours, theirs = recorded.state(), played.state()
        other = [name for name in ours if not np.array_equal(ours[name], theirs[name])]
        claims.append(claim(f"{model}: recorded equals played after 1000 rounds, bit for bit",
                            other or "equal", not other))  # fmt: skip
        claims.append(
            claim(f"{model}: memory grows by no byte over 996 launches", grown, not grown)
        )
        nodes = rounds.graph()
        count = nodes.count("label=")
        claims.append(claim(f"{model}: a graph without nodes of memory", f"{count} nodes",
                            "MEM_ALLOC" not in nodes.upper()))  # fmt: skip
    return claims


def numpy() -> list[Claim]:
    """CuPy and NumPy, from the same weights and noise, in float64."""
    claims = []
    for model in ("mlp-small", "mlp-2014", "dcgan28-slim"):
        matches = [
            Match(model, where, np.float64, where == "cupy", 16) for where in ("cupy", "numpy")
        ]
        for match in matches:
            match.play(200)
        ours, theirs = (match.state() for match in matches)
        weights = [name for name in ours if name.startswith(("G/", "D/"))]
        apart = max(np.abs(ours[n] - theirs[n]).max() / np.abs(theirs[n]).max() for n in weights)
        claims.append(claim(f"{model}: CuPy and NumPy agree after 200 rounds in float64",
                            f"{apart:.1e}", apart < 1e-6))  # fmt: skip
    return claims


def times(tf32: bool, workloads: list[str]) -> tuple[list[Claim], dict[str, Any]]:
    table = bench(workloads, backends=["cupy"], against=["torch"], seconds=1.5, tf32=tf32)
    print(report(table))
    claims = []
    for name in workloads:
        rows = {row["contender"]: row for row in table["rows"] if row["workload"] == name}
        ours = rows["cupy"]["median"]
        eager, graph, limit = WANTED[name]
        precision = "TF32" if tf32 else "float32"
        for peer, most in (("torch-cuda", eager), ("torch-cuda-graph", graph)):
            ratio = rows[peer]["ratio"]
            what = f"{name}, {precision}: at most {most:g} of {peer}"
            claims.append(claim(what, f"{ratio:.2f}", ratio <= most))
        if limit and not tf32:
            what = f"{name}: at most {limit} microseconds a round"
            claims.append(claim(what, f"{ours * 1e6:.0f}", ours * 1e6 <= limit))
    return claims, table


def main() -> int:
    parser = argparse.ArgumentParser(description="Try on a GPU all that is claimed of one.")
    parts = ["tests", "replay", "numpy", "bench", "tf32"]
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    problem = backend.survey()["cupy"]
    if problem is not None:
        print(problem)
        return 2
    results: dict[str, Any] = {"machine": machine(), "claims": [], "seconds": {}}
    commit = results["machine"]["commit"].rstrip("+") or "unknown"
    out = options.out or HERE / f"results/gpu-{time.strftime('%Y-%m-%d')}-{commit}.json"
    run: dict[str, Callable[[], Any]] = {
        "tests": tests,
        "replay": replay,
        "numpy": numpy,
        "bench": lambda: times(False, list(WANTED)),
        "tf32": lambda: times(True, ["mlp-mid", "dcgan32"]),
    }
    for part in options.only:
        started = time.perf_counter()
        try:
            found = run[part]()
        except Exception as failure:  # the other parts are worth having
            found = [claim(part, f"{type(failure).__name__}: {failure}", False)]
        if isinstance(found, tuple):
            found, results[part] = found
        results["claims"] += found
        results["seconds"][part] = round(time.perf_counter() - started, 1)
        out.write_text(json.dumps(results, indent=1) + "\n")  # what is done is kept
    failed = [c for c in results["claims"] if not c["holds"]]
    print(f"\n{len(results['claims']) - len(failed)} claims hold, {len(failed)} do not; see {out}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
