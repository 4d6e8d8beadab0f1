"""The history: a JSON file with one record for each time that an experiment ran.

    [{"experiment": "mixtures", "backend": "numpy", "options": {"epochs": 30},
      "seeds": [{"seed": 0, "findings": [...], "curves": {...}, "seconds": 612.3, "machine": {...}},
                ...]}, ...]

The file is rewritten after each seed, so an interrupted run loses only its current seed, and the
record can be continued.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...files import read
from ...storage import atomic
from ..results import Result, SeedResults

LIMIT = 1 << 28  # bytes of a history


class History:
    """A new record in the history at `path`. With `resume`, it is instead the last record of the
    same experiment, backend and options, if there is one. `known` has its results by seed.

    Raises InputError if the file is not a history.
    """

    def __init__(
        self, path: str | Path, name: str, backend: str, options: Mapping[str, int], *, resume: bool
    ) -> None:
        self.path, self._before = Path(path), _read(path)
        about = {"experiment": name, "backend": backend, "options": dict(options)}
        same = [
            record
            for record in self._before
            if resume and isinstance(record, dict) and about.items() <= record.items()
        ]
        if same:
            self._before.remove(same[-1])
        self._record: dict[str, Any] = same[-1] if same else {**about, "seeds": []}
        try:  # the oldest records have one time and one machine for all seeds
            shared = {k: self._record.pop(k) for k in ("seconds", "machine") if k in self._record}
            self._record["seeds"] = [{**shared, **one} for one in self._record["seeds"]]
            self.known = {one["seed"]: _outcome(one) for one in self._record["seeds"]}
            if (
                len({(*(r.what for r in one.findings), *one.curves) for one in self.known.values()})
                > 1
            ):
                raise TypeError("its seeds have results of other names")
        except (AttributeError, KeyError, TypeError) as problem:
            raise InputError(
                f"{path}: the record of {name} is damaged ({problem!r}); choose another --out"
            ) from problem

    def add(self, seed: int, outcome: SeedResults, machine: Mapping[str, Any]) -> None:
        """Append the results of a seed and write the file."""
        self.known[seed] = outcome
        self._record["seeds"].append({
            "seed": seed,
            "findings": [result._asdict() for result in outcome.findings],
            "curves": outcome.curves,
            "seconds": outcome.seconds,
            "machine": machine,
        })  # fmt: skip
        with atomic(self.path) as file:
            file.write(json.dumps([*self._before, self._record], indent=1).encode() + b"\n")


def _outcome(one: dict[str, Any]) -> SeedResults:
    """The results of a seed. Raises TypeError if one is of another type than a run gives."""
    results = [Result(**result) for result in one["findings"]]
    curves, seconds = one.get("curves", {}), one.get("seconds", 0.0)
    columns = [number for column in curves.values() for number in column]
    texts = [text for result in results for text in (result.what, result.published)]
    numbers = [one["seed"], seconds, *columns, *(result.ours for result in results)]
    if not results or not all(isinstance(text, str) for text in texts):
        raise TypeError("expected findings with texts")
    if not all(isinstance(number, (int, float)) for number in numbers):
        raise TypeError("expected numbers")
    if any(result.holds not in (True, False, None) for result in results):
        raise TypeError("expected true, false or null")
    return SeedResults(results, curves, seconds)


def _read(path: str | Path) -> list[Any]:
    """The records of a history, or [] if there is no file.

    Raises InputError if it is not a JSON list."""
    try:
        records = json.loads(read(path, LIMIT))
    except FileNotFoundError:
        return []
    except (ValueError, RecursionError) as problem:
        raise InputError(f"{path}: is not JSON ({problem}); choose another --out") from problem
    if not isinstance(records, list):
        raise InputError(f"{path}: expected a list of records; choose another --out")
    return records
