"""The source text of the package, and copies of its modules with other text.

    text("tinygan.gan.algorithm")             the text of the file, as it runs
    code = load({"tinygan.gan.algorithm": changed})
    code["tinygan.gan.algorithm"]["play"]     the changed function; the module stays as it is

A changed text is compiled under the name of the file, so tracebacks and traces have its lines. The
names of MODULES must be imported one by one, as in `from ..gan.games import GAMES`: then a module
sees the changes of another.
"""

import ast
import difflib
import functools
import sys
from collections.abc import Collection, Mapping
from importlib import import_module
from pathlib import PurePath
from typing import Any

from ..errors import InputError, choose, first_line

# The modules that can have another text, each after those it imports names from.
MODULES = (
    "tinygan.optim.rules",
    "tinygan.gan.games",
    "tinygan.gan.algorithm",
    "tinygan.gan.penalties",
    "tinygan.lab.players",
)
LONGEST = 100_000  # characters of a changed text
Names = dict[str, Any]  # the global names of a module


class SourceError(InputError):
    """An error in a source text: the message, and the module and the line where known."""

    def __init__(self, message: str, module: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.module, self.line = module, line


@functools.cache
def text(module: str) -> str:
    """The text of a module's file as it was at the first call.

    Raises InputError for anything but an imported module of this package.
    """
    found = sys.modules.get(module) if module.partition(".")[0] == "tinygan" else None
    loader: Any = getattr(getattr(found, "__spec__", None), "loader", None)
    source = loader.get_source(module) if hasattr(loader, "get_source") else None
    if source is None:
        raise InputError(f"module: expected a module of tinygan, got {module!r:.60}")
    return str(source)


def file_of(module: str) -> str:
    """The path of a module's file from the root of the project: "tinygan/gan/algorithm.py"."""
    path = PurePath(str(sys.modules[module].__file__))
    depth = module.count(".") + 1 + (path.stem == "__init__")
    return "/".join(path.parts[-depth:])


def load(changes: Mapping[str, str]) -> dict[str, Names]:
    """The names of each of MODULES, with these texts in place of the files'.

    In a changed module everything runs again, except imports and classes that did not change:
    objects of such a class are still objects of it for other modules. In the modules after it runs
    what uses a name that changed. The modules themselves stay as they are.

    Raises InputError for another module, SourceError if a text does not compile or run.
    """
    for module in changes:
        choose("module", module, MODULES)
    code: dict[str, Names] = {}
    for module in MODULES:
        names = dict(vars(import_module(module)))
        replaced = {
            name: value
            for earlier, theirs in code.items()
            for name, value in theirs.items()
            if name in names and names[name] is vars(sys.modules[earlier]).get(name) is not value
        }
        code[module] = names | replaced
        if module in changes:
            _run(module, changes[module], code[module], set(replaced))
        elif replaced:
            _run(module, text(module), code[module], set(replaced))
    return code


def _run(module: str, source: str, names: Names, stale: set[str]) -> None:
    """Run the statements of a module's text that have to: see `load`. `stale` are the names that
    changed in other modules."""
    file = str(names["__file__"])
    if len(source) > LONGEST:
        raise SourceError(f"expected at most {LONGEST} characters, got {len(source)}", module)
    try:
        now = ast.parse(source, file).body
    except SyntaxError as problem:
        raise SourceError(f"SyntaxError: {problem.msg}", module, problem.lineno) from problem
    except (ValueError, RecursionError, MemoryError) as problem:  # null bytes, too deep
        raise fault(problem, [module]) from problem
    before = ast.parse(text(module)).body
    same = {ast.dump(statement) for statement in before}
    new = [statement for statement in now if ast.dump(statement) not in same]
    stale = stale.union(*map(defined, new))
    while more := {name for each in now if used(each) & stale for name in defined(each)} - stale:
        stale |= more
    definitions = [each for each in now if not isinstance(each, (ast.Import, ast.ImportFrom))]
    again = {id(each) for each in definitions if defined(each) & stale}
    if source != text(module):
        again |= {id(each) for each in definitions if not isinstance(each, ast.ClassDef)}
    for name in set().union(*map(defined, before)).difference(*map(defined, now)):
        names.pop(name, None)
    body = [each for each in now if each in new or id(each) in again]
    try:
        exec(compile(ast.Module(body, []), file, "exec"), names)
    except Exception as problem:
        raise fault(problem, [module]) from problem


def defined(statement: ast.stmt) -> set[str]:
    """The names that a top-level statement defines."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {(each.asname or each.name).partition(".")[0] for each in statement.names}
    found = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
    return {node.id for node in found if isinstance(node.ctx, ast.Store)}


def used(statement: ast.stmt) -> set[str]:
    """All names in a statement, with those of its own variables."""
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}


def fault(problem: BaseException, modules: Collection[str] = MODULES) -> SourceError:
    """An exception as one line, with the last line of these modules that it passed through."""
    files = {str(sys.modules[module].__file__): module for module in modules}
    error = SourceError(f"{type(problem).__name__}: {first_line(problem)}")
    trace = problem.__traceback__
    while trace is not None:
        if (file := trace.tb_frame.f_code.co_filename) in files:
            error.module, error.line = files[file], trace.tb_lineno
        trace = trace.tb_next
    return error


def changed_lines(module: str, source: str) -> list[int]:
    """The lines of this text that differ from the file's, from 1."""
    before, now = text(module).splitlines(), source.splitlines()
    blocks = difflib.SequenceMatcher(None, before, now, autojunk=False).get_opcodes()
    return [
        line
        for kind, _, _, first, end in blocks
        if kind != "equal"
        for line in range(first + 1, end + 1)
    ]
