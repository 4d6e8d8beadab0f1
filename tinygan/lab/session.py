"""One function from a request to a reply: the engine behind the page of the lab.

    session = Session()
    reply = session.answer(b'{"op": "play", "rounds": 5}')

A reply is the length of its head (4 bytes, little endian), the head (JSON), and float32 arrays in
the order of `head["arrays"] = [[name, shape], ...]`. A server passes requests on, and so does a
worker in a browser. A request that cannot be answered gets one line and changes nothing.
"""

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from ..errors import InputError, choose, first_line
from ..gan import Round
from .exhibits import described, texts
from .film import film
from .links import ALGORITHM, Reader
from .nodes import node
from .picture import Arrays, Camera
from .run import Run
from .settings import Settings, describe, is_live, read_query, write_query
from .source import SourceError, fault, load

ROUNDS = 1000  # maximum of a request
FIXED = "real", "x", "p_data"  # arrays that no step changes
Reply = tuple[dict[str, Any], Arrays]
Changes = Mapping[str, str]  # the texts of changed modules


class Session:
    """The runs of one page: one, or two while an exhibit is shown, without its change and with it.

    If `allow_edit` is true, the page may send source code, which then runs here.
    """

    settings: Settings
    changes: Changes  # of the last run
    runs: list[Run]
    cameras: list[Camera]

    def __init__(self, allow_edit: bool = False) -> None:
        self.allow_edit = allow_edit
        self._open(Settings(), {})

    def answer(self, request: bytes) -> bytes:
        """The reply to a request."""
        try:
            op, fields = _read(request)
            return _write(*op(self, **fields))
        except SourceError as problem:
            error = _error(problem, problem.module, problem.line)
        except InputError as problem:
            error = _error(problem)
        except Exception as problem:  # a fault of the package, or too little memory
            error = _error(f"{type(problem).__name__}: {first_line(problem)}")
        return _write(error, {})

    def start(self, query: str) -> Reply:
        """Start anew with the settings of a query."""
        settings = read_query(query)
        self._open(settings, self._changes_for(settings))
        return self._all()

    def change(self, query: str) -> Reply:
        """Go on with the settings of a query if only live ones differ, or else start anew."""
        settings = read_query(query)
        restarted = not is_live(self.settings, settings) or any(run.stopped for run in self.runs)
        if restarted:
            self._open(settings, self._changes_for(settings))
        else:
            for run in self.runs:
                run.change(settings)
            self.settings, self.cameras = settings, [Camera(run) for run in self.runs]
        head, arrays = self._all()
        return head | {"restarted": restarted}, arrays

    def play(self, rounds: int) -> Reply:
        """Play rounds in every run."""
        if not 1 <= rounds <= ROUNDS:
            raise InputError(f"rounds: expected 1 to {ROUNDS}, got {rounds!r:.40}")
        for run in self.runs:
            run.play(rounds)
        return self._pictures()

    def film(self) -> Reply:
        """Play one round in every run, the last run line by line."""
        run, camera, source = self.runs[-1], self.cameras[-1], self._reader().text(ALGORITHM)
        weights = {"G": run.players.G.parameters(), "D": run.players.D.parameters()}
        events: list[dict[str, Any]] = []
        shots: Arrays = {}

        def shoot(event: int) -> None:
            _, arrays = camera.take()
            shots.update({f"event/{event}/{k}": v for k, v in arrays.items() if k not in FIXED})

        def step(rounds: Iterator[Round]) -> Round:
            result, filmed = film(rounds, weights, source=source, moved=shoot)
            events.extend(filmed)
            return result

        for other in self.runs[:-1]:
            other.play(1)
        run.play_one(step)
        head, arrays = self._pictures()
        return head | {"events": events}, arrays | shots

    def source(self, module: str) -> Reply:
        """The text of a module as it runs in the last run, with links to definitions."""
        return self._reader().page(module), {}

    def node(self, name: str) -> Reply:
        """The numbers at a node of the overview, in the last run."""
        run = self.runs[-1]
        (data, noise), m = run.sources(np.random.default_rng(0)), run.settings.m
        with np.errstate(all="ignore"):
            penalty = run.names["penalty"](run.settings)
            G, D = run.players.G, run.players.D
            entries = node(name, run.quiet_game, G, D, data(m), noise(m), penalty)
        return {"node": name, "entries": entries}, {}

    def exhibits(self) -> Reply:
        """The exhibits of the museum."""
        return {"exhibits": list(described().values())}, {}

    def exhibit(self, name: str) -> Reply:
        """Start an exhibit with its settings, or leave it if the name is empty."""
        if not name:
            settings = replace(self.settings, exhibit="")
        else:
            query = described()[choose("exhibit", name[:40], described())]["query"]
            settings = replace(read_query(query), exhibit=name)
        self._open(settings, texts(name) if name else {})
        return self._all()

    def edit(self, module: str, text: str | None) -> Reply:
        """Start anew with this text of a module, or with the file's if it is None."""
        if not self.allow_edit:
            raise InputError("edit: this lab does not run code that is typed into the page")
        changes = {name: each for name, each in self.changes.items() if name != module}
        self._open(self.settings, changes if text is None else changes | {module: text})
        return self._all()

    def _changes_for(self, settings: Settings) -> Changes:
        """The changed texts: those of the last run, unless another exhibit is chosen."""
        name = settings.exhibit
        if name:
            choose("exhibit", name[:40], described())
        if name == self.settings.exhibit:
            return self.changes
        return texts(name) if name else {}

    def _open(self, settings: Settings, changes: Changes) -> None:
        """Make new runs, and try a picture of each. If that fails, the old ones stay."""
        codes = [load({}), load(changes)] if settings.exhibit else [load(changes)]
        try:
            runs = [Run(settings, code) for code in codes]
            cameras = [Camera(run) for run in runs]
            for camera in cameras:
                camera.take()
        except InputError:
            raise
        except Exception as problem:
            raise fault(problem) from problem
        self.settings, self.changes, self.runs, self.cameras = settings, changes, runs, cameras

    def _reader(self) -> Reader:
        run = self.runs[-1]
        return Reader(self.changes, run.code, run.arguments())

    def _all(self) -> Reply:
        """The settings, the form and the pictures."""
        head, arrays = self._pictures()
        settings = {
            "query": write_query(self.settings),
            "settings": asdict(self.settings),
            "form": describe(self.settings),
            "exhibit": described().get(self.settings.exhibit),
        }
        return settings | head, arrays

    def _pictures(self) -> Reply:
        """A picture of each run, with its curves since the last picture."""
        heads: list[dict[str, Any]] = []
        arrays: Arrays = {}
        for i, (run, camera) in enumerate(zip(self.runs, self.cameras, strict=True)):
            head, own = camera.take()
            heads.append(head | {"curves": run.take_curves()})
            arrays |= {f"{i}/{name}": array for name, array in own.items()}
        return {"runs": heads}, arrays


# The operations, with their fields and what these are if they are left out.
OPS: dict[str, tuple[Callable[..., Reply], dict[str, Any]]] = {
    "start": (Session.start, {"query": ""}),
    "change": (Session.change, {"query": ""}),
    "play": (Session.play, {"rounds": 1}),
    "film": (Session.film, {}),
    "source": (Session.source, {"module": ALGORITHM}),
    "node": (Session.node, {"name": ""}),
    "exhibits": (Session.exhibits, {}),
    "exhibit": (Session.exhibit, {"name": ""}),
    "edit": (Session.edit, {"module": ALGORITHM, "text": None}),
}


def _read(request: bytes) -> tuple[Callable[..., Reply], dict[str, Any]]:
    """The operation of a request and its fields. Raises InputError for anything else."""
    try:
        message = json.loads(request)
    except (ValueError, RecursionError) as problem:
        raise InputError(f"request: expected JSON; {first_line(problem)}") from problem
    if not isinstance(message, dict):
        raise InputError(f"request: expected an object, got {message!r:.40}")
    op = message.pop("op", None)
    if not isinstance(op, str) or op not in OPS:
        raise InputError(f"op: expected one of {', '.join(OPS)}, got {op!r:.40}")
    method, defaults = OPS[op]
    for name, value in message.items():
        if name not in defaults:
            raise InputError(f"{op}: the field {name!r:.40} is unknown")
        if type(value) is not type(defaults[name] or "") and not value is defaults[name] is None:
            kind = "an integer" if name == "rounds" else "text"
            raise InputError(f"{name}: expected {kind}, got {value!r:.40}")
    return method, defaults | message


def _error(message: object, module: str | None = None, line: int | None = None) -> dict[str, Any]:
    return {"error": {"message": str(message), "module": module, "line": line}}


def _write(head: dict[str, Any], arrays: Arrays) -> bytes:
    """The bytes of a reply."""
    shapes = [[name, list(array.shape)] for name, array in arrays.items()]
    text = json.dumps(head | {"arrays": shapes}, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    parts = [np.ascontiguousarray(array, "<f4").tobytes() for array in arrays.values()]
    return b"".join([struct.pack("<I", len(text)), text, *parts])
