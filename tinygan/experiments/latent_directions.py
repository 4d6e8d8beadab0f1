"""Directions of the noise along which a property of G's samples grows (Radford et al. 2015, section
6.3.2, there for faces with and without glasses).

    measured(z)     a function: the values of the property (N,) and the classes (N,) of samples G(z)

    within, plain, random = directions(z, *measured(z), rng=rng)
    effect(measured, starts, 2 * within)      how often two steps raise the value and keep the class
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..backend import Rng

Numbers = np.ndarray


def directions(
    z: Numbers, values: Numbers, classes: Numbers, *, rng: Rng
) -> tuple[Numbers, Numbers, Numbers]:
    """Directions from noise z (N, D), of equal length, as rows (K, D):

    1. `high_minus_low`, where a value is relative to the mean of its class, without the components
       along the differences between the mean noises of the classes, (1, D);
    2. plain `high_minus_low`, (1, D). If the values differ between classes, it also leads from
       class to class;
    3. random directions, (10, D).

    Raises ValueError for fewer than 10 samples, or unless there is a value and a class for each."""
    if classes.shape != z.shape[:1]:
        raise ValueError(f"classes: expected ({len(z)},), got {classes.shape}")
    plain = high_minus_low(z, values)
    present, class_of = np.unique(classes, return_inverse=True)
    average = np.array([values[classes == k].mean() for k in present])
    means = np.stack([z[classes == k].mean(axis=0) for k in present])
    within = without_classes(high_minus_low(z, values - average[class_of]), means)
    length, random = np.linalg.norm(within), rng.normal(size=(10, len(within)))
    first, *others = (step * length / np.linalg.norm(step) for step in (plain, *random))
    return within[None], first[None], np.stack(others)


def high_minus_low(z: Numbers, values: Numbers) -> Numbers:
    """The mean noise of the tenth of samples with the highest values minus that of the tenth with
    the lowest, (D,).

    Raises ValueError for fewer than 10 samples, or unless there is a value for each."""
    if len(z) < 10 or values.shape != z.shape[:1]:
        raise ValueError(
            f"z, values: expected (N, D) and (N,) with N >= 10, got {z.shape} and {values.shape}"
        )
    order, tenth = values.argsort(), len(z) // 10
    return z[order[-tenth:]].mean(axis=0) - z[order[:tenth]].mean(axis=0)


def without_classes(step: Numbers, means: Numbers) -> Numbers:
    """The step (D,) without its components along the differences between the means (K, D)."""
    between, _ = np.linalg.qr((means[1:] - means[0]).T)  # an orthonormal basis
    return step - between @ (between.T @ step)


class Effect(NamedTuple):
    """The effect of a step on samples."""

    ratio: float  # mean value after the step / before it
    grown: float  # share of samples whose value is higher after the step
    kept: float  # share of samples that keep their class


def effect(
    measured: Callable[[Numbers], tuple[Numbers, Numbers]], starts: Numbers, steps: Numbers
) -> Effect:
    """The effect on the samples of noise `starts` (N, D), as the mean over `steps` (K, D)."""
    values, classes = measured(starts)
    effects = []
    for step in steps:
        moved, found = measured(starts + step)
        ratio = moved.mean() / values.mean()
        effects.append((ratio, (moved > values).mean(), (found == classes).mean()))
    return Effect(*np.mean(effects, axis=0).tolist())
