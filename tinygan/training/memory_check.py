"""A check before a run on a GPU: does a round fit its memory?"""

from dataclasses import replace

from .. import backend as backends
from ..backend.inputs import SINGLE_PROCESS, Comm
from ..errors import InputError
from ..parallel import own_device
from .config import Config
from .session import Session

TRIALS = 8, 16  # minibatch sizes at which memory is measured
SMALL = 256  # examples; a rank's share of a minibatch up to this size is not checked


def check_memory(config: Config, comm: Comm = SINGLE_PROCESS) -> None:
    """Check that a round fits the memory of the device; on the host there is no check.

    Memory grows linearly with the size of the minibatch. So trial rounds with two small sizes
    predict the memory for this rank's share of a minibatch.

    Raises InputError, which names a size that would fit, if a round does not fit."""
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
    per_example = max(1.0, (used[1] - used[0]) / (TRIALS[1] - TRIALS[0]))
    fixed = used[0] - per_example * TRIALS[0]
    needed = fixed + per_example * share
    if needed > free:
        fits = max(1, int((free - fixed) / per_example)) * comm.size
        raise InputError(
            f"--batch {config.batch}: a round takes about {needed / 2**30:.1f} GiB of the device, "
            f"which has {free / 2**30:.1f} GiB free; --batch {fits} would fit"
        )
