"""float32 stays float32 in every op, layer, loss, game, penalty and optimizer.

The cases have numbers of all kinds as operands and hyperparameters. In NumPy 2 one np.float64 turns
an array, and then a whole network, into float64.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from registry import EVERYTHING

from tinygan import Tensor, grad, nn, ops, optim
from tinygan.autograd import _ancestors

FLOAT32 = np.dtype(np.float32)


def of_case(case):
    """A function that yields the value, the gradients and all tensors computed on the way."""

    def drive(draw):
        point = case.build(draw)
        xs = point.tensors(np.float32)
        y = point.function(*xs)
        yield "the value", y
        for t in _ancestors(y):
            for parent, pull in t.edges:  # `grad` would cast what a rule of another dtype returns
                yield "a rule's result", pull(Tensor(np.ones_like(t.data)), t)
                yield "a tensor within", parent
        grads = grad(ops.sum(y * y), xs, create_graph=True, allow_unused=True)
        for g in grads:
            yield "a gradient", g
            for t in _ancestors(g):
                yield "a tensor within the gradient", t
        if point.module is not None:
            yield from of_module(point.module, xs)

    return drive


def of_module(module, xs):
    """The value and buffers after a pass in either mode, for modules of one input."""
    if len(module.state_dict()) and not isinstance(module, (nn.Embedding, nn.Sequential)):
        for mode in (True, False):
            yield f"the value with training={mode}", module.train(mode)(xs[0])
            for name, buffer in module.named_buffers():
                if buffer.dtype.kind == "f":
                    yield f"buffer {name}", buffer


OPTIMIZERS = {
    **{name: lambda p, n, kind=kind: kind(p, n(0.1)) for name, kind in optim.OPTIMIZERS.items()},
    "SGD: momentum": lambda p, n: optim.SGD(p, n(0.1), n(0.9)),
    "SGD: schedules": lambda p, n: optim.SGD(p, lambda t: n(0.1), lambda t: n(0.9)),
    "RMSprop: all options": lambda p, n: optim.RMSprop(p, n(0.1), n(0.9), n(1e-8)),
    "Adam: all options": lambda p, n: optim.Adam(p, n(0.1), (n(0.5), n(0.9)), n(1e-8), n(0.01)),
}


def of_optimizer(make):
    """A function that yields clipped gradients, and the state, parameters and moving average after
    three steps."""

    def drive(draw):
        number = draw(st.sampled_from([float, np.float64, np.float32]))
        net = nn.Sequential(nn.Linear(2, 2, rng=np.random.default_rng(0)), nn.BatchNorm1d(2))
        opt, ema = make(net.parameters(), number), optim.EMA(net, number(0.9))
        for _ in range(3):
            x = np.random.default_rng(1).normal(size=(4, 2)).astype(np.float32)
            grads = grad(ops.mean(net(x) ** 2), net.parameters())
            for clipped in (
                optim.clip_grad_norm(grads, number(0.1)),
                optim.clip_grad_value(grads, number(0.1)),
            ):
                yield from (("a clipped gradient", g) for g in clipped)
            opt.step(grads)
            ema.update()
        yield from ((f"state {name}", vector) for name, vector in opt.state.items())
        for network in (net, ema.module):
            for name, array in network.state_dict().items():
                if name != "1.num_batches_tracked":
                    yield name, array

    return drive


CASES = {str(case): of_case(case) for case in EVERYTHING}
DRIVES = CASES | {name: of_optimizer(make) for name, make in OPTIMIZERS.items()}


@pytest.mark.parametrize("name", DRIVES)
@settings(max_examples=6)
@given(data=st.data())
def test_float32_is_conserved(name, data):
    for what, array in DRIVES[name](data.draw):
        if isinstance(array, Tensor):
            array = array.data
        assert array.dtype in (FLOAT32, np.dtype(bool)), what


def test_a_number_takes_the_dtype_of_the_tensor_it_meets():
    for dtype in (np.float16, np.float32, np.float64):
        x = Tensor(np.ones(2, dtype))
        for number in (2, 2.0, True, np.float64(2), np.float32(2), np.int64(2), np.bool_(True)):
            for y in (x * number, number * x, x + number, number - x, x / number, x**number):
                assert y.dtype == dtype


def test_a_tensor_of_python_floats_is_float32():
    assert Tensor(1.0).dtype == Tensor([1.0, 2.0]).dtype == FLOAT32
    assert Tensor(np.float64(1)).dtype == np.float64  # what NumPy's own reductions return
    assert Tensor([1, 2]).dtype.kind == "i"
