"""The command line: tinygan train, doctor, verify, sample, evaluate, reproduce, bench, info.

Exit status: 0 done; 1 verified, and not the same; 2 what was given cannot be used, with one line
that says why; 130 stopped by Ctrl-C, after saving. A traceback is always a defect of tinygan.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NoReturn

from ..backend import cpu
from ..errors import InputError
from . import actions

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit status."""
    cpu.tune()
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
        return actions.stop(2, _line(str(problem)))
    except KeyboardInterrupt:
        return actions.stop(130, "stopped")
    except MemoryError:
        return actions.stop(2, f"out of memory; ask for {smaller}")
    except BrokenPipeError:  # whoever read the output, as `head` does, has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        return actions.stop(2, _line(f"{where}{problem.strerror or problem}"))


def _line(message: str) -> str:
    """In one line: the name of a file may have several."""
    return message.replace("\n", "\\n")


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    args, extra = parser.parse_known_args(argv)
    if extra:
        raise InputError(f"{extra[0]}: no such argument; see {parser.prog} {args.command} --help")
    return args


class _Parser(argparse.ArgumentParser):
    """Wrong usage is one line, as all that is wrong."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    from .. import __version__
    from ..training.config import Config, flag, option_type
    from .bench.workloads import WORKLOADS

    parser = _Parser(prog="tinygan", description="Generative adversarial networks from scratch.")
    parser.add_argument("--version", action="version", version=f"tinygan {__version__}")
    parsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    train = parsers.add_parser(
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
    train.add_argument(
        "--doctor",
        default="on",
        metavar="ON",
        help="on: look now and then how the game does, and say what ails it; off (default: on)",
    )
    train.set_defaults(run=actions.train, smaller="a smaller --batch")

    doctor = parsers.add_parser(
        "doctor",
        help="what ailed a run",
        description="Read what the doctor saw of a run while it was trained, or look at its "
        "checkpoint, and say what ails it.",
    )
    doctor.add_argument("folder", metavar="RUN", help="a run folder, or the checkpoint in it")
    doctor.set_defaults(run=actions.doctor, smaller="less")
    same = parsers.add_parser(
        "verify",
        help="train a run again, and compare bit for bit",
        description="Train again as a run was trained, in memory, and compare the state with each "
        "that it recorded: exit status 0 if all agree, 1 if one differs. The run stays as it is.",
    )
    same.add_argument("folder", metavar="RUN", help="a run folder")
    same.add_argument(
        "--from",
        dest="start",
        metavar="CHECKPOINT",
        help="go on from a checkpoint of the run (default: from the beginning)",
    )
    same.add_argument("--quiet", action="store_true", help="do not count the rounds")
    same.set_defaults(run=actions.verify, smaller="less")

    sample = parsers.add_parser(
        "sample",
        help="draw samples from a run",
        description="Draw samples from the generator of a run.",
    )
    sample.add_argument("folder", metavar="RUN", help="a run folder, or a checkpoint file")
    sample.add_argument(
        "-n",
        type=int,
        default=64,
        metavar="N",
        help=f"how many, up to {actions.MOST} (default: 64)",
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
    sample.set_defaults(run=actions.sample, smaller="fewer samples by -n")

    judged = parsers.add_parser(
        "evaluate",
        help="measure a run's samples beside real images and bad ones",
        description="Measure the samples of a run on digits or clothes, each measure between its "
        "floor (real images) and its controls; leaves evaluation.json and evaluation.png in the "
        "run folder.",
    )
    judged.add_argument("folder", metavar="RUN", help="a run folder, or a checkpoint file")
    judged.add_argument(
        "--n",
        type=int,
        default=10_000,
        metavar="N",
        help="how many samples, 1000 to 65536, and no more than there are real images "
        "(default: 10000)",
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
    judged.add_argument(
        "--backend", default="numpy", metavar="NAME", help="numpy, cupy, cupy:1 (default: numpy)"
    )
    judged.set_defaults(run=actions.evaluate, smaller="fewer samples by --n")

    again = parsers.add_parser(
        "reproduce",
        help="measure a published figure by its own protocol",
        description="Measure published figures anew: ours, published, verdict.",
    )
    again.add_argument("name", nargs="?", metavar="NAME", help="see --list")
    again.add_argument(
        "--list", action="store_true", help="what there is, or what NAME is, and how long it takes"
    )
    again.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="how many, from 0 on (default: 1)"
    )
    again.add_argument("--epochs", type=int, metavar="N", help="where the experiment trains")
    again.add_argument("--labels", type=int, metavar="N", help="that ssl knows (default: 100)")
    again.add_argument(
        "--backend", default="numpy", metavar="NAME", help="numpy, cupy, cupy:1 (default: numpy)"
    )
    again.add_argument(
        "--out",
        default="reproduced.json",
        metavar="FILE",
        help="the history to which a record is added (default: reproduced.json)",
    )
    again.add_argument(
        "--resume", action="store_true", help="go on with its last record: seeds there are kept"
    )
    again.set_defaults(run=actions.reproduce, smaller="less")

    bench = parsers.add_parser(
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
        help="torch (eager and tuned; on a GPU also compiled, and captured by hand) or by-hand "
        "(NumPy without an engine); may be repeated",
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
    bench.set_defaults(run=actions.bench, smaller="a smaller --batch or --width")

    info = parsers.add_parser("info", help="versions, BLAS, and which backends work")
    info.set_defaults(run=actions.info, smaller="less")
    return parser
