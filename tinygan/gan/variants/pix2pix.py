"""Paired image-to-image translation: G maps an image y to G(y), which should resemble x.

    G's loss   E[distance(G(y), x)] + weight * E[generator_loss(D(y, G(y)))]
    D's loss   E[real_loss(D(y, x))] + E[fake_loss(D(y, G(y)))]              (Isola et al. 2017)

A distance alone makes G output the mean (mse) or the median (l1) of all x that fit y, which is
blurred; the adversarial loss favors one that could be real. `weight` balances the two. With 0, G
learns from the distance alone: that run is the control. (Pix2pix multiplies the distance by lambda
instead, so `weight` is 1 / lambda.)

The input of D is y and the image, so that D can detect whether they belong together; or the image
alone (Pathak et al. 2016; Ledig et al. 2017).
"""

import math
from collections.abc import Callable, Iterator

from ... import checks
from ...losses import l1
from ...nn import Module
from ...ops import concatenate
from ...optim import Optimizer
from ...tensor import Tensor
from .. import AnyGame, Round, discriminate, update
from ..algorithm import check_players


def concat_channels(y: Tensor, x: Tensor) -> Tensor:
    """Images y (N, B, H, W) and x (N, C, H, W), concatenated to (N, B + C, H, W)."""
    checks.tensors(y=y, x=x)
    if y.ndim != 4 or x.ndim != 4 or (y.shape[0], *y.shape[2:]) != (x.shape[0], *x.shape[2:]):
        raise ValueError(
            f"pairs: expected images (N, B, H, W) and (N, C, H, W), got {y.shape} and {x.shape}"
        )
    return concatenate([y, x], axis=1)


def play_pix2pix(
    game: AnyGame,
    G: Module,
    D: Module,
    pairs: Callable[[int], tuple[Tensor, Tensor]],
    opt_g: Optimizer,
    opt_d: Optimizer,
    *,
    m: int = 64,
    weight: float = 0.01,
    distance: Callable[[Tensor, Tensor], Tensor] = l1,
    paired: bool = True,
) -> Iterator[Round]:
    """Play rounds of a step for D and one for G, on the same m pairs (y, x) = pairs(m).

    The input of D is y and x concatenated, (N, B + C, H, W); without `paired`, x alone. Its logits
    may be (N, 1) or, for a PatchGAN, (N, 1, h, w): the loss is the mean over them.

    Raises ValueError if G(y) has another shape than x.
    """
    checks.sizes(m=m)
    checks.between(0, math.inf, weight=weight)
    check_players(game, {"G": G}, {"D": D}, opt_g, opt_d, pairs=pairs)
    if not callable(distance):
        raise TypeError(f"distance: expected a loss, such as losses.l1, got {distance!r}")

    def d_input(y: Tensor, image: Tensor) -> Tensor:
        return concat_channels(y, image) if paired else image

    def one_round() -> Round:
        y, x = pairs(m)
        fake = G(y)
        g_loss = distance(fake, x)

        real_pair = d_input(y, x)
        real_logits, fake_logits = discriminate(D, real_pair, d_input(y, fake.detach()))
        d_loss = update(opt_d, game.d_loss(real_logits, fake_logits))

        if weight:
            real = D(real_pair) if game.g_uses_real else None
            g_loss = g_loss + weight * game.g_loss(D(d_input(y, fake)), real)
        return Round(d_loss, update(opt_g, g_loss), real_logits.detach(), fake_logits.detach())

    while True:
        yield one_round()
