"""The folder of notebooks for a class: each has the code of its example, and one is run, without a
network."""

import ast
import base64
import json
import os
import re
import runpy
import subprocess
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "examples" / "notebooks.py"


@pytest.fixture
def write(tmp_path, monkeypatch):
    """write("lsgan") runs the script with these arguments in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["notebooks.py", *words])
        return runpy.run_path(str(SCRIPT), run_name="__main__")

    return call


def statements(text):
    """The statements of a program, without its docstring and the part that is only for a script."""
    body = ast.parse(text).body
    return [
        ast.unparse(node)
        for node in (body[1:] if ast.get_docstring(ast.parse(text)) else body)
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'")
    ]


def test_every_example_is_a_notebook_with_its_title_and_its_code(write, tmp_path, capsys):
    names = write()["NAMES"]
    assert capsys.readouterr().out.split() == [f"notebooks/{name}.ipynb" for name in names]
    examples = {path.stem for path in (ROOT / "examples").glob("*.py")}
    chapters = {path.stem for path in (ROOT / "examples" / "book").glob("ch*.py")}
    assert set(names) == (examples | chapters) - {"gallery", "notebooks", "gan_on_one_page"}
    for name in names:
        where = ROOT / "examples" / ("book" if name in chapters else "")
        source = (where / f"{name}.py").read_text(encoding="utf-8")
        text = (tmp_path / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")
        cells = json.loads(text)["cells"]
        texts = [c["source"] for c in cells if c["cell_type"] == "markdown"]
        install, *code = [c["source"] for c in cells if c["cell_type"] == "code"]
        assert "%pip install" in install and "network" in install
        mine = statements(re.sub("^%env .*", "", "\n".join(code), flags=re.M))
        theirs = statements(source)
        assert mine[: len(theirs)] == theirs
        added = ["main()", "from IPython.display import Image", f"Image('{name}.png')"]
        assert mine[len(theirs) :] == (added if name == "first_gan" else [])
        if name in chapters:
            words = re.findall("[a-z]+", " ".join(re.findall("^# (?!%%)(.*)", source, re.M)))
            assert re.findall("[a-z]+", " ".join(texts)) == words
        else:
            about = ast.get_docstring(ast.parse(source))
            sections = [f"## {each}" for each in re.findall("^# %% (.*)", source, re.M)]
            assert texts == [f"# {about}", *sections]


def test_every_notebook_is_valid(write, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    for name in write("-o", "class 1")["NAMES"]:
        nbformat.validate(nbformat.read(tmp_path / "class 1" / f"{name}.ipynb", as_version=4))


OFFLINE = "import sys, other_system; sys.addaudithook(other_system.offline)"


def test_a_notebook_is_run_without_a_network_and_shows_its_pictures(tmp_path):
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    (tmp_path / "sitecustomize.py").write_text(OFFLINE, encoding="utf-8")
    places = os.pathsep.join(map(str, (tmp_path, ROOT, ROOT / "tests")))
    words = ["--run", "figure1", "-o", "수업 1", "--options", "--steps 3 --width 0.1 --seed 7"]
    subprocess.run(
        [sys.executable, str(SCRIPT), *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": places, "IPYTHONDIR": str(tmp_path / "ipython")},
        check=True,
        timeout=900,
    )
    (path,) = (tmp_path / "수업 1").iterdir()
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    pictures = [o["data"]["image/png"] for o in outputs if "image/png" in o.get("data", ())]
    assert len(pictures) == 2
    assert all(base64.b64decode(picture).startswith(b"\x89PNG") for picture in pictures)
    printed = "".join(o["text"] for o in outputs if o.get("name") == "stdout")
    assert "--seed 7" in printed and "out/figure1/curves.png" in printed and "at most" in printed
    assert not any(o["output_type"] == "error" for o in outputs)
    assert all(set(cell["metadata"]) == set() for cell in cells)  # no times


def test_an_example_shows_its_pictures_and_takes_its_options_in_a_notebook(tmp_path, monkeypatch):
    from tinygan.experiments import options

    shown = []
    display = types.SimpleNamespace(Image=lambda filename: filename, display=shown.append)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    options.show(tmp_path / "a.png")
    assert shown == []
    shell = types.SimpleNamespace(kernel=True)
    python = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", python)
    options.show(tmp_path / "a.png")
    assert shown == [str(tmp_path / "a.png")]
    monkeypatch.setattr(sys, "argv", ["ipykernel_launcher.py", "-f", "kernel.json"])
    assert options.parsed("toy", "A toy.", None, 10, 70).seed == 0
    monkeypatch.setenv("TINYGAN_OPTIONS", "--seed 3 --steps 4")
    args = options.parsed("toy", "A toy.", None, 10, 70)
    assert (args.seed, args.steps) == (3, 4)


def test_the_wheels_are_collected_by_pip(write, monkeypatch, capsys):
    asked, status = [], [0, 1]

    def pip(command, **options):
        asked.append(command)
        return types.SimpleNamespace(returncode=status.pop(0))

    monkeypatch.setattr(subprocess, "run", pip)
    write("vae", "--wheels")
    assert asked[0][1:4] == ["-m", "pip", "wheel"]
    assert asked[0][-2:] == [os.path.join("notebooks", "wheels"), str(ROOT)]
    with pytest.raises(SystemExit):
        write("vae", "--wheels")
    assert "--wheels: pip has failed" in capsys.readouterr().err


WRONG = {
    "an unknown example": (["vea"], "example 'vea' is unknown.*did you mean 'vae'"),
    "an open quotation": (["--options", "--steps '3"], "--options --steps '3: No closing"),
    "a file as the folder": (["-o", "file"], "cannot write file: file is not a folder"),
    "no package to run": (["--run", "vae"], "vae: --run: .*; pip install '.\\[notebooks\\]'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_are_one_line(write, tmp_path, monkeypatch, capsys, name):
    words, message = WRONG[name]
    (tmp_path / "file").touch()
    monkeypatch.setitem(sys.modules, "nbformat", None)
    with pytest.raises(SystemExit) as stopped:
        write(*words)
    out, err = capsys.readouterr()
    assert stopped.value.code == 2 and re.search(message, err) and err.count("\n") == 1 and not out
    assert not list(tmp_path.rglob("*.ipynb"))
