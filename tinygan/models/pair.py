"""Pair: a generator and a discriminator, with their noise, pixel range and learning rates."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import checks
from ..backend import Noise, inputs
from ..gan import Source
from ..nn import Module
from ..optim import Adam
from ..tensor import Tensor, no_grad

Shape = tuple[int, int, int]  # channels, height, width


def scaled(units: int, width: float) -> int:
    """units * width, rounded, at least 1."""
    (units,) = checks.sizes(units=units)
    checks.between(0, math.inf, "()", width=width)
    return max(1, round(units * width))


class Pair(NamedTuple):
    """A generator of noise (N, z_size) to images (N, C, H, W) in [low, 1], and a discriminator of
    these images to logits (N, 1)."""

    G: Module
    D: Module
    z_size: int = 100
    prior: str = "normal"  # or "uniform": on [-sqrt 3, sqrt 3], which also has unit variance
    low: float = -1.0  # the value of a black pixel; white is 1
    lr_d: float = 2e-4  # Adam's learning rates
    lr_g: float = 2e-4

    def to(self, backend: str) -> Pair:
        """Move both networks to a backend and return the pair."""
        self.G.to(backend), self.D.to(backend)
        return self

    def players(self, data: Source, rng: Noise) -> tuple[Any, ...]:
        """The arguments of `gan.play` after the game: G, D, data, noise, and an Adam for each
        network, with the pair's learning rates. Call it after `to`."""
        checks.sources(data=data)
        return self.G, self.D, data, self.noise(rng), *self.optimizers()

    def optimizers(self) -> tuple[Adam, Adam]:
        """Adam for G and Adam for D, with the pair's learning rates."""
        betas = (0.5, 0.999)
        G, D = self.G.parameters(), self.D.parameters()
        return Adam(G, self.lr_g, betas), Adam(D, self.lr_d, betas)

    def noise(self, rng: Noise) -> Callable[[int], Tensor]:
        """A source of noise for `gan.play`: noise(m) is a Tensor (m, z_size) on G's backend."""
        checks.noise(rng)
        first = self.G.parameters()[0]

        def source(m: int) -> Tensor:
            checks.sizes(m=m)
            like, shape = first.data, (m, self.z_size)
            if self.prior == "normal":
                return Tensor(inputs.normal(rng, shape, like))
            return Tensor((inputs.uniform(rng, shape, like) * 2 - 1) * math.sqrt(3))

        return source


def pixels(G: Module, z: Tensor, low: float = -1.0, batch: int = 1000) -> np.ndarray:
    """The samples G(z) for noise z (N, ...) in evaluation mode, as a NumPy array, scaled from
    [low, 1] to [0, 1] and clipped. G gets at most `batch` rows of z at a time.

    Raises ValueError or TypeError unless z is an array (N, ...) with N >= 1."""
    checks.modules(G=G)
    checks.arrays(z=z)
    checks.between(-math.inf, 1, "()", low=low)
    (batch,) = checks.sizes(batch=batch)
    if not (z.ndim and len(z)):
        raise ValueError(f"z: expected (N, ...) with N >= 1, got shape {z.shape}")
    with no_grad(), G.evaluating():
        parts = [G(z[i : i + batch]).numpy() for i in range(0, len(z), batch)]
    return np.clip((np.concatenate(parts) - low) / (1 - low), 0, 1)
