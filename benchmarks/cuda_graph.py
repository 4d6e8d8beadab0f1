"""Draw the CUDA graph of a round: a box for each node, in the order of execution.

python benchmarks/cuda_graph.py [--model mlp-mid] [-o graph.png]
"""

import argparse
import re
from collections import Counter
from pathlib import Path

from tinygan.errors import InputError
from tinygan.storage import save_figure
from tinygan.training import Config, Session

# The kinds of nodes: a pattern for the label (the first that is found counts), and the color.
KINDS = {
    "copy": ("memcpy", "tab:gray"),
    "fill": ("memset", "tab:olive"),
    "matrix product": ("gemm|gemv|cutlass|cublas|splitk|xmma", "tab:blue"),
    "convolution": ("rows_to_images|images_to_rows", "tab:cyan"),
    "optimizer": ("adam", "tab:red"),
    "noise": ("normal|uniform", "tab:purple"),
    "sum or maximum": ("reduce|sum|max|largest|shares|amax", "tab:orange"),
    "elementwise": ("", "tab:green"),
}
COLUMNS = 20


def kinds(dot: str) -> list[str]:
    """The kind of each node of a graph in the language of Graphviz."""
    labels = re.findall(r'\[[^\]]*?label="((?:[^"\\]|\\.)*)"', dot, re.DOTALL)
    return [
        next(
            kind for kind, (pattern, _) in KINDS.items() if re.search(pattern, label, re.IGNORECASE)
        )
        for label in labels
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the CUDA graph of one round (needs a GPU).")
    parser.add_argument("--model", default="mlp-mid", help="default: mlp-mid")
    parser.add_argument("-o", default="graph.png", help="the picture (default: graph.png)")
    args = parser.parse_args()
    if not args.o.endswith(".png"):
        parser.error(f"-o: expected the name of a .png file, got {args.o!r}")
    try:
        nodes = Session(Config(model=args.model, backend="cupy")).captured_graph()
    except InputError as problem:
        parser.error(str(problem))
    count = draw(nodes, args.o)
    print(f"{args.o}: {count} nodes, one round of {args.model}")


def draw(dot: str, path: str | Path) -> int:
    """Write the picture of a graph as PNG; return the number of nodes."""
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyBboxPatch, Patch

    nodes = kinds(dot)
    rows = max(1, -(-len(nodes) // COLUMNS))
    figure = Figure(figsize=(10, 1.5 + 0.45 * rows), layout="constrained")
    axes = figure.subplots()
    for i, kind in enumerate(nodes):
        x, y, color = i % COLUMNS, -(i // COLUMNS), KINDS[kind][1]
        style = "round,pad=0.05"
        axes.add_patch(FancyBboxPatch((x - 0.36, y - 0.3), 0.72, 0.6, boxstyle=style, color=color))
        axes.text(x, y, str(i), ha="center", va="center", fontsize=6, color="white")
    axes.set_xlim(-0.6, COLUMNS - 0.4)
    axes.set_ylim(0.6 - rows, 0.6)
    axes.axis("off")
    axes.set_title(f"one round of Algorithm 1: {len(nodes)} nodes, launched as one", fontsize=10)
    counted = Counter(nodes)
    figure.legend(
        handles=[Patch(color=KINDS[k][1], label=f"{k}: {n}") for k, n in counted.most_common()],
        loc="outside lower center",
        ncols=4,
        frameon=False,
        fontsize=8,
    )
    save_figure(figure, path)
    return len(nodes)


if __name__ == "__main__":
    main()
