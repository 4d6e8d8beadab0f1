"""The kernels, compiled as C++ and run on the CPU, give the results of the functions that they
replace. NVRTC, if it is installed, compiles them for a GPU. A test is skipped without its compiler.
"""

import ctypes
import math
import shutil
import subprocess
import types
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygan.backend import arrays as reductions
from tinygan.backend import inputs
from tinygan.backend.cuda.kernels import SOURCE, TYPES, Kernels
from tinygan.backend.philox import Philox
from tinygan.conv import im2col
from tinygan.conv.im2col import Geometry
from tinygan.nn import dropout
from tinygan.ops import pointwise
from tinygan.optim import rules

DTYPES = [np.dtype(name) for name in TYPES]
AS_C_PLUS_PLUS = """
#include <cmath>
using namespace std;
#define __global__
#define __device__
struct Index { int x; };
static Index blockIdx = {0}, threadIdx = {0}, blockDim = {1}, gridDim = {1};
"""


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    """The kernels, with a stand-in for CuPy that launches them as C++ with one thread."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("there is no C++ compiler")
    folder = tmp_path_factory.mktemp("kernels")

    class RawModule:
        def __init__(self, code, options):
            name = "-".join(options).replace("=", "")
            source, library = folder / f"{name}.cpp", folder / f"{name}.so"
            source.write_text(AS_C_PLUS_PLUS + code)
            flags = "-O1", "-ffp-contract=off", "-shared", "-fPIC", *options
            subprocess.run([compiler, *flags, source, "-o", library], check=True)
            self.library = ctypes.CDLL(str(library))

        def get_function(self, name):
            function = getattr(self.library, name)

            def launch(grid, block, args):
                assert grid[0] >= 1 and grid[0] * block[0] >= 1
                function(*map(argument, args))

            return launch

    numpy = {"empty": np.empty, "empty_like": np.empty_like}
    return Kernels(types.SimpleNamespace(RawModule=RawModule, **numpy))


def argument(value):
    if isinstance(value, np.ndarray):
        return ctypes.c_void_p(value.ctypes.data)
    return np.ctypeslib.as_ctypes_type(value.dtype)(value.item())


def agree(got, expected):
    assert got is not None and (got.dtype, got.shape) == (expected.dtype, expected.shape)
    eps = np.finfo(expected.dtype).eps
    np.testing.assert_allclose(got, expected, rtol=16 * eps, atol=4 * eps)


def test_every_marked_function_has_its_kernel(kernels):
    marked = {
        value.reference.__name__: value
        for module in (pointwise, reductions, dropout, rules, im2col, inputs)
        for value in vars(module).values()
        if hasattr(value, "reference")
    }
    assert set(kernels.table) == set(marked)


NUMBERS = np.array([-np.inf, -200, -3, -1e-3, -0.0, 0, 1e-3, 0.7, 3, 200, np.inf, np.nan])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("sigmoid_values", ()),
        ("softplus_values", ()),
        *(("leaky_values", (slope,)) for slope in (0.0, 0.2, 1.0, 1.5, -0.5)),
        *(("leaky_slopes", (slope,)) for slope in (0.0, 0.2, 1.5, -0.5)),
    ],
)
def test_pointwise_functions(kernels, name, args, dtype):
    x = NUMBERS.astype(dtype)
    x = x if args != (0.0,) else x[np.isfinite(x)]  # 0 times infinity is NaN
    if name == "leaky_slopes":
        other = DTYPES[dtype == DTYPES[0]]
        assert kernels.leaky_slopes(x, *args, other) is None
        args = (*args, dtype)
    with np.errstate(all="ignore"):
        expected = getattr(pointwise, name).reference(x, *args)
    agree(getattr(kernels, name)(x, *args), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_dropout(kernels, p, dtype):
    u = np.concatenate([np.random.default_rng(0).random(50), [p, 0]]).astype(dtype)
    agree(kernels.kept(u, p), dropout.kept.reference(u, p))


def test_a_pointwise_function_keeps_the_memory_layout_or_refuses(kernels):
    x = np.random.default_rng(0).normal(size=(4, 6, 2, 3)).astype(np.float32)
    for view in (x, x.transpose(0, 3, 1, 2), x.T):
        y = kernels.softplus_values(view)
        assert y.strides == view.strides
        agree(y, pointwise.softplus_values.reference(view))
    for gaps in (x[:, ::2], x[..., :1], np.broadcast_to(x[:1], x.shape), x.astype(np.float16)):
        assert kernels.softplus_values(gaps) is None
    assert kernels.softplus_values(x[:0]).shape == (0, 6, 2, 3)


@given(st.data())
def test_largest_and_shares(kernels, data):
    shape = data.draw(st.sampled_from([(3,), (2, 5), (2, 3, 4), (0, 3)]))
    numbers = st.sampled_from([-1.0, 0.0, 2.0, np.nan])
    dtype = data.draw(st.sampled_from(DTYPES))
    x = np.array(data.draw(st.lists(numbers, min_size=math.prod(shape), max_size=math.prod(shape))))
    x = x.reshape(shape).astype(dtype)
    y = kernels.largest_of_few(x)
    agree(y, reductions.largest_of_few.reference(x))
    for axis in (-1, len(shape) - 1):
        with np.errstate(invalid="ignore"):
            expected = reductions.shares_of_largest.reference(x, y[..., None], axis)
        agree(kernels.shares_of_largest(x, y[..., None], axis), expected)


def test_largest_refuses_other_layouts_and_axes(kernels):
    x = np.ones((4, 3), np.float32)
    assert kernels.largest_of_few(x.T) is None
    assert kernels.shares_of_largest(x, np.ones((1, 3), np.float32), 0) is None
    assert kernels.shares_of_largest(x, np.ones((1, 1), np.float32), (0, 1)) is None
    assert kernels.shares_of_largest(x.T, np.ones((3, 1), np.float32), 1) is None


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_adam(kernels, weight_decay, dtype):
    rng = np.random.default_rng(0)
    vectors = [np.abs(rng.normal(size=101)).astype(dtype) for _ in range(4)]
    numbers = [np.array(x, dtype) for x in (1e-2, 0.5, 0.001)]
    options = (0.5, 0.999), 1e-6, weight_decay
    ours, theirs = ([v.copy() for v in vectors] for _ in range(2))
    for step in (kernels.adam, rules.adam.reference):
        for _ in range(3):
            assert step(*(ours if step == kernels.adam else theirs), *numbers, *options)
    for got, expected in zip(ours, theirs, strict=True):
        agree(got, expected)
    assert kernels.adam(*[v.astype(np.float16) for v in vectors], *numbers, *options) is None


@st.composite
def geometries(draw):
    def pair(low, high):
        return draw(st.integers(low, high)), draw(st.integers(low, high))

    stride, padding, kernel, places = pair(1, 3), pair(0, 2), pair(1, 4), pair(1, 4)
    image = tuple(
        max(1, (i - 1) * s + k - 2 * p + draw(st.integers(0, s - 1)))
        for i, s, k, p in zip(places, stride, kernel, padding, strict=True)
    )
    places = tuple(
        (n + 2 * p - k) // s + 1 for n, p, k, s in zip(image, padding, kernel, stride, strict=True)
    )
    return Geometry(stride, padding, kernel, image, places)


USUAL = st.tuples(st.integers(1, 5), st.integers(1, 5)).map(
    lambda places: Geometry((2, 2), (1, 1), (4, 4), tuple(2 * n for n in places), places)
)


SIZES = st.integers(1, 3)


@given(geometries() | USUAL, SIZES, SIZES, st.booleans(), st.sampled_from(DTYPES))
def test_images_to_rows_and_back(kernels, geometry, n, c, channels_last, dtype):
    if min(geometry.places) < 1:
        return
    rng = np.random.default_rng(n + c)
    x = rng.normal(size=(n, *geometry.image, c) if channels_last else (n, c, *geometry.image))
    x = (x.transpose(0, 3, 1, 2) if channels_last else x).astype(dtype, copy=False)
    rows = kernels.images_to_rows(x.astype(dtype), geometry)
    agree(rows, im2col.images_to_rows.reference(x.astype(dtype), geometry))
    y = rng.normal(size=rows.shape).astype(dtype)
    expected = im2col.rows_to_images.reference(y, geometry)
    np.testing.assert_array_equal(kernels.rows_to_images(y, geometry), expected)  # the same order


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (4,), (5, 7), (0,), (3, 1000)])
@pytest.mark.parametrize("name", ["normal", "uniform"])
def test_noise_from_the_same_words(kernels, name, shape, dtype):
    rng, t = Philox(3, stream=7), np.array([0xFFFFFFFF, 2], np.uint32)
    expected = getattr(inputs, f"{name}_values").reference(t, shape, dtype, rng)
    got = getattr(kernels, f"{name}_values")(t, shape, dtype, rng)
    assert got.dtype == dtype and got.shape == shape
    if name == "uniform":
        np.testing.assert_array_equal(got, expected)
    else:  # log, sin and cos round differently
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5 if dtype == "f4" else 1e-12)
    assert getattr(kernels, f"{name}_values")(t, shape, np.float16, rng) is None


def nvrtc():
    """The library of the wheel nvidia-cuda-nvrtc, or a skip."""
    nvidia = pytest.importorskip("nvidia", reason="the wheel nvidia-cuda-nvrtc is not installed")
    found = [p for root in nvidia.__path__ for p in Path(root).rglob("libnvrtc.so.*")]
    if not found:
        pytest.skip("the wheel nvidia-cuda-nvrtc is not installed")
    return ctypes.CDLL(str(found[0]))


@pytest.mark.parametrize("macro", [[], [b"-DK4S2P1"]], ids=["any", "K4S2P1"])
@pytest.mark.parametrize("real", TYPES.values())
def test_the_source_compiles_for_hopper(real, macro):
    library, program = nvrtc(), ctypes.c_void_p()
    code = SOURCE.encode()
    library.nvrtcCreateProgram(ctypes.byref(program), code, b"kernels.cu", 0, None, None)
    options = [b"-arch=sm_90", b"-std=c++17", b"-DREAL=" + real.encode(), *macro]
    array = (ctypes.c_char_p * len(options))(*options)
    status = library.nvrtcCompileProgram(program, len(options), array)
    size = ctypes.c_size_t()
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, log)
    assert status == 0, log.value.decode()
