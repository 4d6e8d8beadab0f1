"""The film of a round in Chromium: slow motion, what each line made and whom it moved."""

import re

import pytest
from lab_browser import until
from lab_code import AT_THE_END, LOOP, LOSS, STATE, current, current_chips, one_line, shown

from tinygan.lab.source import text

LIT = "[...document.querySelectorAll('.edge.lit')].map((edge) => edge.dataset.edge)"
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
    for player, words, changed, same in (
        ("D", r"D\(x\) changed by .* The fakes are where they were\.", "heat", "fake"),
        ("G", r"D\(x\) is the same as before\. The fakes moved by ", "fake", "heat"),
    ):
        before = {name: shown(page, name) for name in ("heat", "fake")}
        while f"{player} moved" not in current_chips(page):
            one_line(page)
        assert re.search(words, page.inner_text("#film-text"))
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
