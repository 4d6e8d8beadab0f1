"""The chapters of the book, in cells, and their Korean texts; for tests of the book."""

from pathlib import Path
from typing import NamedTuple

BOOK = Path(__file__).resolve().parent.parent / "examples" / "book"
CHAPTERS = sorted(path.stem for path in BOOK.glob("ch*.py"))


class Parts(NamedTuple):
    """The texts and the pieces of code of a chapter, each in its order."""

    texts: list[str]
    code: list[str]


def english(name: str) -> Parts:
    """A chapter, from examples/book/NAME.py."""
    parts = Parts([], [])
    for cell in (BOOK / f"{name}.py").read_text(encoding="utf-8").split("# %%")[1:]:
        kind, _, content = cell.partition("\n")
        if kind.strip() == "[markdown]":
            lines = content.rstrip("\n").split("\n")
            assert all(line == "#" or line.startswith("# ") for line in lines), (name, lines)
            parts.texts.append("\n".join(line[2:] for line in lines))
        else:
            parts.code.append(content)
    return parts


def korean(name: str) -> list[str]:
    """The Korean texts of a chapter, from examples/book/ko/NAME.md."""
    return (BOOK / "ko" / f"{name}.md").read_text(encoding="utf-8").rstrip("\n").split("\n%%\n")
