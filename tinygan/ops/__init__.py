"""The differentiable operations, each a value and its edges, side by side.

    def tanh(a):
        (a,) = lift(a)
        return Tensor(a.xp.tanh(a.data), (a, lambda g, y: g * (1 - y * y)))

`lift` makes operands ready: arrays become tensors, numbers stay numbers (see `tensor.lift`).

An op that broadcasts does not undo it in its rules: `autograd.grad` sums each gradient to the
shape of its parent, once, for all. A rule must use ops (not arrays) wherever its result depends on
a tensor, so that it can be differentiated again; what is constant between kinks (where a relu is
on, which entry is the maximum) may be an array.
"""

from . import arithmetic, normalize, operators, pointwise, reductions, shapes  # noqa: F401
from .arithmetic import *
from .normalize import *
from .pointwise import *
from .reductions import *
from .shapes import *

__all__: list[str] = []
__all__ += arithmetic.__all__
__all__ += normalize.__all__
__all__ += pointwise.__all__
__all__ += reductions.__all__
__all__ += shapes.__all__
