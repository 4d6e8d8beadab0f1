"""Every small way to break a gradient rule: the mutants of `mutation.py`.

A rule is the pull of an edge `(parent, pull)`: a function of the gradient g and the value y. Rules
are found everywhere in the source. In the functions of `WHOLE`, which return or apply rules, every
statement is broken.
"""

import ast
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parent.parent / "tinygan"

WHOLE = {
    "autograd.py": {"grad", "_ancestors"},
    "gan/smoothing.py": {"_mixed"},
    "gan/penalties.py": {"wgan_gp", "r1", "r2", "r1_r2", "_slopes"},
    "conv/__init__.py": {"_by_y", "_by_x", "_by_w", "_biased"},
    "conv/im2col.py": {
        *("Im2Col.of_x", "Im2Col.to_x", "Im2Col.of_w", "Im2Col.to_w", "Im2Col.of_y", "Im2Col.to_y"),
        *("images_to_rows", "rows_to_images"),
    },
    "conv/winograd.py": {
        *("Winograd.of_x", "Winograd.to_x", "Winograd._of_w", "Winograd.to_w"),
        *("Winograd.of_y", "Winograd.to_y", "Winograd._cells", "Winograd._uncells"),
        *("_matrices", "_windows", "_added_up"),
    },
    "backend/arrays.py": {"shares_of_largest"},
    "ops/pointwise.py": {"_share", "leaky_slopes"},
    "ops/shapes.py": {"sum_to", "scatter", "concatenate"},
    "ops/normalize.py": {"standardize", "composed", "_mean"},
}
OTHER = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.FloorDiv: "/",
    ast.BitAnd: "|",
    ast.BitOr: "&",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.And: "or",
    ast.Or: "and",
}
Edit = tuple[ast.AST, str]  # a node, and the text in its place


class Mutant(NamedTuple):
    path: str  # below the package
    line: int
    function: str
    before: str
    after: str
    within: str  # the line where it stands
    source: str  # the whole module, broken

    def __str__(self) -> str:
        what = f"{self.path}, {self.function}: {self.before}  ->  {self.after}"
        return what if self.before == self.within else f"{what}  in  {self.within}"


class Module:
    """The text of a module, in which one node is replaced at a time."""

    def __init__(self, path: Path) -> None:
        self.source = path.read_bytes()
        self.tree = ast.parse(self.source)
        self.starts = [0]
        for line in self.source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def span(self, node: ast.AST) -> tuple[int, int]:
        start = self.starts[node.lineno - 1] + node.col_offset
        return start, self.starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.AST) -> str:
        start, stop = self.span(node)
        return self.source[start:stop].decode()

    def replaced(self, node: ast.AST, after: str) -> str:
        start, stop = self.span(node)
        return (self.source[:start] + after.encode() + self.source[stop:]).decode()


def mutants() -> list[Mutant]:
    """All mutants of the package, each once."""
    found: dict[str, Mutant] = {}
    listed = {(name, function) for name, functions in WHOLE.items() for function in functions}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.parent.name == "bench":  # its round by hand has no rules of the package
            continue
        module, name = Module(path), str(path.relative_to(PACKAGE))
        for called, function in functions(module.tree):
            whole = (name, called) in listed
            listed.discard((name, called))
            for node, after in edits(module, function, whole):
                source = module.replaced(node, after)
                before, after = (" ".join(t.split()) for t in (module.text(node), after))
                line = (
                    module.source.decode().splitlines()[node.lineno - 1].partition("  #")[0].strip()
                )
                mutant = Mutant(name, node.lineno, called, before, after, line, source)
                if before != after and compiles(source):
                    found.setdefault(name + source, mutant)
    if listed:
        raise ValueError(f"WHOLE names functions that do not exist: {sorted(listed)}")
    return list(found.values())


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Functions and methods with their names: "f", "Class.f"."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for each in node.body:
                if isinstance(each, ast.FunctionDef):
                    yield f"{node.name}.{each.name}", each


def compiles(source: str) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"):
            compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def edits(module: Module, function: ast.FunctionDef, whole: bool) -> Iterator[Edit]:
    if not whole and not any(map(is_pull, inside(function.body))):
        return
    tensors = set()
    for edge in edges(function):
        yield edge, "*()"  # the parent is forgotten
        tensors.add(module.text(edge.elts[0]))
    for rule in rules(function):
        tensors.update(argument.arg for argument in rule.args.args)
    for rule in rules(function):
        yield from of_rule(module, rule, tensors)
    if whole:
        for node in inside(function.body):
            yield from of_node(module, node)
            if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr, ast.Delete)):
                yield node, "pass"


def edges(function: ast.FunctionDef) -> Iterator[ast.Tuple]:
    """Tuples (parent, pull) with a function or a name that contains "pull"."""
    for node in inside(function.body):
        if isinstance(node, ast.Tuple) and len(node.elts) == 2:
            pull = node.elts[1]
            name = getattr(pull, "func", pull)
            if is_pull(pull) or "pull" in getattr(name, "id", ""):
                yield node


def is_pull(node: ast.AST) -> bool:
    """Return whether the node is a function whose first argument is g."""
    arguments = getattr(getattr(node, "args", None), "args", None)
    return bool(arguments) and arguments[0].arg == "g"


def rules(function: ast.FunctionDef) -> Iterator[ast.Lambda | ast.FunctionDef]:
    """Pulls and the inner functions that they may call."""
    for node in inside(function.body):
        if is_pull(node) or isinstance(node, ast.FunctionDef):
            yield node


def of_rule(
    module: Module, rule: ast.Lambda | ast.FunctionDef, tensors: set[str]
) -> Iterator[Edit]:
    body = [rule.body] if isinstance(rule, ast.Lambda) else rule.body
    nodes = list(inside(body))
    returned = [n.value for n in nodes if isinstance(n, ast.Return)]
    for result in [rule.body] if isinstance(rule, ast.Lambda) else returned:
        text = module.text(result)
        yield result, f"({text}) * 0.0"
        yield result, f"-({text})"
        yield result, f"({text}) * 1.01"
    # Values held fixed: the first derivative stays right, the second is wrong.
    values_only = {id(n.value) for n in nodes if isinstance(n, ast.Attribute)}
    for node in nodes:
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Is, ast.IsNot)):
            values_only.add(id(node.left))
        if isinstance(node, ast.Call):
            values_only.add(id(node.func))
            if getattr(node.func, "id", None) in ("raw", "X", "Y", "W", "weight", "sums"):
                values_only.add(id(node.args[0]))
    for node in nodes:
        is_tensor = isinstance(node, ast.Name) and node.id in tensors and node.id.islower()
        is_tensor = is_tensor and b"Tensor" in module.source  # else all are arrays
        if is_tensor and id(node) not in values_only:
            yield node, f"({node.id}.detach() if hasattr({node.id}, 'detach') else {node.id})"
        yield from of_node(module, node)


def inside(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes below, without annotations, docstrings, messages and errors."""
    for node in body:
        if isinstance(node, (ast.Raise, ast.JoinedStr, ast.arguments)) or is_docstring(node):
            continue
        yield node
        children = ast.iter_child_nodes(node)
        if isinstance(node, ast.FunctionDef):
            children = iter(node.body)
        elif isinstance(node, ast.AnnAssign):
            children = iter([node.value])
        elif isinstance(node, ast.Call):
            children = (child for child in children if not is_free(node.func, child))
        yield from inside(children)


def is_free(function: ast.expr, part: ast.AST) -> bool:
    """Return whether a part of a call may change without effect: a type to compare with, the unused
    end of a buffer, the negative number that leaves a size to reshape, the size of a chunk."""
    name = getattr(function, "id", getattr(function, "attr", ""))
    if name == "_in_chunks":
        return isinstance(part, ast.BinOp)
    if name == "reshape":
        return isinstance(part, ast.UnaryOp)
    return name in ("isinstance", "zeros", "empty") and part is not function


def is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def of_node(module: Module, node: ast.AST) -> Iterator[Edit]:
    """The ways to get this expression or condition slightly wrong."""
    text = module.text
    match node:
        case ast.BinOp(left, op, right):
            yield node, text(left)
            if isinstance(op, (ast.Mult, ast.Add, ast.BitAnd, ast.BitOr)):
                yield node, text(right)
            if isinstance(op, (ast.Sub, ast.Div, ast.MatMult)):
                symbol = {ast.Sub: "-", ast.Div: "/", ast.MatMult: "@"}[type(op)]
                yield node, f"({text(right)}) {symbol} ({text(left)})"
            if type(op) in OTHER:
                yield node, f"({text(left)}) {OTHER[type(op)]} ({text(right)})"
        case ast.UnaryOp(ast.USub() | ast.Not(), operand):
            yield node, text(operand)
        case ast.Compare(left, [op], [right]) if type(op) in OTHER:
            yield node, f"{text(left)} {OTHER[type(op)]} {text(right)}"
            yield node, "True"
            yield node, "False"
        case ast.BoolOp(op, values):
            yield node, f" {OTHER[type(op)]} ".join(f"({text(v)})" for v in values)
        case ast.Constant(bool(value)):
            yield node, str(not value)
        case ast.Constant(int(value) | float(value)):
            yield node, str(value + 1)
        case ast.IfExp(test, body, orelse):
            yield node, text(body)
            yield node, text(orelse)
        case ast.If(test, _, _) | ast.comprehension(ifs=[test]):
            yield test, f"not ({text(test)})"
        case ast.Call(ast.Name("Tensor"), [_]):
            pass  # an array works as well as a tensor that remembers nothing
        case ast.Call(func, args) if args:
            yield node, text(args[0])
            called = getattr(func, "attr", getattr(func, "id", ""))
            if len(args) > 1 and called not in ("swapaxes", "min", "max"):
                swapped = [text(args[1]), text(args[0]), *(text(a) for a in args[2:])]
                swapped += [f"{k.arg}={text(k.value)}" for k in node.keywords]
                yield node, f"{text(func)}({', '.join(swapped)})"
