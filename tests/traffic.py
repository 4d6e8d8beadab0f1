"""Traffic between the host and the guard's device, and the rules of capturing a CUDA graph.

with counting() as seen: ...   seen.reads: what made the host wait; seen.copies: what it sent
with capturing(f): ...         as during a capture: no reads, no copies, and matrix products only
                               within the function f
with taping() as tape: ...     computations are undone at the end, and `tape` can launch them
"""

import sys
from contextlib import contextmanager

import numpy as np


class Traffic:
    """The names of reads by the host and of copies to the device."""

    def __init__(self):
        self.reads, self.copies = [], []


_counts, _captures = [], []  # the open blocks of counting() and capturing()


@contextmanager
def counting():
    _counts.append(Traffic())
    try:
        yield _counts[-1]
    finally:
        _counts.pop()


@contextmanager
def capturing(*allowed):
    _captures.append({function.__code__ for function in allowed})
    try:
        yield
    finally:
        _captures.pop()


class Tape:
    """A graph of computations that can run again on the same arrays."""

    def __init__(self):
        self.nodes, self.before = [], []

    def node(self, compute, written):
        self.before += [(array, array.copy()) for array in written]
        result = compute()
        self.nodes.append((compute, result))
        return result

    def launch(self):
        for compute, result in self.nodes:
            again = compute()
            for old, new in zip(*map(_arrays, (result, again)), strict=True):
                if isinstance(old, np.ndarray) and old.ctypes.data != new.ctypes.data:  # no view
                    old[...] = new

    def undo(self):
        for array, before in reversed(self.before):
            array[...] = before


def _arrays(result):
    return result if isinstance(result, (tuple, list)) else [result]


_tapes = []


@contextmanager
def taping():
    """Record computations, and undo them at the end: a device does not compute during a capture."""
    _tapes.append(Tape())
    try:
        with np.errstate(all="ignore"):  # inputs have no values yet
            yield _tapes[-1]
    finally:
        _tapes.pop().undo()


def computed(function, args, kwargs, written=()):
    """function(*args, **kwargs), which writes into the arrays `written`. NumPy's numbers become
    arrays, so that a launch of the tape can write to them."""

    def compute():
        return as_array(function(*args, **kwargs))

    return _tapes[-1].node(compute, written) if _tapes else compute()


def as_array(result):
    if isinstance(result, (tuple, list)):
        return (list if isinstance(result, list) else tuple)(map(as_array, result))
    return np.asarray(result) if isinstance(result, np.generic) else result


def read(what):
    """Count a read: the host waits for a value of the device."""
    if _captures:
        raise RuntimeError("the current stream is capturing, so D2H transfers are disallowed")
    for traffic in _counts:
        traffic.reads.append(what)


def copy(what):
    """Count a copy: the host sends a value to the device."""
    if _captures:
        raise RuntimeError("the current stream is capturing, so H2D transfers are disallowed")
    for traffic in _counts:
        traffic.copies.append(what)


def multiply():
    """Refuse a matrix product during a capture, as CuPy does, which calls cuBLAS for it."""
    if _captures and not _captures[-1] & set(_callers()):
        raise NotImplementedError(  # which is a RuntimeError
            "calling cuBLAS API during stream capture is currently unsupported"
        )


def _callers():
    frame = sys._getframe()
    while frame is not None:
        yield frame.f_code
        frame = frame.f_back
