"""Write the examples as Jupyter notebooks, with their outputs if they are run here.

    python examples/notebooks.py                                    all, not run, in notebooks/
    python examples/notebooks.py --run lsgan vae -o lesson          two, with outputs and pictures
    python examples/notebooks.py --run --options "--steps 100"      all, for a hundred rounds
    python examples/notebooks.py --wheels                           with tinygan, to be installed

--run needs `pip install '.[notebooks]'`; all of them take about half an hour. --wheels needs a
network. It fills the folder `wheels` next to the notebooks, from which their first cell installs
tinygan without one, on systems like this one. gan_on_one_page.py is left out: it reads a file of
the clone.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tinygan.errors import InputError, choose
from tinygan.experiments.options import Parser, check_folder, or_stop, stop
from tinygan.storage import atomic

HERE = Path(__file__).resolve().parent
FILES = {path.stem: path for path in [*HERE.glob("*.py"), *HERE.glob("book/ch*.py")]}
NAMES = sorted(FILES.keys() - {"gallery", "notebooks", "gan_on_one_page"})
INSTALL = """\
# Install tinygan, if it is not there, from the folder `wheels` next to this notebook; this needs no
# network. If there is no such folder: %pip install PATH, with the path of a clone of tinygan.
import importlib.util

if importlib.util.find_spec("tinygan") is None:
    %pip install --quiet --no-index --find-links wheels tinygan"""
OPTIONS = "# These are the options of the command line: see `python examples/{name}.py --help`.\n"
SHOW = '\nmain()\n\nfrom IPython.display import Image\n\nImage("{name}.png")'
MAIN = '\nif __name__ == "__main__":'


def cells(name: str, options: str) -> Iterator[tuple[str, str]]:
    """The kind and text of each cell of an example: its docstring, cells that install tinygan and
    set the options, and its sections with their titles. A chapter of the book has neither docstring
    nor options."""
    text = FILES[name].read_text(encoding="utf-8")
    if text.startswith('"""'):
        _, about, text = text.split('"""', 2)
        title, _, rest = about.partition("\n")
        yield "markdown", f"# {title}\n{rest}".strip()
    yield "code", INSTALL
    script, main, _ = text.partition(MAIN)
    if main:
        text = script + SHOW.format(name=name)
    elif FILES[name].parent == HERE:
        yield "code", f"{OPTIONS.format(name=name)}%env TINYGAN_OPTIONS={options}"
    first, *parts = re.split(r"^# %% ?(.*)\n", text, flags=re.M)
    for title, part in zip(["", *parts[::2]], [first, *parts[1::2]], strict=True):
        if title == "[markdown]":
            yield "markdown", re.sub("^# ?", "", part.strip(), flags=re.M)
            continue
        if title:
            yield "markdown", f"## {title}"
        if part.strip():
            yield "code", part.strip()


def notebook(name: str, options: str) -> dict[str, Any]:
    """The notebook of an example, in the format nbformat 4.5."""
    made: list[dict[str, Any]] = []
    for number, (kind, text) in enumerate(cells(name, options)):
        cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": text}
        made.append(cell | ({"execution_count": None, "outputs": []} if kind == "code" else {}))
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": python, "language_info": {"name": "python"}}
    return {"cells": made, "metadata": about, "nbformat": 4, "nbformat_minor": 5}


def run(made: dict[str, Any]) -> dict[str, Any]:
    """The notebook with its outputs. It runs in an empty folder.

    Raises InputError if the packages for this are not installed, or with the error of a cell."""
    try:
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError
    except ImportError as problem:
        raise InputError(f"--run: {problem}; pip install '.[notebooks]'") from problem
    document = nbformat.from_dict(made)
    with tempfile.TemporaryDirectory() as folder:
        options = {
            "timeout": None,
            "record_timing": False,
            "coalesce_streams": True,
            "extra_arguments": ["--log-level=ERROR"],
        }
        client = NotebookClient(document, resources={"metadata": {"path": folder}}, **options)
        try:
            client.execute()
        except CellExecutionError as problem:
            outputs = [out for cell in document.cells for out in cell.get("outputs", [])]
            said = [out.text.strip() for out in outputs if out.get("name") == "stderr"]
            why = said[-1] if problem.ename == "SystemExit" and said else problem.evalue
            raise InputError(f"{problem.ename}: {why}".splitlines()[0]) from problem
    return dict(document)


def main() -> None:
    parser = Parser(prog="notebooks.py", description=(__doc__ or "").split("\n")[0])
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="default: all")
    add("-o", "--out", type=Path, default=Path("notebooks"), help="folder (default: notebooks)")
    add("--run", action="store_true", help="run each notebook, and keep what it prints and draws")
    add("--options", default="", help='options of each example, such as "--steps 100 --seed 1"')
    add("--wheels", action="store_true", help="also write tinygan and what it needs to OUT/wheels")
    args = parser.parse_args()
    try:
        for name in args.names:
            choose("example", name, NAMES)
        options = shlex.join(shlex.split(args.options))
    except InputError as problem:
        parser.error(str(problem))
    except ValueError as problem:
        parser.error(f"--options {args.options}: {problem}")
    check_folder(args.out)
    or_stop(lambda: args.out.mkdir(parents=True, exist_ok=True))
    if args.wheels:
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "-w", str(args.out / "wheels")]
        if subprocess.run([*pip, str(HERE.parent)]).returncode:
            stop("--wheels: pip has failed; it needs a network")
    for name in args.names or NAMES:
        path, made = args.out / f"{name}.ipynb", notebook(name, options)
        try:
            made = run(made) if args.run else made
        except InputError as problem:
            stop(f"{name}: {problem}")
        or_stop(write, path, made)
        print(path, flush=True)


def write(path: Path, made: dict[str, Any]) -> None:
    with atomic(path) as file:
        file.write(json.dumps(made, indent=1, ensure_ascii=False).encode() + b"\n")


if __name__ == "__main__":
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    main()
