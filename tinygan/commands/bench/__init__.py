"""The time of a round of Algorithm 1, here and in other engines.

    table = bench(["mlp-small"], against=["torch"])
    print(report(table))

Each contender plays in a process of its own, with the same number of threads. They take turns in
short slots, so that other work on the machine slows all of them alike. A ratio is the median over
pairs of neighboring slots.
"""

from .measure import bench
from .table import report
from .workloads import WORKLOADS

__all__ = ["WORKLOADS", "bench", "report"]
