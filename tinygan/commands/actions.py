"""What each command of the command line does; from parsed arguments to an exit status."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import parallel
from ..errors import InputError, choose

__all__ = [
    "MOST",
    "bench",
    "doctor",
    "evaluate",
    "info",
    "reproduce",
    "sample",
    "stop",
    "train",
    "verify",
]

if TYPE_CHECKING:
    from ..training import RunFolder


MOST = 1 << 16  # samples in one picture
SWITCH = ("on", "off")


def stop(status: int, message: str) -> int:
    """Say why on stderr, once for all ranks where there are several; the exit status."""
    message = parallel.last_words(status, message)
    if sys.stderr is not None and message:
        with contextlib.suppress(OSError):  # nobody can read it; the status still tells
            print(f"tinygan: {message}", file=sys.stderr, flush=True)
    return status


def train(args: argparse.Namespace) -> int:
    from ..training import Config, Interrupted, resume, train
    from ..training.config import flag

    given = {
        field.name: getattr(args, field.name)
        for field in fields(Config)
        if getattr(args, field.name) is not None
    }
    watched: dict[str, Any] = {
        "progress": not args.quiet,
        "doctor": choose("--doctor", args.doctor, SWITCH) == "on",
        "comm": parallel.join(),
    }
    try:
        if args.resume is not None:
            fixed = [flag(name) for name in given if name not in ("steps", "backend", "no_graph")]
            if args.out is not None or fixed:
                raise InputError(
                    f"{(fixed or ['--out'])[0]}: --resume goes on with the options of the run; "
                    "only --steps, --backend and --no-graph may be given with it"
                )
            folder = resume(args.resume, **watched, **given)
        else:
            folder = train(Config(**given), args.out, **watched)
    except Interrupted as interruption:
        path, step = interruption.args
        return stop(
            130,
            f"stopped after round {step}, and saved. Go on with\n  tinygan train --resume {path}",
        )
    if watched["comm"].rank == 0:
        print(_farewell(folder))
    return 0


def _farewell(folder: RunFolder) -> str:
    path, steps = folder.path, json.loads(folder.config.read_text())["steps"]
    looks = "\n  health.jsonl             what the doctor saw, for tinygan doctor"
    return f"""
{path}
  samples.png              what the generator draws
  progress.gif             the same noise through training
  curves.png               losses, D(x) and D(G(z)); the numbers are in log.csv
  checkpoint.safetensors   everything, to draw from or to go on with; config.json
  states.jsonl             SHA-256 of the state, for tinygan verify{looks * folder.health.exists()}

Try next
  tinygan sample {path} --interpolate -o walk.png
  tinygan evaluate {path} --against train
  tinygan train --resume {path} --steps {2 * steps}
  tinygan train --game least-squares"""


def doctor(args: argparse.Namespace) -> int:
    from .doctor import report

    print(report(args.folder))
    return 0


def verify(args: argparse.Namespace) -> int:
    from ..training import verify

    comm = parallel.join()
    shown = comm.rank == 0 and not args.quiet and sys.stderr is not None and sys.stderr.isatty()

    def told(step: int, last: int) -> None:
        if shown:
            print(f"\rround {step} of {last} ", end="", file=sys.stderr, flush=True)

    found = verify(args.folder, start=args.start, told=told, comm=comm)
    if shown:
        print(file=sys.stderr)
    if comm.rank > 0:
        return int(found.differs is not None)
    for warning in found.warnings:
        print(f"! {warning}: equal bits are promised only where nothing differs")
    if found.differs is None:
        count, first, last = len(found.agreed), found.agreed[0], found.agreed[-1]
        idle = "" if found.played else "; no round was played, as nothing was recorded after it"
        print(f"{args.folder}: all states agree, {count} from step {first} to {last}{idle}")
        return 0
    before = f"; it agreed until step {found.agreed[-1]}" if found.agreed else ""
    print(
        f"{args.folder}: the state at step {found.differs} differs{before}\n"
        f"  recorded {found.recorded} in {found.file}\n  now      {found.now}"
    )
    return 1


def sample(args: argparse.Namespace) -> int:
    from .. import plots
    from ..metrics.evaluation import finite
    from ..training import Sampler

    if not 1 <= args.n <= MOST:
        raise InputError(f"-n: expected 1 to {MOST}, got {args.n}")
    if args.seed < 0:
        raise InputError(f"--seed: expected at least 0, got {args.seed}")
    out = Path(args.o)
    _check_picture("-o", args.o)
    sampler = Sampler(args.folder, args.backend)
    columns = min(8, max(2, args.n)) if args.interpolate else None
    with _named(args.folder):
        if columns is not None:
            images = finite(sampler.walk(math.ceil(args.n / columns), columns, seed=args.seed))
        else:
            images = finite(sampler.draw(args.n, seed=args.seed))
    plots.save_png(out, plots.grid(images, columns, low=sampler.pair.low))
    drawn = f"{len(images)} sample{'' if len(images) == 1 else 's'}"
    print(f"{out}: {drawn} of {args.folder}, seed {args.seed}")
    return 0


def evaluate(args: argparse.Namespace) -> int:
    import numpy as np

    from ..metrics import evaluation, report
    from ..metrics.classifier import Classifier
    from ..storage import atomic
    from ..training import Sampler

    if not evaluation.LEAST <= args.n <= MOST:
        raise InputError(f"--n: expected {evaluation.LEAST} to {MOST}, got {args.n}")
    if args.seed < 0:
        raise InputError(f"--seed: expected at least 0, got {args.seed}")
    sampler, rng = Sampler(args.folder, args.backend), np.random.default_rng(args.seed)
    data, picture = (sampler.folder / f"evaluation.{kind}" for kind in ("json", "png"))
    _check_writable(args.folder, str(data))
    real = evaluation.real(sampler.config.data, args.against, args.n, rng=rng)
    judge, n = Classifier.shipped(args.backend), len(real.reference)
    with _named(args.folder):
        samples = evaluation.as_images(sampler.draw(n, seed=args.seed), sampler.pair.low)
    told = lambda name: print(f"measuring {name} ...", file=sys.stderr, flush=True)  # noqa: E731
    rows = evaluation.evaluate(samples, real, judge, rng=rng, told=told)
    warnings, notes = report.warnings(rows), report.notes(rows, real)
    what = f"{n} samples of {args.folder}, seed {args.seed}, against {n} {real.named}"
    if n < args.n:
        notes.insert(0, f"{n} samples, not {args.n}: there are no more real images to compare with")
    found = {"n": n, "against": real.named, "seed": args.seed, "classifier": judge.sha256}
    found |= {"rows": rows, "warnings": warnings, "notes": notes}
    text = json.dumps(found, indent=1, allow_nan=False)  # before a NaN could be shown
    print(f"{what}\n\n{report.table(rows)}\n")
    print(*(f"! {line}" for line in warnings), *(f"- {line}" for line in notes), sep="\n")
    print(f"- the classifier's weights have the SHA-256 {judge.sha256}")
    with atomic(data) as file:
        file.write(text.encode() + b"\n")
    report.picture(picture, rows, what)
    print(f"\n{data}, {picture}")
    return 0


def reproduce(args: argparse.Namespace) -> int:
    from ..experiments.reproduce import EXPERIMENTS, listing, picture, reproduce, table

    if args.list or args.name is None:
        print(listing(*filter(None, [args.name])))
        return 0
    for name in ("seeds", "epochs", "labels"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise InputError(f"--{name}: expected at least 1, got {value}")
    _check_writable("--out", args.out)
    given = {"epochs": args.epochs, "labels": args.labels}
    options = {name: value for name, value in given.items() if value is not None}
    told = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
    kept = {"history": args.out, "resume": args.resume}
    seeds = range(args.seeds)
    outcomes = reproduce(args.name, seeds, told=told, where=args.backend, **kept, **options)
    print(table(args.name, outcomes))
    drawn = picture(args.name, args.out)
    print(f"\nkept in {args.out}" + (f"; {drawn}" if EXPERIMENTS[args.name].draw else ""))
    return 0


def bench(args: argparse.Namespace) -> int:
    from ..storage import atomic
    from .bench import WORKLOADS, bench, report

    if args.o is not None:
        _check_writable("-o", args.o)
    table = bench(
        args.workloads or list(WORKLOADS),
        backends=args.backend,
        against=args.against,
        threads=args.threads,
        seconds=args.seconds,
        batch=args.batch,
        width=args.width,
        tf32=args.tf32,
    )
    print(report(table))
    if args.o:
        with atomic(args.o) as file:
            file.write(json.dumps(table, indent=1).encode() + b"\n")
    return 0


@contextlib.contextmanager
def _named(run: str) -> Iterator[None]:
    """In this block, an InputError begins with the name of the run."""
    try:
        yield
    except InputError as problem:
        raise InputError(f"{run}: {problem}") from problem


def _check_picture(option: str, name: str) -> None:
    if Path(name).suffix.lower() != ".png":
        raise InputError(f"{option}: expected the name of a .png file, got {name!r}")
    _check_writable(option, name)


def _check_writable(option: str, name: str) -> None:
    """Before any work, see that a file of that name can be written, by writing one beside it."""
    path = Path(name)
    if not name or path.is_dir():
        raise InputError(f"{option}: expected a file to write, got {name!r}")
    if not path.resolve().parent.is_dir():
        raise InputError(f"{option} {name}: there is no folder {path.resolve().parent}")
    try:
        tempfile.TemporaryFile(dir=path.resolve().parent).close()
    except OSError as problem:
        raise InputError(
            f"{option} {name}: the folder cannot be written to ({problem.strerror})"
        ) from problem


def info(args: argparse.Namespace) -> int:
    from ..environment import report

    print(report())
    return 0
