"""Threads of the CPU: each index is in one part, errors of parts are raised, np.errstate holds in
all threads, products have the same bits with any number of threads, and freed memory is used
again."""

import os
import platform
import queue
import subprocess
import sys
import threading
import time

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
    monkeypatch.setattr(cpu, "threads", lambda: request.param)
    return request.param


def together(count):
    """A call that returns once `count` threads have called it, and all helpers have ended their
    calls: one that has not is not asked again."""
    while not cpu._calls.empty():
        time.sleep(0.001)
    barrier = threading.Barrier(count)
    return lambda: barrier.wait(30)


@pytest.mark.parametrize("n", [0, 1, 5, 100])
@pytest.mark.parametrize("minimum", [1, 30])
def test_every_index_is_in_one_part(cores, n, minimum):
    done, parts = np.zeros(n, int), []

    def work(start, stop):
        done[start:stop] += 1
        parts.append(stop - start)

    cpu.share(work, n, minimum)
    assert (done == 1).all() and sum(parts) == n
    assert len(parts) == (max(1, min(cpu.PARTS * cores, n // minimum)) if cores > 1 else 1)
    assert len(parts) == 1 or min(parts) >= minimum


def test_as_many_threads_work_at_the_same_time(cores):
    meet = together(cores)
    cpu.share(lambda start, stop: meet() if stop <= cores else None, 4 * cores, 1)


def test_a_nested_share_does_all_its_work_in_one_thread(cores):
    done = np.zeros(12, int)

    def inner(start, stop):
        done[start:stop] += 1

    cpu.share(lambda start, stop: cpu.share(inner, 12, 1), cores, 1)
    assert (done == max(1, min(cores, cpu.PARTS * cores))).all()


@pytest.mark.parametrize("at", [0, 99])
def test_an_error_in_any_part_is_raised_and_the_next_call_works(cores, at):
    def fail(start, stop):
        if start <= at < stop:
            raise ZeroDivisionError(f"in {at}")

    with pytest.raises(ZeroDivisionError, match=f"in {at}"):
        cpu.share(fail, 100, 1)
    test_every_index_is_in_one_part(cores, 100, 1)


def test_errstate_holds_in_all_threads(cores, recwarn):
    zeros = np.zeros(cores, np.float32)

    def divide(start, stop):
        meet()
        np.divide(1, zeros[start:stop])

    meet = together(cores)
    with np.errstate(all="ignore"):
        cpu.share(divide, cores, 1)
    assert not recwarn.list
    meet = together(cores)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        cpu.share(divide, cores, 1)


def test_no_helper_is_waited_for_or_asked_again_before_it_has_begun(monkeypatch):
    """As on a busy machine, where the system gives a helper no core."""
    monkeypatch.setattr(cpu, "threads", lambda: 2)
    begun, leave = threading.Event(), threading.Event()

    def busy(start, stop):
        begun.set()
        leave.wait(30)

    monkeypatch.setattr(cpu, "_calls", queue.SimpleQueue())  # new helpers
    monkeypatch.setattr(cpu, "_helpers", [])
    others = threading.Thread(target=cpu.share, args=(busy, 2, 1))  # occupies the only helper
    others.start()
    begun.wait(30)
    try:
        for _ in range(50):
            parts = []
            cpu.share(lambda start, stop, parts=parts: parts.append(start), 8, 1)
            assert len(parts) == 8
        assert cpu._calls.qsize() <= 1
    finally:
        leave.set()
        others.join()


def test_without_a_thread_that_can_be_started_the_caller_does_all_parts(monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(cpu, "threads", lambda: 3)
    monkeypatch.setattr(cpu, "_calls", queue.SimpleQueue())
    monkeypatch.setattr(cpu, "_helpers", [])
    monkeypatch.setattr(cpu.threading.Thread, "start", start)
    for _ in range(2):
        done = np.zeros(9)
        cpu.share(lambda i, j, done=done: np.add.at(done, np.arange(i, j), 1), 9, 1)
        np.testing.assert_array_equal(done, 1)


def test_a_helper_that_comes_late_finds_nothing_to_do():
    """As after an error or Ctrl-C in the part of the caller."""
    done = []
    parts = cpu._Parts(lambda start, stop: done.append(start), [(0, 1), (1, 2)])
    parts.close()
    parts.help()
    assert not done and not parts.problems


PRODUCTS = [(64, 1024, 1024), (1024, 64, 1024), (1000, 300, 701), (3, 4096, 8192), (5, 7, 9)]


@pytest.mark.parametrize("rows, inner, columns", PRODUCTS)
def test_the_bits_of_a_product_do_not_depend_on_the_number_of_threads(
    rows, inner, columns, monkeypatch
):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(rows, inner)).astype("f4"), rng.normal(size=(columns, inner)).T
    b = b.astype("f4", order="K")
    exact, found = a.astype("f8") @ b.astype("f8"), []
    for count in (1, 2, 3, 7):
        monkeypatch.setattr(cpu, "threads", lambda count=count: count)
        found.append(cpu.matmul(a, b))
        assert found[-1].dtype == np.float32
        np.testing.assert_array_equal(found[-1], found[0])
    np.testing.assert_allclose(found[0], exact, atol=1e-4 * np.sqrt(inner))


def test_a_product_of_other_types_and_shapes_is_numpys():
    rng = np.random.default_rng(0)
    for a, b, dtypes in (
        ((700, 400), (400, 700), ("f8", "f4")),
        ((700, 400), (400, 700), ("i4", "f4")),
        ((7, 300, 200), (200, 300), ("f8", "f8")),
        ((0, 5), (5, 3), ("f4", "f4")),
    ):
        a, b = (rng.normal(size=s).astype(t) for s, t in zip((a, b), dtypes, strict=True))
        found, expected = cpu.matmul(a, b), a @ b
        assert found.dtype == expected.dtype and found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_blas_has_one_thread_in_a_block_and_its_own_number_afterward():
    """Also if blocks overlap, and if Ctrl-C comes between the change and the block."""
    code = """
import weakref
from tinygan.backend import cpu

before, found = cpu._blas_threads(), []
first, second = cpu.OneBlasThread(), cpu.OneBlasThread()
first.__enter__()
second.__enter__()
first.__exit__()
found.append(cpu._blas_threads())
second.__exit__()
found.append(cpu._blas_threads())
third = cpu.OneBlasThread()
third.__enter__()
del third  # without __exit__
cpu.share(lambda start, stop: found.append(cpu._blas_threads()), 1, 1)
found.append(cpu._blas_threads())
print(before, found)
"""
    assert python(code, OPENBLAS_NUM_THREADS="2") == "2 [1, 2, 1, 2]"


def test_a_tuned_process_leaves_blas_one_thread_and_shares_by_as_many_as_it_had():
    code = """
from tinygan.backend import cpu, process

process.tune()
print(cpu._blas_threads(), cpu.threads())
cpu.at_most(1)
print(cpu.threads())
"""
    assert python(code, OPENBLAS_NUM_THREADS="2").split() == ["1", str(min(2, cpu.cores())), "1"]
    assert python(code, OPENBLAS_NUM_THREADS="1").split() == ["1", "1", "1"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, 5),
        ({"VECLIB_MAXIMUM_THREADS": "2"}, 2),
        ({"OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "1"}, 1),
        ({"OPENBLAS_NUM_THREADS": "9"}, 5),
        ({"OPENBLAS_NUM_THREADS": "0"}, 1),
        ({"OMP_NUM_THREADS": "2,4"}, 5),
    ],
)
def test_without_a_known_blas_there_are_as_many_threads_as_are_set_or_as_cores(
    monkeypatch, variables, expected
):
    for name in cpu.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert not cpu.threads_are_set()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cpu, "_libraries", lambda: ())
    monkeypatch.setattr(cpu, "_maximum", [])
    monkeypatch.setattr(cpu, "cores", lambda: 5)
    assert cpu.threads() == expected and cpu.threads_are_set() == bool(variables)
    a = np.ones((300, 300))
    np.testing.assert_array_equal(cpu.matmul(a, a), a @ a)


def test_a_limit_of_threads_ends_with_its_block():
    before = cpu.threads()
    with cpu.limited(1):
        assert cpu.threads() == 1
    assert cpu.threads() == before


FORK = """
import os, sys, threading
from tinygan.backend import cpu

def parts():
    found = []
    cpu.share(lambda start, stop: found.append((start, stop)), 100, 1)
    return len(found)

before = parts()
cpu.share(lambda start, stop: None, 2, 1)  # starts a helper
cpu.OneBlasThread.lock.acquire()  # as the helper may have
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


def test_blocks_of_two_threads_do_not_miss_each_other(monkeypatch):
    """A block that begins while another begins still has one thread after that has ended."""
    count, seen = [2], []
    asked, lowered, ended = threading.Event(), threading.Event(), threading.Event()

    def get():
        if threading.current_thread() is second:
            asked.set()
            return 1 if lowered.wait(0.3) else count[0]  # read after the other has lowered it
        return count[0]

    def change(n):
        count[0] = n
        if n == 1:
            lowered.set()

    def work():
        with cpu.OneBlasThread():
            ended.wait(5)
            seen.append(count[0])

    monkeypatch.setattr(cpu, "_blas_threads", get)
    monkeypatch.setattr(cpu, "_set_blas_threads", change)
    monkeypatch.setattr(cpu.OneBlasThread, "always", False)
    monkeypatch.setattr(cpu.OneBlasThread, "before", 1)
    second = threading.Thread(target=work)
    second.start()
    asked.wait(5)
    with cpu.OneBlasThread():
        pass
    ended.set()
    second.join()
    assert seen == [1] and count == [2]
