"""Watch: a doctor beside a run. It looks after every `EVERY` rounds, and speaks when it must.

Its looks are lines of JSON in health.jsonl, from which `tinygan doctor RUN` reads the same. A look
is a function of the run's state and of its own seed: a run that is resumed from before a look takes
the same look again, so what stands in the file already is neither written nor said twice.
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

LEAST, MOST = 16, 64  # examples in a look: what is enough for quartiles, and what a look may cost
SEED = 7  # sets the looks' own randomness apart from the run's


class HealthMonitor:
    """Plays the rounds of a session, and looks at it. `tell` gets what the doctor says."""

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
            if folder.health.exists():  # without a line that was half-written, or an old death
                with atomic(folder.health) as file:
                    file.write("".join(f"{_line(seen)}\n" for seen in self.looks).encode())

    def play_round(self) -> Round:
        """A round of the session's, and a look at it if it is time for one."""
        session, step = self.session, self.session.step + 1
        done = self.looks[-1].step if self.on and self.looks else 0
        if not self.on or step % EVERY or step <= done:
            return session.play_round()
        try:
            pace = UpdateSize(session.opt_g, session.opt_d)
            result = session.play_round()
            self.looks.append(examine(session, moved=pace.moved()))
        except MemoryError:
            if session.step < step:  # it was the round
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
        """In this block, a run whose numbers are no longer finite says which was the first."""
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
        """Of what the run died; or why that is not known."""
        if self.session.comm.size > 1:  # alone it takes so many times as long, and all would wait
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
    """Look at a session as it stands; another `trial` looks at other images and noise."""
    config = session.config
    rng = np.random.default_rng([SEED, config.seed, session.step, trial])
    m = min(MOST, max(LEAST, config.batch))
    x = session.data.at(rng.integers(len(session.data.images), size=m))
    z = session.pair.noise(rng)(m)
    game = gan.GAMES[config.game]  # without noise on its labels, which would be drawn from the run
    return probe(game, session.G, session.D, x, z, step=session.step, moved=moved)


def health(folder: RunFolder) -> tuple[list[Probe], list[Diagnosis]]:
    """The looks in health.jsonl, and of what the run died; nothing, if there is no such file.
    Raises InputError for a line that is neither."""
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
    """Itself, if it is as `_line` writes one: all numbers are floats, which have no end that they
    could overflow, and both players moved. Else TypeError or AttributeError."""
    if type(seen.step) is not int or seen.moved.keys() != {"G", "D"}:
        raise TypeError(f"expected a round, and moves of G and D, got {seen.step!r}, {seen.moved}")
    for name, kind in Probe.__annotations__.items():
        value = getattr(seen, name)
        numbers = value.values() if "Mapping" in str(kind) else [value]
        if name != "step" and not all(type(n) is float for n in numbers):
            raise TypeError(f"{name}: expected floats, got {value!r}")
    return seen
