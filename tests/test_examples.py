"""Every example runs, on tiny networks for a handful of steps, and leaves what it says."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def play(tmp_path, monkeypatch, capsys):
    """play("dcgan", "--steps", "3") runs the example in an empty folder: its names, and its figures
    by what they say."""

    def run(name, *options):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [f"{name}.py", "--width", "0.1", *options])
        names = runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        out = tmp_path / "out" / name
        record = json.loads((out / "figures.json").read_text())
        figures = {f["what"]: f["ours"] for f in record["findings"]}
        assert figures and all(np.isfinite(list(figures.values())))
        pictures = list(out.glob("*.png"))
        assert pictures
        for path in pictures:
            with Image.open(path) as picture:
                assert min(picture.size) > 50
        return names, figures

    return run


def weights(net):
    return np.concatenate([p.data.reshape(-1) for p in net.parameters()])


def test_dcgan(play):
    names, figures = play("dcgan", "--steps", "4")
    assert figures["numbers summed in a pixel, most over least"] == 1
    assert len(names["frames"]) == 4


def test_lsgan(play):
    _, figures = play("lsgan", "--steps", "3")
    pearson = figures["-1, 1, 0: twice what G minimises, N(0,1) and N(1,1)"]
    usual = figures["0, 1, 1: twice what G minimises, N(0,1) and N(1,1)"]
    assert pearson == pytest.approx(0.408109, abs=2e-6) and abs(usual - pearson) > 0.1


def test_cgan(play):
    names, figures = play("cgan", "--steps", "3")
    np.testing.assert_array_equal(names["asked"], np.repeat(np.arange(10), 10))
    assert (
        0 <= figures["GAN-test"] < 0.5 < figures["the same classifier of GAN-test on real digits"]
    )


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short_and_opens_as_a_notebook(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 150
    assert "# %%" in text and text.startswith('"""')


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--steps", "0"], "--steps: expected a whole number of at least 1, got '0'"),
        (["--seed", "-1"], "--seed: expected at least 0, got -1"),
        (["--width", "0"], "--width: expected more than 0"),
        (["--data", "minst"], "did you mean 'mnist'?"),
        (["--backend", "cuda"], "backend 'cuda' is unknown"),
        (["--stops", "1"], "unrecognized arguments: --stops 1"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["dcgan.py", *options])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(EXAMPLES / "dcgan.py"), run_name="__main__")
    out, err = capsys.readouterr()
    assert stopped.value.code == 2 and message in err and err.count("\n") == 1 and not out
