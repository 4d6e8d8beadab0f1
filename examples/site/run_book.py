"""Run chapters of the book in both languages, and keep what they print and draw for the site.

    python examples/site/run_book.py                        all chapters
    python examples/site/run_book.py ch04_broadcasting      one

Writes NAME.json (the printed lines of each cell, seconds, commit and machine), NAME.png and
NAME.ko.png to examples/book/results/. Korean figures need a font with Hangul.
"""

import argparse
import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from cells import BOOK, CHAPTERS, code

from tinygan.environment import machine
from tinygan.errors import InputError, choose
from tinygan.storage import atomic

RESULTS = BOOK / "results"


def run(name: str, language: str) -> list[str]:
    """Run a chapter in the current folder; return what each cell with code prints."""
    names: dict[str, object] = {"__name__": "__main__"}
    sys.argv = [f"{name}.py", "--lang", language]
    printed = []
    for content in code(name):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(content, f"{name}.py", "exec"), names)
        printed.append(out.getvalue())
    return printed


def keep(name: str) -> None:
    """Run a chapter in both languages and write its results."""
    RESULTS.mkdir(exist_ok=True)
    started, here = time.process_time(), Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            printed = run(name, "en")
            seconds = time.process_time() - started
            run(name, "ko")
            for end in (".png", ".ko.png"):
                shutil.copy(Path("out", "book", f"{name}{end}"), RESULTS)
        finally:
            os.chdir(here)
    record = {"printed": printed, "cpu_seconds": round(seconds, 1), "machine": machine()}
    with atomic(RESULTS / f"{name}.json") as file:
        file.write(json.dumps(record, indent=1, ensure_ascii=False).encode() + b"\n")
    print(f"{name}: {seconds:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("names", metavar="NAME", nargs="*", help="chapters; all if none is given")
    try:
        names = [choose("chapter", each, CHAPTERS) for each in parser.parse_args().names]
        for name in names or CHAPTERS:
            keep(name)
    except InputError as problem:
        parser.error(str(problem))


if __name__ == "__main__":
    main()
