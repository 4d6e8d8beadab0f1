"""The sessions of the pages that are open, one for each page."""

import ctypes
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

SESSIONS = 8  # the one that was used least recently ends when another page opens


class Ended(Exception):
    """The session of a page has ended."""


class Engine(Protocol):
    """The part of a session that the server uses."""

    def answer(self, request: bytes) -> bytes:
        """The reply to a message."""


@dataclass
class _Seat:
    session: Engine
    lock: threading.Lock = field(default_factory=threading.Lock)
    thread: int | None = None  # the thread that computes a reply


class Pages:
    """At most SESSIONS sessions, by the names of their pages. `make` opens a session."""

    def __init__(self, make: Callable[[], Engine]) -> None:
        self._make = make
        self._lock = threading.Lock()  # of the next two
        self._seats: dict[str, _Seat] = {}  # the one that was used last is at the end
        self._ended: set[str] = set()

    def answer(self, page: str, message: bytes) -> bytes:
        """The reply of the session of `page`, which is opened if there is none.

        Raises Ended if that session has ended, or ends meanwhile."""
        with self._lock:
            if page in self._ended:
                raise Ended
            seat = self._seats.pop(page) if page in self._seats else _Seat(self._make())
            self._seats[page] = seat
            oldest = next(iter(self._seats)) if len(self._seats) > SESSIONS else None
        if oldest is not None:
            self.end(oldest)
        with seat.lock:
            seat.thread = threading.get_ident()
            try:
                return seat.session.answer(message)
            except SystemExit:  # from `end`, or from the code that it runs
                self.end(page)
                raise Ended from None
            finally:
                seat.thread = None

    def end(self, page: str) -> None:
        """End the session of `page`. A reply that is being computed, maybe by code that was typed
        into the page and never returns, ends with SystemExit in its thread."""
        with self._lock:
            seat = self._seats.pop(page, None)
            self._ended.add(page)
        if seat is not None and seat.thread is not None:
            thread, exception = ctypes.c_ulong(seat.thread), ctypes.py_object(SystemExit)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, exception)
