"""CycleGAN: unpaired image-to-image translation, with a map and a discriminator per direction.

    G: X -> Y, F: Y -> X      D_y distinguishes y from G(x), and D_x distinguishes x from F(y)

    loss of G and F = their losses in the game, on G(x) and F(y)
                      + cycle    * (E|F(G(x)) - x| + E|G(F(y)) - y|)
                      + identity * (E|G(y) - y|    + E|F(x) - x|)

(Zhu et al. 2017, eq. 2, 3 and section 5.2.) |.| is the mean over pixels. The losses of the game
only make G(x) resemble an image of Y; the same image for all x would be enough. With the cycle
loss, G(x) must preserve all that F needs to reconstruct x, but many invertible maps do. The
identity loss favors the map that changes an image the least.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ... import checks
from ...backend import Array, Rng
from ...backend.inputs import host_input
from ...losses import l1
from ...nn import Module
from ...ops import concatenate
from ...optim import Optimizer
from ...tensor import Tensor
from .. import AnyGame, Round, Source, discriminate, update
from ..algorithm import check_players


class ImageBuffer:
    """A buffer of `size` earlier fakes, so that D also trains on these (Shrivastava et al. 2017,
    section 2.3).

    buffer(fakes) returns as many fakes as it gets. Until the buffer is full, it stores and returns
    each fake. Then it returns each fake with probability 1/2; otherwise it returns a stored fake
    and stores the new one in its place, as in the code of CycleGAN.
    """

    def __init__(self, size: int = 50, *, rng: Rng) -> None:
        (self.size,) = checks.sizes(size=size)
        self.rng, self.filled = checks.generator(rng), 0
        self.images: Array | None = None

    def __call__(self, fakes: Tensor) -> Tensor:
        checks.tensors(fakes=fakes)
        new = fakes.data
        if self.images is None:
            self.images = fakes.xp.zeros((self.size, *new.shape[1:]), new.dtype)
        which = host_input(lambda: self._which(len(fakes)), new)
        both = fakes.xp.concatenate([self.images, new])[which]
        self.images[...] = both[: self.size]
        return Tensor(both[self.size :])

    def _which(self, m: int) -> np.ndarray:
        """Indices (size + m,) into [stored, m new fakes]: those to store, then those to return."""
        which = np.arange(self.size + m)
        for i in range(self.size, self.size + m):
            if self.filled < self.size:
                which[self.filled] = i
                self.filled += 1
            elif self.rng.random() < 0.5:
                old = int(self.rng.integers(self.size))
                which[old], which[i] = i, which[old]
        return which


class Players(NamedTuple):
    """The maps G: X -> Y and F: Y -> X, and their discriminators. The logits of a D may be (N, 1)
    or, for a PatchGAN, (N, 1, h, w)."""

    G: Module
    F: Module
    D_y: Module
    D_x: Module


def play_cyclegan(
    game: AnyGame,
    players: Players,
    xs: Source,
    ys: Source,
    opt_g: Optimizer,
    opt_d: Optimizer,
    buffers: tuple[ImageBuffer, ImageBuffer],
    *,
    m: int = 1,
    cycle: float = 10.0,
    identity: float = 5.0,
) -> Iterator[Round]:
    """Play rounds of one joint step of G and F, then one of D_y and D_x, on m images x and m
    images y.

    `opt_g` has the parameters of G, then of F; `opt_d` those of D_y, then of D_x. `buffers` are for
    the fakes of Y and of X, and the logits in a Round have this order. The order of steps, the
    weights and the buffers are those of CycleGAN's code. Its generator loss, (l - 1)^2, is twice
    that of `least_squares()`: with that game, cycle=5 and identity=2.5 give the same weighting.

    Raises ValueError if G or F give images of another shape than those of their target domain.
    """
    checks.sizes(m=m)
    checks.between(0, math.inf, cycle=cycle, identity=identity)
    if not isinstance(players, Players):
        raise TypeError(f"players: expected Players(G, F, D_y, D_x), got {players!r}")
    G, F, D_y, D_x = players
    check_players(game, {"G": G, "F": F}, {"D_y": D_y, "D_x": D_x}, opt_g, opt_d, xs=xs, ys=ys)
    if not (isinstance(buffers, Sequence) and len(buffers) == 2 and all(map(callable, buffers))):
        raise TypeError(f"buffers: expected two, such as ImageBuffer(rng=rng), got {buffers!r}")

    def g_step(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fake_y, fake_x = G(x), F(y)
        real_y, real_x = (D_y(y), D_x(x)) if game.g_uses_real else (None, None)
        loss = game.g_loss(D_y(fake_y), real_y) + game.g_loss(D_x(fake_x), real_x)
        if cycle:
            loss = loss + cycle * (l1(F(fake_y), x) + l1(G(fake_x), y))
        if identity:
            loss = loss + identity * (l1(G(y), y) + l1(F(x), x))
        return update(opt_g, loss), fake_y.detach(), fake_x.detach()

    def d_step(x: Tensor, y: Tensor, fake_x: Tensor, fake_y: Tensor) -> tuple[Tensor, ...]:
        y_real, y_fake = discriminate(D_y, y, fake_y)
        x_real, x_fake = discriminate(D_x, x, fake_x)
        loss = game.d_loss(y_real, y_fake) + game.d_loss(x_real, x_fake)
        real, fake = concatenate([y_real, x_real]), concatenate([y_fake, x_fake])
        return update(opt_d, loss), real.detach(), fake.detach()

    while True:
        x, y = xs(m), ys(m)
        g_loss, fake_y, fake_x = g_step(x, y)
        fake_y, fake_x = buffers[0](fake_y), buffers[1](fake_x)
        d_loss, real_logits, fake_logits = d_step(x, y, fake_x, fake_y)
        yield Round(d_loss, g_loss, real_logits, fake_logits)
