"""Is there room for a round? Asked before a run on a GPU, rather than found out in the middle."""

from __future__ import annotations

from dataclasses import replace

from .. import backend
from ..errors import InputError
from ..parallel import ALONE, Comm, own_device
from .config import Config
from .session import Session

__all__ = ["check_room"]

TRIALS = 8, 16  # sizes of minibatches, of which the memory is measured
SMALL = 256  # a minibatch that nobody has to ask about


def check_room(config: Config, comm: Comm = ALONE) -> None:
    """Raise InputError if a round will not fit the device, with the minibatch that would.

    Two rounds of small minibatches are played by players of their own: what they take grows in
    proportion to the minibatch, of which a rank has its share. Where the device is the host,
    nothing is asked."""
    library, where = backend.get(config.backend), own_device(config.backend, comm)
    backend.use(where)
    free, share = library.free(), config.batch // comm.size
    if free is None or share <= SMALL:
        return
    used = []
    for batch in TRIALS:
        trial = Session(replace(config, batch=batch, backend=where, no_graph=True))
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
