"""The package reads from the bottom up: what a module imports stands before it in this list."""

import ast
import graphlib
import sys
from pathlib import Path

import numpy as np
import pytest
import reading_path

import tinygan
from tinygan import gan, models, optim
from tinygan.data import Minibatches

PACKAGE = Path(tinygan.__file__).parent
ORDER = [
    "errors",
    "language",
    "signposts",
    "files",
    "writable",
    "plain_array",
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
    "local_ranks",
    "parallel",
    "gan",
    "__init__",
    "models",
    "data",
    "metrics",
    "environment",
    "doctor",
    "lab",
    "training",
    "experiments",
    "exercises",
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


ENGINE = ("ops", "conv", "nn", "losses", "gan")
RUNTIME = ("cpu", "cuda", "graph_replay", "philox", "process")  # of backend/


@pytest.mark.parametrize("name", [n for n in SOURCES if n.split(".")[1] in ENGINE])
def test_the_engine_names_no_threads_no_ranks_and_no_cuda(name):
    runtime = {
        "tinygan.local_ranks",
        "tinygan.parallel",
        *(f"tinygan.backend.{each}" for each in RUNTIME),
    }
    assert not [other for other in imports(name, SOURCES[name]) if other in runtime]


def test_a_round_of_a_perceptron_runs_few_files():
    """At most 16 of the engine and the library, and 3 of backend/: a reader can follow it."""
    images = np.zeros((64, 1, 28, 28), np.uint8)
    rng = np.random.default_rng(0)
    pair = models.build("mlp-small", images.shape[1:], rng=rng)
    data = Minibatches(images, rng=rng, low=pair.low)
    opt_g, opt_d = (optim.Adam(net.parameters()) for net in (pair.G, pair.D))
    noise = pair.noise(rng)
    rounds = gan.play(gan.non_saturating, pair.G, pair.D, data, noise, opt_g, opt_d)
    next(rounds)
    files = set()

    def note(frame, event, argument):
        path = Path(frame.f_code.co_filename)
        if event == "call" and PACKAGE in path.parents:
            files.add(path.relative_to(PACKAGE).as_posix())

    sys.setprofile(note)
    try:
        next(rounds)
    finally:
        sys.setprofile(None)
    runtime = {name for name in files if name.startswith("backend/")}
    assert "gan/algorithm.py" in files and "tensor.py" in files
    assert len(files - runtime) <= 16 and len(runtime) <= 3, sorted(files)
