"""Training without an opponent: down the gradient of one loss, step by step.

    for step, (loss,) in run.play(lambda: descend(loss, opt)): ...

The rounds of whatever minimises (an autoencoder, a classifier); like those of `gan.play` they can
be recorded (see `replay`), if what `loss` makes anew comes from `supply` or from Minibatches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..autograd import grad
from ..tensor import Tensor
from . import Optimizer

__all__ = ["Step", "minimize"]


class Step(NamedTuple):
    """What a step leaves: the loss that it went down from, a value in a tensor."""

    loss: Tensor


def minimize(loss: Callable[[], Tensor], opt: Optimizer) -> Iterator[Step]:
    """Steps of `opt`, each down the gradient of a new `loss()`, of one element, by all that `opt`
    updates."""
    while True:
        value = loss()
        opt.step(grad(value, opt.parameters))
        yield Step(value.detach())
