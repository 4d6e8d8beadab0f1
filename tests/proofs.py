"""The proofs of every case: its value, and its derivatives of first and second order."""

import numpy as np
from cases import Case, Draw

from tinygan import Tensor
from tinygan.gradcheck import check_gradients


def prove_value(case: Case, draw: Draw, tolerance: float = 1e-11) -> None:
    point = case.build(draw)
    y = point.function(*point.tensors())
    expected = np.asarray(point.value(*point.arrays))
    assert y.shape == expected.shape
    np.testing.assert_allclose(y.data, expected, rtol=tolerance, atol=tolerance)


def prove_gradients(case: Case, draw: Draw, order: int = 2) -> None:
    point = case.build(draw)

    def curved(*xs: Tensor) -> Tensor:
        """The gradient at y depends on y, so a rule must differentiate it, too."""
        y = point.function(*xs)
        return y + 0.3 * y * y

    check_gradients(curved, *point.tensors(), rng=np.random.default_rng(0), order=order)
