"""Runs in a forked or a new process equal those of the parent; thirty runs in one process leave
nothing behind."""

import gc
import multiprocessing
import os
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import pytest

from tinygan.training import Config, loop, train

PACKAGE = str(Path(__file__).parents[1])
STARTS = multiprocessing.get_all_start_methods()
OPTIONS = {"model": "dcgan28-slim", "batch": 16, "steps": 3, "sample_every": 2}


def trained(path):
    train(Config(**OPTIONS), path, progress=False)


def main(how, folder):
    """Train here, then in a process that is made by `how`, and again here: the files are equal."""
    trained(folder / "first")
    child = multiprocessing.get_context(how).Process(target=trained, args=(folder / "child",))
    child.start()
    child.join()
    assert child.exitcode == 0
    trained(folder / "last")
    runs = [
        {path.name: path.read_bytes() for path in (folder / name).iterdir()}
        for name in ("first", "child", "last")
    ]
    assert runs[0] == runs[1] == runs[2] and len(runs[0]) >= 7


@pytest.mark.parametrize("how", sorted({"fork", "spawn"}.intersection(STARTS)))
@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_process_made_after_a_training_trains_to_the_same_bits(tmp_path, threads, how):
    subprocess.run(
        [sys.executable, __file__, how, str(tmp_path)],
        env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "PYTHONPATH": PACKAGE},
        check=True,
        timeout=600,
    )


def held():
    """The open descriptors, the threads, and the bytes that Python and NumPy hold."""
    gc.collect()  # a session has cycles: the doctor observes it
    memory, _ = tracemalloc.get_traced_memory()
    return len(os.listdir("/proc/self/fd")), threading.active_count(), memory


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs /proc")
def test_thirty_trainings_leave_no_descriptor_no_thread_and_no_memory(tmp_path, monkeypatch):
    """Two of them draw their pictures, which takes longer than the run."""
    draw = loop.draw
    config = Config(model="mlp-small", batch=4, steps=2)
    tracemalloc.start()
    try:
        for number in range(35):
            monkeypatch.setattr(loop, "draw", draw if number in (0, 20) else lambda *args: None)
            train(config, tmp_path / str(number), progress=False)
            if number == 4:
                files, threads, before = held()
        *after, memory = held()
    finally:
        tracemalloc.stop()
    assert after == [files, threads]
    assert memory - before < 100_000, f"{memory - before} bytes more"


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
