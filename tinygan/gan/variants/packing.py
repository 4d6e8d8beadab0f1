"""PacGAN: the input of D is several examples at once, so that D can detect mode collapse.

    D(x_1, ..., x_pack), all real or all fake           (Lin et al. 2018, section 3)

Algorithm 1 does not change: `Packed(G, pack)` concatenates its fakes, and `data` must give rows of
`pack` real examples, (N, pack * numbers).
"""

from ... import checks
from ...nn import Module
from ...tensor import Tensor


class Packed(Module):
    """A generator of `pack` fakes per row: noise (N, pack * z) to (N, pack * numbers)."""

    def __init__(self, net: Module, pack: int) -> None:
        super().__init__()
        checks.modules(net=net)
        self.net = net
        (self.pack,) = checks.sizes(pack=pack)

    def forward(self, z: Tensor) -> Tensor:
        checks.tensors(z=z)
        if z.ndim != 2 or not len(z) or z.shape[1] % self.pack:
            raise ValueError(f"z: expected (N, a multiple of {self.pack}), got {z.shape}")
        n = len(z)
        return self.net(z.reshape((n * self.pack, -1))).reshape((n, -1))
