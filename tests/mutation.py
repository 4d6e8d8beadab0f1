"""Break every gradient rule in every small way, and run the tests that should notice.

    python tests/mutation.py              all mutants: a table, survivors, exit status 1 if any
    python tests/mutation.py tensor.py    those of one file of the package
    python tests/mutation.py --list       their names only

No file is written. Each mutant is compiled in a process of its own, forked from one that has loaded
NumPy, pytest and hypothesis. It runs the tests of its own op first, then all tests of gradients.
"""

import argparse
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator

import hypothesis.extra.numpy  # noqa: F401  loaded once, before the forks
import numpy as np  # noqa: F401
import pytest
import scipy.signal
import scipy.special  # noqa: F401
from mutants import PACKAGE, Mutant, mutants

TESTS = PACKAGE.parent / "tests"
FIRST = {
    "autograd.py": ["test_autograd.py", "test_stale.py", "test_memory.py", "test_errors.py"],
    "conv/__init__.py": ["test_conv.py"],
    "conv/im2col.py": ["test_conv.py"],
    "conv/winograd.py": ["test_conv.py"],
    "gan/smoothing.py": ["test_gan_gradients.py"],
    "gan/penalties.py": ["test_gan_gradients.py", "test_errors.py"],
}
ALL = [
    "test_ops.py",
    "test_conv.py",
    "test_autograd.py",
    "test_stale.py",
    "test_layers.py",
    "test_mean_over_ranks.py",
    "test_losses.py",
    "test_gan_gradients.py",
    "test_dtype.py",
]
SECONDS = 100  # of processor time for one mutant; a mutant that does not end is killed


def _detached(backend: str, name: str) -> str:
    return f"{backend}: {name}  ->  ({name}.detach() if hasattr({name}, 'detach') else {name})"


# Mutants that are equivalent to the original, each with the reason.
EQUIVALENT: dict[str, str] = {
    f"{backend}  in  {line}": why
    for line, wheres in {
        "if parent.born > t.born:": {
            "autograd.py, grad: parent.born > t.born  ->  parent.born >= t.born": "all differ",
        },
        "if g.dtype != parent.dtype:": {
            "autograd.py, grad: g.dtype != parent.dtype  ->  True": "the same dtype is the same",
        },
        "return weight * mean((sqrt(slopes + 1e-12) - 1) ** 2)": {
            "gan/penalties.py, wgan_gp: "
            "sqrt(slopes + 1e-12) - 1  ->  (1) - (sqrt(slopes + 1e-12))": "even",
        },
        "checks.tensors(x=x, fake=fake)": {
            _detached("gan/penalties.py, wgan_gp", "x"): "still a tensor",
            _detached("gan/penalties.py, wgan_gp", "fake"): "still a tensor",
        },
        "checks.tensors(x=x)": {_detached("gan/penalties.py, r1", "x"): "still a tensor"},
        "checks.tensors(fake=fake)": {
            _detached("gan/penalties.py, r2", "fake"): "still a tensor",
        },
        "return g * b * power(a, where((raw(a) == 0) & (b.data == 0), 1.0, b - 1))": {
            "ops/arithmetic.py, power: 1.0  ->  2.0": "0 to any positive power is 0",
        },
        "if b == 0:": {_detached("ops/arithmetic.py, power", "b"): "a number"},
        "return g * 0.0": {
            _detached("ops/arithmetic.py, power", "g"): "0 at any g",
            **{
                f"ops/arithmetic.py, power: g * 0.0  ->  {after}": "0 as well"
                for after in ("-(g * 0.0)", "(g * 0.0) * 0.0", "(g * 0.0) * 1.01")
            },
        },
        "return g * b * power(a, b - 1)": {_detached("ops/arithmetic.py, power", "b"): "a number"},
        "if a < 0:": {_detached("ops/arithmetic.py, power", "a"): "a number"},
        "return g * y * math.log(a or 1.0)": {
            _detached("ops/arithmetic.py, power", "a"): "a number",
            "ops/arithmetic.py, power: 1.0  ->  2.0": "y is 0 where a is",
        },
        "if a.shape == shape:": {
            "ops/shapes.py, sum_to: a.shape == shape  ->  False": "the sum over no axis",
        },
        "axes = tuple(i for i in range(a.ndim) if i < new or (shape[i - new] == 1 and a.shape[i] != 1))": {  # noqa: E501
            "ops/shapes.py, sum_to: a.shape[i] != 1  ->  True": "the sum of one element",
        },
        "index = (slice(None),) * axis + (slice(start, stop),)": {
            _detached("ops/shapes.py, concatenate", "start"): "an int",
            _detached("ops/shapes.py, concatenate", "stop"): "an int",
        },
        "index, value = _raw(index), a.xp.zeros(shape, dtype=a.dtype)": {
            "ops/shapes.py, scatter: _raw(index)  ->  index": "getitem did it already",
        },
        "if latest[0] != g.born:": {
            "ops/normalize.py, standardize: latest[0] != g.born  ->  True": "computed again",
        },
        "return g * again()[0] if is_recording() else Tensor(sums(g)[1])": {
            "ops/normalize.py, standardize: g * again()[0] if is_recording() else "
            "Tensor(sums(g)[1])  ->  g * again()[0]": "the composed rule gives the same",
        },
        "return g if is_recording() else Tensor(sums(g)[0])": {
            "ops/normalize.py, standardize: g if is_recording() else Tensor(sums(g)[0])  ->  g": (
                "the composed rule gives the same"
            ),
        },
        "(a,), eps = lift(a), float(eps)": {
            "ops/normalize.py, standardize: float(eps)  ->  eps": "all is written in place",
        },
        "y = with_channels(a.xp.add, y, bias.data, out=None if y is z else y)": {
            "ops/normalize.py, standardize: None if y is z else y  ->  None": "another array",
        },
        "return np.vstack([values, np.arange(n) == n - 1])": {
            "conv/winograd.py, _matrices: np.vstack([values, np.arange(n) == n - 1])  ->  "
            "-(np.vstack([values, np.arange(n) == n - 1]))": "the signs cancel",
        },
        "tiles = tiles.reshape(v.places, v.tiles, h.tiles, h.places, stop - start, o)": {
            "conv/winograd.py, Winograd.to_y: stop - start  ->  (start) - (stop)": "as reshape's -1",  # noqa: E501
        },
        "places = places.reshape(stop - start, v.tiles * v.places, h.tiles * h.places, o)": {
            "conv/winograd.py, Winograd.to_y: stop - start  ->  (start) - (stop)": "as reshape's -1",  # noqa: E501
        },
        "kernels = kernels.reshape(v.taps, sh, sw, h.taps, stop - start, o)": {
            "conv/winograd.py, Winograd.to_w: stop - start  ->  (start) - (stop)": "as reshape's -1",  # noqa: E501
        },
        "if (v.taps * sh, h.taps * sw) != (kh, kw):": {
            f"conv/winograd.py, Winograd._of_w: {change}": "an equal copy"
            for change in (
                "(v.taps * sh, h.taps * sw) != (kh, kw)  ->  True",
                "v.taps * sh  ->  sh",
                "v.taps * sh  ->  (v.taps) / (sh)",
                "h.taps * sw  ->  sw",
                "h.taps * sw  ->  (h.taps) / (sw)",
            )
        },
        "if inside.shape != out.shape:": {
            "conv/winograd.py, Winograd._uncells: inside.shape != out.shape  ->  True": (
                "zeros that are overwritten"
            ),
        },
        "if places.shape != full:": {
            "conv/winograd.py, Winograd.of_y: places.shape != full  ->  True": "an equal copy",
        },
        "return reshape(g, kept) * Tensor(shares_of_largest(a.data, y.data.reshape(kept), axis))": {
            "ops/reductions.py, max: shares_of_largest(a.data, y.data.reshape(kept), axis)  ->  "
            "shares_of_largest(y.data.reshape(kept), a.data, axis)": "equality is symmetric",
        },
        "if x.ndim == 2:": {
            "ops/arithmetic.py, _weight_pull: x.ndim == 2  ->  False": "the rest includes 2",
        },
    }.items()
    for backend, why in wheres.items()
}


class Broken(importlib.machinery.SourceFileLoader):
    """Loads a module from a mutant's source."""

    def __init__(self, name: str, mutant: Mutant) -> None:
        super().__init__(name, str(PACKAGE / mutant.path))
        self.mutant = mutant

    def get_code(self, fullname: str):
        return compile(self.mutant.source, self.path, "exec")


class Finder:
    def __init__(self, mutant: Mutant) -> None:
        parts = ["tinygan", *mutant.path.removesuffix(".py").split("/")]
        self.name = ".".join(parts).removesuffix(".__init__")
        self.mutant = mutant

    def find_spec(self, name: str, path=None, target=None):
        if name != self.name:
            return None
        return importlib.util.spec_from_loader(name, Broken(name, self.mutant))


def passes(*selection: str) -> bool:
    """Return whether all selected tests pass. An empty selection passes."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = pytest.main(
            [
                *("-x", "-q", "--tb=no", "--assert=plain", "--hypothesis-profile=mutation"),
                *("-o", "addopts=", "-p", "no:xdist"),  # one process for each mutant
                *("-p", "no:cacheprovider", "-p", "no:unraisableexception"),
                f"--rootdir={TESTS.parent}",
                *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
                *selection,
            ]
        )
    return code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def paths(names: list[str]) -> list[str]:
    return [str(TESTS / name) for name in names]


def survives(mutant: Mutant | None) -> bool:
    """Return whether all tests pass on a mutant; for None, on the package itself."""
    sys.dont_write_bytecode = True
    sys.path[:0] = [str(PACKAGE.parent), str(TESTS)]
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    if mutant is None:
        return passes(*paths(ALL))
    sys.meta_path.insert(0, Finder(mutant))
    first = FIRST.get(mutant.path, ["test_ops.py"])
    of_the_op = () if mutant.path in FIRST else ("-k", mutant.function)
    return passes(*of_the_op, *paths(first)) and passes(*paths(ALL))


def verdicts(candidates: list[Mutant | None]) -> Iterator[tuple[Mutant | None, bool]]:
    """(mutant, whether it survives) for each, tested in a process of its own."""
    waiting, running = list(reversed(candidates)), {}
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            mutant = waiting.pop()
            pid = os.fork()
            if pid == 0:
                code = 1
                with contextlib.suppress(BaseException):
                    code = int(survives(mutant))
                os._exit(code)  # nothing of the parent's runs again
            running[pid] = mutant
        pid, status = os.wait()
        yield running.pop(pid), os.WIFEXITED(status) and os.WEXITSTATUS(status) == 1


def main() -> int:
    parser = argparse.ArgumentParser(description="Break every gradient rule and run the tests.")
    parser.add_argument("paths", nargs="*", help="files below tinygan/; all if none is given")
    parser.add_argument("--list", action="store_true", help="name the mutants and end")
    options = parser.parse_args()
    chosen = [m for m in mutants() if not options.paths or m.path in options.paths]
    if options.list:
        print(*(m for m in chosen if str(m) not in EQUIVALENT), sep="\n")
        return 0
    if unknown := set(EQUIVALENT) - {str(m) for m in mutants()}:
        print("no longer among the mutants:", *sorted(unknown), sep="\n  ")
        return 1
    started = time.perf_counter()
    ((_, sound),) = verdicts([None])
    if not sound:
        print("the tests fail on the package as it is; no mutant can be tested")
        return 1

    tried = [m for m in chosen if str(m) not in EQUIVALENT]
    made, equivalent = Counter(m.path for m in chosen), Counter(m.path for m in chosen)
    equivalent.subtract(Counter(m.path for m in tried))
    survivors = []
    for done, (mutant, survived) in enumerate(verdicts(tried), 1):
        if survived:
            survivors.append(mutant)
            print(f"survived: tinygan/{mutant.path}:{mutant.line}  {mutant}", flush=True)
        if sys.stderr.isatty() or done % 100 == 0:
            print(f"{done} of {len(tried)}", end="\r", file=sys.stderr, flush=True)
    print(f"{'file':24}{'mutants':>9}{'killed':>9}{'equivalent':>12}{'survived':>10}")
    alive = Counter(m.path for m in survivors)
    rows = [(path, made[path], equivalent[path], alive[path]) for path in sorted(made)]
    rows.append(("all", made.total(), equivalent.total(), alive.total()))
    for path, n, same, left in rows:
        print(f"{path:24}{n:9}{n - same - left:9}{same:12}{left:10}")
    print(f"in {time.perf_counter() - started:.0f} s")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
