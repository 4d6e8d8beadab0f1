"""im2col: the form T as one matrix product of image patches and kernels.

    X  (N*I*J, kh*kw*C)   the image patch under the kernel, for each output pixel
    W  (kh*kw*C, O)       the kernels
    Y  (N*I*J, O)         the output pixels

T is the sum of all elements of X W * Y. `of_x` computes X. `to_x`, the transpose of this linear
map, adds up overlapping patches. The maps of w and y only reorder elements. Images have the shape
(N, C, H, W) and are channels-last in memory, so a row of a patch is contiguous.
"""

from typing import NamedTuple

from ..backend import Array, kernel, of
from ..checks import Pair


class Geometry(NamedTuple):
    """The sizes of a convolution, each a pair (height, width)."""

    stride: Pair
    padding: Pair
    kernel: Pair
    image: Pair
    places: Pair  # (I, J): positions of the kernel, the output size of a convolution


class Im2Col:
    """The method of image patches, for one geometry."""

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry

    def of_x(self, x: Array) -> Array:
        return images_to_rows(x, self.geometry)

    def to_x(self, rows: Array) -> Array:
        return rows_to_images(rows, self.geometry)

    def to_x_of_product(self, y: Array, w: Array) -> Array:
        """to_x(y w^T). For stride 1 on the host it is a convolution of y with the flipped kernels,
        several times as fast as to add up patches."""
        stride, (ph, pw), kernel, image, places = self.geometry
        (kh, kw), (i, j) = kernel, places
        if not (of(y).saves_products and flips_kernels(self.geometry)):
            return self.to_x(self.product(y, w.T))
        around = Geometry(stride, (kh - 1 - ph, kw - 1 - pw), kernel, places, image)
        patches = images_to_rows(y.reshape(-1, i, j, y.shape[1]).transpose(0, 3, 1, 2), around)
        flipped = w.reshape(kh, kw, -1, w.shape[1])[::-1, ::-1].swapaxes(2, 3)
        x = self.product(patches, flipped.reshape(patches.shape[1], -1))
        return x.reshape(-1, *image, x.shape[1]).transpose(0, 3, 1, 2)

    def product(self, a: Array, b: Array) -> Array:
        return of(a).matmul(a, b)

    def of_w(self, w: Array) -> Array:
        return w.transpose(2, 3, 1, 0).reshape(-1, w.shape[0])

    def to_w(self, matrix: Array) -> Array:
        kh, kw = self.geometry.kernel
        return matrix.reshape(kh, kw, -1, matrix.shape[1]).transpose(3, 2, 0, 1)

    def of_y(self, y: Array) -> Array:
        return y.transpose(0, 2, 3, 1).reshape(-1, y.shape[1])

    def to_y(self, places: Array) -> Array:
        i, j = self.geometry.places
        return places.reshape(-1, i, j, places.shape[1]).transpose(0, 3, 1, 2)


def flips_kernels(geometry: Geometry) -> bool:
    """Return whether the transpose of a convolution of this geometry is a convolution too."""
    (ph, pw), (kh, kw) = geometry.padding, geometry.kernel
    return geometry.stride == (1, 1) and ph < kh and pw < kw


@kernel
def images_to_rows(x: Array, geometry: Geometry) -> Array:
    """Images (N, C, H, W) to patches (N*I*J, kh*kw*C)."""
    (sh, sw), (ph, pw), (kh, kw), (h, w), (i, j) = geometry
    (n, c), xp = x.shape[:2], of(x).xp
    padded = xp.zeros((n, h + 2 * ph, w + 2 * pw, c), dtype=x.dtype)
    padded[:, ph : ph + h, pw : pw + w] = x.transpose(0, 2, 3, 1)
    by_n, by_h, by_w, by_c = padded.strides
    patches = xp.lib.stride_tricks.as_strided(  # a row of a patch: kw pixels with all channels
        padded, (n, i, j, kh, kw * c), (by_n, sh * by_h, sw * by_w, by_h, by_c)
    )
    return patches.reshape(n * i * j, kh * kw * c)


@kernel
def rows_to_images(rows: Array, geometry: Geometry) -> Array:
    """Patches (N*I*J, kh*kw*C), added up where they overlap, to images (N, C, H, W)."""
    (sh, sw), (ph, pw), (kh, kw), (h, w), (i, j) = geometry
    parts = rows.reshape(-1, i, j, kh, kw, rows.shape[1] // (kh * kw))
    n, c = len(parts), parts.shape[-1]
    x = of(rows).xp.zeros((n, h + 2 * ph, w + 2 * pw, c), dtype=rows.dtype)
    for a in range(kh):
        for b in range(kw):
            x[:, a : a + sh * i : sh, b : b + sw * j : sw] += parts[:, :, :, a, b]
    return x[:, ph : ph + h, pw : pw + w].transpose(0, 3, 1, 2)
