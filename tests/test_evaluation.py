"""evaluate: the measures of a run beside those of sets whose worth is known."""

import json

import numpy as np
import pytest
from PIL import Image

from tinygan import InputError, data
from tinygan.cli import main
from tinygan.metrics import evaluation
from tinygan.metrics.classifier import Classifier

SHIPPED = "a610438b262f6399413f8237ef7914cd5ea5be499d2f448dd426752c5f830343"


@pytest.fixture(scope="module")
def judge():
    return Classifier.shipped()


@pytest.fixture(scope="module")
def rows(judge):
    """Other real digits as "this run", and the controls."""
    rng = np.random.default_rng(0)
    real = evaluation.real("digits", "train", 1000, rng=rng)
    fresh = data.load("digits").images[rng.permutation(10_000)[:1000]].astype(np.float32) / 255
    return evaluation.evaluate(fresh, real, judge, rng=rng)


def test_the_shipped_classifier_is_the_one_that_was_trained(judge):
    digits = data.load("digits")
    assert judge.sha256 == SHIPPED
    assert judge.accuracy(digits.images.astype(np.float32) / 255, digits.labels) > 0.99


def test_real_digits_are_at_their_floor_and_the_controls_are_not(rows):
    ours, floor, table, one, noise = rows.values()
    for name in ("precision", "recall", "density", "coverage"):
        assert ours[name] == pytest.approx(floor[name], abs=0.08)
        assert noise[name] < 0.2
    assert ours["frechet"] < 3 * floor["frechet"] < 0.1 * one["frechet"]
    assert ours["score"] == pytest.approx(floor["score"], abs=0.2) and floor["score"] > 9.5
    assert one["score"] < 1.2 and one["class_kl"] > 2.2 and one["class_1"] > 980
    assert ours["class_kl"] < 0.05 and abs(ours["kid"]) < 0.1 * one["kid"]
    assert table["parzen"] > floor["parzen"] > one["parzen"] > noise["parzen"]
    assert one["precision"] > 0.9 and one["recall"] < 0.3
    assert sum(ours[f"class_{c}"] for c in range(10)) == 1000


def test_what_is_wrong_is_said_in_words(rows):
    assert [line for line in evaluation.warnings(rows) if "Parzen" not in line] == []
    bad = {**rows, "this run": rows["one class alone"]}
    assert any("recall" in line and "under its floor" in line for line in evaluation.warnings(bad))
    changed = {"density": 1.5, "at_edge": 1.0, "copying_z": 9.0, "duplicates": 0.25, "sigma": 0.1}
    said = "\n".join(evaluation.warnings({**rows, "this run": {**rows["this run"], **changed}}))
    for words in ("density 1.50 in features is over 1.2", "sigma 0.1 is at the edge of its grid",
                  "copying z 9.0 is over 3", "25.0% of the samples equal another"):  # fmt: skip
        assert words in said


def test_the_command(tmp_path, capsys):
    run = tmp_path / "run"
    quick = ["--model", "mlp-small", "--steps", "5", "--quiet", "--out", str(run)]
    assert main(["train", *quick]) == 0
    before = (run / "checkpoint.safetensors").read_bytes()
    assert main(["evaluate", str(run), "--n", "1000", "--against", "train"]) == 0
    out, err = capsys.readouterr()
    assert "this run" in out and SHIPPED[:16] in out and "- recall" in out
    assert err.count("measuring") == 5
    found = json.loads((run / "evaluation.json").read_text())
    assert found["n"] == 1000 and found["rows"]["this run"]["recall"] < 0.2
    with Image.open(run / "evaluation.png") as picture:
        assert picture.width > 1000
    assert (run / "checkpoint.safetensors").read_bytes() == before


def test_images_by_name():
    rng = np.random.default_rng(0)
    real = evaluation.real("digits", "train", 10_000, rng=rng)
    assert len(real.reference) == len(real.other) == 4500 and not real.held_out
    both = np.concatenate([real.reference, real.other, real.validation]).reshape(-1, 784)
    assert len(np.unique(both, axis=0)) == len(both)  # no image stands in two of the sets
    for arguments, message in (
        (("cifar10", "train", 1000), "knows runs on digits"),
        (("digits", "dev", 1000), "--against 'dev' is unknown"),
        (("digits", "train", 900), "--n: expected at least 1000 samples, got 900"),
    ):
        with pytest.raises(InputError, match=message):
            evaluation.real(*arguments, rng=rng)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: there is no such run folder"),
        (["x", "--n", "10"], "--n: expected 1000 to 65536, got 10"),
        (["x", "--seed", "-1"], "--seed: expected at least 0, got -1"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(arguments, message, capsys):
    assert main(["evaluate", *arguments]) == 2
    out, err = capsys.readouterr()
    assert message in err and err.count("\n") == 1 and not out
