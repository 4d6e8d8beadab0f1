"""A film of one round: each line of Algorithm 1 as it runs, with what it made and who moved.

    result, events = film(rounds, {"G": G.parameters(), "D": D.parameters()}, source=text)
    events[3]      {"module": "tinygan.gan.algorithm", "line": 83, "function": "d_step", "call": 1,
                    "made": [{"name": "z", "shape": [128, 2], "value": None, "graph": []}],
                    "moved": []}

`call` numbers the calls of functions: all events of one call have the same number. A line that
calls a filmed function has two events, one when it goes there and one when it has the result. A
film changes nothing in the game.
"""

import ast
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any, TypeVar

from ..tensor import Tensor

Event = dict[str, Any]
T = TypeVar("T")
LEFT_OUT = "check_players"  # it checks the arguments before the first round


def film(
    rounds: Iterator[T],
    players: Mapping[str, Sequence[Tensor]],
    *,
    source: str,
    moved: Callable[[int], None] = lambda event: None,
) -> tuple[T, list[Event]]:
    """Play one round of the generator `rounds`, and return its result and the events.

    The functions in the file of `rounds` are filmed; `source` is its text. `players` has the
    parameters of each player. After an event in which weights moved, `moved` is called with the
    number of the event, from 0.

    Raises TypeError for anything but a generator that can go on, and what the round raises.
    """
    frame: FrameType | None = getattr(rounds, "gi_frame", None)
    if frame is None:
        raise TypeError(f"rounds: expected a generator that can go on, got {rounds!r}")
    camera = _Camera(frame, players, source, moved)
    before, local = sys.gettrace(), frame.f_trace
    frame.f_trace = camera.follow
    sys.settrace(camera.enter)
    try:
        result = next(rounds)
    finally:
        sys.settrace(before)
        frame.f_trace = local
    return result, camera.events


class _Call:
    """A call of a function: its number, the line that runs (0: none), and the variables before."""

    def __init__(self, number: int, frame: FrameType) -> None:
        self.number, self.line, self.variables = number, 0, dict(frame.f_locals)


class _Camera:
    """Writes down the events of the functions in one file."""

    def __init__(
        self,
        frame: FrameType,
        players: Mapping[str, Sequence[Tensor]],
        source: str,
        moved: Callable[[int], None],
    ) -> None:
        self.file, self.module = frame.f_code.co_filename, frame.f_globals["__name__"]
        self.players, self.moved = players, moved
        self.owners = {p: name for name, parameters in players.items() for p in parameters}
        self.weights = {name: self._weights(name) for name in players}
        nodes = ast.walk(ast.parse(source))
        self.withs = {n.lineno: n.body[0].lineno for n in nodes if isinstance(n, ast.With)}
        self.events: list[Event] = []
        self.calls = {frame: _Call(0, frame)}
        self.number = 0  # of the latest call

    def enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Begin to film a function if it is one of the file. `sys.settrace` calls this."""
        code = frame.f_code
        if code.co_filename != self.file or code.co_name == LEFT_OUT or code.co_name[0] == "<":
            return None
        if frame not in self.calls:  # a generator that goes on is known
            if (caller := frame.f_back) in self.calls:
                self._add(caller, [])
            self.number += 1
            self.calls[frame] = _Call(self.number, frame)
        return self.follow

    def follow(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Write down a line when the next begins or the function returns."""
        call = self.calls[frame]
        if event == "line" and frame.f_lineno != call.line:
            self._finish(frame, call)
            # The end of a `with` is another event of its first line.
            is_end = call.line >= self.withs.get(frame.f_lineno, math.inf)
            call.line = 0 if is_end else frame.f_lineno
        elif event == "return":
            self._finish(frame, call, argument)
            del self.calls[frame]
        return self.follow

    def _finish(self, frame: FrameType, call: _Call, result: Any = None) -> None:
        """Add the event of the line that has run, with the variables that it bound."""
        before, call.variables = call.variables, dict(frame.f_locals)
        if call.line == 0:
            return
        made = {k: v for k, v in call.variables.items() if k not in before or before[k] is not v}
        known = set(map(id, call.variables.values()))
        returned = [(k, v) for k, v in _named("return", result) if id(v) not in known]
        self._add(frame, [pair for k, v in made.items() for pair in _named(k, v)] + returned)

    def _add(self, frame: FrameType, made: list[tuple[str, Any]]) -> None:
        now = {name: self._weights(name) for name in self.players}
        moved = [name for name in now if now[name] != self.weights[name]]
        self.weights = now
        call = self.calls[frame]
        self.events.append(
            {
                "module": self.module,
                "line": call.line,
                "function": frame.f_code.co_name,
                "call": call.number,
                "made": [self._described(name, value) for name, value in made],
                "moved": moved,
            }
        )
        if moved:
            self.moved(len(self.events) - 1)

    def _weights(self, player: str) -> bytes:
        return b"".join(p.data.tobytes() for p in self.players[player])

    def _described(self, name: str, value: Any) -> dict[str, Any]:
        """A tensor or a number: its shape, its value if it is one finite number, and the players
        whose parameters its graph leads to."""
        if not isinstance(value, Tensor):
            return {"name": name, "shape": [], "value": _finite(value), "graph": []}
        owners = {self.owners.get(tensor) for tensor in _graph(value)}
        return {
            "name": name,
            "shape": list(value.shape),
            "value": _finite(value.item()) if value.size == 1 else None,
            "graph": [player for player in self.players if player in owners],
        }


def _named(name: str, value: Any) -> list[tuple[str, Any]]:
    """The tensors and numbers in a value, each with its name: the value itself, or the elements of
    a list."""
    if isinstance(value, (list, tuple)):
        return [pair for i, each in enumerate(value) for pair in _named(f"{name}[{i}]", each)]
    is_shown = isinstance(value, (Tensor, int, float)) and not isinstance(value, bool)
    return [(name, value)] if is_shown else []


def _graph(y: Tensor) -> set[Tensor]:
    """The tensors that y was computed from, and y."""
    found, queue = {y}, [y]
    while queue:
        new = {parent for parent, _ in queue.pop().edges} - found
        found |= new
        queue += new
    return found


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
