"""A round as a CUDA graph: what `replay` asks of a recorder.

While a stream captures, nothing is computed: each kernel and product becomes a node of a graph,
with the addresses that it reads and writes. So all memory of the round must stay where it is. It
comes from a pool that belongs to this recorder alone, and whose blocks nobody else is given.
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

__all__ = ["Recorder", "held"]

HOST_TO_DEVICE = 1  # cudaMemcpyKind


@cache
def _stream(cupy: Any, device: int, thread: int) -> Any:
    """One for all recorders of a thread: cuBLAS keeps a handle and a workspace for each stream."""
    return cupy.cuda.Stream(non_blocking=True)


_recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()


def held(cupy: Any) -> int:
    """The bytes of the device that are held by CuPy's own pool and by those of the recorders."""
    pools = (cupy.get_default_memory_pool(), *(recorder.pool for recorder in _recorders))
    return sum(pool.total_bytes() for pool in pools)


class Recorder:
    """Records on a stream of its own, as the default one cannot capture. The graph is launched on
    whichever stream is the current one, so what is computed before and after it is in order."""

    def __init__(self, cupy: Any) -> None:
        self.cupy, self.graph = cupy, None
        self.stream = _stream(cupy, cupy.cuda.Device().id, threading.get_ident())
        self.pool = cupy.cuda.MemoryPool()
        _recorders.add(self)

    @contextmanager
    def playing(self) -> Iterator[None]:
        """Rounds in this block are played as they will be recorded: there, and from that memory."""
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
        """An array of n bytes of the host that the device can read by itself."""
        memory = self.cupy.cuda.alloc_pinned_memory(max(1, n))  # that much or more
        return np.frombuffer(memory, np.uint8)[:n]

    def send(self, host: np.ndarray, device: Any) -> Callable[[], object]:
        """Copy without waiting; a function that waits."""
        stream = self.cupy.cuda.get_current_stream()
        if host.nbytes:
            self.cupy.cuda.runtime.memcpyAsync(
                device.data.ptr, host.ctypes.data, host.nbytes, HOST_TO_DEVICE, stream.ptr
            )
        arrived = stream.record()
        return lambda: arrived.synchronize()

    def record(self, play: Callable[[], None]) -> Callable[[], None]:
        """Capture what `play` asks of the device; a function that launches it. Call it while
        `playing`. Whatever goes wrong is raised, and the stream captures no more."""
        self.graph = None
        gc.collect()
        enabled, held = gc.isenabled(), self.pool.total_bytes()
        gc.disable()  # it might free memory of the device, which is no part of the round
        try:
            self.stream.begin_capture()
            try:
                play()
            except BaseException:
                self._abandon()
                raise
            graph = self.stream.end_capture()
        finally:
            if enabled:
                gc.enable()
        if self.pool.total_bytes() < held:  # short of memory, it gave back blocks that nodes name
            raise RuntimeError("the device is too full to record a round")
        self.graph = graph
        graph.upload(self.stream)
        return lambda: graph.launch()

    def _abandon(self) -> None:
        with contextlib.suppress(Exception):  # a capture that was spoilt says so once more
            self.stream.end_capture()

    def nodes(self) -> str:
        """The graph in the language of Graphviz."""
        return "" if self.graph is None else self.graph.debug_dot_str()
