"""The experiments of `tinygan reproduce`: verdicts, records, and short runs on embedded digits."""

import dataclasses
import json
import math
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tinygan import InputError, Tensor, data, gan, models
from tinygan.commands.parser import main
from tinygan.data import Dataset
from tinygan.data.mixtures import Mixture
from tinygan.experiments import reproduce as reproduce_module
from tinygan.experiments.reproduce import (
    EXPERIMENTS,
    Experiment,
    class_conditional,
    modes_of_mixtures,
    parzen_2014,
    recipe_2014,
    reproduce,
    ssl,
    table,
    vae_bound,
)
from tinygan.experiments.reproduce.history import History
from tinygan.experiments.results import Result, SeedResults, lines, near
from tinygan.metrics.classifier import Classifier
from tinygan.metrics.classifier_scores import gan_test, gan_train
from tinygan.metrics.parzen import Parzen
from tinygan.models.improved_gan import improved_gan
from tinygan.nn import Flatten, GaussianNoise, Linear, Sequential, WeightNorm
from tinygan.optim import rules


def test_a_verdict_depends_on_the_figures():
    assert near("x", 1.5, 1, 0.5).holds is True
    assert near("x", 1.51, 1, 0.5).holds is near("x", math.nan, 1, 0.5).holds is False
    text = lines([[Result("x", 1, "2", holds)] for holds in (True, False, None)]).splitlines()
    assert [line[3:].strip() for line in text] == [
        "ours  published",
        "1     2          reproduced",
        "1     2          NOT reproduced",
        "1     2",
    ]


def test_theory_is_reproduced_from_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", "theory"]) == 0
    out = capsys.readouterr().out
    assert out.count("  reproduced") == 34 and "NOT" not in out
    (record,) = json.loads((tmp_path / "reproduced.json").read_text())
    (one,) = record["seeds"]
    assert record["experiment"] == "theory" and one["seed"] == 0
    assert one["findings"][1]["ours"] == pytest.approx(-1.163451, abs=2e-6)
    assert {"processor", "numpy", "commit"} <= set(one["machine"])
    for column in one["curves"].values():
        assert len(column) < 300 and np.isfinite(column).all()
    with Image.open(tmp_path / "reproduced-theory.png") as picture:
        assert min(picture.size) > 1000


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """toy(*seeds) runs an experiment that is interrupted at seed 3. `toy.echoed` has its output,
    `toy.records` its records."""
    history = tmp_path / "history.json"

    def run(seed, echo, backend, epochs):
        echo(f"seed {seed} for {epochs} on {backend}")
        if seed == 3:
            raise KeyboardInterrupt
        return SeedResults(
            [near("a figure", seed / 2, 1, 0.5), Result("another", 7.0)], {"x": [seed]}
        )

    def draw(path, outcomes):
        path.write_text(f"{len(outcomes)} outcomes")

    def start(*seeds, **options):
        return reproduce("toy", seeds, echo=start.echoed.append, history=history, **options)

    start.echoed, start.history = [], history
    start.records = lambda: json.loads(history.read_text())
    toy = Experiment(run, "unchanged", "1", "no time", "none either", {"epochs": 3}, draw)
    monkeypatch.setitem(EXPERIMENTS, "toy", toy)
    return start


def seeds_of(record):
    return [one["seed"] for one in record["seeds"]]


def test_seeds_are_averaged_and_records_appended(toy, tmp_path, monkeypatch):
    commits = iter(["first", "second"])  # a record has the commit at its start
    monkeypatch.setattr(
        reproduce_module, "machine", lambda backend: {"commit": next(commits), "at": backend}
    )
    for _ in range(2):
        found = toy(0, 1, epochs=5)
    assert toy.echoed[:2] == ["seed 0 for 5 on numpy", "seed 1 for 5 on numpy"]
    assert [[f.ours for f in outcome.findings] for outcome in found] == [[0, 7], [0.5, 7]]
    assert "0.25 +- 0.35" in table("toy", found) and "  reproduced by 1 of 2" in table("toy", found)
    assert "NOT reproduced" in table("toy", found[:1]) and "+- 0.35" not in table("toy", found[:1])
    for record, commit in zip(toy.records(), ("first", "second"), strict=True):
        assert record["options"] == {"epochs": 5}
        assert [one["curves"] for one in record["seeds"]] == [{"x": [0]}, {"x": [1]}]
        assert [one["machine"] for one in record["seeds"]] == [
            {"commit": commit, "at": "numpy"}
        ] * 2
    assert (tmp_path / "history-toy.png").read_text() == "2 outcomes"


def test_an_interrupted_record_is_resumed_without_its_known_seeds(toy, tmp_path):
    toy.history.write_text("[7]")
    with pytest.raises(KeyboardInterrupt):
        toy(1, 3)
    toy(7, epochs=4)  # another record
    assert [*map(seeds_of, toy.records()[1:])] == [[1], [7]] and toy.records()[0] == 7
    del toy.echoed[:]
    found = toy(0, 1, 2, resume=True)
    known = f"seed 1: results are in {toy.history}"
    assert toy.echoed == ["seed 0 for 3 on numpy", known, "seed 2 for 3 on numpy"]
    assert [outcome.findings[0] for outcome in found] == [
        near("a figure", seed / 2, 1, 0.5) for seed in (0, 1, 2)
    ]
    assert found[1].curves == {"x": [1]}
    _, record, other = toy.records()
    assert seeds_of(record) == [1, 0, 2] and seeds_of(other) == [7]
    assert all(one["seconds"] >= 0 and "commit" in one["machine"] for one in record["seeds"])
    before, picture = toy.history.read_bytes(), tmp_path / "history-toy.png"
    assert picture.read_text() == "3 outcomes"
    picture.unlink()
    assert toy(0, 1, 2, resume=True) == found and toy.history.read_bytes() == before
    assert picture.exists()


def test_a_record_with_one_machine_for_all_seeds_is_resumed(toy):
    old = {"experiment": "toy", "backend": "numpy", "options": {"epochs": 3}}
    findings = [{"what": what, "ours": 2.0} for what in ("a figure", "another")]
    seeds = [{"seed": 1, "findings": findings, "curves": {"x": [1]}}]
    old_record = {**old, "seeds": seeds, "seconds": 9, "machine": {"cores": 2}}
    toy.history.write_text(json.dumps([old_record]))
    toy(0, 1, resume=True)
    (record,) = toy.records()
    one, zero = record["seeds"]
    assert (one["seed"], one["seconds"], one["machine"]) == (1, 9, {"cores": 2})
    assert zero["seed"] == 0 and "numpy" in zero["machine"] and "machine" not in record
    toy.history.write_text(json.dumps([{**old, "seeds": [{"seed": 1}]}]))
    with pytest.raises(InputError, match="the record of toy is damaged"):
        toy(0, resume=True)


PLAYED = "toy", "numpy", {"epochs": 3}
FOUND = SeedResults([Result("a figure", 1.5)], {"x": [1]})


def test_two_writers_of_a_history_lose_nothing(tmp_path):
    path = tmp_path / "history.json"
    first, second = (History(path, *PLAYED, resume=False) for _ in range(2))
    for seed, history in ((0, first), (0, second), (1, first)):
        history.add(seed, FOUND, {})
    assert [*map(seeds_of, json.loads(path.read_text()))] == [[0, 1], [0]]
    same = [History(path, *PLAYED, resume=True) for _ in range(2)]
    for seed, history in ((1, same[0]), (2, same[1]), (3, same[0])):
        history.add(seed, FOUND, {})
    assert [*map(seeds_of, json.loads(path.read_text()))] == [[0, 1], [0, 1, 2, 3]]
    path.unlink()  # what a process has found, it writes again
    first.add(4, FOUND, {})
    assert [*map(seeds_of, json.loads(path.read_text()))] == [[0, 1, 4]]


WRITER = """
import sys
from tinygan.experiments.reproduce.history import History
from tinygan.experiments.results import Result, SeedResults

history = History(sys.argv[1], "toy", "numpy", {}, resume=True)
for seed in range(int(sys.argv[2]), int(sys.argv[2]) + 30):
    history.add(seed, SeedResults([Result("a figure", seed)]), {})
"""


def test_two_processes_write_one_history_at_once(tmp_path):
    pytest.importorskip("fcntl")
    path = tmp_path / "history.json"
    History(path, "toy", "numpy", {}, resume=False).add(0, SeedResults([Result("a figure", 0)]), {})
    (tmp_path / ".history.json.1.1.partial").write_text("left by a killed process")
    command = [sys.executable, "-c", WRITER, str(path)]
    running = [subprocess.Popen([*command, first]) for first in ("1", "31")]
    assert [process.wait(600) for process in running] == [0, 0]
    (record,) = json.loads(path.read_text())
    assert sorted(seeds_of(record)) == [*range(61)] and os.listdir(tmp_path) == [path.name]


def test_a_flipped_bit_gives_no_other_figures(toy):
    found = toy(0, 1)
    content, rng = toy.history.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        damaged[rng.integers(len(content))] ^= 1 << rng.integers(8)
        toy.history.write_bytes(damaged)
        try:
            assert toy(0, 1, resume=True) == found or toy.history.read_bytes() != damaged
        except InputError as problem:
            assert str(toy.history) in str(problem) and "\n" not in str(problem)
            assert toy.history.read_bytes() == damaged
            refused += 1
    assert refused > 100
    toy.history.write_bytes(content.replace(b'"ours": 0.5', b'"ours": 0.9'))
    with pytest.raises(InputError, match=r"damaged .*the SHA-256 of seed 1 differs"):
        toy(0, 1, resume=True)


def test_a_record_of_another_version_is_refused_after_the_new_seed_is_kept(toy):
    about = {"experiment": "toy", "backend": "numpy", "options": {"epochs": 3}}
    toy.history.write_text(json.dumps([{**about, "seeds": [GOOD]}]))
    with pytest.raises(InputError, match=r"other results than this version .*; leave out --resume"):
        toy(1, 0, resume=True)
    assert [*map(seeds_of, toy.records())] == [[1, 0]]


def test_a_record_that_cannot_be_drawn_is_refused(toy, monkeypatch):
    toy(0)
    draw = lambda path, outcomes: outcomes[0].curves["y"]  # noqa: E731
    monkeypatch.setitem(EXPERIMENTS, "toy", EXPERIMENTS["toy"]._replace(draw=draw))
    with pytest.raises(InputError, match="KeyError"):
        toy(0, resume=True)
    with pytest.raises(KeyError):  # a bug of the experiment keeps its traceback
        toy(0)


def test_a_clock_that_goes_backwards_does_no_harm(toy, monkeypatch):
    monkeypatch.setattr(time, "time", iter(range(10**9, 0, -3600)).__next__)
    toy(0)
    toy(0, 1, resume=True)
    assert all(0 <= one["seconds"] < 60 for one in toy.records()[0]["seeds"])


SIGNALED = """
import signal, sys, time
from tinygan.__main__ import main
from tinygan.experiments import reproduce as module
from tinygan.experiments.results import Result, SeedResults
from tinygan.storage import atomic

def run(seed, echo, backend):
    echo(f"seed {seed}")
    time.sleep(0.02)
    return SeedResults([Result("a figure", seed / 3)], {"x": [seed] * 1000})

def draw(path, outcomes):
    with atomic(path) as file:
        file.write(b"%d" % len(outcomes))

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
signal.signal(signal.SIGHUP, signal.SIG_DFL)
module.EXPERIMENTS["toy"] = module.Experiment(run, "", "", "", "", {}, draw)
sys.argv = "tinygan reproduce toy --seeds 10 --resume".split()
sys.exit(main())
"""


@pytest.mark.parametrize("number", range(2))
@pytest.mark.parametrize("name", ["SIGINT", "SIGINT SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_a_signal_at_any_moment_loses_no_seed_that_is_done(tmp_path, name, number):
    """The first signal arrives when the first seed begins, or some time after."""
    signals = [getattr(signal, each) for each in name.split()]
    moments, command = random.Random(f"{name} {number}"), [sys.executable, "-c", SIGNALED]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stderr.readline() == "seed 0\n"
        time.sleep(moments.uniform(0, 0.15))
        for each in signals:
            process.send_signal(each)
        said = [line for line in process.stderr if not line.startswith("seed ")]
    assert set(said) == ({"tinygan: stopped\n"} if signals[0] is signal.SIGINT else set())
    done = tmp_path / "reproduced.json"
    count = len(seeds_of(json.loads(done.read_text())[0])) if done.exists() else 0
    again = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=600)
    assert again.returncode == 0 and again.stderr.count("results are in") == count
    (record,) = json.loads(done.read_text())
    figures = [(one["seed"], one["findings"][0]["ours"]) for one in record["seeds"]]
    assert figures == [(seed, seed / 3) for seed in range(10)]
    assert {path.name for path in tmp_path.iterdir()} <= {done.name, "reproduced-toy.png"} | {
        path.name for path in tmp_path.glob(".reproduced-toy.png.*.partial")
    }


GOOD = {"seed": 1, "findings": [{"what": "a figure", "ours": 2.0}], "curves": {"x": [1]}}


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": "1"},
        {"seed": [1]},
        {"findings": []},
        {"findings": 5},
        {"findings": [{"what": "a figure", "ours": "2"}]},
        {"findings": [{"what": "a figure", "ours": None}]},
        {"findings": [{"what": 7, "ours": 2.0}]},
        {"findings": [{"what": "a figure", "ours": 2.0, "holds": {}}]},
        {"findings": [{"what": "a figure", "ours": 2.0, "published": 1}]},
        {"findings": [{"what": "another", "ours": 2.0}]},
        {"findings": [GOOD["findings"][0], {"what": "another", "ours": 2.0}]},
        {"curves": [1]},
        {"curves": {"x": 1}},
        {"curves": {"x": ["1"]}},
        {"curves": {"y": [1]}},
        {"seconds": "long"},
    ],
    ids=str,
)
def test_a_damaged_record_is_refused_before_a_seed_runs(toy, changed):
    about = {"experiment": "toy", "backend": "numpy", "options": {"epochs": 3}}
    content = json.dumps([{**about, "seeds": [{**GOOD, "seed": 0}, {**GOOD, **changed}]}])
    toy.history.write_text(content)
    with pytest.raises(InputError, match="the record of toy is damaged") as caught:
        toy(0, 1, 2, resume=True)
    assert not toy.echoed and toy.history.read_text() == content
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"{", b"{}"])
def test_an_invalid_history_is_refused_and_unchanged(toy, content):
    toy.history.write_bytes(content)
    with pytest.raises(InputError, match="choose another --out"):
        toy(0)
    assert toy.history.read_bytes() == content


def test_the_list_has_every_experiment(capsys):
    assert main(["reproduce", "--list"]) == 0
    out = capsys.readouterr().out
    for name, experiment in EXPERIMENTS.items():
        assert name in out and experiment.published in out
        assert f"{experiment.cpu_time}; on a GPU, estimated: {experiment.gpu_time}" in out
    assert main(["reproduce", "--list", "theory"]) == 0
    out = capsys.readouterr().out
    assert "closed form  C = " in out and "vae" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["theorie"], "did you mean 'theory'?"),
        (["--list", "theorie"], "did you mean 'theory'?"),
        (["theory", "--epochs", "3"], "--epochs: theory has no such option"),
        (["theory", "--seeds", "0"], "--seeds: expected a whole number from 1 to"),
        (["theory", "--out", "no/where.json"], "--out no/where.json: there is no folder"),
        (["theory", "--out", "/proc/h.json"], "--out /proc/h.json: the"),
    ],
)
def test_invalid_options_end_with_one_line_and_status_2(
    arguments, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", *arguments]) == 2
    out, err = capsys.readouterr()
    assert message in err and err.count("\n") == 1 and not out and not list(tmp_path.iterdir())


def constants(monkeypatch, module, **values):
    for name, value in values.items():
        monkeypatch.setattr(module, name, value)


def test_the_recipe_of_2014(monkeypatch, tmp_path):
    """The schedules and the curves of a short run."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (1400, 1, 28, 28), dtype=np.uint8)
    images[:, :, :5] //= 8  # so that the mean image is not uniform
    load = lambda *a: Dataset("mnist", images, None, None)  # noqa: E731
    constants(monkeypatch, parzen_2014, load=load, KNOWN=300, SAMPLES=50, EVERY=1)
    seen, echoed = [], []

    class Recorded(rules.SGD):
        def numbers(self, lr, momentum):
            seen.append((self.t, lr, momentum))
            return lr, momentum

    monkeypatch.setattr(recipe_2014, "SGD", Recorded)
    results, curves, _ = parzen_2014.run(0, echoed.append, "numpy", epochs=2)
    steps, rates, momenta = np.array(seen[::2]).T
    assert len(steps) == 6  # three minibatches of 100 an epoch
    np.testing.assert_allclose(rates, 0.1 / 1.000004 ** np.arange(6))
    np.testing.assert_allclose(momenta, [0.5] * 3 + [0.5 + 0.2 / 249] * 3)
    assert [f.what.split(",")[0] for f in results][:2] == ["adversarial nets"] * 2
    assert curves["epoch"] == [1, 2] and all(len(column) == 2 for column in curves.values())
    best = int(np.argmax(curves["validation"]))
    assert results[0].ours == curves["log_likelihood"][best]
    assert results[1].ours == curves["log_likelihood"][-1]
    assert "epoch 2: log-likelihood" in echoed[-1]
    parzen_2014.draw(tmp_path / "curve.png", [SeedResults(results, curves)] * 2)
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.width > 500


def test_the_recipe_of_2014_measures_at_the_last_epoch_and_stops_early(monkeypatch):
    images = np.zeros((1300, 1, 28, 28), np.uint8)
    falling = iter(range(0, -100, -1))
    constants(
        monkeypatch, parzen_2014, KNOWN=100, SAMPLES=20, EVERY=2, PATIENCE=4,
        load=lambda *a: Dataset("mnist", images, None, None),
        parzen=lambda *a: Parzen(1.0, 0.1, 0.2, False),
        log_likelihoods=lambda *a: np.full((1, 5), next(falling)),
    )  # fmt: skip
    for epochs, measured in ((3, [2, 3]), (20, [2, 4, 6])):
        assert parzen_2014.run(0, print, "numpy", epochs).curves["epoch"] == measured


def test_the_generator_starts_at_the_mean_image():
    pixels = np.random.default_rng(0).random((50, 784))
    pair = models.build("mlp-2014", (1, 28, 28), rng=np.random.default_rng(0))
    recipe_2014.start_at_mean(pair.G, pixels)
    last = [layer for layer in pair.G.modules() if isinstance(layer, Linear)][-1]
    np.testing.assert_allclose(1 / (1 + np.exp(-last.bias.data)), pixels.mean(0), rtol=1e-5)


def test_the_loss_of_the_discriminator_is_halved():
    game, l = recipe_2014.halved(), Tensor(np.zeros((4, 1)))
    assert game.d_loss(l, l).item() == pytest.approx(math.log(2))
    assert game.g_loss(l).item() == pytest.approx(math.log(2))


def test_the_variational_autoencoder_learns(monkeypatch):
    digits = data.load("digits")
    part = dataclasses.replace(digits, images=digits.images[:600])
    monkeypatch.setattr(vae_bound, "load", lambda *a: part)
    echoed = []
    (result,), curves, _ = vae_bound.run(0, echoed.append, "numpy", epochs=3)
    losses = [float(line.split()[-1]) for line in echoed]
    assert losses[0] > losses[1] > losses[2] == pytest.approx(result.ours, abs=0.01)
    assert curves["test"] == pytest.approx(losses, abs=0.01) and len(curves["train"]) == 3
    assert result.holds is False and 100 < result.ours < 300


@pytest.mark.parametrize("pack", [1, 2])
def test_a_generator_moves_to_the_data(pack, monkeypatch):
    constants(monkeypatch, modes_of_mixtures, EPOCH=100, BATCH=64)
    target = Mixture(np.array([[2.0, -1.0]]), 0.5)
    for samples in modes_of_mixtures.play(target, 0, pack, 6):
        assert samples.shape == (modes_of_mixtures.SAMPLES, 2)
    distance = np.linalg.norm(samples.mean(axis=0) - target.means[0])
    assert distance < 0.5 < np.linalg.norm(target.means)  # the initial distance


def test_the_results_of_mixtures(monkeypatch, tmp_path):
    monkeypatch.setattr(modes_of_mixtures, "EPOCH", 2)
    echoed = []
    results, curves, _ = modes_of_mixtures.run(0, echoed.append, "numpy", epochs=3)
    assert len(results) == 26 and len(echoed) == 8
    found = {f.what: f.ours for f in results}
    assert found["grid, uniform noise: modes"] > 15
    assert found["grid, uniform noise: modes above noise"] == 0
    true = [f.ours for f in results if "true samples: high" in f.what]
    assert true == pytest.approx([0.9889, 0.9889], abs=0.01)
    true = [f.ours for f in results if "true samples: reverse" in f.what]
    assert true == pytest.approx([7 / 5000, 24 / 5000], rel=1)
    for result in results[:16]:
        assert curves[result.what][-1] == result.ours and len(curves[result.what]) == 3
        assert result.holds in ((True, False) if "packed" in result.what else (None,))
    modes_of_mixtures.draw(tmp_path / "curves.png", [SeedResults(results, curves)] * 2)
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width > 500


@pytest.fixture
def little_mnist(monkeypatch):
    """The embedded digits instead of MNIST: 1400 for training and 600 for testing."""
    digits = data.load("digits")

    def load(name, split="train"):
        part = slice(0, 1400) if split == "train" else slice(1400, 2000)
        return Dataset("mnist", digits.images[part], digits.labels[part], digits.classes)

    for module in (ssl, class_conditional):
        monkeypatch.setattr(module, "load", load)


def test_semi_supervised_learning_beats_the_labels_alone(little_mnist, monkeypatch):
    monkeypatch.setattr(ssl, "STEPS", 20)
    echoed = []
    (found, control), curves, _ = ssl.run(0, echoed.append, "numpy", epochs=3, labels=50)
    assert curves["errors"][-1] == found.ours and curves["epoch"] == [1, 2, 3]
    assert found.holds is None and found.published == "221 +- 136" and len(echoed) == 3
    # There are 600 images: a random guess makes 540 errors.
    assert curves["errors"][-1] < min(curves["errors"][0], control.ours, 400)


def test_the_settings_of_semi_supervised_learning(monkeypatch):
    played = []

    def play(*players, **options):
        played.append((players, options))
        return iter([])

    monkeypatch.setattr(ssl, "play_semi_supervised", play)
    digits = data.load("digits")
    few = ssl.chosen(digits.labels, 50, np.random.default_rng(0))
    rng = np.random.default_rng(0)
    training = ssl.training(digits.images, digits.labels, few, 100, rng=rng, width=0.1)
    assert list(training.start()) == []
    [((_, _, labeled, unlabeled, _, opt_g, opt_d), options)] = played
    assert (opt_g.lr(0), opt_g.lr(90), opt_d.lr(0)) == pytest.approx((3e-3, 1.5e-3, 1.5e-3))
    assert training.average.decay == pytest.approx(0.8)  # over a fifth of the steps
    assert opt_g.betas == opt_d.betas == (0.5, 0.999)
    assert options["m"] == 100 and options["information"] == 0.3
    real, fake = (Tensor(np.full((2, 1), l)) for l in (1.0, -2.0))
    smoothed = gan.label_smoothing(gan.non_saturating, 0.1, 0.05).d_loss(real, fake).item()
    assert options["game"].d_loss(real, fake).item() == pytest.approx(smoothed)
    assert len(labeled.__self__.images) == 50 and len(unlabeled.images) == 10_000


def test_labels_are_chosen_at_random_and_evenly():
    classes = np.repeat(np.arange(10), 30)
    few, others = (ssl.chosen(classes, 50, np.random.default_rng(i)) for i in (0, 1))
    np.testing.assert_array_equal(np.bincount(classes[few]), [5] * 10)
    assert len(set(few)) == 50 and set(few) != set(others)
    for n in (0, 15, -10):
        with pytest.raises(InputError, match=f"--labels: expected a multiple of 10, .*got {n}"):
            ssl.chosen(classes, n, np.random.default_rng(0))
    with pytest.raises(InputError, match="at most 300, got 310"):
        ssl.chosen(classes, 310, np.random.default_rng(0))


def test_an_extra_logit_is_no_answer():
    images = np.zeros((3, 1, 2, 2), np.uint8)
    images[:, 0, 0, 0] = 0, 100, 200
    D = Sequential(Flatten(), Linear(4, 3, rng=np.random.default_rng(0)))
    D.parameters()[0].data[...] = [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    D.parameters()[1].data[...] = 0, 0.5, 9  # class 1 if the pixel is below .5, else 0
    labels = np.array([1, 1, 1])
    assert ssl.errors(D, images, labels, 2) == 1 and ssl.errors(D, images, labels) == 3
    many = np.tile(images, (800, 1, 1, 1)), np.ones(2400, int)
    assert ssl.errors(D, *many, 2) == 800  # in several parts
    noisy = Sequential(D[0], GaussianNoise(9, rng=np.random.default_rng(0)), D[1])
    assert ssl.errors(noisy, images, labels, 2) == 1 and noisy.training


def test_the_figure_of_errors_has_a_band_and_a_point_for_each_seed():
    runs = {"GAN": [[0.5, 0.3], [0.7, 0.1]], "control": [[0.9, 0.8], [0.9, 0.6]]}
    left, right = ssl.errors_figure(runs, {"GAN": [20.0, 30.0]}, every=50).axes
    bands = [band.get_paths()[0].vertices for band in left.collections]
    for line, band, means in zip(left.lines, bands, ([0.6, 0.2], [0.9, 0.7]), strict=True):
        np.testing.assert_allclose(line.get_data(), ([50, 100], means))
        for seed in runs[line.get_label()]:  # with two seeds, all errors are on the band's edge
            assert {(50, seed[0]), (100, seed[1])} <= set(map(tuple, band))
    (points,) = right.lines
    np.testing.assert_allclose(points.get_data(), ([20, 30], [0.3, 0.1]))
    assert right.get_xlim()[0] == 0


def test_the_networks_of_improved_gan():
    images = np.random.default_rng(1).integers(0, 256, (50, 1, 28, 28)).astype(np.uint8)
    G, D = improved_gan(images, rng=np.random.default_rng(0))
    layers = [layer for layer in D.modules() if isinstance(layer, WeightNorm)]
    assert [layer.weight_v.shape[0] for layer in layers] == [1000, 500, 250, 250, 250, 10]
    assert [layer.learned_scale for layer in layers] == [False] * 5 + [True]
    noise = [layer.std for layer in D.modules() if isinstance(layer, GaussianNoise)]
    assert noise == [0.3] + [0.5] * 5
    with D.evaluating():
        out = D(Tensor(images.astype(np.float32) / 255)).data
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(out.std(axis=0), 1, atol=1e-3)
    assert G(Tensor(np.zeros((3, 100), np.float32))).shape == (3, 1, 28, 28)


def test_the_rate_falls_over_the_last_fifth():
    rate = ssl.falling(0.01, 100)
    assert [rate(t) for t in (0, 80, 90, 100, 200)] == pytest.approx([0.01, 0.01, 0.005, 0, 0])


def test_conditional_gans_are_trained_and_measured(little_mnist, monkeypatch):
    constants(monkeypatch, class_conditional, KNOWN=300, SAMPLES=200, PAIRS=300, EVERY=2)
    echoed = []
    results, curves, _ = class_conditional.run(0, echoed.append, "numpy", epochs=3)
    assert curves["epoch"] == [2, 3] and len(echoed) == 2 + 1 + 2
    real, likelihood, *shares = (f.ours for f in results)
    best = int(np.argmax(curves["validation"]))
    assert real > 0.98 and likelihood == curves["log_likelihood"][best] > -700
    assert [f.what for f in results[2:]] == [
        f"{who}: GAN-{how}" for who in ("CGAN", "AC-GAN") for how in ("test", "train")
    ]
    assert all(0 <= share < 0.9 for share in shares)  # after so few rounds


def test_a_conditional_gan_has_simultaneous_steps_and_a_halved_loss(monkeypatch):
    class Played(Exception):
        pass

    def play(game, *players, m):
        real, fake = (Tensor(np.full((2, 1), l)) for l in (1.0, -2.0))
        assert game.d_loss(real, fake).item() == recipe_2014.halved().d_loss(real, fake).item()
        raise Played(m)

    monkeypatch.setattr(gan, "play_simultaneously", play)
    digits = data.load("digits")
    known, rng = (digits.images[:200], digits.labels[:200]), np.random.default_rng(0)
    with pytest.raises(Played, match="100"):
        class_conditional.cgan(*known, digits.images[:9].reshape(9, -1), rng, print, "numpy", 1)


def test_gan_train_detects_collapse_and_gan_test_does_not():
    """One repeated image for each class has the right class and no diversity."""
    digits = data.load("digits")
    x, y = digits.images[:1400].astype(np.float32) / 255, digits.labels[:1400]
    first = np.array([np.flatnonzero(y == c)[0] for c in range(10)])
    collapsed = np.repeat(x[first], 100, axis=0), np.repeat(np.arange(10), 100)
    classifier, rng = Classifier.shipped(), np.random.default_rng(0)
    assert (
        gan_test(classifier, *collapsed) == 1
        and gan_test(classifier, x[first], np.arange(10)[::-1]) == 0
    )
    learned = [
        gan_train(*pairs, x[1000:], y[1000:], rng=rng, epochs=4)
        for pairs in (collapsed, (x[:1000], y[:1000]))
    ]
    assert learned[0] < 0.6 < 0.7 < learned[1], learned
