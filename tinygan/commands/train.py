"""The command `tinygan train`: train a GAN, or resume a run."""

from __future__ import annotations

import argparse
import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from .. import parallel, training
from ..errors import InputError, choose
from ..training.config import Config, flag, option_type
from ..training.run_folder import RESUMABLE
from .shared import stop

if TYPE_CHECKING:
    from .shared import Parsers

__all__ = ["add_parser", "run"]


def add_parser(parsers: Parsers) -> None:
    """Add the command and its options: the fields of Config, and where and how to run."""
    parser = parsers.add_parser(
        "train",
        help="train a GAN by Algorithm 1",
        description="Train a GAN by Algorithm 1 of Goodfellow et al. 2014 and write a run folder.",
    )
    for field in fields(Config):
        name, default, meaning = flag(field.name), field.default, field.metadata["help"]
        shown = "the model has its own" if default is None else default
        if isinstance(default, bool):
            parser.add_argument(name, action="store_true", default=None, help=meaning)
        else:
            parser.add_argument(
                name,
                type=option_type(default),
                metavar=field.name.upper() if isinstance(default, str) else "N",
                help=f"{meaning} (default: {shown})",
            )
    parser.add_argument("--out", metavar="DIR", help="the run folder (default: a new one in runs/)")
    parser.add_argument(
        "--resume", metavar="RUN", help="continue a run, to its last step or to --steps"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    parser.add_argument(
        "--doctor",
        default="on",
        metavar="ON",
        help="on: check the run's health at intervals and report problems; off (default: on)",
    )
    parser.set_defaults(run=run, smaller="a smaller --batch")


def run(args: argparse.Namespace) -> int:
    """Train, and print the files of the run folder; return the exit status."""
    given = {
        field.name: getattr(args, field.name)
        for field in fields(Config)
        if getattr(args, field.name) is not None
    }
    options: dict[str, Any] = {
        "progress": not args.quiet,
        "doctor": choose("--doctor", args.doctor, ("on", "off")) == "on",
        "comm": parallel.join(),
    }
    try:
        if args.resume is not None:
            fixed = [flag(name) for name in given if name not in RESUMABLE]
            if args.out is not None or fixed:
                raise InputError(
                    f"{(fixed or ['--out'])[0]}: --resume goes on with the options of the run; "
                    "only --steps, --backend and --no-graph may be given with it"
                )
            folder = training.resume(args.resume, **options, **given)
        else:
            folder = training.train(Config(**given), args.out, **options)
    except training.Interrupted as interruption:
        path, step = interruption.args
        return stop(
            130,
            f"stopped after round {step}, and saved. Go on with\n  tinygan train --resume {path}",
        )
    if options["comm"].rank == 0:
        print(_summary(folder))
    return 0


def _summary(folder: training.RunFolder) -> str:
    """The files of the run folder, and commands to try next."""
    path, steps = folder.path, json.loads(folder.config.read_text())["steps"]
    health = "\n  health.jsonl             the health records, for tinygan doctor"
    return f"""
{path}
  samples.png              samples of the generator
  progress.gif             samples of fixed noise during training
  curves.png               losses, D(x) and D(G(z)); the numbers are in log.csv
  checkpoint.safetensors   the full state, for sample and --resume; config.json
  states.jsonl             SHA-256 of the state, for tinygan verify{health * folder.health.exists()}

Try next
  tinygan sample {path} --interpolate -o walk.png
  tinygan evaluate {path} --against train
  tinygan train --resume {path} --steps {2 * steps}
  tinygan train --game least-squares"""
