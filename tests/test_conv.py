"""Convolution equals its definition, and its derivatives of three orders those by differences."""

import itertools

import numpy as np
import pytest
import scipy.signal
from cases import smooth
from cases_conv import CONV, WINOGRAD
from hypothesis import given
from hypothesis import strategies as st
from proofs import prove_gradients, prove_value

from tinygan import Tensor, conv2d, conv_transpose2d, grad, ops
from tinygan.conv import Im2Col, Winograd, _by_w, _by_x, _by_y, winograd
from tinygan.conv.im2col import Geometry
from tinygan.gradcheck import check_gradients
from tinygan.tensor import lift


@pytest.mark.parametrize("case", [*CONV, *WINOGRAD], ids=str)
@given(data=st.data())
def test_value_is_that_of_the_definition(case, data):
    prove_value(case, data.draw)


@pytest.mark.parametrize("case", [*CONV, *WINOGRAD], ids=str)
@given(data=st.data())
def test_derivatives_of_three_orders(case, data):
    prove_gradients(case, data.draw, order=3)


SIZES = [  # stride, padding, kernel, image, channels, kernels, as DCGANs and classifiers have them
    ((2, 2), (1, 1), (4, 4), (14, 14), 32, 48),
    ((2, 2), (1, 1), (4, 4), (8, 8), 64, 32),
    ((1, 1), (1, 1), (3, 3), (12, 9), 32, 32),
    ((2, 1), (0, 2), (5, 3), (17, 8), 33, 40),
]


@pytest.mark.parametrize("chunk", [1, winograd.CHUNK])
@pytest.mark.parametrize("stride, padding, kernel, image, c, o", SIZES)
def test_winograd_equals_im2col_in_float32(
    stride, padding, kernel, image, c, o, chunk, monkeypatch
):
    """In float32, in chunks of one image or all, errors are below 1e-5 of the largest value."""
    monkeypatch.setattr(winograd, "CHUNK", chunk)
    rng = np.random.default_rng(0)
    x, w = (rng.normal(size=s).astype(np.float32) for s in ((5, c, *image), (o, c, *kernel)))
    y = conv2d(x, w, stride, padding).data
    geometry = Geometry(stride, padding, kernel, image, y.shape[2:])
    for op, a, b in ((_by_y, x, w), (_by_x, y, w), (_by_w, x, y)):
        exact = op(*lift(a.astype(np.float64), b.astype(np.float64)), Im2Col(geometry)).data
        for points in (6, 5, 4, 3)[: 4 if max(kernel) <= 2 * min(stride) else 3]:
            found = op(*lift(a, b), Winograd(geometry, points)).data
            assert found.dtype == np.float32
            assert np.abs(found - exact).max() < 1e-5 * np.abs(exact).max()


def test_winograd_is_used_where_it_is_faster():
    """Not for a gray image, few positions, kernels of more than five strides, or tiles of which
    half is outside of the image; with three points for few positions and large kernels."""

    def points(n, c, o, stride, padding, kernel, image):
        places = (image + 2 * padding - kernel) // stride + 1
        pairs = ((size, size) for size in (stride, padding, kernel, image, places))
        method = winograd.faster(Geometry(*pairs), n, c, o)
        return method and method.points

    assert points(64, 64, 128, 2, 1, 4, 14) == 5
    assert points(16, 3, 24, 2, 1, 4, 64) == 5 and points(8, 16, 32, 1, 1, 3, 32) == 6
    assert points(64, 1, 64, 2, 1, 4, 28) is None
    assert points(64, 128, 256, 2, 1, 4, 8) == 5 and points(32, 128, 256, 2, 1, 4, 8) == 3
    assert points(8, 128, 256, 2, 1, 4, 8) is None
    assert points(8, 64, 64, 1, 2, 5, 28) == 6 and points(8, 64, 64, 1, 3, 7, 28) is None
    assert points(64, 64, 64, 2, 1, 4, 10) == 6 and points(64, 64, 64, 2, 1, 4, 12) is None


def test_a_transform_of_kernels_is_kept_until_their_values_change(monkeypatch):
    count, transform = [], Winograd._of_w
    monkeypatch.setattr(Winograd, "_of_w", lambda *args: count.append(1) or transform(*args))
    geometry = Geometry((2, 2), (1, 1), (4, 4), (8, 8), (4, 4))
    w = np.random.default_rng(0).normal(size=(3, 2, 4, 4))
    kept = len(winograd._kept)
    first = Winograd(geometry).of_w(w)
    assert Winograd(geometry).of_w(w) is first and len(count) == 1
    w[0, 0, 0, 0] += 1  # in place
    assert not np.array_equal(Winograd(geometry).of_w(w), first) and len(count) == 2
    Winograd(geometry, 4).of_w(w)
    assert len(count) == 3 and len(winograd._kept) == kept + 1
    del w
    assert len(winograd._kept) == kept


def test_one_channel_is_scipys_correlation():
    rng = np.random.default_rng(0)
    x, w = smooth(rng, (7, 9)), smooth(rng, (3, 4))
    y = conv2d(x[None, None], w[None, None])
    np.testing.assert_allclose(y.data[0, 0], scipy.signal.correlate2d(x, w, "valid"), rtol=1e-12)
    back = conv_transpose2d(x[None, None], w[None, None])
    np.testing.assert_allclose(back.data[0, 0], scipy.signal.convolve2d(x, w), rtol=1e-12)


@pytest.mark.parametrize("stride, extra", [(1, 0), (2, 0), (2, 1), (3, 1), (3, 2)])
def test_transposed_convolution_is_the_transpose(stride, extra):
    """<conv(x, w), y> = <x, conv_transpose(y, w)> for an image with a rest of the stride."""
    rng = np.random.default_rng(0)
    x, w = smooth(rng, (2, 3, 2 * stride + 4 + extra, 2 * stride + 4)), smooth(rng, (4, 3, 4, 4))
    y = conv2d(x, w, stride)
    other = smooth(rng, y.shape)
    back = conv_transpose2d(other, w, stride, output_padding=(extra, 0))
    assert back.shape == x.shape
    np.testing.assert_allclose(np.sum(y.data * other), np.sum(back.data * x), rtol=1e-12)


def test_second_derivative_through_the_weight_gradient():
    """A gradient penalty on the weights of a convolution."""
    rng = np.random.default_rng(0)
    x, w = smooth(rng, (2, 2, 4, 4)), smooth(rng, (2, 2, 3, 3))

    def penalty(x: Tensor, w: Tensor) -> Tensor:
        (dw,) = grad(ops.sum(ops.tanh(conv2d(x, w, 1, 1))), [w], create_graph=True)
        return ops.sum(dw * dw)

    check_gradients(penalty, Tensor(x), Tensor(w), rng=rng)


def test_strides_and_paddings_may_be_one_int_or_a_pair():
    rng = np.random.default_rng(0)
    x, w = smooth(rng, (1, 2, 5, 5)), smooth(rng, (2, 2, 3, 3))
    np.testing.assert_array_equal(conv2d(x, w, 2, 1).data, conv2d(x, w, (2, 2), [1, 1]).data)
    np.testing.assert_array_equal(
        conv_transpose2d(x, w, 2, 1, 1).data, conv_transpose2d(x, w, (2, 2), (1, 1), (1, 1)).data
    )


@pytest.mark.parametrize("channels", [4, 32])  # im2col and Winograd
@pytest.mark.parametrize("of_w", ["f2", "f4", "f8", "i4"])
@pytest.mark.parametrize("of_x", ["u1", "i8", "f2", "f4", "f8"])
def test_the_dtype_of_mixed_dtypes_is_numpys(of_x, of_w, channels):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (2, channels, 6, 6)).astype(of_x)
    w = rng.integers(0, 3, (channels, channels, 3, 3)).astype(of_w)
    exact = conv2d(x.astype("f8"), w.astype("f8"), 1, 1).data
    for y in (
        conv2d(x, w, 1, 1),
        conv_transpose2d(x, w.transpose(1, 0, 2, 3)[..., ::-1, ::-1], 1, 1),
    ):
        assert y.dtype == np.result_type(x, w)
        np.testing.assert_allclose(y.data, exact, rtol=1e-3, atol=1e-3 * exact.max())


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [2, 3, 4, 5])
def test_winograd_at_every_edge(stride, kernel):
    """Images whose last rows no kernel reaches, or only the padding does; tiles that end on the
    edge or beyond it; with different numbers for the two directions."""
    rng = np.random.default_rng(0)
    for padding, size in itertools.product((0, 1, 2), range(max(1, kernel - 2), 18)):
        places = (size + 2 * padding - kernel) // stride + 1
        if places < 1:
            continue
        other = (1, 0, 2, 5, (5 - 2) // 1 + 1)  # stride, padding, kernel, size, places
        for turned in (False, True):
            here = (stride, padding, kernel, size, places)
            pairs = zip(*((other, here) if turned else (here, other)), strict=True)
            geometry = Geometry(*pairs)
            x, w, y = (
                rng.normal(size=shape)
                for shape in (
                    (4, 1, *geometry.image), (2, 1, *geometry.kernel), (4, 2, *geometry.places)
                )
            )  # fmt: skip
            plain = Im2Col(geometry)
            for points in (3,) if turned and kernel <= 2 * stride else (5, 6):
                fast = Winograd(geometry, points)
                for op, a, b in ((_by_y, x, w), (_by_x, y, w), (_by_w, x, y)):
                    got, expected = (op(*lift(a, b), way).data for way in (fast, plain))
                    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)
