"""History: the JSON file of what was reproduced, a record for each time an experiment was run.

    [{"experiment": "mixtures", "backend": "numpy", "options": {"epochs": 30},
      "seeds": [{"seed": 0, "findings": [...], "curves": {...}, "seconds": 612.3, "machine": {...}},
                ...]}, ...]

The file is written anew after each seed, so that what was measured is there even if the next seed
is not awaited; a record can be gone on with, seed by seed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...storage import atomic
from ..results import Result, SeedResults

__all__ = ["History"]


class History:
    """A new record in the history at `path`; or, with `resume`, the last one there of the same
    experiment, backend and options, if there is one. Raises InputError if the file is none."""

    def __init__(
        self, path: str | Path, name: str, backend: str, options: Mapping[str, int], *, resume: bool
    ) -> None:
        self.path, self._before = Path(path), _read(path)
        about = {"experiment": name, "backend": backend, "options": dict(options)}
        alike = [
            record
            for record in self._before
            if resume and isinstance(record, dict) and about.items() <= record.items()
        ]
        if alike:
            self._before.remove(alike[-1])
        self._record: dict[str, Any] = alike[-1] if alike else {**about, "seeds": []}
        try:  # the first records have one time and one machine for all their seeds
            shared = {k: self._record.pop(k) for k in ("seconds", "machine") if k in self._record}
            self._record["seeds"] = [{**shared, **one} for one in self._record["seeds"]]
            self.known = {one["seed"]: _outcome(one) for one in self._record["seeds"]}
        except (AttributeError, KeyError, TypeError) as problem:
            raise InputError(
                f"{path}: the record of {name} is damaged ({problem!r}); choose another --out"
            ) from problem

    def add(self, seed: int, outcome: SeedResults, machine: Mapping[str, Any]) -> None:
        """Write what was found with a seed."""
        self.known[seed] = outcome
        self._record["seeds"].append({
            "seed": seed,
            "findings": [finding._asdict() for finding in outcome.findings],
            "curves": outcome.curves,
            "seconds": outcome.seconds,
            "machine": machine,
        })  # fmt: skip
        with atomic(self.path) as file:
            file.write(json.dumps([*self._before, self._record], indent=1).encode() + b"\n")


def _outcome(one: dict[str, Any]) -> SeedResults:
    findings = [Result(**finding) for finding in one["findings"]]
    return SeedResults(findings, one.get("curves", {}), one.get("seconds", 0.0))


def _read(path: str | Path) -> list[Any]:
    try:
        records = json.loads(Path(path).read_bytes()) if Path(path).exists() else []
    except (ValueError, RecursionError) as problem:
        raise InputError(f"{path}: is no JSON ({problem}); choose another --out") from problem
    if not isinstance(records, list):
        raise InputError(f"{path}: expected a list of records; choose another --out")
    return records
