"""The parts that all examples share: options, data, progress bar, pictures and results.

    run = Example("dcgan", __doc__, steps=1200, full=20_000)    parse the command line
    data = run.load()                          the embedded digits, or MNIST with --full
    curve = run.curve(game)                    a record of the losses, D(x) and D(G(z))
    for step, result in run.play(lambda: gan.play(game, ...)):  `run.steps` rounds, with a bar
        curve.add(step, result)
        if step in run.snapshots: ...          four rounds at which samples are kept
    run.save_curves()                          write out/dcgan/curves.png
    run.save("samples", plots.grid(images), "samples of G")     write out/dcgan/samples.png
    run.found("Frechet distance", 82.0, at_most=150, compare={"untrained": 2000.0})
    run.end("G draws ...")                     print the sentences and the table of the figures,
                                               and save them in out/dcgan/figures.json

The first file that a run writes deletes those of the run before it, so a folder never has pictures
of two runs. Until a run ends, figures.json has its options and the pictures so far.
In a notebook, the variable TINYGAN_OPTIONS has the options, and pictures are shown.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__, backend, plots
from ..backend import process
from ..backend.graph_replay import Round, captured
from ..data import DATASETS, Dataset, load
from ..environment import machine
from ..errors import InputError, to_stderr
from ..experiments.reproduce import reproduce
from ..files import read
from ..gan import AnyGame
from ..metrics.classifier import Classifier
from ..plots import save_gif, save_png
from ..storage import atomic, partials, save_figure
from ..training.loop import bar_class
from .example_data import DIGIT, check_images, is_digits, part, spread, with_labels
from .findings import HEADINGS, Finding, table
from .options import check_folder, or_stop, parsed, report_ends, show, stop
from .results import SeedResults, aligned
from .trained_classifier import trained_classifier
from .training_curve import TrainingCurve


class Example:
    """A run of the example `name`; the first line of its docstring `about` is shown by --help.

    It plays `steps` rounds by default and `full` with --full. `data` names the data set by default
    and with --full; it is None if the example makes its own data. Invalid options end the program
    with one line and status 2, Ctrl-C with status 130.

    seed, steps, full, width, backend    the options
    snapshots                            four round numbers, from an early one to the last
    rng                                  a generator from the seed
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
        args = parsed(name, about or "", data, steps, full)
        process.tune()
        or_stop(backend.use, args.backend)
        report_ends()
        self.name, self.seed, self.full, self.backend = name, args.seed, args.full, args.backend
        self.width = args.width
        self.steps = args.steps or (full if args.full else steps)
        self.snapshots = sorted({max(1, round(self.steps * part)) for part in (0.03, 0.1, 0.3, 1)})
        self.rng = np.random.default_rng(self.seed)
        self.out = Path("out", name)
        self._figures = self.out / "figures.json"
        check_folder(self.out)
        self._requested: str | None = getattr(args, "data", None)
        self._default = data[self.full] if data else None
        self._findings: list[Finding] = []
        self._curves: dict[str, TrainingCurve] = {}
        self._captions: dict[str, str] = {}  # by the picture's file name
        self._begun = False  # whether the files of an earlier run are deleted
        self._loaded: str | None = None
        self._started = time.perf_counter()

    def load(
        self,
        split: str = "train",
        *,
        shape: tuple[int, ...] | None = None,
        sizes: Sequence[int] = (),
        minimum: int = 1000,
    ) -> Dataset:
        """Load the data set of --data, or the example's own. If the example's own training images
        are not available, print the reason and load the embedded digits.
        The images of a folder are in random order. The program ends if there are fewer than
        `minimum` images, or if they do not have the `shape` (C, H, W), or none of the `sizes` H = W
        (empty: any)."""
        name = self._default if self._requested is None else self._requested
        assert name is not None
        try:
            data = load(name, split)
        except InputError as problem:
            if self._requested is not None or name == "digits" or split != "train":
                stop(str(problem))
            to_stderr(f"{problem}\nthe embedded digits are used instead")
            self._default = "digits"
            data = load("digits", split)
        check_images(data, shape, sizes, minimum)
        entry = DATASETS.get(data.name)
        self._loaded = data.name
        # A folder is sorted by class: its first images would lack classes of its last ones.
        return data if entry else part(data, np.random.default_rng(0).permutation(len(data.images)))

    def load_with_test(
        self,
        n: int = 1000,
        *,
        labels: bool = False,
        shape: tuple[int, ...] | None = None,
        sizes: Sequence[int] = (),
    ) -> tuple[Dataset, Dataset]:
        """Images to train on, and n others for testing (at least 200; fewer than n if --width is
        below 1): test images, all of them with --full, or, since a folder has none, held-out ones,
        at most a fifth. With `labels`, images without a label are left out. The program ends if
        fewer than 1000 images, or 200 test images, remain, or for images that `load` would
        refuse."""
        data, n = self.load(shape=shape, sizes=sizes), max(200, self.many(n))
        if labels:
            data = with_labels(data, 1000)
        if data.name not in DATASETS:
            kept = len(data.images) - min(n, len(data.images) // 5)
            return part(data, slice(0, kept)), part(data, slice(kept, None))
        test = self.load("test", minimum=200)
        if labels:
            test = with_labels(test, 200)
        return data, test if self.full else part(test, spread(n, len(test.images)))

    def load_labeled(
        self, n: int = 1000, *, shape: tuple[int, ...] | None = None, sizes: Sequence[int] = ()
    ) -> tuple[Dataset, Dataset]:
        """`load_with_test`, of images with labels."""
        return self.load_with_test(n, labels=True, shape=shape, sizes=sizes)

    def load_digits(self, n: int = 1000) -> tuple[Dataset, Dataset]:
        """`load_labeled`, for an example about digits. The program ends if the data are not
        digits."""
        learned, test = self.load_labeled(n)
        if not is_digits(learned):
            got = f"classes {', '.join(learned.classes or ())}, {learned.images.shape[1:]}"
            stop(f"data {learned.name!r}: this example is about digits, 0 to 9, {DIGIT}, got {got}")
        return learned, test

    def classifier(self, data: Dataset) -> Classifier:
        """A classifier of these labeled images: the built-in one for digits. For others, one is
        trained, which takes about a minute, and kept in the cache."""
        return Classifier.shipped() if is_digits(data) else trained_classifier(data)

    def many(self, n: int) -> int:
        """The number of samples to measure: n, or fewer (at least 100) if --width is below 1."""
        return max(100, round(n * min(1.0, self.width)))

    def play(
        self, start: Callable[[], Iterator[Round]], title: str = ""
    ) -> Iterator[tuple[int, Round]]:
        """Play `self.steps` rounds of `start()` with a progress bar; yield each with its number,
        from 1. On a GPU, the rounds are captured. An example that plays several games gives each a
        `title`, as "3/15 usual loss", for its bar."""
        rounds = captured(start, self.backend)
        for step in self.counted(self.steps, title=title):
            yield step, next(rounds)

    def curve(self, game: AnyGame, title: str = "", penalty: str = "none") -> TrainingCurve:
        """A record of the losses, D(x) and D(G(z)) of `game`, for `save_curves`. Several need
        different titles."""
        self._curves[title] = TrainingCurve(game, self.steps, penalty)
        return self._curves[title]

    def save_curves(self) -> None:
        """Write the curves of all games to out/NAME/curves.png."""
        shown = {title: c.curve() for title, c in self._curves.items()}
        caption = "losses, D(x) and D(G(z)) over the rounds; dashed: at equilibrium"
        self._write("curves.png", caption, plots.curves, shown)

    def counted(self, n: int, unit: str = "round", title: str = "") -> Iterator[int]:
        """The numbers 1 to n, with a progress bar, which shows the title."""
        shown = {"desc": f"{self.name} {title}".rstrip(), "disable": sys.stderr is None}
        return iter(bar_class()(range(1, n + 1), unit=unit, mininterval=1, **shown))

    def save(self, name: str, picture: Any, caption: str) -> Path:
        """Write pixels (see `plots.grid`) or a matplotlib Figure to out/NAME/name.png, and print
        the caption."""
        save = save_png if isinstance(picture, np.ndarray) else (lambda p, f: save_figure(f, p))
        return self._write(f"{name}.png", caption, save, picture)

    def animate(
        self,
        name: str,
        frames: Sequence[np.ndarray],
        milliseconds: int = 100,
        caption: str = "an animation of the training",
    ) -> Path:
        """Write frames, pixels of one shape, to out/NAME/name.gif, and print the caption."""
        return self._write(f"{name}.gif", caption, save_gif, frames, milliseconds)

    def _write(self, name: str, caption: str, save: Callable[..., object], *what: Any) -> Path:
        """Call save(path, *what) for a picture in out/NAME, and print its caption."""
        path = self.out / name
        self._captions[name] = caption
        self._record()  # first: if the process is killed, the next run knows what to delete
        or_stop(save, path, *what)
        print(f"{path}   {caption}")
        show(path)
        return path

    def _begin(self) -> None:
        """Create out/NAME, and delete figures.json of an earlier run and the pictures it lists."""
        if self._begun:
            return
        self._begun = True
        or_stop(lambda: self.out.mkdir(parents=True, exist_ok=True))
        try:
            names = json.loads(read(self._figures, 1 << 24))["pictures"]
            listed = [path for path in map(Path, names) if path.name.isprintable()]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            listed = []  # no record, or not one of an example
        pictures = [self.out / path.name for path in listed if path.suffix in (".png", ".gif")]
        files = [*pictures, self._figures]
        for path in (*partials(self.out, [each.name for each in files]), *files):
            or_stop(path.unlink, True)

    def _record(self, **results: Any) -> None:
        """Write out/NAME/figures.json: the options, the pictures so far, and the results."""
        self._begin()
        record = {
            "example": self.name,
            "seed": self.seed,
            "steps": self.steps,
            "full": self.full,
            "backend": self.backend,
            "data": self._loaded,
            "width": self.width,
            "pictures": self._captions,
        }

        def write() -> None:
            with atomic(self._figures) as file:
                file.write(json.dumps(record | results, indent=1).encode() + b"\n")

        or_stop(write)

    def found(
        self,
        what: str,
        value: float,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        compare: Mapping[str, float] | None = None,
    ) -> None:
        """Record a figure, its target, and the figures of controls by name. `what` must not contain
        numbers that depend on the seed: it names the row in a table over seeds."""
        bounds = (None if bound is None else float(bound) for bound in (at_least, at_most))
        controls = {name: float(control) for name, control in (compare or {}).items()}
        self._findings.append(Finding(what, float(value), controls, *bounds))

    def reproduced(self, name: str, seeds: int, **options: int) -> list[SeedResults]:
        """Run an experiment of `reproduce` for `seeds` seeds, starting with the seed of this run.
        The results are saved in out/NAME/reproduced-COMMIT.json, so if a run is interrupted, the
        next run of the same sources skips the seeds that are done."""
        or_stop(lambda: self.out.mkdir(parents=True, exist_ok=True))
        history = self.out / f"reproduced-{machine()['commit'] or __version__}.json"
        kept: dict[str, Any] = {"history": history, "resume": True}
        kept |= {"backend": self.backend, **options}
        numbers = range(self.seed, self.seed + seeds)
        outcomes = or_stop(lambda: reproduce(name, numbers, **kept))
        counts = "".join(f", {value} {option}" for option, value in options.items())
        hours = sum(outcome.seconds for outcome in outcomes) / 3600
        self.found(f"hours for {seeds} seeds of {name}{counts}", hours)
        return outcomes

    def end(self, *sentences: str) -> None:
        """Print the sentences, which say what the figures mean, and the table of the figures. Save
        both as out/NAME/figures.json."""
        print("", *sentences, "", aligned([HEADINGS, *table([self._findings])]), sep="\n")
        self._record(
            seconds=round(time.perf_counter() - self._started, 1),
            cpu_seconds=round(time.process_time(), 1),
            machine=machine(),
            sentences=sentences,
            findings=[finding._asdict() for finding in self._findings],
        )
        print(end="", flush=True)  # a closed pipe is reported here, and not when Python ends
