"""Games in which D judges more than one image: a row that holds an image and what belongs to it.

    conditional   (x, y)        an image and its label           (Mirza and Osindero 2014, eq. 2)
    AC-GAN        (x, y)        and D names the class as well    (Odena et al. 2017, section 3)
    packing       (x, x', ...)  several images of one kind       (Lin et al. 2018, section 3)

Algorithm 1 stays as it is. Its minibatches are rows (N, numbers), and so is its noise: what stands
in a row and what becomes of it is told by the modules here, which are wrapped around G and D.

    G = joint.Labelled(net, 10)       [z, y] -> [G(z, y), y]     G hands on the label that it got
    D = joint.OnPlanes(net, shape)    [x, y] -> the logit of the pair
    data = joint.labelled_data(minibatches, 10);  noise = joint.labelled_noise(noise, 10, rng=rng)
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from ... import checks
from ...backend import Rng, inputs
from ...nn import Module
from ...ops import broadcast_to, concatenate, log_softmax, sum
from ...tensor import Tensor
from .. import SeparableGame, Source
from ..games import check_separable

__all__ = [
    "ACGANDiscriminator",
    "ConditionalDiscriminator",
    "ConditionalGenerator",
    "auxiliary_classifier",
    "concat_label",
    "labeled_data",
    "labeled_noise",
    "one_hot",
    "split_label",
]

Shape = tuple[int, int, int]  # channels, height, width


def one_hot(labels: Tensor, classes: int, dtype: Any = "float32") -> Tensor:
    """Integer labels (N,) as rows (N, classes) that are 1 at the label and 0 elsewhere."""
    checks.tensors(labels=labels)
    (classes,) = checks.sizes(classes=classes)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(f"labels: expected integers (N,), got {labels.dtype} {labels.shape}")
    numbers = labels.xp.arange(classes)
    return Tensor((labels.data[:, None] == numbers).astype(dtype))


def concat_label(x: Tensor, y: Tensor) -> Tensor:
    """The rows [x, y]: (N, ...) and (N, K) to (N, numbers + K). Raises ValueError if they are
    not as many."""
    checks.tensors(x=x, y=y)
    if not (x.ndim and y.ndim == 2 and len(x) == len(y)):
        raise ValueError(f"x, y: expected (N, ...) and (N, K), got {x.shape} and {y.shape}")
    return concatenate([x.reshape((len(x), math.prod(x.shape[1:]))), y], axis=1)


def split_label(row: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """What `joined` joined: all but the last k numbers of each row, and those."""
    checks.tensors(rows=row)
    (k,) = checks.sizes(k=k)
    if row.ndim != 2 or row.shape[1] <= k:
        raise ValueError(f"rows: expected (N, more than {k}), got {row.shape}")
    return row[:, :-k], row[:, -k:]


def _split_label_after(row: Tensor, shape: Shape) -> tuple[Tensor, Tensor]:
    """The numbers of an image of this shape, and those that follow in the row."""
    checks.tensors(rows=row)
    pixels = math.prod(shape)
    if row.ndim != 2 or row.shape[1] <= pixels:
        raise ValueError(f"rows: expected (N, more than {pixels}), got {row.shape}")
    return split_label(row, row.shape[1] - pixels)


def labeled_data(data: Any, classes: int) -> Source:
    """Rows [x, y] of `data`, Minibatches with labels, for `gan.play`."""
    (classes,) = checks.sizes(classes=classes)
    if not hasattr(data, "labelled"):
        raise TypeError(f"data: expected Minibatches with labels, got {type(data).__name__}")

    def source(m: int) -> Tensor:
        x, labels = data.labelled(m)
        return concat_label(x, one_hot(labels, classes, x.dtype))

    return source


def labeled_noise(noise: Source, classes: int, *, rng: Rng) -> Source:
    """Rows [z, y] for `gan.play`: noise, and labels that are all equally likely."""
    (classes,) = checks.sizes(classes=classes)
    checks.sources(noise=noise)
    checks.generator(rng)

    def source(m: int) -> Tensor:
        z = noise(m)
        labels = inputs.host_input(lambda: rng.integers(classes, size=m), z.data)
        return concat_label(z, one_hot(Tensor(labels), classes, z.dtype))

    return source


class ConditionalGenerator(Module):
    """A generator of pairs: rows [z, y] to rows [net([z, y]), y]."""

    def __init__(self, net: Module, classes: int) -> None:
        super().__init__()
        checks.modules(net=net)
        self.net = net
        (self.classes,) = checks.sizes(classes=classes)

    def forward(self, row: Tensor) -> Tensor:
        return concat_label(self.net(row), split_label(row, self.classes)[1])


class ConditionalDiscriminator(Module):
    """A discriminator of pairs: rows [x, y] to net(images), x of `shape` (C, H, W), with y as K
    further channels, each of one value."""

    def __init__(self, net: Module, shape: Shape) -> None:
        super().__init__()
        checks.modules(net=net)
        checks.image_shape(shape)
        self.net, self.shape = net, shape

    def forward(self, row: Tensor) -> Tensor:
        x, y = _split_label_after(row, self.shape)
        n, k = y.shape
        planes = broadcast_to(y.reshape((n, k, 1, 1)), (n, k, *self.shape[1:]))
        return self.net(concatenate([x.reshape((n, *self.shape)), planes], axis=1))


class ACGANDiscriminator(Module):
    """A discriminator of images that names their class: `net` maps them (N, C, H, W) to (N, 1 + K),
    the logit of being real and those of the classes. Rows [x, y] to (N, 2): the logit, and how
    likely the net takes the label to be, log p(y | x)."""

    def __init__(self, net: Module, shape: Shape) -> None:
        super().__init__()
        checks.modules(net=net)
        checks.image_shape(shape)
        self.net, self.shape = net, shape

    def forward(self, row: Tensor) -> Tensor:
        x, y = _split_label_after(row, self.shape)
        out = self.net(x.reshape((len(x), *self.shape)))
        named = sum(log_softmax(out[:, 1:]) * y, axis=1, keepdims=True)
        return concatenate([out[:, :1], named], axis=1)


def auxiliary_classifier(game: SeparableGame, weight: float = 1.0) -> SeparableGame:
    """The game of AC-GAN, for a D that is `NamesClass`: both players pay as in `game`, and `weight`
    times -log p(y | x) of the label that belongs to the image, real or made (their L_S and L_C)."""
    checks.between(0, math.inf, weight=weight)
    check_separable(game)
    return replace(
        game,
        real_loss=lambda l: game.real_loss(l[:, :1]) - weight * l[:, 1:],
        fake_loss=lambda l: game.fake_loss(l[:, :1]) - weight * l[:, 1:],
        generator_loss=lambda l: game.generator_loss(l[:, :1]) - weight * l[:, 1:],
        d_at_equilibrium=None,
        probability=False,
    )
