"""The lab: what its exhibits do over five seeds, its speed and its memory.

    python benchmarks/lab.py museum              writes tinygan/lab/measured.json, prints the table
    python benchmarks/lab.py museum sign rates   measures these exhibits again
    python benchmarks/lab.py frames              pictures a second, first picture, memory
    python benchmarks/lab.py frames --minutes 1  memory over one minute instead of ten

Each exhibit and the right program are played with the same settings and seeds. The losses and
D's outputs are means over the last 200 rounds. `in_curves` says that one of these four separates
the two programs: all seeds of one lie on the same side of all seeds of the other, and the means are
further apart than CLEAR and than the right program's values are from each other.
"""

import argparse
import functools
import json
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from tinygan.environment import machine
from tinygan.errors import InputError, choose
from tinygan.lab import exhibits, source
from tinygan.lab.picture import Camera
from tinygan.lab.run import CURVES, Run
from tinygan.lab.session import Session
from tinygan.lab.settings import read_query
from tinygan.storage import atomic

SEEDS, LAST = range(5), 200
CLEAR = 0.1  # a difference of losses, or of probabilities, that shows in a picture of the curves
MEASURED = Path(exhibits.__file__).with_name("measured.json")
SHOWN = ("modes", "share", *CURVES)


@functools.cache
def play(query: str, rounds: int, seed: int, name: str) -> dict[str, Any]:
    """The symptoms of one run with the changes of an exhibit, or without if `name` is empty."""
    settings = replace(read_query(query), seed=seed)
    run = Run(settings, source.load(exhibits.texts(name) if name else {}))
    run.play(rounds)
    curves = run.take_curves()
    head, _ = Camera(run).take()
    found: dict[str, Any] = {"modes": head["modes"], "share": head["share"]}
    for curve in CURVES:
        last = [value for value in curves[curve][-LAST:] if value is not None]
        found[curve] = round(statistics.fmean(last), 4) if last else None
    diagnoses = [each["name"] for each in run.diagnoses]
    return found | {"diagnoses": diagnoses + (["stopped"] if run.stopped else [])}


def measure(name: str) -> dict[str, Any]:
    """The symptoms of an exhibit and of the right program, and whether the curves tell them
    apart."""
    _, query, rounds = exhibits.MISTAKES[name]
    found: dict[str, Any] = {"query": query, "rounds": rounds}
    for label, changes in (("right", ""), ("wrong", name)):
        runs = [play(query, rounds, seed, changes) for seed in SEEDS]
        found[label] = {key: [run[key] for run in runs] for key in runs[0]}
    found["in_curves"] = any(
        separates(found["right"][curve], found["wrong"][curve]) for curve in exhibits.CURVES
    )
    return found


def separates(right: list[Any], wrong: list[Any]) -> bool:
    """Return whether a curve tells two programs apart: see the top of this file."""
    if None in wrong:  # not finite
        return True
    apart = max(right) < min(wrong) or max(wrong) < min(right)
    distance = abs(statistics.fmean(right) - statistics.fmean(wrong))
    return apart and distance > max(CLEAR, max(right) - min(right))


def museum(names: list[str]) -> None:
    """Measure exhibits, all if none is named, and write down each as soon as it is measured."""
    for name in names or exhibits.MISTAKES:
        found = measure(name)
        print(row(name, found), flush=True)
        measured = (
            json.loads(MEASURED.read_text(encoding="utf-8"))
            if MEASURED.is_file()
            else {"exhibits": {}}
        )
        measured["machine"] = machine()
        measured["exhibits"][name] = found
        with atomic(MEASURED) as file:
            file.write(json.dumps(measured, indent=1).encode() + b"\n")


def row(name: str, found: dict[str, Any]) -> str:
    """The means of both programs, and the diagnoses of the wrong one."""
    lines = [f"{name}  {found['query']}  {'in' if found['in_curves'] else 'not in'} the curves"]
    for label in ("right", "wrong"):
        runs = found[label]
        values = [
            f"{key} {statistics.fmean(runs[key]):.3g} [{min(runs[key]):.3g}, {max(runs[key]):.3g}]"
            for key in SHOWN
            if None not in runs[key] and runs.get(key)
        ]
        doctor = exhibits.summary({"diagnoses": runs["diagnoses"]})["diagnoses"]
        lines.append(f"   {label:5} {', '.join(values)}; {doctor or 'no finding'}")
    return "\n".join(lines)


def frames(minutes: float) -> None:
    """Print the time to the first picture in a new process, pictures of 5 rounds a second, and the
    memory over these minutes of play."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", FIRST], check=True)
    print(f"first picture {time.perf_counter() - start:.2f} s after the start of Python")
    session = Session()
    start = time.perf_counter()
    ask(session, op="start", query="")
    print(f"and {time.perf_counter() - start:.3f} s after a request, once the server runs")
    times = []
    for _ in range(200):
        start = time.perf_counter()
        ask(session, op="play", rounds=5)
        times.append(time.perf_counter() - start)
    print(f"{1 / statistics.median(times):.0f} pictures of 5 rounds a second (median of 200)")
    begin = time.monotonic()
    for part in range(11):
        while time.monotonic() < begin + 6 * minutes * part:
            ask(session, op="play", rounds=5)
        print(f"after {minutes * part / 10:4.1f} minutes {memory():6.1f} MB", flush=True)


FIRST = """
from tinygan.lab.session import Session
Session().answer(b'{"op": "start"}')
"""


def ask(session: Session, **message: Any) -> None:
    """Send a request. Raises RuntimeError if the reply is an error."""
    reply = session.answer(json.dumps(message).encode())
    if reply[4:].startswith(b'{"error"'):
        raise RuntimeError(reply[4:].decode())


def memory() -> float:
    """The memory of this process in megabytes: its pages on Linux."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    exhibit = commands.add_parser("museum", help="measure exhibits")
    exhibit.add_argument("names", nargs="*", metavar="NAME", help=", ".join(exhibits.MISTAKES))
    speed = commands.add_parser("frames", help="measure speed and memory")
    speed.add_argument("--minutes", type=float, default=10, help="of the measurement of memory")
    args = parser.parse_args()
    if args.command == "frames":
        frames(args.minutes)
        return
    try:
        for name in args.names:
            choose("exhibit", name, exhibits.MISTAKES)
    except InputError as problem:
        parser.error(str(problem))
    museum(args.names)


if __name__ == "__main__":
    main()
