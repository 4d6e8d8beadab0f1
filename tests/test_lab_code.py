"""The code pane and the overview of the lab in Chromium, in both languages and on a phone."""

import re
from pathlib import Path

import pytest
from lab_browser import until
from lab_code import FILE, STATE, file_shown, lab, link, one_line, opened_node

from tinygan.lab.exhibits import described
from tinygan.lab.source import text

ROOT = Path(__file__).parent.parent
NAMES = list(described())


@pytest.mark.parametrize(
    ("line", "name", "file", "definition"),
    [
        (r"loss = game\.d_loss", "d_loss", "tinygan/gan/games.py", "def d_loss("),
        (r"opt\.step\(grad", "grad", "tinygan/autograd.py", "def grad("),
        (r"return update\(opt_g", "opt_g", "tinygan/optim/rules.py", "class Adam("),
    ],
)
def test_a_name_opens_its_definition_and_back_returns(shared, line, name, file, definition):
    link(shared, line, name).click()
    file_shown(shared, file)
    assert shared.inner_text(".line.pointed code").strip().startswith(definition)
    shown_lines = shared.locator(".line code").all_inner_texts()
    module = file.removesuffix(".py").replace("/", ".")
    assert [each.rstrip() for each in shown_lines] == text(module).split("\n")
    shared.click("#code-back")
    file_shown(shared, FILE)
    assert shared.is_disabled("#code-back")


SAMPLE = """async def f(x=.5e-3):  # "a" comment
    return r'it\\'s' if x is not None else \'\'\'two
lines\'\'\'"""
KINDS = [
    [
        *(("keyword", "async"), ("keyword", "def"), ("definition", "f"), ("name", "x")),
        *(("number", ".5e-3"), ("comment", '# "a" comment')),
    ],
    [
        *(("keyword", "return"), ("string", r"r'it\'s'"), ("keyword", "if"), ("name", "x")),
        *(("keyword", "is"), ("keyword", "not"), ("keyword", "None"), ("keyword", "else")),
        ("string", "'''two"),
    ],
    [("string", "lines'''")],
]


def test_the_tokens_of_python_are_told_apart_and_lose_nothing(shared):
    """The sample has each kind; in all files of the package the tokens are the text."""
    tokens = shared.evaluate("text => import('./tokens.js').then(m => m.lines(text))", SAMPLE)
    assert [
        [(token["kind"], token["text"]) for token in line if token["kind"]] for line in tokens
    ] == KINDS
    files = [path.read_text() for path in sorted((ROOT / "tinygan").rglob("*.py"))]
    joined = """(files) => import('./tokens.js').then(({ lines }) =>
        files.map((text) => lines(text).map((line) => line.map((t) => t.text).join("")).join("\\n"))
    )"""
    assert shared.evaluate(joined, files) == files


def test_the_difference_of_two_texts(shared):
    compare = "texts => import('./diff.js').then(m => m.compare(...texts))"
    for before, after, difference in (
        ("a b c", "a b c", " a 1,  b 2,  c 3"),
        ("a b c", "a c", " a 1, -b None,  c 2"),
        ("a b", "a x b", " a 1, +x 2,  b 3"),
        ("a b c d", "a x c y z", " a 1, -b None, +x 2,  c 3, -d None, +y 4, +z 5"),
    ):
        rows = shared.evaluate(compare, [text.replace(" ", "\n") for text in (before, after)])
        lines = [f"{row['sign']}{row['text']} {row['line']}" for row in rows]
        assert ", ".join(lines) == difference


def test_a_node_opens_with_its_values(shared):
    nodes = shared.locator("[data-node]")
    names = [each.get_attribute("data-node") for each in nodes.all()]
    assert names == ["z", "G", "fake", "x", "D", "logits", "d_loss", "g_loss", "d_grad", "g_grad"]
    for name in names:
        shared.focus(f"[data-node={name}]")
        shared.keyboard.press("Enter")
        until(shared, f"document.querySelector('#node figure') && {opened_node(name)}")
        pictures = shared.locator("#node figure svg").count()
        assert pictures == 0 if name.endswith("loss") else pictures >= 1  # a number has none
        shared.keyboard.press("Escape")
        assert shared.is_hidden("#node")
        assert shared.evaluate("document.activeElement.dataset.node") == name
    shared.click("[data-node=g_grad]")
    until(shared, opened_node("g_grad"))
    assert "0.weight (32, 2)" in shared.inner_text("#node")


def test_both_languages_have_the_same_words_with_the_same_values(shared):
    english, korean = (
        shared.evaluate(f"import('./{name}_code.js').then(words => words.default)")
        for name in ("en", "ko")
    )
    assert english.keys() == korean.keys()
    for key, value in english.items():
        values = [sorted(re.findall(r"\{\w+\}", each)) for each in (value, korean[key])]
        assert values[0] == values[1], key


def test_the_page_speaks_korean(page):
    page.click("#language")
    one_line(page)
    page.click("[data-node=D]")
    until(page, opened_node("D"))
    page.click("#open-museum")
    page.click(f"[data-exhibit='{NAMES[0]}']")
    until(page, f"{STATE}.exhibit")
    page.click("#exhibit-ask")
    for part in ("film-text", "line-back", "slow", "code-back", "edit-hint", "node", "museum"):
        assert re.search("[가-힣]", page.inner_text(f"#{part}")), part
    assert described()[NAMES[0]]["answer"]["ko"] in page.inner_text("#museum")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_in_its_width(browser, local_address, scheme):
    phone = {"width": 390, "height": 844}
    with lab(browser, local_address, viewport=phone, color_scheme=scheme) as page:
        one_line(page)
        page.click("[data-node=g_grad]")
        until(page, opened_node("g_grad"))
        page.click("#open-museum")
        page.click(f"[data-exhibit='{NAMES[0]}']")
        until(page, f"{STATE}.exhibit")
        assert page.evaluate("document.documentElement.scrollWidth") <= phone["width"]
