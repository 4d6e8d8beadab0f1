"""Plain minimization of one loss, as for an autoencoder or a classifier.

    for _, (value,) in zip(range(1000), minimize(loss, opt)): ...

A step can be captured as a CUDA graph, like a round of `gan.play` (see `backend.graph_replay`), if
`loss` draws its inputs through `backend.inputs` or Minibatches.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..autograd import grad
from ..tensor import Tensor
from . import Optimizer


class Step(NamedTuple):
    """The result of a step: the loss before it, a tensor of one element without a graph."""

    loss: Tensor


def minimize(loss: Callable[[], Tensor], opt: Optimizer) -> Iterator[Step]:
    """Endless steps of `opt`, each with the gradient of a new `loss()` (one element) at all
    parameters of `opt`."""
    while True:
        value = loss()
        opt.step(grad(value, opt.parameters))
        yield Step(value.detach())
