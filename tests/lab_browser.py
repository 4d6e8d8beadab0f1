"""Fixtures of the lab's tests: the page in Chromium, with the engine in a server or in Pyodide.

    local_page       the page of a server process that runs `tinygan lab`, with its first picture
    edit_page        the same with --allow-edit
    exported_page    the exported page, its engine in Pyodide; TINYGAN_PYODIDE names a folder with a
                     copy of Pyodide, without which the test is skipped

A test fails if its page logs an error, if an exception is not caught, or if the page asks for an
address that is not below its own. Without playwright or Chromium the tests are skipped.
"""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
SECONDS = 30  # for one wait of a test on a busy machine
LOADING = 180  # for Pyodide to load on a busy machine
FIRST = "document.body.dataset.round"  # is there once the first picture is


@pytest.fixture(scope="session")
def browser():
    """Chromium, one for all tests of a process."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with playwright.sync_playwright() as tool:
        chromium = tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def until(page, script, seconds=SECONDS):
    """Wait until a JavaScript expression is true in the page, and return its value. (Playwright's
    own `wait_for_function` needs eval, which the page's security policy forbids.)"""
    deadline = time.monotonic() + seconds
    while not (value := page.evaluate(script)):
        assert time.monotonic() < deadline, f"{script}: not within {seconds} s; {page.faults}"
        page.wait_for_timeout(20)
    return value


@contextmanager
def opened(browser, address, *, routes=None, **options):
    """A page at `address` in a context of its own. `options` are those of a browser context, such
    as viewport, locale or color_scheme; `routes` are functions that answer requests to addresses,
    which are then allowed. The wrong things that the page does are in `page.faults`."""
    routes = routes or {}
    with browser.new_context(service_workers="block", **options) as context:
        page = context.new_page()
        page.set_default_timeout(1000 * SECONDS)
        page.faults = faults = []
        page.on("console", lambda m: m.type == "error" and faults.append(f"console: {m.text}"))
        page.on("pageerror", lambda error: faults.append(f"exception: {error}"))
        allowed = (address.partition("#")[0], *routes, "data:", "blob:")
        context.on("request", lambda r: r.url.startswith(allowed) or faults.append(r.url))
        for start, answer in routes.items():
            context.route(f"{start}**", answer)
        page.goto(address)
        yield page
        assert faults == []


@contextmanager
def served(*options):
    """A process that runs `tinygan lab`; the address that it prints."""
    command = [sys.executable, "-m", "tinygan", "lab", "--no-browser", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.fixture(scope="module")
def local_address():
    """The address of a lab that one module's tests share; each page has a session of its own."""
    with served() as address:
        yield address


@pytest.fixture
def local_page(browser, local_address):
    """The page of a server process."""
    with opened(browser, local_address) as page:
        until(page, FIRST)
        yield page


@pytest.fixture
def edit_page(browser):
    """The page of a server process that runs code which the page sends."""
    with served("--allow-edit") as address, opened(browser, address) as page:
        until(page, FIRST)
        yield page


TYPES = {".mjs": "text/javascript", ".wasm": "application/wasm"}  # of files, for a browser


class _Host(http.server.SimpleHTTPRequestHandler):
    """A web host without settings of its own."""

    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | TYPES

    def log_message(self, *parts):
        pass


@contextmanager
def hosted(folder):
    """A web host whose root is `folder`; its address."""
    handler = functools.partial(_Host, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def pyodide():
    """A folder with a copy of Pyodide."""
    folder = os.environ.get("TINYGAN_PYODIDE")
    if folder is None:
        pytest.skip("TINYGAN_PYODIDE names no folder with Pyodide")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def exported_address(tmp_path_factory, pyodide):
    """The address of the exported page in a folder of a web host."""
    root = tmp_path_factory.mktemp("host")
    command = [sys.executable, "-m", "tinygan", "lab", "--export", str(root / "some" / "lab")]
    subprocess.run([*command, "--pyodide", str(pyodide)], check=True)
    with hosted(root) as address:
        yield f"{address}some/lab/"


@pytest.fixture
def exported_page(browser, exported_address):
    """The exported page, once its engine has loaded."""
    with opened(browser, exported_address) as page:
        until(page, FIRST, LOADING)
        yield page
