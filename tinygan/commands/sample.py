"""The command `tinygan sample`: draw samples from the generator of a run."""

import argparse
import math
from pathlib import Path

from .. import plots
from ..experiments.options import whole
from ..training import Sampler
from .shared import (
    MAX_SAMPLES,
    NEEDS_NONE,
    Parsers,
    add_backend,
    check_picture,
    name_in_errors,
    say,
)


def add_parser(parsers: Parsers) -> None:
    """Add the command and its options."""
    about = f"Draw samples from the generator of a run. {NEEDS_NONE}"
    parser = parsers.add_parser("sample", help="draw samples from a run", description=about)
    add, n = parser.add_argument, f"number, at most {MAX_SAMPLES} (default: %(default)s)"
    add("folder", metavar="RUN", help="a run folder, or a checkpoint file")
    add("-n", type=whole(1, MAX_SAMPLES), default=64, metavar="N", help=n)
    add("-o", default="samples.png", metavar="FILE", help="a .png file (default: %(default)s)")
    seed = "seed of the noise (default: %(default)s)"
    add("--seed", type=whole(0), default=0, metavar="N", help=seed)
    add(
        "--interpolate",
        action="store_true",
        help="interpolate between two noise vectors in each row of 8 samples; -n is rounded up to "
        "whole rows",
    )
    add_backend(parser)
    parser.set_defaults(run=run, smaller="fewer samples by -n")


def run(args: argparse.Namespace) -> int:
    """Write a picture of the samples; return the exit status."""
    from ..metrics.image_sets import finite

    out = Path(args.o)
    check_picture("-o", args.o)
    sampler = Sampler(args.folder, args.backend)
    columns = min(8, max(2, args.n)) if args.interpolate else None
    with name_in_errors(args.folder):
        images = finite(
            sampler.draw(args.n, seed=args.seed)
            if columns is None
            else sampler.walk(math.ceil(args.n / columns), columns, seed=args.seed)
        )
    plots.save_png(out, plots.grid(images, columns, low=sampler.pair.low))
    drawn = f"{len(images)} sample{'' if len(images) == 1 else 's'}"
    if columns is not None:
        drawn += f", {columns} between two noise vectors in each row,"
    say(f"{out}: {drawn} of {args.folder}, seed {args.seed}")
    return 0
