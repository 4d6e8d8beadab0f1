"""Ctrl-C at any moment of a round, a gradient, an evaluation or a metric: it returns at once, and
later calls have the same bits.

`python tests/test_interrupts.py 1000` interrupts a thousand times.
"""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tinygan import Tensor, backend, gan, grad, models
from tinygan.backend import cpu
from tinygan.data import Minibatches, load
from tinygan.metrics import image_sets
from tinygan.metrics.classifier import Classifier
from tinygan.metrics.evaluation import evaluate
from tinygan.metrics.frechet import frechet_distance

PACKAGE = str(Path(__file__).parents[1])


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


def of_rounds(model):
    """A round of the model, from the start of the game; and the bits of three of them."""
    game = Game(model)
    return lambda: next(game.reset()), game.bits


def of_gradients():
    """The second derivative of a convolutional D's logits, as a penalty needs it."""
    pair = models.build("dcgan28-slim", (1, 28, 28), rng=np.random.default_rng(0))
    x = Tensor(np.random.default_rng(1).normal(size=(16, 1, 28, 28)).astype(np.float32))

    def gradients():
        (slope,) = grad(pair.D(x).sum(), [x], create_graph=True)
        return grad((slope * slope).mean(), pair.D.parameters(), allow_unused=True)

    return gradients, lambda: np.concatenate([g.data.reshape(-1) for g in gradients()]).tolist()


def of_evaluation():
    """All metrics of real digits, as in `tinygan evaluate`."""
    digits, classifier = load("digits"), Classifier.shipped()
    x = digits.images[:1200].astype(np.float32) / 255
    parts = x[:200], x[200:400], x[400:500], x[500:1000], digits.labels[500:1000]
    real = image_sets.Real(*parts, True, "test images of digits")

    def evaluated():
        return evaluate(x[1000:], real, classifier, rng=np.random.default_rng(0))

    return evaluated, lambda: [number for row in evaluated().values() for number in row.values()]


def of_a_metric():
    """The Frechet distance of features so wide that its products are divided."""
    real, fake = np.random.default_rng(0).normal(size=(2, 1000, 300))
    return (lambda: frechet_distance(real, fake)), lambda: [frechet_distance(real, fake)]


CALLS = {  # a call to interrupt, and a function that returns bits which must not change
    "rounds of mlp-mid": partial(of_rounds, "mlp-mid"),
    "rounds of dcgan28-slim": partial(of_rounds, "dcgan28-slim"),
    "gradients": of_gradients,
    "evaluations": of_evaluation,
    "Frechet distances": of_a_metric,
}


QUICK = "rounds of mlp-mid", "rounds of dcgan28-slim", "Frechet distances"  # in the suite


def timed(call):
    """The seconds that a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def interrupt(count, name, seed):
    """Interrupt a call `count` times at random moments; assert that nothing else changes."""
    (call, bits), rng = CALLS[name](), np.random.default_rng(seed)
    expected, threads = bits(), cpu._blas_threads()
    seconds, hit = 1.2 * timed(call), 0
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    for i in range(count):
        try:
            signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-5, seconds))
            call()
            signal.setitimer(signal.ITIMER_REAL, 0)
            seconds /= 2  # the machine has become faster, or the first call was slower
        except KeyboardInterrupt:
            hit, seconds = hit + 1, 1.3 * seconds
        if i % 50 == 0:
            assert bits() == expected
    assert bits() == expected
    assert hit > count / 4, f"{name}: only {hit} of {count} interrupted"
    a = np.ones((8, 8), np.float32)
    backend.numpy.matmul(a, a)  # gives BLAS its threads back if Ctrl-C prevented it
    assert cpu._blas_threads() == threads
    print(f"{name}: {hit} of {count} interrupted", flush=True)


def main(count, names):
    for seed, name in enumerate(names):
        interrupt(count // len(names), name, seed)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs setitimer")
def test_interrupted_calls_end_and_later_ones_have_the_same_bits():
    done = subprocess.run(
        [sys.executable, __file__, "60", *QUICK],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "2", "PYTHONPATH": PACKAGE},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("interrupted") == len(QUICK)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:] or CALLS)
