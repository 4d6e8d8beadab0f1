"""Pair: a generator, its discriminator, and what both expect."""

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

__all__ = ["Pair", "Shape", "pixels", "scaled"]

Shape = tuple[int, int, int]  # channels, height, width


def scaled(units: int, width: float) -> int:
    """So many units, `width` times as many; one at the least."""
    (units,) = checks.sizes(units=units)
    checks.between(0, math.inf, "()", width=width)
    return max(1, round(units * width))


class Pair(NamedTuple):
    """G maps noise (N, z_size) to images (N, C, H, W) in [low, 1]; D maps them to logits (N, 1)."""

    G: Module
    D: Module
    z_size: int = 100
    prior: str = "normal"  # or "uniform": on [-sqrt 3, sqrt 3], which has unit variance, too
    low: float = -1.0  # the value of a black pixel; white is 1
    lr_d: float = 2e-4  # learning rates (of Adam) that train the pair well
    lr_g: float = 2e-4

    def to(self, where: str) -> Pair:
        """Move both networks to a backend; itself."""
        self.G.to(where), self.D.to(where)
        return self

    def players(self, data: Source, rng: Noise) -> tuple[Any, ...]:
        """What `gan.play` takes after the game: G, D, the data, noise, and for each network an Adam
        of the pair's own rate. Built after the networks are where they are to be."""
        checks.sources(data=data)
        return self.G, self.D, data, self.noise(rng), *self.optimizers()

    def optimizers(self) -> tuple[Adam, Adam]:
        """For G and for D an Adam of the pair's own rate."""
        betas = (0.5, 0.999)
        return (
            Adam(self.G.parameters(), self.lr_g, betas),
            Adam(self.D.parameters(), self.lr_d, betas),
        )

    def noise(self, rng: Noise) -> Callable[[int], Tensor]:
        """A source of noise for `gan.play`: noise(m) is a Tensor (m, z_size) where G lives."""

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
    """What G makes of z (N, ...), in evaluation mode, as numbers in [0, 1] on the host; G's own lie
    in [low, 1]. Changes nothing. Raises ValueError or TypeError for no noise."""
    checks.modules(G=G)
    checks.arrays(z=z)
    checks.between(-math.inf, 1, "()", low=low)
    (batch,) = checks.sizes(batch=batch)
    if not (z.ndim and len(z)):
        raise ValueError(f"z: expected (N, ...) with N >= 1, got shape {z.shape}")
    with no_grad(), G.evaluating():
        parts = [G(z[i : i + batch]).numpy() for i in range(0, len(z), batch)]
    return np.clip((np.concatenate(parts) - low) / (1 - low), 0, 1)
