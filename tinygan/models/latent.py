"""Interpolation in latent space."""

import numpy as np

from ..plain_array import plain_array


def interpolate(start: np.ndarray, end: np.ndarray, steps: int, prior: str) -> np.ndarray:
    """`steps` points (steps, size) on a path from the noise vector `start` to `end`, both (size,).

    For the prior "normal", the path follows a great circle (White 2016): a straight line between
    two normal vectors passes near 0, where the prior has little mass and G was not trained. For the
    prior "uniform", the path is a straight line, which stays in the cube.

    Raises ValueError for fewer than 2 steps, an unknown prior or other shapes, TypeError unless
    start and end are arrays of floats.
    """
    if not isinstance(steps, int) or steps < 2:
        raise ValueError(f"steps: expected at least 2, got {steps!r}")
    start, end = plain_array("start", start), plain_array("end", end)
    if not start.dtype.kind == end.dtype.kind == "f":
        raise TypeError(f"start, end: expected NumPy arrays of floats, got {start!r}, {end!r}")
    if start.ndim != 1 or start.shape != end.shape:
        raise ValueError(
            f"start, end: expected two of one size, (size,), got {start.shape} and {end.shape}"
        )
    if prior not in ("normal", "uniform"):
        raise ValueError(f"prior: expected 'normal' or 'uniform', got {prior!r}")
    t = np.linspace(0, 1, steps, dtype=start.dtype)[:, None]
    norms = np.linalg.norm(start) * np.linalg.norm(end)
    angle = np.arccos(np.clip(start @ end / max(norms, 1e-12), -1, 1))
    if prior != "normal" or np.sin(angle) < 1e-6:
        return (1 - t) * start + t * end
    return (np.sin((1 - t) * angle) * start + np.sin(t * angle) * end) / np.sin(angle)
