"""The capturer of CUDA graphs calls the functions of CuPy, here a mock, in the right order."""

import gc
from unittest.mock import ANY, MagicMock

import numpy as np
import pytest

from tinygan.backend.cuda.graph import Capturer, held


@pytest.fixture
def cupy():
    cupy = MagicMock()
    cupy.cuda.MemoryPool().total_bytes.return_value = 0
    cupy.cuda.alloc_pinned_memory = lambda n: bytearray(512 * -(-n // 512))
    return cupy


@pytest.fixture
def capturer(cupy):
    capturer = Capturer(cupy)
    cupy.reset_mock()
    return capturer


def calls(cupy):
    return [name for name, _, _ in cupy.mock_calls]


def test_rounds_run_on_the_stream_and_the_pool_of_the_capturer(cupy, capturer):
    with capturer.playing():
        cupy.round()
    cupy.cuda.using_allocator.assert_called_once_with(capturer.pool.malloc)
    assert calls(cupy) == [
        "cuda.Device",
        "cuda.Device().synchronize",
        "cuda.Stream().__enter__",
        "cuda.using_allocator",
        "cuda.using_allocator().__enter__",
        "round",
        "cuda.using_allocator().__exit__",
        "cuda.Stream().__exit__",
        "cuda.Stream().synchronize",
    ]


def test_a_round_is_captured_uploaded_and_launched(cupy, capturer):
    collects = []
    launch = capturer.capture(lambda: collects.append(gc.isenabled()))
    assert collects == [False] and gc.isenabled()
    launch()
    assert calls(cupy.cuda.Stream()) == [
        "begin_capture",
        "end_capture",
        "end_capture().upload",
        "end_capture().launch",
    ]
    capturer.graph.upload.assert_called_once_with(capturer.stream)
    capturer.graph.debug_dot_str.return_value = "digraph"
    assert capturer.nodes() == "digraph"


@pytest.mark.parametrize("invalid", [False, True])
def test_a_round_that_fails_ends_the_capture_and_raises_its_own_error(cupy, capturer, invalid):
    def play():
        raise RuntimeError("D2H transfers are disallowed")

    if invalid:
        capturer.stream.end_capture.side_effect = RuntimeError("cudaErrorStreamCaptureInvalidated")
    with pytest.raises(RuntimeError, match="D2H"):
        capturer.capture(play)
    assert calls(cupy.cuda.Stream()) == ["begin_capture", "end_capture"]
    assert gc.isenabled() and capturer.nodes() == ""


def test_a_pool_that_freed_memory_during_the_capture_is_an_error(capturer):
    capturer.pool.total_bytes.side_effect = [100, 60]
    with pytest.raises(RuntimeError, match="too full to capture"):
        capturer.capture(lambda: None)
    capturer.pool.total_bytes.side_effect = None  # `held` may call it again
    assert capturer.nodes() == ""


def test_the_memory_of_capturers_is_counted(cupy, capturer):
    cupy.get_default_memory_pool().total_bytes.return_value = 5
    capturer.pool.total_bytes.return_value = 0
    before = held(cupy)
    capturer.pool.total_bytes.return_value = 37
    assert held(cupy) == before + 37


@pytest.mark.parametrize("n", [0, 1, 600])
def test_host_inputs_are_sent_without_waiting(cupy, capturer, n):
    host, device, stream = capturer.host_bytes(n), MagicMock(), cupy.cuda.get_current_stream()
    assert host.shape == (n,) and host.dtype == np.uint8 and host.flags.writeable
    wait = capturer.send(host, device)
    copy, arrived = cupy.cuda.runtime.memcpyAsync, stream.record()
    if n:
        copy.assert_called_once_with(device.data.ptr, ANY, n, 1, stream.ptr)
    assert copy.called == (n > 0) and not arrived.synchronize.called
    wait()
    arrived.synchronize.assert_called_once_with()
