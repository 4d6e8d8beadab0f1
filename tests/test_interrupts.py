"""Ctrl-C at any moment of a round: it returns at once, and later rounds have the same bits.

`python tests/test_interrupts.py 1000` interrupts a thousand times.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tinygan import backend, gan, models
from tinygan.backend import cpu
from tinygan.data import Minibatches

PACKAGE = str(Path(__file__).parents[1])
HANGS = 20.0  # seconds without an end


class Game:
    """A game that can be set back to its start."""

    def __init__(self, model):
        self.pair = models.build(model, (1, 28, 28), rng=np.random.default_rng(0))
        self.optimizers = self.pair.optimizers()
        self.start = [
            {name: np.copy(value) for name, value in part.state_dict().items()}
            for part in (self.pair.G, self.pair.D, *self.optimizers)
        ]

    def reset(self):
        """Set weights and optimizers back; return the rounds of a new play."""
        for part, state in zip(
            (self.pair.G, self.pair.D, *self.optimizers), self.start, strict=True
        ):
            part.load_state_dict(state)
        rng = np.random.default_rng(1)
        images = rng.integers(0, 256, (64, 1, 28, 28), np.uint8)
        data = Minibatches(images, rng=rng, low=self.pair.low)
        players = (self.pair.G, self.pair.D, data, self.pair.noise(rng), *self.optimizers)
        return gan.play(gan.non_saturating, *players, m=16)

    def bits(self):
        """The losses of three rounds from the start, and the weights after them."""
        rounds = self.reset()
        losses = [[value.item() for value in next(rounds)[:2]] for _ in range(3)]
        return [*np.ravel(losses), *self.optimizers[0].w, *self.optimizers[1].w]


def interrupt(count, model, seed):
    """Interrupt rounds `count` times at random moments; assert that nothing else changes."""
    game, rng = Game(model), np.random.default_rng(seed)
    expected, threads = game.bits(), cpu._blas_threads()
    started = time.perf_counter()
    next(game.reset())
    seconds = time.perf_counter() - started
    hit = 0
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    for i in range(count):
        rounds = game.reset()
        try:
            signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-5, 1.2 * seconds))
            next(rounds)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            hit += 1
        if i % 50 == 0:
            assert game.bits() == expected
    assert game.bits() == expected and hit > count / 3
    a = np.ones((8, 8), np.float32)
    backend.numpy.matmul(a, a)  # gives BLAS its threads back if Ctrl-C prevented it
    assert cpu._blas_threads() == threads
    print(f"{model}: {hit} of {count} rounds interrupted", flush=True)


def main(count):
    for seed, model in enumerate(("mlp-mid", "dcgan28-slim")):
        interrupt(count // 2, model, seed)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
def test_interrupted_rounds_end_and_later_ones_have_the_same_bits():
    done = subprocess.run(
        [sys.executable, __file__, "160"],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "2", "PYTHONPATH": PACKAGE},
        capture_output=True,
        text=True,
        timeout=6 * HANGS,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("interrupted") == 2


if __name__ == "__main__":
    main(int(sys.argv[1]))
