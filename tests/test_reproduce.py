"""reproduce: verdicts, records, and the recipe of 2014 on data that is there."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from tinygan import InputError, Tensor, data, gan, models, no_grad
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
from tinygan.experiments.results import Result, SeedResults, lines, near
from tinygan.gan.variants.semi_supervised import mutual_information
from tinygan.metrics.classifier import Classifier
from tinygan.metrics.classifier_scores import gan_test, gan_train
from tinygan.metrics.parzen import Parzen
from tinygan.models.improved_gan import improved_gan
from tinygan.nn import GaussianNoise, Linear, WeightNorm
from tinygan.optim import rules


def test_a_verdict_is_that_of_the_figures():
    assert near("x", 1.5, 1, 0.5).holds is True
    assert near("x", 1.51, 1, 0.5).holds is near("x", math.nan, 1, 0.5).holds is False
    text = lines([[Result("x", 1, "2", holds)] for holds in (True, False, None)]).splitlines()
    shown = [
        "ours  published",
        "1     2          reproduced",
        "1     2          NOT reproduced",
        "1     2",
    ]
    assert [line[3:].strip() for line in text] == shown


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
def toy(monkeypatch):
    def run(seed, echo, backend, epochs):
        echo(f"seed {seed} for {epochs} on {backend}")
        if seed == 3:
            raise KeyboardInterrupt
        return SeedResults(
            [near("a figure", seed / 2, 1, 0.5), Result("another", 7.0)], {"x": [seed]}
        )

    def draw(path, outcomes):
        path.write_text(f"{len(outcomes)} outcomes")

    toy = Experiment(run, "as it is", "1", "no time", "none either", {"epochs": 3}, draw)
    monkeypatch.setitem(EXPERIMENTS, "toy", toy)


def test_seeds_are_averaged_and_records_added(toy, tmp_path):
    history, heard = tmp_path / "history.json", []
    for _ in range(2):
        found = reproduce("toy", (0, 1), echo=heard.append, history=history, epochs=5)
    assert heard[:2] == ["seed 0 for 5 on numpy", "seed 1 for 5 on numpy"]
    assert [[f.ours for f in outcome.findings] for outcome in found] == [[0, 7], [0.5, 7]]
    assert "0.25 +- 0.35" in table("toy", found) and "  reproduced by 1 of 2" in table("toy", found)
    assert "NOT reproduced" in table("toy", found[:1]) and "+- 0.35" not in table("toy", found[:1])
    records = json.loads(history.read_text())
    assert len(records) == 2 and records[0]["options"] == {"epochs": 5}
    assert [one["curves"] for one in records[1]["seeds"]] == [{"x": [0]}, {"x": [1]}]
    assert (tmp_path / "history-toy.png").read_text() == "2 outcomes"


def test_the_seeds_before_a_stop_are_kept(toy, tmp_path):
    history = tmp_path / "history.json"
    history.write_text("[7]")
    with pytest.raises(KeyboardInterrupt):
        reproduce("toy", (1, 2, 3), echo=lambda line: None, history=history)
    kept, record = json.loads(history.read_text())
    assert kept == 7 and [one["seed"] for one in record["seeds"]] == [1, 2]


def test_a_record_names_the_commit_that_was_run_whatever_is_committed_meanwhile(
    toy, tmp_path, monkeypatch
):
    commits = iter(["first", "second", "third"])
    monkeypatch.setattr(
        reproduce_module, "machine", lambda backend: {"commit": next(commits), "at": backend}
    )
    reproduce("toy", (0, 1), echo=lambda line: None, history=tmp_path / "history.json")
    (record,) = json.loads((tmp_path / "history.json").read_text())
    assert [one["machine"] for one in record["seeds"]] == [{"commit": "first", "at": "numpy"}] * 2


def test_what_was_stopped_goes_on_and_seeds_that_are_known_are_not_run_again(toy, tmp_path):
    history, heard = tmp_path / "history.json", []
    again = {"echo": heard.append, "history": history, "resume": True}
    with pytest.raises(KeyboardInterrupt):
        reproduce("toy", (1, 3), echo=heard.append, history=history)
    reproduce("toy", (7,), echo=heard.append, history=history, epochs=4)  # another record
    del heard[:]
    found = reproduce("toy", (0, 1, 2), **again)
    assert heard == ["seed 0 for 3 on numpy", f"seed 1: is in {history}", "seed 2 for 3 on numpy"]
    assert [outcome.findings[0] for outcome in found] == [
        near("a figure", seed / 2, 1, 0.5) for seed in (0, 1, 2)
    ]
    assert found[1].curves == {"x": [1]}
    other, record = json.loads(history.read_text())
    assert [one["seed"] for one in record["seeds"]] == [1, 0, 2] and len(other["seeds"]) == 1
    assert all(one["seconds"] >= 0 and "commit" in one["machine"] for one in record["seeds"])
    assert (tmp_path / "history-toy.png").read_text() == "3 outcomes"
    before = history.read_bytes()
    (tmp_path / "history-toy.png").unlink()
    assert reproduce("toy", (0, 1, 2), **again) == found and history.read_bytes() == before
    assert (tmp_path / "history-toy.png").exists()


def test_a_record_with_one_machine_for_all_its_seeds_is_gone_on_with(toy, tmp_path):
    history = tmp_path / "history.json"
    old = {"experiment": "toy", "backend": "numpy", "options": {"epochs": 3}}
    seeds = [{"seed": 1, "findings": [{"what": "a figure", "ours": 2.0}], "curves": {}}]
    history.write_text(json.dumps([{**old, "seeds": seeds, "seconds": 9, "machine": {"cores": 2}}]))
    reproduce("toy", (0, 1), echo=lambda line: None, history=history, resume=True)
    (record,) = json.loads(history.read_text())
    one, zero = record["seeds"]
    assert (one["seed"], one["seconds"], one["machine"]) == (1, 9, {"cores": 2})
    assert zero["seed"] == 0 and "numpy" in zero["machine"] and "machine" not in record
    history.write_text(json.dumps([{**old, "seeds": [{"seed": 1}]}]))
    with pytest.raises(InputError, match="the record of toy is damaged"):
        reproduce("toy", history=history, resume=True)


def test_what_there_is_is_listed(capsys):
    assert main(["reproduce", "--list"]) == 0
    out = capsys.readouterr().out
    for name, experiment in EXPERIMENTS.items():
        assert name in out and experiment.published in out and experiment.cpu_time in out
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
        (["theory", "--seeds", "0"], "--seeds: expected at least 1, got 0"),
        (["theory", "--out", "no/where.json"], "--out no/where.json: there is no folder"),
        (["theory", "--out", "/proc/h.json"], "--out /proc/h.json: the"),
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
    seen, echoed = [], []
    sgd = rules.SGD

    class Noted(sgd):
        def numbers(self, lr, momentum):
            seen.append((self.t, lr, momentum))
            return lr, momentum

    monkeypatch.setattr(recipe_2014, "SGD", Noted)
    findings, curves, _ = parzen_2014.run(0, echoed.append, "numpy", epochs=2)
    steps, rates, momenta = np.array(seen[::2]).T
    assert len(steps) == 6  # three minibatches of 100 an epoch
    np.testing.assert_allclose(rates, 0.1 / 1.000004 ** np.arange(6))
    np.testing.assert_allclose(momenta, [0.5] * 3 + [0.5 + 0.2 / 249] * 3)
    assert [f.what.split(",")[0] for f in findings][:2] == ["adversarial nets"] * 2
    assert curves["epoch"] == [1, 2] and all(len(column) == 2 for column in curves.values())
    best = int(np.argmax(curves["validation"]))
    assert findings[0].ours == curves["log_likelihood"][best]
    assert findings[1].ours == curves["log_likelihood"][-1]
    assert "epoch 2: log-likelihood" in echoed[-1]
    parzen_2014.draw(tmp_path / "curve.png", [SeedResults(findings, curves)] * 2)
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
    recipe_2014.start_at_mean(pair.G, pixels)
    last = [layer for layer in pair.G.modules() if isinstance(layer, Linear)][-1]
    np.testing.assert_allclose(1 / (1 + np.exp(-last.bias.data)), pixels.mean(0), rtol=1e-5)


def test_the_discriminator_pays_half():
    game, l = recipe_2014.halved(), Tensor(np.zeros((4, 1)))
    assert game.d_loss(l, l).item() == pytest.approx(math.log(2))
    assert game.g_loss(l).item() == pytest.approx(math.log(2))


def test_the_variational_autoencoder_learns(monkeypatch):
    digits = data.load("digits")
    part = digits._replace(images=digits.images[:600])
    monkeypatch.setattr(vae_bound, "load", lambda *a: part)
    echoed = []
    (finding,), curves, _ = vae_bound.run(0, echoed.append, "numpy", epochs=3)
    losses = [float(line.split()[-1]) for line in echoed]
    assert losses[0] > losses[1] > losses[2] == pytest.approx(finding.ours, abs=0.01)
    assert curves["test"] == pytest.approx(losses, abs=0.01) and len(curves["train"]) == 3
    assert finding.holds is False and 100 < finding.ours < 300


@pytest.mark.parametrize("pack", [1, 2])
def test_a_generator_moves_to_where_the_data_is(pack, monkeypatch):
    monkeypatch.setattr(modes_of_mixtures, "EPOCH", 100)
    monkeypatch.setattr(modes_of_mixtures, "BATCH", 64)
    there = Mixture(np.array([[2.0, -1.0]]), 0.5)
    away = []
    for samples, _ in modes_of_mixtures.play(there, 0, pack, 6):
        assert samples.shape == (modes_of_mixtures.SAMPLES, 2)
        away.append(np.linalg.norm(samples.mean(axis=0) - there.means[0]))
    assert away[-1] < 0.5 < np.linalg.norm(there.means)  # from where it began


def test_a_mixture_is_played_by_any_game_and_shows_its_discriminator(monkeypatch):
    monkeypatch.setattr(modes_of_mixtures, "BATCH", 32)
    game, penalty = gan.wasserstein, gan.wgan_gp(rng=np.random.default_rng(1))
    ring, ends = modes_of_mixtures.MIXTURES["ring"], []
    for held in (penalty, None):
        played = modes_of_mixtures.play(ring, 0, 2, 3, game=game, penalty=held, steps=4, width=0.1)
        seen = [(samples, D(Tensor(np.ones((1, 4), np.float32))).item()) for samples, D in played]
        ends.append([value for _, value in seen])
        assert len(seen) == 3 and len(set(ends[-1])) == 3
        assert all(samples.shape == (modes_of_mixtures.SAMPLES, 2) for samples, _ in seen)
    assert ends[0] != ends[1]
    G, D = modes_of_mixtures.networks(2, 1, np.random.default_rng(0), width=0.1)
    assert (G[0].out_features, D[0].out_features) == (13, 13)


def test_the_findings_of_mixtures(monkeypatch, tmp_path):
    monkeypatch.setattr(modes_of_mixtures, "EPOCH", 2)
    echoed = []
    findings, curves, _ = modes_of_mixtures.run(0, echoed.append, "numpy", epochs=3)
    assert len(findings) == 16 and len(echoed) == 8
    true = [f.ours for f in findings if "true samples: high" in f.what]
    assert true == pytest.approx([0.9889, 0.9889], abs=0.01)
    true = [f.ours for f in findings if "true samples: reverse" in f.what]
    assert true == pytest.approx([7 / 5000, 24 / 5000], rel=1)
    for finding in findings[:12]:
        assert curves[finding.what][-1] == finding.ours and len(curves[finding.what]) == 3
        assert finding.holds in ((True, False) if "packed" in finding.what else (None,))
    modes_of_mixtures.draw(tmp_path / "curves.png", [SeedResults(findings, curves)] * 2)
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width > 500


@pytest.fixture
def little_mnist(monkeypatch):
    """The embedded digits as MNIST: 1400 of them, and 600 for the test."""
    digits = data.load("digits")

    def load(name, split="train"):
        which = slice(0, 1400) if split == "train" else slice(1400, 2000)
        return Dataset("mnist", digits.images[which], digits.labels[which], digits.classes)

    for module in (ssl, class_conditional):
        monkeypatch.setattr(module, "load", load)


def test_semi_supervised_learning_beats_the_labels_alone(little_mnist, monkeypatch):
    monkeypatch.setattr(ssl, "STEPS", 20)
    echoed = []
    (found, control), curves, _ = ssl.run(0, echoed.append, "numpy", epochs=3, labels=50)
    assert curves["errors"][-1] == found.ours and curves["epoch"] == [1, 2, 3]
    assert found.holds is None and found.published == "221 +- 136" and len(echoed) == 3
    # Of 600 images; a guess is wrong in 540.
    assert curves["errors"][-1] < min(curves["errors"][0], control.ours, 400)


def test_how_semi_supervised_learning_is_played(monkeypatch):
    played = []

    def play(*players, **options):
        played.append((players, options))
        return iter([])

    monkeypatch.setattr(ssl, "play_semi_supervised", play)
    digits = data.load("digits")
    few = ssl.chosen(digits.labels, 50, np.random.default_rng(0))
    rng, options = np.random.default_rng(0), {"width": 0.1, "feature_matching": False}
    training = ssl.training(digits.images, digits.labels, few, 100, rng=rng, **options)
    assert list(training.start()) == []
    [((_, _, labeled, unlabeled, _, opt_g, opt_d), options)] = played
    assert (opt_g.lr(0), opt_g.lr(90), opt_d.lr(0)) == pytest.approx((3e-3, 1.5e-3, 1.5e-3))
    assert training.average.decay == pytest.approx(0.8)  # a fifth of the steps
    assert opt_g.betas == opt_d.betas == (0.5, 0.999)
    assert options["m"] == 100 and options["information"] == 0.3 and not options["feature_matching"]
    real, fake = (Tensor(np.full((2, 1), l)) for l in (1.0, -2.0))
    smoothed = gan.label_smoothing(gan.non_saturating, 0.1, 0.05).d_loss(real, fake).item()
    assert options["game"].d_loss(real, fake).item() == pytest.approx(smoothed)
    assert len(labeled.__self__.images) == 50 and len(unlabeled.images) == 10_000


def test_a_control_without_g_is_paid_for_information_too():
    digits, rng = data.load("digits"), np.random.default_rng(0)
    known, unlabeled = (
        data.Minibatches(images, labels=labels, rng=rng, low=0.0)
        for images, labels in ((digits.images[:100], digits.labels[:100]),
                               (digits.images[100:600], digits.labels[100:600]))
    )  # fmt: skip
    echoed = []
    for source in (None, unlabeled):
        same = {"rng": np.random.default_rng(0), "width": 0.1}
        D = ssl.without_g(known, source, 60, **same)
        with no_grad(), D.evaluating():
            echoed.append(mutual_information(D(unlabeled(500))).item())
    assert echoed[1] > echoed[0] + 0.05


def test_labels_are_chosen_anew_and_evenly():
    classes = np.repeat(np.arange(10), 30)
    few, others = (ssl.chosen(classes, 50, np.random.default_rng(i)) for i in (0, 1))
    np.testing.assert_array_equal(np.bincount(classes[few]), [5] * 10)
    assert len(set(few)) == 50 and set(few) != set(others)
    for n in (0, 15, -10):
        with pytest.raises(InputError, match=f"--labels: expected a multiple of 10, .*got {n}"):
            ssl.chosen(classes, n, np.random.default_rng(0))
    with pytest.raises(InputError, match="at most 300, got 310"):
        ssl.chosen(classes, 310, np.random.default_rng(0))


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
    for name, value in (("KNOWN", 300), ("SAMPLES", 200), ("PAIRS", 300), ("EVERY", 2)):
        monkeypatch.setattr(class_conditional, name, value)
    echoed = []
    findings, curves, _ = class_conditional.run(0, echoed.append, "numpy", epochs=3)
    assert curves["epoch"] == [2, 3] and len(echoed) == 2 + 1 + 2
    real, likelihood, *shares = (f.ours for f in findings)
    best = int(np.argmax(curves["validation"]))
    assert real > 0.98 and likelihood == curves["log_likelihood"][best] > -700
    assert [f.what for f in findings[2:]] == [
        f"{who}: GAN-{how}" for who in ("CGAN", "AC-GAN") for how in ("test", "train")
    ]
    assert all(0 <= share < 0.9 for share in shares)  # after so few rounds


def test_a_conditional_gan_is_played_at_once_and_its_discriminator_pays_half(monkeypatch):
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


def test_gan_train_and_gan_test_tell_collapse():
    """One image for each class, again and again: what it shows is right, and not enough."""
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
