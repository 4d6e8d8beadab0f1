"""The exported lab: which files it has, that it is whole or not there, and what is refused."""

import io
import json
import re
import subprocess
import sys
import zipfile

import pytest

from tinygan.errors import InputError
from tinygan.lab import export as module
from tinygan.lab.export import CDN, archive, export
from tinygan.lab.server import files

NUMPY = "numpy-1.whl"
LOCK = {"packages": {"numpy": {"file_name": NUMPY}}}
COPY = [*module.PARTS, NUMPY, module.LOCK]


@pytest.fixture
def copy(tmp_path):
    """A folder that has the names of a copy of Pyodide, and other files."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in [*COPY, "scipy-1.whl", "README.md"]:
        (folder / name).write_text(name)
    (folder / module.LOCK).write_text(json.dumps(LOCK))
    return folder


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_a_site_has_the_page_the_package_and_what_names_them(tmp_path):
    site = export(tmp_path / "a" / "site")
    assert names(site) == sorted([*files(), "tinygan.zip", "config.json"])
    config = json.loads((site / "config.json").read_text())
    assert config == {
        "engine": "pyodide",
        "pyodide": CDN,
        "package": "./tinygan.zip",
        "edit": True,
        "files": names(site),
    }
    for name, path in files().items():
        assert name == "index.html" or (site / name).read_bytes() == path.read_bytes()
    (policy,) = re.findall('Policy" content="(.*)">', (site / "index.html").read_text())
    assert f"script-src 'self' 'wasm-unsafe-eval' {CDN};" in policy
    assert policy.endswith(f"connect-src 'self' {CDN}") and policy.startswith("default-src 'self';")
    assert sorted(tmp_path.iterdir()) == [tmp_path / "a"] and list(site.parent.iterdir()) == [site]


def test_a_site_with_a_copy_of_pyodide_names_no_other_host(tmp_path, copy):
    site = export(tmp_path / "site", copy)
    assert names(site / "pyodide") == sorted(COPY)
    assert json.loads((site / "config.json").read_text())["pyodide"] == "./pyodide/"
    (policy,) = re.findall('Policy" content="(.*)">', (site / "index.html").read_text())
    assert "http" not in policy
    for name in names(site):
        if name.endswith((".js", ".html", ".css", ".json")):
            hosts = re.findall(r"https?://[^\s\"'`)]*", (site / name).read_text())
            assert [h for h in hosts if not h.startswith("http://www.w3.org/")] == [], name


def test_the_package_has_the_same_bytes_each_time():
    assert archive() == archive()
    with zipfile.ZipFile(io.BytesIO(archive())) as whole:
        inside = whole.namelist()
        assert inside == sorted(inside)
        assert {entry.date_time for entry in whole.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert {"tinygan/__init__.py", "tinygan/lab/session.py"} <= set(inside)
    assert "tinygan/data/files/digits-images-idx3-ubyte.gz" in inside
    assert not any("static" in name or "pycache" in name for name in inside)


ALONE = """
import sys
for name in ("matplotlib", "PIL", "safetensors", "tqdm", "pooch", "scipy", "mpi4py"):
    sys.modules[name] = None  # not installed
from tinygan.lab.session import Session
session = Session(allow_edit=True)
for query in ("", "data=digits"):
    for message in (b'{"op": "start", "query": "%s"}' % query.encode(), b'{"op": "play"}'):
        assert b'"error"' not in session.answer(message), session.answer(message)
assert "tinygan.commands" not in sys.modules
"""


def test_the_package_needs_numpy_alone(tmp_path):
    zipfile.ZipFile(io.BytesIO(archive())).extractall(tmp_path)
    subprocess.run([sys.executable, "-c", ALONE], check=True, cwd=tmp_path, env={"PYTHONPATH": ""})


def test_an_earlier_export_is_replaced(tmp_path, copy):
    site = tmp_path / "site"
    site.mkdir()
    export(site, copy)  # a folder that is empty
    (site / "config.json").write_text((site / "config.json").read_text() + "\n")
    (site / "main.js").write_text("")
    export(site)
    assert names(site) == sorted([*files(), "tinygan.zip", "config.json"])
    assert (site / "main.js").read_bytes() == files()["main.js"].read_bytes()
    assert sorted(tmp_path.iterdir()) == [copy, site]


def refused(folder, pyodide=None):
    with pytest.raises(InputError) as caught:
        export(folder, pyodide)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_with_other_files_is_refused(tmp_path, monkeypatch):
    site = export(tmp_path / "site")
    (site / "CNAME").write_text("mine")
    before = names(tmp_path)
    assert (
        refused(site) == f"--export {site}: the folder has a file that is no part of a lab: CNAME"
    )
    (site / "CNAME").unlink()
    (site / "config.json").write_text("[" * 100_000)
    assert "is no part of a lab: address.js" in refused(site)
    for text in (
        "[]",
        "{}",
        '{"files": 1}',
        '{"files": {"main.js": 1}}',
        '{"files": [[]]}',
        "\xff",
    ):
        (site / "config.json").write_text(text)
        assert "is no part of a lab" in refused(site)
    (tmp_path / "site" / "config.json").unlink()
    assert "is no part of a lab" in refused(tmp_path)
    assert names(tmp_path) == [
        name for name in before if "CNAME" not in name and "config" not in name
    ]
    assert refused(site / "main.js").endswith("main.js: expected a folder, got a file")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert "expected another folder than the one that you are in" in refused(".")


def test_a_copy_of_pyodide_that_lacks_a_file_is_refused(tmp_path, copy):
    for name in COPY[:-1]:
        (copy / name).rename(tmp_path / "away")
        assert f"--pyodide {copy}: there is no {name}; exp" in refused(tmp_path / "site", copy)
        (tmp_path / "away").rename(copy / name)
    lock = copy / module.LOCK
    for text in ("", "[]", '{"packages": {}}', '{"packages": []}', "[" * 100_000, '"numpy"'):
        lock.write_text(text)
        line = f"--pyodide {copy}: pyodide-lock.json does not name a file of NumPy"
        assert refused(tmp_path / "site", copy) == line
    lock.write_text('{"packages": {"numpy": {"file_name": "../../numpy-1.whl"}}}')
    assert names(export(tmp_path / "site", copy) / "pyodide") == sorted(COPY)
    lock.unlink()
    assert "pyodide-lock.json: No such file or directory" in refused(tmp_path / "other", copy)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("call", ["write_bytes", "rename"])
@pytest.mark.parametrize("before", ["nothing", "an export"])
@pytest.mark.parametrize("problem", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_site_is_whole_or_as_it_was(tmp_path, monkeypatch, call, before, problem):
    site = tmp_path / "site"
    if before != "nothing":
        export(site)
    contents = {name: (site / name).read_bytes() for name in names(site)}
    calls, original = [], getattr(module.Path, call)

    def fails(path, *arguments):
        calls.append(path)
        if len(calls) == (5 if call == "write_bytes" else 1 if before == "nothing" else 2):
            raise problem
        return original(path, *arguments)

    monkeypatch.setattr(module.Path, call, fails)
    with pytest.raises(type(problem)):
        export(site)
    assert {name: (site / name).read_bytes() for name in names(site)} == contents
    assert list(tmp_path.iterdir()) == ([site] if contents else [])
