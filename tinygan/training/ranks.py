"""The number of ranks of a run on this machine: as given, as recorded, or as is useful."""

import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import models
from ..backend import cpu
from ..data import load
from ..errors import InputError
from ..local_ranks import can_fork
from ..models.flops import flops
from ..parallel import is_launched, join
from .config import Config

MOST = 64  # ranks
EXAMPLES = 8  # minimum of a rank's share of a minibatch
WORK = 400_000_000  # operations of convolutions: minimum for a rank in a round


def useful_ranks(config: Config) -> int:
    """The number of ranks that makes a run faster: as many as the cores, if each has enough
    examples and enough work in convolutions, and if they divide the minibatch. Large products of
    other layers are shared by the threads of one process.

    It is 1 on a GPU, under mpiexec, where processes cannot fork, and if the environment sets the
    number of threads. It depends on the model, the minibatch and the cores, not on time.

    Raises InputError if the images cannot be loaded or do not fit the model."""
    if config.backend != "numpy" or ranks_for(config.batch, MOST * WORK) == 1:
        return 1
    if not config.is_folder:
        load(config.data)  # downloads it once, before the ranks start
    shape = config.image_shape
    pair = models.build(config.model, shape, rng=np.random.default_rng(0), width=config.width)
    return ranks_for(config.batch, config.batch * flops(pair, shape, dense=False))


def ranks_for(batch: int, work: int) -> int:
    """`useful_ranks` on NumPy, for a minibatch of `batch` examples and a round of `work`
    operations."""
    if not can_fork() or is_launched() or cpu.threads_are_set():
        return 1
    most = min(cpu.cores(), batch // EXAMPLES, work // WORK, MOST)
    return max((n for n in range(1, most + 1) if batch % n == 0), default=1)


def ranks_to_start(given: str, config: Config, recorded: int = 0) -> int:
    """The number of ranks to start for the option --ranks: `given`, or if that is "auto",
    `recorded`, the number that the run had before, if it can be had, or else `useful_ranks`.

    Raises InputError unless `given` is "auto" or a number of ranks that this run can have."""
    if given == "auto":
        return recorded if can_start(recorded, config) else useful_ranks(config)
    n = int(given) if given.isdecimal() else 0
    if not 1 <= n <= MOST:
        got = reprlib.repr(given)
        raise InputError(f"--ranks: expected auto or a number from 1 to {MOST}, got {got}")
    if (started := join().size) > 1:
        raise InputError(
            f"--ranks {n}: mpiexec has started {started} ranks already; leave one of them out"
        )
    if n > 1 and config.backend != "numpy":
        raise InputError(
            f"--ranks {n}: expected 1 with --backend {config.backend}; use mpiexec for several GPUs"
        )
    check_share(config.batch, n)
    return n


def check_share(batch: int, n: int) -> None:
    """Raise InputError, with the numbers that fit, unless n ranks can have equal shares of a
    minibatch of `batch` examples."""
    if batch % n:
        fit = [str(each) for each in range(1, MOST + 1) if batch % each == 0]
        raise InputError(
            f"{n} ranks: expected a number that divides --batch {batch}: {', '.join(fit)}"
        )


def can_start(n: int, config: Config) -> bool:
    """Return whether a run can have n ranks that are started here."""
    if n == 1:
        return True
    fits = 1 < n <= MOST and config.batch % n == 0
    return fits and config.backend == "numpy" and can_fork() and not is_launched()


def ranks_of(made_with: Sequence[dict[str, Any]], i: int) -> int:
    """The number of ranks in the recorded environment with index i; 0 if it is unknown."""
    recorded = made_with[i].get("ranks") if made_with else 0
    return recorded if type(recorded) is int else 0
