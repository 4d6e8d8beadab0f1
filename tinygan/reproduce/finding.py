"""Finding: one figure of ours, beside the one that it is held against."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Finding", "near"]


class Finding(NamedTuple):
    """`holds` is None where a figure stands as a control or a report, with no verdict."""

    what: str
    ours: float
    published: str
    holds: bool | None

    @property
    def verdict(self) -> str:
        """In words."""
        return {True: "reproduced", False: "NOT reproduced", None: ""}[self.holds]


def near(what: str, ours: float, published: float, within: float) -> Finding:
    """Reproduced if it is no further than `within` from the published figure."""
    return Finding(what, ours, f"{published:.6g} +- {within:g}", abs(ours - published) <= within)
