"""Pages of the reference: the public names of a module with their signatures and docstrings."""

import importlib
import inspect
import pkgutil
import re
from typing import Any

# The modules of the reference, in the order of its pages, each with its title.
MODULES = {
    "tinygan": "tinygan: tensors, gradients and games",
    "tinygan.ops": "ops: functions of tensors",
    "tinygan.nn": "nn: layers",
    "tinygan.losses": "losses",
    "tinygan.optim": "optim: optimizers",
    "tinygan.gan": "gan: Algorithm 1, games and penalties",
    "tinygan.gan.variants": "gan.variants: one paper a file",
    "tinygan.gan.theory": "gan.theory: the paper in closed form",
    "tinygan.models": "models",
    "tinygan.data": "data: data sets and minibatches",
    "tinygan.metrics": "metrics",
    "tinygan.plots": "plots: pictures",
    "tinygan.training": "training: runs in folders",
    "tinygan.gradcheck": "gradcheck: gradients against finite differences",
}


def page(module_name: str) -> str:
    """The page of a module, as MyST."""
    module = importlib.import_module(module_name)
    parts = [f"# {MODULES[module_name]}", text(module.__doc__), *entries(module)]
    if not members(module):  # its names are imported from its files
        for each in pkgutil.iter_modules(module.__path__, f"{module_name}."):
            inner = importlib.import_module(each.name)
            parts += [f"## {each.name.removeprefix('tinygan.')}", text(inner.__doc__)]
            parts += [re.sub(r"^#", "##", part) for part in entries(inner)]
    return "\n\n".join(filter(None, parts)) + "\n"


def entries(module: Any) -> list[str]:
    """The public names of a module, each a heading, its signature, source and docstring."""
    parts = []
    for name, value in members(module):
        parts.append(f"## {name}")
        if not callable(value):
            parts.append(f"```python\n{name}: {type(value).__name__}\n```")
            continue
        parts += [signature(name, value), source(value), text(inspect.getdoc(value))]
        if inspect.isclass(value):
            for method, function in vars(value).items():
                if inspect.isfunction(function) and not method.startswith("_"):
                    parts += [f"### {name}.{method}", signature(method, function)]
                    parts.append(text(inspect.getdoc(function)))
    return parts


def members(module: Any) -> list[tuple[str, Any]]:
    """The public names of a module and their values: those that it defines or gathers from its
    package, but no modules, types and constants."""
    found = []
    for name in getattr(module, "__all__", None) or dir(module):
        value = getattr(module, name)
        home = getattr(value, "__module__", type(value).__module__)
        if not name.startswith("_") and home.startswith(module.__name__):
            found.append((name, value))
    return found


def signature(name: str, value: Any) -> str:
    """The signature of a function or class, as a block of code."""
    try:
        shown = str(inspect.signature(value)).replace("'", "")
    except (TypeError, ValueError):
        shown = "(...)"
    return f"```python\n{name}{shown}\n```"


def source(value: Any) -> str:
    """A link to the file of a function or class, or nothing if it is no object with a source."""
    try:
        path, (_, line) = inspect.getsourcefile(value), inspect.getsourcelines(value)
    except (OSError, TypeError):
        return ""
    _, found, inner = str(path).rpartition("/tinygan/")
    return f"Source: [tinygan/{inner}, line {line}](/tinygan/{inner})" if found else ""


def text(docstring: str | None) -> str:
    """A docstring as MyST: indented lines and tables of two columns become blocks of code."""
    parts = []
    for paragraph in re.split(r"\n\s*\n", docstring or ""):
        lines = paragraph.strip("\n").split("\n")
        if lines[0].startswith("    ") or any(re.search(r"\S {3,}\S", line) for line in lines):
            parts.append("```text\n" + inspect.cleandoc("\n" + paragraph) + "\n```")
        else:
            parts.append(_escaped(" ".join(line.strip() for line in lines)))
    return "\n\n".join(parts)


def _escaped(line: str) -> str:
    """Text with the signs of Markdown escaped, but for code between backquotes."""
    pieces = re.split(r"(`[^`]*`)", line)
    pieces[::2] = (re.sub(r"([\\*_\[\]<>|$#~])", r"\\\1", piece) for piece in pieces[::2])
    return "".join(pieces)
