"""Backends by name: `get` returns one that works; for others it raises an error of one line."""

import importlib.util
import re
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from guard import guard_xp
from guard_array import GuardArray

import tinygan
from tinygan import BackendUnavailable, InputError, backend
from tinygan.backend import channels, inputs
from tinygan.backend.philox import Philox

INSTALL = r"pip install 'tinygan\[cuda13\]' \(CUDA 13\) or 'tinygan\[cuda12\]' \(CUDA 12\)"


class CUDARuntimeError(RuntimeError):
    pass


class Device:
    """A stand-in for cupy.cuda.Device, which stores the current device."""

    current = 0

    def __init__(self, number):
        self.id = number

    def use(self):
        Device.current = self.id

    def __enter__(self):
        self.before, Device.current = Device.current, self.id

    def __exit__(self, *problem):
        Device.current = self.before


def no_driver():
    raise CUDARuntimeError(
        "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version"
    )


def no_compiler(n):
    raise RuntimeError("nvrtc: error: failed to open libnvrtc-builtins.so\nTraceback: ...")


def fake(devices=2, **replaced):
    """A stand-in for CuPy, with the guard's arrays. `calls` lists the device of each new array and
    each wait for the stream."""
    calls = []
    names = {
        "__version__": "14.2.0",
        "ndarray": GuardArray,
        "array": lambda host: (calls.append(Device.current), guard_xp.array(host))[1],
        "asnumpy": guard_xp.asnumpy,
        "matmul": guard_xp.matmul,
        "arange": guard_xp.arange,
        "cuda": types.SimpleNamespace(
            is_available=lambda: devices > 0,
            Device=Device,
            runtime=types.SimpleNamespace(
                getDeviceCount=lambda: devices, CUDARuntimeError=CUDARuntimeError
            ),
            get_current_stream=lambda: types.SimpleNamespace(
                synchronize=lambda: calls.append("synchronized")
            ),
        ),
        **replaced,
    }
    module = types.ModuleType("cupy")
    vars(module).update(names)
    module.calls = calls
    return module


@pytest.fixture
def cupy(monkeypatch):
    """A function that installs a stand-in for CuPy, or None: as in a process that did not import
    CuPy yet."""
    monkeypatch.setattr(backend.arrays, "_by_type", {np.ndarray: backend.numpy})
    monkeypatch.setattr(Device, "current", 0)

    def install(module):
        spec = module and importlib.util.spec_from_loader("cupy", None)
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
        monkeypatch.setitem(sys.modules, "cupy", module)
        return module

    return install


def problem(name="cupy"):
    with pytest.raises(BackendUnavailable) as caught:
        backend.get(name)
    text = str(caught.value)
    assert isinstance(caught.value, InputError)  # the command line makes one line of it
    assert "\n" not in text and "Traceback" not in text
    return text


def matches(pattern, text):
    assert re.fullmatch(pattern, text), text


def test_cupy_that_is_not_installed(cupy):
    cupy(None)
    matches(f"backend 'cupy': CuPy is not installed; {INSTALL}", problem())
    matches(f"backend 'cupy': CuPy is not installed; {INSTALL}", problem("cupy:1"))


@pytest.mark.parametrize(
    "error, why",
    [
        ("ImportError('libcudart.so.13: no file\\nmore')", "libcudart.so.13: no file"),
        ("OSError('libcudart.so.13: no file\\nmore')", "libcudart.so.13: no file"),
        ("AttributeError('libcudart.so.13: no file\\nmore')", "libcudart.so.13: no file"),
        ("MemoryError", "MemoryError"),
    ],
)
def test_cupy_that_does_not_import(cupy, monkeypatch, tmp_path, error, why):
    cupy(fake())
    monkeypatch.delitem(sys.modules, "cupy")
    tmp_path.joinpath("cupy.py").write_text(f"raise {error}")
    monkeypatch.syspath_prepend(tmp_path)
    matches(rf"backend 'cupy': CuPy does not import \({why}\); {INSTALL}", problem())


NEEDS = r"needs an NVIDIA GPU, and a driver >= 525 for CUDA 12 or >= 580 for CUDA 13"


def test_no_driver(cupy):
    module = cupy(fake(devices=0))
    module.cuda.runtime.getDeviceCount = no_driver
    matches(
        "backend 'cupy': CuPy 14.2.0 is installed but CUDA is not usable: "
        "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version"
        rf" \({NEEDS}\)",
        problem(),
    )


@pytest.mark.parametrize(
    "options, text",
    [
        ({"devices": 0}, "CUDA is not usable: no device is visible (needs"),
        ({"arange": no_compiler}, "a first kernel fails (nvrtc: error: failed to open libnvrtc-"),
        ({"arange": guard_xp.zeros}, "a first kernel fails (a sum on the GPU is wrong)"),
    ],
)
def test_a_gpu_that_does_not_work(cupy, options, text):
    cupy(fake(**options))
    assert text in problem()


def test_a_backend_that_failed_is_tried_again(cupy):
    cupy(None)
    problem()
    cupy(fake())
    assert backend.get("cupy").name == "cupy"


def test_cupy_that_works(cupy):
    module = cupy(fake())
    found = backend.get("cupy")
    assert (found.name, found.xp, found.reads_are_free) == ("cupy", module, False)
    assert backend.get("cupy") is found is backend.get("cupy:1")
    found.synchronize()
    assert module.calls == ["synchronized"]
    x = backend.move(np.ones(3, np.float32), "cupy")
    assert backend.of(x) is found and x.dtype == np.float32
    assert type(backend.move(x, "numpy")) is np.ndarray


def test_devices_are_chosen_by_number(cupy, monkeypatch):
    module = cupy(fake(devices=2))
    x = backend.move(np.ones(3), "cupy:1")
    monkeypatch.setattr(GuardArray, "device", Device(1))
    backend.place(np.ones(3), like=x)
    backend.move(np.ones(3), "cupy")
    assert module.calls == [1, 1, 0] and Device.current == 0
    backend.use("cupy:1")
    assert Device.current == 1
    for move in (lambda: backend.move(x, "cupy:2"), lambda: backend.use("cupy:2")):
        with pytest.raises(BackendUnavailable, match="'cupy:2': expected a device below 2"):
            move()


@pytest.mark.parametrize(
    "name, text",
    [
        ("torch", "backend 'torch' is unknown; expected one of cupy, numpy"),
        ("", "backend '' is unknown; expected one of cupy, numpy"),
        ("NumPy", "backend 'NumPy' is unknown; expected one of cupy, numpy"),
        ("numpy:1", "backend 'numpy:1': numpy has one device, the CPU"),
        ("cupy:x", "backend 'cupy:x': expected a device number after ':'"),
        ("cupy:-1", "backend 'cupy:-1': expected a device number after ':'"),
        ("cupy:1:2", "backend 'cupy:1:2': expected a device number after ':'"),
    ],
)
def test_unknown_names_are_refused(cupy, name, text):
    cupy(fake())
    assert problem(name) == text
    for use in (backend.use, lambda name: backend.move(np.ones(2), name)):
        with pytest.raises(BackendUnavailable):
            use(name)


def test_survey_lists_what_works_and_the_remedies_for_the_rest(cupy):
    cupy(None)
    found = backend.survey()
    assert list(found) == ["numpy", "cupy"] and found["numpy"] is None
    matches(f"backend 'cupy': CuPy is not installed; {INSTALL}", found["cupy"])
    cupy(fake())
    assert backend.survey() == {"numpy": None, "cupy": None}


def test_numpy_has_two_names():
    assert backend.get("numpy") is backend.get("numpy:0") is backend.numpy is backend.of(np.ones(1))


def test_moving_copies_and_keeps_the_dtype():
    for dtype in (np.float16, np.float32, np.int64, np.bool_):
        host = np.ones((2, 3), dtype)
        there = backend.move(host, "guard")
        for other in (there, backend.move(there, "guard"), backend.move(host, "numpy")):
            assert backend.of(other).to_host(other) is not host
            assert (other.dtype, other.shape) == (host.dtype, host.shape)
        host[...] = 0
        assert backend.move(there, "numpy").all()


def test_placing_and_adopting():
    like = backend.move(np.ones(2, np.float32), "guard")
    host = np.arange(3)
    placed, adopted = backend.place(host, like), backend.adopt(host, like)
    assert type(placed) is type(adopted) is GuardArray
    assert (placed.dtype, adopted.dtype) == (np.int64, np.float32)
    assert backend.adopt(like, host).dtype == np.int64
    assert backend.adopt([1, 2], host) is not host and backend.adopt(host, host) is not host


def test_arrays_of_known_backends_are_recognized():
    there = backend.move(np.ones(2), "guard")
    assert backend.is_array(np.ones(2)) and backend.is_array(there)
    assert not backend.is_array(np.ma.ones(2))  # see test_plain_array.py
    for other in (1.0, [1.0], np.float64(1), None):
        assert not backend.is_array(other)
        with pytest.raises(TypeError, match="expected an array of a known backend, got"):
            backend.of(other)


@pytest.mark.parametrize("generator", [np.random.default_rng, Philox])
@pytest.mark.parametrize("draw", [inputs.normal, inputs.uniform])
def test_every_backend_draws_the_same_numbers(draw, generator):
    for dtype in (np.float16, np.float32, np.float64):
        here = draw(generator(3), (4, 2), np.ones(1, dtype))
        like = backend.move(np.ones(1, dtype), "guard")
        there = draw(generator(3), (4, 2), like)
        assert type(here) is np.ndarray and type(there) is GuardArray
        assert here.dtype == there.dtype == dtype
        np.testing.assert_array_equal(there.get(), here)


def test_import_tinygan_imports_nothing_heavy():
    heavy = ["cupy", "matplotlib", "PIL", "pooch", "scipy", "tqdm", "safetensors", "torch"]
    code = f"import sys, tinygan; print([m for m in {heavy} if m in sys.modules])"
    home = Path(tinygan.__file__).parents[1]
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=home, capture_output=True, text=True)
    assert (result.stdout.strip(), result.stderr) == ("[]", "")


@pytest.mark.parametrize("count", [1, 3, channels.FEW, channels.FEW + 1])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1)])
def test_channels_are_combined_as_ufuncs_do(count, order):
    """In each memory order, and with vectors that are not of channels but have as many elements."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, count, 2, 5))
    x = np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))
    for shape in ((1, count, 1, 1), (count, 1, 1, 1), (count, count, 1, 1)):
        vector = rng.normal(size=shape)
        found = backend.with_channels(np.subtract, x, vector)
        np.testing.assert_array_equal(found, x - vector)
        out = x.copy("K")
        assert backend.with_channels(np.multiply, out, vector, out=out) is out
        np.testing.assert_array_equal(out, x * vector)
        other = np.empty(x.shape)  # in another memory order
        backend.with_channels(np.add, x, vector, out=other)
        np.testing.assert_array_equal(other, x + vector)
