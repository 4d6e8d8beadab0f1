"""Games in which D judges more than one image: a row that holds an image and what belongs to it.

    conditional   (x, y)        an image and its label           (Mirza and Osindero 2014, eq. 2)
    AC-GAN        (x, y)        and D names the class as well    (Odena et al. 2017, section 3)
    packing       (x, x', ...)  several images of one kind       (Lin et al. 2018, section 3)

Algorithm 1 stays as it is. Its minibatches are rows (N, numbers), and so is its noise: what stands
in a row and what becomes of it is told by the modules here, which are wrapped around G and D.

    G = joint.Labelled(net, 10)       [z, y] -> [G(z, y), y]     G hands on the label that it got
    D = joint.OnPlanes(net, shape)    [x, y] -> the logit of the pair
    data = joint.labelled_data(minibatches, 10);  noise = joint.labelled_noise(noise, 10, rng=rng)
"""

from __future__ import annotations

from ... import checks
from ...nn import Module
from ...tensor import Tensor

__all__ = ["Packed"]


class Packed(Module):
    """A generator whose samples come `pack` side by side: (N, pack * z) to (N, pack * numbers).

    D is to be given as many real ones side by side, and so sees if samples are all alike."""

    def __init__(self, net: Module, pack: int) -> None:
        super().__init__()
        checks.modules(net=net)
        self.net = net
        (self.pack,) = checks.sizes(pack=pack)

    def forward(self, z: Tensor) -> Tensor:
        checks.tensors(z=z)
        if z.ndim != 2 or not len(z) or z.shape[1] % self.pack:
            raise ValueError(f"z: expected (N, numbers of {self.pack}), got {z.shape}")
        n = len(z)
        return self.net(z.reshape((n * self.pack, -1))).reshape((n, -1))
