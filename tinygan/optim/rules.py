"""The update rules: SGD with momentum, RMSprop, Adam. A rule is a formula on vectors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from .. import checks
from ..backend import kernel, of
from ..nn import Parameter
from .optimizer import Optimizer, Schedule

__all__ = ["OPTIMIZERS", "SGD", "Adam", "RMSprop"]


class SGD(Optimizer):
    """v <- momentum v - lr g;  w <- w + v.

    The classical form, as in the 2014 paper's code. PyTorch scales v by lr instead, which is equal
    while lr is constant.
    """

    slots, schedules = ("v",), ("lr", "momentum")

    def __init__(
        self, parameters: Iterable[Parameter], lr: Schedule, momentum: Schedule = 0.0
    ) -> None:
        if not callable(momentum):
            checks.between(0, 1, momentum=momentum)
        super().__init__(parameters, lr)
        self.momentum = momentum

    def update(self, w: Any, g: Any, v: Any, lr: Any, momentum: Any) -> None:
        v *= momentum
        v -= lr * g
        w += v


class RMSprop(Optimizer):
    """s <- alpha s + (1 - alpha) g^2;  w <- w - lr g / (sqrt(s) + eps)  (Hinton, lecture 6e)."""

    slots = ("s",)

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: Schedule = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
    ) -> None:
        checks.between(0, 1, alpha=alpha)
        checks.between(0, math.inf, "()", eps=eps)
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, w: Any, g: Any, s: Any, lr: Any) -> None:
        s *= self.alpha
        s += (1 - self.alpha) * g * g
        w -= lr * g / (s**0.5 + self.eps)


class Adam(Optimizer):
    """Adam (Kingma and Ba 2014, algorithm 1), with optional decoupled weight decay (AdamW).

    m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,  both bias-corrected;
    w <- w - lr (m / (sqrt(v) + eps) + weight_decay w).
    GANs take betas (0.5, 0.999) (Radford et al. 2015).
    """

    slots = ("m", "v")

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: Schedule = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        if not isinstance(betas, Sequence) or len(betas) != 2:
            raise ValueError(f"betas: expected two numbers in [0, 1), got {betas!r}")
        checks.between(0, 1, "[)", **{"betas[0]": betas[0], "betas[1]": betas[1]})
        checks.between(0, math.inf, "()", eps=eps)
        checks.between(0, math.inf, weight_decay=weight_decay)
        super().__init__(parameters, lr)
        self.betas, self.eps, self.weight_decay = tuple(betas), eps, weight_decay

    # m and v are stored without the factors 1 - b1 and 1 - b2, which are part of the scalars.

    def numbers(self, lr: float) -> tuple[float, ...]:
        (b1, b2), t = self.betas, self.t
        scale = ((1 - b2) / (1 - b2**t)) ** 0.5  # sqrt of the bias-corrected v is scale * sqrt(v)
        rate = lr * (1 - b1) / ((1 - b1**t) * scale)
        return rate, self.eps / scale, 1 - lr * self.weight_decay

    def update(self, w: Any, g: Any, m: Any, v: Any, rate: Any, eps: Any, kept: Any) -> None:
        adam(w, g, m, v, rate, eps, kept if self.weight_decay else None, self.betas)


@kernel
def adam(
    w: Any, g: Any, m: Any, v: Any, rate: Any, eps: Any, kept: Any, betas: tuple[float, float]
) -> bool:
    """Update in place with one temporary vector. w is multiplied by `kept` unless that is None."""
    xp, (b1, b2) = of(w).xp, betas
    m *= b1
    m += g
    square = g * g
    v *= b2
    v += square
    if kept is not None:
        w *= kept
    step = xp.sqrt(v, out=square)
    step += eps
    xp.divide(m, step, out=step)
    step *= rate
    w -= step
    return True


OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "sgd": SGD, "rmsprop": RMSprop}
