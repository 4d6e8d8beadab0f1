"""Optimizers equal their formulas for single numbers; clipping, schedules, averages, resuming."""

import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygan import Tensor, grad, nn, optim
from tinygan.backend import cpu
from tinygan.optim import rules

SHAPES = [(2, 3), (), (4,)]
STEPS = 6


def rng(seed=0):
    return np.random.default_rng(seed)


def parameters(dtype=np.float64):
    return [nn.Parameter(np.asarray(rng().normal(size=s), dtype)) for s in SHAPES]


def gradients(dtype=np.float64):
    """The gradients of each step, the same at each call."""
    source = rng(1)
    for _ in range(STEPS):
        yield [Tensor(np.asarray(source.normal(size=s), dtype)) for s in SHAPES]


def flat(tensors):
    return np.concatenate([t.data.reshape(-1) for t in tensors])


def trained(make, dtype=np.float64):
    ps = parameters(dtype)
    opt = make(ps)
    for grads in gradients(dtype):
        opt.step(grads)
    return flat(ps)


# Each formula for one number w with one gradient g: (w, state) to (w, state). t counts from 1.


def sgd(lr, momentum=0.0):
    def update(w, v, g, t):
        v = momentum * v - (lr(t - 1) if callable(lr) else lr) * g
        return w + v, v

    return update, 0.0


def rmsprop(lr, alpha, eps):
    def update(w, s, g, t):
        s = alpha * s + (1 - alpha) * g**2
        return w - lr * g / (math.sqrt(s) + eps), s

    return update, 0.0


def adam(lr, b1, b2, eps, decay=0.0):
    def update(w, state, g, t):
        m, v = b1 * state[0] + (1 - b1) * g, b2 * state[1] + (1 - b2) * g**2
        direction = m / (1 - b1**t) / (math.sqrt(v / (1 - b2**t)) + eps)
        return w - lr * (direction + decay * w), (m, v)

    return update, (0.0, 0.0)


FORMULAS = {
    "SGD": (lambda p: optim.SGD(p, 0.1), sgd(0.1)),
    "SGD with momentum": (lambda p: optim.SGD(p, 0.1, 0.7), sgd(0.1, 0.7)),
    "SGD with a schedule": (
        lambda p: optim.SGD(p, optim.linear(0.1, 0.3, 4), lambda t: 0.7),
        sgd(lambda t: 0.1 + 0.2 * min(1, t / 4), 0.7),
    ),
    "RMSprop": (lambda p: optim.RMSprop(p, 0.1, 0.8, 1e-3), rmsprop(0.1, 0.8, 1e-3)),
    "Adam": (lambda p: optim.Adam(p, 0.1, (0.5, 0.9), 1e-3), adam(0.1, 0.5, 0.9, 1e-3)),
    "Adam, decayed": (
        lambda p: optim.Adam(p, 0.1, (0.5, 0.9), 1e-3, weight_decay=0.2),
        adam(0.1, 0.5, 0.9, 1e-3, 0.2),
    ),
}


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-6), (np.float64, 1e-14)])
@given(data=st.data())
def test_the_fast_adam_is_the_printed_one(dtype, rtol, data):
    """To `rtol` of each element in each step, for gradients of very different sizes."""
    rng, steps = (
        np.random.default_rng(data.draw(st.integers(0, 999))),
        data.draw(st.integers(1, 20)),
    )
    b1, b2 = data.draw(st.sampled_from([(0.5, 0.999), (0.0, 0.9), (0.9, 0.0)]))
    lr, eps, decay = 1e-3, data.draw(st.sampled_from([1e-8, 1e-3])), data.draw(st.floats(0, 1))
    printed = [rng.normal(size=50).astype(dtype), *np.zeros((2, 50), dtype)]
    for t in range(1, steps + 1):
        g = (rng.normal(size=50) * 10.0 ** rng.uniform(-6, 3, 50)).astype(dtype)
        numbers = [dtype(x) for x in (lr, 1 - b1**t, 1 - b2**t)]
        fast, before = ([each.copy() for each in printed] for _ in range(2))
        for step, (w, m, v) in ((partial(cpu.adam, np), fast), (rules.adam.reference, printed)):
            step(w, g, m, v, *numbers, (b1, b2), eps, decay)
        for got, expected, old in zip(fast, printed, before, strict=True):
            assert (abs(got - expected) <= rtol * (abs(old) + abs(expected))).all()


@pytest.mark.parametrize("name", FORMULAS)
def test_updates_are_the_formula(name):
    make, (update, start) = FORMULAS[name]
    expected = flat(parameters())
    for i in range(expected.size):
        w, state = expected[i], start
        for t, grads in enumerate(gradients(), 1):
            w, state = update(w, state, flat(grads)[i], t)
        expected[i] = w
    np.testing.assert_allclose(trained(make), expected, rtol=1e-12)


def test_the_defaults_are_those_of_the_docstrings():
    (p,) = ps = [nn.Parameter(np.ones(1))]
    for opt, step in [
        (optim.Adam(ps), 1e-3 / (1 + 1e-8)),
        (optim.RMSprop(ps), 0.01 / (math.sqrt(0.01) + 1e-8)),
        (optim.SGD(ps, 0.5), 0.5),
    ]:
        p.data[...] = 1
        opt = type(opt)(ps, *([0.5] if isinstance(opt, optim.SGD) else []))
        opt.step([Tensor(np.ones(1))])
        np.testing.assert_allclose(p.data, 1 - step, rtol=1e-12)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("chunk", [1, 3, 4, 11])
def test_the_size_of_a_chunk_changes_nothing(name, chunk, monkeypatch):
    """And neither does the size from which a gradient is not copied into a vector."""
    make, _ = FORMULAS[name]
    whole = trained(make, np.float32)
    monkeypatch.setattr("tinygan.optim.optimizer.CHUNK", chunk)
    monkeypatch.setattr("tinygan.optim.optimizer.MIN_SHARE", chunk)
    np.testing.assert_array_equal(trained(make, np.float32), whole)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_resumed_optimizer_goes_on_bit_for_bit(name):
    make, _ = FORMULAS[name]
    ps, steps = parameters(np.float32), list(gradients(np.float32))
    opt = make(ps)
    for grads in steps[:3]:
        opt.step(grads)
    state, weights = opt.state_dict(), [p.data.copy() for p in ps]
    opt.step(steps[3])  # must not change what was saved
    resumed = [nn.Parameter(w) for w in weights]
    other = make(resumed)
    other.load_state_dict(state)
    for grads in steps[3:]:
        other.step(grads)
    np.testing.assert_array_equal(flat(resumed), trained(make, np.float32))


def test_parameters_become_views_of_one_array_and_keep_their_values():
    ps, before = parameters(), flat(parameters())
    opt = optim.Adam(ps)
    np.testing.assert_array_equal(flat(ps), before)
    assert all(np.shares_memory(p.data, opt.w) for p in ps)
    ps[0].data[...] = 7  # writing in place is seen by both
    np.testing.assert_array_equal(opt.w[:6], 7)


def test_gradients_may_lie_in_memory_in_any_order():
    one, two = (nn.Parameter(np.arange(6.0).reshape(2, 3)) for _ in range(2))
    g = rng().normal(size=(2, 3))
    optim.SGD([one], 1.0).step([Tensor(g)])
    optim.SGD([two], 1.0).step([Tensor(np.asfortranarray(g))])
    np.testing.assert_array_equal(one.data, two.data)


def test_a_learning_rate_of_0_changes_no_bit():
    before = flat(parameters(np.float32))
    for make in (lambda p: optim.SGD(p, 0.0), lambda p: optim.Adam(p, lambda t: 0.0)):
        np.testing.assert_array_equal(trained(make, np.float32), before)


@pytest.mark.parametrize(
    "change", [lambda net: net.astype(np.float64), lambda net: net.to("numpy")]
)
def test_a_parameter_that_got_another_array_is_noticed(change):
    net = nn.Linear(2, 1, rng=rng())
    opt = optim.SGD(net.parameters(), 0.1)
    change(net)
    grads = [Tensor(np.ones_like(p.data)) for p in net.parameters()]
    with pytest.raises(RuntimeError, match=r"parameters\[0\] of shape \(1, 2\) got another array"):
        opt.step(grads)


# Schedules: functions of the number of updates done.


def test_schedules_are_their_formulas():
    line, curve = optim.linear(1.0, 3.0, 4), optim.cosine_decay(2.0, 4, end=1.0)
    assert [line(t) for t in (0, 1, 4, 9)] == [1, 1.5, 3, 3]
    np.testing.assert_allclose([curve(t) for t in (0, 2, 4, 9)], [2, 1.5, 1, 1])
    np.testing.assert_allclose(curve(1), 1.5 + math.sqrt(0.5) / 2)
    decay = optim.exponential_decay(0.1, 2.0, minimum=0.02)
    np.testing.assert_allclose([decay(t) for t in (0, 1, 2, 3)], [0.1, 0.05, 0.025, 0.02])


# Clipping.


def test_a_schedule_is_called_once_for_each_update(monkeypatch):
    """With the number of updates done, and not again for each chunk: it may count, or fail."""
    monkeypatch.setattr("tinygan.optim.optimizer.CHUNK", 2)
    asked = []
    trained(
        lambda p: optim.SGD(p, lambda t: asked.append(t) or 0.1, lambda t: asked.append(t) or 0)
    )
    assert asked == [t for t in range(STEPS) for _ in "ab"]


def test_clipping_by_norm_scales_all_large_gradients_alike():
    grads = [Tensor(np.array([3.0, 0.0])), Tensor(np.array([[4.0]]))]  # of norm 5
    a, b = optim.clip_grad_norm(grads, 1.0)
    np.testing.assert_allclose(a.data, [0.6, 0])
    np.testing.assert_allclose(b.data, [[0.8]])
    for clipped, g in zip(optim.clip_grad_norm(grads, 5.5), grads, strict=True):
        np.testing.assert_array_equal(clipped.data, g.data)


def test_clipping_by_value():
    (g,) = optim.clip_grad_value([Tensor(np.array([-3.0, -0.1, 0.2, 5.0]))], 0.5)
    np.testing.assert_array_equal(g.data, [-0.5, -0.1, 0.2, 0.5])


@pytest.mark.parametrize(
    "mistake",
    [
        lambda p: optim.SGD(p, 0.1, momentum=2),
        lambda p: optim.SGD(p, -1),
        lambda p: optim.RMSprop(p, eps=0),
        lambda p: optim.Adam(p, betas=(0.5, 2)),
        lambda p: optim.Adam(p, weight_decay=-1),
    ],
)
def test_an_optimizer_that_is_refused_takes_no_parameters_from_another(mistake):
    net = nn.Linear(2, 3, rng=rng())
    opt = optim.SGD(net.parameters(), 0.1)
    with pytest.raises(ValueError, match="expected a number"):
        mistake(net.parameters())
    opt.step([Tensor(np.ones_like(p.data)) for p in net.parameters()])


# State.


@pytest.mark.parametrize("slot, value", [("v", "x"), ("v", np.ones(8)), ("t", "x"), ("t", 1j)])
def test_a_state_that_does_not_fit_leaves_the_optimizer_unchanged(slot, value):
    opt = optim.Adam(nn.Linear(2, 3, rng=rng()).parameters())
    before, state = opt.state_dict(), {k: v + 1 for k, v in opt.state_dict().items()}
    state[slot] = value
    with pytest.raises(ValueError, match=f"load_state_dict: '{slot}'"):
        opt.load_state_dict(state)
    for key, kept in opt.state_dict().items():
        np.testing.assert_array_equal(kept, before[key])


# The moving average.


def test_the_moving_average_is_its_formula_and_starts_fast():
    net = nn.Sequential(nn.Linear(2, 2, rng=rng()), nn.BatchNorm1d(2)).astype(np.float64)
    ema = optim.EMA(net, decay=0.3)
    expected = [p.data.copy() for p in net.parameters()]
    for t in range(8):
        for i, p in enumerate(net.parameters()):
            p.data[...] = rng(10 * t + i).normal(size=p.shape)
            d = min(0.3, (1 + t) / (10 + t))  # 0.1, 0.18, 0.25, and 0.3 from then on
            expected[i] = d * expected[i] + (1 - d) * p.data
        ema.update()
    for p, e in zip(ema.module.parameters(), expected, strict=True):
        np.testing.assert_allclose(p.data, e, rtol=1e-12)


def test_the_moving_average_copies_buffers_and_is_a_network_of_its_own():
    net = nn.Sequential(nn.Linear(2, 2, rng=rng()), nn.BatchNorm1d(2))
    ema = optim.EMA(net)
    assert net.training and not ema.module.training
    net(rng().normal(3, 2, (4, 2)).astype(np.float32))
    kept = ema.module.state_dict()
    assert (kept["1.running_mean"] == 0).all()
    ema.update()
    for (_, now), (_, average) in zip(net.named_buffers(), ema.module.named_buffers(), strict=True):
        np.testing.assert_array_equal(average, now)
        assert not np.shares_memory(average, now)


def test_the_moving_average_makes_graphs_of_its_module_stale():
    net = nn.Linear(2, 1, rng=rng())
    ema = optim.EMA(net)
    y = ema.module(np.ones((1, 2), np.float32)).sum()
    ema.update()
    with pytest.raises(RuntimeError, match="assigned to"):
        grad(y, ema.module.parameters())


def test_an_average_follows_buffers_that_were_moved():
    net = nn.Sequential(nn.BatchNorm1d(3))
    ema = optim.EMA(net)
    net.astype(np.float64)
    net(Tensor(np.random.default_rng(0).normal(size=(5, 3))))
    ema.update()
    for (_, now), (_, kept) in zip(net.named_buffers(), ema.module.named_buffers(), strict=True):
        np.testing.assert_allclose(kept, now, rtol=1e-6)


@pytest.mark.parametrize("size", [1e20, 1e-20, 0.0])
def test_clipping_neither_overflows_nor_vanishes(size):
    grads = [Tensor(np.array([3 * size, 0], np.float32)), Tensor(np.array([4 * size], np.float32))]
    clipped = np.concatenate([g.data for g in optim.clip_grad_norm(grads, 2.0)])
    scale = min(1, 2 / (5 * size)) if size else 1
    np.testing.assert_allclose(clipped, np.array([3, 0, 4]) * size * scale, rtol=1e-5)


def test_a_schedule_that_gives_no_number_is_refused_before_any_change():
    p = nn.Parameter(np.ones(2, np.float32))
    opt = optim.SGD([p], lambda t: 0.1 if t < 1 else float("nan"))
    opt.step([Tensor(np.ones(2, np.float32))])
    with pytest.raises(ValueError, match="expected a finite number for update 1, got nan"):
        opt.step([Tensor(np.ones(2, np.float32))])
    np.testing.assert_allclose(p.data, 0.9)
