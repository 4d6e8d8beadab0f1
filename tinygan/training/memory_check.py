"""A check, before a run on a GPU, that a round fits its memory."""

from __future__ import annotations

from dataclasses import replace

from .. import backend as backends
from ..backend.inputs import SINGLE_PROCESS, Comm
from ..errors import InputError
from ..parallel import own_device
from .config import Config
from .session import Session

TRIALS = 8, 16  # minibatch sizes at which memory is measured
SMALL = 256  # minibatches up to this size are not checked


def check_memory(config: Config, comm: Comm = SINGLE_PROCESS) -> None:
    """Check that a round fits the memory of the device; on the host there is no check.

    Memory grows linearly with the minibatch. So two rounds of small minibatches, by trial sessions,
    predict the memory of this rank's part of a minibatch.

    Raises InputError, with the minibatch that would fit, if a round does not."""
    library, backend = backends.get(config.backend), own_device(config.backend, comm)
    backends.use(backend)
    free, share = library.free(), config.batch // comm.size
    if free is None or share <= SMALL:
        return
    used = []
    for batch in TRIALS:
        trial = Session(replace(config, batch=batch, backend=backend, no_graph=True))
        library.release()
        before = library.held()
        trial.play_round()
        used.append(library.held() - before)
        del trial
    library.release()
    each = max(1.0, (used[1] - used[0]) / (TRIALS[1] - TRIALS[0]))
    fixed = used[0] - each * TRIALS[0]
    needed = fixed + each * share
    if needed > free:
        fits = max(1, int((free - fixed) / each)) * comm.size
        raise InputError(
            f"--batch {config.batch}: a round takes about {needed / 2**30:.1f} GiB of the device, "
            f"which has {free / 2**30:.1f} GiB free; --batch {fits} would fit"
        )
