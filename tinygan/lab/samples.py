"""Data of the lab: points in the plane, points on the line, and images of digits."""

import math
from collections.abc import Callable

import numpy as np

from ..backend import Rng
from ..data.digits import digits
from ..data.minibatches import Minibatches
from ..data.mixtures import Mixture, grid, ring
from ..tensor import Tensor
from .settings import Settings, read_points

Sampler = Callable[..., np.ndarray]  # sampler(n, rng=rng): n points, float32

MIXTURES = {"ring": ring(8, radius=1.5, sd=0.05), "grid": grid(5, spacing=0.75, sd=0.05)}
LINE = Mixture(np.array([[-1.0], [1.0]]), 0.35)
SD_DRAWN = 0.03


def moons(n: int, *, rng: Rng) -> np.ndarray:
    """n points (n, 2) on two half circles that reach into each other."""
    angle, lower = rng.uniform(0, math.pi, n), rng.integers(2, size=n)
    side = 1 - 2 * lower
    x = np.stack([side * (np.cos(angle) - 0.5), side * (np.sin(angle) - 0.25)], axis=1)
    return (x + rng.normal(0, 0.05, (n, 2))).astype(np.float32)


def spiral(n: int, *, rng: Rng) -> np.ndarray:
    """n points (n, 2) on a spiral of one and a half turns."""
    angle = 3 * math.pi * np.sqrt(rng.uniform(0.02, 1, n))
    x = (0.17 * angle)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return (x + rng.normal(0, 0.04, (n, 2))).astype(np.float32)


def sampler(settings: Settings) -> Sampler:
    """The function that draws points of `settings.data`; digits have none."""
    if settings.data in MIXTURES:
        return MIXTURES[settings.data].sample
    if settings.data == "drawn":
        points = np.frombuffer(read_points(settings.points), np.uint8).reshape(-1, 2)
        return Mixture(4 * points / 255 - 2, SD_DRAWN).sample
    return {"moons": moons, "spiral": spiral, "line": LINE.sample}[settings.data]


def source(settings: Settings, rng: Rng) -> Callable[[int], Tensor]:
    """The `data` of `gan.play`: data(m) is m examples, (m, 2), (m, 1) or (m, 1, 28, 28)."""
    if settings.data == "digits":
        return Minibatches(digits("train").images, rng=rng)
    draw = sampler(settings)
    return lambda m: Tensor(draw(m, rng=rng))
