"""The editor of the lab in Chromium: errors mark their line, changes change the game."""

import pytest
from lab_browser import served, until
from lab_code import FILE, LOOP, LOSS, STATE, file_shown, lab, link, one_line

from tinygan.lab.source import text


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


def test_an_engine_that_was_started_anew_runs_the_files_own_text_and_the_editor_says_so(editor):
    write(editor, LOSS, f"{LOSS} * 2")
    until(editor, "document.querySelector('#edit-done').textContent.includes('your text')")
    editor.evaluate("window.lab.engine.restart().then(() => null)")
    editor.click("#restart")
    until(editor, "document.querySelector('#edit-done').textContent.includes('started anew')")
    assert f"{LOSS} * 2" in editor.input_value("#edit-text")  # it is not lost


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
