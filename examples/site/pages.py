"""The pages of the site, as MyST: files of the repository under their own paths, with links between
them.

README.md is the page `index`. A chapter of the book is woven from its texts, its code, what it
prints and its figure. Another Python file is a page with its source, which links to it lead to.
"""

import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from cells import APPENDIX, BOOK, CHAPTERS, ROOT, cells, korean
from reference import MODULES
from reference import page as reference_page

LINK = re.compile(r'(?<=\]\()([^)\s]+)(?=\))|(?<= href=")([^"]+)(?=")|(?<= src=")([^"]+)(?=")')
ORPHAN = "---\norphan: true\n---\n\n"  # a page that is reached by links alone
FENCED = re.compile(r"^(`{3,}).*?^\1$", re.MULTILINE | re.DOTALL)
# Links between the two READMEs, which are one page in two languages.
OTHER = re.compile(r"\[([^\]]+)\]\(README(?:\.ko)?\.md(#[\w-]+)?\)")
PICTURES = ".png", ".gif", ".svg"
WORDS = {
    "en": {"book": "The book", "reference": "Reference", "more": "More", "source": "source of"},
    "ko": {"book": "책", "reference": "API 문서(영어)", "more": "더 보기", "source": "소스"},
}
MORE = [
    "examples/README.md",
    "examples/from_pytorch.md",
    "benchmarks/README.md",
    "benchmarks/NOTES.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]


def build(target: Path, language: str) -> list[str]:
    """Write all pages of a language below `target`, and return the paths of the pictures that they
    show. Pages follow links from the first ones, so that no link ends in nothing."""
    chapters = (f"examples/book/{name}.py" for name in CHAPTERS)
    first = ["README.md", *chapters, f"examples/book/{APPENDIX}.md", *MORE]
    waiting, done, pictures = list(first), set(first), set[str]()
    for name in MODULES:
        _write(
            target / "reference" / f"{name}.md",
            _linked(reference_page(name), "reference/x.md", waiting, done, pictures),
        )
    while waiting:
        path = waiting.pop()
        content = ORPHAN * (path not in first) + "".join(page(path, language))
        linked = _linked(content, path, waiting, done, pictures)
        _write(target / f"{docname(path)}.md", linked)
    with (target / "index.md").open("a", encoding="utf-8") as file:
        file.write(contents(language))
    return sorted(pictures)


def page(path: str, language: str) -> Iterator[str]:
    """The page of a file of the repository."""
    file = ROOT / path
    if file.parent == BOOK and file.stem in CHAPTERS:
        yield from chapter(file.stem, language)
    elif path.endswith(".md"):
        korean = file.with_suffix(".ko.md")
        if file.parent == BOOK:
            korean = BOOK / "ko" / file.name
        chosen = korean if language == "ko" and korean.exists() else file
        text = chosen.read_text(encoding="utf-8")
        other = "en" if language == "ko" else "ko"
        is_start = path == "README.md"
        yield OTHER.sub(rf'<a href="../{other}/index.html\2">\1</a>', text) if is_start else text
    else:
        kind = "python" if path.endswith(".py") else "text"
        yield f"# {path}\n\n````{kind}\n{file.read_text(encoding='utf-8')}\n````\n"


def chapter(name: str, language: str) -> Iterator[str]:
    """A chapter of the book: texts, code, what each cell printed, and the figure where it is
    saved."""
    record = json.loads((BOOK / "results" / f"{name}.json").read_text(encoding="utf-8"))
    printed, translated = iter(record["printed"]), iter(korean(name) if language == "ko" else ())
    for is_text, content in cells(name):
        if is_text:
            yield f"{next(translated, content)}\n\n"
            continue
        yield f"```python\n{content.strip()}\n```\n\n"
        if "chapter.save(" in content:
            yield f"![{name}](results/{name}{'.ko' * (language == 'ko')}.png)\n\n"
        if lines := "".join(
            f"{line}\n" for line in next(printed).splitlines() if "out/book" not in line
        ):
            yield f"```text\n{lines}```\n\n"


def contents(language: str) -> str:
    """The hidden tables of contents, which make the sidebar."""
    word = WORDS[language]
    parts = {
        word["book"]: [f"examples/book/{name}" for name in (*CHAPTERS, APPENDIX)],
        word["more"]: [docname(path) for path in MORE],
        word["reference"]: [f"reference/{name}" for name in MODULES],
    }
    tables = (
        f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(names) + "\n```\n"
        for caption, names in parts.items()
    )
    return "".join(tables)


def docname(path: str) -> str:
    """The page of a file: its path without the suffix; a README is an index."""
    folder, name = posixpath.split(path.removesuffix(".md").removesuffix(".py"))
    return posixpath.join(folder, "index" if name == "README" else name)


def _linked(content: str, path: str, waiting: list[str], done: set[str], pictures: set[str]) -> str:
    """The content with its links changed to pages; new pages join `waiting`."""

    def replace(match: re.Match[str]) -> str:
        target, raw = match[0], match[1] is None  # raw: an attribute of HTML
        place, sign, anchor = target.partition("#")
        if not place or re.match(r"[a-z]+:|\.\./(en|ko)/", target):
            return target
        start = "" if place.startswith("/") else posixpath.dirname(path)
        found = posixpath.normpath(posixpath.join(start, place.lstrip("/")))
        file = ROOT / found
        if file.is_dir():
            found = f"{found}/README.md"
            if not (ROOT / found).exists():
                raise SystemExit(f"{path}: links to the folder {target}, which has no README.md")
        elif not file.exists():
            raise SystemExit(f"{path}: links to {target}, which does not exist")
        here = posixpath.dirname(docname(path))
        if found.endswith(PICTURES):
            pictures.add(found)
            return posixpath.relpath(found, here or ".")
        if found not in done:
            done.add(found)
            waiting.append(found)
        end = ".html" if raw else ".md"
        return posixpath.relpath(docname(found), here or ".") + end + sign + anchor

    parts, end = [], 0
    for block in FENCED.finditer(content):  # code has no links
        parts += [LINK.sub(replace, content[end : block.start()]), block[0]]
        end = block.end()
    return "".join([*parts, LINK.sub(replace, content[end:])])


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
