"""The fast method for T, by Toom, Cook and Winograd: it needs fewer multiplications.

In one dimension, with stride 1, T(x, w, y) = sum x[i + a] w[a] y[i] pairs x with the coefficients
of the product of two polynomials, w and y. Its values at P points determine a polynomial of degree
P - 1, and the value of a product is the product of the values:

    T = sum over the points p of  (B x)[p] (G w)[p] (A y)[p]

    A, G   evaluate y and w at 0, 1, ... and at infinity (the leading coefficient)
    B      the inverse transpose of evaluation, because x is paired with the coefficients

So P multiplications replace R * M, for R taps of the kernel and M = P + 1 - R output places. In
two dimensions, with both axes transformed, 25 replace 64 (R = 2), and 36 replace 144 (R = 3). A
stride s splits image and kernel into s * s phases, each with stride 1 and R = ceil(k / s); phases
are treated as channels. Larger outputs are divided into tiles of M places.

(Winograd 1980; Lavin and Gray 2015 for convolutional networks.) Sums are rounded differently:
in float32 the error is about five times that of im2col, a few times 1e-6.
"""

import math
import weakref
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..backend import Array, numpy
from .im2col import Geometry

POINTS = (0.0, 1.0, -1.0, 2.0, -0.5)  # and infinity; chosen for small errors in float32
CHUNK = 1 << 18  # elements that are transformed at a time, so that they stay in the cache
MIN_PLACES = 256  # of all images: with fewer, the transforms of the kernels take too long
MIN_ROWS, LARGE = 64, 1 << 19  # fewer rows take less time than to read more kernels than LARGE


def faster(geometry: Geometry, n: int, c: int, o: int) -> "Winograd | None":
    """This method, if it is faster than im2col for n images, c input and o output channels, or
    None. This is an estimate: it must need 40 % fewer multiplications, and its transforms must not
    be much larger than the patches of im2col."""
    stride, _, kernel, _, places = geometry
    taps, phases = max(-(-k // s) for k, s in zip(kernel, stride, strict=True)), math.prod(stride)
    if taps > 5:
        return None
    methods = [Winograd(geometry, points) for points in (5, 6) if points > taps]
    method = min(methods, key=lambda each: each.values)
    if method.tiles * n < MIN_ROWS and 25 * phases * c * o > LARGE and taps < 3:
        method = Winograd(geometry, 3)  # more rows, and smaller kernels
    values = method.values
    direct = math.prod(places) * math.prod(kernel)
    is_faster = (
        n * math.prod(places) >= MIN_PLACES
        and 10 * values * phases < 6 * direct
        and values * (phases * c + o) < 4 * direct * c
    )
    return method if is_faster else None


class _Kept(NamedTuple):
    """The transform of an array of kernels, with the values from which it was computed."""

    method: tuple[Geometry, int]
    values: Array
    transform: Array


_kept: dict[int, _Kept] = {}  # by the id of the array, until this array is freed


class _Axis:
    """The sizes along one of the two axes. A cell is one stride of the image."""

    def __init__(self, stride: int, kernel: int, places: int, points: int) -> None:
        self.points = points
        self.taps = -(-kernel // stride)  # R
        self.places = points + 1 - self.taps  # of a tile: M
        self.tiles = -(-places // self.places)
        self.cells = self.tiles * self.places + self.taps - 1  # that all tiles cover


@lru_cache
def _matrices(taps: int, points: int, dtype: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A, B and G for kernels of this number of taps."""

    def evaluation(n: int) -> np.ndarray:
        """(P, n): from n coefficients to the values at the points."""
        values = np.vander(POINTS[: points - 1], n, increasing=True)
        return np.vstack([values, np.arange(n) == n - 1])

    a, b, g = evaluation(points + 1 - taps), np.linalg.inv(evaluation(points)).T, evaluation(taps)
    return a.astype(dtype), b.astype(dtype), g.astype(dtype)


class Winograd:
    """The method of Winograd for one geometry, with X (P*P, tiles*N, K), W (P*P, K, O) and
    Y (P*P, tiles*N, O). K is the number of phases times channels."""

    def __init__(self, geometry: Geometry, points: int = 5) -> None:
        self.geometry, self.points = geometry, points
        v, h = self.axes = [
            _Axis(s, k, n, points)
            for s, k, n in zip(geometry.stride, geometry.kernel, geometry.places, strict=True)
        ]
        self.tiles = v.tiles * h.tiles
        self.values = self.tiles * points**2  # of a channel of an image

    def _matrices(self, which: int, like: Array) -> tuple[Array, Array]:
        """A (0), B (1) or G (2), for both axes."""
        first, second = (
            _matrices(axis.taps, self.points, like.dtype.name)[which] for axis in self.axes
        )
        return first, second

    def product(self, a: Array, b: Array) -> Array:
        """a @ b, with different points on different cores."""
        p = self.points
        out = np.empty((*a.shape[:2], b.shape[2]), a.dtype)
        numpy.share(lambda i, j: np.matmul(a[i:j], b[i:j], out=out[i:j]), p * p, 1)
        return out

    # x: pad, divide into cells of one stride, transform windows of p cells along both axes.

    def of_x(self, x: Array) -> Array:
        p = self.points
        (v, h), (bv, bh) = self.axes, self._matrices(1, x)
        (n, c), (sh, sw) = x.shape[:2], self.geometry.stride
        k = c * sh * sw
        out = np.empty((p, p, v.tiles, h.tiles, n, k), x.dtype)

        def transform(start: int, stop: int) -> None:
            cells, m = self._cells(x[start:stop]), (stop - start) * k
            tall = np.empty((p, v.tiles, h.cells * m), x.dtype)
            np.matmul(bv, _windows(cells, v), out=tall.swapaxes(0, 1))
            windows = _windows(tall.reshape(p, v.tiles, h.cells, m), h)
            part = out[..., start:stop, :].reshape(p, p, v.tiles, h.tiles, m)
            np.matmul(bh, windows, out=part.transpose(0, 2, 3, 1, 4))

        _in_chunks(transform, n, v.cells * h.cells * k)
        return out.reshape(p * p, -1, k)

    def to_x(self, x: Array) -> Array:
        p = self.points
        (v, h), (bv, bh) = self.axes, self._matrices(1, x)
        k, (sh, sw), (height, width) = x.shape[2], self.geometry.stride, self.geometry.image
        x = x.reshape(p, p, v.tiles, h.tiles, -1, k)
        n = x.shape[4]
        out = np.empty((n, height, width, k // (sh * sw)), x.dtype)

        def transform(start: int, stop: int) -> None:
            part = x[..., start:stop, :].reshape(p, p, v.tiles, h.tiles, -1)
            tall = _added_up(bh.T @ part.transpose(0, 2, 3, 1, 4), h)
            cells = _added_up(bv.T @ tall.reshape(p, v.tiles, -1).swapaxes(0, 1), v)
            self._uncells(cells, out[start:stop])

        _in_chunks(transform, n, v.cells * h.cells * k)
        return out.transpose(0, 3, 1, 2)

    def to_x_of_product(self, y: Array, w: Array) -> Array:
        return self.to_x(self.product(y, w.swapaxes(-1, -2)))

    def _cells(self, x: Array) -> Array:
        """Images as cells of one stride, (cells, cells * n * phases * C)."""
        (sh, sw), (ph, pw), _, (height, width), _ = self.geometry
        (n, c), (v, h) = x.shape[:2], self.axes
        padded = np.zeros((n, v.cells * sh, h.cells * sw, c), x.dtype)
        bottom, right = min(ph + height, v.cells * sh), min(pw + width, h.cells * sw)
        inside = x.transpose(0, 2, 3, 1)[:, : bottom - ph, : right - pw]
        padded[:, ph:bottom, pw:right] = inside
        cells = padded.reshape(n, v.cells, sh, h.cells, sw * c).transpose(1, 3, 0, 2, 4)
        return cells.reshape(v.cells, -1)

    def _uncells(self, cells: Array, out: Array) -> None:
        """The transpose of `_cells`, into images (n, H, W, C)."""
        (sh, sw), (ph, pw), _, (height, width), _ = self.geometry
        (v, h), (n, _, _, c) = self.axes, out.shape
        padded = cells.reshape(v.cells, h.cells, n, sh, sw * c).transpose(2, 0, 3, 1, 4)
        padded = padded.reshape(n, v.cells * sh, h.cells * sw, c)
        inside = padded[:, ph : ph + height, pw : pw + width]
        if inside.shape != out.shape:
            out[...] = 0  # no kernel covers the rest
        out[:, : inside.shape[1], : inside.shape[2]] = inside

    # w: one set of kernels for each phase, evaluated at the points.

    def of_w(self, w: Array) -> Array:
        """The transform of w. It is kept while w has the same values: D's weights, for example, are
        the same for real images and fakes."""
        kept, method = _kept.get(id(w)), (self.geometry, self.points)
        if kept is None:
            weakref.finalize(w, _kept.pop, id(w), None)
        if kept is None or kept.method != method or not np.array_equal(kept.values, w):
            _kept[id(w)] = kept = _Kept(method, w.copy(), self._of_w(w))
        return kept.transform

    def _of_w(self, w: Array) -> Array:
        p = self.points
        (sh, sw), (v, h), (gv, gh) = self.geometry.stride, self.axes, self._matrices(2, w)
        o, c, kh, kw = w.shape
        kernels = w.transpose(2, 3, 1, 0)
        if (v.taps * sh, h.taps * sw) != (kh, kw):  # the stride does not divide the kernel
            kernels = np.zeros((v.taps * sh, h.taps * sw, c, o), w.dtype)
            kernels[:kh, :kw] = w.transpose(2, 3, 1, 0)
        kernels = kernels.reshape(v.taps, sh, h.taps, sw, c, o).swapaxes(1, 2)
        out = np.empty((p, p, sh * sw, c, o), w.dtype)

        def transform(start: int, stop: int) -> None:
            tall = gv @ kernels[..., start:stop, :].reshape(v.taps, -1)
            part = out[..., start:stop, :].reshape(p, p, sh * sw, -1)
            tall = tall.reshape(p, h.taps, sh * sw, -1).swapaxes(1, 2)
            np.matmul(gh, tall, out=part.swapaxes(1, 2))

        _in_chunks(transform, c, p * p * sh * sw * o)
        return out.reshape(p * p, -1, o)

    def to_w(self, w: Array) -> Array:
        p = self.points
        (sh, sw), (v, h), (gv, gh) = self.geometry.stride, self.axes, self._matrices(2, w)
        (kh, kw), o = self.geometry.kernel, w.shape[2]
        w = w.reshape(p, p, sh * sw, -1, o)
        c = w.shape[3]
        out = np.empty((v.taps, sh, h.taps, sw, c, o), w.dtype)

        def transform(start: int, stop: int) -> None:
            part = w[..., start:stop, :].reshape(p, p, sh * sw, -1).swapaxes(1, 2)
            kernels = gv.T @ (gh.T @ part).reshape(p, -1)
            kernels = kernels.reshape(v.taps, sh, sw, h.taps, stop - start, o)
            out[..., start:stop, :] = kernels.transpose(0, 1, 3, 2, 4, 5)

        _in_chunks(transform, c, p * p * sh * sw * o)
        kernels = out.reshape(v.taps * sh, h.taps * sw, c, o)
        return kernels[:kh, :kw].transpose(3, 2, 0, 1)

    # y: tiles of M * M places, evaluated at the points.

    def of_y(self, y: Array) -> Array:
        p = self.points
        (v, h), (av, ah) = self.axes, self._matrices(0, y)
        (n, o), (i, j) = y.shape[:2], self.geometry.places
        out = np.empty((p, p, v.tiles * h.tiles, n, o), y.dtype)

        def transform(start: int, stop: int) -> None:
            places = y[start:stop].transpose(0, 2, 3, 1)
            full = stop - start, v.tiles * v.places, h.tiles * h.places, o
            if places.shape != full:
                places = np.zeros(full, y.dtype)
                places[:, :i, :j] = y[start:stop].transpose(0, 2, 3, 1)
            tiles = places.reshape(-1, v.tiles, v.places, h.tiles, h.places, o)
            tiles = tiles.transpose(2, 1, 3, 4, 0, 5).reshape(v.places, -1)
            tall = (av @ tiles).reshape(p, v.tiles * h.tiles, h.places, -1)
            part = out[..., start:stop, :].reshape(p, p, v.tiles * h.tiles, -1)
            np.matmul(ah, tall, out=part.swapaxes(1, 2))

        _in_chunks(transform, n, v.tiles * h.tiles * p * p * o)
        return out.reshape(p * p, -1, o)

    def to_y(self, y: Array) -> Array:
        p = self.points
        (v, h), (av, ah) = self.axes, self._matrices(0, y)
        (i, j), o = self.geometry.places, y.shape[2]
        y = y.reshape(p, p, v.tiles * h.tiles, -1, o)
        n = y.shape[3]
        out = np.empty((n, i, j, o), y.dtype)

        def transform(start: int, stop: int) -> None:
            part = y[..., start:stop, :].reshape(p, p, v.tiles * h.tiles, -1)
            tiles = av.T @ (ah.T @ part.swapaxes(1, 2)).reshape(p, -1)
            tiles = tiles.reshape(v.places, v.tiles, h.tiles, h.places, stop - start, o)
            places = tiles.transpose(4, 1, 0, 2, 3, 5)
            places = places.reshape(stop - start, v.tiles * v.places, h.tiles * h.places, o)
            out[start:stop] = places[:, :i, :j]

        _in_chunks(transform, n, v.tiles * h.tiles * p * p * o)
        return out.transpose(0, 3, 1, 2)


def _windows(cells: Array, axis: _Axis) -> Array:
    """A view (..., tiles, points, m) of cells (..., cells, m): a tile covers
    one for each point."""
    *lead, by_cell, by_m = cells.strides
    return np.lib.stride_tricks.as_strided(
        cells,
        (*cells.shape[:-2], axis.tiles, axis.points, cells.shape[-1]),
        (*lead, axis.places * by_cell, by_cell, by_m),
    )


def _added_up(windows: Array, axis: _Axis) -> Array:
    """The transpose of `_windows`: windows are added up where they overlap."""
    *lead, _, _, m = windows.shape
    cells = np.zeros((*lead, axis.cells, m), windows.dtype)
    for t in range(axis.tiles):
        start = t * axis.places
        cells[..., start : start + axis.points, :] += windows[..., t, :, :]
    return cells


def _in_chunks(transform: Callable[[int, int], None], n: int, size: int) -> None:
    """Call transform(start, stop) for parts of 0..n, on all cores. One index has `size` elements, a
    part about CHUNK."""
    step = max(1, CHUNK // size)

    def chunks(start: int, stop: int) -> None:
        for at in range(start, stop, step):
            transform(at, min(at + step, stop))

    numpy.share(chunks, n, step)
