"""The package reads from the bottom up: what a module imports stands before it in this list."""

import ast
import graphlib
from pathlib import Path

import pytest
import reading_path

import tinygan

PACKAGE = Path(tinygan.__file__).parent
ORDER = [
    "errors",
    "storage",
    "plots",
    "backend",
    "tensor",
    "checks",
    "ops",
    "conv",
    "autograd",
    "gradcheck",
    "nn",
    "losses",
    "optim",
    "parallel",
    "gan",
    "__init__",
    "models",
    "data",
    "metrics",
    "environment",
    "doctor",
    "training",
    "experiments",
    "commands",
    "__main__",
]
SOURCES = {
    ".".join(("tinygan", *path.relative_to(PACKAGE).with_suffix("").parts)): path.read_text()
    for path in PACKAGE.rglob("*.py")
}


def imports(name, source):
    """The modules that the module `name` imports, anywhere in it, each by its full name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = name.split(".")[: -node.level] if node.level else []
            whole = ".".join([*start, *([node.module] if node.module else [])])
            for alias in node.names:  # a module, or a name in one
                inner = f"{whole}.{alias.name}"
                yield inner if inner in SOURCES or f"{inner}.__init__" in SOURCES else whole


def place(name):
    """The place in the list: of `tinygan.nn.layers` that of "nn". Raises ValueError if none."""
    return ORDER.index(name.split(".")[1] if "." in name else "__init__")


def faults(name, source):
    for other in imports(name, source):
        if other.split(".")[0] == "tinygan" and place(other) > place(name):
            yield f"{name} imports {other}, which stands below it"


@pytest.mark.parametrize("name", SOURCES)
def test_imports_go_up_the_list(name):
    assert list(faults(name, SOURCES[name])) == []


def test_imports_are_read_in_every_form():
    source = """
import os.path
import tinygan.commands.parser
from . import init, Module
from .module import Parameter
from .. import gan, __version__
def later():
    from ..optim import Adam
"""
    assert sorted(imports("tinygan.nn.layers", source)) == [
        "os.path",
        "tinygan",
        "tinygan.commands.parser",
        "tinygan.gan",
        "tinygan.nn",
        "tinygan.nn.init",
        "tinygan.nn.module",
        "tinygan.optim",
    ]
    assert len(list(faults("tinygan.nn.layers", source))) == 4
    with pytest.raises(ValueError, match="not in list"):
        place("tinygan.somewhere.else")


def test_no_import_goes_around_in_a_circle():
    """Within a package, too. A package's `__init__` collects its modules, which do without it."""
    graph = {
        name: {other for other in imports(name, source) if other in SOURCES}
        for name, source in SOURCES.items()
    }
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert order.index("tinygan.ops.shapes") < order.index("tinygan.ops.arithmetic")


def test_only_cuda_knows_cupy():
    users = {
        name
        for name, source in SOURCES.items()
        for other in imports(name, source)
        if other.split(".")[0] in ("cupy", "cupyx", "cupy_backends")
    }
    assert users and all(name.startswith("tinygan.backend.cuda.") for name in users)


@pytest.mark.parametrize("path", reading_path.FILES, ids=lambda path: path.name)
def test_the_reading_path_is_the_one_list(path):
    text = path.read_text()
    assert reading_path.FILES[path](text) == text, "python tests/reading_path.py writes it anew"


def test_the_files_of_the_reading_path_are_there():
    named = [name for files, _ in reading_path.READING for name in files]
    assert all((reading_path.ROOT / name).is_file() for name in named)
    assert len(set(named)) == len(named)
