"""Data of the lab: points in the plane or on the line, and images of digits.

draw = sampler(settings)
draw(128, rng=rng)              (128, 2) in the plane, (128, 1) on the line, float32
"""

import functools
import math
from collections.abc import Callable

import numpy as np

from ..backend import Rng
from ..data.digits import digits
from ..data.mixtures import Mixture, grid, ring
from .settings import Settings, read_points

Sampler = Callable[..., np.ndarray]

MIXTURES = {"ring": ring(8, radius=1.5, sd=0.1), "grid": grid(5, spacing=0.75, sd=0.05)}
LINE = Mixture(np.array([[-1.0], [1.0]]), 0.35)
STROKE = 0.03  # the standard deviation around each drawn point


def sampler(settings: Settings) -> Sampler:
    """The function that draws points of the data."""
    if settings.data == "drawn":
        points = np.frombuffer(read_points(settings.points), np.uint8).reshape(-1, 2)
        return Mixture(points * (4 / 255) - 2, STROKE).sample
    if settings.data in MIXTURES:
        return MIXTURES[settings.data].sample
    others: dict[str, Sampler] = {"moons": moons, "spiral": spiral, "line": LINE.sample}
    return others[settings.data]


def moons(n: int, *, rng: Rng) -> np.ndarray:
    """n points on two half circles, each of which reaches into the other."""
    angle, side = rng.uniform(0, math.pi, n), 1 - 2 * rng.integers(2, size=n)
    x = np.stack([side * (np.cos(angle) - 0.5), side * (np.sin(angle) - 0.25)], axis=1)
    return (x + rng.normal(0, 0.05, x.shape)).astype(np.float32)


def spiral(n: int, *, rng: Rng) -> np.ndarray:
    """n points on a spiral of one and a half turns."""
    angle = 3 * math.pi * np.sqrt(rng.uniform(0.02, 1, n))
    x = 0.17 * angle[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return (x + rng.normal(0, 0.04, x.shape)).astype(np.float32)


@functools.cache
def images() -> np.ndarray:
    """The embedded digits, uint8 (N, 1, 28, 28)."""
    return digits("train").images
