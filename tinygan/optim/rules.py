"""The update rules: SGD with momentum, RMSprop, Adam. A rule is a formula on vectors."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from .. import checks
from ..backend import kernel, of
from ..nn.module import Parameter
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
    """Adam (Kingma and Ba 2014, algorithm 1), with optional decoupled weight decay (AdamW:
    Loshchilov and Hutter 2017). For GANs, betas of (0.5, 0.999) are usual (Radford et al. 2015).
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
        self.betas, self.eps = (float(betas[0]), float(betas[1])), float(eps)
        self.weight_decay = float(weight_decay)

    def numbers(self, lr: float) -> tuple[float, ...]:
        """lr, and the bias corrections 1 - b1^t and 1 - b2^t."""
        (b1, b2), t = self.betas, self.t
        return lr, 1 - b1**t, 1 - b2**t

    def update(self, w: Any, g: Any, m: Any, v: Any, lr: Any, c1: Any, c2: Any) -> None:
        adam(w, g, m, v, lr, c1, c2, self.betas, self.eps, self.weight_decay)


@kernel
def adam(
    w: Any, g: Any, m: Any, v: Any, lr: Any, c1: Any, c2: Any,
    betas: tuple[float, float], eps: float, weight_decay: float,
) -> bool:  # fmt: skip
    """Adam in the notation of the paper. Each backend has a faster form with equal results."""
    b1, b2 = betas
    m[...] = b1 * m + (1 - b1) * g  # "update biased first moment estimate"
    v[...] = b2 * v + (1 - b2) * g**2  # "update biased second raw moment estimate"
    m_hat = m / c1  # "compute bias-corrected first moment estimate", c1 = 1 - b1^t
    v_hat = v / c2  # "compute bias-corrected second raw moment estimate", c2 = 1 - b2^t
    w -= lr * (m_hat / (of(w).xp.sqrt(v_hat) + eps) + weight_decay * w)  # "update parameters"
    return True


OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "sgd": SGD, "rmsprop": RMSprop}
