"""The definitions of the names in a source text, within the package.

    reader = Reader(changes, load(changes), live={"game": hinge, "opt_g": opt_g})
    reader.definition("tinygan.gan.algorithm", "opt_g.step")      ("tinygan.optim.optimizer", 85)
    reader.page("tinygan.gan.algorithm")                          the text with all its links

A name from outside the package has no definition here.
"""

import ast
import functools
import inspect
import sys
from collections.abc import Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from .source import MODULES, Names, changed_lines, defined, file_of, text

Place = tuple[str, int]  # a module and a line of it
ALGORITHM = "tinygan.gan.algorithm"
NOTHING: Mapping[str, Any] = {}


class Reader:
    """The source as it runs: the texts of `changes` and the names that `load` made of them.

    `live` has the objects that the arguments of the functions in `gan/algorithm.py` stand for.
    """

    def __init__(
        self,
        changes: Mapping[str, str] = NOTHING,
        code: Mapping[str, Names] = NOTHING,
        live: Mapping[str, Any] = NOTHING,
    ) -> None:
        self.changes, self.code, self.live = changes, code, live

    def text(self, module: str) -> str:
        """The text of a module. Raises InputError for anything but a module of this package."""
        return self.changes[module] if module in self.changes else text(module)

    def page(self, module: str) -> dict[str, Any]:
        """The text of a module and that of its file, its links [line, start, end, "module:line"],
        the changed lines, the first and the last line of `play` if it has one, and whether the
        text can be another one.

        Lines count from 1, columns from 0. Raises InputError for a module outside the package,
        SourceError for a text that is not Python.
        """
        source = self.text(module)
        play = next((n for n in ast.parse(source).body if "play" in defined(n)), None)
        return {
            "module": module,
            "file": file_of(module),
            "text": source,
            "original": text(module),
            "links": [list(link) for link in sorted(self.links(module))],
            "changed": changed_lines(module, source),
            "focus": [play.lineno, play.end_lineno] if play else None,
            "editable": module in MODULES,
        }

    def links(self, module: str) -> Iterator[tuple[int, int, int, str]]:
        """The names of a text that are defined in another line of the package."""
        source = self.text(module)
        lines = source.splitlines()
        visitor = _Uses(self.names(module), self.live if module == ALGORITHM else NOTHING)
        visitor.visit(ast.parse(source))
        for node, thing, name in visitor.found:
            end_line, end = node.end_lineno or 0, node.end_col_offset or 0
            place = self.place(thing, name)
            if place and place != (module, end_line):
                end = len(lines[end_line - 1].encode()[:end].decode())
                yield end_line, end - len(name), end, f"{place[0]}:{place[1]}"

    def definition(self, module: str, name: str) -> Place | None:
        """The module and the line that define a name of this module, as "opt_g.step", or None."""
        head, *rest = name.split(".")
        thing = self.names(module).get(head)
        if module == ALGORITHM:
            thing = self.live.get(head, thing)
        for part in rest:
            thing = attribute(thing, part)
        return self.place(thing, name.rpartition(".")[2])

    def names(self, module: str) -> Names:
        """The global names of a module as it runs."""
        return self.code.get(module) or vars(sys.modules[module])

    def place(self, thing: Any, name: str) -> Place | None:
        """The place where a module, a function, a class or a named value is defined; of any other
        value that of its class."""
        if isinstance(thing, ModuleType):
            return (thing.__name__, 1) if is_ours(thing.__name__) else None
        thing = inspect.unwrap(getattr(thing, "fget", None) or getattr(thing, "__func__", thing))
        if isinstance(thing, (FunctionType, type)):
            if not is_ours(thing.__module__):
                return None
            line = line_of(self.text(thing.__module__), thing.__qualname__)
            if line is None and isinstance(thing, FunctionType):  # a lambda
                line = thing.__code__.co_firstlineno
            return (thing.__module__, line) if line else None
        return self._place_of_value(thing, name) or self.place(type(thing), "")

    def _place_of_value(self, value: Any, name: str) -> Place | None:
        """The place where a name is bound to this value: the same name, or any if the value is an
        object of a class of the package."""
        any_name = is_ours(type(value).__module__)
        for module in filter(is_ours, list(sys.modules)):
            for known, other in self.names(module).items():
                if other is value and (any_name or known == name):
                    line = bound(self.text(module)).get(known)
                    if line is not None:
                        return module, line
        return None


class _Uses(ast.NodeVisitor):
    """Finds the names of a text that stand for known objects: `found` has node, object and name.

    The variables of a function are unknown, except arguments in `live`. The attributes of self, and
    of an argument whose annotation is a class, are those of the class.
    """

    def __init__(self, names: Names, live: Mapping[str, Any]) -> None:
        self.scopes: list[Mapping[str, Any]] = [names]
        self.live = live
        self.found: list[tuple[ast.expr, Any, str]] = []
        self.owner: Any = None

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        before, self.owner = self.owner, self.scopes[0].get(node.name)
        self.generic_visit(node)
        self.owner = before

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._enter(node, node.args)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._enter(node, node.args)

    def _enter(self, node: ast.AST, args: ast.arguments) -> None:
        names = (n for n in ast.walk(node) if isinstance(n, ast.Name))
        scope: dict[str, Any] = {n.id: None for n in names if isinstance(n.ctx, ast.Store)}
        for arg in (n for n in ast.walk(args) if isinstance(n, ast.arg)):
            kind = self.owner if arg.arg == "self" else self._known(arg.annotation)
            scope[arg.arg] = kind if isinstance(kind, type) else None
        self.scopes.append({name: self.live.get(name, scope[name]) for name in scope})
        self.generic_visit(node)
        self.scopes.pop()

    def visit_Name(self, node: ast.Name) -> None:
        is_variable = any(node.id in scope for scope in self.scopes[1:])
        if isinstance(node.ctx, ast.Load) and (node.id in self.live or not is_variable):
            self._add(node, node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.visit(node.value)
        self._add(node, node.attr)

    def _add(self, node: ast.expr, name: str) -> None:
        if (thing := self._known(node)) is not None:
            self.found.append((node, thing, name))

    def _known(self, node: ast.AST | None) -> Any:
        """The object that a name or an attribute stands for, or None."""
        if isinstance(node, ast.Name):
            return next((scope[node.id] for scope in self.scopes[::-1] if node.id in scope), None)
        if isinstance(node, ast.Attribute):
            return attribute(self._known(node.value), node.attr)
        return None


def attribute(thing: Any, name: str) -> Any:
    """The attribute of an object, found without running any code of it, or None."""
    return inspect.getattr_static(thing, name, None)


def is_ours(module: str) -> bool:
    """Return whether a module belongs to this package."""
    return module.partition(".")[0] == "tinygan"


@functools.lru_cache(256)
def bound(source: str) -> dict[str, int]:
    """The line of each name that a text binds at its top level, but not by an import."""
    body = [s for s in ast.parse(source).body if not isinstance(s, (ast.Import, ast.ImportFrom))]
    return {name: statement.lineno for statement in reversed(body) for name in defined(statement)}


@functools.lru_cache(1024)
def line_of(source: str, qualname: str) -> int | None:
    """The line of a function or a class by its qualified name."""
    node: ast.AST = ast.parse(source)
    for part in qualname.replace("<locals>.", "").split("."):
        inner = (n for n in ast.walk(node) if isinstance(n, (ast.FunctionDef, ast.ClassDef)))
        found = next((n for n in inner if n.name == part and n is not node), None)
        if found is None:
            return None
        node = found
    return node.lineno  # type: ignore[attr-defined]
