"""A contender, and the process in which it plays rounds on request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import Any, NamedTuple

from ...backend.cpu import VARIABLES
from ...errors import InputError

SLOT = 0.5  # seconds that a contender plays before the next one's turn


class Contender(NamedTuple):
    """An engine, with a number of threads for each of its processes, and a number of ranks.

    Without a number of threads it plays as it comes: nothing sets the number for it."""

    name: str
    threads: int | None = None
    ranks: int = 1


class Worker:
    """A contender in its own process, which plays rounds on request.

    `sizes`: further options of the process: batch, width and tf32. `supported` is False if the
    contender lacks a layer of the workload.

    Raises InputError if the process fails."""

    def __init__(self, workload: str, contender: Contender, **sizes: float) -> None:
        self.contender, self.memory = contender, 0
        name, threads, ranks = contender
        options = {**sizes, "threads": threads or 0, "ranks": ranks}
        variables = dict.fromkeys(VARIABLES, str(threads)) if threads else {}
        # An unread pipe could fill up.
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", __package__ + ".worker", workload, name]
            + [f"--{key}={value}" for key, value in options.items()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            encoding="utf-8",
            env={**os.environ, **variables},
        )
        try:
            self.supported = self._answer()["supported"]
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *problem: object) -> None:
        self.process.kill()
        self.process.communicate()
        self.errors.close()

    def play(self, rounds: int) -> float:
        """The seconds of `rounds` rounds, after an untimed one that wakes threads and fills caches.

        Raises InputError if the process has ended."""
        assert self.process.stdin
        with suppress(BrokenPipeError):  # it has ended: `_answer` raises the reason
            self.process.stdin.write(f"{rounds}\n")
            self.process.stdin.flush()
        answer = self._answer()
        self.memory = answer["memory"]
        return float(answer["seconds"])

    def calibrate(self) -> None:
        """Warm up, and set `rounds` to the number that fills a slot."""
        self.rounds = 1
        while (seconds := self.play(self.rounds)) < SLOT / 4:
            self.rounds *= 2
        self.rounds = max(1, round(self.rounds * SLOT / min(seconds, self.play(self.rounds))))

    def _answer(self) -> dict[str, Any]:
        """The next answer of the process.

        Raises InputError if it has ended."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            last = (self.errors.read().strip() or "it ended without a message").splitlines()[-1]
            raise InputError(f"bench: the process of {self.contender.name!r} failed: {last}")
        return json.loads(line)
