"""evaluate: the metrics of a run, of real images, and of controls, which are known to be bad."""

import dataclasses
import json
import math
import re
from functools import partial
from unittest.mock import Mock

import guard  # noqa: F401  (registers the backend)
import numpy as np
import pytest
from PIL import Image

from tinygan import InputError, data, models, storage
from tinygan.commands.parser import main
from tinygan.metrics import evaluation, image_sets, report
from tinygan.metrics.classifier import SHAPE, Classifier

rng = partial(np.random.default_rng, 0)
SHIPPED = "a610438b262f6399413f8237ef7914cd5ea5be499d2f448dd426752c5f830343"


@pytest.fixture(scope="module")
def classifier():
    return Classifier.shipped()


@pytest.fixture(scope="module")
def digits():
    """The digits in another order: in MNIST, the same person wrote neighboring ones."""
    whole, order = data.load("digits"), np.random.default_rng(1).permutation(10_000)
    return whole.images[order].astype(np.float32) / 255, whole.labels[order]


@pytest.fixture(scope="module")
def real(digits):
    """Disjoint parts of the digits, as if some had been held out."""
    x, y = digits
    a, b, c, d = x[:1000], x[1000:2000], x[2000:2500], x[2500:7500]
    return image_sets.Real(a, b, c, d, y[2500:7500], True, "test images of digits")


@pytest.fixture(scope="module")
def rows(classifier, digits, real):
    """Other real digits as "this run", and the controls."""
    return evaluation.evaluate(digits[0][8000:9000], real, classifier, rng=rng())


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of five rounds."""
    out = tmp_path_factory.mktemp("evaluated") / "run"
    quick = ["--model", "mlp-small", "--steps", "5", "--quiet", "--out", str(out)]
    assert main(["train", *quick]) == 0
    return out


def test_the_shipped_classifier_is_the_one_that_was_trained(classifier, digits):
    x, y = digits
    assert classifier.sha256 == SHIPPED
    assert classifier.accuracy(x[:2000], y[:2000]) > 0.99


def test_real_digits_are_near_the_reference_and_the_controls_are_not(rows):
    ours, real, averages, one, noise = rows.values()
    for name in ("precision", "recall", "density", "coverage"):
        for prefix in ("", "pixel_"):
            assert ours[prefix + name] == pytest.approx(real[prefix + name], abs=0.08)
            assert noise[prefix + name] < 0.2
    assert ours["frechet"] < 3 * real["frechet"] < 0.1 * one["frechet"]
    assert ours["score"] == pytest.approx(real["score"], abs=0.2) and real["score"] > 9.5
    assert one["score"] < 1.2 and one["class_kl"] > 2.2 and one["class_1"] > 980
    assert ours["class_kl"] < 0.05
    assert abs(ours["kid"]) < 6 * ours["kid_error"] < 0.1 * one["kid"]
    assert averages["parzen"] > real["parzen"] > one["parzen"] > noise["parzen"]
    assert one["precision"] > 0.9 and one["recall"] < 0.3
    assert averages["pixel_density"] > 2 * averages["density"]
    assert averages["density"] > 1.2 and averages["duplicates"] > 0 == noise["duplicates"]
    for row in rows.values():
        assert sum(row[name] for name in evaluation.COUNTS) == 1000
        assert all(map(math.isfinite, row.values()))


def test_copies_of_training_images_are_found_and_other_real_images_are_not(rows):
    ours, real, _, one, noise = rows.values()
    assert abs(ours["copying_z"]) < 3 and abs(real["copying_z"]) < 3
    assert ours["copies"] < 0.01 and real["copies"] < 0.01
    assert ours["nearest"] == pytest.approx(real["nearest"], rel=0.05)
    assert (one["nearest"], one["copies"]) == (0, 1) and one["copying_z"] > 30
    assert noise["copies"] == 0 and noise["copying_z"] <= 0


@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_box_blur_is_the_mean_of_a_square(size):
    one = np.zeros((1, 2, 7, 8))
    one[0, 1, 3, 4] = size**2
    expected, half = np.zeros_like(one), size // 2
    expected[0, 1, 3 - half : 4 + half, 4 - half : 5 + half] = 1
    np.testing.assert_array_equal(image_sets.box_blur(one, size), expected)


def test_blurred_gray_and_averaged_images_are_no_copies(classifier, digits, real):
    """They are nearer to the training images than real images are, which alone proves nothing."""
    other, known = digits[0][8000:8300], real.training
    few = real._replace(reference=real.reference[:300], validation=real.validation[:300])
    against = evaluation.RealSet(few, classifier)
    blurred = image_sets.box_blur(other, 3)
    copies = known[:300] + rng().normal(0, 0.03, known[:300].shape)
    for images, alarm in (
        (blurred, False),
        ((known[:300] + known[300:600]) / 2, False),
        (np.clip(0.1 + rng().normal(0, 0.02, other.shape), 0, 1), False),
        (np.clip(copies, 0, 1), True),
        (np.concatenate([blurred[:270], known[:30]]), True),
    ):
        row = evaluation.measure(
            evaluation.SampleSet(images.astype(np.float32), against, rng=rng(), reference=False)
        )
        assert ("copying_z" in report.alarms(row, {**row, "copies": 0.0})) is alarm


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_equal_images_are_measured_too(classifier, real, rows, value):
    same = np.full((1000, 1, 28, 28), value, np.float32)
    against = evaluation.RealSet(real, classifier)
    with np.errstate(all="raise", under="ignore"):
        samples = evaluation.SampleSet(same, against, rng=rng(), reference=False)
        found = evaluation.measure(samples)
    assert all(map(math.isfinite, found.values()))
    assert found["score"] == pytest.approx(1) and found["class_kl"] == pytest.approx(math.log(10))
    assert found["duplicates"] == 0.999 and found["recall"] == found["pixel_recall"] == 0
    assert found["frechet"] > 100 * rows["real images"]["frechet"]


def test_another_backend_measures_the_same(real, digits):
    few = image_sets.Real(*(part[:300] for part in real[:5]), *real[5:])
    here, there = (
        evaluation.evaluate(digits[0][8000:8300], few, Classifier.shipped(backend), rng=rng())
        for backend in ("numpy", "guard")
    )
    for name in here:
        assert there[name] == pytest.approx(here[name], rel=1e-3, abs=2e-3), name


# The table, its alarms and notes.


def test_real_images_raise_no_alarm_and_bad_images_do(rows):
    assert report.warnings(rows) == []
    marked = {name: set(report.alarms(row, rows["real images"])) for name, row in rows.items()}
    assert marked["real images"] == set()
    both = {"recall", "pixel_recall"}
    assert both <= marked["noise"] and both | {"copying_z", "class_1"} <= marked["one class alone"]
    assert {"density", "pixel_density", "parzen", "duplicates", *both} <= marked["k-means"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"density": 1.21}, "density: 1.210, real images: .*; over 1.2: the samples are"),
        ({"pixel_density": 1.5}, "density, pixels: 1.500, real images: .*; over 1.2"),
        ({"recall": 0.8}, "recall: 0.800, real images: 0.9.*; no sample is similar"),
        ({"pixel_recall": 0.8}, "recall, pixels: 0.800, real images: 0.9.*; no sample is"),
        ({"class_8": 9000.0}, "class 8: 9000, real images: .*; .* the generator has collapsed"),
        ({"precision": 0.4}, "precision: 0.400, .*; under half that of real images: most samples"),
        ({"pixel_precision": 0.4}, "precision, pixels: 0.400, .* are unlike any real image"),
        ({"sigma": 0.1, "at_edge": 1.0}, "Parzen, sigma: 0.100, .*; at the edge of its grid"),
        ({"parzen": 400.0}, "Parzen: 400.0, real images: .*; over that of real images"),
        (
            {"copying_z": 9.0},
            "copying z: 9.000, real images: .*; over 3: samples copy training images",
        ),
        ({"duplicates": 0.25}, "duplicates: 0.250, real images: 0.000; the share of samples"),
    ],
)
def test_an_alarm_is_a_sentence_and_a_mark_at_the_value(rows, changed, words):
    rows = {**rows, "this run": rows["this run"] | changed}
    (warning,) = report.warnings(rows)
    assert re.match(words, warning)
    marked = [
        line
        for line in report.table(rows).splitlines()
        if warning.startswith(line[:24].strip() + ":")
    ]
    name, value = next(iter(changed.items()))
    (line,) = marked
    assert f" {report.cell(name, value)}! " in line


def test_fewer_copies_than_among_real_images_are_no_alarm(rows):
    real = rows["real images"]
    found = [report.alarms(real | {"copying_z": z}, real) for z in (-9.0, 2.9, 3.1)]
    assert [set(alarms) for alarms in found] == [set(), set(), {"copying_z"}]


def test_a_low_recall_is_below_the_reference_by_more_than_the_draw_of_samples(rows):
    real = rows["real images"] | {"recall": 0.9}
    margin = 4 * math.sqrt(2 * 0.9 * 0.1 / 1000)
    found = [set(report.alarms(real | {"recall": 0.9 - x * margin}, real)) for x in (0.99, 1.01)]
    assert found == [set(), {"recall"}]


def test_the_table_has_every_value_in_its_row_and_column(rows):
    head, *lines = report.table(rows).splitlines()
    assert head.endswith("noise")
    shown = [metric for metric in evaluation.METRICS if metric.title]
    for line, metric in zip(lines, shown, strict=True):
        assert line.startswith(metric.title)
        cells = line[len(metric.title) :].strip().removeprefix(metric.better).split()
        expected = [report.cell(metric.name, row[metric.name]) for row in rows.values()]
        assert [c.rstrip("!") for c in cells] == expected
    cells = [report.cell("kid", v) for v in (0.12345, 123.45, -1234567.0)]
    assert cells == ["0.123", "123.5", "-1.23e+06"]
    assert report.cell("class_3", 98.0) == "98"


def test_the_notes_name_what_is_comparable(rows, real, classifier):
    notes, unlabeled = "\n".join(report.notes(rows, real, classifier)), Mock(classes=0)
    score = f"real images score {rows['real images']['parzen']:.1f}"
    for words in ("n = 1000 and for one classifier only", "density 1 and coverage 0.969 on average",
                  "held-out images", "242.5 and 317.0", score):  # fmt: skip
        assert words in notes
    other = "\n".join(report.notes(rows, real._replace(held_out=False, excluded=7), unlabeled))
    for words in ("a random network", "no test for copies", "7 were left out"):
        assert words in other and words not in notes


def test_a_note_lists_the_distances_and_names_controls_that_are_not_seen(rows, real, classifier):
    (line,) = (n for n in report.notes(rows, real, classifier) if n.startswith("Frechet, in order"))
    listed = re.findall(r"(?:order: |, )([a-z -]+) [\d.]+", line.split(";")[0])
    assert listed == sorted(rows, key=lambda name: rows[name]["frechet"])
    assert "do not tell" not in line
    blind = {**rows, "noise": {**rows["noise"], "frechet": 0.0}}
    notes = "\n".join(report.notes(blind, real, classifier))
    assert "; these features do not tell noise from real images; " in notes


# The command.


def test_the_command(run, capsys):
    before = (run / "checkpoint.safetensors").read_bytes()
    assert main(["evaluate", str(run), "--n", "1000", "--against", "train"]) == 0
    out, err = capsys.readouterr()
    head = f"1000 samples of {run}, seed 0, against 1000 training images of digits\n"
    assert out.startswith(head) and SHIPPED in out and "! recall" in out and "class 9" in out
    assert err.count("measuring") == 5 and "nan" not in out.lower()
    found = json.loads((run / "evaluation.json").read_text())
    assert found["n"] == 1000 and found["rows"]["this run"]["recall"] < 0.2
    assert found["network"] == SHIPPED and any("recall" in line for line in found["warnings"])
    with Image.open(run / "evaluation.png") as picture:
        assert picture.width > 1000
    assert (run / "checkpoint.safetensors").read_bytes() == before


def test_fewer_real_images_than_samples_are_noted(run, rows, capsys, monkeypatch):
    drawn = []
    measured = lambda samples, *a, **k: drawn.append(len(samples)) or rows  # noqa: E731
    monkeypatch.setattr(evaluation, "evaluate", measured)
    for given in ([], ["--n", "5000"]):
        assert main(["evaluate", str(run), "--against", "train", *given]) == 0
        said = "- 4500 samples, not 5000: there are no more" in capsys.readouterr().out
        assert said is bool(given)
    assert drawn == [4500, 4500]


def test_a_nan_is_never_shown_nor_written(run, rows, monkeypatch, capsys):
    """Other checks exclude NaN earlier; this is the last one."""
    (run / "evaluation.json").write_text("before")
    bad = {**rows, "noise": {**rows["noise"], "kid": math.nan}}
    monkeypatch.setattr(evaluation, "evaluate", lambda *a, **k: bad)
    with pytest.raises(ValueError, match="not JSON compliant"):
        main(["evaluate", str(run), "--n", "1000", "--against", "train"])
    assert (run / "evaluation.json").read_text() == "before" and not capsys.readouterr().out


def test_real_images_by_name_of_the_data():
    digits = data.load("digits")
    real = image_sets.real(digits, "train", 10_000, SHAPE, rng=rng())
    assert len(real.reference) == len(real.other) == 4500 and not real.held_out
    both = np.concatenate([real.reference, real.other, real.validation]).reshape(-1, 784)
    assert len(np.unique(both, axis=0)) == len(both)  # no image is in two of the sets
    for arguments, message in (
        (("dev", 1000, SHAPE), "--against 'dev' is unknown; expected test, train or folder:PATH"),
        (("train", 1000, (1, 32, 32)), r"images of shape \(1, 32, 32\), expected \(1, 28, 28\)"),
    ):
        with pytest.raises(InputError, match=message):
            image_sets.real(digits, *arguments, rng=rng())


def test_with_test_images_those_of_training_are_the_reference_row(monkeypatch):
    whole = data.load("digits")
    known = {
        ("digits", "test"): dataclasses.replace(whole, images=whole.images[:2000]),
        ("digits", "train"): dataclasses.replace(
            whole, images=whole.images[2000:], labels=whole.labels[2000:]
        ),
    }
    monkeypatch.setattr(image_sets, "load", lambda name, split="train": known[name, split])
    real = image_sets.real(known["digits", "train"], None, 5000, SHAPE, rng=rng())
    assert real.held_out and real.named == "test images of digits"
    assert len(real.reference) == len(real.other) == 2000 and len(real.training) == 8000
    pixels = [*map(bytes, whole.images.astype(np.float32) / 255)]
    assert set(map(bytes, real.reference)) == set(pixels[:2000])
    assert {*map(bytes, real.other), *map(bytes, real.validation)} <= set(pixels[2000:])


def test_without_test_images_the_error_names_the_other_option(monkeypatch):
    def load(name, split="train"):
        if split == "test":
            raise InputError("mnist: the network is down")
        return data.load(name, split)

    monkeypatch.setattr(image_sets, "load", load)
    with pytest.raises(InputError, match="the network is down; or use --against train"):
        image_sets.real(data.load("digits"), "test", 1000, SHAPE, rng=rng())


def test_samples_become_images():
    drawn = np.linspace(-1, 1, 2 * 784, dtype=np.float32).reshape(2, 1, 28, 28)
    images = image_sets.as_images(drawn, -1.0)
    np.testing.assert_allclose(images, (drawn + 1) / 2)
    np.testing.assert_array_equal(image_sets.as_images(abs(drawn), 0.0), abs(drawn))
    beyond = image_sets.as_images(drawn * np.float32(1 + 1e-6), -1.0)  # by rounding alone
    assert beyond.min() == 0 and beyond.max() == 1
    one_bad = drawn.copy()
    one_bad[1, 0, 3, 3] = np.nan
    for samples, message in (
        (one_bad, "makes NaN or infinity, in 1 of 2 samples: its training diverged"),
        (drawn * 1.01, "makes pixels from -1.01 to 1.01, expected -1 to 1"),
    ):
        with pytest.raises(InputError, match=message):
            image_sets.as_images(samples, -1.0)
    with pytest.raises(InputError, match="makes pixels from -1 to 1, expected 0 to 1"):
        image_sets.as_images(drawn, 0.0)


def _diverged(arrays, meta):
    arrays["ema/2.bias"] = np.full_like(arrays["ema/2.bias"], np.nan)


def _larger(arrays, meta):
    meta["shape"] = [1, 32, 32]
    pair = models.build("mlp-small", (1, 32, 32), rng=rng())
    arrays.update({f"ema/{name}": a for name, a in pair.G.state_dict().items()})


def refused(capsys, *arguments):
    """The error of `tinygan evaluate`, which is one line."""
    capsys.readouterr()
    assert main(["evaluate", *map(str, arguments)]) == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1 and not out
    return err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_diverged, "the generator makes NaN or infinity, in 1000 of 1000 samples: its training"),
        (_larger, "the generator makes images of shape (1, 32, 32), expected (1, 28, 28)"),
        (lambda arrays, meta: arrays.pop("ema/2.bias"), "holds no generator of tinygan"),
    ],
)
def test_a_run_that_cannot_be_measured_is_refused(run, tmp_path, capsys, change, message):
    arrays, meta = storage.load(run / "checkpoint.safetensors")
    change(arrays, meta)
    storage.save(tmp_path / "checkpoint.safetensors", arrays, meta)
    assert message in refused(capsys, tmp_path, "--n", 1000, "--against", "train")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: there is no such run folder"),
        (["."], "not a run folder, because it has no checkpoint.safetensors"),
        (["x", "--n", "10"], "--n: expected a whole number from 200 to 65536, got '10'"),
        (["x", "--features", "vgg"], "--features 'vgg' is unknown; expected one of classifier"),
        (
            ["x", "--n", "many"],
            "--n: expected a whole number from 200 to 65536, got 'many'; see tinygan",
        ),
        (["x", "--seed", "-1"], "--seed: expected a whole number from 0 to"),
        (["RUN", "--against", "dev"], "--against 'dev' is unknown; expected test, train or"),
        (["RUN", "--backend", "torch"], "backend 'torch' is unknown"),
    ],
)
def test_wrong_options_are_refused(run, tmp_path, monkeypatch, arguments, message, capsys):
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, *(run if a == "RUN" else a for a in arguments))
