"""The options of a run. The same config gives the same run, bit for bit, on the same machine with
the same libraries and number of threads; another BLAS sums in another order."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from inspect import signature
from typing import Any

from ..data import names as data_names
from ..errors import InputError, choose
from ..gan import GAMES, PENALTIES, SeparableGame
from ..models import MODELS
from ..nn import Parameter
from ..optim import OPTIMIZERS, Optimizer

__all__ = ["Config", "flag", "option_type"]

SOURCES = ("auto", "numpy", "philox")
PENALTY_NAMES = ("auto", *PENALTIES)
FOLDER_MODES = ("gray", "color")
BATCHNORMS = ("synchronized", "local")


def _option(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"help": meaning})


def _names(known: Any) -> str:
    return ", ".join(known)


@dataclass(frozen=True)
class Config:
    """The options of a run.

    Raises InputError, which names the option, for a value out of range."""

    model: str = _option("dcgan28-slim", f"the pair of networks: {_names(MODELS)}")
    game: str = _option("non-saturating", f"the losses of both players: {_names(GAMES)}")
    data: str = _option("digits", f"the real images: {_names(data_names())}")
    folder_size: int = _option(28, "width and height of the images of folder:PATH")
    folder_mode: str = _option(
        "gray", f"color mode of the images of folder:PATH: {_names(FOLDER_MODES)}"
    )
    steps: int = _option(1200, "rounds of Algorithm 1")
    batch: int = _option(
        64, "size of a minibatch, the paper's m, up to 65536; it may exceed the data"
    )
    k: int = _option(1, "steps of D in a round")
    seed: int = _option(0, "seed of all randomness")
    optimizer: str = _option("adam", f"the optimizer of both players: {_names(OPTIMIZERS)}")
    lr_d: float | None = _option(None, "learning rate of D")
    lr_g: float | None = _option(None, "learning rate of G")
    beta1: float = _option(0.5, "Adam's decay of the mean gradient")
    beta2: float = _option(0.999, "Adam's decay of the squared gradient")
    ema: float = _option(
        0.99, "decay of the average of G's weights, which draws the samples; 0: no average"
    )
    penalty: str = _option(
        "auto",
        f"penalty on D's gradient: {_names(PENALTY_NAMES)}; auto is wgan-gp for game wasserstein, "
        "else none",
    )
    smoothing: float = _option(
        0.0, "one-sided label smoothing: real images have the label 1 - this"
    )
    label_noise: float = _option(0.0, "largest amount by which a label is moved")
    label_flips: float = _option(0.0, "probability that a label is wrong")
    simultaneous: bool = _option(False, "both players step at once, as in the code of 2014")
    batchnorm: str = _option(
        "synchronized",
        f"BatchNorm statistics under mpiexec: {_names(BATCHNORMS)}; over all ranks, which equals "
        "one process, or for each rank alone, which is faster",
    )
    backend: str = _option("numpy", "numpy, cupy, cupy:1")
    rng: str = _option(
        "auto",
        f"the source of noise: {_names(SOURCES)}; philox is computed on the device, numpy on the "
        "host; auto is philox on cupy, numpy on numpy",
    )
    no_graph: bool = _option(
        False, "on a GPU: play every round from Python, do not record one as a CUDA graph"
    )
    tf32: bool = _option(
        False, "on a GPU: round the factors of products to TF32, faster and less exact"
    )
    sample_every: int = _option(
        0,
        "rounds between frames of progress.gif, each of which adds some 60 kB to the checkpoint; "
        "0: about sixty frames in all (of a run that is lengthened: of the new --steps)",
    )

    def __post_init__(self) -> None:
        for each in fields(self):
            value, default = getattr(self, each.name), each.default
            if value is None and default is None:
                continue
            kind = option_type(default)
            accepted: Any = (int, float) if kind is float else kind
            if not isinstance(value, accepted) or isinstance(value, bool) is not (kind is bool):
                raise InputError(f"{flag(each.name)}: expected {kind.__name__}, got {value!r}")
            if kind is float and isinstance(value, int) and value.bit_length() > 1023:
                raise InputError(f"{flag(each.name)}: expected float, got an int that is too large")
        choose("--model", self.model, MODELS)
        choose("--game", self.game, GAMES)
        choose("--penalty", self.penalty, PENALTY_NAMES)
        choose("--optimizer", self.optimizer, OPTIMIZERS)
        choose("--batchnorm", self.batchnorm, BATCHNORMS)
        choose("--rng", self.rng, SOURCES)
        if self.rng == "auto":  # resolved once: a run keeps it on another backend
            source = "philox" if self.backend.partition(":")[0] == "cupy" else "numpy"
            object.__setattr__(self, "rng", source)
        choose("--folder-mode", self.folder_mode, FOLDER_MODES)
        for name, most in (("steps", math.inf), ("batch", 1 << 16), ("k", math.inf)):
            self._check(name, 1, most)
        for name in ("seed", "lr_d", "lr_g", "sample_every"):
            if getattr(self, name) is not None:
                self._check(name, 0, math.inf)
        for name in ("beta1", "beta2", "ema"):
            self._check(name, 0, 1, open_end=True)
        for name in ("smoothing", "label_noise", "label_flips"):
            self._check(name, 0, 1)
        self._check("folder_size", 1, 1024)
        if not self.data.startswith("folder:"):
            choose("--data", self.data, data_names())
            for name in ("folder_size", "folder_mode"):
                if getattr(self, name) != getattr(Config, name):
                    raise InputError(f"{flag(name)}: goes with --data folder:PATH only")
        elif self.data != "folder:":  # absolute, so that the run resumes from any directory
            path = os.path.abspath(os.path.expanduser(self.data.removeprefix("folder:")))
            object.__setattr__(self, "data", f"folder:{path}")
        if self.smoothing and self.game == "wasserstein":
            raise InputError(
                "--smoothing: goes with games that have labels; a Wasserstein critic has none, and "
                "its scores would grow without end"
            )
        labels = [n for n in ("smoothing", "label_noise", "label_flips") if getattr(self, n)]
        if labels and not isinstance(GAMES[self.game], SeparableGame):
            raise InputError(
                f"{flag(labels[0])}: goes with games whose losses are means over single "
                f"logits, and {self.game} is not one"
            )
        if not self._takes_betas:
            for name in ("beta1", "beta2"):
                if getattr(self, name) != getattr(Config, name):
                    raise InputError(
                        f"{flag(name)}: goes with optimizers that take betas, and "
                        f"{self.optimizer} does not"
                    )
        if self.simultaneous and self.k != 1:
            raise InputError(f"--k: simultaneous steps have k = 1, got {self.k}")

    def _check(self, name: str, low: float, high: float, open_end: bool = False) -> None:
        value, open_end = getattr(self, name), open_end or math.isinf(high)
        if not (low <= value and (value < high or (value == high and not open_end))):
            end = ")" if open_end else "]"
            raise InputError(f"{flag(name)}: expected in [{low}, {high}{end}, got {value}")

    @property
    def frame_every(self) -> int:
        """The number of rounds between two frames of the animation."""
        return self.sample_every or max(1, self.steps // 60)

    @property
    def penalty_used(self) -> str:
        """`penalty` with "auto" resolved: a Wasserstein critic needs a penalty to have slope 1."""
        if self.penalty != "auto":
            return self.penalty
        return "wgan-gp" if self.game == "wasserstein" else "none"

    @property
    def _takes_betas(self) -> bool:
        return "betas" in signature(OPTIMIZERS[self.optimizer]).parameters

    def new_optimizer(self, parameters: Sequence[Parameter], lr: float) -> Optimizer:
        """An optimizer of the chosen kind, with the betas of the run if it takes any."""
        make: Callable[..., Optimizer] = OPTIMIZERS[self.optimizer]
        options = {"betas": (self.beta1, self.beta2)} if self._takes_betas else {}
        return make(parameters, lr, **options)

    def as_dict(self) -> dict[str, Any]:
        """The options as a dict for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, options: Mapping[str, Any]) -> Config:
        """The inverse of `as_dict`.

        Raises InputError for unknown options."""
        known = {each.name for each in fields(cls)}
        if not isinstance(options, Mapping) or set(options) - known:
            unknown = (
                sorted(map(str, set(options) - known)) if isinstance(options, Mapping) else options
            )
            raise InputError(f"config: unknown options {unknown}")
        return cls(**options)


def option_type(default: object) -> type:
    """The type of an option with this default; None is a learning rate that the model chooses."""
    return float if default is None else type(default)


def flag(name: str) -> str:
    """An option's name on the command line."""
    return "--" + name.replace("_", "-")
