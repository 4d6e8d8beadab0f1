"""Write the names of a real CuPy, for the guard. Needs CuPy, but no GPU.

python tests/cupy_names.py > tests/cupy_names.txt
"""

import functools
import inspect
import re

import cupy


def parameters(thing, name):
    """The parameters of a callable as text, with None for each default; None if it has none."""
    if isinstance(thing, cupy.ufunc):
        return "*inputs, out=None, dtype=None, casting=None"
    if isinstance(thing, type) or not callable(thing):
        return None
    try:
        signature = inspect.signature(thing)
    except ValueError:  # compiled: the signature is the first line of its documentation
        first = (thing.__doc__ or "").split("\n")[0]
        found = re.match(rf"(?:\w+\.)*{name}\((.*)\)( -> .*)?$", first)
        if not found:
            return None
        parts = [part.strip() for part in found[1].split(",") if part.strip()]
        return ", ".join(compiled(part) for part in parts if part != "self")
    bare = [
        p.replace(annotation=p.empty, default=p.empty if p.default is p.empty else None)
        for p in signature.parameters.values()
        if p.name != "self"
    ]
    return str(inspect.Signature(bare))[1:-1]


def compiled(part):
    """`int axis=-1` as `axis=None`."""
    left, equals, _ = part.partition("=")
    return left.split()[-1] + "=None" * bool(equals)


def lines():
    """A line for each public name, marked if its documentation says that it synchronizes."""
    for place in ("", ".lib", ".lib.stride_tricks", ".linalg", ".ndarray"):
        owner = functools.reduce(getattr, place.split(".")[1:], cupy)
        for name in dir(owner):
            if not name.startswith("_") and name not in ("annotations", "np"):  # left-overs
                thing = getattr(owner, name)
                text = parameters(thing, name)
                waits = " waits" * ("synchroniz" in (thing.__doc__ or ""))
                yield f"cupy{place}.{name}" + ("" if text is None else f"({text}){waits}")


if __name__ == "__main__":
    print(f"# CuPy {cupy.__version__}, made by `python tests/cupy_names.py > tests/cupy_names.txt`")
    print(*sorted(lines()), sep="\n")
