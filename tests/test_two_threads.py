"""Two trainings in two threads of one process go as each would go by itself, to the last bit; and
no round leaves anything behind."""

import os
import subprocess
import sys

import pytest

TOGETHER = """
import sys, threading
from tinygan import no_grad
from tinygan.tensor import is_recording
from tinygan.training import Config, Session

CONFIGS = [
    Config(model=sys.argv[1], batch=16, seed=0),
    Config(model=sys.argv[2], batch=32, seed=1, game="wasserstein", label_noise=0.1),
]
ROUNDS = int(sys.argv[3])

def trained(config, found, at):
    session = Session(config)
    for _ in range(ROUNDS):
        session.readings(session.play_round())
        session.generate(session.fixed_z)
    found[at] = session.sha256()

alone, together = {}, {}
for at, config in enumerate(CONFIGS):
    trained(config, alone, at)
others = [threading.Thread(target=trained, args=(c, together, i)) for i, c in enumerate(CONFIGS)]
for other in others:
    other.start()
with no_grad():  # in this thread alone
    for other in others:
        other.join()
    assert not is_recording()
assert alone == together and len(alone) == 2, (alone, together)
"""


@pytest.mark.parametrize(
    ("blas_threads", "models"),
    [("1", ("dcgan28-slim", "mlp-small")), ("2", ("mlp-mid", "mlp-mid"))],
)
def test_two_trainings_do_not_disturb_each_other(blas_threads, models):
    """With several threads of BLAS, too: how many there are is the process's setting."""
    subprocess.run(
        [sys.executable, "-c", TOGETHER, *models, "4"],
        env={**os.environ, "OPENBLAS_NUM_THREADS": blas_threads},
        check=True,
        timeout=120,
    )


RUNS = """
import pathlib, signal, sys, threading
from tinygan.training import Config, health_monitor, train

health_monitor.EVERY = 5
CONFIGS = [
    Config(model="dcgan28-slim", batch=4, steps=12, seed=0, sample_every=6),
    Config(model="mlp-small", batch=16, steps=20, seed=1, lr_g=0.0, sample_every=10),
]

def trained(config, out):
    train(config, out, progress=False)

def files(out):
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}

alone, together = (
    [pathlib.Path(sys.argv[1]) / f"{how}-{config.model}" for config in CONFIGS]
    for how in ("alone", "together")
)
asked = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
for config, out in zip(CONFIGS, alone):
    trained(config, out)
others = [threading.Thread(target=trained, args=pair) for pair in zip(CONFIGS, together)]
for other in others:
    other.start()
while any(other.is_alive() for other in others):  # Ctrl-C is left to this thread
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == asked
    others[0].join(0.01)
    others[1].join(0.01)
for one, other in zip(alone, together):
    mine, others = files(one), files(other)
    assert len(mine) == 8 and mine.keys() == others.keys(), (mine.keys(), others.keys())
    differ = [name for name in mine if mine[name] != others[name]]
    assert not differ, (one, differ)
"""


def test_two_runs_with_their_files_pictures_and_doctors_do_not_disturb_each_other(tmp_path):
    """The hashes of all states are among the files."""
    child = subprocess.run(
        [sys.executable, "-c", RUNS, str(tmp_path)],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "2"},
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    assert child.returncode == 0, child.stderr
    assert child.stderr.count("doctor, after round 20: G does not move") == 2
    assert "Warning" not in child.stderr


ROUNDS = """
import gc, resource, sys
import numpy as np
from tinygan import Tensor, gan, nn, optim
from tinygan.data import Minibatches

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

rng = np.random.default_rng(0)
G = nn.Sequential(nn.Linear(2, 4, rng=rng), nn.BatchNorm1d(4), nn.Unflatten(1, (1, 2, 2)))
D = nn.Sequential(nn.Flatten(), nn.Dropout(0.1, rng=rng), nn.Linear(4, 1, rng=rng))
data = Minibatches(rng.integers(0, 256, (8, 1, 2, 2), dtype=np.uint8), rng=rng)
noise = lambda m: Tensor(rng.standard_normal((m, 2), dtype=np.float32))
opt_g, opt_d = optim.Adam(G.parameters(), 1e-4), optim.Adam(D.parameters(), 1e-4)
players = G, D, data, noise, opt_g, opt_d
plain = gan.play(gan.label_flips(gan.non_saturating, rng=rng), *players, m=2)
sloped = gan.play(gan.wasserstein, *players, m=2, penalty=gan.wgan_gp(rng=rng))
ema = optim.EMA(G, 0.9)

gc.collect()
gc.disable()

def played(count):
    for number in range(count):
        float(next(sloped if number % 10 == 0 else plain).d_loss)
        ema.update()

played(500)
before = resident()
played(10_000)
grown = resident() - before
assert grown < 1 << 20, f"{grown} bytes more"
assert gc.collect() < 100, "cycles were left for the collector"
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
def test_ten_thousand_rounds_leave_nothing_behind_without_the_garbage_collector():
    """A tenth of them with a penalty, whose graph is differentiated twice."""
    subprocess.run([sys.executable, "-c", ROUNDS], check=True, timeout=300)


WATCHED = """
import tracemalloc
tracemalloc.start()
import gc, pathlib, sys
from tinygan.training import Config, RunFolder, Session, health_monitor

health_monitor.EVERY = 10
options = Config(model="dcgan28-slim", batch=2, game=sys.argv[1], label_flips=0.1)
session = Session(options)
folder = RunFolder.new(options, pathlib.Path(sys.argv[2]) / "run")
doctor = health_monitor.HealthMonitor(session, folder, lambda text: None)

def played(count):
    for _ in range(count):
        session.readings(doctor.play_round())
        if session.step % health_monitor.EVERY == 0:
            session.generate(session.fixed_z)
        del doctor.probes[:-4]  # they are kept on purpose, one for fifty rounds

def held():
    cycles = gc.collect()  # it also empties the lists of free objects, which count as held
    assert cycles < 100, f"{cycles} objects in cycles were left for the collector"
    return tracemalloc.get_traced_memory()[0]

played(60)
gc.collect()
gc.disable()
stages = [held()]
for _ in range(4):
    played(20)
    stages.append(held())
# What leaks grows in each part; a table of Python's that is made larger, in one of them.
grown = min(later - earlier for earlier, later in zip(stages, stages[1:]))
assert grown < 20 * (1 << 20) / 10_000, f"{grown} bytes more"  # of a round, as above
assert len(folder.health.read_bytes().splitlines()) == 14
"""


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="Python 3.10 keeps frames of functions, for 200 rounds more"
)
@pytest.mark.parametrize("game", ["non-saturating", "wasserstein"])
def test_rounds_with_convolutions_and_a_doctor_leave_nothing_behind(tmp_path, game):
    """So few rounds grow by less than pages; what Python and NumPy hold is counted to the byte."""
    subprocess.run([sys.executable, "-c", WATCHED, game, str(tmp_path)], check=True, timeout=300)
