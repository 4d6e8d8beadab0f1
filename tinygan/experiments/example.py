"""The parts that examples share: options, data, progress bar, pictures, and the results at the end.

    run = Example("dcgan", __doc__, steps=1200, full=20_000)    reads the command line
    images, labels = run.load()                the embedded digits; MNIST with --full
    for step, result in run.play(lambda: gan.play(...)):        so many rounds, with a bar
        ...
    run.save("samples", plots.grid(images), "what G draws")     out/dcgan/samples.png
    run.found("GAN-test", 0.93, "at least .85", 0.93 >= 0.85)
    run.end()                                  prints the figures, and keeps them in out/dcgan/

An example is a script that also opens as a notebook: there the options are their defaults.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np

from .. import __version__, backend
from ..backend import cpu
from ..backend.graph_replay import Round, captured
from ..data import DATASETS, Dataset, load
from ..environment import machine
from ..errors import InputError
from ..experiments.reproduce import reproduce
from ..metrics.classifier import Classifier
from ..metrics.classifier_scores import gan_train_test
from ..nn import Module
from ..optim import EMA
from ..plots import grid, save_gif, save_png
from ..storage import atomic, save_figure
from .results import Result, SeedResults, lines

__all__ = ["DIGIT", "Example", "is_digits"]

T = TypeVar("T")
DIGIT = (1, 28, 28)  # the shape of a digit


class Example:
    """A run of the example `name`, of which `about` is the docstring.

    `steps` is how many rounds it plays by default, `full` with --full. `data` is the name of the
    data by default and with --full; None where the example makes its own. Bad options end the
    program with one line and status 2, Ctrl-C with status 130.

    seed, steps, full, width, where    as they were asked for (`backend`: the backend)
    rng                                a generator from the seed
    has_test                           once they are loaded: have the data test images of their own?
    """

    def __init__(
        self,
        name: str,
        about: str | None,
        *,
        steps: int,
        full: int,
        data: tuple[str, str] | None = ("digits", "mnist"),
    ) -> None:
        args = _parsed(name, about or "", data is not None)
        cpu.tune()
        self._stopping(backend.use, args.backend)
        if not _in_notebook() and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, _interrupted)
        self.name, self.seed, self.full, self.backend = name, args.seed, args.full, args.backend
        self.width = args.width
        self.steps = args.steps or (full if args.full else steps)
        self.rng = np.random.default_rng(self.seed)
        self.out = Path("out", name)
        self._stopping(lambda: self.out.mkdir(parents=True, exist_ok=True))
        self._data, self._asked = data, getattr(args, "data", None)
        self._findings: list[Result] = []
        self._pictures: dict[str, str] = {}  # by file: what is to be seen
        self.has_test = False
        self._loaded: str | None = None
        self._started = time.perf_counter()

    def load(
        self, split: str = "train", *, shape: tuple[int, ...] | None = None, minimum: int = 1000
    ) -> Dataset:
        """The data: those of --data, or the example's own; if the full ones cannot be had, the
        embedded digits, after saying so. Of those there are no test images: see `has_test`. Images
        of another shape than (C, H, W), or fewer than `minimum`, end the program."""
        assert self._data is not None
        name = self._data[self.full] if self._asked is None else self._asked
        try:
            data = load(name, split)
        except InputError as problem:
            if self._asked is not None or name == "digits" or split != "train":
                _stop(str(problem))
            print(f"{problem}\nso this runs on the embedded digits", file=sys.stderr)
            data = load("digits", split)
        n, found = len(data.images), data.images.shape[1:]
        if n < minimum or (shape is not None and found != shape):
            wanted = f"at least {minimum} images" + (f" {shape}" if shape else "")
            _stop(f"data {data.name!r}: expected {wanted}, got {n} {found}")
        entry = DATASETS.get(data.name)
        self.has_test = entry is not None and entry.test_set == data.name
        self._loaded = data.name
        return data

    def load_digits(self, n: int = 1000) -> tuple[Dataset, Dataset]:
        """Labeled digits to learn from, and others to be tested on: the test images, or, where the
        data have none, n that are held out (fewer in a trial). What is no digits ends the program:
        the classifier that judges knows no more."""
        data = self.load(shape=DIGIT)
        if not is_digits(data):
            what = data.classes if data.labels is not None else "no labels"
            _stop(f"data {data.name!r}: expected digits, of the classes 0 to 9, got {what}")
        if self.has_test:
            return data, self.load("test")
        kept = len(data.images) - max(200, self.many(n))
        parts = slice(0, kept), slice(kept, None)
        images, labels = data.labeled()
        first, last = (data._replace(images=images[part], labels=labels[part]) for part in parts)
        return first, last

    def many(self, n: int) -> int:
        """n, the number of samples to measure; fewer in a trial with --width under 1."""
        return max(100, round(n * min(1.0, self.width)))

    def play(self, start: Callable[[], Iterator[Round]]) -> Iterator[tuple[int, Round]]:
        """So many rounds of `start()` as were asked for, each with its number from 1 on; recorded
        on a GPU. A bar tells of them."""
        rounds = captured(start, self.backend)
        for step in self.counted(self.steps):
            yield step, next(rounds)

    def averaged(
        self, net: Module, start: Callable[[], Iterator[Round]], decay: float = 0.99
    ) -> Module:
        """Play the rounds of `start()`, in which `net` learns; the average of it over the last."""
        average = EMA(net, decay)
        for _ in self.play(start):
            average.update()
        return average.module

    def counted(self, n: int, what: str = "round") -> Iterator[int]:
        """1 to n, with a bar."""
        from tqdm import tqdm

        return iter(tqdm(range(1, n + 1), unit=what, desc=self.name, mininterval=1))

    def save(self, name: str, picture: Any, caption: str) -> Path:
        """Write pixels (see `plots.grid`) or a matplotlib Figure as out/NAME/name.png, and say what
        there is to be seen."""
        path = self.out / f"{name}.png"
        save = save_png if isinstance(picture, np.ndarray) else (lambda p, f: save_figure(f, p))
        self._stopping(save, path, picture)
        self._pictures[path.name] = caption
        print(f"{path}   {caption}")
        return path

    def animate(self, name: str, frames: Sequence[np.ndarray], milliseconds: int = 100) -> Path:
        """Write frames, pixels of one shape, as out/NAME/name.gif."""
        path = self.out / f"{name}.gif"
        self._stopping(save_gif, path, frames, milliseconds)
        print(path)
        return path

    def found(self, what: str, ours: float, beside: str = "", holds: bool | None = None) -> None:
        """A figure: of this run, what it stands beside, and whether it is as it should be."""
        self._findings.append(
            Result(what, float(ours), beside, None if holds is None else bool(holds))
        )

    def found_classes(
        self, draw: Callable[[int], tuple[np.ndarray, np.ndarray]], test: Dataset
    ) -> tuple[np.ndarray, np.ndarray]:
        """GAN-test and GAN-train of a conditional GAN on digits, of which draw(n) gives n samples
        and their labels (see `metrics.labeled`): at least .85 of GAN-test by default; .95, and .9
        of GAN-train, with --full. And a picture of 100 samples, which are what it returns."""
        shown = draw(100)
        self.save("classes", grid(shown[0], 10, 0), "a row for each class")
        images, labels = test.labeled()
        real, look = (images.astype(np.float32) / 255, labels), np.random.default_rng(self.seed)
        n, pairs = self.many(5000), self.many(60_000 if self.full else 5000)
        found = gan_train_test(draw, real, Classifier.shipped(), rng=look, n=n, pairs=pairs)
        minimum = 0.95 if self.full else 0.85
        echo = f"at least {minimum}; real digits {found.ceiling:.4f}"
        self.found("GAN-test", found.gan_test, echo, found.gan_test >= minimum)
        wanted = ("at least 0.9", found.gan_train >= 0.9) if self.full else ()
        self.found(f"GAN-train, of {pairs} samples", found.gan_train, *wanted)
        return shown

    def reproduced(self, name: str, seeds: int, **options: int) -> list[SeedResults]:
        """An experiment of `reproduce`, for so many seeds from this run's on. What it finds is kept
        in out/NAME/reproduced-COMMIT.json: a run of the same sources that was stopped goes on at
        the seed where it was."""
        history = self.out / f"reproduced-{machine()['commit'] or __version__}.json"
        kept: dict[str, Any] = {"history": history, "resume": True}
        kept |= {"backend": self.backend, **options}
        asked = range(self.seed, self.seed + seeds)
        outcomes = self._stopping(lambda: reproduce(name, asked, **kept))
        counts = "".join(f", {value} {option}" for option, value in options.items())
        hours = sum(outcome.seconds for outcome in outcomes) / 3600
        self.found(f"hours for {seeds} seeds of {name}{counts}", hours)
        return outcomes

    def end(self) -> None:
        """Print the figures and keep them as out/NAME/figures.json."""
        print(lines([[finding] for finding in self._findings], "reached", "reference"))
        record = {
            "example": self.name,
            "seed": self.seed,
            "steps": self.steps,
            "full": self.full,
            "backend": self.backend,
            "data": self._loaded,
            "width": self.width,
            "seconds": round(time.perf_counter() - self._started, 1),
            "pictures": self._pictures,
            "findings": [finding._asdict() for finding in self._findings],
        }

        def write() -> None:
            with atomic(self.out / "figures.json") as file:
                file.write(json.dumps(record, indent=1).encode() + b"\n")

        self._stopping(write)

    def _stopping(self, function: Callable[..., T], *args: Any) -> T:
        """Its result; or the end of the program, if what was given cannot be used."""
        try:
            return function(*args)
        except (InputError, OSError) as problem:
            _stop(str(problem))


def is_digits(data: Dataset) -> bool:
    """Whether these are labeled digits of 28x28, as the classifier of the measures knows them."""
    named = data.labels is not None and data.classes == tuple("0123456789")
    return named and data.images.shape[1:] == DIGIT


def _stop(message: str) -> NoReturn:
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    raise SystemExit(2)


def _in_notebook() -> bool:
    return "ipykernel" in sys.modules


def _interrupted(*_: object) -> NoReturn:
    print("stopped", file=sys.stderr)
    raise SystemExit(130)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        _stop(f"{message}; see --help")


def _parsed(name: str, about: str, has_data: bool) -> argparse.Namespace:
    parser = _Parser(prog=f"{name}.py", description=about.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--full", action="store_true", help="the long protocol, on full data")
    parser.add_argument("--steps", type=_whole, help="rounds, in place of the default")
    parser.add_argument("--seed", type=int, default=0, help="of the training (default: 0)")
    parser.add_argument("--backend", default="numpy", help="numpy, cupy, cupy:1 (default: numpy)")
    parser.add_argument(
        "--width",
        type=float,
        default=1.0,
        help="of hidden layers; 0.1 for a quick trial (default: 1)",
    )
    if has_data:
        parser.add_argument("--data", help="as in tinygan train")
    args = parser.parse_args([] if _in_notebook() else None)
    if args.seed < 0:
        parser.error(f"--seed: expected at least 0, got {args.seed}")
    if not 0 < args.width <= 16:
        parser.error(f"--width: expected more than 0, at most 16, got {args.width}")
    return args


def _whole(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)
