"""Class-conditional GANs: each example is a row of an image and its one-hot label.

    conditional GAN   the input of D is (x, y)                      (Mirza and Osindero 2014, eq. 2)
    AC-GAN            the input of D is x; it predicts the class    (Odena et al. 2017, section 3)

Algorithm 1 does not change. Data and noise are rows (N, numbers), and the modules below, wrapped
around the networks of G and D, split these rows.

    G = ConditionalGenerator(net, 10)              [z, y] -> [net([z, y]), y]
    D = ConditionalDiscriminator(net, shape)       [x, y] -> logit of the pair
    data = labeled_data(minibatches, 10)           [x, y]
    noise = labeled_noise(noise, 10, rng=rng)      [z, y]
"""

import math
from typing import Any

from ... import checks
from ...backend import Rng, inputs
from ...nn import Module
from ...ops import broadcast_to, concatenate, log_softmax, sum
from ...tensor import Tensor
from .. import SeparableGame, Source
from ..games import LogitLoss, check_separable

Shape = tuple[int, int, int]  # channels, height, width


def one_hot(labels: Tensor, classes: int, dtype: Any = "float32") -> Tensor:
    """Integer labels (N,) as rows (N, classes): 1 at the label, 0 elsewhere."""
    checks.tensors(labels=labels)
    (classes,) = checks.sizes(classes=classes)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(f"labels: expected integers (N,), got {labels.dtype} {labels.shape}")
    numbers = labels.xp.arange(classes)
    return Tensor((labels.data[:, None] == numbers).astype(dtype))


def concat_label(x: Tensor, y: Tensor) -> Tensor:
    """The rows [x, y]: (N, ...) and (N, K) to (N, numbers + K).

    Raises ValueError if x and y differ in length."""
    checks.tensors(x=x, y=y)
    if not (x.ndim and y.ndim == 2 and len(x) == len(y)):
        raise ValueError(f"x, y: expected (N, ...) and (N, K), got {x.shape} and {y.shape}")
    return concatenate([x.reshape((len(x), math.prod(x.shape[1:]))), y], axis=1)


def split_label(row: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Undo `concat_label`: all but the last k numbers of each row, and the last k."""
    checks.tensors(rows=row)
    (k,) = checks.sizes(k=k)
    if row.ndim != 2 or row.shape[1] <= k:
        raise ValueError(f"rows: expected (N, more than {k}), got {row.shape}")
    return row[:, :-k], row[:, -k:]


def labeled_data(data: Any, classes: int) -> Source:
    """A source of rows [x, y] for `gan.play`, from `data`, Minibatches with labels."""
    (classes,) = checks.sizes(classes=classes)
    if not hasattr(data, "labeled"):
        raise TypeError(f"data: expected Minibatches with labels, got {type(data).__name__}")

    def source(m: int) -> Tensor:
        x, labels = data.labeled(m)
        return concat_label(x, one_hot(labels, classes, x.dtype))

    return source


def labeled_noise(noise: Source, classes: int, *, rng: Rng) -> Source:
    """A source of rows [z, y] for `gan.play`: noise and labels drawn uniformly."""
    (classes,) = checks.sizes(classes=classes)
    checks.sources(noise=noise)
    checks.generator(rng)

    def source(m: int) -> Tensor:
        z = noise(m)
        labels = inputs.host_input(lambda: rng.integers(classes, size=m), z.data)
        return concat_label(z, one_hot(Tensor(labels), classes, z.dtype))

    return source


class ConditionalGenerator(Module):
    """A generator that also returns its label: rows [z, y] to rows [net([z, y]), y]."""

    def __init__(self, net: Module, classes: int) -> None:
        super().__init__()
        checks.modules(net=net)
        self.net = net
        (self.classes,) = checks.sizes(classes=classes)

    def forward(self, row: Tensor) -> Tensor:
        return concat_label(self.net(row), split_label(row, self.classes)[1])


class _RowDiscriminator(Module):
    """A discriminator of rows [x, y], where x is an image of `shape` (C, H, W) and the input of
    `net` is images."""

    def __init__(self, net: Module, shape: Shape) -> None:
        super().__init__()
        checks.modules(net=net)
        checks.image_shape(shape)
        self.net, self.shape = net, shape

    def split(self, row: Tensor) -> tuple[Tensor, Tensor]:
        """The images x (N, C, H, W) and the labels y (N, K) of the rows."""
        checks.tensors(rows=row)
        pixels = math.prod(self.shape)
        if row.ndim != 2 or row.shape[1] <= pixels:
            raise ValueError(f"rows: expected (N, more than {pixels}), got {row.shape}")
        return row[:, :pixels].reshape((len(row), *self.shape)), row[:, pixels:]


class ConditionalDiscriminator(_RowDiscriminator):
    """A discriminator of pairs: rows [x, y], x of `shape` (C, H, W), to logits. The input of `net`
    is (N, C + K, H, W): each number of y fills one extra channel."""

    def forward(self, row: Tensor) -> Tensor:
        x, y = self.split(row)
        planes = broadcast_to(y.reshape((*y.shape, 1, 1)), (*y.shape, *self.shape[1:]))
        return self.net(concatenate([x, planes], axis=1))


class ACGANDiscriminator(_RowDiscriminator):
    """A discriminator that also predicts the class: rows [x, y] to (N, 2), the logit of being real
    and log p(y | x). `net` maps images (N, C, H, W) to (N, 1 + K): that logit and K class
    logits."""

    def forward(self, row: Tensor) -> Tensor:
        x, y = self.split(row)
        out = self.net(x)
        log_p = sum(log_softmax(out[:, 1:]) * y, axis=1, keepdims=True)
        return concatenate([out[:, :1], log_p], axis=1)


def auxiliary_classifier(game: SeparableGame, weight: float = 1.0) -> SeparableGame:
    """The game of AC-GAN, for a D that is an `ACGANDiscriminator`: both players minimize their loss
    in `game` plus `weight` times -log p(y | x), on real images and on fakes (the paper's L_S and
    L_C)."""
    checks.between(0, math.inf, weight=weight)
    check_separable(game)

    def with_class(loss: LogitLoss) -> LogitLoss:
        return lambda l: loss(l[:, :1]) - weight * l[:, 1:]

    return SeparableGame(
        with_class(game.real_loss), with_class(game.fake_loss), with_class(game.generator_loss)
    )
