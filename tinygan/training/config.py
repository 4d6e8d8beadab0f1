"""The options of a run. The same config gives the same run, bit for bit, on the same
processor with the same libraries and number of ranks; another BLAS may add numbers in another
order."""

from __future__ import annotations

import math
import os
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import Field, asdict, dataclass, field, fields
from inspect import signature
from typing import Any

from ..backend.arrays import parse_name
from ..checks import MAX_COUNT
from ..data import PATHS, check_name, image_shape
from ..data import names as data_names
from ..errors import InputError, choose
from ..gan import GAMES, PENALTIES, SeparableGame
from ..models import MODELS, suited
from ..nn import Parameter
from ..optim import OPTIMIZERS, Optimizer

POSITIVE, NON_NEGATIVE = (1, MAX_COUNT, "]"), (0, MAX_COUNT, "]")  # whole numbers
RATE = (0, math.inf, ")")
DECAY, FRACTION = (0, 1, ")"), (0, 1, "]")
RENAMED = {"folder_size": "size", "folder_mode": "mode"}  # options of older versions
LABEL_OPTIONS = ("smoothing", "label_noise", "label_flips")


def _option(default: Any, meaning: str, allowed: Iterable[Any] = ()) -> Any:
    """A field with its help and its allowed values: names, which replace {} in the help, or the
    minimum, the maximum and the closing bracket of an interval."""
    text = meaning.replace("{}", ", ".join(map(str, allowed)))
    return field(default=default, metadata={"help": text, "allowed": tuple(allowed)})


@dataclass(frozen=True)
class Config:
    """The options of a run.

    Raises InputError, which names the option, for a value out of range."""

    model: str = _option(
        "auto",
        "the pair of networks: {}; auto is one for the size of the images: dcgan28-slim, dcgan, or "
        "else mlp-mid",
        ("auto", *MODELS),
    )
    width: float = _option(1.0, "factor of the sizes of hidden layers", (0.01, 10, "]"))
    game: str = _option("non-saturating", "the losses of both players: {}", GAMES)
    data: str = _option("digits", f"the real images: {', '.join(data_names())}")
    size: int = _option(
        32, "width and height to which the images of folder:PATH are resized", (1, 1024, "]")
    )
    mode: str = _option("color", "color mode of the images of folder:PATH: {}", ("gray", "color"))
    skip_broken: bool = _option(
        False, "leave out the images of folder:PATH that cannot be read, and name them"
    )
    flip: bool = _option(False, "add the mirror image of each image, left and right exchanged")
    steps: int = _option(1200, "rounds of Algorithm 1", POSITIVE)
    batch: int = _option(
        64,
        "size of a minibatch, the paper's m, up to 65536; it may exceed the number of images",
        (1, 1 << 16, "]"),
    )
    k: int = _option(1, "steps of D in a round", POSITIVE)
    seed: int = _option(0, "seed of all randomness", NON_NEGATIVE)
    optimizer: str = _option("adam", "the optimizer of both players: {}", OPTIMIZERS)
    lr_d: float | None = _option(None, "learning rate of D", RATE)
    lr_g: float | None = _option(None, "learning rate of G", RATE)
    beta1: float = _option(0.5, "Adam's decay of the mean gradient", DECAY)
    beta2: float = _option(0.999, "Adam's decay of the mean squared gradient", DECAY)
    ema: float = _option(
        0.99,
        "decay of the moving average of G's weights, with which samples are drawn; 0: no average",
        DECAY,
    )
    penalty: str = _option(
        "auto",
        "penalty on D's gradient: {}; auto is wgan-gp for the game wasserstein, else none",
        ("auto", *PENALTIES),
    )
    smoothing: float = _option(
        0.0, "one-sided label smoothing: real images have the label 1 - N", FRACTION
    )
    label_noise: float = _option(0.0, "largest change of a label by noise", FRACTION)
    label_flips: float = _option(0.0, "probability that a label is flipped", FRACTION)
    simultaneous: bool = _option(
        False, "both players step at once, as in the code of Goodfellow et al. 2014"
    )
    batchnorm: str = _option(
        "synchronized",
        "BatchNorm statistics of several ranks: {} (synchronized: of all, as in one process; "
        "local: of each rank alone, which is faster)",
        ("synchronized", "local"),
    )
    backend: str = _option("numpy", "numpy, cupy, or one GPU, such as cupy:1")
    rng: str = _option(
        "auto",
        "the source of noise: {}; numpy draws on the host, philox on the device; auto is philox on "
        "cupy, else numpy",
        ("auto", "numpy", "philox"),
    )
    no_graph: bool = _option(False, "on a GPU: play every round from Python; capture no CUDA graph")
    tf32: bool = _option(
        False,
        "on a GPU: round the factors of matrix products to TF32, which is faster and less exact",
    )
    sample_every: int = _option(
        0,
        "number of rounds between two frames of progress.gif; a frame adds about 60 kB to the "
        "checkpoint; 0: about sixty frames in all",
        NON_NEGATIVE,
    )

    def __post_init__(self) -> None:
        for each in fields(self):
            _check(each, getattr(self, each.name))
        parse_name(self.backend)  # whether it works is asked when it is used
        if self.rng == "auto":  # resolved once: a run keeps it on another backend
            source = "philox" if self.backend.partition(":")[0] == "cupy" else "numpy"
            object.__setattr__(self, "rng", source)
        kind, colon, path = self.data.partition(":")
        if not colon or kind not in PATHS:
            check_name("--data", self.data)
            self._keep_default("size", "mode", "skip_broken", only="with --data folder:PATH")
        elif path:  # absolute, so that the run resumes from any directory
            path = os.path.abspath(os.path.expanduser(path))
            object.__setattr__(self, "data", f"{kind}:{path}")
        if self.model == "auto":
            object.__setattr__(self, "model", suited(self.image_shape))
        if self.game == "wasserstein":
            critic = "a Wasserstein critic has none, and its logits would grow without bound"
            self._keep_default("smoothing", only=f"with games that have labels; {critic}")
        if not isinstance(GAMES[self.game], SeparableGame):
            separable = "with games whose losses are means over single logits"
            self._keep_default(*LABEL_OPTIONS, only=f"{separable}, and {self.game} is not one")
        if not self._takes_betas:
            takes = f"with optimizers that take betas, and {self.optimizer} does not"
            self._keep_default("beta1", "beta2", only=takes)
        if self.simultaneous and self.k != 1:
            raise InputError(f"--k: expected 1 with --simultaneous, got {self.k}")

    def _keep_default(self, *names: str, only: str) -> None:
        """Check that these options have their defaults, since they work only in another case.

        Raises InputError, which names the case by `only`, if one has not."""
        for name in names:
            if getattr(self, name) != getattr(Config, name):
                raise InputError(f"{flag(name)}: works only {only}")

    @property
    def is_folder(self) -> bool:
        """Whether the images are the user's own."""
        return self.data.partition(":")[0] in PATHS

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The shape (C, H, W) of the images."""
        return image_shape(self.data, size=self.size, mode=self.mode)

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
        """An optimizer of the kind `optimizer`, with the run's betas if it takes betas."""
        make: Callable[..., Optimizer] = OPTIMIZERS[self.optimizer]
        options = {"betas": (self.beta1, self.beta2)} if self._takes_betas else {}
        return make(parameters, lr, **options)

    def as_dict(self) -> dict[str, Any]:
        """The options as a dict for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, options: Mapping[str, Any]) -> Config:
        """The inverse of `as_dict`, also for the names of older versions.

        Raises InputError for unknown options."""
        if not isinstance(options, Mapping):
            raise InputError(f"config: expected a dict, got {options!r}")
        options = {RENAMED.get(name, name): value for name, value in options.items()}
        if unknown := set(options) - {each.name for each in fields(cls)}:
            raise InputError(f"config: unknown options {sorted(map(str, unknown))}")
        return cls(**options)


def _check(option: Field[Any], value: Any) -> None:
    """Raise InputError unless a value has the type of an option and is allowed."""
    name, allowed = flag(option.name), option.metadata["allowed"]
    if value is None and option.default is None:
        return
    kind = option_type(option.default)
    accepted: Any = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or isinstance(value, bool) is not (kind is bool):
        raise InputError(f"{name}: expected {kind.__name__}, got {value!r}")
    if kind is float and isinstance(value, int) and value.bit_length() > 1023:
        raise InputError(f"{name}: expected float, got an int that is too large")
    if kind is str and allowed:
        choose(name, value, allowed)
    elif kind is not str and allowed:
        low, high, end = allowed
        if not (low <= value < high or (value == high and end == "]")):
            expected = f"in [{low}, {high}{end}"
            if kind is int:
                expected = f"a whole number from {low} to {high}"
            elif high == math.inf:
                expected = f"a finite number of at least {low}"
            raise InputError(f"{name}: expected {expected}, got {reprlib.repr(value)}")


def option_type(default: object) -> type:
    """The type of an option with this default; None is a learning rate that the model chooses."""
    return float if default is None else type(default)


def flag(name: str) -> str:
    """An option's name on the command line."""
    return "--" + name.replace("_", "-")
