"""The table in README.md: every workload, tinygan against PyTorch and against NumPy by hand.

    python benchmarks/table.py                  measure twice, write results/ and README.md
    python benchmarks/table.py --seconds 2      faster, less precise
    python benchmarks/table.py --from FILE      write README.md from these results

Needs PyTorch (`pip install torch`) and a machine that does nothing else.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from tinygan.commands.bench import bench, report

HERE = Path(__file__).parent
TARGETS = {  # ratios, at most: to PyTorch as its users write it, and to tuned PyTorch
    "mlp-small": (0.67, 1.0),
    "mlp-mid": (0.67, 1.0),
    "mlp-2014": (0.67, 1.0),
    "dcgan28": (0.85, 1.0),
    "dcgan32": (0.85, 1.0),
}
BEGIN, END = "<!-- the table -->", "<!-- its end -->"


def measure(seconds: float, threads: int | None) -> dict[str, Any]:
    """The tables of two runs of `bench`, and the seconds of `import tinygan`."""
    options: dict[str, Any] = {"backends": ["numpy"], "against": ["torch", "by-hand"]}
    runs = [bench(**options, seconds=seconds, threads=threads) for _ in range(2)]
    return {"runs": runs, "import_seconds": import_seconds()}


def import_seconds() -> float:
    """The time of a process that imports tinygan minus that of an empty one: the median of 11."""

    def seconds(code: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - started

    return median(seconds("import tinygan") - seconds("pass") for _ in range(11))


def text(results: dict[str, Any]) -> str:
    """The text between the two marks in README.md."""
    runs = results["runs"]
    rows = [
        "| workload | to PyTorch | again | target | to PyTorch, tuned | again | target "
        "| peak MB | PyTorch's |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, targets in TARGETS.items():
        found = [{r["contender"]: r for r in run["rows"] if r["workload"] == name} for run in runs]
        cells = [name]
        for peer, target in zip(("torch", "torch-tuned"), targets, strict=True):
            cells += [f"{run[peer]['ratio']:.2f}" for run in found] + [f"{target:.2f}"]
        cells += [f"{found[0][peer]['peak_memory'] / 2**20:.0f}" for peer in ("numpy", "torch")]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n\n".join(
        [
            "The time of tinygan over that of PyTorch, in two runs; less is better:",
            "\n".join(rows),
            f"`import tinygan` takes {results['import_seconds']:.2f} s. The first run in full:",
            report(runs[0], markdown=True),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8, help="for each contender")
    parser.add_argument("--threads", type=int, help="default: all cores")
    parser.add_argument(
        "--from", dest="source", type=Path, metavar="FILE", help="print these results"
    )
    args = parser.parse_args()
    if args.source:
        results = json.loads(args.source.read_text())
    else:
        results = measure(args.seconds, args.threads)
        machine = results["runs"][0]["machine"]
        out = HERE / "results" / f"cpu-{machine['date']}-{machine['commit'].rstrip('+')}.json"
        out.write_text(json.dumps(results, indent=1) + "\n")
    readme, body = HERE / "README.md", text(results)
    before, _, rest = readme.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    readme.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}")
    print(body)


if __name__ == "__main__":
    main()
