"""Ranks without MPI: threads of this process that exchange values, to test the arithmetic."""

import re
import sys
import threading
from contextvars import Context

import numpy as np

from tinygan import backend, gan, models, nn, optim, parallel
from tinygan.backend import inputs
from tinygan.backend.philox import Philox
from tinygan.data import Minibatches


class ThreadComm:
    """One rank of several. They exchange values by the list `table`. Sums are computed on the host,
    in the order of the ranks."""

    def __init__(self, rank, size, barrier, table):
        self.rank = self.local = rank
        self.size, self._barrier, self._table, self.messages = size, barrier, table, 0

    def allreduce_mean_(self, flat):
        assert flat.flags.c_contiguous
        library = backend.of(flat)
        whole = sum(self.allgather(library.to_host(flat).copy()))
        flat[...] = backend.place((whole / self.size).astype(flat.dtype), flat)
        self.messages += 1

    def allgather(self, value):
        self._table[self.rank] = value
        self._barrier.wait(60)
        values = list(self._table)
        self._barrier.wait(60)
        return values


def on_ranks(size, work):
    """The results of work(comm) on `size` ranks, in their order. The first error is raised."""
    barrier, table = threading.Barrier(size), [None] * size
    results, problems = [None] * size, [None] * size

    def run(rank):
        try:
            results[rank] = work(ThreadComm(rank, size, barrier, table))
        except BaseException as problem:
            problems[rank] = problem
            barrier.abort()  # else the other ranks would wait for this one

    threads = [threading.Thread(target=Context().run, args=(run, rank)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [problem for problem in problems if problem is not None]
    for problem in sorted(found, key=lambda p: isinstance(p, threading.BrokenBarrierError)):
        raise problem  # a BrokenBarrierError is only the result of another error
    return results


def together(arrays):
    """The rows of a whole minibatch, from the rows of each rank."""
    return np.stack(arrays, axis=1).reshape(-1, *arrays[0].shape[1:])


# Pairs that one rank and several ranks train, to compare the results. If mpiexec runs this file, it
# trains all of them and writes the results to a file.

SETUPS = {
    "convolutions and BatchNorm": {"model": "dcgan28-slim", "width": 0.25},
    "maxout and dropout": {"model": "mlp-2014", "width": 0.1},
    "dropout by Philox": {"model": "mlp-2014", "width": 0.1, "philox": True},
    "label noise and flips": {"model": "mlp-small", "width": 0.2, "labels": True},
    "gradient penalty, k = 2": {"model": "mlp-small", "width": 0.2, "penalty": True, "k": 2},
    "simultaneous": {"model": "dcgan28-slim", "width": 0.1, "simultaneous": True},
    "relativistic pairs": {"model": "mlp-small", "width": 0.2, "game": "relativistic-pairing"},
    "relativistic means": {"model": "mlp-small", "width": 0.2, "game": "relativistic-average"},
    "relativistic means, simultaneous": {
        "model": "mlp-small",
        "width": 0.2,
        "game": "relativistic-average",
        "simultaneous": True,
    },
}
M = 8  # examples of a whole minibatch, if no other number is given
# The gradient of a bias before BatchNorm is zero up to rounding, and so is that of D's last bias in
# a relativistic game, which depends only on differences of logits. Adam divides by the size of the
# gradient, so these biases, and the running means after them, depend on the rounding.
NO_GRADIENT = re.compile(
    r".*dcgan28-slim.*/(G/4.bias|D/2.bias|G/5.running_mean|D/3.running_mean)"
    r"|.*relativistic.*/D/3.bias"
)


def assert_same(several, one, setup, tolerance=1e-12, no_gradient=1e-7):
    """Assert that the results of several ranks and of one are equal, up to `tolerance`; up to
    `no_gradient` for numbers whose gradient is zero."""
    for name, value in one.items():
        zero = NO_GRADIENT.fullmatch(f"{setup['model']}/{setup.get('game')}/{name}")
        atol = no_gradient if zero else tolerance
        np.testing.assert_allclose(several[name], value, rtol=0, atol=atol, err_msg=name)


def play_setup(
    comm, model, dtype="float64", rounds=3, width=1, k=1, philox=False, labels=False, penalty=False,
    simultaneous=False, synchronized=True, game="non-saturating", m=M,
):  # fmt: skip
    """The weights, buffers and losses after some rounds of a small pair, by name."""
    rng = np.random.default_rng(0)
    noise_rng = Philox(1) if philox else np.random.default_rng(1)
    pair = models.build(model, (1, 28, 28), rng=rng, width=width)
    for net in (pair.G, pair.D):
        net.astype(dtype)
        for module in net.modules():
            if isinstance(module, nn.Dropout) and philox:
                module.rng = noise_rng
    images = np.random.default_rng(2).integers(0, 256, (20, 1, 28, 28), np.uint8)
    data = Minibatches(images, rng=np.random.default_rng(3), low=pair.low)
    game = gan.GAMES[game]
    if labels:
        game = gan.label_flips(gan.label_noise(game, 0.3, rng=noise_rng), 0.2, rng=noise_rng)
    opts = pair.optimizers()
    if dtype == "float32":  # steps of Adam can depend on rounding alone
        opts = [optim.SGD(net.parameters(), 0.02, 0.5) for net in (pair.G, pair.D)]
    opts = [parallel.data_parallel(opt, comm) for opt in opts]
    real = lambda m: data(m).astype(dtype)  # noqa: E731
    players = (game, pair.G, pair.D, real, pair.noise(noise_rng), *opts)
    options = {"m": m // comm.size}
    if penalty:
        options |= {"k": k, "penalty": gan.wgan_gp(rng=noise_rng)}
    start = gan.play_simultaneously if simultaneous else gan.play
    with inputs.playing(comm, synchronized=synchronized):
        for _, result in zip(range(rounds), start(*players, **options), strict=False):
            losses = parallel.mean_of(comm, [result.d_loss.item(), result.g_loss.item()])
    state = {f"G/{k}": v for k, v in pair.G.state_dict().items()}
    state |= {f"D/{k}": v for k, v in pair.D.state_dict().items()}
    return {**state, "losses": np.array(losses)}


def main(path, dtype):
    comm = parallel.join()
    found = {}
    for name, setup in SETUPS.items():
        found |= {f"{name}/{k}": v for k, v in play_setup(comm, dtype=dtype, **setup).items()}
    if comm.rank == 0:
        np.savez(path, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
