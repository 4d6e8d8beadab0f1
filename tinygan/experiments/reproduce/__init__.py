"""Published figures, measured anew by their own protocols: `tinygan reproduce NAME`.

Each experiment is a module with a docstring that says the protocol, and a function `run`;
`EXPERIMENTS` knows them by name. What comes out is an `Outcome` for each seed, of `Finding`s: ours
beside the published figure, and whether it is reproduced. One that is not is printed as it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ... import backend as backends
from ...environment import machine
from ...errors import InputError, choose
from ..results import Result, SeedResults, lines
from . import (
    class_conditional,
    closed_forms,
    closed_forms_figure,
    modes_of_mixtures,
    parzen_2014,
    ssl,
    vae_bound,
)
from .history import History

__all__ = [
    "EXPERIMENTS",
    "Experiment",
    "Result",
    "SeedResults",
    "listing",
    "picture",
    "reproduce",
    "table",
]


class Experiment(NamedTuple):
    """The entry of an experiment. `run(seed, told, where, **options)` gives its results with a seed
    on `backend`; `draw(path, outcomes)` makes a picture of those of all seeds."""

    run: Callable[..., SeedResults]
    protocol: str
    published: str
    takes: str  # on two cores
    on_gpu: str  # an estimate: no GPU has run it yet
    options: Mapping[str, int] = {}  # further whole numbers, and what they are by default
    draw: Callable[[Path, Sequence[SeedResults]], None] | None = None
    beside: str = "published"  # what ours stands beside


EXPERIMENTS: dict[str, Experiment] = {
    "theory": Experiment(
        closed_forms.run,
        "the propositions of Goodfellow et al. 2014, by quadrature, in small games and by training",
        "C = -1.163451 and JSD = .111421 for N(0,1) against N(1,1); and more",
        "ten seconds",
        "the same: most of it is the host's",
        draw=closed_forms_figure.draw,
        beside="closed form",
    ),
    "mixtures": Experiment(
        modes_of_mixtures.run,
        "ring of 8 and grid of 25, GAN and packing: 15,000 steps at once of 256, 2500 samples",
        "PacGAN, Table 1: 6.3 and 7.9 modes of 8, 17.3 and 23.8 of 25 (larger nets, 400,000 steps)",
        "ten minutes a seed on two cores",
        "about a minute a seed",
        {"epochs": 30},
        modes_of_mixtures.draw,
    ),
    "vae": Experiment(
        vae_bound.run,
        "784-400-20-400-784, Adam 1e-3, batches of 128, cross-entropy and KL, full MNIST",
        "105.6 nats after 10 epochs (PyTorch's examples); at most 106.0 here",
        "a minute on two cores",
        "ten seconds",
        {"epochs": 10},
    ),
    "ssl": Experiment(
        ssl.run,
        "feature matching, 100 labels (--labels N), 60,000 images without; the paper's "
        "perceptrons, but with smoothed labels and a reward for classes that tell",
        "93 +- 6.5 errors of 10,000 after 300 epochs; 300 are to be reached here",
        "half an hour a seed for 30 epochs on two cores",
        "about a minute a seed",
        {"epochs": 30, "labels": 100},
    ),
    "conditional": Experiment(
        class_conditional.run,
        "CGAN, the paper's perceptrons, but with BatchNorm and Adam: Parzen; it and a "
        "convolutional AC-GAN: GAN-test, GAN-train",
        "CGAN 132 +- 1.8; no figure for AC-GAN on MNIST",
        "half an hour a seed for 30 epochs on two cores",
        "two minutes a seed",
        {"epochs": 30},
    ),
    "parzen-2014": Experiment(
        parzen_2014.run,
        "the 2014 MNIST pair by its authors' code: steps at once, SGD, maxout and dropout; Parzen",
        "225 +- 2 (their epochs are not known)",
        "17 minutes a seed for 60 epochs on two cores",
        "half a minute a seed, or eight minutes for --epochs 1000",
        {"epochs": 60},
        parzen_2014.draw,
    ),
}


def listing(*names: str) -> str:
    """The experiments, all or those named, in lines: name, protocol, published figure or
    closed form, time.

    Raises InputError for an unknown name."""
    chosen = [choose("experiment", name, EXPERIMENTS) for name in names] or list(EXPERIMENTS)
    lines = []
    for name in chosen:
        e = EXPERIMENTS[name]
        takes = f"{e.takes}; on a GPU, estimated: {e.on_gpu}"
        said = {"protocol": e.protocol, e.beside: e.published, "takes": takes}
        lines += [name, *(f"  {word:<11}  {text}" for word, text in said.items())]
    return "\n".join(lines)


def reproduce(
    name: str,
    seeds: Sequence[int] = (0,),
    *,
    echo: Callable[[str], object] = print,
    history: str | Path | None = None,
    resume: bool = False,
    backend: str = "numpy",
    **options: int,
) -> list[SeedResults]:
    """Run the experiment `name` on `backend` for each seed, and give their outcomes.
    `echo` hears lines of progress. With `history`, a record is added to that JSON file, seed by
    seed; and a picture beside it (see `picture`), if the experiment draws one. With `resume`, seeds
    that the file's last record of the same options has are not run again, and the others are added
    to that.

    Raises InputError for an unknown name or option, or a history that is none."""
    experiment = EXPERIMENTS[choose("experiment", name, EXPERIMENTS)]
    if unknown := set(options) - set(experiment.options):
        raise InputError(f"--{sorted(unknown)[0]}: {name} has no such option")
    options = {**experiment.options, **options}
    backends.use(backend)
    kept = None if history is None else History(history, name, backend, options, resume=resume)
    here = machine(backend)  # with the commit that is run
    outcomes: list[SeedResults] = []
    for seed in seeds:
        if kept is not None and seed in kept.known:
            echo(f"seed {seed}: is in {history}")
            outcomes.append(kept.known[seed])
        else:
            started = time.perf_counter()
            outcome: SeedResults = experiment.run(seed, echo, backend, **options)
            outcomes.append(outcome._replace(seconds=round(time.perf_counter() - started, 1)))
            if kept is not None:
                kept.add(seed, outcomes[-1], here)
        if history is not None and experiment.draw is not None:
            experiment.draw(picture(name, history), outcomes)
    return outcomes


def picture(name: str, history: str | Path) -> Path:
    """The path of the picture of the experiment `name`."""
    return Path(history).with_name(f"{Path(history).stem}-{name}.png")


def table(name: str, outcomes: Sequence[SeedResults]) -> str:
    """ours | published | verdict, a line for each finding of the outcomes of all seeds."""
    rows = list(zip(*(outcome.findings for outcome in outcomes), strict=True))
    return lines(rows, beside=EXPERIMENTS[name].beside)
