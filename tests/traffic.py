"""Traffic between the host and the device of the guard, and what capturing a CUDA graph forbids.

with counting() as seen: ...   seen.reads: what made the host wait; seen.copies: what it sent
with capturing(door): ...      as while a CUDA graph is recorded: no reads, no copies, and
                               matrix products only within the functions given
with taping() as tape: ...     all that is computed meanwhile is undone and can be launched
"""

import sys
from contextlib import contextmanager

import numpy as np


class Traffic:
    """What was read by the host and what was copied to the device, by name."""

    def __init__(self):
        self.reads, self.copies = [], []


_counts, _captures = [], []  # the blocks of counting() and of capturing() that we are in


@contextmanager
def counting():
    _counts.append(Traffic())
    try:
        yield _counts[-1]
    finally:
        _counts.pop()


@contextmanager
def capturing(*doors):
    _captures.append({door.__code__ for door in doors})
    try:
        yield
    finally:
        _captures.pop()


class Tape:
    """A graph: what was computed, to be computed again, from where it was to where it was."""

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
    """A device that captures does not compute; here that is undone, so that it seems so."""
    _tapes.append(Tape())
    try:
        with np.errstate(all="ignore"):  # of numbers that are not there yet
            yield _tapes[-1]
    finally:
        _tapes.pop().undo()


def computed(function, args, kwargs, written=()):
    """function(*args, **kwargs), which writes into the arrays `written`; NumPy's numbers come as
    arrays, so that they can be written to when the tape is launched."""

    def compute():
        return as_array(function(*args, **kwargs))

    return _tapes[-1].node(compute, written) if _tapes else compute()


def as_array(result):
    if isinstance(result, (tuple, list)):
        return (list if isinstance(result, list) else tuple)(map(as_array, result))
    return np.asarray(result) if isinstance(result, np.generic) else result


def read(what):
    """The host waits for a value of the device."""
    if _captures:
        raise RuntimeError("the current stream is capturing, so D2H transfers are disallowed")
    for traffic in _counts:
        traffic.reads.append(what)


def copy(what):
    """The host sends a value to the device."""
    if _captures:
        raise RuntimeError("the current stream is capturing, so H2D transfers are disallowed")
    for traffic in _counts:
        traffic.copies.append(what)


def multiply():
    """A matrix product: CuPy calls cuBLAS for it, and refuses to while it captures."""
    if _captures and not _captures[-1] & set(_callers()):
        raise NotImplementedError(  # which is a RuntimeError
            "calling cuBLAS API during stream capture is currently unsupported"
        )


def _callers():
    frame = sys._getframe()
    while frame is not None:
        yield frame.f_code
        frame = frame.f_back
