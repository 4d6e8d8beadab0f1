"""The code pane of the lab in Chromium: the film of a round, definitions, the overview, the museum
and the editor, as a reader uses them."""

import re
from contextlib import contextmanager
from pathlib import Path

import pytest
from lab_browser import opened, served, until

from tinygan.lab.exhibits import EXHIBITS, texts
from tinygan.lab.source import text

ROOT = Path(__file__).parent.parent
LOOP = "tinygan.gan.algorithm"
FILE = "tinygan/gan/algorithm.py"
NAMES = list(EXHIBITS)
STATE = "window.lab.state"
LIT = "[...document.querySelectorAll('.edge.lit')].map((edge) => edge.dataset.edge)"
LOSS = "loss = game.d_loss(real_logits, fake_logits)"
ROWS = """[...document.querySelectorAll(".line")].map((line) => {
    const shown = [...line.querySelector("code").childNodes];
    const code = shown.filter((node) => node.className !== "unseen");
    return [line.querySelector(".sign").textContent, code.map((n) => n.textContent).join("")];
})"""
AT_THE_END = f"{STATE}.film?.index === {STATE}.film?.events.length - 1"
# The lines of Algorithm 1 that make or move something, in their order, by how they begin.
D_STEP = [
    ("z = noise(m)", ["z (128, 2) value only"]),
    ("x = data(m)", ["x (128, 2) value only"]),
    ("fake = G(z)", ["fake (128, 2) value only"]),
    ("logits, ends =", ["logits (256, 1) graph → D"]),
    ("return [logits[", ["→ (128, 1) graph → D", "→ (128, 1) graph → D"]),
    (
        "real_logits, fake_logits = discriminate",
        ["real_logits (128, 1) graph → D", "fake_logits (128, 1) graph → D"],
    ),
    ("loss = game.d_loss", ["loss = # graph → D"]),
    ("opt.step(grad(", ["D moved"]),
    ("return loss.detach()", ["→ = # value only"]),
    ("d_loss = update", ["d_loss = # value only"]),
    ("return d_loss,", ["→ (128, 1) value only", "→ (128, 1) value only"]),
    (
        "d_loss, real_logits, fake_logits = d_step()",
        [
            "d_loss = # value only",
            "real_logits (128, 1) value only",
            "fake_logits (128, 1) value only",
        ],
    ),
]
G_STEP = [
    ("z = noise(m)", ["z (128, 2) value only"]),
    ("loss = game.g_loss", ["loss = # graph → G and D"]),
    ("opt.step(grad(", ["G moved"]),
    ("return loss.detach()", ["→ = # value only"]),
    ("return update(opt_g", ["→ = # value only"]),
    ("g_loss = g_step()", ["g_loss = # value only"]),
]


@contextmanager
def lab(browser, address, **options):
    """The page at an address, when it has its first picture and its code."""
    with opened(browser, address, **options) as page:
        until(page, "document.body.dataset.round && document.querySelector('.line')")
        yield page


@pytest.fixture
def page(browser, local_address):
    with lab(browser, local_address) as page:
        yield page


@pytest.fixture(scope="module")
def shared(browser, local_address):
    """A page for the tests that leave it as it is."""
    with lab(browser, local_address) as page:
        yield page


@pytest.fixture(scope="module")
def edit_address():
    """The address of a lab that runs code which the page sends."""
    with served("--allow-edit") as address:
        yield address


@pytest.fixture
def editor(browser, edit_address):
    """A page with the editor open."""
    with lab(browser, edit_address) as page:
        page.click("#edit")
        yield page


def one_line(page):
    """Show the next line of the film; its number."""
    before = page.evaluate(f"{STATE}.film?.index ?? -1")
    page.click("#line")
    moved_on = f"{STATE}.film && {STATE}.film.index !== {before}"
    return until(page, f"{moved_on} && document.body.dataset.line")


def current(page):
    """The code of the running line, and what it made."""
    line = page.locator(".line[aria-current=step]")
    assert line.count() == 1
    chips = [re.sub(r"-?\d+\.\d+", "#", each) for each in line.locator(".chip").all_inner_texts()]
    return line.locator("code").inner_text().strip(), chips


def current_chips(page):
    return page.locator(".line[aria-current=step] .chip").all_inner_texts()


def shown(page, name):
    """The numbers of an array that the picture shows."""
    return page.evaluate(
        f"import('./state.js').then(m => [...m.arraysOf(0)['{name}'].data])",
    )


def opened_node(name):
    return f"document.querySelector('#node h2')?.dataset.shown === '{name}'"


def file_shown(page, file):
    until(page, f"document.querySelector('#code-file').textContent === '{file}'")


def link(page, line, name):
    """The link of a name in the line that begins with a text."""
    row = page.locator(".line", has=page.locator("code", has_text=re.compile(rf"^\s*{line}")))
    return row.first.get_by_role("button", name=name, exact=True)


# The film


@pytest.mark.parametrize("k", [1, 2])
def test_slow_motion_walks_the_lines_of_the_algorithm(page, k):
    page.evaluate(f"location.hash = 'k={k}'")
    until(page, f"{STATE}.settings.k === {k}")
    page.click("#round")
    until(page, "document.body.dataset.round === '1'")
    walked = []
    while not page.evaluate(AT_THE_END):
        number = int(one_line(page))
        code, chips = current(page)
        assert text(LOOP).splitlines()[number - 1].strip() == code
        if chips and not code.startswith("for _"):
            walked.append((code, chips))
    assert code.startswith("yield Round")
    assert page.evaluate("document.body.dataset.round") == "2"
    expected = D_STEP * k + G_STEP
    assert len(walked) == len(expected)
    for (code, chips), (opening, made) in zip(walked, expected, strict=True):
        assert code.startswith(opening) and chips == made, code


def test_the_film_tells_what_each_step_changes(page):
    """D's step changes D(x) and no fake; G's step moves the fakes and leaves D(x)."""
    for player, told, changed, same in (
        ("D", r"D\(x\) changed by .* The fakes are where they were\.", "heat", "fake"),
        ("G", r"D\(x\) is the same as before\. The fakes moved by ", "fake", "heat"),
    ):
        before = {name: shown(page, name) for name in ("heat", "fake")}
        while f"{player} moved" not in current_chips(page):
            one_line(page)
        assert re.search(told, page.inner_text("#film-text"))
        assert page.get_attribute(f"[data-node={player}]", "class").endswith("moved")
        assert page.locator("[data-node].moved").count() == 1
        assert shown(page, changed) != before[changed] and shown(page, same) == before[same]
    page.click("#line-back")
    assert "moved" not in current_chips(page)
    assert shown(page, "fake") == before["fake"]  # a step back takes the picture back, too


def test_no_press_is_lost_while_the_engine_plays(page):
    presses = ["round", *["line"] * 5]
    page.evaluate("ids => ids.map((id) => document.getElementById(id).click())", presses)
    until(page, f"{STATE}.film?.index === 4")
    assert page.evaluate(f"{STATE}.film.before.runs[0].round") == 1


def test_a_film_that_is_left_counts_as_played(page):
    one_line(page)
    page.click("#play")
    until(page, f"{STATE}.history[0].round.length >= 3")
    page.click("#play")
    rounds = page.evaluate(f"{STATE}.history[0].round")
    assert rounds == list(range(1, len(rounds) + 1))


def test_the_edges_light_up_with_the_line(page):
    lit = {}
    while not page.evaluate(AT_THE_END):
        one_line(page)
        names = page.evaluate(
            "[...document.querySelectorAll('.edge.lit')].map(e => e.dataset.edge)"
        )
        lit.setdefault(current(page)[0], set()).update(names)
    assert lit["fake = G(z)"] == {"z-G", "G-fake"}
    assert lit[LOSS] == {"logits-d_loss"}
    assert lit["loss = game.g_loss(D(G(z)), real_logits)"] == {
        *("z-G", "G-fake", "fake-D", "D-logits", "logits-g_loss"),
    }
    assert lit["opt.step(grad(loss, opt.parameters))"] == {
        *("d_loss-d_grad", "d_grad-D", "g_loss-g_grad", "g_grad-G"),
    }


def test_slow_motion_goes_on_by_itself_until_it_is_pressed_again(page):
    page.click("#slow")
    until(page, f"{STATE}.film?.index >= 2")
    page.click("#slow")
    assert page.get_attribute("#slow", "aria-pressed") == "false"
    page.fill("#film-place", "0")
    assert page.evaluate(f"{STATE}.film.index") == 0
    page.click("#round")  # the rest of the round
    assert page.evaluate(AT_THE_END) and page.evaluate("document.body.dataset.round") == "1"


# The code and the overview


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
        told = [f"{row['sign']}{row['text']} {row['line']}" for row in rows]
        assert ", ".join(told) == difference


def test_a_node_opens_with_its_values(shared):
    nodes = shared.locator("[data-node]")
    names = [each.get_attribute("data-node") for each in nodes.all()]
    assert names == ["z", "G", "fake", "x", "D", "logits", "d_loss", "g_loss", "d_grad", "g_grad"]
    for name in names:
        shared.focus(f"[data-node={name}]")
        shared.keyboard.press("Enter")
        until(shared, f"document.querySelector('#node figure') && {opened_node(name)}")
        assert shared.locator("#node figure svg").count() >= 1
        shared.keyboard.press("Escape")
        assert shared.is_hidden("#node")
        assert shared.evaluate("document.activeElement.dataset.node") == name
    shared.click("[data-node=g_grad]")
    until(shared, opened_node("g_grad"))
    assert "0.weight (32, 2)" in shared.inner_text("#node")


# The museum


@pytest.mark.parametrize("name", EXHIBITS)
def test_an_exhibit_shows_its_change_and_plays_beside_the_right_run(shared, name):
    exhibit = EXHIBITS[name]
    if shared.locator("#museum").is_hidden():
        shared.click("#open-museum")
    shared.click(f"[data-exhibit='{name}']")
    until(shared, f"{STATE}.exhibit?.name === '{name}' && document.querySelector('#exhibit-ask')")
    assert exhibit["question"]["en"] in shared.inner_text("#museum")
    for module, changed in texts(name).items():
        shared.click(f"#museum [data-module='{module}']")
        until(shared, f"{STATE}.source.module === '{module}' && document.querySelector('.added')")
        rows = shared.evaluate(ROWS)
        assert [code for sign, code in rows if sign != "+"] == text(module).split("\n")
        assert [code for sign, code in rows if sign != "−"] == changed.split("\n")
        assert {sign for sign, code in rows} == {" ", "+", "−"}
    assert shared.locator(".figures canvas").count() == 2
    shared.click("#exhibit-play")
    until(shared, f"{STATE}.runs.length === 2 && {STATE}.runs[0].round >= 25")
    shared.click("#exhibit-play")
    assert exhibit["answer"]["en"] not in shared.inner_text("#museum")
    shared.click("#exhibit-ask")
    assert exhibit["answer"]["en"] in shared.inner_text("#museum")
    assert shared.locator("#museum table tbody tr").count() >= 3
    shared.click("#exhibit-leave")
    until(shared, f"{STATE}.exhibit === null && {STATE}.runs.length === 1")
    until(shared, "!document.querySelector('.line.removed, .line.added')")


def test_the_film_of_an_exhibit_shows_that_the_other_player_moved(browser, local_address):
    with lab(browser, f"{local_address}#exhibit=detach-forgotten") as page:
        page.click("#round")
        told = ""
        while not told.startswith("G's step") or "D moved" not in told:
            one_line(page)
            told = page.inner_text("#film-text")
        assert "✗ This is not the step of D." in told
        assert page.locator("[data-node].moved").count() == 1
        assert page.locator("[data-node=D].moved").count() == 1


def test_the_museum_goes_from_exhibit_to_exhibit(page):
    page.click("#open-museum")
    page.click(f"[data-exhibit='{NAMES[0]}']")
    for name in NAMES[1:3]:
        page.click("#exhibit-next")
        until(page, f"{STATE}.exhibit?.name === '{name}'")
    page.click("#exhibit-previous")
    until(page, f"{STATE}.exhibit?.name === '{NAMES[1]}'")


# The editor


def write(page, old, new):
    """Replace a text in the editor and run it."""
    source = page.input_value("#edit-text")
    assert source.count(f" {old}") == 1
    page.fill("#edit-text", source.replace(f" {old}", f" {new}"))
    page.click("#edit-run")


def test_a_syntax_error_and_a_runtime_error_mark_their_line(editor):
    line = next(i for i, each in enumerate(text(LOOP).splitlines(), 1) if LOSS in each)
    write(editor, LOSS, "loss = = 1")
    until(editor, "document.querySelector('#edit-error').textContent")
    assert editor.inner_text("#edit-error").startswith(f"Line {line}: SyntaxError")
    assert editor.inner_text(".numbers mark").strip() == f"✗ {line}"
    editor.click("#edit-reset")
    until(editor, f"document.querySelector('#edit-text').value.includes(' {LOSS}')")
    assert editor.locator(".numbers mark").count() == 0

    write(editor, LOSS, LOSS.replace("game", "gam"))
    until(editor, "document.querySelector('#edit-text').value.includes('gam.')")
    editor.click("#round")
    until(editor, "document.querySelector('.numbers mark')")
    assert "NameError: name 'gam' is not defined" in editor.inner_text("#edit-error")
    assert editor.inner_text(".numbers mark").strip() == f"✗ {line}"
    assert editor.evaluate("document.body.dataset.round") == "0"


def test_a_change_changes_the_losses_and_reset_brings_the_file_back(editor):
    right = loss_of_the_first_round(editor)
    write(
        editor, "loss = game.d_loss(real_logits, fake_logits)", "loss = real_logits.sum() * 0 + 7"
    )
    until(editor, "document.querySelector('.line.added')")
    assert loss_of_the_first_round(editor) == 7
    editor.click("#edit-close")
    assert editor.locator(".line.removed").inner_text().split() == [
        *("−", "removed:", "loss", "=", "game.d_loss(real_logits,", "fake_logits)"),
    ]
    editor.click("#edit")
    editor.click("#edit-reset")
    until(editor, "!document.querySelector('#edit-text').value.includes('+ 7')")
    assert editor.input_value("#edit-text") == text(LOOP)
    assert editor.locator(".line.added").count() == 0
    assert loss_of_the_first_round(editor) == right


def loss_of_the_first_round(page):
    until(page, "document.body.dataset.round === '0'")
    page.click("#round")
    return until(page, f"{STATE}.runs[0].round === 1 && {STATE}.runs[0].d_loss")


def test_tab_indents_and_after_escape_it_leaves(editor):
    editor.fill("#edit-text", "a\nb")
    editor.keyboard.press("Tab")
    assert editor.input_value("#edit-text") == "a\nb    "
    editor.keyboard.press("Shift+Tab")
    editor.keyboard.press("Control+a")
    editor.keyboard.press("Tab")
    assert editor.input_value("#edit-text").split() == ["a", "b"]
    assert editor.input_value("#edit-text").startswith("    a\n    b")
    editor.keyboard.press("Escape")
    editor.keyboard.press("Tab")
    assert editor.evaluate("document.activeElement.id") != "edit-text"


def test_the_editor_keeps_its_file_while_the_film_shows_another(browser, edit_address):
    with lab(browser, edit_address) as page:
        link(page, r"loss = game\.d_loss", "d_loss").click()
        file_shown(page, "tinygan/gan/games.py")
        page.click("#edit")
        one_line(page)
        file_shown(page, FILE)
        write(page, "real_loss=lambda l: softplus(-l),  # -log D(x)", "real_loss=lambda l: 0 * l,")
        until(page, "document.querySelector('#edit-done').textContent")
        assert loss_of_the_first_round(page) < 1  # log 2 of fakes is left
        page.click("#edit-reset")
        until(page, "document.querySelector('#edit-text').value.includes('log D(x)')")


def test_only_the_files_of_the_game_can_be_changed(browser, edit_address):
    with lab(browser, edit_address) as page:
        link(page, r"opt\.step\(grad", "grad").click()
        file_shown(page, "tinygan/autograd.py")
        assert page.is_disabled("#edit")
        page.click("#code-back")
        file_shown(page, FILE)
        assert page.is_enabled("#edit")


def test_without_permission_there_is_no_editor(shared):
    assert shared.locator("#edit").count() == 0
    assert "tinygan lab --allow-edit" in shared.inner_text("#edit-hint")
    error = shared.evaluate(
        f"window.lab.engine.ask({{op: 'edit', module: '{LOOP}', text: ''}}).catch(e => e.message)"
    )
    assert error.startswith("edit: ")


# Languages


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
    assert EXHIBITS[NAMES[0]]["answer"]["ko"] in page.inner_text("#museum")


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
