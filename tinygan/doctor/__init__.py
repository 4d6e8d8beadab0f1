"""What ails a game: looks at its players, and what they mean.

    for found in course(beside(rounds, game, G, D, opt_g, opt_d, see=...)):
        print(found)              its name, its numbers, the remedies

`training.watch` does that for `tinygan train`.
"""

from .attend import attend
from .beside import EVERY, Pace, beside
from .diagnose import PATIENCE, Diagnosis, course, diagnose
from .look import Look, look
from .nonfinite import Inspector, is_finite

__all__ = [
    "EVERY",
    "PATIENCE",
    "Diagnosis",
    "Inspector",
    "Look",
    "Pace",
    "attend",
    "beside",
    "course",
    "diagnose",
    "is_finite",
    "look",
]
