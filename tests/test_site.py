"""The site: it builds without a warning and a network, in both languages, and no link ends in
nothing."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from cells import CHAPTERS, ROOT, english, korean

pytest.importorskip("sphinx")
pytest.importorskip("furo")
BUILD = ROOT / "examples" / "site" / "build.py"


class Links(HTMLParser):
    """The links, pictures and scripts of a page, and the names that links can lead to."""

    def __init__(self, path):
        super().__init__()
        self.targets, self.loaded, self.ids = [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids.update(filter(None, (given.get("id"), given.get("name"))))
        if tag == "a" and given.get("href"):
            self.targets.append(given["href"])
        if tag in ("img", "script", "link") and given.get("rel") not in (
            "index",
            "search",
            "next",
            "prev",
        ):
            self.loaded += filter(None, (given.get("src"), given.get("href")))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    target = tmp_path_factory.mktemp("site") / "site"
    command = [sys.executable, BUILD, "-o", target]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    return target


def test_no_link_ends_in_nothing_and_nothing_is_loaded_from_elsewhere(site):
    pages = {path: Links(path) for path in site.rglob("*.html")}
    broken = []
    for path, page in pages.items():
        for target in (*page.targets, *page.loaded):
            if re.match(r"(https?|mailto|data):", target):
                assert target not in page.loaded, (path, target)
                continue
            place, _, anchor = target.partition("#")
            other = (path.parent / unquote(place).split("?")[0]).resolve() if place else path
            known = pages[other].ids if other in pages else None
            if not other.exists() or (anchor and known is not None and anchor not in known):
                broken.append(f"{path.relative_to(site)}: {target}")
    assert broken == [] and len(pages) > 100


@pytest.mark.parametrize("language", ["en", "ko"])
def test_each_chapter_is_a_page_with_formulas_and_its_figure(site, language):
    for name in CHAPTERS:
        text = (site / language / "examples" / "book" / f"{name}.html").read_text(encoding="utf-8")
        assert "<math" in text and f"{name}{'.ko' * (language == 'ko')}.png" in text
        title = (korean if language == "ko" else english)(name)[0].split("\n")[0].lstrip("# ")
        assert f"<h1>{title}<" in text


def test_search_works_from_a_file(site):
    assert "broadcast" in (site / "en" / "searchindex.js").read_text(encoding="utf-8")


def test_a_folder_with_files_is_refused(tmp_path):
    (tmp_path / "mine.txt").touch()
    done = subprocess.run(
        [sys.executable, BUILD, "-o", tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "-o: expected a new or empty folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
