"""Basic layers: Linear, Maxout, Embedding, activations, Flatten, Unflatten, Residual.

Weights and biases are drawn as in PyTorch, from U(-1/sqrt(fan_in), 1/sqrt(fan_in)); an Embedding's
from N(0, 1). `nn.init` has the initializers of the papers.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import checks, ops
from ..backend import Rng
from ..tensor import Tensor, lift
from .module import Module, Parameter, Sequential

__all__ = [
    "Embedding",
    "Flatten",
    "LeakyReLU",
    "Linear",
    "Maxout",
    "ReLU",
    "Residual",
    "Sigmoid",
    "Softplus",
    "Tanh",
    "Unflatten",
]


def _parameters(
    shape: tuple[int, ...], fan_in: int, bias: int | None, rng: Rng
) -> tuple[Parameter, Parameter | None]:
    """A weight of the given shape and a bias of the given size, both U(-r, r), r = fan_in^-1/2."""
    r = 1 / math.sqrt(fan_in)

    def draw(*shape: int) -> Parameter:
        return Parameter(checks.generator(rng).uniform(-r, r, shape).astype(np.float32))

    return draw(*shape), None if bias is None else draw(bias)


class Linear(Module):
    """x W^T + b: (..., in_features) to (..., out_features). `weight` is (out, in)."""

    mixes_examples = False

    def __init__(self, in_features: int, out_features: int, bias: bool = True, *, rng: Rng) -> None:
        super().__init__()
        self.in_features, self.out_features = checks.sizes(
            in_features=in_features, out_features=out_features
        )
        self.weight, self.bias = _parameters(
            (out_features, in_features), in_features, out_features if bias else None, rng
        )

    def forward(self, x: Any) -> Tensor:
        return self.compute(x, self.weight)

    def compute(self, x: Any, weight: Tensor) -> Tensor:
        """Apply the layer with `weight` instead of its own; for layers that wrap this one."""
        x = checks.inputs(self, x, self.in_features, -1, weight.dtype)
        return ops.linear(x, weight, self.bias)


class Maxout(Module):
    """The maximum of `pieces` affine functions for each output (Goodfellow et al. 2013, eq. 2).

    (..., in_features) to (..., out_features). Output j is the maximum over the affine outputs
    j * pieces ... (j + 1) * pieces - 1; `weight` is (out * pieces, in).
    """

    mixes_examples = False

    def __init__(self, in_features: int, out_features: int, pieces: int, *, rng: Rng) -> None:
        super().__init__()
        self.in_features, self.out_features, self.pieces = checks.sizes(
            in_features=in_features, out_features=out_features, pieces=pieces
        )
        wide = self.out_features * self.pieces
        self.weight, self.bias = _parameters((wide, in_features), in_features, wide, rng)

    def forward(self, x: Any) -> Tensor:
        return self.compute(x, self.weight)

    def compute(self, x: Any, weight: Tensor) -> Tensor:
        """Apply the layer with `weight` instead of its own; for layers that wrap this one."""
        x = checks.inputs(self, x, self.in_features, -1, weight.dtype)
        y = ops.linear(x, weight, self.bias)
        return ops.max(y.reshape((*y.shape[:-1], self.out_features, self.pieces)), axis=-1)


class Embedding(Module):
    """A learned vector for each of `num_embeddings` integers: (...) to (..., embedding_dim)."""

    mixes_examples = False

    def __init__(self, num_embeddings: int, embedding_dim: int, *, rng: Rng) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = checks.sizes(
            num_embeddings=num_embeddings, embedding_dim=embedding_dim
        )
        values = checks.generator(rng).normal(size=(num_embeddings, embedding_dim))
        self.weight = Parameter(values.astype(np.float32))

    def forward(self, x: Any) -> Tensor:
        (indices,) = lift(x)
        if indices.dtype.kind not in "iu":
            raise ValueError(f"Embedding: expected integer indices, got {indices.dtype}")
        checks.indices("Embedding: expected indices", indices, self.num_embeddings)
        return self.weight[indices]


class ReLU(Module):
    """max(x, 0)."""

    mixes_examples = False

    def forward(self, x: Any) -> Tensor:
        return ops.relu(x)


class LeakyReLU(Module):
    """x where x > 0, else negative_slope * x. GANs use a slope of 0.2 (Radford et al. 2015)."""

    mixes_examples = False

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        checks.between(-math.inf, math.inf, "()", negative_slope=negative_slope)
        self.negative_slope = float(negative_slope)

    def forward(self, x: Any) -> Tensor:
        return ops.leaky_relu(x, self.negative_slope)


class Tanh(Module):
    """The hyperbolic tangent: values in (-1, 1)."""

    mixes_examples = False

    def forward(self, x: Any) -> Tensor:
        return ops.tanh(x)


class Sigmoid(Module):
    """1 / (1 + e^-x): values in (0, 1). Losses take logits, so D ends without it."""

    mixes_examples = False

    def forward(self, x: Any) -> Tensor:
        return ops.sigmoid(x)


class Softplus(Module):
    """log(1 + e^x): a smooth ReLU."""

    mixes_examples = False

    def forward(self, x: Any) -> Tensor:
        return ops.softplus(x)


class Flatten(Module):
    """(N, a, b, ...) to (N, a * b * ...), in row-major order."""

    mixes_examples = False

    def forward(self, x: Any) -> Tensor:
        (x,) = lift(x)
        if x.ndim < 2:
            raise ValueError(f"Flatten: expected at least 2 axes, got shape {x.shape}")
        return x.reshape((x.shape[0], math.prod(x.shape[1:])))


class Unflatten(Module):
    """Split the axis `dim` into axes of the sizes `unflattened_size`, as (N, 6272) into
    (N, 128, 7, 7)."""

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        if not isinstance(dim, int):
            raise TypeError(f"dim: expected an int, got {dim!r}")
        if not isinstance(unflattened_size, Sequence):
            raise ValueError(f"unflattened_size: expected a tuple, got {unflattened_size!r}")
        sizes = [checks.sizes(unflattened_size=size)[0] for size in unflattened_size]
        self.dim, self.unflattened_size = dim, tuple(sizes)

    def forward(self, x: Any) -> Tensor:
        (x,) = lift(x)
        at = self.dim % x.ndim if -x.ndim <= self.dim < x.ndim else -1
        if at < 0 or x.shape[at] != math.prod(self.unflattened_size):
            raise ValueError(
                f"Unflatten: expected {math.prod(self.unflattened_size)} elements along axis "
                f"{self.dim}, got shape {x.shape}"
            )
        return x.reshape((*x.shape[:at], *self.unflattened_size, *x.shape[at + 1 :]))


class Residual(Sequential):
    """x + F(x), where F is a chain of layers (He et al. 2016, eq. 1).

    In the sum, values and gradients bypass the layers, so deep networks can train.

    Raises ValueError if F(x) has another shape than x.
    """

    mixes_examples = Sequential.mixes_examples

    def forward(self, x: Any) -> Tensor:
        (x,) = lift(x)
        difference = super().forward(x)
        if difference.shape != x.shape:
            raise ValueError(f"Residual: its layers give {difference.shape} for {x.shape}")
        return x + difference
