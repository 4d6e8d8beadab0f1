"""Finding: one figure of ours, beside the one that it is held against; Outcome: all of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = ["Finding", "Outcome", "near"]


class Finding(NamedTuple):
    """`holds` is None where a figure stands as a control or a report, with no verdict."""

    what: str
    ours: float
    published: str = ""
    holds: bool | None = None

    @property
    def verdict(self) -> str:
        """In words."""
        return {True: "reproduced", False: "NOT reproduced", None: ""}[self.holds]


class Outcome(NamedTuple):
    """What an experiment found with one seed. `curves` are its figures on the way, by name: columns
    of numbers, from which its picture is drawn."""

    findings: list[Finding]
    curves: Mapping[str, Sequence[float]] = {}


def near(what: str, ours: float, published: float, within: float) -> Finding:
    """Reproduced if it is no further than `within` from the published figure."""
    return Finding(what, ours, f"{published:.6g} +- {within:g}", abs(ours - published) <= within)
