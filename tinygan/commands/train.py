"""The command `tinygan train`: train a GAN, or resume a run."""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any

from .. import parallel, training
from ..backend import survey
from ..data import DATASETS
from ..doctor import diagnose_run
from ..doctor.advice import remedies
from ..errors import InputError, as_argument, choose
from ..experiments.options import whole
from ..training.config import Config, flag, option_type
from ..training.health_monitor import health
from ..training.ranks import ranks_of, ranks_to_start
from ..training.run_folder import RESUMABLE
from .shared import NEEDS_DATA, Names, Parsers, offer, say, stop

SWITCH = "on", "off"
OF_DATA = "data", "size", "mode", "skip_broken", "flip"
NAMES: dict[str, Names] = {"data": DATASETS, "backend": survey}  # for `completion`, beside Config's


def add_parser(parsers: Parsers) -> None:
    """Add the command and its options: the fields of Config, and those of a run."""
    about = "Train a GAN by Algorithm 1 of Goodfellow et al. 2014, and write a run folder."
    about = f"{about} {NEEDS_DATA}"
    parser = parsers.add_parser("train", help="train a GAN by Algorithm 1", description=about)
    add = parser.add_argument
    for field in fields(Config):
        name, kind, help = flag(field.name), option_type(field.default), field.metadata["help"]
        names = NAMES.get(field.name, field.metadata["allowed"])
        if kind is bool:
            add(name, action="store_true", default=None, help=help)
        else:
            shown = "the model's own" if field.default is None else field.default
            metavar = "NAME" if kind is str else "N"
            read = whole(*field.metadata["allowed"][:2]) if kind is int else kind
            option = add(name, type=read, metavar=metavar, help=f"{help} (default: {shown})")
            if kind is str:
                offer(option, names)
    add("--out", metavar="DIR", help="the run folder (default: a new one in runs/)")
    add("--resume", metavar="RUN", help="continue a run up to its own --steps, or new ones")
    ranks = (
        "processes that share the cores and each minibatch: auto, or 1 to 64 (default: auto, the "
        "number that is useful, or that the resumed run had; 1 if that run diverged)"
    )
    add("--ranks", default="auto", metavar="N", help=ranks)
    add("--quiet", action="store_true", help="show no progress bar")
    doctor = "on or off: probe the run after some rounds, and report problems (default: on)"
    offer(add("--doctor", default="on", metavar="ON", help=doctor), SWITCH)
    parser.set_defaults(run=run, takes_ranks=True)


def run(args: argparse.Namespace) -> int:
    """Train, and print the files of the run folder; return the exit status."""
    values = {field.name: getattr(args, field.name) for field in fields(Config)}
    given = {name: value for name, value in values.items() if value is not None}
    options: dict[str, Any] = {
        "progress": not args.quiet,
        "doctor": choose("--doctor", args.doctor, SWITCH) == "on",
    }
    try:
        if args.resume is not None:
            fixed = [flag(name) for name in given if name not in RESUMABLE]
            if args.out is not None or fixed:
                raise InputError(
                    f"{(fixed or ['--out'])[0]}: --resume keeps the options of the run; only "
                    "--steps, --backend and --no-graph may be given with it"
                )
            config, recorded = _resumed(args.resume, given, doctor=options["doctor"])
            with parallel.start(ranks_to_start(args.ranks, config, recorded)) as comm:
                folder = training.resume(args.resume, comm=comm, **options, **given)
        else:
            config = Config(**given)
            args.smaller = "a smaller --batch" + " or --size" * config.is_folder
            with parallel.start(ranks_to_start(args.ranks, config)) as comm:
                folder = training.train(config, args.out, comm=comm, **options)
    except training.Interrupted as interruption:
        path, step = interruption.args
        message = f"stopped after round {step}, and saved. Continue with"
        return stop(130, message, f"  tinygan train --resume {as_argument(path)}")
    if comm.rank == 0:
        say(_summary(folder, config, options["doctor"]))
    return 0


def _resumed(run: str, changes: dict[str, Any], *, doctor: bool) -> tuple[Config, int]:
    """Options of a run that is resumed with some changed, and the number of ranks to start: that
    which it had, or one if it diverged, with which the doctor finds the reason."""
    folder = training.RunFolder.existing(run)
    folder.check_files()
    options = folder.contents()[1]["config"]
    diverged = doctor and health(folder)[1]
    recorded = 1 if diverged else ranks_of(folder.states.read().made_with, -1)
    return Config.from_dict({**options, **changes}), recorded


def _summary(folder: training.RunFolder, config: Config, doctor: bool) -> str:
    """The files of the run folder, the doctor's diagnoses, and commands to try next."""
    path, run = folder.path, as_argument(folder.path)
    game = "least-squares" if config.game != "least-squares" else "non-saturating"
    health = "\n  health.jsonl             the health records, for tinygan doctor"
    return f"""
{path}
  data.png                 images of the data, as the networks see them
  samples.png              samples of the generator
  progress.gif             samples of fixed noise during training
  curves.png               losses, D(x) and D(G(z))
  log.csv                  the numbers of curves.png
  config.json              the options
  checkpoint.safetensors   the full state, for tinygan sample and --resume
  states.jsonl             SHA-256 of the state, for tinygan verify{health * folder.health.exists()}
{_diagnoses(folder, asdict(config)) if doctor else ""}
Try next
  tinygan sample {run} --interpolate -o walk.png
  tinygan evaluate {run}
  tinygan train --resume {run} --steps {2 * config.steps}
  tinygan train {" ".join([*_data_options(config), "--game", game])}"""


def _data_options(config: Config) -> Iterator[str]:
    """The options of the images, as arguments; those with their defaults are left out."""
    for field in fields(Config):
        value = getattr(config, field.name)
        if field.name in OF_DATA and value != field.default:
            yield flag(field.name) + f" {as_argument(value)}" * (value is not True)


def _diagnoses(folder: training.RunFolder, options: Mapping[str, Any]) -> str:
    """The diagnoses of the run, each with its first remedy; "" if there are none."""
    probes, _ = health(folder)
    lines = [
        f"  {name} after round {step}; remedy: {remedies(name, options)[0]}"
        for name, step, _ in diagnose_run(probes)
    ]
    head = f"Problems (all remedies: tinygan doctor {as_argument(folder.path)})"
    return "\n".join(["", head, *lines, ""]) if lines else ""
