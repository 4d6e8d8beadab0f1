"""An average of a network's weights over the training."""

import numpy as np

from .. import checks
from ..backend.inputs import host_input
from ..nn.module import Module

__all__ = ["EMA"]


class EMA:
    """An exponential moving average of a network's parameters, in a copy of it: `ema.module`.

    The last iterate of a GAN oscillates around the equilibrium; samples of the average are better
    (Yazici et al. 2018). The decay at update t is min(decay, (1 + t) / (10 + t)), so that the
    initial weights soon contribute little. Buffers are copied, not averaged. Build it after moving
    the network: it keeps references to the arrays.
    """

    def __init__(self, module: Module, decay: float = 0.999) -> None:
        checks.between(0, 1, decay=decay)
        checks.modules(module=module)
        self.decay, self.t = decay, 0
        self.module, self._source = module.copy().eval(), module
        self._parameters = list(zip(module.parameters(), self.module.parameters(), strict=True))
        self._buffers = [kept for _, kept in self.module.named_buffers()]

    def update(self) -> None:
        """Move the average toward the current parameters by 1 - decay."""
        if self._parameters:
            (rate,) = host_input(self._count, like=self._parameters[0][1].data)
        for p, average in self._parameters:
            average.data[...] += rate * (p.data - average.data)
        if self._buffers:
            for (_, now), kept in zip(self._source.named_buffers(), self._buffers, strict=True):
                kept[...] = now

    def _count(self) -> np.ndarray:
        """Count an update and return its rate, 1 - decay, as an array (1,)."""
        rate = 1 - min(self.decay, (1 + self.t) / (10 + self.t))
        self.t += 1
        for _, average in self._parameters:
            average.touch()
        return np.array([rate], self._parameters[0][1].dtype)
