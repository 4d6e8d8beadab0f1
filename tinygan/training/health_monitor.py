"""The health monitor of a run: a probe after every `EVERY` rounds, and diagnoses from the probes.

The probes are JSON lines in health.jsonl, from which `tinygan doctor RUN` makes the same diagnoses.
A probe depends only on the run's state and on its own seed. So a resumed run repeats earlier probes
exactly, and the monitor neither writes nor reports them twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from .. import gan
from ..doctor import EVERY, Diagnosis, Probe, UpdateSize, diagnose, diagnose_run, probe
from ..errors import InputError, first_line
from ..gan import Round
from ..storage import append, atomic, whole_lines
from .postmortem import first_not_finite
from .run_folder import Diverged, RunFolder
from .session import Session

__all__ = ["HealthMonitor", "examine", "health"]

LEAST, MOST = 16, 64  # examples in a probe: enough for quartiles, and not too slow
SEED = 7  # separates the random numbers of the probes from those of the run


class HealthMonitor:
    """The rounds of a session with probes; `tell` gets the diagnoses as text."""

    def __init__(
        self,
        session: Session,
        folder: RunFolder,
        tell: Callable[[str], object],
        *,
        on: bool = True,
    ) -> None:
        self.session, self.folder, self.tell, self.on = session, folder, tell, on
        if on:
            self.looks, _ = health(folder)
            self._said = {found.name for found in diagnose_run(self.looks)}
            if folder.health.exists():  # drop a partial line, or an old "not finite"
                with atomic(folder.health) as file:
                    file.write("".join(f"{_line(seen)}\n" for seen in self.looks).encode())

    def play_round(self) -> Round:
        """Play a round of the session, and take a probe if one is due."""
        session, step = self.session, self.session.step + 1
        done = self.looks[-1].step if self.on and self.looks else 0
        if not self.on or step % EVERY or step <= done:
            return session.play_round()
        try:
            pace = UpdateSize(session.opt_g, session.opt_d)
            result = session.play_round()
            self.looks.append(examine(session, moved=pace.moved()))
        except MemoryError:
            if session.step < step:  # the round failed, not the probe
                raise
            self.on = False
            self.tell("doctor: there is no memory for a look; none from here on")
            return result
        self._write(self.looks[-1])
        for found in diagnose(self.looks):
            if found.name not in self._said:
                self._said.add(found.name)
                self._tell(found)
        return result

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Within this block, add to `Diverged` the origin of the first number that is not finite.

        Raises Diverged again, with that origin in its message if it is found."""
        try:
            yield
        except Diverged as problem:
            if not self.on:
                raise
            found, unknown = self._first_not_finite()
            found = found or Diagnosis("not finite", self.session.step, unknown)
            self._write(found)
            self._tell(found)
            if unknown:
                raise
            raise Diverged(f"{problem}. In round {found.step}: {found.seen}") from problem

    def _first_not_finite(self) -> tuple[Diagnosis | None, str]:
        """Return the diagnosis of the first number that is not finite, or None and the reason why
        it is unknown."""
        if self.session.comm.size > 1:  # one rank takes `size` times as long; the others would wait
            return None, (
                "Which number was the first such was not looked for, as the run has several ranks; "
                "`tinygan train --resume` in one process says it"
            )
        self.tell("doctor: looking for the first number that is not finite ...")
        try:
            found = first_not_finite(self.folder, self.session.step)
        except (InputError, MemoryError, OSError) as trouble:
            return None, f"Which number was the first such cannot be found: {first_line(trouble)}"
        return found, "" if found else "When it is played again all are: it does not repeat itself"

    def _tell(self, found: Diagnosis) -> None:
        self.tell(f"doctor, {found.told(self.session.config.as_dict())}")

    def _write(self, line: Probe | Diagnosis) -> None:
        append(self.folder.health, _line(line))


def examine(session: Session, *, moved: dict[str, float] | None = None, trial: int = 0) -> Probe:
    """Take a probe of a session in its current state; another `trial` uses other x and z."""
    config = session.config
    rng = np.random.default_rng([SEED, config.seed, session.step, trial])
    m = min(MOST, max(LEAST, config.batch))
    x = session.data.at(rng.integers(len(session.data.images), size=m))
    z = session.pair.noise(rng)(m)
    game = gan.GAMES[config.game]  # without label noise, which would use the run's rng
    return probe(game, session.G, session.D, x, z, step=session.step, moved=moved)


def health(folder: RunFolder) -> tuple[list[Probe], list[Diagnosis]]:
    """The probes and the diagnoses "not finite" in health.jsonl; none if there is no such file.

    Raises InputError for any other line."""
    lines = [_read(line, folder.health) for line in whole_lines(folder.health)]
    looks = [each for each in lines if isinstance(each, Probe)]
    return looks, [each for each in lines if isinstance(each, Diagnosis)]


def _line(seen: Probe | Diagnosis) -> str:
    return json.dumps(seen._asdict())


def _read(line: bytes, path: Path) -> Probe | Diagnosis:
    try:
        values = json.loads(line)
        if values.keys() == set(Diagnosis._fields):
            found = Diagnosis(**values)
            str(found)  # KeyError for a name without remedies
            return found
        return _checked(Probe(**values))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as problem:
        raise InputError(
            f"{path}: damaged at {line[:60].decode(errors='replace')!r}; expected looks of the "
            "doctor's, one a line. Remove it: only the doctor needs it"
        ) from problem


def _checked(seen: Probe) -> Probe:
    """Return the probe if it is as `_line` writes one: all numbers are floats (a large int could
    overflow), and `moved` has G and D.

    Raises TypeError or AttributeError if it is not."""
    if type(seen.step) is not int or seen.moved.keys() != {"G", "D"}:
        raise TypeError(f"expected a round, and moves of G and D, got {seen.step!r}, {seen.moved}")
    for name, kind in Probe.__annotations__.items():
        value = getattr(seen, name)
        numbers = value.values() if "Mapping" in str(kind) else [value]
        if name != "step" and not all(type(n) is float for n in numbers):
            raise TypeError(f"{name}: expected floats, got {value!r}")
    return seen
