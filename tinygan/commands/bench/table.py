"""The table of `tinygan bench`, as text or as Markdown."""

from typing import Any

TITLES = ("workload", "engine", "{} a round", "GFLOP/s", "of peak", "peak MB", "ratio")
NAMES = {
    "torch": "PyTorch",
    "torch-tuned": "PyTorch, tuned",
    "torch-cuda": "PyTorch on the GPU",
    "torch-cuda-compile": "PyTorch, compiled",
    "torch-cuda-graph": "PyTorch, one graph",
    "by-hand": "NumPy by hand",
}


def report(table: dict[str, Any], markdown: bool = False) -> str:
    """The table of `bench` as text, with a legend: machine, versions, and the peak.

    Times are in milliseconds, or in microseconds if the table has rounds of a GPU."""
    unit, seconds = unit_of(table)
    titles = [title.format(unit) for title in TITLES]
    rows = [titles, *(_cells(row, seconds) for row in table["rows"])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("| " + " | ".join(cells) + " |" if markdown else "  ".join(cells).rstrip())
    if markdown:
        bars = ["-" * width if i < 2 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
        lines.insert(1, "| " + " | ".join(bars) + " |")
    missing = [
        f"tinygan, {name}: not available: {why}" for name, why in table["unavailable"].items()
    ]
    blank = [""] * bool(markdown and missing)
    return "\n".join([*lines, *blank, *missing, "", _legend(table)])


def unit_of(table: dict[str, Any]) -> tuple[str, float]:
    """The unit of times in a table of `bench`, and its seconds."""
    fast = any(row["contender"].startswith("cupy") for row in table["rows"])
    return ("us", 1e-6) if fast else ("ms", 1e-3)


def engine(row: dict[str, Any]) -> str:
    """The name of a contender, with its numbers of ranks and threads if they are set."""
    name = row["contender"]
    words = NAMES.get(name, f"tinygan, {name.replace('-eager', ', not captured')}")
    words += f", {row['ranks']} ranks" if row["ranks"] > 1 else ""
    return words + (f", {counted(row['threads'], 'thread')}" if row["threads"] else "")


def _cells(row: dict[str, Any], unit: float) -> list[str]:
    """The cells of a contender, with its time in units of `unit` seconds."""
    size = f", batch {row['batch']}" + (f", width x{row['width']:g}" if row["width"] != 1 else "")
    ratio = ""
    if "ratio" in row:
        low, high = row["ratio_quartiles"]
        ratio = f"{row['ratio']:.2f} ({low:.2f} to {high:.2f})"
    return [
        row["workload"] + size,
        engine(row),
        f"{row['median'] / unit:.3g}",
        f"{row['gflops']:.3g}",
        f"{row['of_peak']:.0%}",
        f"{row['peak_memory'] / 2**20:.0f}" if row["peak_memory"] else "",
        ratio,
    ]


def counted(n: int, unit: str) -> str:
    """The number with its unit: "1 core", "2 cores"."""
    return f"{n} {unit}" + ("" if n == 1 else "es" if unit.endswith("s") else "s")


def _legend(table: dict[str, Any]) -> str:
    """The machine, the versions, and what the columns mean."""
    peaks = ", ".join(f"{peak:.0f} on {name}" for name, peak in table["gemm_peak_gflops"].items())
    precision = "float32, its factors rounded to TF32" if table.get("tf32") else "float32"
    return (
        f"{where(table)}.\n"
        "Medians over alternating slots. Ratio: the time of tinygan over that of the engine, with "
        "the same setting of threads; in parentheses, its quartiles over pairs of neighboring "
        "slots. "
        f"Peak: the fastest large matrix product in {precision}, in GFLOP/s: {peaks}."
    )


def where(table: dict[str, Any]) -> str:
    """The machine and the versions of a table of `bench`, as one line."""
    machine = table["machine"]
    versions = ", ".join(
        f"{name} {machine[name]}"
        for name in ("tinygan", "python", "numpy", "torch", "cupy")
        if name in machine
    )
    busy = f", {counted(table['busy'], 'busy process')}" if table["busy"] else ""
    device = f", {machine['device']}" if "device" in machine else ""
    return (
        f"{machine['processor']}, {counted(machine['cores'], 'core')}{device}{busy}; {versions}; "
        f"{machine['blas']}; commit {machine['commit'] or 'unknown'}, {machine['date']}"
    )
