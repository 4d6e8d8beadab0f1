"""Traffic between the host and the device of the guard, and what capturing a CUDA graph forbids.

with counting() as seen: ...   seen.reads: what made the host wait; seen.copies: what it sent
with capturing(door): ...      as while a CUDA graph is recorded: no reads, no copies, and
                               matrix products only within the functions given
"""

import sys
from contextlib import contextmanager


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
