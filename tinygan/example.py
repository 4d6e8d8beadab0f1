"""What the examples share: options, data, a progress bar, pictures, and the figure at the end.

    run = Example("dcgan", __doc__, steps=1200, full=20_000)    reads the command line
    images, labels = run.load()                the embedded digits; MNIST with --full
    for step, result in run.play(lambda: gan.play(...)):        so many rounds, with a bar
        ...
    run.save("samples", plots.grid(images))    out/dcgan/samples.png
    run.found("GAN-test", 0.93, "at least .85", 0.93 >= 0.85)
    run.end()                                  prints the figures, and keeps them in out/dcgan/

An example is a script that also opens as a notebook: there the options are their defaults.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np

from . import backend
from .data import Dataset, load
from .errors import InputError
from .files import atomic, save_figure
from .finding import Finding, lines
from .gan import Round
from .plots import save_gif, save_png
from .replay import recorded

__all__ = ["Example"]

T = TypeVar("T")


class Example:
    """A run of the example `name`, of which `about` is the docstring.

    `steps` is how many rounds it plays by default, `full` with --full. `data` is the name of the
    data by default and with --full; None where the example makes its own. Bad options end the
    program with one line and status 2, Ctrl-C in the rounds with status 130.

    seed, steps, full, width, where    as they were asked for (`where`: the backend)
    rng                                a generator from the seed
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
        self._stopping(backend.use, args.backend)
        self.name, self.seed, self.full, self.where = name, args.seed, args.full, args.backend
        self.width = args.width
        self.steps = args.steps or (full if args.full else steps)
        self.rng = np.random.default_rng(self.seed)
        self.out = Path("out", name)
        self.out.mkdir(parents=True, exist_ok=True)
        self._data, self._asked = data, getattr(args, "data", None)
        self._findings: list[Finding] = []
        self._started = time.perf_counter()

    def load(self, split: str = "train") -> Dataset:
        """The data: those of --data, or the example's own; if the full ones cannot be had, the
        embedded digits, after saying so."""
        assert self._data is not None
        if self._asked is not None:
            return self._stopping(load, self._asked, split)
        name = self._data[self.full]
        try:
            return load(name, split)
        except InputError as problem:
            print(f"{problem}\nso this runs on the embedded digits", file=sys.stderr)
            return load("digits", split)

    def play(self, start: Callable[[], Iterator[Round]]) -> Iterator[tuple[int, Round]]:
        """So many rounds of `start()` as were asked for, each with its number from 1 on; recorded
        on a GPU. A bar tells of them."""
        rounds = recorded(start, self.where)
        for step in self.counted(self.steps):
            yield step, next(rounds)

    def counted(self, n: int, what: str = "round") -> Iterator[int]:
        """1 to n, with a bar."""
        from tqdm import tqdm

        try:
            yield from tqdm(range(1, n + 1), unit=what, desc=self.name, mininterval=1)
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            raise SystemExit(130) from None

    def save(self, name: str, picture: Any) -> Path:
        """Write pixels (see `plots.grid`) or a matplotlib Figure as out/NAME/name.png."""
        path = self.out / f"{name}.png"
        save = save_png if isinstance(picture, np.ndarray) else (lambda p, f: save_figure(f, p))
        self._stopping(save, path, picture)
        print(path)
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
            Finding(what, float(ours), beside, None if holds is None else bool(holds))
        )

    def end(self) -> None:
        """Print the figures and keep them as out/NAME/figures.json."""
        print(lines([[finding] for finding in self._findings], "reached", "beside"))
        record = {
            "example": self.name,
            "seed": self.seed,
            "steps": self.steps,
            "full": self.full,
            "backend": self.where,
            "seconds": round(time.perf_counter() - self._started, 1),
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


def _stop(message: str) -> NoReturn:
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    raise SystemExit(2)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        _stop(f"{message}; see --help")


def _parsed(name: str, about: str, has_data: bool) -> argparse.Namespace:
    parser = _Parser(prog=f"{name}.py", description=about.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--full", action="store_true", help="the long protocol, on full data")
    parser.add_argument("--steps", type=_whole, help="rounds, in place of the default")
    parser.add_argument("--seed", type=int, default=0, help="of everything (default: 0)")
    parser.add_argument("--backend", default="numpy", help="numpy, cupy, cupy:1 (default: numpy)")
    parser.add_argument("--width", type=float, default=1.0, help="of hidden layers, times as wide")
    if has_data:
        parser.add_argument("--data", help="as in tinygan train")
    in_notebook = "ipykernel" in sys.modules
    args = parser.parse_args([] if in_notebook else None)
    if args.seed < 0:
        parser.error(f"--seed: expected at least 0, got {args.seed}")
    if not 0 < args.width <= 16:
        parser.error(f"--width: expected more than 0, at most 16, got {args.width}")
    return args


def _whole(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)
