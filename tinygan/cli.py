"""The command line: tinygan train, sample, bench, info.

Exit status: 0 done; 2 what was given cannot be used, with one line that says why; 130 stopped by
Ctrl-C, after saving. A traceback is always a defect of tinygan.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

from .errors import InputError

__all__ = ["main"]

MOST = 1 << 16  # samples in one picture


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit status."""
    smaller = "less"
    try:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a name may have letters that it cannot show
                stream.reconfigure(errors="backslashreplace")
        args = _parse(argv)
        smaller = args.smaller
        status = int(args.run(args))
        print(end="", flush=True)
        return status
    except InputError as problem:
        return _stop(2, str(problem))
    except KeyboardInterrupt:
        return _stop(130, "stopped")
    except MemoryError:
        return _stop(2, f"out of memory; ask for {smaller}")
    except BrokenPipeError:  # whoever read the output, as `head` does, has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        return _stop(2, f"{where}{problem.strerror or problem}")


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    args, extra = parser.parse_known_args(argv)
    if extra:
        raise InputError(f"{extra[0]}: no such argument; see {parser.prog} {args.command} --help")
    return args


def _stop(status: int, message: str) -> int:
    if sys.stderr is not None:
        with contextlib.suppress(OSError):  # nobody can read it; the status still tells
            print(f"tinygan: {message}", file=sys.stderr, flush=True)
    return status


class _Parser(argparse.ArgumentParser):
    """Wrong usage is one line, as all that is wrong."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    from . import __version__
    from .bench.workloads import WORKLOADS
    from .training.config import Config, flag, option_type

    parser = _Parser(prog="tinygan", description="Generative adversarial networks from scratch.")
    parser.add_argument("--version", action="version", version=f"tinygan {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    train = commands.add_parser(
        "train",
        help="train a GAN by Algorithm 1",
        description="Train a GAN by Algorithm 1 of Goodfellow et al. 2014 and leave a run folder.",
    )
    for field in fields(Config):
        name, default, meaning = flag(field.name), field.default, field.metadata["help"]
        shown = "the model has its own" if default is None else default
        if isinstance(default, bool):
            train.add_argument(name, action="store_true", default=None, help=meaning)
        else:
            train.add_argument(
                name,
                type=option_type(default),
                metavar=field.name.upper() if isinstance(default, str) else "N",
                help=f"{meaning} (default: {shown})",
            )
    train.add_argument("--out", metavar="DIR", help="the run folder (default: a new one in runs/)")
    train.add_argument("--resume", metavar="RUN", help="go on with a run, to its end or to --steps")
    train.add_argument("--quiet", action="store_true", help="no progress bar")
    train.set_defaults(run=_train, smaller="a smaller --batch")

    sample = commands.add_parser(
        "sample",
        help="draw samples from a run",
        description="Draw samples from the generator of a run.",
    )
    sample.add_argument("folder", metavar="RUN", help="a run folder, or a checkpoint file")
    sample.add_argument(
        "-n", type=int, default=64, metavar="N", help=f"how many, up to {MOST} (default: 64)"
    )
    sample.add_argument(
        "-o", default="samples.png", metavar="FILE", help="a .png file (default: samples.png)"
    )
    sample.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the noise (default: 0)"
    )
    sample.add_argument(
        "--interpolate",
        action="store_true",
        help="each row of eight walks from one noise to another; -n is rounded up to whole rows",
    )
    sample.add_argument(
        "--backend", default="numpy", metavar="NAME", help="numpy, cupy, cupy:1 (default: numpy)"
    )
    sample.set_defaults(run=_sample, smaller="fewer samples by -n")

    judged = commands.add_parser(
        "evaluate",
        help="measure a run's samples beside real images and bad ones",
        description="Measure the samples of a run on digits, each measure between its floor (real "
        "images) and its controls; leaves evaluation.json and evaluation.png in the run folder.",
    )
    judged.add_argument("folder", metavar="RUN", help="a run folder, or a checkpoint file")
    judged.add_argument(
        "--n", type=int, default=10_000, metavar="N", help="how many samples (default: 10000)"
    )
    judged.add_argument(
        "--against",
        default="test",
        metavar="SPLIT",
        help="the real images: test, or train, which needs no download (default: test)",
    )
    judged.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of all draws (default: 0)"
    )
    judged.set_defaults(run=_evaluate, smaller="fewer samples by --n")

    again = commands.add_parser(
        "reproduce",
        help="measure a published figure by its own protocol",
        description="Measure published figures anew: ours, published, verdict.",
    )
    again.add_argument("name", nargs="?", metavar="NAME", help="see --list")
    again.add_argument("--list", action="store_true", help="what there is, and how long it takes")
    again.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="how many, from 0 on (default: 1)"
    )
    again.add_argument("--epochs", type=int, metavar="N", help="where the experiment trains")
    again.add_argument(
        "--out",
        default="reproduced.json",
        metavar="FILE",
        help="the history to which a record is added (default: reproduced.json)",
    )
    again.set_defaults(run=_reproduce, smaller="less")

    bench = commands.add_parser(
        "bench",
        help="time a round of Algorithm 1 on this machine",
        description="Time rounds of Algorithm 1 on this machine: each contender in a process of "
        "its own, in turn.",
    )
    bench.add_argument(
        "workloads",
        nargs="*",
        metavar="WORKLOAD",
        help=f"of {', '.join(WORKLOADS)} (default: all)",
    )
    bench.add_argument(
        "--backend",
        action="append",
        metavar="NAME",
        help="may be repeated (default: all that work)",
    )
    bench.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="PEER",
        help="torch (eager, and tuned) or by-hand (NumPy without an engine); may be repeated",
    )
    bench.add_argument("--threads", type=int, metavar="N", help="default: all cores")
    bench.add_argument("--batch", type=int, metavar="N", help="default: the workload's own")
    bench.add_argument(
        "--width", type=float, default=1, metavar="X", help="of hidden layers: times X"
    )
    bench.add_argument(
        "--seconds", type=float, default=5, metavar="S", help="for each contender (default: 5)"
    )
    bench.add_argument(
        "--tf32", action="store_true", help="on a GPU: round the factors of products to TF32"
    )
    bench.add_argument("-o", metavar="FILE", help="write the figures as JSON, too")
    bench.set_defaults(run=_bench, smaller="a smaller --batch or --width")

    info = commands.add_parser("info", help="versions, BLAS, and which backends work")
    info.add_argument(
        "--graph", metavar="FILE", help="draw a round's CUDA graph as a picture (.png)"
    )
    info.add_argument(
        "--model", default="mlp-mid", metavar="MODEL", help="for --graph (default: mlp-mid)"
    )
    info.set_defaults(run=_info, smaller="less")
    return parser


def _train(args: argparse.Namespace) -> int:
    from .training import Config, Interrupted, resume, train
    from .training.config import flag

    given = {
        field.name: getattr(args, field.name)
        for field in fields(Config)
        if getattr(args, field.name) is not None
    }
    try:
        if args.resume is not None:
            fixed = [flag(name) for name in given if name not in ("steps", "backend", "no_graph")]
            if args.out is not None or fixed:
                raise InputError(
                    f"{(fixed or ['--out'])[0]}: --resume goes on with the options of the run; "
                    "only --steps, --backend and --no-graph may be given with it"
                )
            folder = resume(args.resume, progress=not args.quiet, **given)
        else:
            folder = train(Config(**given), args.out, progress=not args.quiet)
    except Interrupted as stop:
        path, step = stop.args
        return _stop(
            130,
            f"stopped after round {step}, and saved. Go on with\n  tinygan train --resume {path}",
        )
    print(_farewell(folder.path, json.loads(folder.config.read_text())["steps"]))
    return 0


def _farewell(path: Path, steps: int) -> str:
    return f"""
{path}
  samples.png              what the generator draws
  progress.gif             the same noise through training
  curves.png               losses, D(x) and D(G(z)); the numbers are in log.csv
  checkpoint.safetensors   everything, to draw from or to go on with; config.json

Try next
  tinygan sample {path} --interpolate -o walk.png
  tinygan train --resume {path} --steps {2 * steps}
  tinygan train --game least-squares"""


def _sample(args: argparse.Namespace) -> int:
    from . import plots
    from .training import Sampler

    if not 1 <= args.n <= MOST:
        raise InputError(f"-n: expected 1 to {MOST}, got {args.n}")
    if args.seed < 0:
        raise InputError(f"--seed: expected at least 0, got {args.seed}")
    out = Path(args.o)
    _check_picture(args.o)
    sampler = Sampler(args.folder, args.backend)
    if args.interpolate:
        columns = min(8, max(2, args.n))
        images = sampler.walk(math.ceil(args.n / columns), columns, seed=args.seed)
    else:
        columns, images = None, sampler.draw(args.n, seed=args.seed)
    plots.save_png(out, plots.grid(images, columns, low=sampler.pair.low))
    drawn = f"{len(images)} sample{'' if len(images) == 1 else 's'}"
    print(f"{out}: {drawn} of {args.folder}, seed {args.seed}")
    return 0


def _evaluate(args: argparse.Namespace) -> int:
    import numpy as np

    from . import plots
    from .files import atomic
    from .metrics import evaluation
    from .metrics.classifier import Classifier
    from .training import Sampler

    if not evaluation.LEAST <= args.n <= MOST:
        raise InputError(f"--n: expected {evaluation.LEAST} to {MOST}, got {args.n}")
    if args.seed < 0:
        raise InputError(f"--seed: expected at least 0, got {args.seed}")
    sampler, rng = Sampler(args.folder), np.random.default_rng(args.seed)
    real = evaluation.real(sampler.config.data, args.against, args.n, rng=rng)
    judge, low = Classifier.shipped(), sampler.pair.low
    samples = sampler.draw(len(real.reference), seed=args.seed)
    if samples.shape[1:] != (1, 28, 28):
        raise InputError(f"{args.folder}: makes images of shape {samples.shape[1:]}, not digits")
    samples = np.clip((samples - low) / (1 - low), 0, 1)
    told = lambda name: print(f"measuring {name} ...", file=sys.stderr, flush=True)  # noqa: E731
    rows = evaluation.evaluate(samples, real, judge, rng=rng, told=told)
    said = evaluation.warnings(rows)
    print(evaluation.table(rows))
    print(*(f"\n- {line}" for line in said), sep="")
    print(f"\n{len(samples)} samples, seed {args.seed}, against {args.against};"
          f" features of the classifier {judge.sha256[:16]}")  # fmt: skip
    found = {"rows": rows, "warnings": said, "n": len(samples), "against": args.against}
    found |= {"seed": args.seed, "classifier": judge.sha256}
    with atomic(sampler.folder / "evaluation.json") as file:
        file.write(json.dumps(found, indent=1).encode() + b"\n")
    titles = {name: title for name, (title, _) in evaluation.COLUMNS.items()}
    plots.bars(sampler.folder / "evaluation.png", rows, titles)
    print(f"{sampler.folder / 'evaluation.json'}, {sampler.folder / 'evaluation.png'}")
    return 0


def _reproduce(args: argparse.Namespace) -> int:
    from .reproduce import listing, reproduce, table

    if args.list or args.name is None:
        print(listing())
        return 0
    for name in ("seeds", "epochs"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise InputError(f"--{name}: expected at least 1, got {value}")
    _check_writable(args.out)
    options = {} if args.epochs is None else {"epochs": args.epochs}
    told = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
    found = reproduce(args.name, range(args.seeds), told=told, history=args.out, **options)
    print(table(found))
    print(f"\nadded to {args.out}")
    return 0


def _bench(args: argparse.Namespace) -> int:
    from .bench import WORKLOADS, bench, report
    from .files import atomic

    if args.o is not None:
        _check_writable(args.o)
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


def _check_picture(name: str) -> None:
    if Path(name).suffix.lower() != ".png":
        raise InputError(f"expected the name of a .png file, got {name!r}")
    _check_writable(name)


def _check_writable(name: str) -> None:
    """Before any work, see that a file of that name can be written."""
    path = Path(name)
    if not name or path.is_dir():
        raise InputError(f"expected a file to write, got {name!r}")
    if not path.resolve().parent.is_dir():
        raise InputError(f"{name}: there is no folder {path.resolve().parent}")
    if not os.access(path.resolve().parent, os.W_OK):
        raise InputError(f"{name}: the folder cannot be written to")


def _info(args: argparse.Namespace) -> int:
    from .info import report

    if args.graph is None:
        print(report())
        return 0
    from .cuda.picture import draw
    from .training import Config, Session

    _check_picture(args.graph)
    session = Session(Config(model=args.model, backend="cupy"))
    nodes = draw(session.recorded_graph(), args.graph)
    print(f"{args.graph}: the {nodes} nodes of a round of {args.model}")
    return 0
