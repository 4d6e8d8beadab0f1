"""The capture of a round as a CUDA graph, for `graph_replay`.

While a stream captures, it computes nothing: each kernel and each matrix product becomes a node of
a graph, with the addresses that it reads and writes. So the arrays of a captured round must stay at
their addresses. Their memory comes from a pool that only this capturer uses.
"""

from __future__ import annotations

import contextlib
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

HOST_TO_DEVICE = 1  # cudaMemcpyKind


@cache
def _stream(cupy: Any, device: int, thread: int) -> Any:
    """The stream of all capturers of a thread on a device. There is only one, since each stream
    needs a cuBLAS workspace."""
    return cupy.cuda.Stream(non_blocking=True)


_capturers: weakref.WeakSet[Capturer] = weakref.WeakSet()


def held(cupy: Any) -> int:
    """The bytes of device memory that CuPy's own pool and the pools of the capturers hold."""
    pools = (cupy.get_default_memory_pool(), *(capturer.pool for capturer in _capturers))
    return sum(pool.total_bytes() for pool in pools)


class Capturer:
    """An object that captures a round, on a stream of its thread, since the default stream cannot
    capture. The graph is launched on the current stream, in order with the work before and after
    it."""

    def __init__(self, cupy: Any) -> None:
        self.cupy, self.graph = cupy, None
        self.stream = _stream(cupy, cupy.cuda.Device().id, threading.get_ident())
        self.pool = cupy.cuda.MemoryPool()
        _capturers.add(self)

    @contextmanager
    def playing(self) -> Iterator[None]:
        """Within this block, rounds run on the capturer's stream, with memory from its pool."""
        self.cupy.cuda.Device().synchronize()  # the streams do not wait for each other
        try:
            with self.stream, self.cupy.cuda.using_allocator(self.pool.malloc):
                yield
        finally:
            self.stream.synchronize()

    def device_bytes(self, n: int) -> Any:
        """An array of n bytes on the device, from the pool."""
        return self.cupy.empty(n, np.uint8)

    def host_bytes(self, n: int) -> np.ndarray:
        """An array of n bytes of pinned host memory, which the device can read directly."""
        memory = self.cupy.cuda.alloc_pinned_memory(max(1, n))  # of this size or larger
        return np.frombuffer(memory, np.uint8)[:n]

    def send(self, host: np.ndarray, device: Any) -> Callable[[], object]:
        """Start a copy from `host` to `device`, and return a function that waits for its end."""
        stream = self.cupy.cuda.get_current_stream()
        if host.nbytes:
            self.cupy.cuda.runtime.memcpyAsync(
                device.data.ptr, host.ctypes.data, host.nbytes, HOST_TO_DEVICE, stream.ptr
            )
        arrived = stream.record()
        return lambda: arrived.synchronize()

    def capture(self, play: Callable[[], None]) -> Callable[[], None]:
        """Capture what `play` computes on the device, and return a function that launches it. Call
        `capture` within `playing`. After an error the stream no longer captures.

        Raises RuntimeError if the device memory is too small, and any error of `play`."""
        self.graph = None
        gc.collect()
        enabled, held = gc.isenabled(), self.pool.total_bytes()
        gc.disable()  # the collector might free device memory, which cannot be captured
        try:
            self.stream.begin_capture()
            try:
                play()
            except BaseException:
                with contextlib.suppress(Exception):  # an invalid capture raises here again
                    self.stream.end_capture()
                raise
            graph = self.stream.end_capture()
        finally:
            if enabled:
                gc.enable()
        # If device memory runs out, the pool frees blocks, which the graph may use.
        if self.pool.total_bytes() < held:
            raise RuntimeError("the device is too full to capture a round")
        self.graph = graph
        graph.upload(self.stream)
        return lambda: graph.launch()

    def nodes(self) -> str:
        """The graph in the language of Graphviz, or "" if there is none."""
        return "" if self.graph is None else self.graph.debug_dot_str()
