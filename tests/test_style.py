"""The house style that a program can check: see CONTRIBUTING, House style."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "tinygan").rglob("*.py"))
OPENINGS = ("What", "Of", "Whether of", "How", "Which", "Where", "Who", "That", "If", "And", "But")


def docstrings(path):
    """(line, text) of each docstring of a module, class or function."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            text = ast.get_docstring(node)
            if text is not None:
                yield getattr(node, "lineno", 1), text


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_docstring_opens_with_a_noun_phrase_or_an_imperative(path):
    wrong = [
        f"{line}: {text.splitlines()[0]}"
        for line, text in docstrings(path)
        if not text.strip() or re.match(rf"({'|'.join(OPENINGS)})\b", text)
    ]
    assert wrong == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_public_docstring_names_the_errors_that_are_raised(path):
    """Of a function whose own body raises, but for abstract methods and one-line docstrings."""
    wrong = []
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        text = ast.get_docstring(node) or ""
        inner = [n for n in node.body if not isinstance(n, (ast.FunctionDef, ast.ClassDef))]
        raises = any(
            isinstance(each, ast.Raise) and isinstance(each.exc, ast.Call)
            for statement in inner
            for each in ast.walk(statement)
        )
        if raises and "\n" in text and not re.search(r"\b[Rr]aise", text):
            wrong.append(f"{node.lineno}: {node.name}")
    assert wrong == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_one_function_prints_on_stderr(path):
    """`errors.to_stderr` does, also if it is closed or full."""
    prints = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
        if any(option.arg == "file" for option in node.keywords)
    ]
    assert path.name == "errors.py" or prints == []


STEMS = "initial synchron normal memor maxim minim standard reparametr recogn penal optim regular"
BRITISH = re.compile(
    "labell|colour|grey|neighbour|behaviour|favour|honour|centre|licence|judgement|modell|travell"
    f"|cancell|towards|artefact|analys(e[sd]?|ing)\\b|({STEMS.replace(' ', '|')})is(e|ing|ation)",
    re.IGNORECASE,
)


def test_the_spelling_is_american():
    files = [path for kind in ("py", "md", "toml", "cff") for path in ROOT.rglob(f"*.{kind}")]
    kept = ("tinygan", "tests", "examples", "benchmarks")
    wrong = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files
        if path.parent == ROOT or path.relative_to(ROOT).parts[0] in kept
        if path != Path(__file__) and path.name != "CHANGELOG.md"  # it lists the old names
        for match in BRITISH.finditer(path.read_text())
    ]
    assert wrong == []
