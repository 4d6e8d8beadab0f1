"""tinygan: generative adversarial networks from scratch, on NumPy and CuPy.

Read the files in this order:

    examples/first_gan.py                    the training loop, written out with the public API
    examples/gan_on_one_page.py              a whole GAN in NumPy, without tinygan
    tensor.py                                a value, with one edge to each tensor it was made from
    ops/pointwise.py, ops/arithmetic.py      each op next to its gradient rule
    autograd.py                              grad: the chain rule, once
    gradcheck.py                             the rules against finite differences
    nn/module.py, nn/layers.py               networks and their parameters
    losses.py, optim/rules.py                losses of logits; the update rules of optimizers
    gan/games.py                             the losses of D and of G
    gan/algorithm.py                         Algorithm 1
    gan/penalties.py                         penalties on the gradient of D
    gan/theory.py                            why it works, in closed form
    conv, conv/im2col.py, nn/norm.py         convolution and normalization, for DCGAN
    gan/variants                             then one variant, one paper

The names below are the public API. Import `tinygan.data`, `tinygan.models`, `tinygan.plots` and
`tinygan.training` explicitly. `tinygan.backend.process.tune()` configures the process for speed;
the commands call it.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import backend, gan, losses, nn, ops, optim
    from .autograd import grad
    from .conv import conv2d, conv_transpose2d
    from .errors import BackendUnavailable, InputError
    from .gan import Game, play, play_simultaneously
    from .tensor import Tensor, no_grad

__all__ = [
    "BackendUnavailable",
    "Game",
    "InputError",
    "Tensor",
    "backend",
    "conv2d",
    "conv_transpose2d",
    "gan",
    "grad",
    "losses",
    "nn",
    "no_grad",
    "ops",
    "optim",
    "play",
    "play_simultaneously",
]

__version__ = "0.2.0"

_DEFINED_IN = {  # the names that are no modules
    "BackendUnavailable": "errors",
    "Game": "gan",
    "InputError": "errors",
    "Tensor": "tensor",
    "conv2d": "conv",
    "conv_transpose2d": "conv",
    "grad": "autograd",
    "no_grad": "tensor",
    "play": "gan",
    "play_simultaneously": "gan",
}


def __getattr__(name: str) -> Any:
    """Import a name of the public API at its first use, so that `python -m tinygan` can catch
    Ctrl-C before NumPy is imported."""
    if name not in __all__:
        from .signposts import missing

        missing(__name__)(name)
    module = importlib.import_module(f".{_DEFINED_IN.get(name, name)}", __name__)
    globals()[name] = getattr(module, name) if name in _DEFINED_IN else module
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
