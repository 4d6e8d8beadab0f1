"""Plain minimization of one loss, as for an autoencoder or a classifier.

    for step, (loss,) in run.play(lambda: minimize(loss, opt)): ...

Like those of `gan.play`, rounds can be captured as a CUDA graph (see `backend.graph_replay`) if
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
