"""Walks in the space of noise."""

from __future__ import annotations

import numpy as np

__all__ = ["interpolate"]


def interpolate(start: np.ndarray, end: np.ndarray, steps: int, prior: str) -> np.ndarray:
    """`steps` points from noise `start` to `end` (both (size,)), ends included: (steps, size).

    For a normal prior the way is along the great circle (White 2016): the straight line between
    two normal vectors passes through the middle, where the prior has hardly any mass, and G was
    never trained there. For a uniform prior the way is straight: it stays in the cube.
    """
    if not isinstance(steps, int) or steps < 2:
        raise ValueError(f"steps: expected at least 2, got {steps!r}")
    if not all(isinstance(x, np.ndarray) and x.dtype.kind == "f" for x in (start, end)):
        raise TypeError(f"start, end: expected NumPy arrays of floats, got {start!r}, {end!r}")
    if np.ndim(start) != 1 or np.shape(start) != np.shape(end):
        raise ValueError(
            f"start, end: expected two of one size, (size,), got {np.shape(start)} and "
            f"{np.shape(end)}"
        )
    if prior not in ("normal", "uniform"):
        raise ValueError(f"prior: expected 'normal' or 'uniform', got {prior!r}")
    t = np.linspace(0, 1, steps, dtype=start.dtype)[:, None]
    norms = np.linalg.norm(start) * np.linalg.norm(end)
    angle = np.arccos(np.clip(start @ end / max(norms, 1e-12), -1, 1))
    if prior != "normal" or np.sin(angle) < 1e-6:
        return (1 - t) * start + t * end
    return (np.sin((1 - t) * angle) * start + np.sin(t * angle) * end) / np.sin(angle)
