"""The theory of the 2014 paper in numbers: each value in closed form, by quadrature, and what a
trained discriminator finds of it from samples of N(0, 1) and N(1, 1).

The best D between them has the logit 1/2 - x, which one linear layer can be. It is trained on
100,000 samples of each, and its value measured on fresh ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .. import gan, nn
from ..autograd import grad
from ..metrics.theory import (
    criterion,
    divergence,
    least_squares_criterion,
    normal_density,
)
from ..ops import softplus
from ..optim import Adam, cosine_decay
from ..tensor import Tensor, no_grad
from .finding import Outcome, near

__all__ = ["run"]


def run(seed: int, told: Callable[[str], object], where: str) -> Outcome:
    """Closed forms first, then what is trained."""
    x = np.linspace(-14, 18, 32_001)
    dx = float(x[1] - x[0])
    p, q = normal_density(x), normal_density(x, 1)
    findings = [
        near("C(G) at p = q", criterion(p, p, dx), -math.log(4), 1e-6),
        near("C(G), N(0,1) and N(1,1)", criterion(p, q, dx), -1.163451, 2e-6),
        near("JSD, N(0,1) and N(1,1)", divergence("js", p, q, dx), 0.111421, 2e-6),
        near("C(G), N(0,1) and N(0,4)", criterion(p, normal_density(x, 0, 2), dx), -1.200828, 2e-6),
        near("JSD of a dropped mode", *_dropped_mode(x, dx), 2e-6),
        near("LSGAN -1/1/0 as Pearson", 2 * least_squares_criterion(p, q, -1, 1, 0, dx), 0.408109,
             2e-6),
        near("LSGAN 0/1/1 is not", least_squares_criterion(p, q, 0, 1, 1, dx), 0.301014, 2e-6),
    ]  # fmt: skip
    told("training D on samples ...")
    w, b, value = _trained(np.random.default_rng(seed))
    trained = [
        near("weight of the trained D", w, -1, 0.02),
        near("bias of the trained D", b, 0.5, 0.02),
        near("V(D) on fresh samples", value, -1.163451, 0.003),
    ]
    return Outcome([*findings, *trained])


def _dropped_mode(x: np.ndarray, dx: float) -> tuple[float, float]:
    both = (normal_density(x, -2, 0.5) + normal_density(x, 2, 0.5)) / 2
    return divergence("js", both, normal_density(x, -2, 0.5), dx), 0.215728


def _trained(rng: np.random.Generator) -> tuple[float, float, float]:
    """Weight and bias of the best linear D, and its value on fresh samples."""

    def samples(n: int) -> list[Tensor]:
        return [Tensor((rng.normal(size=(n, 1)) + mean).astype(np.float32)) for mean in (0, 1)]

    D = nn.Linear(1, 1, rng=rng)
    opt, (real, fake) = Adam(D.parameters(), cosine_decay(0.05, 300)), samples(100_000)
    for _ in range(300):
        opt.step(grad(gan.minimax.d_loss(D(real), D(fake)), D.parameters()))
    real, fake = samples(400_000)
    with no_grad():
        value = -softplus(-D(real)).data.mean() - softplus(D(fake)).data.mean()
    return D.weight.item(), D.bias.item() if D.bias is not None else 0.0, float(value)
