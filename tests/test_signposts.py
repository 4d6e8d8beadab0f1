"""A name of PyTorch that does not exist here raises an error with a hint, and the hint works."""

import contextlib
import importlib
import inspect
import re

import numpy as np
import pytest
import safetensors.numpy

import tinygan
from tinygan import (
    BackendUnavailable,
    Tensor,
    backend,
    grad,
    losses,
    nn,
    no_grad,
    ops,
    optim,
    signposts,
)

HINTS = [
    (owner, name, hint)
    for owner in signposts.SIGNPOSTS
    for name, hint in signposts._hints(owner).items()
]


class Net(nn.Module):
    def __init__(self, rng):
        super().__init__()
        self.inner = nn.Linear(3, 3, rng=rng)

    def forward(self, x):
        return self.inner(x)


@pytest.fixture
def names():
    """The names that the code of a hint uses."""
    rng = np.random.default_rng(0)
    net, array, targets = Net(rng), rng.random((3, 3), np.float32), np.eye(3, dtype=np.float32)
    w, opt = net.inner.weight, optim.SGD(net.parameters(), lr=0.1)
    logits = net(array)
    loss = losses.mse(logits, targets)
    return {
        **{"np": np, "rng": rng, "array": array, "net": net, "opt": opt, "w": w, "x": ops.exp(w)},
        **{"loss": loss, "logits": logits, "targets": targets, "labels": np.arange(3)},
        **{"Tensor": Tensor, "grad": grad, "no_grad": no_grad, "safetensors": safetensors},
        **{"nn": nn, "ops": ops, "losses": losses, "optim": optim},
    }


def owner_of(owner, names):
    """The object that has these signposts."""
    if owner.startswith("tinygan"):
        return importlib.import_module(owner)
    return {"Tensor": names["x"], "Module": names["net"], "Optimizer": names["opt"]}[owner]


@pytest.mark.parametrize(("owner", "name", "hint"), HINTS, ids=[f"{o}.{n}" for o, n, _ in HINTS])
def test_a_name_of_pytorch_leads_to_code_that_works(
    owner, name, hint, names, tmp_path, monkeypatch
):
    thing = owner_of(owner, names)
    with pytest.raises(AttributeError) as raised:
        getattr(thing, name)
    assert str(raised.value).endswith(f"has no attribute {name!r}; {hint}")
    assert not hasattr(thing, name) and "\n" not in hint
    monkeypatch.chdir(tmp_path)
    codes = re.findall(r"`([^`]+)`", hint)
    for code in codes:
        with contextlib.suppress(BackendUnavailable):  # no GPU
            exec(code, names)
    assert codes or name in ("functional", "utils")


@pytest.mark.parametrize(
    ("name", "missing", "kind"),
    [("w", "grad", "Parameter"), ("net", "cuda", "Net"), ("opt", "zero_grad", "SGD")],
)
def test_the_message_names_the_class_of_the_object(names, name, missing, kind):
    with pytest.raises(AttributeError, match=f"^'{kind}' object has no attribute '{missing}'; "):
        getattr(names[name], missing)


@pytest.mark.parametrize("name", ["grad", "requires_grad"])
def test_a_parameter_gets_no_attribute_of_pytorch(names, name):
    with pytest.raises(AttributeError, match=r"; (gradients are asked|only what is named)"):
        setattr(names["w"], name, None)


def test_a_network_may_use_the_names(names):
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.device = self.cuda = nn.ReLU()

        def float(self):
            return 1.0

    own = Own()
    assert own.float() == 1.0 and [name for name, _ in own.children()] == ["device", "cuda"]


def test_a_name_that_pytorch_has_not_either_has_no_hint(names):
    for thing in (names["x"], names["net"], names["opt"], nn, ops, losses, optim, tinygan):
        with pytest.raises(AttributeError, match=r"has no attribute 'nothing'$"):
            _ = thing.nothing


@pytest.mark.parametrize(
    "compare",
    [lambda x: x > 0, lambda x: 0 <= x, lambda x: np.ones(3) < x, lambda x: x >= x],  # noqa: SIM300
)
def test_a_comparison_says_what_to_compare(names, compare):
    with pytest.raises(TypeError, match=r"has no <.*ops\.where\(x\.data > 0, x, 0\)"):
        compare(names["x"])
    assert ops.where(names["x"].data > 0, names["x"], 0).shape == (3, 3)


def test_size_is_a_number_and_its_call_says_so(names):
    size = names["x"].size
    assert size == 9 and type(size + 1) is int and repr(size) == "9" and f"{size:>2}" == " 9"
    for call in (lambda: size(), lambda: size(0)):
        with pytest.raises(TypeError, match=r"not a method; use `x\.shape`$"):
            call()


@pytest.mark.parametrize(
    ("device", "here"), [("cpu", "numpy"), ("cuda", "cupy"), ("cuda:1", "cupy")]
)
def test_a_device_of_pytorch_is_named_as_a_backend(names, device, here):
    expected = rf"expected one of .*; {device.split(':')[0]} is {here} here$"
    for call in (names["x"].to, names["net"].to, backend.use):
        with pytest.raises(BackendUnavailable, match=expected):
            call(device)


def test_other_attributes_are_as_fast_as_without_signposts():
    """Python optimizes the access to attributes only in a class without these methods."""
    for kind in (Tensor, nn.Module, optim.Optimizer):
        assert not hasattr(kind, "__getattr__")
        assert inspect.getattr_static(kind, "__getattribute__") is object.__getattribute__
