"""Ranks of MPI: the calls of MPI and NCCL, on stand-ins, and real processes of mpiexec."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import guard  # noqa: F401  registers the backend
import numpy as np
import pytest
from ranks import SETUPS, ThreadComm, assert_same, on_ranks, play_setup

from tinygan import InputError, parallel, storage
from tinygan import backend as backends
from tinygan.backend.cuda import reduce
from tinygan.backend.inputs import SINGLE_PROCESS
from tinygan.commands.shared import stop
from tinygan.parallel import MPIComm, join
from tinygan.training import Config, train, verify

HERE = Path(__file__).parent


# Calls of MPI and NCCL. A stand-in for mpi4py has threads as ranks.


class World:
    """The methods of mpi4py's communicator that tinygan calls."""

    def __init__(self, comm):
        self.comm, self.rank, self.size, self.aborted = comm, comm.rank, comm.size, []

    def Dup(self):
        return self

    def Allreduce(self, send, receive):
        assert send == "in place"
        receive[...] = sum(self.comm.allgather(receive.copy()))

    def allgather(self, value):
        return self.comm.allgather(value)

    def bcast(self, value):
        return self.comm.allgather(value)[0]

    def Ibarrier(self):
        self.comm.allgather(None)
        return types.SimpleNamespace(Test=lambda: True)

    def Abort(self, status):
        self.aborted.append(status)
        raise SystemExit(status)


MPI = types.SimpleNamespace(IN_PLACE="in place", Get_processor_name=lambda: "here")


@pytest.mark.parametrize("backend", ["numpy", "guard"])
def test_mpi_takes_means_in_place_and_through_the_host(backend):
    def work(comm):
        ranks = MPIComm(MPI, World(comm))
        flat = backends.move(np.arange(3.0) + comm.rank, backend)
        same = flat
        ranks.allreduce_mean_(flat)
        assert same is flat and ranks.allgather(comm.rank) == [0, 1]
        return backends.of(flat).to_host(flat)

    for mean in on_ranks(2, work):
        np.testing.assert_array_equal(mean, [0.5, 1.5, 2.5])


def cupy_with(monkeypatch, calls, bus="gpu", available=True):
    """A stand-in for cupy and its nccl, which lists its calls in `calls`. The GPU of each rank has
    the PCI bus id `bus`."""

    class NcclCommunicator:
        def __init__(self, size, name, rank):
            calls.append(("join", size, name, rank))

        def allReduce(self, *args):
            calls.append(("reduce", *args))

    nccl = types.SimpleNamespace(available=available, NcclCommunicator=NcclCommunicator)
    nccl.get_unique_id = lambda: b"name"
    nccl.NCCL_FLOAT16, nccl.NCCL_FLOAT32, nccl.NCCL_FLOAT64, nccl.NCCL_SUM = 6, 7, 8, 0
    stream = types.SimpleNamespace(ptr=99, synchronize=lambda: calls.append("waited"))
    cuda = types.SimpleNamespace(nccl=nccl, get_current_stream=lambda: stream)
    cuda.Device = lambda: types.SimpleNamespace(pci_bus_id=bus)
    cupy = types.SimpleNamespace(cuda=cuda)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setitem(sys.modules, "cupy.cuda", cuda)
    return cupy


class Flat:
    """A vector on a GPU: an address, a size, a dtype."""

    def __init__(self, dtype=np.float32):
        self.data, self.size = types.SimpleNamespace(ptr=4096), 10
        self.dtype = np.dtype(dtype)


def test_nccl_sums_in_place_on_the_current_stream(monkeypatch):
    calls = []
    cupy = cupy_with(monkeypatch, calls)
    add = on_ranks(1, lambda comm: reduce.reducer(cupy, MPI, World(comm)))[0]
    assert calls == [("join", 1, b"name", 0)]
    add(Flat())
    add(Flat(np.float64))
    assert calls[1:] == [("reduce", 4096, 4096, 10, kind, 0, 99) for kind in (7, 8)]


@pytest.mark.parametrize("lack", ["available", "bus"])
def test_without_nccl_or_with_one_gpu_for_two_ranks_sums_are_taken_on_the_host(monkeypatch, lack):
    cupy = cupy_with(monkeypatch, [], available=lack != "available")
    if lack == "available":  # each rank has a GPU of its own
        names = iter("ab")
        cupy.cuda.Device = lambda: types.SimpleNamespace(pci_bus_id=next(names))
    assert on_ranks(2, lambda comm: reduce.reducer(cupy, MPI, World(comm))) == [None, None]


def test_an_mpi_that_reads_device_memory_waits_for_the_stream(monkeypatch):
    monkeypatch.setenv("TINYGAN_CUDA_AWARE_MPI", "1")
    calls = []
    cupy = cupy_with(monkeypatch, calls)
    world = World(ThreadComm(0, 1, None, None))
    world.allgather = lambda value: [value]
    world.Allreduce = lambda send, receive: calls.append((send, receive))
    flat = Flat()
    reduce.reducer(cupy, MPI, world)(flat)
    assert calls == ["waited", ("in place", flat)]


def test_a_mean_of_device_arrays_stays_on_the_device(monkeypatch):
    calls = []

    class Vector:
        def __itruediv__(self, n):
            calls.append(n)
            return self

    stand_in = types.SimpleNamespace(
        name="device", reducer=lambda MPI, world: lambda flat: calls.append("sum")
    )
    monkeypatch.setattr(parallel, "of", lambda flat: stand_in)
    ranks = MPIComm(MPI, World(ThreadComm(0, 2, None, None)))
    ranks.allreduce_mean_(Vector())
    assert calls == ["sum", 2]


# The start and the end of ranks.


@pytest.fixture
def launched(monkeypatch):
    """monkeypatch, after it has set the environment as if mpiexec had started two processes."""
    for name in (*parallel.SIZES, *parallel.RANKS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setenv("PMI_RANK", "0")
    join.cache_clear()
    yield monkeypatch
    join.cache_clear()


def test_without_mpiexec_there_is_one_process_and_mpi4py_is_not_imported(launched):
    launched.setitem(sys.modules, "mpi4py", None)  # an import would fail
    launched.setenv("PMI_SIZE", "1")
    assert join() is SINGLE_PROCESS
    join.cache_clear()
    launched.delenv("PMI_SIZE")
    launched.delenv("PMI_RANK")
    assert join() is SINGLE_PROCESS
    code = "import sys, tinygan.commands.parser, tinygan.training; print('mpi4py' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


def test_mpiexec_without_mpi4py_is_an_error(launched, capsys):
    launched.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(InputError, match=r"mpi4py does not work .*pip install 'tinygan\[mpich\]'"):
        join()
    assert stop(2, "said") == 2 and capsys.readouterr().err == "tinygan: said\n"


@pytest.mark.parametrize("name", ["PMI_SIZE", "PMIX_RANK"])
def test_an_mpiexec_of_another_mpi_is_an_error(launched, name):
    launched.delenv("PMI_SIZE")
    launched.setenv(name, "2")
    mpi = types.ModuleType("mpi4py")
    mpi.MPI = types.SimpleNamespace(
        COMM_WORLD=types.SimpleNamespace(size=1), Get_library_version=lambda: "Open MPI v5, more"
    )
    launched.setitem(sys.modules, "mpi4py", mpi)
    if name == "PMIX_RANK":  # srun of one task: the number of ranks is unknown
        assert join() is SINGLE_PROCESS
        return
    with pytest.raises(InputError, match=r"started 2 processes, but MPI sees 1: .* Open MPI v5"):
        join()


def test_equal_errors_are_printed_once_and_different_ones_by_rank():
    def last(comm, message):
        return MPIComm(MPI, World(comm)).last_words(2, message)

    assert on_ranks(2, lambda comm: last(comm, "bad")) == ["bad", ""]
    messages = on_ranks(2, lambda comm: last(comm, f"bad {comm.rank}"))
    assert messages == ["rank 0: bad 0\nrank 1: bad 1", ""]


def test_an_error_of_one_rank_ends_all(monkeypatch, capsys):
    monkeypatch.setattr(parallel, "PATIENCE", 0.02)
    world = World(ThreadComm(1, 2, None, None))
    world.Ibarrier = lambda: types.SimpleNamespace(Test=lambda: False)
    with pytest.raises(SystemExit):
        MPIComm(MPI, world).last_words(2, "disk full")
    assert world.aborted == [2] and capsys.readouterr().err == "tinygan: rank 1: disk full\n"


# Real processes.

MPIEXEC = next(
    (str(path) for path in [Path(sys.executable).with_name("mpiexec")] if path.exists()),
    shutil.which("mpiexec"),
)
processes = pytest.mark.skipif(
    MPIEXEC is None or importlib.util.find_spec("mpi4py") is None,
    reason="needs mpi4py and mpiexec: pip install 'tinygan[mpich]'",
)
ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)]),
    # Open MPI needs permission for more ranks than cores, and for the root user of a container.
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
}
TRAIN = [sys.executable, "-m", "tinygan", "train", "--model", "mlp-small", "--quiet"]
VERIFY = [*TRAIN[:3], "verify"]
TRAIN += ["--batch", "16", "--steps", "20"]


def mpiexec(*parts, status=0, timeout=120, **environment):
    """Run the commands of all parts [n, *command], each n times, as one job. Assert its exit status
    (None: any but 0) and return its stdout and stderr."""
    command = [MPIEXEC]
    for n, *part in parts:
        command += [*([":"] if len(command) > 1 else []), "-n", str(n), *map(str, part)]
    done = subprocess.run(
        command,
        env={**os.environ, **ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == status or (status is None and done.returncode), done.stderr
    return done.stdout, done.stderr


def messages(err):
    """The lines of stderr that tinygan printed."""
    assert "Traceback" not in err
    return [line for line in err.splitlines() if "tinygan: " in line]


def train_after(lines, *args):
    """A command that runs some lines of Python, which may use `rank`, and then `tinygan train`."""
    code = "\n".join([
        "import os, signal, sys, time",
        "from tinygan import parallel",
        "from tinygan.commands import parser as cli",
        "from tinygan.training import Session, loop, session",
        "rank = parallel.join().rank",
        *lines,
        "sys.exit(cli.main(sys.argv[1:]))",
    ])  # fmt: skip
    return [sys.executable, "-c", code, *TRAIN[3:], *map(str, args)]


def log_of(run):
    return np.loadtxt(run / "log.csv", delimiter=",", skiprows=1)


def states_of(run):
    return [json.loads(line) for line in (run / "states.jsonl").read_text().splitlines()]


def at_round(number, act):
    """Lines for `train_after`: rank 1 runs the line `act` at the start of a round."""
    return [
        "play = Session.play_round",
        "def play_round(self):",
        f"    if rank == 1 and self.step == {number}:",
        f"        {act}",
        "    return play(self)",
        "Session.play_round = play_round",
    ]


@processes
@pytest.mark.parametrize(("size", "dtype"), [(2, "float64"), (4, "float64"), (2, "float32")])
def test_processes_play_what_one_plays(tmp_path, size, dtype):
    mpiexec([size, sys.executable, HERE / "ranks.py", tmp_path / "found.npz", dtype])
    with np.load(tmp_path / "found.npz") as found:
        for name, setup in SETUPS.items():
            one = play_setup(SINGLE_PROCESS, dtype=dtype, **setup)
            several = {key: found[f"{name}/{key}"] for key in one}
            assert_same(several, one, setup, *(() if dtype == "float64" else (2e-6, 2e-6)))


@processes
@pytest.mark.parametrize("command", ["sample run", "evaluate run", "info"])
def test_a_command_for_one_process_is_refused_in_one_line(command):
    out, err = mpiexec([2, *TRAIN[:3], *command.split()], status=2)
    (message,) = messages(err)
    assert not out and "expected one process, but mpiexec started 2" in message


@processes
def test_the_command_makes_one_run_and_prints_once(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    out, err = mpiexec([2, *TRAIN, "--out", two, "--steps", "50"])
    assert out.count("Try next") == 1 and messages(err) == []
    assert os.listdir(tmp_path) == ["two"]
    train(Config(model="mlp-small", batch=16, steps=50), one, progress=False)
    np.testing.assert_allclose(log_of(two), log_of(one), rtol=1e-3)
    assert sorted(os.listdir(two)) == sorted(os.listdir(one))
    made, *states = states_of(two)
    assert made["made_with"]["ranks"] == 2 and [state["step"] for state in states] == [0, 50]
    probes = (two / "health.jsonl").read_text().splitlines()
    steps = [json.loads(line)["step"] for line in probes]
    assert steps == [1, 10, 20, 30, 40, 50]  # by rank 0 alone
    (warning,) = [w for w in verify(two).warnings if "ranks" in w]
    assert warning == "ranks: recorded 2, now 1"
    out, err = mpiexec([2, *VERIFY, two])
    assert out == f"{two}: all states agree, 2 from round 0 to 50\n" and not messages(err)


@processes
def test_verification_by_several_ranks_prints_a_difference_once(tmp_path):
    mpiexec([2, *TRAIN, "--out", tmp_path / "run"])
    path = tmp_path / "run" / "states.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]) + json.dumps({"step": 20, "sha256": "0" * 64}) + "\n")
    out, err = mpiexec([2, *VERIFY, tmp_path / "run"], status=1)
    assert out.count("the state after round 20 differs; it agreed until round 0") == 1
    assert not messages(err)
    path.write_text("".join(lines[:1]))
    _, err = mpiexec([2, *VERIFY, tmp_path / "run"], status=2)
    (line,) = messages(err)
    assert "holds no hashes" in line


@processes
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--batch", "15"], "tinygan: 2 ranks: expected a number that divides --batch 15: 1, 3, 5"),
        (["--model", "nonsense"], "tinygan: --model 'nonsense' is unknown"),
        (["--ranks", "2"], "tinygan: --ranks 2: mpiexec has started 2 ranks already"),
        (["--nonsense"], "tinygan: --nonsense: no such argument"),
        (["--out", HERE], f"tinygan: --out {HERE}: exists and is not an empty folder"),
    ],
)
def test_bad_options_are_reported_once(options, message):
    _, err = mpiexec([2, *TRAIN, *options], status=2)
    (line,) = messages(err)
    assert line.startswith(message)


@processes
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "run", "--lr-d", "0.5"], "--lr-d is None on rank 0, 0.5 on rank 1"),
        (["--out", "other"], "--out is 'run' on rank 0, 'other' on rank 1"),
    ],
)
def test_ranks_with_other_options_stop_with_the_difference(tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    _, err = mpiexec([1, *TRAIN, "--out", "run"], [1, *TRAIN, *options], status=2)
    assert messages(err) == [f"tinygan: the ranks differ: {message}"]
    assert os.listdir(tmp_path) == []


@processes
def test_ranks_with_other_images_stop_with_the_difference(tmp_path):
    other = [
        "load = session.load",
        "def changed(name, **options):",
        "    found = load(name, **options)",
        "    found.images[0, 0, 0, 0] += rank",
        "    return found",
        "session.load = changed",
    ]
    _, err = mpiexec([2, *train_after(other, "--out", tmp_path / "run")], status=2)
    (line,) = messages(err)
    assert "the ranks differ: the SHA-256 of the images of digits is" in line
    assert not (tmp_path / "run").exists()


@processes
def test_a_killed_rank_ends_the_run_which_other_ranks_resume(tmp_path):
    run, steps = tmp_path / "run", ["--steps", "60"]
    kill = ["loop.SAVE_EVERY = 0.0", *at_round(30, "os.kill(os.getpid(), signal.SIGKILL)")]
    mpiexec([2, *train_after(kill, *steps, "--out", run)], status=None)
    assert storage.load(run / "checkpoint.safetensors")[1]["step"] in (29, 30)
    again = shutil.copytree(run, tmp_path / "again")
    resumes = [*TRAIN[:4], "--quiet", "--resume"]
    mpiexec([2, *resumes, again])
    mpiexec([2, *TRAIN, *steps, "--out", tmp_path / "two"])
    last = states_of(again)[-1]
    assert last == states_of(tmp_path / "two")[-1] and last["step"] == 60  # bit for bit
    mpiexec([4, *resumes, run])
    train(Config(model="mlp-small", batch=16, steps=60), tmp_path / "one", progress=False)
    np.testing.assert_allclose(log_of(run), log_of(tmp_path / "one"), rtol=0.02)


@processes
def test_an_error_on_one_rank_ends_all(tmp_path):
    full = [
        "parallel.PATIENCE = 0.5",
        "if rank == 1: Session.readings = lambda *args: open('/nonsense/file')",
    ]
    _, err = mpiexec([2, *train_after(full, "--out", tmp_path / "run")], status=None)
    assert messages(err) == ["tinygan: rank 1: /nonsense/file: No such file or directory"]


@processes
def test_a_defect_on_one_rank_ends_all_with_its_traceback(tmp_path):
    wrong = at_round(3, "raise RuntimeError('a defect')")
    _, err = mpiexec([2, *train_after(wrong, "--out", tmp_path / "run")], status=None)
    assert err.count("RuntimeError: a defect") == 1


@processes
def test_a_signal_to_one_rank_stops_all(tmp_path):
    run = tmp_path / "run"
    ask = at_round(7, "os.kill(os.getpid(), signal.SIGINT)")
    _, err = mpiexec([2, *train_after(ask, "--steps", "400", "--out", run)], status=130)
    (line,) = messages(err)
    assert line.startswith("tinygan: stopped after round 8, and saved")
    assert storage.load(run / "checkpoint.safetensors")[1]["step"] == 8
    assert json.loads((run / "config.json").read_text())["steps"] == 400
