"""Mode coverage on a ring of 8 and a grid of 25 Gaussians, with and without packing.

The nets of Metz et al. 2017's demonstration, which VEEGAN and others took over: z ~ N(0, I_256), G
and D of two tanh layers of 128, orthogonal weights of gain 1.4; Adam, 1e-3 for G and 1e-4 for D,
beta1 .5; minibatches of 512, both steps at once, 25,000 of them. 2500 samples, of high quality
within three standard deviations of a mean (see `metrics.modes`). Packing is PacGAN's (Lin et al.
2018): D judges two samples of one kind at a time, and so sees if they are alike.

The published figures are of other nets and sizes in places; they stand beside ours as what is
known, with the row that samples of the mixture itself get: more than its 98.89 % is a sign of
collapse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np

from .. import gan, nn
from ..metrics.modes import Mixture, grid, modes, ring
from ..nn import init
from ..ops import reshape
from ..optim import Adam
from ..tensor import Tensor, no_grad
from .finding import Finding, Outcome

__all__ = ["Packed", "run"]

Z, BATCH, SAMPLES, EPOCH = 256, 512, 2500, 500
PUBLISHED = {  # modes of GAN and of PacGAN2 (Lin et al. 2018, Table 1), and what is to be reached
    "ring": ("6.3 +- 0.5 of 8", "7.9 +- 0.1 of 8", 8),
    "grid": ("17.3 +- 0.8 of 25", "23.8 +- 0.7 of 25", 24),
}


class Packed(nn.Module):
    """A generator whose samples come `pack` side by side: (N, pack * z) to (N, pack * d)."""

    def __init__(self, G: nn.Module, pack: int) -> None:
        super().__init__()
        self.G, self.pack = G, pack

    def forward(self, z: Tensor) -> Tensor:
        n = len(z)
        samples = self.G(reshape(z, (n * self.pack, -1)))
        return reshape(samples, (n, -1))


def run(seed: int, told: Callable[[str], object], where: str, epochs: int = 50) -> Outcome:
    """For each mixture, with and without packing; an epoch is 500 steps."""
    findings = []
    for name, mixture in (("ring", ring()), ("grid", grid())):
        k = len(mixture.means)
        for pack, published in zip((1, 2), PUBLISHED[name][:2], strict=True):
            found = None
            for epoch, samples in train(mixture, seed, pack, epochs):
                found = modes(samples, mixture)
                if epoch % 10 == 0 or epoch == epochs:
                    told(f"{name}, {pack} packed, epoch {epoch}: {found.captured} of {k} modes, "
                         f"{found.high_quality:.1%} of high quality")  # fmt: skip
            assert found is not None
            who = f"{name}, " + ("GAN" if pack == 1 else f"{pack} packed")
            wanted = None if pack == 1 else found.captured >= PUBLISHED[name][2]
            findings += [
                Finding(f"{who}: modes", found.captured, published, wanted),
                Finding(f"{who}: share of high quality", found.high_quality, "", None),
                Finding(f"{who}: reverse KL", found.reverse_kl, "", None),
            ]
        true = modes(mixture.sample(SAMPLES, rng=np.random.default_rng(seed)), mixture)
        findings.append(
            Finding(f"{name}, true samples: high quality", true.high_quality, ".9889", None)
        )
    return Outcome(findings)


def train(mixture: Mixture, seed: int, pack: int, epochs: int) -> Iterator[tuple[int, np.ndarray]]:
    """The epoch and 2500 samples, after each epoch of 500 steps."""
    rng = np.random.default_rng(seed)
    d = mixture.means.shape[1]
    G, D = perceptron(Z, d, rng), perceptron(pack * d, 1, rng)
    look = Tensor(np.random.default_rng([seed, 1]).standard_normal((SAMPLES, Z), np.float32))

    def data(m: int) -> Tensor:
        return Tensor(mixture.sample(pack * m, rng=rng).reshape(m, pack * d))

    def noise(m: int) -> Tensor:
        return Tensor(rng.standard_normal((m, pack * Z), np.float32))

    opt_g = Adam(G.parameters(), 1e-3, (0.5, 0.999))
    opt_d = Adam(D.parameters(), 1e-4, (0.5, 0.999))
    players = (gan.non_saturating, Packed(G, pack), D, data, noise, opt_g, opt_d)
    rounds = gan.play_simultaneously(*players, m=BATCH // pack)
    for epoch in range(1, epochs + 1):
        for _ in islice(rounds, EPOCH):
            pass
        with no_grad():
            yield epoch, G(look).numpy()


def perceptron(inputs: int, outputs: int, rng: np.random.Generator) -> nn.Sequential:
    """Two hidden layers of 128 tanh units, orthogonal weights of gain 1.4, biases 0."""
    layers = [nn.Linear(a, b, rng=rng) for a, b in ((inputs, 128), (128, 128), (128, outputs))]
    for layer in layers:
        init.orthogonal_(layer.weight, 1.4, rng=rng)
        assert layer.bias is not None
        init.constant_(layer.bias, 0.0)
    return nn.Sequential(layers[0], nn.Tanh(), layers[1], nn.Tanh(), layers[2])
