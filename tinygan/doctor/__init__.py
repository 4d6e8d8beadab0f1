"""Diagnosis of training failures from probes of G and D.

    for found in diagnose_run(monitor(rounds, game, G, D, opt_g, opt_d, minibatch=...)):
        print(found)              its name, the evidence, the remedies

`training.health_monitor` does this for `tinygan train`.
"""

from .diagnosis import PATIENCE, Diagnosis, diagnose, diagnose_run
from .monitor import EVERY, UpdateSize, is_due, monitor
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
    "is_due",
    "is_finite",
    "monitor",
    "probe",
]
