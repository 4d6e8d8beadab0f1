"""Gradient penalties for D. Their own gradient needs second derivatives: `grad(create_graph=True)`.

They use the gradient of each example's logit at that example, so D must not mix examples: with
BatchNorm in training mode a logit depends on the whole minibatch. InstanceNorm, LayerNorm and
SpectralNorm are fine.
"""

import math
from collections.abc import Callable

from .. import checks
from ..autograd import grad
from ..backend import Noise, inputs
from ..nn.module import Module
from ..ops import mean, sqrt, sum
from ..tensor import Tensor
from .algorithm import Penalty

__all__ = ["PENALTIES", "r1", "r1_r2", "r2", "wgan_gp"]


def wgan_gp(weight: float = 10.0, *, rng: Noise) -> Penalty:
    """weight * E[(|grad D(x^)| - 1)^2] at a random point x^ between a real image and a fake
    (Gulrajani et al. 2017, algorithm 1).

    D must not use BatchNorm: the penalty is on the gradient of each example (their section 4). The
    penalty raises ValueError if real images and fakes differ in shape.
    """
    checks.between(0, math.inf, weight=weight)
    checks.noise(rng)

    def penalty(D: Module, x: Tensor, fake: Tensor) -> Tensor:
        checks.tensors(x=x, fake=fake)
        if x.shape != fake.shape:
            raise ValueError(f"wgan_gp: real {x.shape} and fake {fake.shape} must have one shape")
        u = Tensor(inputs.uniform(rng, (x.shape[0],) + (1,) * (x.ndim - 1), like=x.data))
        slopes = _slopes(D, (u * x.detach() + (1 - u) * fake.detach()).detach())
        return weight * mean((sqrt(slopes + 1e-12) - 1) ** 2)

    return penalty


def r1(gamma: float = 10.0) -> Penalty:
    """gamma / 2 * E[|grad D(x)|^2] on real images (Mescheder et al. 2018, eq. 9)."""
    checks.between(0, math.inf, gamma=gamma)

    def penalty(D: Module, x: Tensor, fake: Tensor) -> Tensor:
        checks.tensors(x=x)
        return gamma / 2 * mean(_slopes(D, x.detach()))

    return penalty


def r2(gamma: float = 10.0) -> Penalty:
    """gamma / 2 * E[|grad D(G(z))|^2] on fakes (Mescheder et al. 2018, eq. 10)."""
    checks.between(0, math.inf, gamma=gamma)

    def penalty(D: Module, x: Tensor, fake: Tensor) -> Tensor:
        checks.tensors(fake=fake)
        return gamma / 2 * mean(_slopes(D, fake.detach()))

    return penalty


def r1_r2(gamma: float = 10.0) -> Penalty:
    """R1 on real images plus R2 on fakes: with `relativistic_pairing`, R3GAN's loss (Huang et al.
    2024, section 2)."""
    real, fakes = r1(gamma), r2(gamma)
    return lambda D, x, fake: real(D, x, fake) + fakes(D, x, fake)


def _slopes(D: Module, x: Tensor) -> Tensor:
    """|dD(x)/dx|^2 for each example, (N,). Each logit depends on its own example alone, so the
    gradient of the sum of logits consists of the gradients of all logits."""
    (g,) = grad(sum(D(x)), [x], create_graph=True)
    return sum(g * g, tuple(range(1, x.ndim)))


# By name, with the default weights; each is a function of the generator of random numbers.
PENALTIES: dict[str, Callable[[Noise], Penalty | None]] = {
    "none": lambda rng: None,
    "wgan-gp": lambda rng: wgan_gp(rng=rng),
    "r1": lambda rng: r1(),
    "r2": lambda rng: r2(),
    "r1+r2": lambda rng: r1_r2(),
}
