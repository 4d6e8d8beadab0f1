"""What ails a game: looks at its players, and what they mean.

    for found in course(beside(rounds, game, G, D, opt_g, opt_d, see=...)):
        print(found)              its name, its numbers, the remedies

`training.watch` does that for `tinygan train`.
"""

from .diagnosis import PATIENCE, Diagnosis, diagnose, diagnose_run
from .monitor import EVERY, UpdateSize, monitor
from .nonfinite import Inspector, is_finite
from .probe import Probe, hook_layers, probe

__all__ = [
    "EVERY",
    "PATIENCE",
    "Diagnosis",
    "Inspector",
    "Probe",
    "UpdateSize",
    "diagnose",
    "diagnose_run",
    "hook_layers",
    "is_finite",
    "monitor",
    "probe",
]
