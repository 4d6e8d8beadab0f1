"""The page of `tinygan lab` in Chromium: the first picture, pictures a second, and memory.

    python benchmarks/lab_page.py                     the engine in a process of its own
    python benchmarks/lab_page.py --pyodide DIR       the engine in the browser, by Pyodide
    python benchmarks/lab_page.py --minutes 10        memory over ten minutes

A picture has five rounds of the default game. It needs `pip install playwright` and Chromium.
"""

import argparse
import functools
import http.server
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tinygan.environment import machine

ROUND = "Number(document.body.dataset.round ?? -1)"
WINDOWS, SECONDS, SPEED = 5, 4, 5  # rounds are counted over windows of seconds
LAB = sys.executable, "-m", "tinygan", "lab"


@contextmanager
def local() -> Iterator[str]:
    """The address of a server process."""
    with subprocess.Popen(
        [*LAB, "--no-browser"], stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@contextmanager
def exported(pyodide: str) -> Iterator[str]:
    """The address of an exported site."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        """A web host that knows the types of Pyodide's files."""

        def guess_type(self, path: Any) -> str:
            types = {".mjs": "text/javascript", ".wasm": "application/wasm"}
            return types.get(Path(path).suffix) or super().guess_type(path)

        def log_message(self, *parts: Any) -> None:
            pass

    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder, "lab")
        subprocess.run([*LAB, "--export", str(site), "--pyodide", pyodide], check=True)
        handler = functools.partial(Handler, directory=str(site))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/"
            server.shutdown()


def measure(page: Any, minutes: float) -> None:
    """Print the figures of an open page."""
    start = time.perf_counter()
    while page.evaluate(ROUND) < 0:
        page.wait_for_timeout(10)
    print(f"first picture {time.perf_counter() - start:.2f} s after the page was asked for")
    page.keyboard.press("Space")
    page.wait_for_timeout(1000 * SECONDS)  # the first pictures compile the page's code
    rates = []
    for _ in range(WINDOWS):
        before, start = page.evaluate(ROUND), time.perf_counter()
        page.wait_for_timeout(1000 * SECONDS)
        rates.append((page.evaluate(ROUND) - before) / SPEED / (time.perf_counter() - start))
    median, least = statistics.median(rates), min(rates)
    print(
        f"{median:.0f} pictures a second, each of {SPEED} rounds (least of {WINDOWS}: {least:.0f})"
    )
    tools = page.context.new_cdp_session(page)
    tools.send("Performance.enable")
    for part in range(6):
        tools.send("HeapProfiler.collectGarbage")
        figures = {
            each["name"]: each["value"] for each in tools.send("Performance.getMetrics")["metrics"]
        }
        heap, rounds = figures["JSHeapUsedSize"] / 1e6, page.evaluate(ROUND)
        print(f"after {minutes * part / 5:4.1f} minutes {heap:6.1f} MB in the page, round {rounds}")
        page.wait_for_timeout(minutes * 12_000 if part < 5 else 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--pyodide", metavar="DIR", help="a copy of Pyodide with NumPy")
    parser.add_argument("--minutes", type=float, default=0.5, help="of the measurement of memory")
    args = parser.parse_args()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        parser.error("playwright is not installed: pip install playwright")
    if args.pyodide and not Path(args.pyodide, "pyodide.mjs").is_file():
        parser.error(f"--pyodide {args.pyodide}: expected a folder with pyodide.mjs")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        parser.error("Chromium is not installed")
    print(machine()["processor"], "with", machine()["cores"], "cores")
    way = exported(args.pyodide) if args.pyodide else local()
    with way as address, sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(address, wait_until="commit")
        measure(page, args.minutes)
        browser.close()


if __name__ == "__main__":
    main()
