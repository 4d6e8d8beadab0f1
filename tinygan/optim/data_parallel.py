"""An optimizer of several ranks: the step that one would take on the whole minibatch."""

from __future__ import annotations

from collections.abc import Sequence

from ..backend import of
from ..parallel import Comm
from ..tensor import Tensor
from .optimizer import Optimizer, check_optimizers

__all__ = ["DataParallel"]


class DataParallel:
    """Steps of `optimizer` by the mean of the gradients that the ranks of `comm` have.

    All ranks hold the same parameters and state, and keep them the same: the mean is one vector,
    and there is one message for each update. Its memory stays where
    it is, as a CUDA graph wants it.
    """

    def __init__(self, optimizer: Optimizer, comm: Comm) -> None:
        check_optimizers(optimizer=optimizer)
        self.optimizer, self.comm, self.parameters = optimizer, comm, optimizer.parameters
        self._flat = of(optimizer.w).xp.zeros_like(optimizer.w)
        self._means, start = [], 0
        for p in optimizer.parameters:
            self._means.append(self._flat[start : start + p.size].reshape(p.shape))
            start += p.size

    def step(self, grads: Sequence[Tensor]) -> None:
        """Update the parameters by the mean over the ranks of their gradients."""
        for g, mean in zip(self.optimizer.checked(grads), self._means, strict=True):
            mean[...] = g.data
        self.comm.allreduce_mean_(self._flat)
        self.optimizer.step([Tensor(mean) for mean in self._means])
