"""The differentiable operations. Each computes a value and, for each parent, a gradient rule.

    def tanh(a):
        (a,) = lift(a)
        return Tensor(a.xp.tanh(a.data), (a, lambda g, y: g * (1 - y * y)))

`lift` prepares operands: arrays become tensors, numbers stay numbers (see `tensor.lift`).

A rule does not undo broadcasting: `autograd.grad` sums each gradient to the shape of its parent.
A rule uses ops (not arrays) wherever its result depends on a tensor, so that it can be
differentiated again. Piecewise constant factors (where a ReLU is active, which entry is the
maximum) may be arrays.
"""

import typing

from .. import signposts
from . import operators  # noqa: F401
from .arithmetic import *
from .normalize import *
from .pointwise import *
from .reductions import *
from .shapes import *

if not typing.TYPE_CHECKING:  # it would allow every name
    __getattr__ = signposts.missing(__name__)
