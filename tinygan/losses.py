"""Losses. Probabilities are given as logits (log-odds), so that no logarithm has to be clipped.

With D = sigmoid(l): log D = -softplus(-l) and log(1 - D) = -softplus(l), accurate for all l. The
gradient of log(clip(D)) would be 0 exactly where D is most confident.

Each loss raises ValueError if the shapes of its arguments differ: (N,) and (N, 1) would broadcast
to (N, N).
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from . import checks, signposts
from .ops import abs, exp, log_softmax, mean, softplus, sum
from .tensor import Operand, Tensor, lift, raw

__all__ = ["bce_with_logits", "cross_entropy", "gaussian_kl", "l1", "mse"]

if not TYPE_CHECKING:  # it would allow every name
    __getattr__ = signposts.missing(__name__)


def bce_with_logits(logits: Operand, targets: Operand, reduction: str = "mean") -> Tensor:
    """-t log sigmoid(l) - (1 - t) log(1 - sigmoid(l)); targets in [0, 1], a number or l's shape.

    Logits of 0 give log 2. `reduction`: "mean", "sum" or "none".

    Raises ValueError for targets outside [0, 1]; not on a GPU, where reading values is slow.
    """
    logits, targets = _prepared("bce_with_logits", "logits", logits, targets)
    if logits.backend.reads_are_free and logits.size:
        low, high = np.min(raw(targets)), np.max(raw(targets))
        if not 0 <= low <= high <= 1:
            raise ValueError(f"bce_with_logits: expected targets in [0, 1], got {low:g}..{high:g}")
    return _reduce(targets * softplus(-logits) + (1 - targets) * softplus(logits), reduction)


def mse(predictions: Operand, targets: Operand, reduction: str = "mean") -> Tensor:
    """(p - t)^2; targets are a number or of p's shape. `reduction`: "mean", "sum" or "none"."""
    predictions, targets = _prepared("mse", "predictions", predictions, targets)
    difference = predictions - targets
    return _reduce(difference * difference, reduction)


def l1(predictions: Operand, targets: Operand, reduction: str = "mean") -> Tensor:
    """|p - t|; targets are a number or of p's shape. `reduction`: "mean", "sum" or "none"."""
    predictions, targets = _prepared("l1", "predictions", predictions, targets)
    return _reduce(abs(predictions - targets), reduction)


def cross_entropy(logits: Operand, labels: Any, reduction: str = "mean") -> Tensor:
    """-log softmax(l)[label], for logits (N, K) and integer labels (N,).

    `reduction`: "mean", "sum" or "none" (a loss for each example).

    Raises ValueError for labels out of range; not on a GPU, where reading values is slow.
    """
    logits, labels = lift(logits, labels)
    if not isinstance(labels, Tensor) or labels.dtype.kind not in "iu":
        raise ValueError(f"cross_entropy: labels must be integers, got {labels!r}")
    if not isinstance(logits, Tensor):
        raise TypeError(f"cross_entropy: expected logits (N, K), got {logits!r}")
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ValueError(
            f"cross_entropy: expected logits (N, K) and labels (N,), got {logits.shape} and "
            f"{labels.shape}"
        )
    checks.indices("cross_entropy: expected labels", labels, logits.shape[1])
    chosen = log_softmax(logits, axis=1)[logits.xp.arange(len(logits)), labels]
    return _reduce(-chosen, reduction)


def gaussian_kl(mean: Operand, log_variance: Operand, reduction: str = "mean") -> Tensor:
    """KL(N(mean, e^v) || N(0, 1)) = (mean^2 + e^v - 1 - v) / 2 for each element, in nats.

    v is log_variance, a number or of mean's shape. `reduction`: "mean", "sum" or "none".
    Kingma and Welling 2014, appendix B.
    """
    m, v = _prepared("gaussian_kl", "mean", mean, log_variance, "log_variance")
    v = v if isinstance(v, Tensor) else m * 0 + v
    return _reduce((m * m + exp(v) - 1 - v) / 2, reduction)


def _prepared(
    loss: str, name: str, a: Operand, b: Operand, other: str = "targets"
) -> tuple[Tensor, Any]:
    """Return a as a tensor, and b as a number or as a tensor of a's shape in floating point."""
    a, b = lift(*lift(a), b)
    if a.dtype.kind == "b":
        raise TypeError(f"{loss}: {name}: expected numbers, got bool")
    if isinstance(b, Tensor):
        if a.shape != b.shape:
            raise ValueError(f"{loss}: {name} {a.shape} and {other} {b.shape} must have one shape")
        if b.dtype.kind != "f":  # integer targets must not change the dtype
            b = b.astype(a.dtype)
    return a, b


def _reduce(loss: Tensor, reduction: str) -> Tensor:
    reductions = {"mean": mean, "sum": sum, "none": lambda loss: loss}
    if reduction not in reductions:
        raise ValueError(f"reduction: expected 'mean', 'sum' or 'none', got {reduction!r}")
    return reductions[reduction](loss)
