"""compare: runs side by side on one page that loads nothing."""

import json
import re
import shutil

import numpy as np
import pytest

from tinygan import storage
from tinygan.commands.parser import main
from tinygan.training import Config, train
from tinygan.training.comparison import read_run

METRICS = {"frechet": 1.25, "class_0": 20.0, "unknown": 3.0}
FACTS = {"n": 200, "seed": 0, "against": "test images of digits", "network": "0" * 64}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three runs: two that differ in the game and the rounds, one with another model."""
    root, known = tmp_path_factory.mktemp("compared"), []
    for name, model, game, steps in (
        ("one", "mlp-small", "non-saturating", 12),
        ("<two>", "mlp-small", "least-squares", 3),
        ("three", "mlp-2014", "non-saturating", 1),
    ):
        config = Config(model=model, game=game, steps=steps, batch=4)
        known.append(train(config, root / name, progress=False, doctor=False).path)
    return known


@pytest.fixture
def runs(made, tmp_path, monkeypatch):
    for path in made:
        shutil.copytree(path, tmp_path / path.name)
    monkeypatch.chdir(tmp_path)
    return [path.name for path in made]


def compared(capsys, *arguments):
    """The page and what is printed."""
    capsys.readouterr()
    assert main(["compare", *arguments, "-o", "page.html"]) == 0
    with open("page.html", encoding="utf-8") as page:
        return page.read(), capsys.readouterr().out


def row(page, head):
    """The cells of a row of a table."""
    (cells,) = re.findall(rf"<tr><th>{re.escape(head)}</th>(.*)", page)
    return re.findall("<td>(.*?)</td>", cells)


def test_the_page_shows_options_samples_and_curves(runs, capsys):
    page, out = compared(capsys, *runs[:2])
    assert row(page, "--game") == ["non-saturating", "least-squares"]
    assert row(page, "rounds played") == ["12", "3"] and "--model" not in page
    assert page.count("<figure>") == 2 and page.count("data:image/png;base64,") == 3
    assert "<two>" not in page and "&lt;two&gt;, round 3" in page
    assert "the same noise" in out and "have different scales" in out and "page.html: 2 runs" in out
    assert "Not evaluated: one, <two>" in out and "<h2>Metrics" not in page


def test_the_page_loads_nothing(runs, capsys):
    page, _ = compared(capsys, *runs)
    links = re.findall(r"(?:src|href)\s*=\s*\"([^\"]{0,30})|url\(|@import|<script", page)
    assert links and all(link.startswith("data:image/png;base64,") for link in links)


def test_other_models_and_data_are_noted(runs, capsys):
    _, out = compared(capsys, runs[0], runs[2])
    assert "different noise" in out and "different data" not in out
    assert "different scales" not in out
    arrays, meta = storage.load(f"{runs[2]}/checkpoint.safetensors")
    meta["config"]["data"] = "mnist"
    storage.save(f"{runs[2]}/checkpoint.safetensors", arrays, meta)
    with open(f"{runs[2]}/config.json", "w") as file:
        json.dump(meta["config"], file)
    _, out = compared(capsys, runs[0], runs[2])
    assert "different data: neither losses nor metrics" in out


def test_samples_of_equal_models_have_the_same_noise(runs):
    one, again, other = (read_run(runs[i], seed=s) for i, s in ((0, 3), (0, 3), (0, 4)))
    np.testing.assert_array_equal(one.samples, again.samples)
    assert (one.samples != other.samples).any()


def test_metrics_are_shown_and_those_of_other_evaluations_are_noted(runs, capsys):
    for name, facts in zip(runs[:2], (FACTS, {**FACTS, "n": 300}), strict=True):
        with open(f"{name}/evaluation.json", "w") as file:
            real = {name: value + 1 for name, value in METRICS.items()}
            json.dump({**facts, "rows": {"this run": METRICS, "real images": real}}, file)
    page, out = compared(capsys, *runs)
    assert row(page, "Frechet (less)") == [*["1.250 (real 2.250)"] * 2, ""]
    assert row(page, "class 0 (as real)") == [*["20 (real 21)"] * 2, ""]
    assert row(page, "n") == ["200", "300", ""] and "unknown" not in page
    assert "td { overflow-wrap: anywhere; }" in page  # else the network's hash takes all the width
    assert "Not evaluated: three" in out and "cannot be compared" in out
    _, out = compared(capsys, runs[0], runs[2])
    assert "evaluations differ" not in out


def test_an_evaluation_before_the_last_round_is_noted(runs, capsys):
    for name, step in zip(runs, ({"step": 8}, {"step": 3}, {}), strict=True):
        with open(f"{name}/evaluation.json", "w") as file:
            json.dump({**FACTS, **step, "rows": {"this run": METRICS}}, file)
    _, out = compared(capsys, *runs)
    assert "\n- Evaluated at another round: one (round 8); evaluate again.\n" in out


def test_a_run_before_its_first_logged_round_has_no_curves(runs, capsys):
    for name in runs[:2]:
        with open(f"{name}/log.csv", "w") as file:
            file.write("step,d_loss,g_loss,d_real,d_fake\n")
    page, _ = compared(capsys, *runs[:2])
    assert "<h2>Losses" not in page and page.count("<figure>") == 2


def refused(capsys, *arguments):
    """The error of the command, which is one line; nothing is written."""
    capsys.readouterr()
    assert main(["compare", *arguments]) == 2
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1
    return err


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{",
        '{"rows": {"this run": {}}}',
        json.dumps({**FACTS, "rows": {"this run": {"frechet": "low"}}}),
        json.dumps({**FACTS, "rows": {"this run": {"frechet": float("nan")}}}),
        json.dumps({**FACTS, "n": True, "rows": {"this run": {}}}),
        json.dumps({**FACTS, "rows": {"this run": {}, "real images": {"frechet": "low"}}}),
        "[" * 100_000,
    ],
)
def test_a_damaged_evaluation_is_named(runs, capsys, content):
    with open("one/evaluation.json", "w") as file:
        file.write(content)
    assert "one/evaluation.json: expected the metrics of a run" in refused(capsys, *runs)


def test_wrong_arguments_are_refused(runs, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for arguments, message in (
        (["one"], "RUN: expected two or more different runs, got one"),
        (["one", "./one"], "RUN: expected two or more different runs, got one ./one"),
        (["one", "empty"], "empty: is not a run folder, because it has no checkpoint.safetensors"),
        (["one", "nowhere"], "nowhere: there is no such run folder"),
        ([*runs, "-o", "page.pdf"], "-o: expected the name of a .html file, got 'page.pdf'"),
        ([*runs, "-o", "gone/page.html"], "there is no folder"),
        ([*runs, "--seed", "-1"], "--seed: expected a whole number from 0 to"),
    ):
        assert message in refused(capsys, *arguments)
    assert not list(tmp_path.glob("*.html"))
