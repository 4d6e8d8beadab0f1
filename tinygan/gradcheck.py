"""check_gradients: a comparison of gradient rules with finite differences, to any order.

Along random directions v_i the derivative of a scalar L at the point (x_1, x_2, ...) is

    sum_i <dL/dx_i, v_i>   =   (4 d(h) - d(2h)) / 3   + O(h^4)

    d(h) = (L(x + h v) - L(x - h v)) / 2h

The left side is itself a scalar function of x, so the same check of it tests second derivatives,
and so on. A rule may have a faster form for the case that its own graph is not recorded. Both forms
must give the same gradient.
"""

from collections.abc import Callable
from functools import reduce

import numpy as np

from .autograd import grad
from .backend import Rng
from .backend.inputs import normal
from .ops import add, sum
from .tensor import Tensor

Function = Callable[..., Tensor]


def check_gradients(
    function: Function,
    *xs: Tensor,
    rng: Rng,
    order: int = 2,
    h: float = 3e-5,
    tolerance: float = 1e-6,
) -> None:
    """Raise AssertionError unless the derivatives of `function` at float64 tensors xs are right.

    The derivatives of the orders 1 to `order` are compared with central differences along random
    directions, of each x alone and of all together. The function may return a tensor of any shape;
    a random weighted sum reduces it to a scalar. It must be deterministic, and smooth within 2h of
    xs. `tolerance` is relative to the slope, and absolute for slopes below 1.

    Raises TypeError if one of xs is not float64.
    """
    for i, x in enumerate(xs):
        if x.dtype != np.float64:
            raise TypeError(f"xs[{i}]: differences need float64, got {x.dtype}")
    weights = Tensor(normal(rng, function(*xs).shape, like=xs[0].data))

    def scalar(*xs: Tensor) -> Tensor:
        return sum(function(*xs) * weights)

    for depth in range(1, order + 1):
        scalar = _check(scalar, xs, rng, f"derivative of order {depth}", h, tolerance)


def _check(
    scalar: Function, xs: tuple[Tensor, ...], rng: Rng, what: str, h: float, tolerance: float
) -> Function:
    """Check the gradient of `scalar`; return its slope along a random direction of all inputs."""
    recorded, plain = (
        grad(scalar(*xs), xs, create_graph=graph, allow_unused=True) for graph in (True, False)
    )
    for i, (r, p) in enumerate(zip(recorded, plain, strict=True)):
        error, size = (sum(t * t).item() ** 0.5 for t in (r - p, r))
        if not error <= tolerance * max(1.0, size):
            raise AssertionError(
                f"{what} at input {i}: with create_graph it differs by {error:.3g} from the one "
                "without"
            )
    everything = list(range(len(xs)))
    for moved in [[i] for i in everything] + [everything]:  # each input alone, then all
        v = [normal(rng, x.shape, like=x.data) * float(i in moved) for i, x in enumerate(xs)]

        def slope(*xs: Tensor, v: list = v) -> Tensor:  # sum of <dL/dx, v>
            grads = grad(scalar(*xs), xs, create_graph=True, allow_unused=True)
            return reduce(add, (sum(g * v_i) for g, v_i in zip(grads, v, strict=True)))

        analytic = slope(*xs).item()

        def at(step: float, v: list = v) -> float:  # L(x + step v)
            points = (Tensor(x.data + step * v_i) for x, v_i in zip(xs, v, strict=True))
            return scalar(*points).item()

        near, far = ((at(step) - at(-step)) / (2 * step) for step in (h, 2 * h))
        numeric = (4 * near - far) / 3
        scale = max(1.0, abs(analytic), abs(numeric))
        if not abs(analytic - numeric) <= tolerance * scale:  # a NaN fails too
            raise AssertionError(
                f"{what} along {'all inputs' if len(moved) > 1 else moved}: by the rules "
                f"{analytic:.9g}, by differences {numeric:.9g}"
            )
    return slope
