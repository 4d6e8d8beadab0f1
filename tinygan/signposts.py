"""Signposts: a name of PyTorch that does not exist here raises an error that says what to use.

    loss.backward()     AttributeError: 'Tensor' object has no attribute 'backward'; gradients are
                        asked for by name: `grad(loss, net.parameters())`

In a class, a signpost is a descriptor, so that other attributes stay fast: Python does not optimize
the attributes of a class with `__getattr__`. `hasattr` is False, and subclasses may use the name.
"""

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

Class = TypeVar("Class", bound=type)

_ASK = "gradients are asked for by name: `grad(loss, net.parameters())`"
_NEW = "nothing accumulates: `opt.step(grad(loss, opt.parameters))` takes new gradients"
_ONLY = "only what is named is differentiated: `grad(loss, [w])`; `x.detach()` is a constant"
_FLAT, _ORDER = (
    "use `x.reshape(len(x), -1)`",
    "use `x.transpose(1, 0)`, with all axes in their order",
)
_CLIP = "use `ops.clip(x, 0, 1)`"
_BCE = "use `losses.bce_with_logits(logits, targets)`, for a D that ends without a sigmoid"
_MSE, _L1 = "use `losses.mse(x, targets)`", "use `losses.l1(x, targets)`"

DEVICES = {"cpu": "numpy", "cuda": "cupy"}  # the backends by PyTorch's names of devices

# By class or module: names, and the way here. A test runs all code in backquotes.
SIGNPOSTS = {
    "Tensor": {
        "backward grad retain_grad": _ASK,
        "requires_grad requires_grad_": _ONLY,
        "grad_fn is_leaf": "`x.edges` has the parents and their gradient rules; a leaf has none",
        "view flatten": _FLAT,
        "permute": _ORDER,
        "squeeze": "use `x[:, 0]` or `x.reshape(-1)`",
        "unsqueeze": "use `x[None]` or `x[:, None]`",
        "expand": "use `ops.broadcast_to(x, (4, *x.shape))`",
        "clamp clip": _CLIP,
        "pow": "use `x**2`",
        "matmul mm": "use `x @ x.T`",
        "float double half long int": "use `x.astype(np.float32)`",
        "cpu": 'use `x.numpy()` for the array, or `x.to("numpy")`',
        "cuda": 'use `x.to("cupy")`',
        "device": "use `x.backend`",
        "dim": "use `x.ndim`",
        "numel": "use `x.size`",
        "tolist": "use `x.numpy().tolist()`",
        "clone": "no op changes a tensor; a new leaf is `Tensor(x.data.copy())`",
        "zero_ fill_ copy_": "write in place by `w.data[...] = 0`, then `w.touch()`",
        **{name: f"use `ops.{name}(x)`" for name in ("abs", "exp", "log", "min", "relu", "sqrt")},
        **{name: f"use `ops.{name}(x)`" for name in ("sigmoid", "softmax", "softplus", "tanh")},
    },
    "Module": {
        "zero_grad": _NEW,
        "requires_grad_": "let an optimizer have only what learns: `optim.SGD([w], lr=0.1)`",
        "cpu": 'use `net.to("numpy")`',
        "cuda": 'use `net.to("cupy")`',
        "float double half": "use `net.astype(np.float32)`",
        "register_buffer": "an attribute that is an array is a buffer: `net.mean = np.zeros(3)`",
        "register_parameter": "use `net.scale = nn.Parameter(np.ones(3))`",
        "add_module": "use `net.head = nn.ReLU()`",
        "named_modules named_children": "use `net.modules()`, or `net.children()` with names",
        "register_forward_hook": "use `net.hook`",
    },
    "Optimizer": {
        "zero_grad": _NEW,
        "param_groups": "an optimizer has one `opt.lr`; make one for each learning rate",
    },
    "tinygan": {
        "randn": "use `Tensor(rng.standard_normal((64, 100), dtype=np.float32))`",
        "zeros ones": "use `Tensor(np.zeros((2, 3), np.float32))`",
        "from_numpy": "use `Tensor(array)`",
        "cat": "use `ops.concatenate([x, x])`",
        "manual_seed": "layers take their source of numbers: `nn.Linear(2, 3, rng=rng)`",
        "enable_grad inference_mode set_grad_enabled": "use `with no_grad(): net(x)`",
        "save load": 'use `safetensors.numpy.save_file(net.state_dict(), "net.safetensors")`',
    },
    "tinygan.ops": {
        "cat": "use `ops.concatenate([x, x])`",
        "clamp": _CLIP,
        "flatten view": _FLAT,
        "permute": _ORDER,
    },
    "tinygan.nn": {
        "BCELoss BCEWithLogitsLoss": _BCE,
        "CrossEntropyLoss NLLLoss": "use `losses.cross_entropy(logits, labels)`",
        "MSELoss": _MSE,
        "L1Loss": _L1,
        "Dropout1d Dropout2d": "use `nn.Dropout(0.5, rng=rng)`, which drops single elements",
        "MaxPool2d AvgPool2d": "use a stride: `nn.Conv2d(3, 3, 3, stride=2, padding=1, rng=rng)`",
        "Softmax LogSoftmax": "use `ops.softmax(x, axis=1)` or `ops.log_softmax(x, axis=1)`",
        "ModuleList": "a list is enough: `net.blocks = [nn.ReLU(), nn.Tanh()]`",
        "Identity": "use `nn.Sequential()`",
        "functional": "functions of tensors are in `ops` and `losses`",
        "utils": "use `optim.clip_grad_norm`, `nn.SpectralNorm` and `nn.WeightNorm`",
    },
    "tinygan.losses": {
        "binary_cross_entropy binary_cross_entropy_with_logits": _BCE,
        "mse_loss": _MSE,
        "l1_loss": _L1,
    },
    "tinygan.optim": {
        "AdamW": "use `optim.Adam(net.parameters(), weight_decay=0.01)`, which decouples it",
        "lr_scheduler": "a rate may be a function of the updates so far, as `lambda t: 0.99**t`",
    },
}


class Size(int):
    """A number of elements: an int, whose call raises TypeError with the way to the shape."""

    def __call__(self, *axis: int) -> NoReturn:
        raise TypeError("size is the number of elements, not a method; use `x.shape`")


class Signpost:
    """A class attribute that raises AttributeError with a hint when it is read."""

    def __init__(self, name: str, hint: str) -> None:
        self.name, self.hint = name, hint

    def __get__(self, instance: object, owner: type) -> NoReturn:
        raise AttributeError(
            f"{owner.__name__!r} object has no attribute {self.name!r}; {self.hint}"
        )


class Fixed(Signpost):
    """A signpost that an instance without a __dict__ cannot replace, as by `w.grad = None`."""

    def __set__(self, instance: object, value: object) -> None:
        self.__get__(instance, type(instance))


def of_device(name: str) -> str:
    """The hint for a backend with the name of a device of PyTorch, or "" for any other name."""
    return f"; {name} is {DEVICES[name]} here" if name in DEVICES else ""


def signposted(kind: Class) -> Class:
    """Give a class its signposts."""
    sign = Signpost if kind.__dictoffset__ else Fixed
    for name, hint in _hints(kind.__name__).items():
        setattr(kind, name, sign(name, hint))
    return kind


def missing(module: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module: it raises AttributeError, with the hint if there is one."""

    def raise_it(name: str) -> NoReturn:
        hint = _hints(module).get(name)
        raise AttributeError(
            f"module {module!r} has no attribute {name!r}" + (f"; {hint}" if hint else "")
        )

    return raise_it


def _hints(owner: str) -> dict[str, str]:
    """The hints of a class or module, by name."""
    return {name: hint for names, hint in SIGNPOSTS[owner].items() for name in names.split()}
