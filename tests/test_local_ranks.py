"""Ranks on one machine: processes made by fork, which share memory."""

import contextlib
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import guard  # noqa: F401  registers the backend
import numpy as np
import pytest
from ranks import SETUPS, assert_same, play_setup

from tinygan import InputError, Tensor, local_ranks, nn, optim, parallel, storage, training
from tinygan.backend import cpu
from tinygan.backend.inputs import SINGLE_PROCESS
from tinygan.commands.parser import main
from tinygan.local_ranks import SLOT, RankLost, ranks
from tinygan.parallel import SharedMemoryParallel, data_parallel, mean_of
from tinygan.training import Config, Session, loop
from tinygan.training import ranks as number_of_ranks
from tinygan.training.ranks import ranks_of, ranks_to_start, useful_ranks

pytestmark = pytest.mark.skipif(not local_ranks.can_fork(), reason="needs fork and memfd_create")
HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)])}
TRAIN = ["train", "--model", "mlp-small", "--batch", "16", "--quiet"]


@contextlib.contextmanager
def started(*words):
    """A process of Python with ranks, in a group of its own, which is killed at the end."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, *words]
    with subprocess.Popen(command, env=ENVIRONMENT, start_new_session=True, **pipes) as running:
        try:
            yield running
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)


def children():
    """The processes that this one has started."""
    threads = Path("/proc/self/task").iterdir()
    return {pid for thread in threads for pid in (thread / "children").read_text().split()}


@pytest.fixture(autouse=True)
def no_process_is_left():
    """Other tests of this process may have left one, such as multiprocessing's tracker."""
    before = children()
    yield
    assert children() <= before


# The arithmetic.


@pytest.mark.parametrize("size", [2, 3, 4])
def test_ranks_play_what_one_process_plays(size):
    m = {"m": 12 if size == 3 else 8}
    with ranks(size) as comm:
        own = {name: play_setup(comm, **setup, **m) for name, setup in SETUPS.items()}
        found = comm.allgather(own)
    assert len(found) == size
    for name, setup in SETUPS.items():
        assert_same(found[0][name], play_setup(SINGLE_PROCESS, **setup, **m), setup)
        for other in found[1:]:
            for key, value in found[0][name].items():
                np.testing.assert_array_equal(other[name][key], value, err_msg=key)


def test_large_values_of_different_sizes_are_gathered():
    with ranks(3) as comm:
        own = np.arange((1 + comm.rank) * SLOT)
        values, empty = comm.allgather(own), comm.allgather(None)
    assert empty == [None] * 3
    for rank, value in enumerate(values):
        np.testing.assert_array_equal(value, np.arange((1 + rank) * SLOT))


@pytest.mark.parametrize("size", [2, 5])
def test_fast_ranks_wait_for_slow_ones(size):
    with ranks(size) as comm:
        slow = np.random.default_rng(comm.rank)
        for i in range(60):
            if slow.random() < 0.1:
                time.sleep(0.002)
            (mean,) = mean_of(comm, [i + comm.rank])
            assert mean == i + (size - 1) / 2, (comm.rank, i)


def test_a_mean_of_many_numbers_is_taken_in_place():
    with ranks(2) as comm:
        flat = np.arange(2.0 * SLOT).reshape(2, SLOT) + comm.rank
        comm.allreduce_mean_(flat)
        whole = comm.allgather(flat)
    for each in whole:
        np.testing.assert_array_equal(each, np.arange(2.0 * SLOT).reshape(2, SLOT) + 0.5)


def test_a_shared_array_has_the_values_of_rank_0_and_is_the_same_memory():
    with ranks(2) as comm:
        array = comm.shared(np.full(3, 7 + comm.rank))
        comm.share(lambda start, stop: array[start:stop].__iadd__(start), 3, 1)
    assert array.tolist() == [7, 8, 8]


def test_a_hook_sees_the_mean_gradient_and_each_rank_updates_its_part():
    p = nn.Parameter(np.zeros((2, 3)))
    with ranks(2) as comm:
        opt, seen, parts = optim.SGD([p], 1.0), [], []
        opt.hook = lambda step, grads: (seen.append(grads[0].data.copy()), step(grads))
        opt.update = lambda w, *rest: (parts.append(w.size), optim.SGD.update(opt, w, *rest))
        shared = data_parallel(opt, comm)
        assert isinstance(shared, SharedMemoryParallel)
        shared.step([Tensor(np.full((2, 3), 2.0 + comm.rank))])
        with pytest.raises(ValueError, match="grads: expected 1, got 0"):
            shared.step([])
        found = comm.allgather((seen, parts))
    for seen, parts in found:
        np.testing.assert_array_equal(seen, np.full((1, 2, 3), 2.5))
        assert parts == [3]
    np.testing.assert_array_equal(p.data, np.full((2, 3), -2.5))


def test_local_ranks_share_only_arrays_of_numpy():
    opt = optim.SGD([nn.Parameter(np.zeros(3)).to("guard")], 0.1)
    with pytest.raises(ValueError, match="optimizer: expected parameters on numpy, got guard"):
        SharedMemoryParallel(opt, None)


# The end of ranks.


def test_one_rank_is_this_process_and_many_uses_leave_nothing_behind():
    with ranks(1) as comm:
        assert comm is SINGLE_PROCESS

    def use(i):
        with ranks(2 + i % 3) as comm:
            comm.shared(np.arange(5))
            if i % 4 == 3 and comm.rank == 0:
                raise OSError("an error in some of them")

    gc.collect()
    before = sorted(os.listdir("/proc/self/fd"))
    for i in range(20):
        if i % 4 == 3:
            with pytest.raises(OSError, match="an error in some"):
                use(i)
        else:
            use(i)
    gc.collect()
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_ranks_divide_the_cores_unless_the_environment_sets_the_threads(monkeypatch):
    given = []

    @contextlib.contextmanager
    def limited(n):
        given.append(n)
        yield
        given.append("end")

    monkeypatch.setattr(cpu, "limited", limited)
    monkeypatch.setattr(cpu, "cores", lambda: 9)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with ranks(2):
        pass
    assert given == []
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    with ranks(2):
        pass
    assert given == [4, "end"]


def fail(comm, problems):
    """Each rank raises its problem, or waits for the others at a barrier."""
    if problems[comm.rank] is not None:
        raise problems[comm.rank]
    comm.barrier()


@pytest.mark.parametrize(
    ("problems", "kind", "message"),
    [
        ([InputError("bad")] * 3, InputError, "bad"),
        ([MemoryError()] * 2, MemoryError, ""),
        ([OSError("disk full"), None, None], OSError, "disk full"),
        ([None, InputError("bad"), None], InputError, "rank 1: bad"),
        ([None, None, OSError(2, "not there", "x")], InputError, "rank 2: x: not there"),
        ([InputError("bad"), InputError("worse")], InputError, "rank 0: bad; rank 1: worse"),
        ([None, MemoryError()], InputError, "rank 1: out of memory"),
        ([KeyboardInterrupt(), None], KeyboardInterrupt, ""),
        ([None, KeyboardInterrupt()], KeyboardInterrupt, ""),
        ([RuntimeError("a defect"), None], RuntimeError, "a defect"),
    ],
)
def test_the_error_of_a_rank_ends_all(capfd, problems, kind, message):
    with pytest.raises(kind) as raised, ranks(len(problems)) as comm:
        fail(comm, problems)
    assert type(raised.value) is kind and str(raised.value) == message
    assert capfd.readouterr() == ("", "")


def test_a_defect_of_another_rank_is_shown_with_its_traceback(capfd):
    expected = "rank 1: RuntimeError: a defect; its traceback is above"
    with pytest.raises(InputError, match=expected), ranks(2) as comm:
        fail(comm, [None, RuntimeError("a defect")])
    assert capfd.readouterr().err.count("RuntimeError: a defect") == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_rank_ends_all(capfd, number):
    with pytest.raises(InputError) as raised, ranks(4) as comm:
        if comm.rank == 2:
            os.kill(os.getpid(), number)
        comm.barrier()
    hint = ": out of memory?" if number == signal.SIGKILL else ""
    assert str(raised.value) == f"rank 2: killed by signal {+number} ({number.name}){hint}"
    assert capfd.readouterr() == ("", "")


def test_a_rank_that_does_not_end_is_killed(monkeypatch):
    monkeypatch.setattr(local_ranks, "PATIENCE", 0.1)
    with pytest.raises(InputError, match=r"^bad$"), ranks(2) as comm:
        if comm.rank:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            time.sleep(60)
        raise InputError("bad")


def test_after_ctrl_c_rank_0_does_not_wait_for_the_others(monkeypatch):
    monkeypatch.setattr(local_ranks, "PATIENCE", 1e9)
    with pytest.raises(KeyboardInterrupt), ranks(2) as comm:
        if comm.rank:
            signal.pause()
        raise KeyboardInterrupt


def test_text_that_was_buffered_before_the_fork_is_printed_once():
    code = "from tinygan.local_ranks import ranks\nprint('once')\nwith ranks(3): pass"
    environment = {k: v for k, v in ENVIRONMENT.items() if k != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, env=environment, text=True, timeout=20) == "once\n"


def test_a_rank_may_end_before_the_others_if_no_one_waits_for_it():
    with ranks(2) as comm:
        if comm.rank:
            comm.barrier()  # rank 0 has left: this rank ends
    with ranks(2) as comm:
        if comm.rank:
            time.sleep(0.1)
    with pytest.raises(RankLost, match="another rank has ended"), ranks(2) as comm:
        if comm.rank == 0:
            comm.barrier()


SCRIPT = """
import os
from tinygan.local_ranks import ranks

try:
    with ranks(3) as comm:
        comm.barrier()
        os.write(1, b"ready\\n")
        while True:
            comm.barrier()
except KeyboardInterrupt:
    print("stopped")
"""


@pytest.mark.parametrize(
    ("kill", "says"),
    [
        (lambda pid: os.kill(pid, signal.SIGKILL), ""),
        (lambda pid: os.kill(pid, signal.SIGINT), "stopped\n"),
        (lambda pid: os.killpg(pid, signal.SIGINT), "stopped\n"),
    ],
)
def test_no_rank_outlives_rank_0(kill, says):
    """The output of all ranks is one pipe, which is closed once all have ended."""
    with started("-c", SCRIPT) as running:
        assert [running.stdout.readline() for _ in range(3)] == ["ready\n"] * 3
        kill(running.pid)
        out, err = running.communicate(timeout=20)
    assert (out, err) == (says, "")


# The command.


@pytest.fixture
def command(tmp_path, monkeypatch, capfd):
    """A function that runs `tinygan` with the words given, in an empty folder; it returns the exit
    status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        status = main([*map(str, words)])
        return (status, *capfd.readouterr())

    return run


def log_of(run):
    return np.loadtxt(Path(run) / "log.csv", delimiter=",", skiprows=1)


def states_of(run):
    return [json.loads(line) for line in (Path(run) / "states.jsonl").read_text().splitlines()]


def at_round(monkeypatch, number, act):
    """Let rank 1 call act() at the start of a round."""
    play = Session.play_round

    def play_round(self):
        if self.comm.rank == 1 and self.step == number:
            act()
        return play(self)

    monkeypatch.setattr(Session, "play_round", play_round)


def test_the_command_makes_one_run_and_prints_once(command):
    for run, n in (("one", 1), ("two", 2)):
        status, out, err = command(*TRAIN, "--steps", 50, "--ranks", n, "--out", run)
        assert (status, out.count("Try next"), err) == (0, 1, "")
        made, *states = states_of(run)
        assert made["made_with"]["ranks"] == n and [each["step"] for each in states] == [0, 50]
        verified = f"{run}: all states agree, 2 from round 0 to 50\n"
        assert command("verify", run, "--quiet") == (0, verified, "")
    assert sorted(os.listdir("two")) == sorted(os.listdir("one"))
    np.testing.assert_allclose(log_of("two"), log_of("one"), rtol=1e-3)
    probes = Path("two/health.jsonl").read_text().splitlines()
    steps = [json.loads(line)["step"] for line in probes]
    assert steps == [1, 10, 20, 30, 40, 50]  # by rank 0 alone


def test_a_difference_is_printed_once(command):
    command(*TRAIN, "--steps", 20, "--ranks", 2, "--out", "run")
    lines = Path("run/states.jsonl").read_text().splitlines(keepends=True)
    wrong = json.dumps({"step": 10, "sha256": "0" * 64}) + "\n"
    Path("run/states.jsonl").write_text("".join([*lines[:-1], wrong]))
    status, out, err = command("verify", "run", "--quiet")
    assert (status, err) == (1, "") and out.count("the state after round 10 differs") == 1


def test_a_run_resumes_with_its_ranks_bit_for_bit_and_with_others_up_to_rounding(command):
    command(*TRAIN, "--steps", 40, "--ranks", 2, "--out", "whole")
    command(*TRAIN, "--steps", 20, "--ranks", 2, "--out", "same")
    shutil.copytree("same", "other")
    shutil.copy("same/checkpoint.safetensors", "twentieth.safetensors")
    assert command("train", "--quiet", "--resume", "same", "--steps", 40)[0] == 0
    assert command("train", "--quiet", "--resume", "other", "--steps", 40, "--ranks", 4)[0] == 0
    assert states_of("same")[-1] == states_of("whole")[-1]
    made = [line["made_with"]["ranks"] for line in states_of("other") if "made_with" in line]
    assert made == [2, 4]
    out = command("verify", "other", "--quiet")[1]  # by two ranks, as at the start
    assert "round 40 differs; it agreed until round 20" in out
    out = command("verify", "other", "--quiet", "--from", "twentieth.safetensors")[1]  # by four
    assert "all states agree, 2 from round 20 to 40" in out
    np.testing.assert_allclose(log_of("other"), log_of("whole"), rtol=1e-3)
    assert command("train", "--quiet", "--resume", "whole", "--ranks", 1)[0] == 0  # draws again


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--ranks", 2, "--out", HERE], f"--out {HERE}: exists and is not an empty folder"),
        (["--ranks", 2, "--data", "folder:nowhere"], "nowhere"),
        (["--ranks", 2, "--backend", "cupy"], "--ranks 2: expected 1 with --backend cupy; use mpi"),
        (["--ranks", 3], "3 ranks: expected a number that divides --batch 16: 1, 2, 4, 8, 16\n"),
        (["--ranks", 65], "--ranks: expected auto or a number from 1 to 64, got '65'"),
        (["--ranks", 0], "--ranks: expected auto or a number from 1 to 64, got '0'"),
        (["--ranks", "two"], "--ranks: expected auto or a number from 1 to 64, got 'two'"),
    ],
)
def test_bad_options_are_one_line(command, words, message):
    status, out, err = command(*TRAIN, *words)
    assert (status, out) == (2, "") and err.startswith("tinygan: ") and message in err
    assert err.count("\n") == 1 and os.listdir() == []


def test_ranks_are_not_started_under_mpiexec_or_without_fork(command, monkeypatch):
    with monkeypatch.context() as patch:
        patch.delattr(os, "memfd_create")
        status, _, err = command(*TRAIN, "--ranks", 2)
        assert status == 2 and "2 ranks: expected 1, because this system lacks fork" in err
        assert "use mpiexec" in err and err.count("\n") == 1
    monkeypatch.setattr(number_of_ranks, "join", lambda: types.SimpleNamespace(size=4))
    status, _, err = command(*TRAIN, "--ranks", 2)
    assert (status, err.count("\n")) == (2, 1)
    assert "--ranks 2: mpiexec has started 4 ranks already" in err


def test_a_killed_rank_ends_the_run_which_resumes(command, monkeypatch):
    command(*TRAIN, "--steps", 40, "--ranks", 2, "--out", "whole")
    with monkeypatch.context() as patch:
        patch.setattr(loop, "SAVE_EVERY", 0.0)
        at_round(patch, 15, lambda: os.kill(os.getpid(), signal.SIGKILL))
        status, out, err = command(*TRAIN, "--steps", 40, "--ranks", 2, "--out", "run")
    assert (status, out) == (2, "")
    assert err == "tinygan: rank 1: killed by signal 9 (SIGKILL): out of memory?\n"
    assert storage.load("run/checkpoint.safetensors")[1]["step"] in (14, 15)
    assert command("train", "--quiet", "--resume", "run")[0] == 0
    assert states_of("run")[-1] == states_of("whole")[-1]


def test_an_error_on_one_rank_is_printed_with_its_number(command, monkeypatch):
    at_round(monkeypatch, 3, lambda: Path("/nonsense/file").read_text())
    status, out, err = command(*TRAIN, "--ranks", 2, "--out", "run")
    assert (status, out) == (2, "")
    assert err == "tinygan: rank 1: /nonsense/file: No such file or directory\n"


def test_a_run_that_diverges_says_so_once(command):
    status, _, err = command(*TRAIN, "--ranks", 2, "--lr-d", "1e30", "--doctor", "off")
    assert status == 2 and err.count("the training diverged") == 1 and err.count("\n") == 1


def test_a_run_of_several_ranks_that_diverged_is_explained_by_the_command_that_resumes_it(command):
    rates = "--lr-d", "1e30", "--lr-g", "1e30"
    how = "`tinygan train --resume {}` plays on from the last checkpoint, with one rank"
    _, _, err = command(*TRAIN, "--ranks", 2, *rates, "--out", "run")
    assert err.splitlines()[-1].startswith("tinygan: the training diverged by round")
    assert how.format("run") in err.splitlines()[-1] and err.count("rank 1") == 0
    assert how.format("RUN") in command("doctor", "run")[1]
    _, _, err = command("train", "--quiet", "--resume", "run", "--ranks", 2)
    assert how.format("run") in err.splitlines()[-1]
    status, _, err = command("train", "--quiet", "--resume", "run")
    origin = "The first number that is not finite came from linear in D."
    assert status == 2 and origin in err.splitlines()[-1]
    assert origin in command("doctor", "run")[1]


def test_without_the_doctor_a_run_that_diverged_keeps_its_ranks(command):
    rates = "--lr-d", "1e30", "--lr-g", "1e30"
    assert "--resume" in command(*TRAIN, "--ranks", 2, *rates, "--out", "run")[2]
    status, _, err = command("train", "--quiet", "--resume", "run", "--doctor", "off")
    assert status == 2 and "--resume" not in err
    (made,) = [each["made_with"] for each in states_of("run") if "made_with" in each]
    assert made["ranks"] == 2


@pytest.mark.parametrize(
    "kill",
    [lambda pid: os.killpg(pid, signal.SIGINT), lambda pid: os.kill(pid, signal.SIGTERM)],
)
def test_ctrl_c_and_sigterm_stop_all_ranks_and_save(tmp_path, kill):
    run = tmp_path / "run"
    words = ["--steps", "1000000", "--ranks", "2", "--sample-every", "1000000", "--out", str(run)]
    with started("-m", "tinygan", *TRAIN, *words) as running:
        deadline = time.monotonic() + 30
        while not (run / "log.csv").exists() or len((run / "log.csv").read_text()) < 60:
            assert running.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        kill(running.pid)
        out, err = running.communicate(timeout=20)
    step = storage.load(run / "checkpoint.safetensors")[1]["step"]
    again = f"  tinygan train --resume {run}\n"
    assert (running.returncode, out) == (130, "")
    assert err == f"tinygan: stopped after round {step}, and saved. Continue with\n{again}"


# The number of ranks.


@pytest.fixture
def cores(monkeypatch):
    """A function that sets the number of cores of this machine, on which no threads are set."""
    for name in (*cpu.VARIABLES, *parallel.SIZES, *parallel.RANKS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(number_of_ranks, "WORK", 1_000_000_000)
    return lambda n: monkeypatch.setattr(cpu, "cores", lambda: n)


@pytest.mark.parametrize(
    ("options", "n", "expected"),
    [
        ({"model": "dcgan28"}, 1, 1),
        ({"model": "dcgan28"}, 2, 2),
        ({"model": "dcgan28"}, 3, 2),  # 3 does not divide 64
        ({"model": "dcgan28"}, 100, 8),  # of 8 examples each
        ({"model": "dcgan28", "batch": 60}, 100, 6),
        ({"model": "dcgan28", "batch": 61}, 100, 1),
        ({"model": "dcgan28", "batch": 12}, 2, 1),
        ({"model": "dcgan28", "backend": "cupy"}, 2, 1),
        ({"model": "dcgan28-slim", "batch": 64}, 64, 2),  # 2.5e9 operations
        ({"model": "mlp-2014", "batch": 64}, 64, 1),  # no convolutions
    ],
)
def test_useful_ranks_have_enough_work_and_divide_the_minibatch(cores, options, n, expected):
    cores(n)
    assert useful_ranks(Config(**options)) == expected


@pytest.mark.parametrize("name", [*cpu.VARIABLES, "PMI_RANK"])
def test_one_rank_is_useful_if_threads_are_set_or_mpiexec_is_used(cores, monkeypatch, name):
    cores(4)
    assert useful_ranks(Config(model="dcgan28")) == 4
    monkeypatch.setenv(name, "1")
    assert useful_ranks(Config(model="dcgan28")) == 1


def test_auto_takes_the_recorded_number_if_it_can_be_had(cores, monkeypatch):
    cores(2)
    config = Config(model="dcgan28")
    assert [ranks_to_start("auto", config, n) for n in (0, 1, 2, 3, 4, 128)] == [2, 1, 2, 2, 4, 2]
    assert ranks_to_start("auto", Config(model="dcgan28", backend="cupy"), 2) == 1
    monkeypatch.setattr(number_of_ranks, "can_fork", lambda: False)
    assert ranks_to_start("auto", config, 2) == 1


def test_the_recorded_number_is_the_first_or_the_last():
    made_with = [{"ranks": 2}, {"ranks": 4}]
    assert (ranks_of(made_with, 0), ranks_of(made_with, -1)) == (2, 4)
    assert [ranks_of(unknown, -1) for unknown in ([], [{}], [{"ranks": "2"}])] == [0, 0, 0]


def test_the_library_starts_no_ranks_by_itself(tmp_path, cores, monkeypatch):
    cores(8)
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"))
    monkeypatch.setattr(number_of_ranks, "WORK", 1)
    config = Config(model="dcgan28-slim", batch=16, steps=1)
    training.train(config, tmp_path / "run", progress=False)
    training.verify(tmp_path / "run")
    assert useful_ranks(config) == 2
