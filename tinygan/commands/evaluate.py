"""The command `tinygan evaluate`: measure the samples of a run by every metric."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

import numpy as np

from ..errors import choose, to_stderr
from ..experiments.options import whole
from ..metrics import image_sets
from ..storage import atomic
from ..training import Sampler
from .shared import (
    MAX_SAMPLES,
    NEEDS_DATA,
    add_backend,
    add_json,
    check_writable,
    name_in_errors,
    offer,
    say,
    show,
)

if TYPE_CHECKING:
    from ..data import Dataset
    from ..metrics.evaluation import Network
    from ..metrics.image_sets import Real
    from .shared import Parsers

FEATURES = "classifier", "random"


def add_parser(parsers: Parsers) -> None:
    """Add the command and its options."""
    parser = parsers.add_parser(
        "evaluate",
        help="compare a run's samples with real images and with bad ones",
        description="Measure the samples of a run. Each metric is shown with its reference (real "
        "images) and its controls (images known to be bad). The features are those of a classifier "
        "of the run's own labels, trained once, or of a random network if there are no labels. "
        "Writes evaluation.json and evaluation.png into the run folder. " + NEEDS_DATA,
    )
    parser.add_argument("folder", metavar="RUN", help="a run folder, or a checkpoint file")
    parser.add_argument(
        "--n",
        type=whole(image_sets.MINIMUM, MAX_SAMPLES),
        metavar="N",
        help=f"number of samples, {image_sets.MINIMUM} to {MAX_SAMPLES} (default: as many as real "
        "images to compare with, at most 10000)",
    )
    against = parser.add_argument(
        "--against",
        metavar="IMAGES",
        help="the real images: test, train, or folder:PATH with images that were not used in "
        "training (default: test; for a run on a folder: train)",
    )
    offer(against, image_sets.AGAINST)
    features = parser.add_argument(
        "--features",
        metavar="NAME",
        help="whose features to compare: classifier or random (default: classifier, if the images "
        "have labels and a height and width divisible by 4)",
    )
    offer(features, FEATURES)
    seed = "seed of all random draws (default: 0)"
    parser.add_argument("--seed", type=whole(0), default=0, metavar="N", help=seed)
    add_backend(parser)
    add_json(parser, "run, step, n, against, seed, network, rows, warnings, notes")
    parser.set_defaults(run=run, smaller="fewer samples by --n")


def run(args: argparse.Namespace) -> int:
    """Print the table of metrics, write evaluation.json and .png, and return the exit status.

    Raises InputError for an option out of range, data without a classifier, or missing images."""
    from ..data import load
    from ..metrics import evaluation, report

    wanted = 10_000 if args.n is None else args.n
    if args.features is not None:
        choose("--features", args.features, FEATURES)
    sampler, rng = Sampler(args.folder, args.backend), np.random.default_rng(args.seed)
    data, picture = (sampler.folder / f"evaluation.{kind}" for kind in ("json", "png"))
    for path in (data, picture):
        check_writable(args.folder, str(path))
    config = sampler.config
    skip = (lambda reason: None) if config.skip_broken else None  # the training has named them
    training = load(config.data, size=config.size, mode=config.mode, skip=skip)
    real = image_sets.real(training, args.against, wanted, sampler.shape, rng=rng)
    network, n = _network(args.features, training, real, args.backend), len(real.reference)
    with name_in_errors(args.folder):
        samples = image_sets.as_images(sampler.draw(n, seed=args.seed), sampler.pair.low)
    echo = lambda name: to_stderr(f"measuring {name} ...")  # noqa: E731
    rows = evaluation.evaluate(samples, real, network, rng=rng, echo=echo)
    warnings, notes = report.warnings(rows), report.notes(rows, real, network)
    title = f"{n} samples of {args.folder}, seed {args.seed}, against {n} {real.named}"
    if args.n is not None and n < args.n:
        notes.insert(0, f"{n} samples, not {args.n}: there are no more real images to compare with")
    record = {
        "step": sampler.step,
        "n": n,
        "against": real.named,
        "seed": args.seed,
        "network": network.sha256,
    }
    record |= {"rows": rows, "warnings": warnings, "notes": notes}
    text = json.dumps(record, indent=1, allow_nan=False)  # raises on NaN before anything is shown
    lines = [f"{title}\n\n{report.table(rows)}\n", *(f"! {line}" for line in warnings)]
    lines += [f"- {line}" for line in notes]
    lines += [f"- the network of the features has the SHA-256 {network.sha256}"]
    show(args, "\n".join(lines), {"run": args.folder, **record})
    with atomic(data) as file:
        file.write(text.encode() + b"\n")
    report.picture(picture, rows, title)
    if not args.json:
        say(f"\n{data}, {picture}")
    return 0


def _network(given: str | None, training: Dataset, real: Real, backend: str) -> Network:
    """The network whose features are compared: a classifier of the training data, shipped or
    trained, or a random one.

    Raises InputError if a classifier was asked for, but there can be none."""
    from ..data import DATASETS
    from ..experiments.trained_classifier import trained_classifier
    from ..metrics.classifier import Classifier
    from ..metrics.random_features import RandomFeatures

    height, width = training.images.shape[2:]
    possible = real.labels is not None and height % 4 == width % 4 == 0
    if given == "random" or (given is None and not possible):
        return RandomFeatures(real.reference, backend)
    if training.name in DATASETS and DATASETS[training.name].digits:
        return Classifier.shipped(backend)
    return trained_classifier(training, backend)
