"""The history: a JSON file with one record for each time that an experiment ran.

    [{"experiment": "mixtures", "backend": "numpy", "options": {"epochs": 30},
      "seeds": [{"seed": 0, "findings": [...], "curves": {...}, "seconds": 612.3, "machine": {...},
                 "sha256": "..."},
                ...]}, ...]

The file is read and rewritten after each seed, so an interrupted run loses only its current seed,
the record can be continued, and several processes may write at once. The SHA-256 of the other
fields of a seed turns a changed digit into an error.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...files import read
from ...storage import atomic, partials
from ...writable import locked
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
        self.path = Path(path)
        self._about = {"experiment": name, "backend": backend, "options": dict(options)}
        records = _read(path)
        same = [i for i, record in enumerate(records) if resume and self._is_ours(record)]
        self._place = same[-1] if same else None  # of the record in the file; it does not change
        self._seeds = self._seeds_of(records[same[-1]]) if same else []
        self.known = {one["seed"]: _outcome(one) for one in self._seeds}

    def add(self, seed: int, outcome: SeedResults, machine: Mapping[str, Any]) -> None:
        """Append the results of a seed to the record in the file. Other records, and other seeds of
        this one, may have been written since it was read; they are kept.

        Raises InputError if the file is no history any more."""
        one = {"seed": seed, **outcome.as_dict(), "machine": machine}
        self._seeds.append(one | {"sha256": _digest(one)})
        self.known[seed] = outcome
        with locked(self.path.parent, wait=True):
            for left in partials(self.path.parent, [self.path.name]):  # by killed processes
                left.unlink(missing_ok=True)
            records = _read(self.path)
            place = len(records) if self._place is None else self._place
            if place < len(records) and self._is_ours(records[place]):
                seeds = self._seeds_of(records[place])
                written = {other["seed"] for other in seeds}
                seeds += [own for own in self._seeds if own["seed"] not in written]
                records[place] = self._about | {"seeds": seeds}
            else:  # it is new, or the file has been removed
                place = len(records)
                records.append(self._about | {"seeds": self._seeds})
            self._place = place
            with atomic(self.path) as file:
                file.write(json.dumps(records, indent=1).encode() + b"\n")

    def _is_ours(self, record: Any) -> bool:
        """Return whether it is a record of the same experiment, backend and options."""
        return isinstance(record, dict) and self._about.items() <= record.items()

    def _seeds_of(self, record: dict[str, Any]) -> list[dict[str, Any]]:
        """The seeds of a record. The oldest have one time and one machine for all.

        Raises InputError if the record is damaged."""
        try:
            shared = {name: record[name] for name in ("seconds", "machine") if name in record}
            seeds = [{**shared, **one} for one in record["seeds"]]
            check_names(_outcome(one) for one in seeds)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as problem:
            name = self._about["experiment"]
            raise InputError(
                f"{self.path}: the record of {name} is damaged ({problem!r}); choose another --out"
            ) from problem
        return seeds


def check_names(outcomes: Iterable[SeedResults]) -> None:
    """Check that all seeds have findings and curves of the same names.

    Raises TypeError if not: the record is damaged, or another version of tinygan wrote it."""
    if len({(*(r.what for r in one.findings), *one.curves) for one in outcomes}) > 1:
        raise TypeError("its seeds have results of other names")


def _digest(one: Mapping[str, Any]) -> str:
    """The SHA-256 of the fields of a seed, except its own."""
    content = {name: value for name, value in one.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _outcome(one: dict[str, Any]) -> SeedResults:
    """The results of a seed. Raises TypeError if one is of another type than a run gives, or for
    another SHA-256 than the stored one; the oldest seeds have none."""
    if one.get("sha256", "") not in ("", _digest(one)):
        raise TypeError(f"the SHA-256 of seed {one['seed']!r} differs from the stored one")
    results = [Result(**result) for result in one["findings"]]
    curves, seconds = one.get("curves", {}), one.get("seconds", 0.0)
    columns = [number for column in curves.values() for number in column]
    texts = [text for result in results for text in (result.what, result.published)]
    numbers = [one["seed"], seconds, *columns, *(result.ours for result in results)]
    if not results or not all(isinstance(text, str) for text in texts):
        raise TypeError("expected findings with texts")
    if type(one["seed"]) is not int or any(type(n) not in (int, float) for n in numbers):
        raise TypeError("expected numbers")
    for number in numbers:
        float(number)  # raises for an integer that is too large
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
    except InputError:
        raise
    except (ValueError, RecursionError) as problem:
        raise InputError(f"{path}: is not JSON ({problem}); choose another --out") from problem
    if not isinstance(records, list):
        raise InputError(f"{path}: expected a list of records; choose another --out")
    return records
