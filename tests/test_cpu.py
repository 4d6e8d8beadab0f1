"""Threads of the CPU: each index is in one part, errors of parts are raised, np.errstate holds in
all threads, idle threads sleep, and freed memory is used again."""

import os
import platform
import subprocess
import sys
import threading

import numpy as np
import pytest

from tinygan.backend import cpu


def python(code, without="OPENBLAS", *options, **environment):
    """The output of a process that runs `code`, without the environment variables that start with
    `without`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(without)}
    command = [sys.executable, *options, "-c", code]
    environment = {**kept, **environment}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(params=[1, 2, 3, 7])
def cores(request, monkeypatch):
    before = cpu.blas_threads()
    monkeypatch.setattr(cpu, "blas_threads", lambda: request.param)
    yield request.param
    cpu._set_blas_threads(before)  # `share` set it to request.param


@pytest.mark.parametrize("n", [0, 1, 5, 100])
@pytest.mark.parametrize("minimum", [1, 30])
def test_every_index_is_in_one_part(cores, n, minimum):
    done, parts, workers = np.zeros(n, int), [], set()

    def work(start, stop):
        done[start:stop] += 1
        parts.append(stop - start)
        workers.add(threading.get_ident())

    cpu.share(work, n, minimum)
    assert (done == 1).all() and sum(parts) == n
    assert len(parts) == max(1, min(cores, n // minimum))
    assert len(parts) == 1 or min(parts) >= minimum
    assert len(workers) == len(parts)


def test_a_nested_share_does_all_its_work_in_one_thread(cores):
    done = np.zeros(12, int)

    def inner(start, stop):
        done[start:stop] += 1

    cpu.share(lambda start, stop: cpu.share(inner, 12, 1), cores, 1)
    assert (done == cores).all()


@pytest.mark.parametrize("at", [0, 99])
def test_an_error_in_any_part_is_raised_and_the_next_call_works(cores, at):
    def fail(start, stop):
        if start <= at < stop:
            raise ZeroDivisionError(f"in {at}")

    with pytest.raises(ZeroDivisionError, match=f"in {at}"):
        cpu.share(fail, 100, 1)
    test_every_index_is_in_one_part(cores, 100, 1)


def test_errstate_holds_in_all_threads(cores, recwarn):
    zeros = np.zeros(100, np.float32)

    def divide(start, stop):
        np.divide(1, zeros[start:stop])

    with np.errstate(all="ignore"):
        cpu.share(divide, 100, 1)
    assert not recwarn.list
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        cpu.share(divide, 100, 1)


def test_the_thread_count_of_blas_is_restored(cores):
    functions = cpu._thread_count()
    if functions is None:
        pytest.skip("NumPy's BLAS is not an OpenBLAS that reports its threads")
    count, _ = functions
    cpu._set_blas_threads(2)
    counts = []
    cpu.share(lambda start, stop: counts.append(count()), 100, 1)
    assert set(counts) == {1 if cores > 1 else 2}
    assert count() == cores if cores > 1 else count() == 2


WAITS = """
import os, sys, time
import numpy as np
{before}
from tinygan.backend import process

process.tune()

a = np.ones((1000, 1000), np.float32)
(a @ a).sum()
before = time.process_time()
time.sleep(0.02)  # idle threads that wait in a loop use the processor meanwhile
print(time.process_time() - before, os.environ.get("OPENBLAS_THREAD_TIMEOUT"), (a @ a)[0, 0])
"""


def waits(before, **environment):
    found = python(WAITS.format(before=before), **{"OPENBLAS_NUM_THREADS": "2", **environment})
    seconds, setting, product = found.split()
    assert float(product) == 1000
    return float(seconds), setting


@pytest.mark.skipif(
    not hasattr(cpu.openblas(), "openblas_read_env"),
    reason="needs an OpenBLAS that reads its environment again",
)
def test_idle_threads_of_blas_sleep_even_if_numpy_came_first():
    seconds, setting = waits("np.ones((500, 500)) @ np.ones((500, 500))")
    assert setting == "19" and seconds < 0.005
    assert waits("", OPENBLAS_THREAD_TIMEOUT="25")[1] == "25"


LIMITED = """
from tinygan.backend import cpu

with cpu.limited(1):
    inside = cpu.blas_threads()
print(inside, cpu.blas_threads())
"""


@pytest.mark.skipif(cpu.blas_threads() is None, reason="NumPy's BLAS does not report its threads")
def test_a_limit_of_threads_ends_with_its_block():
    assert python(LIMITED, "OPENBLAS", OPENBLAS_NUM_THREADS="2").split() == ["1", "2"]


FORK = """
import os, sys, threading
from tinygan.backend import cpu

def parts():
    found = []
    cpu.share(lambda start, stop: found.append((start, stop)), 100, 1)
    return len(found)

before = parts()
cpu._lock.acquire()  # as if another thread were in `share`
child = os.fork()
if child == 0:
    import signal
    signal.alarm(20)
    os._exit(0 if parts() == before else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_process_shares_work_too():
    quiet = "-W", "ignore::DeprecationWarning"  # of a fork of a process with threads
    python(FORK, "OPENBLAS", *quiet, OPENBLAS_NUM_THREADS="2")


COUNT = """
import threading, time
from tinygan.backend import cpu

begun, alone = threading.Event(), cpu.blas_threads()

def work(start, stop):
    begun.set()
    time.sleep(0.3)

other = threading.Thread(target=cpu.share, args=(work, 2, 1))
other.start()
begun.wait()
print(cpu.blas_threads() == alone)
other.join()
"""


@pytest.mark.skipif(cpu.blas_threads() is None, reason="NumPy's BLAS does not report its threads")
def test_counting_threads_waits_until_another_thread_has_shared_its_work():
    """BLAS has one thread until then, and a run would write that number into its files."""
    assert python(COUNT, OPENBLAS_NUM_THREADS="2") == "True"


def test_importing_the_package_leaves_the_environment_unchanged():
    code = """
import os
before = dict(os.environ)
import tinygan, tinygan.training, tinygan.commands.parser
print(dict(os.environ) == before)
"""
    assert python(code) == "True"


FAULTS = """
import resource
import numpy as np
from tinygan.backend import process

process.tune()

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

for _ in range(3):
    a = [np.ones(1 << 20) for _ in range(4)]
    del a
before = faults()
for _ in range(10):
    a = [np.ones(1 << 20) for _ in range(4)]
    del a
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_memory_that_was_freed_is_used_again():
    """There are no page faults, unless an environment variable sets glibc's thresholds."""
    assert int(python(FAULTS, "MALLOC_")) < 100
    assert int(python(FAULTS, "MALLOC_", MALLOC_MMAP_THRESHOLD_="131072")) > 1000
