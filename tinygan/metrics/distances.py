"""Distances between sets of samples (N, ...), which are rows of a matrix, computed in blocks."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..backend import Array, is_array, of
from ..checks import is_size
from ..plain_array import kind_of

BLOCK = 1 << 23  # distances in a block
# A bound with a margin: for numbers within it, squared distances fit into float32, and squares of
# sixth powers into float64.
LARGEST = 1e15


def array(name: str, given: Any) -> Array:
    """Return `given`.

    Raises TypeError unless it is an array."""
    if not is_array(given):
        raise TypeError(f"{name}: expected an array, got {kind_of(given)}")
    return given


def rows(name: str, samples: Any, minimum: int = 1) -> Array:
    """The samples (N, ...) as float64 rows (N, D).

    Raises TypeError or ValueError, naming the argument, unless it is an array of at least `minimum`
    samples, with finite numbers from -LARGEST to LARGEST, so that no later result is NaN."""
    if array(name, samples).ndim < 2 or samples.dtype.kind not in "fiub":
        raise ValueError(
            f"{name}: expected numbers of shape (N, ...), one sample per row, got "
            f"{samples.dtype} {samples.shape}"
        )
    if len(samples) < minimum or not samples.size:
        raise ValueError(f"{name}: expected at least {minimum} samples, got shape {samples.shape}")
    flat = samples.reshape(len(samples), -1).astype(np.float64)
    size = float(abs(flat).max())  # NaN if there is a NaN
    if not math.isfinite(size):
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity among them")
    if size > LARGEST:
        raise ValueError(f"{name}: expected numbers within {LARGEST:g}, got one of size {size:g}")
    return flat


def same_width(name: str, x: Array, other: str, reference: Array) -> None:
    """Raise ValueError unless x (N, D) and `reference` (M, D) have the same D."""
    if x.shape[1] != reference.shape[1]:
        raise ValueError(
            f"{name}: expected {reference.shape[1]} numbers per row, as in {other}, got "
            f"{x.shape[1]}"
        )


def matching_rows(minimum: int = 1, /, **sets: Any) -> list[Array]:
    """The sets as `rows` (N, D), (M, D), ... with the same width D, in their order.

    Raises TypeError or ValueError, naming the argument, for other sets."""
    found = {name: rows(name, samples, minimum) for name, samples in sets.items()}
    (first, reference), *others = found.items()
    for name, x in others:
        same_width(name, x, first, reference)
    return list(found.values())


def squared_distances(a: Array, b: Array) -> Array:
    """|a_i - b_j|^2 = |a_i|^2 + |b_j|^2 - 2 a_i.b_j, clipped at 0, for rows a (N, D) and b (M, D):
    (N, M)."""
    xp = of(a).xp
    products = of(a).matmul(a, b.T)
    products *= -2
    products += (a * a).sum(axis=1)[:, None]
    products += (b * b).sum(axis=1)
    return xp.maximum(products, 0, out=products)


def blocks(n: int, width: int) -> Iterator[slice]:
    """Slices of range(n). A block of such rows with `width` numbers each has about BLOCK numbers at
    most."""
    step = max(1, BLOCK // max(1, width))
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


def nearest(a: Array, b: Array, k: int = 1, *, same: bool = False) -> Array:
    """The distance from each row of a (N, D) to its k-th nearest row of b (M, D), (N,). With
    `same`, b is a, and no row is its own neighbor.

    Raises ValueError for k out of range."""
    neighbors = len(b) - same
    if not (is_size(k, minimum=1) and k <= neighbors):
        raise ValueError(f"k: expected 1 to {neighbors}, the number of neighbors, got {k!r}")
    xp = of(a).xp
    found = xp.empty(len(a), dtype=np.float64)
    for part in blocks(len(a), len(b)):
        distances = squared_distances(a[part], b)
        if same:
            inside = xp.arange(distances.shape[0])
            distances[inside, inside + part.start] = np.inf
        which = xp.argpartition(distances, k - 1, axis=1)[:, k - 1]
        # Computed again from the difference: |a|^2 + |b|^2 - 2 a.b of equal rows is not exactly 0.
        found[part] = ((a[part] - b[which]) ** 2).sum(axis=1)
    return xp.sqrt(found)


def nearest_index(a: Array, b: Array) -> np.ndarray:
    """The index (N,) of the row of b (M, D) nearest to each row of a (N, D), on the host."""
    library, found = of(a), np.empty(len(a), np.int64)

    def work(start: int, stop: int) -> None:
        for part in blocks(stop - start, len(b)):
            here = slice(start + part.start, start + part.stop)
            found[here] = library.to_host(squared_distances(a[here], b).argmin(axis=1))

    library.share(work, len(a), 1000)
    return found
