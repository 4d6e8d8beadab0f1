"""The tables of speed in README.md: tinygan and PyTorch on this machine, quiet and busy.

    python benchmarks/table.py                  measure; add to results/, and write README.md
    python benchmarks/table.py --only busy      measure one part: shapes or busy
    python benchmarks/table.py --seconds 2      faster, less precise
    python benchmarks/table.py --quick          a short form in a minute, which is only printed
    python benchmarks/table.py --write          write README.md from results/

The file of a processor keeps its last two runs, so measure twice, some time apart. Needs PyTorch
(`pip install torch`) and a machine that does nothing else. A row with a CPU quota needs root.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from quota import one_core
from speed_text import QUOTA, block

from tinygan import InputError, environment, storage
from tinygan.backend.cores import cores
from tinygan.commands.bench import DEFAULT, WORKLOADS, bench

HERE = Path(__file__).parent
BEGIN, END = "<!-- the table -->", "<!-- its end -->"
PARTS = ("shapes", "busy")


def shapes(names: Sequence[str], seconds: float) -> dict[str, Any]:
    """The table of `bench` on the quiet machine, and the seconds of `import tinygan`."""
    table = bench(
        names,
        backends=["numpy"],
        against=["torch"],
        threads=[None, 1],
        ranks=[None, 1],
        seconds=seconds,
    )
    return {"import_seconds": import_seconds(), **table}


def import_seconds() -> float:
    """The time of a process that imports tinygan minus that of an empty one: the median of 11."""

    def seconds(code: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - started

    return median(seconds("import tinygan") - seconds("pass") for _ in range(11))


def busy(names: Sequence[str], seconds: float, counts: Sequence[int]) -> dict[str, Any]:
    """A table of `bench` for each number of busy processes, and one with a quota of one core, if
    it can be set."""
    tables = {
        f"{n} busy" if n else "quiet": bench(
            names,
            backends=["numpy"],
            against=["torch-eager"],
            threads=[None, 1],
            busy=n,
            seconds=seconds,
        )
        for n in counts
    }
    with one_core() as prefix, tempfile.TemporaryDirectory() as folder:
        if prefix is not None:
            out = Path(folder, "table.json")
            command = [*prefix, sys.executable, "-m", "tinygan", "bench", *names, "-o", str(out)]
            command += ["--backend", "numpy", "--against", "torch-eager", "--threads", "auto"]
            command += ["--threads", "1", "--seconds", str(seconds)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            tables[QUOTA] = json.loads(out.read_text(encoding="utf-8"))
    return tables


def processor() -> str:
    """The name of the processor, with its family and model, since several can have one name."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    found = dict(re.findall(r"^(?:cpu )?(family|model)\s*: (\d+)$", text, re.MULTILINE))
    numbers = ", ".join(f"{name} {number}" for name, number in found.items())
    return environment.processor() + (f" ({numbers})" if numbers else "")


def add(parts: dict[str, Any]) -> None:
    """Add a run of some parts to the file of this processor."""
    name = f"{processor()}, {cores()} cores"
    path = HERE / "results" / f"speed-{re.sub('[^a-z0-9]+', '-', name.lower())}.json"
    results: dict[str, Any] = {"processor": processor(), "cores": cores(), "shapes": [], "busy": []}
    if path.is_file():
        results = json.loads(path.read_text(encoding="utf-8"))
    for part, run in parts.items():
        results[part] = [*results[part], run][-2:]
    with storage.atomic(str(path)) as file:
        file.write(json.dumps(results, indent=1).encode() + b"\n")


def write() -> None:
    """Write the blocks of all processors into README.md.

    Raises InputError if there are no results."""
    files = sorted(HERE.glob("results/speed-*.json"))
    if not files:
        raise InputError("--write: expected a file results/speed-*.json, found none; measure first")
    body = "\n\n".join(block(json.loads(path.read_text(encoding="utf-8"))) for path in files)
    readme = HERE / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    readme.write_text(f"{before}{BEGIN}\n\n{body}\n\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Measure and write. Bad input ends the program with status 2 and the reason."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=PARTS, help="measure this part only")
    parser.add_argument("--seconds", type=float, default=5, help="for each contender (default: 5)")
    parser.add_argument("--quick", action="store_true", help="a short form, which is only printed")
    parser.add_argument("--write", action="store_true", help="write README.md from results/")
    args = parser.parse_args()
    parts: dict[str, Any] = {}
    try:
        if args.quick:
            parts["shapes"] = shapes(["dcgan28"], 0.5)
            parts["busy"] = busy(["dcgan28"], 0.5, [2])
            runs = {part: [run] for part, run in parts.items()}
            print(block({"processor": processor(), "cores": cores(), **runs}))
            return
        if not args.write and args.only != "busy":
            parts["shapes"] = shapes(list(WORKLOADS), args.seconds)
        if not args.write and args.only != "shapes":
            parts["busy"] = busy(DEFAULT, args.seconds, [0, 1, 2, 4])
        if parts:
            add(parts)
        write()
    except InputError as problem:
        parser.error(str(problem))


if __name__ == "__main__":
    main()
