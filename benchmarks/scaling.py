"""Rounds a second of one process against minibatch size and width, in one figure.

    python benchmarks/scaling.py                measure, write results/ and scaling.png
    python benchmarks/scaling.py --from FILE    draw scaling.png from these results

Dashed lines: the speed if the time were proportional to the floating-point operations.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tinygan.commands.bench import bench

HERE = Path(__file__).parent
MODELS = ("mlp-small", "mlp-mid", "mlp-2014", "dcgan28")
BATCHES = (16, 64, 256, 1024)
WIDTHS = (1, 2, 4, 8)


def measure(seconds: float) -> dict[str, Any]:
    """For each model, time all minibatch sizes at width 1, and all widths at its own size."""
    results: dict[str, Any] = {"batch": [], "width": []}
    for model in MODELS:
        for key, values in (("batch", BATCHES), ("width", WIDTHS)):
            for value in values:
                size: dict[str, Any] = {"batches": [value]} if key == "batch" else {key: value}
                table = bench([model], backends=["numpy"], ranks=[1], seconds=seconds, **size)
                results[key] += table["rows"]
                print(model, key, value, flush=True)
    return {**results, "machine": table["machine"]}


def draw(results: dict[str, Any], path: Path) -> None:
    """Write the figure: rounds a second in the upper panels, GFLOP/s in the lower ones."""
    figure = Figure(figsize=(9, 7), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, 2, sharex="col")
    for column, key in enumerate(("batch", "width")):
        speed, gflops = panels[:, column]
        for i, model in enumerate(MODELS):
            rows = [row for row in results[key] if row["workload"] == model]
            x = [row[key] for row in rows]
            rate = [1 / row["median"] for row in rows]
            by_flops = [rate[0] * rows[0]["flops"] / row["flops"] for row in rows]
            speed.plot(x, rate, "o-", color=f"C{i}", label=model, markersize=4)
            speed.plot(x, by_flops, "--", color=f"C{i}", linewidth=0.8)
            gflops.plot(x, [row["gflops"] for row in rows], "o-", color=f"C{i}", markersize=4)
        speed.set(xscale="log", yscale="log", title=f"against {key}")
        gflops.set(
            xscale="log",
            xlabel="minibatch size" if key == "batch" else "factor of the width",
            ylim=(0, None),
        )
        gflops.set_xticks(x, [str(n) for n in x], minor=False)
        gflops.minorticks_off()
        for axes in (speed, gflops):
            axes.grid(alpha=0.2)
    panels[0, 0].set_ylabel("rounds a second")
    panels[1, 0].set_ylabel("GFLOP/s")
    panels[0, 0].legend(fontsize=8)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2, help="for each point")
    parser.add_argument(
        "--from", dest="source", type=Path, metavar="FILE", help="draw these results"
    )
    args = parser.parse_args()
    if args.source:
        results = json.loads(args.source.read_text(encoding="utf-8"))
    else:
        results = measure(args.seconds)
        machine = results["machine"]
        out = HERE / "results" / f"scaling-{machine['date']}-{machine['commit'].rstrip('+')}.json"
        out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    draw(results, HERE / "scaling.png")


if __name__ == "__main__":
    main()
