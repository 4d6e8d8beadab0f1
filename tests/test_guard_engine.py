"""The whole engine runs on the guard, and its results equal NumPy's bit for bit."""

import guard  # noqa: F401  (registers the backend)
import numpy as np
import pytest
from cases_devices import (
    OPTIMIZERS,
    PENALTIES,
    PLAYS,
    WRAPPED_GAMES,
    Match,
    derivatives,
    passes,
    rng,
    updates,
)
from guard_array import GuardArray
from hypothesis import given, settings
from hypothesis import strategies as st
from registry import EVERYTHING, OF_NUMBERS
from traffic import counting

from tinygan import Tensor, gan, models, nn, ops, optim
from tinygan.conv import im2col, winograd
from tinygan.data import Minibatches
from tinygan.gradcheck import check_gradients
from tinygan.training import Config, Session, train

FLOAT32 = np.float32


def assert_same(got, expected):
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_array_equal(a, b)


@pytest.fixture(autouse=True, scope="module")
def by_rows():
    """Use im2col on NumPy, as on the guard: the sums of other methods are rounded differently."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "faster", lambda *sizes: None)
        patch.setattr(im2col, "flips_kernels", lambda geometry: False)
        yield


# Every case of every op, layer, loss, game and penalty: values, gradients, gradients of those.


@pytest.mark.parametrize("case", EVERYTHING, ids=str)
@settings(max_examples=5)
@given(data=st.data())
def test_values_and_derivatives_to_second_order(case, data):
    point = case.build(data.draw)
    expected, _ = derivatives(point, "numpy")
    got, traffic = derivatives(point, "guard")
    assert_same(got, expected)
    assert not traffic.reads or (set(traffic.reads) == {"mask"} and case.note == "a mask")


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("case", OF_NUMBERS, ids=str)
@settings(max_examples=2)
@given(data=st.data())
def test_layers_in_either_mode(case, training, data):
    point = case.build(data.draw)
    expected = passes(point, training, "numpy", FLOAT32)
    assert_same(passes(point, training, "guard", FLOAT32), expected)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_with_clipping_schedules_average_and_state(name):
    assert_same(updates(name, "guard", FLOAT32), updates(name, "numpy", FLOAT32))


def test_gradients_are_checked_on_the_device_itself():
    x = Tensor(rng().normal(size=(2, 3))).to("guard")
    check_gradients(lambda x: ops.tanh(x) * ops.softmax(x), x, rng=rng())
    wrong = ops.tanh(x)
    with pytest.raises(AssertionError, match="by the rules"):
        check_gradients(lambda x: x * wrong + Tensor(ops.tanh(x).data), x, rng=rng())


# Games.


def matches(rounds, model, **options):
    """Play rounds on NumPy and on the guard; return the copies of the last on the guard."""
    ours, theirs = (Match(model, backend, FLOAT32, **options) for backend in ("guard", "numpy"))
    for _ in range(rounds):
        got, traffic = ours.round()
        assert_same(got, theirs.round()[0])
        assert traffic.reads == []
    return traffic.copies


@pytest.mark.parametrize("play", PLAYS)
@pytest.mark.parametrize("game, wrapper", WRAPPED_GAMES)
def test_a_round_of_every_game_and_wrapper(game, wrapper, play):
    copies = matches(2, "mlp-small", game=game, wrapper=wrapper, play=play)
    # An index and noise for D, noise for G, the step of each optimizer, and labels for real images
    # and for fakes. Another index for G, in a game that uses real images.
    drawn = (5 if play == "play" else 4) + 2 * (wrapper in ("label_noise", "label_flips"))
    drawn += play == "play" and gan.GAMES[game].g_uses_real
    assert copies == ["from_host"] * drawn


@pytest.mark.parametrize("play", PLAYS)
@pytest.mark.parametrize("model", models.MODELS)
def test_a_round_of_every_model(model, play):
    copies = matches(1, model, play=play)
    dropouts = 3 if model == "mlp-2014" else 0  # of D on x and G(z), and on G(z) again
    assert play != "play" or copies == ["from_host"] * (5 + 2 * dropouts)


@pytest.mark.parametrize("play", PLAYS)
@pytest.mark.parametrize("model", ["mlp-small", "dcgan28-slim"])
@pytest.mark.parametrize("penalty", sorted(set(PENALTIES) - {"none"}))
def test_a_round_with_every_penalty(penalty, model, play):
    copies = matches(1, model, penalty=penalty, play=play)
    drawn = (5 if play == "play" else 4) + (penalty == "wgan_gp")
    assert copies == ["from_host"] * drawn


def test_a_session_is_saved_and_goes_on_as_on_numpy(tmp_path):
    options = {"model": "mlp-small", "batch": 4, "steps": 4, "smoothing": 0.1, "sample_every": 2}
    for backend in ("numpy", "guard"):
        train(Config(**options, backend=backend), tmp_path / backend, progress=False)
    assert (tmp_path / "guard/log.csv").read_text() == (tmp_path / "numpy/log.csv").read_text()
    one, two = (Session(Config(**options, backend=backend)) for backend in ("guard", "numpy"))
    two.play_round()
    one.restore(*two.state())
    for session in (one, two):
        session.play_round()
    (ours, meta), (theirs, their_meta) = one.state(), two.state()
    assert ours.keys() == theirs.keys()
    assert_same(list(ours.values()), list(theirs.values()))
    assert {k: v for k, v in meta.items() if k != "config"}.items() <= their_meta.items()
    assert_same([one.generate(one.fixed_z)], [two.generate(two.fixed_z)])


# Moving.


def network():
    rng_ = rng()
    return nn.Sequential(nn.Linear(3, 4, rng=rng_), nn.BatchNorm1d(4), nn.Linear(4, 1, rng=rng_))


def test_a_network_moves_to_the_device_and_back():
    here, there = network(), network().to("guard")
    arrays = [p.data for p in there.parameters()] + [b for _, b in there.named_buffers()]
    assert len(arrays) == 9 and {type(array) for array in arrays} == {GuardArray}
    assert {type(v) for v in there.state_dict().values()} == {GuardArray}
    assert {type(v) for v in there.copy().state_dict().values()} == {GuardArray}
    back = there.to("numpy").state_dict()
    assert {type(v) for v in back.values()} == {np.ndarray}
    assert_same(list(back.values()), list(here.state_dict().values()))


@pytest.mark.parametrize("source", ["numpy", "guard"])
@pytest.mark.parametrize("target", ["numpy", "guard"])
def test_states_are_loaded_from_either_side(source, target):
    net, other = network().to(source), network().to(target)
    for p in net.parameters():
        p.data[...] = p.data * 2 + 1
    other.load_state_dict(net.state_dict())
    assert_same([p.numpy() for p in other.parameters()], [p.numpy() for p in net.parameters()])
    assert {p.backend.name for p in other.parameters()} == {target}
    opt, heir = (optim.Adam(n.parameters()) for n in (net, other))
    opt.step([Tensor(p.data) for p in net.parameters()])
    heir.load_state_dict(opt.state_dict())
    for name, vector in opt.state.items():
        np.testing.assert_array_equal(
            Tensor(heir.state[name]).numpy(), Tensor(vector).numpy(), strict=True
        )


def test_a_tensor_moves_only_on_request():
    x = Tensor(np.ones((2, 2)), name="x")
    y = x.to("guard")
    assert (y.backend.name, y.name, y.dtype) == ("guard", "x", np.float64)
    assert type(y.to("numpy").data) is np.ndarray
    for mixed in (lambda: x + y, lambda: y @ x, lambda: ops.concatenate([x, y])):
        with pytest.raises(TypeError, match="Unsupported type"):
            mixed()


@pytest.mark.parametrize("name", nn.init.__all__)
def test_initializers_fill_arrays_on_the_device(name):
    function = getattr(nn.init, name)
    for backend in ("numpy", "guard"):
        net = network().to(backend)
        if name == "dcgan_":
            function(net, rng=rng())
        elif name == "gan_2014_":
            function(net, 0.1, rng=rng())
        elif name == "constant_":
            function(net[0].weight, 3.0)
        else:
            function(net[0].weight, rng=rng())
        if backend == "numpy":
            expected = net.state_dict()
    assert_same([v.get() for v in net.state_dict().values()], list(expected.values()))


def test_minibatches_are_gathered_on_the_device():
    images = rng().integers(0, 256, (7, 2, 3, 3)).astype(np.uint8)
    here, there = (
        Minibatches(images, rng=rng(1), backend=backend) for backend in ("numpy", "guard")
    )
    for m in (3, 5, 9):
        with counting() as traffic:
            x = there(m)
        assert type(x.data) is GuardArray
        assert (traffic.reads, traffic.copies) == ([], ["from_host"])
        assert_same([x.numpy()], [here(m).numpy()])
    assert here.state_dict() == there.state_dict()
