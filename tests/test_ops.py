"""Every op: its value equals NumPy's, and its derivatives to second order those by differences."""

import numpy as np
import pytest
import scipy.special
from cases_arithmetic import ARITHMETIC
from cases_shapes import SHAPES
from hypothesis import given
from hypothesis import strategies as st
from proofs import prove_gradients, prove_value

from tinygan import Tensor, grad, nn, ops
from tinygan.backend.inputs import SINGLE_PROCESS as ALONE
from tinygan.gradcheck import check_gradients
from tinygan.ops import normalize

OPS = [*ARITHMETIC, *SHAPES]


@pytest.mark.parametrize("case", OPS, ids=str)
@given(data=st.data())
def test_value_is_that_of_numpy(case, data):
    prove_value(case, data.draw)


@pytest.mark.parametrize("case", OPS, ids=str)
@given(data=st.data())
def test_derivatives_of_first_and_second_order(case, data):
    prove_gradients(case, data.draw)


@pytest.mark.parametrize("op", [ops.sigmoid, ops.softplus, ops.tanh])
def test_values_and_gradients_far_from_0_are_finite(op):
    x = Tensor(np.array([-1000, -200, -90, 0, 90, 200, 1000], np.float32))
    y = op(x)
    (dx,) = grad(y.sum(), [x])
    assert np.isfinite(y.data).all() and np.isfinite(dx.data).all()
    if op is ops.softplus:
        np.testing.assert_array_equal(y.data[[0, -1]], [0, 1000])
        np.testing.assert_array_equal(dx.data[[0, -1]], [0, 1])


def test_small_probabilities_keep_their_precision():
    x = np.array([-80.0, -40.0, -20.0])
    np.testing.assert_allclose(ops.softplus(x).data, np.exp(x), rtol=1e-8)
    np.testing.assert_allclose(ops.sigmoid(x).data, np.exp(x), rtol=1e-8)


@pytest.mark.parametrize("shift", [-1e4, -200.0, 200.0, 1e4])
def test_softmax_and_logsumexp_are_exact_after_a_shift(shift):
    x = np.array([[0.3, -0.2, 1.5], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(ops.softmax(x + shift).data, ops.softmax(x).data, rtol=1e-9)
    np.testing.assert_allclose(
        ops.logsumexp(x + shift, 1).data, scipy.special.logsumexp(x + shift, 1), rtol=1e-14
    )


def test_logsumexp_ignores_minus_infinity():
    x = Tensor(np.array([-np.inf, 1.0, 2.0]))
    y = ops.logsumexp(x)
    (dx,) = grad(y, [x])
    np.testing.assert_allclose(y.item(), np.logaddexp(1, 2), rtol=1e-15)
    np.testing.assert_allclose(dx.data, [0, *scipy.special.softmax([1.0, 2.0])], rtol=1e-14)


def slope(function, *at):
    xs = [Tensor(np.array(x, np.float64)) for x in at]
    return [dx.item() for dx in grad(function(*xs), xs)]


def test_slopes_at_kinks_are_those_that_the_docstrings_say():
    assert slope(ops.abs, 0) == [0]
    assert slope(ops.relu, 0) == [0]
    assert slope(lambda a: ops.leaky_relu(a, 0.2), 0) == [0.2]
    assert slope(lambda a: ops.clip(a, -1, 1), 1) == slope(lambda a: ops.clip(a, -1, 1), -1) == [1]
    assert slope(ops.maximum, 1, 1) == slope(ops.minimum, 1, 1) == [0.5, 0.5]


def test_slopes_of_powers_of_0_are_those_of_the_limit_from_above():
    assert slope(lambda a: a**1, 0) == slope(lambda a: a**1.0, 0) == [1]
    assert slope(lambda a: a**2, 0) == slope(lambda a: a**0, 0) == [0]
    assert slope(ops.power, 0, 1) == [1, 0]
    assert slope(ops.power, 0, 2) == slope(ops.power, 0, 0) == [0, 0]
    assert slope(lambda b: 0**b, 2) == [0]


def test_slope_of_a_negative_base_with_an_integer_power():
    np.testing.assert_allclose(slope(lambda a: a**3, -2), [12])
    np.testing.assert_allclose(slope(lambda a: a ** Tensor(np.array(3.0)), -2), [12])


def test_a_number_below_0_has_powers_but_no_slope_at_its_exponent():
    b = Tensor(np.array([2.0, 3.0]))
    y = ops.sum((-2.0) ** b)
    assert y.item() == -4
    with pytest.raises(ValueError, match=r"power: no gradient at .* negative base, got -2\.0"):
        grad(y, [b])


@pytest.mark.parametrize("slope", [-0.5, 0.0, 1.0, 2.0])
def test_leaky_relu_takes_any_slope_as_pytorch_does(slope):
    x = Tensor(np.array([-3.0, -0.5, 0.5, 3.0]))
    y = nn.LeakyReLU(slope)(x)
    np.testing.assert_array_equal(y.data, np.where(x.data > 0, x.data, slope * x.data))
    np.testing.assert_array_equal(grad(y.sum(), [x])[0].data, [slope, slope, 1, 1])


@pytest.mark.parametrize("kind", ["list", "array", "tensor"])
def test_where_takes_bools_in_any_form(kind):
    taken = {"list": list, "array": np.array, "tensor": lambda b: Tensor(np.array(b))}[kind]
    x = Tensor(np.array([1.0, 2.0, 3.0]))
    y = ops.where(taken([True, False, True]), x, 0.0)
    np.testing.assert_array_equal(y.data, [1, 0, 3])
    np.testing.assert_array_equal(grad(y.sum(), [x])[0].data, [1, 0, 1])
    for one in (True, np.bool_(True)):
        np.testing.assert_array_equal(ops.where(one, x, 0.0).data, x.data)


def test_concatenated_shapes_agree_except_along_the_axis():
    x = Tensor(np.ones((2, 3)))
    assert ops.concatenate([x, np.ones((2, 1))], np.int64(-1)).shape == (2, 4)
    for other in (np.ones((3, 2)), np.ones(2), np.ones((2, 1, 3))):
        with pytest.raises(ValueError, match=r"concatenate: tensors: .*axis 1, got \[\(2, 3\), \("):
            ops.concatenate([x, Tensor(other)], 1)


@pytest.mark.parametrize("op, slopes", [(ops.max, [0, 0.5, 0.5, 0]), (ops.min, [1, 0, 0, 0])])
def test_elements_that_tie_share_the_gradient(op, slopes):
    x = Tensor(np.array([1.0, 3.0, 3.0, 2.0]))
    np.testing.assert_array_equal(grad(op(x), [x])[0].data, slopes)
    rows = Tensor(np.array([[1.0, 3.0, 3.0, 2.0], [5.0, 5.0, 5.0, 5.0]]))
    (by_row,) = grad(op(rows, axis=1).sum(), [rows])
    np.testing.assert_array_equal(by_row.data, [slopes, [0.25] * 4])


def test_methods_are_the_ops():
    x = Tensor(np.array([[1.0, 2.0], [3.0, 4.0]]))
    for left, right in [
        (x.sum(0), ops.sum(x, 0)),
        (x.mean(1, keepdims=True), ops.mean(x, 1, True)),
        (x.max(1), ops.max(x, 1)),
    ]:
        np.testing.assert_array_equal(left.data, right.data)


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 40])
@pytest.mark.parametrize("kind", ["sum", "max", "logsumexp"])
def test_short_and_long_rows_are_reduced_alike(kind, size):
    """Short last axes are reduced slice by slice, long ones by the library."""
    x = np.random.default_rng(size).normal(size=(3, size))
    expected = {"sum": np.sum, "max": np.max, "logsumexp": scipy.special.logsumexp}[kind]
    for keepdims in (False, True):
        y = getattr(ops, kind)(x, axis=-1, keepdims=keepdims).data
        np.testing.assert_allclose(y, expected(x, axis=-1, keepdims=keepdims), rtol=1e-13)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (1,)])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "logsumexp"])
def test_reductions_of_three_sizes_along_every_kind_of_axis(name, axis, keepdims):
    """All sizes differ, so that a gradient along the wrong axis has the wrong shape."""
    rng = np.random.default_rng(0)
    x = Tensor(rng.permutation(24).reshape(2, 3, 4) / 10)

    def curved(x):
        y = getattr(ops, name)(x, axis, keepdims)
        return y + 0.3 * y * y

    check_gradients(curved, x, rng=rng)


def test_standardize_takes_an_array_and_numpys_number_and_keeps_the_dtype():
    x = np.arange(8, dtype=np.float32).reshape(4, 2)
    y, m, v = ops.standardize(x, (0,), np.float64(0.1))
    assert y.dtype == m.dtype == v.dtype == np.float32
    np.testing.assert_allclose(y.data, (x - 3 - [0, 1]) / np.sqrt(5.1), rtol=1e-6)


@given(st.integers(2, 5), st.integers(1, 4), st.integers(1, 3), st.integers(0, 9))
def test_standardize_is_the_composed_normalization(n, c, size, seed):
    rng, axes = np.random.default_rng(seed), (0, 2)
    a, b = (Tensor(2 + rng.normal(size=(n, c, size))) for _ in range(2))
    b.data[...] = a.data
    fused, expected = ops.standardize(a, axes, 1e-5)[0], normalize.composed(b, axes, 1e-5, ALONE)[0]
    np.testing.assert_allclose(fused.data, expected.data, rtol=1e-9, atol=1e-9)
    weight = Tensor(rng.normal(size=fused.shape))
    (of_a,), (of_b,) = (grad(ops.sum(weight * y), [x]) for y, x in ((fused, a), (expected, b)))
    np.testing.assert_allclose(of_a.data, of_b.data, rtol=1e-6, atol=1e-8)
