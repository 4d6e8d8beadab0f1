"""The contenders of `tinygan bench`: the threads of each, and busy processes at the same time."""

import io
import signal
import subprocess
import sys

import numpy as np
import pytest

from tinygan.backend import cpu
from tinygan.commands.bench import WORKLOADS, contender
from tinygan.commands.bench.busy import busy


@pytest.mark.parametrize(("threads", "option"), [(None, "--threads=0"), (3, "--threads=3")])
def test_only_a_given_number_of_threads_is_set(monkeypatch, threads, option):
    started = {}

    class Process:
        stdout = io.StringIO('{"supported": true}\n')

        def __init__(self, command, *, env, **streams):
            started.update(command=command, env=env)

    monkeypatch.setattr(contender.subprocess, "Popen", Process)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    for name in cpu.VARIABLES[1:]:
        monkeypatch.delenv(name, raising=False)
    contender.Worker("mlp-small", contender.Contender("torch", threads), batch=1).errors.close()
    assert option in started["command"]
    variables = [started["env"].get(name) for name in cpu.VARIABLES]
    assert variables == (["3"] * 4 if threads else ["7", None, None, None])


def test_pytorch_as_it_comes_keeps_its_number_of_threads(monkeypatch):
    torch = pytest.importorskip("torch")
    from tinygan.commands.bench import torch_peer

    numbers = []
    monkeypatch.setattr(torch, "set_num_threads", numbers.append)
    pair, images = WORKLOADS["mlp-small"].build(np.random.default_rng(0)), np.zeros((9, 1, 28, 28))
    for threads in (0, 2):
        torch_peer.player(pair, images, 4, threads, "torch")
    assert numbers == [2]


def test_busy_processes_end_with_the_block_also_at_ctrl_c(monkeypatch):
    started, popen = [], subprocess.Popen

    def start(*arguments, **options):
        started.append(popen(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    with pytest.raises(KeyboardInterrupt), busy(2):
        assert [process.poll() for process in started] == [None, None]
        raise KeyboardInterrupt
    assert [process.returncode for process in started] == [-signal.SIGKILL] * 2


def test_busy_processes_end_if_the_bench_is_killed():
    code = (
        "import os, signal\n"
        "from tinygan.commands.bench.busy import busy\n"
        "with busy(2): os.kill(os.getpid(), signal.SIGKILL)"
    )
    # Its output ends when the last process that writes to it has ended.
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, timeout=30)
    assert done.returncode == -signal.SIGKILL
