"""Rounds of training, played in epochs or with a moving average of a network."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from ..backend.graph_replay import Round, captured
from ..optim import EMA


def play_epochs(
    start: Callable[[], Iterator[Round]], n: int, steps: int, backend: str, every: int = 1
) -> Iterator[tuple[int, Round]]:
    """Play the rounds of `start()` for n epochs of `steps` rounds. Yield the number, from 1, and
    the last round of each epoch whose number is a multiple of `every`, and of epoch n."""
    rounds = captured(start, backend)
    for epoch in range(1, n + 1):
        (last,) = deque(islice(rounds, steps), maxlen=1)
        if epoch % every == 0 or epoch == n:
            yield epoch, last


def averaged(rounds: Iterable[Round], average: EMA) -> Iterator[Round]:
    """The rounds, with an update of the average after each."""
    for result in rounds:
        average.update()
        yield result
