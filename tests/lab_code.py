"""The code pane of the lab in tests: the page with its code, its film, its definitions.

page      a page of its own with the code pane
shared    one page for all tests of a module that leave it as it is
"""

import re
from contextlib import contextmanager

import pytest
from lab_browser import opened, until

LOOP = "tinygan.gan.algorithm"
FILE = "tinygan/gan/algorithm.py"
STATE = "window.lab.state"
LOSS = "loss = game.d_loss(real_logits, fake_logits)"
AT_THE_END = f"{STATE}.film?.index === {STATE}.film?.events.length - 1"


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
