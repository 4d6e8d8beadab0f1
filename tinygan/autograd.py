"""grad: reverse-mode differentiation.

dx, dw = grad(loss, [x, w])                      gradients are values; nothing accumulates
(dx,) = grad(loss, [x], create_graph=True)       dx can be differentiated again
"""

from collections.abc import Iterable

from .ops import astype, sum_to
from .tensor import Tensor, listed, recording


def grad(
    y: Tensor, xs: Iterable[Tensor], create_graph: bool = False, allow_unused: bool = False
) -> list[Tensor]:
    """The gradient of the scalar y at each tensor in xs. Only pulls on a path from an x to y run.

    Each gradient has the shape and dtype of its x. With `create_graph` its own graph is recorded,
    so that it can be differentiated again. With `allow_unused` an x that y does not depend on has
    gradient 0; without it, such an x is an error.

    Raises TypeError if y or one of xs is not a tensor; ValueError if y is not one number, does not
    depend on one of xs, or one of xs is not floating point; RuntimeError if a tensor of the graph
    was changed after y was computed.
    """
    xs = listed("grad: xs", xs)
    if not isinstance(y, Tensor):
        raise TypeError(f"grad: y must be a Tensor, got {type(y).__name__}")
    if y.size != 1:
        raise ValueError(f"grad: y must be one number, got shape {y.shape}; take its mean or sum")
    for i, x in enumerate(xs):
        if x.dtype.kind != "f":
            raise ValueError(f"grad: xs[{i}] must be floating point, got {x.dtype}")
    wanted = set(xs)
    tape = sorted(_ancestors(y), key=lambda t: t.born)  # parents are older than their children
    if not allow_unused and (unused := wanted.difference(tape)):
        names = [x.name or f"xs[{i}] of shape {x.shape}" for i, x in enumerate(xs) if x in unused]
        raise ValueError(
            f"grad: y does not depend on {', '.join(names)}; computed under no_grad, detached, or "
            "not used at all?"
        )

    path = set(wanted)  # the tensors on a path from some x to y
    for t in tape:
        for parent, _ in t.edges:
            if parent.born > t.born:  # checked for all edges: pulls use the values of all parents
                raise RuntimeError(
                    f"grad: {parent.name or 'a tensor'} of shape {parent.shape} was assigned to"
                    " after this graph was built; compute y again"
                )
            if parent in path:
                path.add(t)

    grads = {y: Tensor(y.xp.ones_like(y.data))}
    with recording(create_graph):
        for t in reversed(tape):  # by now, all of t's children have contributed
            if t not in path:
                continue
            for parent, pull in t.edges:
                if parent in path:
                    g = sum_to(pull(grads[t], t), parent.shape)  # undo any broadcasting, once
                    if g.dtype != parent.dtype:
                        g = astype(g, parent.dtype)
                    grads[parent] = grads[parent] + g if parent in grads else g
            if t not in wanted:
                del grads[t]  # not returned: free the memory
    return [grads[x] if x in grads else Tensor(x.xp.zeros_like(x.data)) for x in xs]


def _ancestors(y: Tensor) -> set[Tensor]:
    """y and all its ancestors, found in a loop, because a graph can be too deep for a recursion."""
    found, queue = {y}, [y]
    while queue:
        for parent, _ in queue.pop().edges:
            if parent not in found:
                found.add(parent)
                queue.append(parent)
    return found
