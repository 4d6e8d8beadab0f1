"""Each function of the array library that the package uses exists in CuPy."""

import ast
from pathlib import Path

from guard_array import NAMES

import tinygan


def names_used(source):
    """Each dotted name after an `xp`: "exp" of `a.xp.exp(x)`."""
    inner = set()
    for node in ast.walk(ast.parse(source)):
        path, root = [], node
        while isinstance(root, ast.Attribute) and root.attr != "xp":
            path.insert(0, root.attr)
            inner.add(root.value)  # the walk starts with the longest name
            root = root.value
        is_xp = isinstance(root, ast.Attribute) or (isinstance(root, ast.Name) and root.id == "xp")
        if path and is_xp and node not in inner:
            yield ".".join(path)


def unknown(source):
    modules = {name.rpartition(".")[0] for name in NAMES}
    for name in names_used(source):
        head, _, method = f"cupy.{name}".rpartition(".")
        is_method = head in NAMES and head not in modules and method in ("at", "reduce")
        if f"cupy.{name}" not in NAMES and not is_method:
            yield name


def test_names_are_found_and_checked():
    source = """
xp.exp(a.xp.vecdot(of(a).xp.lib.stride_tricks.as_strided(x)))
xp.add.at(x, i, xp.linalg.norm(x) + np.errstate + xp.linalg.vector_norm(x)) + xp.add.bt
"""
    missing = ["add.bt", "linalg.vector_norm", "vecdot"]
    known = ["add.at", "exp", "lib.stride_tricks.as_strided", "linalg.norm"]
    assert sorted(names_used(source)) == sorted(known + missing)
    assert sorted(unknown(source)) == missing


def test_every_name_that_the_package_uses_is_in_cupy():
    sources = [path.read_text() for path in Path(tinygan.__file__).parent.rglob("*.py")]
    used = {name for source in sources for name in names_used(source)}
    assert not [name for source in sources for name in unknown(source)]
    assert {"exp", "concatenate", "zeros_like", "lib.stride_tricks.as_strided"} <= used


def test_the_list_of_names_is_sorted_and_names_its_origin():
    lines = Path(__file__).with_name("cupy_names.txt").read_text().splitlines()
    assert lines[0].startswith("# CuPy 14.") and "cupy_names.py" in lines[0]
    assert lines[1:] == sorted(lines[1:])
    assert {"cupy.matmul", "cupy.linalg.norm", "cupy.ndarray.get"} <= NAMES.keys()
