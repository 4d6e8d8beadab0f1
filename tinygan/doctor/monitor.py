"""Probes of a game while its rounds are played, for any G and D.

    rounds = play(game, G, D, data, noise, opt_g, opt_d)
    for each in monitor(rounds, game, G, D, opt_g, opt_d, minibatch=lambda step: (images, noise)):
        ...                                  a Probe after round 1, 10, 20, 30, 40, 50, 100, ...

`minibatch` must not draw from the game's own random sources: that would change later rounds.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import checks
from ..backend import of
from ..gan import AnyGame
from ..gan.games import check_game
from ..nn import Module
from ..optim import Optimizer
from ..optim.optimizer import check_optimizers
from ..tensor import Tensor
from .probe import Probe, probe

EVERY = 50  # rounds between two probes; a probe takes about as long as a round
EARLY = 10  # rounds between two probes before that, for short runs and early failures


def is_due(step: int, every: int = EVERY) -> bool:
    """Return True if a probe is due after round `step`: the first, each EARLY-th before round
    `every`, and each `every`-th."""
    return step == 1 or step % (EARLY if step < every else every) == 0


class UpdateSize:
    """The change of the weights of G and D since this object was created."""

    def __init__(self, opt_g: Optimizer, opt_d: Optimizer) -> None:
        check_optimizers(opt_g=opt_g, opt_d=opt_d)
        self._now = {"G": opt_g, "D": opt_d}
        self._before = {player: optimizer.w.copy() for player, optimizer in self._now.items()}

    def moved(self) -> dict[str, float]:
        """|change| / |weights| of "G" and "D", in float64 on the host; NaN if all weights are 0."""
        relative = {}
        for player, optimizer in self._now.items():
            pair = self._before[player], optimizer.w
            before, after = (of(w).to_host(w).astype(np.float64) for w in pair)
            with np.errstate(all="ignore"):  # not np.linalg.norm: it depends on BLAS threads
                change, size = (math.sqrt((v * v).sum()) for v in (after - before, before))
            relative[player] = change / size if size else math.nan
        return relative


def monitor(
    rounds: Iterator[Any],
    game: AnyGame,
    G: Module,
    D: Module,
    opt_g: Optimizer,
    opt_d: Optimizer,
    *,
    minibatch: Callable[[int], tuple[Tensor, Tensor]],
    every: int = EVERY,
) -> Iterator[Probe]:
    """Play the rounds, and yield a probe after each round in which one `is_due`.

    `minibatch(step)` returns the real images x (m, ...) and the noise z (m, ...) of a probe.

    Raises TypeError for arguments of other types, ValueError for every < 1."""
    check_game(game)
    checks.modules(G=G, D=D)
    check_optimizers(opt_g=opt_g, opt_d=opt_d)
    (every,) = checks.sizes(every=every)
    if not isinstance(rounds, Iterator):
        raise TypeError(
            f"rounds: expected an iterator, as of gan.play, got {type(rounds).__name__}"
        )
    if not callable(minibatch):
        raise TypeError(
            f"minibatch: expected a function of the step, got {type(minibatch).__name__}"
        )
    for step in itertools.count(1):
        update = UpdateSize(opt_g, opt_d) if is_due(step, every) else None
        if next(rounds, None) is None:
            return
        if update is not None:
            x, z = minibatch(step)
            yield probe(game, G, D, x, z, step=step, moved=update.moved())
