"""The table of README.md: every workload, tinygan against PyTorch and against NumPy by hand.

    python benchmarks/table.py                  measure twice, write results/ and README.md
    python benchmarks/table.py --seconds 2      faster, coarser
    python benchmarks/table.py --from FILE      README.md from results that are there

Needs PyTorch for the peer (`pip install torch`) and a machine that does nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from tinygan.commands.bench import bench, report

HERE = Path(__file__).parent
TARGETS = {  # the ratios to reach: to PyTorch as its users write it, and tuned
    "mlp-small": (0.67, 1.0),
    "mlp-mid": (0.67, 1.0),
    "mlp-2014": (0.67, 1.0),
    "dcgan28": (0.85, 1.0),
    "dcgan32": (0.85, 1.0),
}
BEGIN, END = "<!-- the table -->", "<!-- its end -->"


def measure(seconds: float, threads: int | None) -> dict[str, Any]:
    """Two runs, one after the other, and the time that `import tinygan` takes."""
    options: dict[str, Any] = {"backends": ["numpy"], "against": ["torch", "by-hand"]}
    runs = [bench(**options, seconds=seconds, threads=threads) for _ in "12"]
    return {"runs": runs, "import_seconds": import_seconds()}


def import_seconds() -> float:
    """Of a new process, less what an empty one takes: the median of eleven."""

    def takes(code: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - started

    return median(takes("import tinygan") - takes("pass") for _ in range(11))


def text(results: dict[str, Any]) -> str:
    """What stands between the marks of README.md."""
    first, second = results["runs"]
    rows = [
        "| workload | to PyTorch | again | wanted | to PyTorch, tuned | again | wanted "
        "| peak MB | PyTorch's |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, (eager, tuned) in TARGETS.items():
        one, two = (
            {r["contender"]: r for r in run["rows"] if r["workload"] == name}
            for run in (first, second)
        )
        memory = [one[who]["peak_memory"] / 2**20 for who in ("numpy", "torch")]
        cells = [
            name,
            *(f"{run['torch']['ratio']:.2f}" for run in (one, two)),
            f"{eager:.2f}",
            *(f"{run['torch-tuned']['ratio']:.2f}" for run in (one, two)),
            f"{tuned:.2f}",
            *(f"{m:.0f}" for m in memory),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n\n".join(
        [
            "Time of tinygan over time of PyTorch, in two runs; less is better:",
            "\n".join(rows),
            f"`import tinygan` takes {results['import_seconds']:.2f} s. The first run in full:",
            report(first, markdown=True),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8, help="for each contender")
    parser.add_argument("--threads", type=int, help="default: all cores")
    parser.add_argument("--from", dest="source", type=Path, help="results that are there")
    args = parser.parse_args()
    if args.source:
        results = json.loads(args.source.read_text())
    else:
        results = measure(args.seconds, args.threads)
        machine = results["runs"][0]["machine"]
        out = HERE / "results" / f"cpu-{machine['date']}-{machine['commit'].rstrip('+')}.json"
        out.parent.mkdir(exist_ok=True)
        out.write_text(json.dumps(results, indent=1) + "\n")
    readme = HERE / "README.md"
    between = re.compile(f"{BEGIN}.*{END}", re.S)
    body = f"{BEGIN}\n\n{text(results)}\n\n{END}"
    readme.write_text(between.sub(lambda _: body, readme.read_text()))
    print(text(results))


if __name__ == "__main__":
    main()
