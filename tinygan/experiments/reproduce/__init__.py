"""Published figures, measured again by their published protocols: `tinygan reproduce NAME`.

Each experiment is a module whose docstring gives the protocol and whose `run` returns the results
of one seed; `EXPERIMENTS` lists them by name. A result has our figure, the published one, and
whether ours meets it. If it does not, the table says "NOT reproduced".
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ... import backend as backends
from ...data import DATASETS
from ...environment import machine
from ...errors import InputError, choose
from ..results import SeedResults, lines
from . import (
    class_conditional,
    closed_forms,
    closed_forms_figure,
    modes_of_mixtures,
    parzen_2014,
    ssl,
    vae_bound,
)
from .history import History, check_names

__all__ = ["EXPERIMENTS", "Experiment", "entries", "listing", "picture", "reproduce", "table"]


class Experiment(NamedTuple):
    """An entry of `EXPERIMENTS`. `run(seed, echo, backend, **options)` returns the results of one
    seed; `draw(path, outcomes)` saves a figure of the results of all seeds."""

    run: Callable[..., SeedResults]
    protocol: str
    published: str
    cpu_time: str
    gpu_time: str  # an estimate: no experiment has run on a GPU
    options: Mapping[str, int] = {}  # further integer options and their defaults
    draw: Callable[[Path, Sequence[SeedResults]], None] | None = None
    reference: str = "published"  # the title of the column of references
    data: str = "mnist"  # the name of its data set; "": it needs none


EXPERIMENTS: dict[str, Experiment] = {
    "theory": Experiment(
        closed_forms.run,
        "the propositions of Goodfellow et al. 2014, by quadrature, in small games and by training",
        "C = -1.163451 and JSD = .111421 for N(0,1) and N(1,1), and others",
        "ten seconds",
        "the same: it runs on the CPU",
        draw=closed_forms_figure.draw,
        reference="closed form",
        data="",
    ),
    "mixtures": Experiment(
        modes_of_mixtures.run,
        "ring of 8 and grid of 25, without and with packing: 15,000 simultaneous steps on 256 "
        "points, 2500 samples",
        "PacGAN, Table 1: 6.3 and 7.9 modes of 8, 17.3 and 23.8 of 25 (larger networks, 400,000 "
        "steps)",
        "ten minutes a seed on two cores",
        "about a minute a seed",
        {"epochs": 30},
        modes_of_mixtures.draw,
        data="",
    ),
    "vae": Experiment(
        vae_bound.run,
        "784-400-20-400-784, Adam 1e-3, minibatches of 128, cross-entropy and KL, full MNIST",
        "105.6 nats after 10 epochs (PyTorch's examples); the target is at most 106.0",
        "a minute on two cores",
        "ten seconds",
        {"epochs": 10},
    ),
    "ssl": Experiment(
        ssl.run,
        "feature matching, 100 labels (--labels N), 60,000 unlabeled images; the paper's "
        "perceptrons, with smoothed labels and a mutual-information term",
        "93 +- 6.5 errors of 10,000 after 300 epochs; the target is at most 300",
        "half an hour a seed for 30 epochs on two cores",
        "about a minute a seed",
        {"epochs": 30, "labels": 100},
    ),
    "conditional": Experiment(
        class_conditional.run,
        "CGAN, the paper's perceptrons, but with BatchNorm and Adam: Parzen; CGAN and a "
        "convolutional AC-GAN: GAN-test, GAN-train",
        "CGAN 132 +- 1.8; no figure for AC-GAN on MNIST",
        "half an hour a seed for 30 epochs on two cores",
        "two minutes a seed",
        {"epochs": 30},
    ),
    "parzen-2014": Experiment(
        parzen_2014.run,
        "the 2014 MNIST pair by its authors' code: simultaneous SGD, maxout and dropout; Parzen",
        "225 +- 2 (their number of epochs is not published)",
        "17 minutes a seed for 60 epochs on two cores",
        "half a minute a seed, or eight minutes for --epochs 1000",
        {"epochs": 60},
        parzen_2014.draw,
    ),
}


def entries(*names: str) -> dict[str, dict[str, str]]:
    """The protocol, reference, data and time of each named experiment, or of all.

    Raises InputError for an unknown name.
    """
    found = {}
    for name in [choose("experiment", name, EXPERIMENTS) for name in names] or list(EXPERIMENTS):
        e = EXPERIMENTS[name]
        found[name] = {
            "protocol": e.protocol,
            e.reference: e.published,
            "data": f"{e.data}, downloaded once ({DATASETS[e.data].megabytes} MB)"
            if e.data
            else "none: needs no network",
            "time": f"{e.cpu_time}; on a GPU, estimated: {e.gpu_time}",
        }
    return found


def listing(found: Mapping[str, Mapping[str, str]]) -> str:
    """The `entries` as text."""
    lines = []
    for name, entry in found.items():
        lines += [name, *(f"  {word:<11}  {text}" for word, text in entry.items())]
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
    """Run the experiment `name` for each seed and return the results; `echo` prints progress.

    With `history`, each seed's results are appended to that JSON file, and the figure of the
    experiment, if it has one, is saved next to it (see `picture`). With `resume`, the last record
    with the same options is continued, and seeds that it contains do not run again. Several
    processes may append to one history at once.

    Raises InputError for an unknown name or option, or an invalid history.
    """
    experiment = EXPERIMENTS[choose("experiment", name, EXPERIMENTS)]
    if unknown := set(options) - set(experiment.options):
        raise InputError(f"--{sorted(unknown)[0]}: {name} has no such option")
    options = {**experiment.options, **options}
    backends.use(backend)
    record = None if history is None else History(history, name, backend, options, resume=resume)
    started_on = machine(backend)  # read now, because the commit may change while the seeds run
    outcomes: list[SeedResults] = []
    for seed in seeds:
        if record is not None and seed in record.known:
            echo(f"seed {seed}: results are in {history}")
            outcomes.append(record.known[seed])
        else:
            started = time.perf_counter()
            outcome: SeedResults = experiment.run(seed, echo, backend, **options)
            outcomes.append(outcome._replace(seconds=round(time.perf_counter() - started, 1)))
            if record is not None:
                record.add(seed, outcomes[-1], started_on)
        if history is not None:
            try:
                check_names(outcomes)
                if experiment.draw is not None:
                    experiment.draw(picture(name, history), outcomes)
            except (LookupError, TypeError, ValueError) as problem:
                if isinstance(problem, InputError) or not resume:
                    raise
                raise InputError(
                    f"{history}: the record of {name} has other results than this version of "
                    f"tinygan gives ({problem!r}); leave out --resume"
                ) from problem
    return outcomes


def picture(name: str, history: str | Path) -> Path:
    """The path of the figure of the experiment `name`."""
    return Path(history).with_name(f"{Path(history).stem}-{name}.png")


def table(name: str, outcomes: Sequence[SeedResults]) -> str:
    """A table of all seeds: for each result, our figure, the reference and the verdict."""
    rows = list(zip(*(outcome.findings for outcome in outcomes), strict=True))
    return lines(rows, reference=EXPERIMENTS[name].reference)
