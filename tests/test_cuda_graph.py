"""The calls of CuPy by the recorder of CUDA graphs, in order; a stand-in notes them."""

import gc
import types
from contextlib import contextmanager

import numpy as np
import pytest

from tinygan.backend.cuda.graph import Recorder, held


class Stream:
    def __init__(self, notes, name):
        self.notes, self.name, self.ptr, self.fails = notes, name, 9, False

    def __enter__(self):
        self.notes.append(f"on {self.name}")

    def __exit__(self, *problem):
        self.notes.append(f"off {self.name}")

    def synchronize(self):
        self.notes.append(f"{self.name} done")

    def begin_capture(self):
        self.notes.append("capture")

    def end_capture(self):
        self.notes.append("end")
        if self.fails:
            raise RuntimeError("cudaErrorStreamCaptureInvalidated")
        return types.SimpleNamespace(
            upload=lambda stream: self.notes.append("upload"),
            launch=lambda: self.notes.append("launch"),
            debug_dot_str=lambda: "digraph",
        )

    def record(self):
        return types.SimpleNamespace(synchronize=lambda: self.notes.append("arrived"))


@pytest.fixture
def notes():
    return []


@pytest.fixture
def recorder(notes):
    @contextmanager
    def using_allocator(malloc):
        notes.append(f"from {malloc}")
        yield
        notes.append("no longer")

    def copy(to, source, size, kind, stream):
        notes.append(("copy", size, kind, stream))

    cuda = types.SimpleNamespace(
        Stream=lambda non_blocking: Stream(notes, "side"),
        MemoryPool=lambda: types.SimpleNamespace(malloc="pool", total_bytes=lambda: 0),
        Device=lambda: types.SimpleNamespace(id=0, synchronize=lambda: notes.append("device done")),
        using_allocator=using_allocator,
        alloc_pinned_memory=lambda n: bytearray(512 * -(-n // 512)),
        get_current_stream=lambda: Stream(notes, "main"),
        runtime=types.SimpleNamespace(memcpyAsync=copy),
    )
    cupy = types.ModuleType("cupy")
    cupy.cuda, cupy.empty = cuda, np.empty
    return Recorder(cupy)


def test_rounds_run_on_the_recorder_stream_and_pool(recorder, notes):
    with recorder.playing():
        notes.append("round")
    assert notes == ["device done", "on side", "from pool", "round", "no longer", "off side",
                     "side done"]  # fmt: skip


def test_a_round_is_captured_uploaded_and_launched(recorder, notes):
    launch = recorder.record(lambda: notes.append(f"round, collector {gc.isenabled()}"))
    assert gc.isenabled() and recorder.nodes() == "digraph"
    launch()
    assert notes == ["capture", "round, collector False", "end", "upload", "launch"]


@pytest.mark.parametrize("invalid", [False, True])
def test_a_round_that_fails_ends_the_capture_and_raises_its_own_error(recorder, notes, invalid):
    recorder.stream.fails = invalid

    def play():
        raise RuntimeError("D2H transfers are disallowed")

    with pytest.raises(RuntimeError, match="D2H"):
        recorder.record(play)
    assert notes == ["capture", "end"] and gc.isenabled() and recorder.nodes() == ""


def test_a_pool_that_freed_memory_during_the_capture_is_an_error(recorder):
    sizes = iter([100, 60])
    recorder.pool = types.SimpleNamespace(total_bytes=lambda: next(sizes))
    with pytest.raises(RuntimeError, match="too full to capture"):
        recorder.record(lambda: None)
    recorder.pool = types.SimpleNamespace(total_bytes=lambda: 0)


def test_the_memory_of_recorders_is_counted(recorder):
    cupy = types.SimpleNamespace(
        get_default_memory_pool=lambda: types.SimpleNamespace(total_bytes=lambda: 5)
    )
    before = held(cupy)
    recorder.pool = types.SimpleNamespace(total_bytes=lambda: 37)
    assert held(cupy) == before + 37


@pytest.mark.parametrize("n", [0, 1, 600])
def test_host_inputs_are_sent_without_waiting(recorder, notes, n):
    host = recorder.host_bytes(n)
    assert host.shape == (n,) and host.dtype == np.uint8 and host.flags.writeable
    device = types.SimpleNamespace(data=types.SimpleNamespace(ptr=1))
    wait = recorder.send(host, device)
    assert notes == [("copy", n, 1, 9)] * (n > 0)
    wait()
    assert notes[-1] == "arrived"
