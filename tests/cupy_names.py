"""Write what a real CuPy has, for the guard: run with CuPy installed; needs no GPU.

python tests/cupy_names.py > tests/cupy_names.txt
"""

import inspect
import re

import cupy


def parameters(thing, name):
    """The parameters of a callable as Python's own text, with None for every default, or None."""
    if isinstance(thing, cupy.ufunc):
        return "*inputs, out=None, dtype=None, casting=None"
    if isinstance(thing, type) or not callable(thing):
        return None
    try:
        signature = inspect.signature(thing)
    except ValueError:  # compiled: the signature is the first line of its documentation
        found = re.match(
            rf"(?:\w+\.)*{name}\((.*)\)( -> .*)?$", (thing.__doc__ or "").split("\n")[0]
        )
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
    stride_tricks = cupy.lib.stride_tricks
    places = {
        "cupy": cupy,
        "cupy.lib": cupy.lib,
        "cupy.lib.stride_tricks": stride_tricks,
        "cupy.linalg": cupy.linalg,
        "cupy.ndarray": cupy.ndarray,
    }
    for place, owner in places.items():
        for name in dir(owner):
            if not name.startswith("_") and name not in ("annotations", "np"):  # left-overs
                thing = getattr(owner, name)
                text = parameters(thing, name)
                waits = " waits" * ("synchroniz" in (thing.__doc__ or ""))
                yield f"{place}.{name}" + ("" if text is None else f"({text}){waits}")


if __name__ == "__main__":
    print(f"# CuPy {cupy.__version__}, made by `python tests/cupy_names.py > tests/cupy_names.txt`")
    print(*sorted(lines()), sep="\n")
