"""One function from a request to a reply: the engine behind the lab's page.

    session = Session(allow_edit=False)
    reply = session.answer(b'{"op": "play", "rounds": 5}')

A reply is the length of its head (uint32, little endian), the head (JSON), then float32 arrays in
the order of `head["arrays"] = [[name, shape], ...]`. A server passes requests on, and so does a
worker in a browser.
"""

import json
import struct
from dataclasses import asdict
from typing import Any

import numpy as np

from ..errors import InputError, first_line
from .picture import Arrays, Camera
from .run import Run, unchanged
from .settings import Settings, describe, is_live, read_query, write_query

ROUNDS = 1000  # maximum of a request
Reply = tuple[dict[str, Any], Arrays]


class Session:
    """Runs of one visitor; `allow_edit` allows other source text than the files'."""

    def __init__(self, allow_edit: bool = False) -> None:
        self.allow_edit = allow_edit
        self._start(Settings())

    def answer(self, request: bytes) -> bytes:
        """The reply to a request."""
        try:
            message = _read(request)
            op = message.pop("op", None)
            if not isinstance(op, str) or op not in OPS:
                raise InputError(f"op: expected one of {', '.join(OPS)}, got {op!r:.40}")
            head, arrays = OPS[op](self, **message)
        except Exception as problem:
            head, arrays = {"error": _error(problem)}, {}
        return _write(head, arrays)

    def start(self, query: str = "") -> Reply:
        self._start(read_query(query))
        return self._whole()

    def change(self, query: str = "") -> Reply:
        settings = read_query(query)
        restarted = not is_live(self.settings, settings)
        if restarted:
            self._start(settings)
        else:
            for run in self.runs:
                run.change(settings)
            self.settings = settings
        head, arrays = self._whole()
        return head | {"restarted": restarted}, arrays

    def play(self, rounds: int = 1) -> Reply:
        if type(rounds) is not int or not 1 <= rounds <= ROUNDS:
            raise InputError(f"rounds: expected an integer from 1 to {ROUNDS}, got {rounds!r:.40}")
        for run in self.runs:
            run.play(rounds)
        return self._pictures()

    def _start(self, settings: Settings) -> None:
        runs = [Run(settings, unchanged())]
        self.camera = Camera(runs[0])
        self.settings, self.runs = settings, runs

    def _whole(self) -> Reply:
        head, arrays = self._pictures()
        whole = {
            "query": write_query(self.settings),
            "settings": asdict(self.settings),
            "form": describe(self.settings),
            "exhibit": None,
        }
        return whole | head, arrays

    def _pictures(self) -> Reply:
        heads, arrays = [], {}
        for i, run in enumerate(self.runs):
            curves = run.take_curves()
            head, own = self.camera.take(run)
            last = {name: curves[name][-1] if curves[name] else None for name in curves}
            heads.append({"d_loss": last["d_loss"], "g_loss": last["g_loss"], "curves": curves} | head)
            arrays |= {f"{i}/{name}": array for name, array in own.items()}
        return {"runs": heads}, arrays


OPS = {"start": Session.start, "change": Session.change, "play": Session.play}


def _read(request: bytes) -> dict[str, Any]:
    """The object of a request. Raises InputError for anything else."""

    def refuse(number: str) -> None:
        raise InputError(f"the request: expected JSON, got the number {number}")

    try:
        message = json.loads(request, parse_constant=refuse)
    except (ValueError, RecursionError) as problem:
        raise InputError(f"the request: expected JSON; {first_line(problem)}") from problem
    if not isinstance(message, dict):
        raise InputError(f"the request: expected an object, got {type(message).__name__}")
    return message


def _error(problem: Exception) -> dict[str, Any]:
    text = first_line(problem)
    if not isinstance(problem, InputError):
        text = f"{type(problem).__name__}: {text}"
    return {"message": text, "module": None, "line": None}


def _write(head: dict[str, Any], arrays: Arrays) -> bytes:
    """The bytes of a reply. JSON has no NaN and no infinity: null stands for them."""
    head = head | {"arrays": [[name, list(array.shape)] for name, array in arrays.items()]}
    text = json.dumps(head, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    parts = [np.ascontiguousarray(array, "<f4").tobytes() for array in arrays.values()]
    return b"".join([struct.pack("<I", len(text)), text, *parts])
