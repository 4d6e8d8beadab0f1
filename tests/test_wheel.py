"""The wheel: it has all files of the package, and plays in Pyodide with NumPy alone.

Without setuptools as pyproject.toml asks for it, the tests are skipped. That of Pyodide also needs
Node.js, and TINYGAN_PYODIDE=FOLDER, a copy of Pyodide.
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from tinygan import data, gan, models, play

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built without a network in a copy of the sources."""
    pytest.importorskip("setuptools", minversion="77")
    place = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, place)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tinygan", place / "tinygan", ignore=ignored)
    build = "from setuptools import build_meta; build_meta.build_wheel('.')"
    subprocess.run([sys.executable, "-c", build], cwd=place, check=True, capture_output=True)
    (built,) = place.glob("*.whl")
    return built


def test_the_wheel_has_each_file_of_the_package_and_is_for_every_system(wheel):
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as whole:
        inside = {name for name in whole.namelist() if ".dist-info/" not in name}
    paths = [path for path in (ROOT / "tinygan").rglob("*") if path.is_file()]
    kept = [path for path in paths if "__pycache__" not in path.parts]
    assert inside == {path.relative_to(ROOT).as_posix() for path in kept}


def test_the_wheel_plays_a_hundred_rounds_in_pyodide(wheel):
    """With the losses of this process, but for what is rounded in another way."""
    folder, node = os.environ.get("TINYGAN_PYODIDE"), shutil.which("node")
    if folder is None or node is None:
        pytest.skip("needs TINYGAN_PYODIDE, a folder with Pyodide, and Node.js")
    command = [node, str(ROOT / "tests" / "wheel.mjs"), str(Path(folder).resolve()), str(wheel)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=600)
    assert done.returncode == 0, done.stderr[-800:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["heavy"] == [] and "wheel" not in found["file"]
    rng = np.random.default_rng(0)
    digits = data.Minibatches(data.load("digits").images, rng=rng)
    pair = models.build("mlp-small", (1, 28, 28), rng=rng)
    rounds = play(gan.non_saturating, *pair.players(digits, rng))
    expected = [[loss.item() for loss in each[:2]] for each in islice(rounds, 100)]
    np.testing.assert_allclose(found["losses"][:20], expected[:20], rtol=1e-5)
    assert np.isfinite(found["losses"]).all() and len(found["losses"]) == 100
