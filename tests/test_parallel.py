"""Several ranks, here threads of this process, train like one rank up to rounding: see ranks.py."""

import contextlib
import contextvars
import itertools
import os
import re
import shutil
from pathlib import Path

import guard  # noqa: F401  registers the backend
import numpy as np
import pytest
from ranks import SETUPS, ThreadComm, assert_same, on_ranks, play_setup, together

from tinygan import InputError, Tensor, backend, nn, optim, parallel, storage
from tinygan.backend import inputs
from tinygan.backend.inputs import SINGLE_PROCESS, local_rows, playing
from tinygan.backend.philox import Philox
from tinygan.data import Minibatches
from tinygan.parallel import agree, from_first
from tinygan.training import Config, Session, resume, train
from tinygan.training import loop as training_loop


def rng(seed=0):
    return np.random.default_rng(seed)


# The rows of each rank.


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("source", [lambda: rng(5), lambda: Philox(5)])
def test_the_ranks_draw_the_rows_of_one_minibatch(size, source):
    like = np.zeros(0)

    def draws(comm):
        numbers = source()
        with playing(comm):
            m = 12 // comm.size
            found = [inputs.normal(numbers, (m, 3), like), inputs.uniform(numbers, (m, 1), like)]
        return [*found, inputs.normal(numbers, (2, 3), like)]  # outside of a round: all rows

    whole, shares = draws(SINGLE_PROCESS), on_ranks(size, draws)
    for i in range(2):
        np.testing.assert_array_equal(together([share[i] for share in shares]), whole[i])
        assert all(share[i].flags.c_contiguous for share in shares)
    for share in shares:
        np.testing.assert_array_equal(share[2], whole[2])


def test_the_ranks_get_the_images_of_one_minibatch_and_their_labels():
    images = rng().integers(0, 256, (10, 1, 2, 2), np.uint8)

    def draws(comm):
        data = Minibatches(images, rng=rng(1), labels=np.arange(10))
        with playing(comm):  # the second minibatch ends in the next epoch
            x, (y, label) = data(8 // comm.size), data.labeled(8 // comm.size)
        return x.data, y.data, label.data, np.array(list(data.state_dict().values()))

    whole, shares = draws(SINGLE_PROCESS), on_ranks(4, draws)
    for i in range(3):
        np.testing.assert_array_equal(together([share[i] for share in shares]), whole[i])
    for share in shares:
        np.testing.assert_array_equal(share[3], whole[3])


def rows_of(comm, shape):
    with playing(comm):
        return local_rows(shape)


def test_two_minibatches_in_one_are_divided_like_each_of_them():
    """D's dropout masks cover real images and fakes in one pass."""
    shape, select = rows_of(ThreadComm(1, 2, None, None), (8, 1))
    assert shape == (16, 1)
    np.testing.assert_array_equal(select(np.arange(16)), [*range(1, 8, 2), *range(9, 16, 2)])


@pytest.mark.parametrize(
    ("comm", "shape"), [(SINGLE_PROCESS, (3,)), (ThreadComm(1, 2, None, None), ())]
)
def test_one_rank_gets_all_rows_and_a_number_is_not_divided(comm, shape):
    whole, select = rows_of(comm, shape)
    assert whole == shape and select("rows") == "rows"


# Gradients and updates.


def test_a_step_uses_the_mean_gradient():
    gradients = [rng(i).normal(size=(2, 7)) for i in range(2)]

    def step(comm, gs):
        ps = [nn.Parameter(np.ones((2, 3))), nn.Parameter(np.ones(8))]
        opt = parallel.DataParallel(optim.Adam(ps, 0.1), comm)
        for g in gs:
            opt.step([Tensor(g[:6].reshape(2, 3)), Tensor(np.append(g[6:], np.arange(7)))])
        return np.concatenate([p.data.reshape(-1) for p in ps]), comm

    two = on_ranks(2, lambda comm: step(comm, gradients[comm.rank]))
    one, _ = step(SINGLE_PROCESS, (gradients[0] + gradients[1]) / 2)
    for weights, comm in two:
        np.testing.assert_allclose(weights, one, rtol=1e-13)
        assert comm.messages == 2  # one for each update


def test_gradients_that_do_not_fit_are_refused_before_they_are_sent():
    p = nn.Parameter(np.ones((2, 3), np.float32))
    opt = parallel.DataParallel(optim.SGD([p], 0.1), SINGLE_PROCESS)
    with pytest.raises(ValueError, match=r"grads\[0\]: expected \(2, 3\)"):
        opt.step([Tensor(np.ones((1, 3), np.float32))])
    with pytest.raises(ValueError, match="grads: expected 1, got 0"):
        opt.step([])
    np.testing.assert_array_equal(p.data, np.ones((2, 3)))


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("setup", SETUPS)
def test_several_ranks_play_what_one_plays(setup, size):
    one = play_setup(SINGLE_PROCESS, **SETUPS[setup])
    for several in on_ranks(size, lambda comm: play_setup(comm, **SETUPS[setup])):
        assert_same(several, one, SETUPS[setup])


def test_with_local_batchnorm_the_ranks_agree_on_other_weights():
    setup = SETUPS["convolutions and BatchNorm"]
    one = play_setup(SINGLE_PROCESS, **setup)
    first, second = on_ranks(2, lambda comm: play_setup(comm, **setup, synchronized=False))
    assert np.abs(one["D/0.weight"] - first["D/0.weight"]).max() > 1e-6
    for name in first:
        if "running" not in name:
            np.testing.assert_array_equal(first[name], second[name])
    assert (first["D/3.running_mean"] != second["D/3.running_mean"]).any()


# Sessions and runs.


def config(**options):
    return Config(**{"model": "mlp-small", "batch": 16, "steps": 12, "sample_every": 4, **options})


def ranks(size, act, *args, **options):
    on_ranks(size, lambda comm: act(*args, progress=False, comm=comm, **options))


def test_a_run_of_ranks_is_resumed_by_as_many_and_by_others(tmp_path):
    ranks(2, train, config(), tmp_path / "two")
    ranks(2, train, config(steps=5), tmp_path / "cut")
    shutil.copytree(tmp_path / "cut", tmp_path / "other")
    ranks(2, resume, tmp_path / "cut", steps=12)
    ranks(4, resume, tmp_path / "other", steps=12)
    train(config(), tmp_path / "one", progress=False)
    runs = {name: storage.load(tmp_path / name / "checkpoint.safetensors")
            for name in ("one", "two", "cut", "other")}  # fmt: skip
    for name in ("samples.png", "progress.gif", "checkpoint.safetensors", "config.json"):
        two, cut = ((tmp_path / run / name).read_bytes() for run in ("two", "cut"))
        assert two == cut, name  # the same number of ranks: bit for bit
    assert runs["one"][1] == runs["two"][1] == runs["other"][1]  # all but the arrays
    for name, expected in runs["one"][0].items():
        for run in ("two", "other"):
            np.testing.assert_allclose(runs[run][0][name], expected, atol=2e-3, err_msg=name)
    logs = [np.loadtxt(tmp_path / run / "log.csv", delimiter=",", skiprows=1) for run in runs]
    np.testing.assert_allclose(logs[1][-1], logs[0][-1], rtol=1e-4)  # means over all ranks
    assert sorted(os.listdir(tmp_path / "two")) == sorted(os.listdir(tmp_path / "one"))


def test_each_rank_has_the_same_share_of_a_minibatch():
    with pytest.raises(InputError, match=r"3 ranks: .* divides --batch 16: 1, 2, 4, 8, 16$"):
        on_ranks(3, lambda comm: Session(config(), comm))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda s: object.__setattr__(s.config, "lr_d", 0.5), r"--lr-d is None on rank 0, 0.5 on"),
        (
            lambda s: setattr(s, "images_sha256", "ab"),
            r"SHA-256 of the images of digits is '.{64}'",
        ),
        (lambda s: setattr(s, "step", 3), "the number of rounds played is 0 on rank 0, 3 on rank"),
        (lambda s: s.opt_g.w.fill(0), "the SHA-256 of weights, optimizers and generators is"),
        (lambda s: s._sources["game"].random(), "weights, optimizers and generators is"),
    ],
)
def test_all_ranks_raise_the_difference_between_them(spoil, message):
    messages = []

    def meet(comm):
        session = Session(config(), comm)
        if comm.rank == 2:
            spoil(session)
        try:
            agree(comm, session.facts)
        except InputError as problem:
            messages.append(str(problem))

    on_ranks(4, meet)
    assert len(messages) == 4 and len(set(messages)) == 1
    assert messages[0].startswith("the ranks differ: ") and re.search(message, messages[0])


def test_ranks_whose_states_drift_apart_stop_before_they_save(tmp_path, monkeypatch):
    play = Session.play_round

    def drift(self):
        result = play(self)
        if self.comm.rank and self.step == 5:
            self.opt_d.w[0] += 1e-3
        return result

    monkeypatch.setattr(Session, "play_round", drift)
    with pytest.raises(InputError, match="the ranks differ: the SHA-256 of weights"):
        ranks(2, train, config(), tmp_path / "a")
    assert storage.load(tmp_path / "a" / "checkpoint.safetensors")[1]["step"] == 0


def test_all_ranks_raise_the_error_of_rank_0():
    def fail():
        raise InputError("no room")

    messages = []

    def work(comm):
        try:
            from_first(comm, fail)
        except InputError as problem:
            messages.append(str(problem))
        return from_first(comm, lambda: Path(f"by {comm.rank}"))

    assert on_ranks(3, work) == [Path("by 0")] * 3 and messages == ["no room"] * 3


def test_a_stop_of_one_rank_is_a_stop_of_all(tmp_path, monkeypatch):
    monkeypatch.setattr(training_loop, "SAVE_EVERY", 1e9)
    steps = []

    def run(comm):
        context.set(comm.rank)
        try:
            train(config(), tmp_path / "run", progress=False, comm=comm)
        except training_loop.Interrupted as problem:
            steps.append(problem.args[1])

    @contextlib.contextmanager
    def stopping():
        rounds = itertools.count(1)
        yield lambda: context.get() == 1 and next(rounds) == 4

    context = contextvars.ContextVar("rank")
    monkeypatch.setattr(training_loop, "_stopping", stopping)
    on_ranks(2, run)
    assert steps == [4, 4]


@pytest.mark.parametrize("options", [{}, {"model": "dcgan28-slim", "rng": "philox"}])
def test_ranks_on_a_device_play_what_they_play_on_the_host(options):
    options = {**options, "backend": "guard", "no_graph": True, "ema": 0.0}

    def rounds(comm, **changed):
        session = Session(config(**{**options, **changed}), comm)
        for _ in range(2):
            result = session.play_round()
        return session.readings(result)

    there = on_ranks(2, rounds)
    here = on_ranks(2, lambda comm: rounds(comm, backend="numpy"))
    assert there[0] == pytest.approx(here[0], rel=1e-4) and there[0] == there[1]


class Mirror:
    """The first of two ranks that compute the same, so that a mean changes nothing. `mean` is
    called for each mean."""

    rank, size, local = 0, 2, 0

    def __init__(self, mean=lambda flat: None):
        self.allreduce_mean_ = mean

    def allgather(self, value):
        return [value, value]


def through_the_host(flat):
    if backend.of(flat) is not backend.numpy:
        flat[...] = backend.place(backend.of(flat).to_host(flat), flat)


@pytest.mark.parametrize("mean", [lambda flat: None, through_the_host])
def test_rounds_are_captured_if_their_means_stay_on_the_device(mean):
    options = {"model": "mlp-2014", "backend": "guard", "rng": "numpy"}
    played = Session(config(**options, no_graph=True), Mirror(mean))
    captured = Session(config(**options), Mirror(mean))
    for _ in range(6):
        readings = [session.readings(session.play_round()) for session in (played, captured)]
        assert readings[0] == readings[1]
    assert played.standing() == captured.standing()
    assert captured._rounds.captured is (mean is not through_the_host)
    assert bool(captured.not_captured) is (mean is through_the_host)


@pytest.mark.parametrize(
    ("backend", "device"), [("cupy", "cupy:3"), ("cupy:1", "cupy:1"), ("numpy", "numpy")]
)
def test_each_rank_of_a_machine_has_its_own_gpu(backend, device):
    assert parallel.own_device(backend, ThreadComm(3, 4, None, None)) == device
    assert parallel.own_device(backend, SINGLE_PROCESS) == backend
