"""The chapters of the book (examples/book/): their cells, and their Korean texts."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BOOK = ROOT / "examples" / "book"
CHAPTERS = sorted(path.stem for path in BOOK.glob("ch*.py"))
IN_BOTH = "in-both.txt"  # a file of the site's sources: the pages that both languages have
APPENDIX = "appendix_formulas"  # a text without code


def cells(name: str) -> list[tuple[bool, str]]:
    """The cells of a chapter: whether each is text, and its content."""
    found = []
    for cell in (BOOK / f"{name}.py").read_text(encoding="utf-8").split("# %%")[1:]:
        kind, _, content = cell.partition("\n")
        is_text = kind.strip() == "[markdown]"
        if is_text:
            content = "\n".join(line[2:] for line in content.rstrip("\n").split("\n"))
        found.append((is_text, content))
    return found


def english(name: str) -> list[str]:
    """The texts of a chapter, in its order."""
    return [content for is_text, content in cells(name) if is_text]


def code(name: str) -> list[str]:
    """The pieces of code of a chapter, in its order."""
    return [content for is_text, content in cells(name) if not is_text]


def korean(name: str) -> list[str]:
    """The Korean texts of a chapter, from examples/book/ko/NAME.md."""
    return (BOOK / "ko" / f"{name}.md").read_text(encoding="utf-8").rstrip("\n").split("\n%%\n")
