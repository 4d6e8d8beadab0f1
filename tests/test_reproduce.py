"""reproduce: verdicts, records, and the recipe of 2014 on data that is there."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from tinygan import InputError, Tensor, data, grad, models
from tinygan.cli import main
from tinygan.data import Dataset
from tinygan.metrics.modes import Mixture
from tinygan.metrics.parzen import Parzen
from tinygan.nn import Linear
from tinygan.reproduce import (
    EXPERIMENTS,
    Experiment,
    Finding,
    Outcome,
    mixtures,
    parzen_2014,
    reproduce,
    table,
    vae,
)
from tinygan.reproduce.finding import near


def test_a_verdict_is_that_of_the_figures():
    assert near("x", 1.5, 1, 0.5).verdict == "reproduced"
    assert near("x", 1.51, 1, 0.5).verdict == "NOT reproduced"
    assert near("x", math.nan, 1, 0.5).verdict == "NOT reproduced"
    assert Finding("x", 1, "2", None).verdict == ""


def test_theory_is_reproduced_from_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", "theory"]) == 0
    out = capsys.readouterr().out
    assert out.count("  reproduced") == 10 and "NOT" not in out
    (record,) = json.loads((tmp_path / "reproduced.json").read_text())
    (one,) = record["seeds"]
    assert record["experiment"] == "theory" and one["seed"] == 0
    assert one["findings"][1]["ours"] == pytest.approx(-1.163451, abs=2e-6)
    assert {"processor", "numpy", "commit"} <= set(record["machine"])


@pytest.fixture
def toy(monkeypatch):
    def run(seed, told, where, epochs):
        told(f"seed {seed} for {epochs} on {where}")
        if seed == 3:
            raise KeyboardInterrupt
        return Outcome([near("a figure", seed / 2, 1, 0.5), Finding("another", 7.0)], {"x": [seed]})

    def draw(path, outcomes):
        path.write_text(f"{len(outcomes)} outcomes")

    toy = Experiment(run, "as it is", "1", "no time", {"epochs": 3}, draw)
    monkeypatch.setitem(EXPERIMENTS, "toy", toy)


def test_seeds_are_averaged_and_records_added(toy, tmp_path):
    history, heard = tmp_path / "history.json", []
    for _ in range(2):
        found = reproduce("toy", (0, 1), told=heard.append, history=history, epochs=5)
    assert heard[:2] == ["seed 0 for 5 on numpy", "seed 1 for 5 on numpy"]
    assert [[f.ours for f in outcome.findings] for outcome in found] == [[0, 7], [0.5, 7]]
    assert "0.25 +- 0.35" in table(found) and "  reproduced by 1 of 2" in table(found)
    assert "NOT reproduced" in table(found[:1]) and "+- 0.35" not in table(found[:1])
    records = json.loads(history.read_text())
    assert len(records) == 2 and records[0]["options"] == {"epochs": 5}
    assert [one["curves"] for one in records[1]["seeds"]] == [{"x": [0]}, {"x": [1]}]
    assert (tmp_path / "history-toy.png").read_text() == "2 outcomes"


def test_the_seeds_before_a_stop_are_kept(toy, tmp_path):
    history = tmp_path / "history.json"
    history.write_text("[7]")
    with pytest.raises(KeyboardInterrupt):
        reproduce("toy", (1, 2, 3), told=lambda line: None, history=history)
    kept, record = json.loads(history.read_text())
    assert kept == 7 and [one["seed"] for one in record["seeds"]] == [1, 2]


def test_what_there_is_is_listed(capsys):
    assert main(["reproduce", "--list"]) == 0
    out = capsys.readouterr().out
    for name, experiment in EXPERIMENTS.items():
        assert name in out and experiment.published in out and experiment.takes in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["theorie"], "did you mean 'theory'?"),
        (["theory", "--epochs", "3"], "--epochs: theory has no such option"),
        (["theory", "--seeds", "0"], "--seeds: expected at least 1, got 0"),
        (["theory", "--out", "no/where.json"], "--out no/where.json: there is no folder"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", *arguments]) == 2
    out, err = capsys.readouterr()
    assert message in err and err.count("\n") == 1 and not out and not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"{", b"{}"])
def test_a_history_that_is_none_is_kept_as_it_is(toy, tmp_path, content):
    history = tmp_path / "history.json"
    history.write_bytes(content)
    with pytest.raises(InputError, match="choose another --out"):
        reproduce("toy", history=history)
    assert history.read_bytes() == content


def test_the_recipe_of_2014(monkeypatch, tmp_path):
    """Its schedules, its start, and that it trains and measures, on little data."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (1400, 1, 28, 28), dtype=np.uint8)
    images[:, :, :5] //= 8  # so that the mean image has a shape
    monkeypatch.setattr(parzen_2014, "load", lambda *a: Dataset("mnist", images, None, None))
    for name, value in (("KNOWN", 300), ("SAMPLES", 50)):
        monkeypatch.setattr(parzen_2014, name, value)
    monkeypatch.setattr(parzen_2014, "EVERY", 1)
    seen, told = [], []
    sgd = parzen_2014.SGD

    class Noted(sgd):
        def numbers(self, lr, momentum):
            seen.append((self.t, lr, momentum))
            return lr, momentum

    monkeypatch.setattr(parzen_2014, "SGD", Noted)
    findings, curves = parzen_2014.run(0, told.append, "numpy", epochs=2)
    steps, rates, momenta = np.array(seen[::2]).T
    assert len(steps) == 6  # three minibatches of 100 an epoch
    np.testing.assert_allclose(rates, 0.1 / 1.000004 ** np.arange(6))
    np.testing.assert_allclose(momenta, [0.5] * 3 + [0.5 + 0.2 / 249] * 3)
    assert [f.what.split(",")[0] for f in findings][:2] == ["adversarial nets"] * 2
    assert curves["epoch"] == [1, 2] and all(len(column) == 2 for column in curves.values())
    best = int(np.argmax(curves["validation"]))
    assert findings[0].ours == curves["log_likelihood"][best]
    assert findings[1].ours == curves["log_likelihood"][-1]
    assert "epoch 2: log-likelihood" in told[-1]
    parzen_2014.draw(tmp_path / "curve.png", [Outcome(findings, curves)] * 2)
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.width > 500


def test_the_recipe_of_2014_stops_where_its_curve_is_flat(monkeypatch):
    """And on the epochs that it is given, if these are no multiple of those at which it looks."""
    images = np.zeros((1300, 1, 28, 28), np.uint8)
    monkeypatch.setattr(parzen_2014, "load", lambda *a: Dataset("mnist", images, None, None))
    for name, value in (("KNOWN", 100), ("SAMPLES", 20), ("EVERY", 2), ("PATIENCE", 4)):
        monkeypatch.setattr(parzen_2014, name, value)
    worse = iter(range(0, -100, -1))
    parzen = Parzen(1.0, 0.1, 0.2, False)
    monkeypatch.setattr(parzen_2014, "parzen", lambda *a: parzen)
    monkeypatch.setattr(parzen_2014, "log_likelihoods", lambda *a: np.full((1, 5), next(worse)))
    for epochs, looked in ((3, [2, 3]), (20, [2, 4, 6])):
        assert parzen_2014.run(0, print, "numpy", epochs).curves["epoch"] == looked


def test_the_generator_starts_at_the_mean_image():
    pixels = np.random.default_rng(0).random((50, 784))
    pair = models.build("mlp-2014", (1, 28, 28), rng=np.random.default_rng(0))
    parzen_2014._start_output(pair, pixels)
    last = [layer for layer in pair.G.modules() if isinstance(layer, Linear)][-1]
    np.testing.assert_allclose(1 / (1 + np.exp(-last.bias.data)), pixels.mean(0), rtol=1e-5)


def test_the_discriminator_pays_half():
    game, l = parzen_2014.halved(), Tensor(np.zeros((4, 1)))
    assert game.d_loss(l, l).item() == pytest.approx(math.log(2))
    assert game.g_loss(l).item() == pytest.approx(math.log(2))


def test_the_variational_autoencoder_learns(monkeypatch):
    digits = data.load("digits")
    part = digits._replace(images=digits.images[:600])
    monkeypatch.setattr(vae, "load", lambda *a: part)
    told = []
    (finding,), curves = vae.run(0, told.append, "numpy", epochs=3)
    losses = [float(line.split()[-1]) for line in told]
    assert losses[0] > losses[1] > losses[2] == pytest.approx(finding.ours, abs=0.01)
    assert curves["test"] == pytest.approx(losses, abs=0.01) and len(curves["train"]) == 3
    assert finding.holds is False and 100 < finding.ours < 300


def test_the_latent_mean_and_variance_get_their_gradients():
    """The loss of a VAE is differentiable through the draw, with the noise held fixed."""
    net = vae.VAE(2, 5, rng=np.random.default_rng(0)).astype(np.float64)
    x = Tensor(np.random.default_rng(1).random((3, 784)))

    def loss(weight):
        net.rng = np.random.default_rng(7)
        net.mean.weight.data[...] = weight
        return net.loss(x)

    start = net.mean.weight.data.copy()
    (g,) = grad(loss(start), [net.mean.weight])
    step = 1e-5 * np.random.default_rng(2).normal(size=start.shape)
    difference = loss(start + step).item() - loss(start - step).item()
    assert (g.data * step).sum() * 2 == pytest.approx(difference, rel=1e-5)


def test_packing_puts_samples_side_by_side():
    G = mixtures.perceptron(3, 2, np.random.default_rng(0))
    z = np.random.default_rng(1).normal(size=(5, 6)).astype(np.float32)
    packed = mixtures.Packed(G, 2)(Tensor(z)).data
    one, two = (G(Tensor(part)).data for part in (z[:, :3], z[:, 3:]))
    np.testing.assert_allclose(packed, np.concatenate([one, two], axis=1), rtol=1e-4)
    assert mixtures.Packed(G, 2).parameters() == G.parameters()


@pytest.mark.parametrize("pack", [1, 2])
def test_a_generator_moves_to_where_the_data_is(pack, monkeypatch):
    monkeypatch.setattr(mixtures, "EPOCH", 100)
    monkeypatch.setattr(mixtures, "BATCH", 64)
    there = Mixture(np.array([[2.0, -1.0]]), 0.5)
    away = []
    for _, samples in mixtures.train(there, 0, pack, 6):
        assert samples.shape == (mixtures.SAMPLES, 2)
        away.append(np.linalg.norm(samples.mean(axis=0) - there.means[0]))
    assert min(away) < 0.5 < np.linalg.norm(there.means)  # from where it began


def test_the_findings_of_mixtures(monkeypatch):
    monkeypatch.setattr(mixtures, "EPOCH", 2)
    told = []
    findings, _ = mixtures.run(0, told.append, "numpy", epochs=1)
    assert len(findings) == 14 and len(told) == 4
    true = [f.ours for f in findings if "true samples" in f.what]
    assert true == pytest.approx([0.9889, 0.9889], abs=0.01)
    assert {f.holds for f in findings if "2 packed: modes" in f.what} <= {True, False}
