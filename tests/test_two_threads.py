"""Two runs in two threads of one process equal each of them alone, bit for bit. No round leaks
memory."""

import os
import subprocess
import sys

import pytest

RUNS = """
import pathlib, signal, sys, threading
from tinygan import no_grad
from tinygan.tensor import is_recording
from tinygan.training import Config, train

CONFIGS = [
    Config(model=sys.argv[2], batch=4, steps=12, seed=0, sample_every=6),
    Config(
        model=sys.argv[3], batch=4, steps=200, seed=1, sample_every=100, lr_g=0.0,
        game="wasserstein", label_noise=0.1,
    ),
]
OUT = pathlib.Path(sys.argv[1])

def files(how, at):
    return {path.name: path.read_bytes() for path in sorted((OUT / f"{how}-{at}").iterdir())}

def trained(how, at):
    train(CONFIGS[at], OUT / f"{how}-{at}", progress=False)

for at in (0, 1):
    trained("alone", at)
asked = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
threads = [threading.Thread(target=trained, args=("together", at)) for at in (0, 1)]
for thread in threads:
    thread.start()
with no_grad():  # in this thread alone
    while any(thread.is_alive() for thread in threads):  # only the main thread handles Ctrl-C
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == asked
        for thread in threads:
            thread.join(0.01)
    assert not is_recording()
for at in (0, 1):
    alone, together = files("alone", at), files("together", at)
    assert len(alone) == 9 and alone.keys() == together.keys(), (alone.keys(), together.keys())
    differ = [name for name in alone if alone[name] != together[name]]
    assert not differ, (at, differ)
"""


@pytest.mark.parametrize(
    ("blas_threads", "models"),
    [
        ("1", ("dcgan28-slim", "mlp-small")),
        ("2", ("dcgan28-slim", "mlp-small")),  # the number of threads is a setting of the process
        ("2", ("mlp-mid", "mlp-mid")),
    ],
)
def test_two_runs_do_not_disturb_each_other(tmp_path, blas_threads, models):
    """Their files are equal: hashes of the states, pictures, and the records of the doctor."""
    child = subprocess.run(
        [sys.executable, "-c", RUNS, str(tmp_path), *models],
        env={**os.environ, "OPENBLAS_NUM_THREADS": blas_threads},
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
    )
    assert child.returncode == 0, child.stderr
    assert child.stderr.count("doctor, after round 200: G does not move") == 2
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
def test_ten_thousand_rounds_leak_no_memory_without_the_garbage_collector():
    """One tenth of them has a penalty, whose graph is differentiated twice."""
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
        del doctor.probes[:-4]  # the monitor keeps them on purpose

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
# A leak grows in each stage; a table of Python's grows in only one of them.
grown = min(later - earlier for earlier, later in zip(stages, stages[1:]))
assert grown < 20 * (1 << 20) / 10_000, f"{grown} bytes more"  # per round, as above
assert len(folder.health.read_bytes().splitlines()) == 15  # the first is after round 1
"""


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="Python 3.10 keeps frames of functions, for 200 rounds more"
)
@pytest.mark.parametrize("game", ["non-saturating", "wasserstein"])
def test_rounds_with_convolutions_and_a_doctor_leak_no_memory(tmp_path, game):
    """These rounds are few, so the memory of Python and NumPy is counted in bytes, not in pages."""
    subprocess.run([sys.executable, "-c", WATCHED, game, str(tmp_path)], check=True, timeout=300)
