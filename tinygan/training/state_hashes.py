"""State hashes: the SHA-256 of the complete state of a run, every hundred rounds and at its end.

    {"made_with": {"tinygan": "0.1.0", "numpy": "2.4.1", "ranks": 1, ...}}
    {"step": 0, "sha256": "..."}
    {"step": 100, "sha256": "..."}

Each line is JSON. Runs with equal hashes are equal bit for bit; `verify` plays a run again and
compares the hashes. A run is reproducible only in the environment of `made_with`. If a resumed run
has another environment, it adds another such line.
"""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from ..backend.inputs import Comm
from ..environment import describe
from ..errors import InputError
from ..files import whole_lines
from ..storage import append, atomic

HASH_EVERY = 100  # rounds; for the largest model a hash takes as long as two rounds


def surroundings(backend: str, comm: Comm) -> dict[str, Any]:
    """The environment of a run on `backend`: versions, processor, and the number of
    ranks."""
    return {**describe(backend), "ranks": comm.size}


class Written(NamedTuple):
    """The contents of the file."""

    made_with: list[dict[str, Any]]  # the environment at the start, and after each change
    hashes: dict[int, str]  # of the state, by the number of rounds played


class StateHashes:
    """The file states.jsonl of a run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def start(self, made_with: dict[str, Any], step: int, sha256: str) -> None:
        """Start the file, or keep its lines up to `step` for a run that resumes in this state."""
        kept = [line for line in self._lines() if line.get("step", step) <= step]
        environments = [line["made_with"] for line in kept if "made_with" in line]
        if environments[-1:] != [made_with]:
            kept.append({"made_with": made_with})
        if step % HASH_EVERY == 0 and not any(line.get("step") == step for line in kept):
            kept.append({"step": step, "sha256": sha256})
        with atomic(self.path) as file:
            file.write("".join(json.dumps(line) + "\n" for line in kept).encode())

    def append(self, step: int, sha256: str) -> None:
        """Add the hash of the state after `step` rounds."""
        append(self.path, json.dumps({"step": step, "sha256": sha256}))

    def read(self) -> Written:
        """The contents of the file, empty if there is no file.

        Raises InputError if it is damaged."""
        lines = self._lines()
        hashes = {line["step"]: line["sha256"] for line in lines if "step" in line}
        return Written([line["made_with"] for line in lines if "made_with" in line], hashes)

    def _lines(self) -> list[dict[str, Any]]:
        """The parsed lines.

        Raises InputError if one is damaged."""
        lines: list[dict[str, Any]] = []
        last = -1  # step
        for text in whole_lines(self.path):
            line = _line(text)
            step = -1 if line is None else line.get("step", last + 1)
            if line is None or step <= last or not (lines or "made_with" in line):
                raise InputError(
                    f"{self.path}: damaged at {text[:60].decode(errors='replace')!r}; expected "
                    "made_with, or a later step and the 64 digits of its sha256. Repair it, or "
                    "remove it: only `tinygan verify` needs it"
                )
            lines.append(line)
            last = line.get("step", last)
        return lines


def _line(text: bytes) -> dict[str, Any] | None:
    """The parsed line, or None if it is not a valid line."""
    try:
        line = json.loads(text)
        if set(line) == {"made_with"} and isinstance(line["made_with"], dict):
            return dict(line)
        whole = type(line["step"]) is int and re.fullmatch("[0-9a-f]{64}", line["sha256"])
        return dict(line) if whole and set(line) == {"step", "sha256"} else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
