"""The museum of bugs in Chromium: each exhibit with its diff, next to the right run."""

import pytest
from lab_browser import until
from lab_code import STATE, lab, one_line

from tinygan.lab.exhibits import described, texts
from tinygan.lab.source import text

NAMES = list(described())
ROWS = """[...document.querySelectorAll(".line")].map((line) => {
    const shown = [...line.querySelector("code").childNodes];
    const code = shown.filter((node) => node.className !== "unseen");
    return [line.querySelector(".sign").textContent, code.map((n) => n.textContent).join("")];
})"""


@pytest.mark.parametrize("name", NAMES)
def test_an_exhibit_shows_its_change_and_plays_beside_the_right_run(shared, name):
    exhibit = described()[name]
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
        words = ""
        while not words.startswith("G's step") or "D moved" not in words:
            one_line(page)
            words = page.inner_text("#film-text")
        assert "✗ This is not the step of D." in words
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
