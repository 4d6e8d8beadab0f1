"""The time of a round of Algorithm 1, here and in other engines.

    table = bench(["mlp-small"], against=["torch"])
    print(report(table))

Each contender plays in its own process, as it comes or with a given number of threads. The
contenders take turns in short slots, so that other work on the machine slows all of them equally. A
ratio of times is the median over pairs of neighboring slots.
"""

from .measure import bench
from .table import report
from .workloads import DEFAULT, WORKLOADS

__all__ = ["DEFAULT", "WORKLOADS", "bench", "report"]
