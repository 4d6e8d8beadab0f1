"""Config: all that determines a run. The same config gives the same run, bit for bit."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..errors import InputError
from ..gan import GAMES
from ..models import MODELS

__all__ = ["Config", "option_type"]

PENALTIES = ("none", "wgan-gp", "r1")
FOLDER_MODES = ("grey", "colour")


@dataclass(frozen=True)
class Config:
    """The options of a run; raises InputError, naming the option, for a value out of range."""

    model: str = "dcgan28-slim"
    game: str = "non-saturating"
    data: str = "digits"
    folder_size: int = 28  # of data folder:PATH: images are cropped and resized to this
    folder_mode: str = "grey"
    steps: int = 800  # rounds of Algorithm 1
    batch: int = 64  # m
    k: int = 1  # steps of D a round
    seed: int = 0
    lr_d: float | None = None  # None: the model's own
    lr_g: float | None = None
    beta1: float = 0.5
    beta2: float = 0.999
    ema: float = 0.99  # of G's weights, for samples; 0 samples from G as it is
    penalty: str = "none"
    smoothing: float = 0.0  # one-sided label smoothing
    label_noise: float = 0.0
    label_flips: float = 0.0
    simultaneous: bool = False
    backend: str = "numpy"
    sample_every: int = 0  # rounds between frames of progress.gif; 0: sixty in all

    def __post_init__(self) -> None:
        for field in fields(self):
            value, default = getattr(self, field.name), field.default
            if value is None and default is None:
                continue
            kind = option_type(default)
            accepted: Any = (int, float) if kind is float else kind
            if not isinstance(value, accepted) or isinstance(value, bool) is not (kind is bool):
                raise InputError(f"{_option(field.name)}: expected {kind.__name__}, got {value!r}")
        _one_of("model", self.model, MODELS)
        _one_of("game", self.game, GAMES)
        _one_of("penalty", self.penalty, PENALTIES)
        _one_of("folder_mode", self.folder_mode, FOLDER_MODES)
        for name in ("steps", "batch", "k", "folder_size"):
            self._check(name, 1, math.inf)
        for name in ("seed", "lr_d", "lr_g", "sample_every"):
            if getattr(self, name) is not None:
                self._check(name, 0, math.inf)
        for name in ("beta1", "beta2", "ema"):
            self._check(name, 0, 1, open_end=True)
        for name in ("smoothing", "label_noise", "label_flips"):
            self._check(name, 0, 1)
        if self.simultaneous and self.k != 1:
            raise InputError(f"--k: simultaneous steps have k = 1, got {self.k}")

    def _check(self, name: str, low: float, high: float, open_end: bool = False) -> None:
        value = getattr(self, name)
        if not (low <= value and (value < high or (value == high and not open_end))):
            end = ")" if open_end or math.isinf(high) else "]"
            raise InputError(f"{_option(name)}: expected in [{low}, {high}{end}, got {value}")

    @property
    def frame_every(self) -> int:
        """Rounds between two frames of the animation."""
        return self.sample_every or max(1, self.steps // 60)

    def as_dict(self) -> dict[str, Any]:
        """The options as JSON holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, options: Mapping[str, Any]) -> Config:
        """The inverse of `as_dict`; raises InputError for unknown options."""
        known = {field.name for field in fields(cls)}
        if not isinstance(options, Mapping) or set(options) - known:
            unknown = sorted(set(options) - known) if isinstance(options, Mapping) else options
            raise InputError(f"config: unknown options {unknown}")
        return cls(**options)


def option_type(default: object) -> type:
    """The type of an option, from its default; None stands for a rate that the model chooses."""
    return float if default is None else type(default)


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _one_of(name: str, value: str, known: Iterable[str]) -> None:
    known = list(known)
    if value not in known:
        close = difflib.get_close_matches(value, known, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise InputError(
            f"{_option(name)}: expected one of {', '.join(known)}, got {value!r}{hint}"
        )
