"""Ranks of MPI: how it and NCCL are called, by stand-ins; and real processes of mpiexec."""

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
from ranks import MATCHES, ThreadComm, assert_same, on_ranks, play_match

from tinygan import InputError, parallel, storage
from tinygan import backend as backends
from tinygan.backend.cuda import reduce
from tinygan.backend.inputs import SINGLE_PROCESS
from tinygan.commands.shared import stop
from tinygan.parallel import MPIComm, join
from tinygan.training import Config, train, verify

HERE = Path(__file__).parent


# MPI and NCCL, as they are called: a stand-in for mpi4py whose ranks are threads.


class World:
    """mpi4py's communicator, as far as it is used."""

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
    """Stand-ins for cupy and its nccl; each rank's GPU is `bus` and its rank, if that is asked."""

    class NcclCommunicator:
        def __init__(self, size, name, rank):
            calls.append(("join", size, name, rank))

        def allReduce(self, *args):
            calls.append(("reduce", *args))

    nccl = types.SimpleNamespace(
        available=available,
        get_unique_id=lambda: b"name",
        NcclCommunicator=NcclCommunicator,
        NCCL_FLOAT16=6,
        NCCL_FLOAT32=7,
        NCCL_FLOAT64=8,
        NCCL_SUM=0,
    )
    stream = types.SimpleNamespace(ptr=99, synchronize=lambda: calls.append("waited"))
    cuda = types.SimpleNamespace(nccl=nccl, get_current_stream=lambda: stream)
    cuda.Device = lambda: types.SimpleNamespace(pci_bus_id=bus)
    cupy = types.SimpleNamespace(cuda=cuda)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setitem(sys.modules, "cupy.cuda", cuda)
    return cupy


class Flat:
    """A vector of a GPU's: an address, a size, a dtype."""

    def __init__(self, dtype=np.float32):
        self.data, self.size = types.SimpleNamespace(ptr=4096), 10
        self.dtype = np.dtype(dtype)


def test_nccl_adds_up_in_place_on_the_current_stream(monkeypatch):
    calls = []
    cupy = cupy_with(monkeypatch, calls)
    add = on_ranks(1, lambda comm: reduce.reducer(cupy, MPI, World(comm)))[0]
    assert calls == [("join", 1, b"name", 0)]
    add(Flat())
    add(Flat(np.float64))
    assert calls[1:] == [
        ("reduce", 4096, 4096, 10, 7, 0, 99),
        ("reduce", 4096, 4096, 10, 8, 0, 99),
    ]


@pytest.mark.parametrize("lack", ["available", "bus"])
def test_without_nccl_or_with_one_gpu_for_two_ranks_arrays_go_by_the_host(monkeypatch, lack):
    cupy = cupy_with(monkeypatch, [], available=lack != "available")
    if lack == "available":  # on each rank another GPU
        names = iter("ab")
        cupy.cuda.Device = lambda: types.SimpleNamespace(pci_bus_id=next(names))
    assert on_ranks(2, lambda comm: reduce.reducer(cupy, MPI, World(comm))) == [None, None]


def test_an_mpi_that_reads_the_device_is_used_once_its_stream_is_done(monkeypatch):
    monkeypatch.setenv("TINYGAN_CUDA_AWARE_MPI", "1")
    calls = []
    cupy = cupy_with(monkeypatch, calls)
    world = World(ThreadComm(0, 1, None, None))
    world.allgather = lambda value: [value]
    world.Allreduce = lambda send, receive: calls.append((send, receive))
    flat = Flat()
    reduce.reducer(cupy, MPI, world)(flat)
    assert calls == ["waited", ("in place", flat)]


def test_an_array_of_a_device_is_divided_where_it_is(monkeypatch):
    halves = []

    class Vector:
        def __itruediv__(self, n):
            halves.append(n)
            return self

    stand_in = types.SimpleNamespace(
        name="device", reducer=lambda MPI, world: lambda flat: halves.append("sum")
    )
    monkeypatch.setattr(parallel, "of", lambda flat: stand_in)
    ranks = MPIComm(MPI, World(ThreadComm(0, 2, None, None)))
    ranks.allreduce_mean_(Vector())
    assert halves == ["sum", 2]


# How ranks are found, and how they end.


@pytest.fixture
def launched(monkeypatch):
    """As if mpiexec had started this process as one of two."""
    for name in (*parallel.SIZES, *parallel.RANKS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setenv("PMI_RANK", "0")
    join.cache_clear()
    yield monkeypatch
    join.cache_clear()


def test_without_mpiexec_a_process_is_alone_and_mpi4py_is_not_imported(launched):
    launched.setitem(sys.modules, "mpi4py", None)  # an import would fail
    launched.setenv("PMI_SIZE", "1")
    assert join() is SINGLE_PROCESS
    join.cache_clear()
    launched.delenv("PMI_SIZE")
    launched.delenv("PMI_RANK")
    assert join() is SINGLE_PROCESS
    code = "import sys, tinygan.commands.parser, tinygan.training; print('mpi4py' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


def test_mpiexec_without_mpi4py_is_one_error_and_not_n_runs(launched, capsys):
    launched.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(InputError, match=r"mpi4py does not work .*pip install 'tinygan\[mpich\]'"):
        join()
    assert stop(2, "said") == 2 and capsys.readouterr().err == "tinygan: said\n"


@pytest.mark.parametrize("name", ["PMI_SIZE", "PMIX_RANK"])
def test_an_mpiexec_of_another_mpi_is_told(launched, name):
    launched.delenv("PMI_SIZE")
    launched.setenv(name, "2")
    mpi = types.ModuleType("mpi4py")
    mpi.MPI = types.SimpleNamespace(
        COMM_WORLD=types.SimpleNamespace(size=1), Get_library_version=lambda: "Open MPI v5, more"
    )
    launched.setitem(sys.modules, "mpi4py", mpi)
    if name == "PMIX_RANK":  # srun of one task: nobody says that there should be more
        assert join() is SINGLE_PROCESS
    else:
        with pytest.raises(
            InputError, match=r"started 2 processes, but MPI sees 1: .* Open MPI v5"
        ):
            join()


def test_an_error_of_all_is_told_once_and_different_ones_are_told_by_rank():
    def last(comm, message):
        return MPIComm(MPI, World(comm)).last_words(2, message)

    assert on_ranks(2, lambda comm: last(comm, "bad")) == ["bad", ""]
    messages = on_ranks(2, lambda comm: last(comm, f"bad {comm.rank}"))
    assert messages == ["rank 0: bad 0\nrank 1: bad 1", ""]


def test_an_error_of_one_ends_all(monkeypatch, capsys):
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
    # Open MPI asks for leave to have more ranks than cores, and to run in a container.
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
}
TRAIN = [sys.executable, "-m", "tinygan", "train", "--model", "mlp-small", "--quiet"]
TRAIN += ["--batch", "16", "--steps", "20"]


def mpiexec(*parts, status=0, timeout=120, **environment):
    """Run [n, *command] parts as one job; its stdout and stderr."""
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
    if status is None:
        assert done.returncode != 0
    else:
        assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


def messages(err):
    """What tinygan said, of all that stands in stderr."""
    assert "Traceback" not in err
    return [line for line in err.splitlines() if "tinygan: " in line]


def doctored(lines, *args):
    """A command that runs tinygan after some lines, in which `rank` is known."""
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


def at_round(number, act):
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
        for name, match in MATCHES.items():
            one = play_match(SINGLE_PROCESS, dtype=dtype, **match)
            several = {key: found[f"{name}/{key}"] for key in one}
            assert_same(several, one, match, *(() if dtype == "float64" else (2e-6, 2e-6)))


@processes
def test_the_command_leaves_one_run_and_says_so_once(tmp_path):
    out, err = mpiexec([2, *TRAIN, "--out", tmp_path / "two", "--steps", "50"])
    assert out.count("Try next") == 1 and messages(err) == []
    assert os.listdir(tmp_path) == ["two"]
    train(Config(model="mlp-small", batch=16, steps=50), tmp_path / "one", progress=False)
    logs = [np.loadtxt(tmp_path / run / "log.csv", delimiter=",", skiprows=1)
            for run in ("one", "two")]  # fmt: skip
    np.testing.assert_allclose(logs[1], logs[0], rtol=1e-3)
    assert sorted(os.listdir(tmp_path / "two")) == sorted(os.listdir(tmp_path / "one"))
    made, *states = map(json.loads, (tmp_path / "two" / "states.jsonl").read_text().splitlines())
    assert made["made_with"]["ranks"] == 2 and [state["step"] for state in states] == [0, 50]
    probes = (tmp_path / "two" / "health.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in probes] == [50]  # by one of the two
    (warning,) = [w for w in verify(tmp_path / "two").warnings if "ranks" in w]
    assert warning == "ranks: recorded 2, now 1"
    out, err = mpiexec([2, sys.executable, "-m", "tinygan", "verify", tmp_path / "two"])
    assert out == f"{tmp_path / 'two'}: all states agree, 2 from step 0 to 50\n" and not messages(
        err
    )


@processes
def test_a_run_of_several_ranks_is_found_to_differ_by_as_many(tmp_path):
    mpiexec([2, *TRAIN, "--out", tmp_path / "run"])
    path = tmp_path / "run" / "states.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]) + json.dumps({"step": 20, "sha256": "0" * 64}) + "\n")
    verifies = [2, sys.executable, "-m", "tinygan", "verify", tmp_path / "run"]
    out, err = mpiexec(verifies, status=1)
    assert out.count("the state at step 20 differs; it agreed until step 0") == 1 and not messages(
        err
    )
    path.write_text("".join(lines[:1]))
    _, err = mpiexec(verifies, status=2)
    (line,) = messages(err)
    assert "holds no hashes" in line


@processes
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--batch", "15"], "tinygan: --batch 15: expected a multiple of 2, the number of ranks"),
        (["--model", "nonsense"], "tinygan: --model 'nonsense' is unknown"),
        (["--nonsense"], "tinygan: --nonsense: no such argument"),
        (["--out", HERE], f"tinygan: --out {HERE}: exists and is not an empty folder"),
    ],
)
def test_what_cannot_be_used_is_told_once(options, message):
    _, err = mpiexec([2, *TRAIN, *options], status=2)
    (line,) = messages(err)
    assert line.startswith(message)


@processes
def test_ranks_with_other_options_stop_with_the_difference(tmp_path):
    out = ["--out", tmp_path / "run"]
    _, err = mpiexec([1, *TRAIN, *out], [1, *TRAIN, *out, "--lr-d", "0.5"], status=2)
    assert messages(err) == ["tinygan: the ranks differ: --lr-d is None on rank 0, 0.5 on rank 1"]
    assert not (tmp_path / "run").exists()


@processes
def test_ranks_with_another_folder_stop_with_the_difference(tmp_path):
    jobs = [[1, *TRAIN, "--out", tmp_path / name] for name in "ab"]
    _, err = mpiexec(*jobs, status=2)
    (line,) = messages(err)
    assert line.startswith("tinygan: the ranks differ: --out is ") and not os.listdir(tmp_path)


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
    _, err = mpiexec([2, *doctored(other, "--out", tmp_path / "run")], status=2)
    (line,) = messages(err)
    assert "the ranks differ: the SHA-256 of the images of digits is" in line
    assert not (tmp_path / "run").exists()


@processes
def test_a_killed_rank_ends_the_run_which_goes_on_with_other_ranks(tmp_path):
    run, steps = tmp_path / "run", ["--steps", "60"]
    kill = ["loop.SAVE_EVERY = 0.0", *at_round(30, "os.kill(os.getpid(), signal.SIGKILL)")]
    mpiexec([2, *doctored(kill, *steps, "--out", run)], status=None)
    assert storage.load(run / "checkpoint.safetensors")[1]["step"] in (29, 30)
    shutil.copytree(run, tmp_path / "again")
    states = []
    for job in (["--resume", tmp_path / "again"], [*TRAIN[4:], *steps, "--out", tmp_path / "two"]):
        mpiexec([2, *TRAIN[:4], "--quiet", *job])
        written = (Path(job[-1]) / "states.jsonl").read_text().splitlines()
        states.append(json.loads(written[-1]))
    assert states[0] == states[1] and states[0]["step"] == 60  # by as many ranks, bit for bit
    mpiexec([4, *TRAIN[:4], "--quiet", "--resume", run])
    train(Config(model="mlp-small", batch=16, steps=60), tmp_path / "one", progress=False)
    logs = [np.loadtxt(folder / "log.csv", delimiter=",", skiprows=1)
            for folder in (tmp_path / "one", run)]  # fmt: skip
    assert logs[0].shape == logs[1].shape
    np.testing.assert_allclose(logs[1], logs[0], rtol=0.02)


@processes
def test_an_error_on_one_rank_ends_all(tmp_path):
    full = [
        "parallel.PATIENCE = 0.5",
        "if rank == 1: Session.readings = lambda *args: open('/nonsense/file')",
    ]
    _, err = mpiexec([2, *doctored(full, "--out", tmp_path / "run")], status=None)
    assert messages(err) == ["tinygan: rank 1: /nonsense/file: No such file or directory"]


@processes
def test_a_defect_on_one_rank_ends_all_with_its_traceback(tmp_path):
    wrong = at_round(3, "raise RuntimeError('a defect')")
    _, err = mpiexec([2, *doctored(wrong, "--out", tmp_path / "run")], status=None)
    assert err.count("RuntimeError: a defect") == 1


@processes
def test_a_rank_that_is_asked_to_stop_stops_all(tmp_path):
    run = tmp_path / "run"
    ask = at_round(7, "os.kill(os.getpid(), signal.SIGINT)")
    _, err = mpiexec([2, *doctored(ask, "--steps", "400", "--out", run)], status=130)
    (line,) = messages(err)
    assert line.startswith("tinygan: stopped after round 8, and saved")
    assert storage.load(run / "checkpoint.safetensors")[1]["step"] == 8
    assert json.loads((run / "config.json").read_text())["steps"] == 400
