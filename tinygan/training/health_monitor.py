"""The health monitor of a run: probes after some of its rounds, and diagnoses from the probes.

The probes are JSON lines in health.jsonl, from which `tinygan doctor RUN` makes the same diagnoses.
A probe depends only on the run's state and on its own seed. So a resumed run repeats earlier probes
exactly, and the monitor neither writes nor reports them twice.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from .. import gan
from ..doctor import (
    EVERY,
    Diagnosis,
    Probe,
    UpdateSize,
    diagnose,
    diagnose_run,
    is_due,
    probe,
    words,
)
from ..errors import InputError, first_line
from ..files import whole_lines
from ..gan import Round
from ..storage import append, atomic
from .postmortem import first_not_finite
from .run_folder import Diverged, RunFolder
from .session import Session

MINIMUM, MAXIMUM = 16, 64  # examples in a probe: enough for quartiles, and not too slow
SEED = 7  # so that probes draw other random numbers than the run


class HealthMonitor:
    """Plays the rounds of a session and probes them; calls `echo` with each diagnosis as text.

    Of several ranks, only rank 0 has probes."""

    def __init__(
        self, session: Session, folder: RunFolder, echo: Callable[[str], object], *, on: bool = True
    ) -> None:
        self.session, self.folder, self.echo = session, folder, echo
        self.explains, self.on = on, on and session.comm.rank == 0
        if self.on:
            self.probes, _ = health(folder)
            self._reported = {found.name for found in diagnose_run(self.probes)}
            if folder.health.exists():  # drop a partial line, or an old "not finite"
                with atomic(folder.health) as file:
                    file.write("".join(f"{_line(each)}\n" for each in self.probes).encode())

    def play_round(self) -> Round:
        """Play a round of the session, and take a probe if one is due."""
        session, step = self.session, self.session.step + 1
        done = self.probes[-1].step if self.on and self.probes else 0
        if not self.on or not is_due(step, EVERY) or step <= done:
            return session.play_round()
        try:
            update = UpdateSize(session.opt_g, session.opt_d)
            result = session.play_round()
            self.probes.append(examine(session, moved=update.moved()))
        except MemoryError:
            if session.step < step:  # the round failed, not the probe
                raise
            self.on = False
            self.echo("doctor: not enough memory for a probe; there will be no more probes")
            return result
        append(self.folder.health, _line(self.probes[-1]), new=True)
        for found in diagnose(self.probes):
            if found.name not in self._reported:
                self._reported.add(found.name)
                self._report(found)
        return result

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Within this block, add to `Diverged` the origin of the first number that is not finite.

        Raises Diverged again. Its message has that origin if it is found or, if the run has several
        ranks, the command that finds it with one."""
        try:
            yield
        except Diverged as problem:
            if not self.explains:
                raise
            if self.session.comm.size > 1:  # one alone takes `size` times as long: ask before
                if self.on:
                    self._record(Diagnosis("not finite", self.session.step, _how_to_find("RUN")))
                raise Diverged(f"{problem}. {_how_to_find(self.folder.path)}") from problem
            found = result = self._first_not_finite()
            if isinstance(found, str):
                found = Diagnosis("not finite", self.session.step, found)
            self._record(found)
            if isinstance(result, str):
                raise
            raise Diverged(f"{problem}. In round {found.step}: {found.seen}") from problem

    def _first_not_finite(self) -> Diagnosis | str:
        """The diagnosis of the first number that is not finite, or the reason why there is none."""
        self.echo("doctor: searching for the first number that is not finite ...")
        try:
            found = first_not_finite(self.folder, self.session.step)
        except (InputError, MemoryError, OSError) as problem:
            return words.UNKNOWN.format(reason=first_line(problem)).en
        return found or words.REPLAY_DIFFERS.en

    def _record(self, found: Diagnosis) -> None:
        append(self.folder.health, _line(found), new=True)
        self._report(found)

    def _report(self, found: Diagnosis) -> None:
        self.echo(f"doctor, {found.report(self.session.config.as_dict())}")


def examine(session: Session, *, moved: dict[str, float] | None = None, trial: int = 0) -> Probe:
    """Take a probe of a session in its current state; another `trial` uses other x and z."""
    config = session.config
    rng = np.random.default_rng([SEED, config.seed, session.step, trial])
    m = min(MAXIMUM, max(MINIMUM, config.batch))
    x = session.data.at(rng.integers(len(session.data.images), size=m))
    z = session.pair.noise(rng)(m)
    game = gan.GAMES[config.game]  # without label noise, which would use the run's rng
    return probe(game, session.G, session.D, x, z, step=session.step, moved=moved)


def health(folder: RunFolder) -> tuple[list[Probe], list[Diagnosis]]:
    """The probes and the diagnoses "not finite" in health.jsonl; both empty if there is no file.

    Raises InputError for any other line."""
    lines = [_read(line, folder.health) for line in whole_lines(folder.health)]
    probes = [each for each in lines if isinstance(each, Probe)]
    return probes, [each for each in lines if isinstance(each, Diagnosis)]


def _how_to_find(run: object) -> str:
    return words.HOW_TO_FIND.format(run=run).en


def _line(record: Probe | Diagnosis) -> str:
    return json.dumps(record._asdict())


def _read(line: bytes, path: Path) -> Probe | Diagnosis:
    try:
        values = json.loads(line)
        if values.keys() == set(Diagnosis._fields):
            found = Diagnosis(**values)
            str(found)  # KeyError for a name without remedies
            if type(found.seen) is not str:
                raise TypeError(f"seen: expected a text, got {found.seen!r}")
            return found
        return _checked(Probe(**values))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as problem:
        raise InputError(
            f"{path}: damaged at {line[:60].decode(errors='replace')!r}; expected a probe "
            "of the doctor on each line. Remove it: only the doctor needs it"
        ) from problem


def _checked(found: Probe) -> Probe:
    """Return the probe. All its numbers must be floats, because a large int could overflow.

    Raises TypeError or AttributeError if `_line` cannot have written it."""
    if type(found.step) is not int or found.moved.keys() != {"G", "D"}:
        raise TypeError(f"expected a round, and G and D, got {found.step!r}, {found.moved}")
    for name, kind in Probe.__annotations__.items():
        value = getattr(found, name)
        numbers = value.values() if "Mapping" in str(kind) else [value]
        if name != "step" and not all(type(n) is float for n in numbers):
            raise TypeError(f"{name}: expected floats, got {value!r}")
    return found
