"""Every example runs with tiny networks for a few rounds, and its results are what they claim."""

import json
import re
import runpy
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pooch
import pytest
import scipy.stats
from PIL import Image

from tinygan import Tensor, gan, models
from tinygan.data import Dataset, Minibatches
from tinygan.experiments import example, trained_classifier
from tinygan.experiments.class_report import images_and_labels, report_classes
from tinygan.experiments.example import Example
from tinygan.metrics.pixels import psnr
from tinygan.models.dcgan import dcgan28

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def play(tmp_path, monkeypatch):
    """play("dcgan", "--steps", "3") runs an example in an empty folder and returns its global names
    and its figures by label."""

    def run(name, *options):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [f"{name}.py", "--width", "0.1", *options])
        names = runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        out = tmp_path / "out" / name
        record = json.loads((out / "figures.json").read_text())
        figures = {f["what"]: f["value"] for f in record["findings"]}
        assert figures and all(np.isfinite(list(figures.values())))
        pictures = list(out.glob("*.png"))
        assert pictures
        for path in pictures:
            with Image.open(path) as picture:
                assert min(picture.size) > 50
        return names, figures

    return run


def untrained(names, inputs):
    """The output of an example's G before its first round."""
    G = names["networks"](np.random.default_rng(0)).G
    return models.pixels(G, Tensor(inputs * 2 - 1))


def test_dcgan(play):
    names, figures = play("dcgan", "--steps", "2")
    assert figures["Frechet distance"] > 0.5 * names["compare"]["untrained G"]  # hardly trained
    assert list(names["frechet"]) == [0, 1, 2]
    assert figures["Frechet distance"] == names["frechet"][2] != names["frechet"][1]
    assert figures["share that keeps its class, 2 x"] == names["ours"].kept
    # Networks and rounds are those of `dcgan28` with half the channels and of `gan.play`.
    rng = np.random.default_rng(0)
    pair = dcgan28((1, 28, 28), rng=rng, width=0.1 / 2, inputs=50)
    pair = pair._replace(z_size=50, lr_g=4e-3, lr_d=2e-3)
    assert repr(pair.G) == repr(names["G"]) and repr(pair.D) == repr(names["D"])
    players = pair.players(Minibatches(names["train"].images, rng=rng), rng)
    for _ in islice(gan.play(gan.non_saturating, *players, m=32), 2):
        pass
    for ours, theirs in ((names["G"], pair.G), (names["D"], pair.D)):
        for name, value in theirs.state_dict().items():
            np.testing.assert_array_equal(ours.state_dict()[name], value)


def test_lsgan(play):
    names, figures = play("lsgan", "--steps", "3")
    line = names["line"]  # D(x) = w x + b: G's gradient is its loss's slope times w
    weight, bias = line.parameters()
    weight.data[...], bias.data[...] = [[2, 0]], -1
    points = Tensor(np.array([[3, 1], [-2, 0]], np.float32))  # logits 5 and -5
    sigmoid = 1 / (1 + np.exp(5))
    expected = {"log(1 - D)": (sigmoid - 1, -sigmoid), "-log D": (-sigmoid, sigmoid - 1)}
    for name, slopes in {**expected, "least squares": (4, -6)}.items():
        pulled = names["gradients"](names["games"][name], line, points)
        np.testing.assert_allclose(pulled, [[2 * slope, 0] for slope in slopes], rtol=1e-4)
    ours, real, fake = names["squares"], Tensor([[0.3], [2.0]]), Tensor([[-1.0], [0.7]])
    theirs = gan.least_squares(0, 1, 1)
    assert ours.d_at_equilibrium == theirs.d_at_equilibrium
    assert ours.d_loss(real, fake).item() == theirs.d_loss(real, fake).item()
    assert ours.g_loss(fake).item() == theirs.g_loss(fake).item()
    distances = names["frechet"]["least squares"]
    assert len(set(distances)) == 3  # three seeds
    assert figures["images: Frechet distance, mean of 3 seeds"] == pytest.approx(np.mean(distances))
    # D has learned for a single step, so nothing is said about fakes that it accepts or rejects.
    assert len(names["points"]) == 1 and "too few steps" in names["points"][0]
    networks = []  # after three rounds, and after three of `gan.play`
    for start in (names["rounds"], gan.play):
        rng = np.random.default_rng(0)
        pair = models.build("mlp-small", (1, 28, 28), rng=rng, width=0.1)
        data = Minibatches(names["train"].images, rng=rng)
        options = {"m": 32} if start is gan.play else {}
        for _ in islice(start(names["squares"], *pair.players(data, rng), **options), 3):
            pass
        networks.append([*pair.G.parameters(), *pair.D.parameters()])
    for ours, theirs in zip(*networks, strict=True):
        np.testing.assert_array_equal(ours.data, theirs.data)


@pytest.mark.parametrize("name", ["cgan", "acgan"])
def test_conditional(play, name):
    names, figures = play(name, "--steps", "3")
    samples, requested = names["draw"](100)
    np.testing.assert_array_equal(requested, np.repeat(np.arange(10), 10))
    assert list(names["snapshots"]) == ["round 1", "round 3"]
    assert (samples.std(axis=0) > 0).any() and 0 <= figures["GAN-test"] < 0.5


def test_the_report_of_a_conditional_gan(tmp_path, monkeypatch):
    """A G that repeats real images passes; one that ignores the label is the control that fails."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["toy.py", "--width", "0.1"])
    run = Example("toy", "A toy.", steps=1, full=1)
    learned, test = run.load_labeled()
    images, labels = images_and_labels(learned)

    def copies(n):
        at = np.concatenate([np.flatnonzero(labels == k)[: n // 10] for k in range(10)])
        return images[at], labels[at]

    def blind(n):
        return images[:n], np.sort(labels[:n])

    said = report_classes(run, blind, copies, learned, test)
    tested, trained = run._findings
    assert tested.value > 0.97 and tested.compare["untrained"] < 0.4
    assert tested.compare["with the labels of other classes"] < 0.02
    assert tested.compare["real images"] > 0.97 and tested.met
    assert trained.value > 0.3 and "G has learned what a label means" in said[0]
    assert abs(trained.value - trained.compare["as many real images"]) < 0.2


@pytest.mark.parametrize(
    ("name", "shape"),
    [("autoencoder", (3, 16, 16)), ("discriminative_vs_generative", (3, 16, 16)),
     ("gan_mnist", (3, 16, 16)), ("vae", (3, 16, 16)), ("cgan", (1, 28, 28))],
)  # fmt: skip
def test_other_images_of_twelve_classes(play, monkeypatch, tmp_path, name, shape):
    """The classes are levels of brightness; 1200 images are few."""
    rng, names = np.random.default_rng(0), tuple("abcdefghijkl")
    labels = np.arange(1200) % 12
    images = rng.integers(0, 20, (1200, *shape)) + 20 * labels[:, None, None, None]
    given = Dataset("folder:x", images.astype(np.uint8), labels, names)
    monkeypatch.setattr(example, "load", lambda *_: given)
    monkeypatch.setattr(trained_classifier, "SEEN", 2000)
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path / "cache")
    found, figures = play(name, "--steps", "2")
    if name == "autoencoder":
        assert found["controls"]["chance"] == 1 / 12
    elif name == "discriminative_vs_generative":
        assert found["sizes"][0] == 12
    elif name == "cgan":
        assert next(iter(found["snapshots"].values())).shape == (12, *shape)
    else:
        assert "classifier score, 1 to 12" in figures or name == "vae"


def test_sgan(play):
    names, figures = play("sgan", "--steps", "3")
    np.testing.assert_array_equal(names["labels"][names["few"]], np.repeat(np.arange(10), 10))
    assert len(names["images"]) == 10_000
    # The logit of being real is that of the softmax of K + 1 logits.
    l = np.random.default_rng(0).normal(size=(3, 11))
    fake = np.exp(l[:, 10]) / np.exp(l).sum(axis=1)
    np.testing.assert_allclose(names["logit"](Tensor(l)).data[:, 0], np.log(1 / fake - 1))
    # Without steps of G, the samples are those of the same untrained G, whatever D learns.
    distances, error = names["distances"], names["error"]
    assert distances["G does not learn"] == distances["labels alone"]
    assert all(distances[kind] != distances["labels alone"] for kind in names["TRAINED"])
    assert figures["usual loss: test error"] == error["usual loss"] != error["labels alone"]
    # Sentences follow the differences between trainings of the same seed.
    effect, last = names["effect"], names["effect"].__globals__["last"]
    for gains, verb in (
        ([0.1, 0.11, 0.12], "lowers the error (by 0.110"),
        ([-0.1, -0.11, -0.12], "raises the error (by 0.110"),
        ([0.2, -0.1, 0.1], "does not measurably change the error (by 0.067 +- 0.379;"),
    ):
        last["usual loss"] = last["labels alone"] - np.array(gains)
        assert effect("usual loss").startswith(verb)


def test_gan_mnist(play):
    names, figures = play("gan_mnist", "--steps", "10")
    first, known = names["first"], names["known"] / 255
    distances = ((first[:5, None] - known) ** 2).sum(axis=(2, 3, 4))
    nearest = known[distances.argmin(axis=1)]
    np.testing.assert_allclose(names["nearest"][:5], nearest, atol=1e-6)
    # After ten rounds, G still draws the mean image, and every metric sees it.
    assert figures["Parzen log-likelihood, nats"] == pytest.approx(names["start"], abs=2)
    assert names["quarter"] > names["start"] + 10 and names["real_nats"] > names["quarter"]
    assert figures["classifier score, 1 to 10"] < 1.2 < 5 < names["score"]["real images"]
    mean_image = names["frechet"]["mean image"]
    assert figures["Frechet distance"] > 0.9 * mean_image > 10 * names["frechet"]["real images"]


def test_memorization(play):
    _, figures = play("memorization", "--steps", "3")
    shares = {name.split(":")[0]: share for name, share in figures.items()}
    assert shares.pop("copies with noise") > 0.8
    assert shares.pop("copies shifted by a pixel") < 0.05
    assert len(shares) == 6 and set(shares.values()) == {0}  # after three rounds G copies nothing


def test_vae(play):
    names, figures = play("vae", "--steps", "30")
    bounds = names["bounds"]  # the loss of the mean image, and a lower bound of the loss
    guess = 784 * np.log(2)  # the loss if each pixel has probability 1/2, about that of the start
    assert 0 < bounds[1] < bounds[0] < guess
    assert bounds[1] < figures["bound on held-out images, nats"] < 0.9 * guess
    # The grid of the manifold has equal probability between neighbors.
    assert names["z"].shape == (400, 2) and names["samples"].shape == (200, 1, 28, 28)
    np.testing.assert_allclose(np.diff(scipy.stats.norm.cdf(names["z"][:20, 0])), 1 / 20)
    exact, error = names["exact"], names["error"]
    assert abs(figures["KL by Monte Carlo, nats"] - exact) < 4 * error < exact


def test_autoencoder(play):
    names, figures = play("autoencoder", "--steps", "60")
    x, center = names["x_held"], names["center"]
    errors = [names["error"](x, names["by_pca"](x, k)) for k in (0, 2, 784)]
    assert errors == pytest.approx([names["error"](x, center), names["pca"], 0], abs=1e-3)
    linear = figures["linear: error on training images"]
    assert names["error"](names["x"], names["by_pca"](names["x"], 2)) < linear < errors[0]
    assert figures["error on held-out images"] < 1.2 * errors[0]
    assert names["codes_held"].shape == (len(x), 2) and len(x) == 200


def test_discriminative_vs_generative(play):
    names, figures = play("discriminative_vs_generative", "--steps", "1", "--width", "0.02")
    assert names["sizes"] == [10, 20, 50, 100]
    for space, shares in names["accuracies"].items():
        assert len(shares) == 5
        for name, each in shares.items():
            few, _, _, many = np.reshape(each, (2, 4)).mean(axis=0)
            assert 0.1 < few < many < 1, name
        end = np.reshape(shares["naive Bayes"], (2, 4)).mean(axis=0)[-1]
        assert figures[f"{space}: accuracy of naive Bayes with most labels"] == end
        # With one label per class, all generative models predict the class of the nearest label.
        firsts = {shares[name][0] for name in ("naive Bayes", "mixtures", "Parzen window")}
        assert len(firsts) == 1
    # A lead or a lag is claimed only if the interval of +-1 does not contain 0.
    for mean, lead, lag in (
        ([-3, 2, 0.5, -2], 20, 100),  # behind, ahead, undecided, behind
        ([0.5, 2, 2, 0.5], 50, None),
        ([0.5, -2, -2, -2], None, 20),
        ([-2, -2, 0.5, 2], 100, None),
        ([0.5, 0.5, -0.5, 0.5], None, None),
    ):
        assert names["lead_and_lag"](np.array(mean), np.ones(4)) == (lead, lag)


def test_pix2pix(play):
    names, _ = play("pix2pix", "--steps", "60")
    dot = np.zeros((1, 1, 4, 5), np.uint8)
    dot[0, 0, 1, 1:3] = 200
    around = [[0, 1, 1, 0, 0], [1, 0, 0, 1, 0], [0, 1, 1, 0, 0], [0] * 5]
    np.testing.assert_array_equal(names["outlined"](dot)[0, 0] / 255, around)
    white = np.full((100, 1, 28, 28), 255, np.uint8)
    grains = names["chalk"](white, np.random.default_rng(0)) < 255
    assert grains.mean() == pytest.approx(0.3, abs=0.01)
    squares = grains.reshape(100, 14, 2, 14, 2).sum(axis=(2, 4))
    assert set(np.unique(squares)) == {0, 4}
    assert names["dark"]["truth"] == pytest.approx(0.3, abs=0.02)
    assert names["l1"]["L1"] < 0.8 * names["l1"]["untrained"]
    assert abs(names["made"]["L1"] - names["made"]["L1 + D"]).max() > 0
    assert list(names["snapshots"]) == [f"G(y), round {step}" for step in (2, 6, 18, 60)]


def keys(x, a=-0.5):
    """The kernel of bicubic interpolation (Keys 1981, eq. 4)."""
    x = np.abs(x)
    near, far = ((a + 2) * x - (a + 3)) * x**2 + 1, ((x - 5) * x + 8) * x * a - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def test_srgan(play):
    names, _ = play("srgan", "--steps", "15")
    small, images, near = names["small"], names["images"], names["near"]
    np.testing.assert_allclose(names["shrunk"](images["input"]), small, atol=1e-6)
    inside = slice(8, 20)  # farther than two small pixels from the border
    weights = keys(((np.arange(28) + 0.5) / 4 - 0.5)[inside, None] - np.arange(7))
    large = np.clip(weights @ small @ weights.T, 0, 1)
    np.testing.assert_allclose(images["bicubic"][:, :, inside, inside], large, atol=1e-5)
    assert near["bicubic"] > near["input"] > near["uniform noise"]
    assert near["G without D"] > psnr(untrained(names, small), names["real"]).mean() + 0.2
    assert (images["G with D"] != images["G without D"]).any()


def test_the_spectrum_of_srgan(play):
    names, _ = play("srgan", "--steps", "1")
    noise = np.random.default_rng(0).standard_normal((400, 1, 28, 28))
    white = np.full(14, 10 * np.log10(28**2))
    np.testing.assert_allclose(names["spectrum"](noise), white, atol=0.3)
    wave = np.cos(2 * np.pi * 3 * np.arange(28) / 28)  # 3 cycles per image
    found = names["spectrum"](noise[:200] + wave) - white
    assert found.argmax() == 2 and found[2] > 5
    np.testing.assert_allclose(np.delete(found, 2), 0, atol=0.5)


def test_inpainting(play):
    names, _ = play("inpainting", "--steps", "40")
    around, near, off = names["around"], names["decibels"], names["edges"]
    assert (around == 0).sum() == 144
    for patches in names["patches"].values():
        filled = names["filled"](patches)
        np.testing.assert_array_equal(filled * around, names["whole"] * around)
        np.testing.assert_array_equal(filled[names["hole"]], patches)
    first = psnr(untrained(names, names["whole"] * around), names["missing"]).mean()
    assert near["mean patch"] > first and near["G without D"] > first + 0.2
    ramp = 0.3 * np.arange(6)[:, None] + 0.4 * np.arange(6)
    np.testing.assert_allclose(names["gradient"](ramp[None, None]), 0.5)
    # The mean patch is flat; half of all pixels in a real hole have no gradient either.
    flat = names["gradient"](names["missing"]).mean()
    assert off["mean patch"] == pytest.approx(flat, rel=0.3) and off["uniform noise"] > 0.1


def test_figure1(play):
    names, figures = play("figure1", "--steps", "10")
    x, z, density = names["x"], names["z_grid"], names["density"]
    uniform, folded = density(z, x), density(z**2, x)  # of z and of z^2, in closed form
    np.testing.assert_allclose(uniform[abs(x) < 0.99], 0.5, rtol=1e-6)
    inside = (x > 0.02) & (x < 0.99)
    np.testing.assert_allclose(folded[inside], 0.5 / np.sqrt(x[inside]), rtol=0.01)
    assert not uniform[abs(x) > 1.01].any() and not folded[x < 0].any()
    a, b, c, d = names["panels"].values()
    for p, q, _, best, _ in (a, b, c, d):
        assert p.sum() * (x[1] - x[0]) == pytest.approx(1, abs=1e-3)
        assert (best[p > q] > 0.5).all() and (best[p < q] < 0.5).all()
    np.testing.assert_array_equal(a[-1], b[-1])  # G did not change, and D did
    assert (a[2] != b[2]).any() and (b[-1] != c[-1]).any() and (c[-1] != d[-1]).any()
    assert figures["(b) mean |D - D*| over the data"] < 0.5 and figures["(d) W1(p_g, p_data)"] < 3


def test_mixtures(play):
    names, figures = play("mixtures", "--steps", "3")
    assert list(names["seen"]["ring", "GAN"]) == names["looks"] == [1, 2, 3]
    for name, k in (("ring", 8), ("grid", 25)):
        real, noise = names["controls"][name]
        assert real.above_noise == k and noise.above_noise == 0 and noise.captured > k / 2
        assert figures[f"{name}, R1 + R2: samples at a mode"] < 0.5  # G is untrained
    for key, each in names["covered"].items():
        assert each.shape == (3, len(names["mixtures"][key[0]].means))
        assert each[-1].sum() == names["final"][key].above_noise
        first, second, third = each
        lost = [(first & ~second).sum(), ((first | second) & ~third).sum()]
        assert names["forgotten"][key] == np.mean(lost)
    picture = names["dots"](np.array([[0.0, 1.0], [9.0, 0.0]]), names["mixtures"]["ring"])[0]
    row, column = np.argwhere(picture < 255).T
    assert len(row) == 1 and row[0] < 20 and 60 < column[0] < 68  # y counts upward


def test_collapse_and_saturation(play):
    names, figures = play("collapse_and_saturation", "--steps", "2")
    assert (names["count"](names["uniform"]), names["count"](names["points"])) == (0, 8)
    one_mode = names["mixture"].means[:1] + np.zeros((1000, 2))
    assert names["count"](one_mode) == 1
    ratios, left = (np.array(list(values.values())) for values in names["results"].values())
    assert ratios.shape == left.shape == (1 + 7, 8) and np.isfinite(ratios).all()
    packing = (ratios[-1] - ratios[0]).mean()
    assert figures["packing: change of log10 of the gradients' ratio"] == pytest.approx(packing)
    # D is untrained, so D(G(z)) is about 1/2, where both losses have the slope 1/2
    assert abs(figures["no remedy: log10 of the gradients' ratio"]) < 0.3
    assert len(names["shown"]) == 2 * (len(names["run"].snapshots) + 1)


def test_cyclegan(play):
    names, figures = play("cyclegan", "--steps", "2")
    column = np.full((1, 1, 8, 1), 200, np.uint8)
    striped = [200, 200, 40, 40] * 2
    expected = [striped, striped, [255 - value for value in striped]]
    np.testing.assert_array_equal(names["zebra"](column)[0, :, :, 0], expected)
    images = names["images"]
    half = len(names["x_known"])
    np.testing.assert_array_equal(names["x_known"][-1, 2], images[half - 1, 0])
    np.testing.assert_array_equal(names["y_known"], names["zebra"](images[half:]))
    np.testing.assert_array_equal(names["error"](names["true"]), [0, 0])
    assert len(names["LOSSES"]) == 4
    for results in names["made"].values():
        assert len(results) == 3 and abs(results[0][0] - results[1][0]).max() > 0  # other seeds
        assert all(each.shape == names["x_held"].shape for pair in results for each in pair)
    assert figures["maps that fail, of 6: cycle and identity"] == 6  # after two rounds


def test_stackgan(play):
    names, figures = play("stackgan", "--steps", "2")
    shares = [share for what, share in figures.items() if "match of" in what]
    assert len(shares) == 4 and all(share < 0.3 for share in shares)  # of some 360 captions
    real, captions, matching = names["real"], names["real_captions"], names["matching"]
    assert matching(real, captions) > 0.9 > matching(names["halved"](real), captions[::-1])
    red = real[:, :1]
    assert names["distance"](red.repeat(3, axis=1)) == pytest.approx(0, abs=0.1)
    assert names["distance"](np.zeros_like(real)) > names["distance"](names["halved"](real)) > 1
    first, second = names["columns"][:2]  # with this little training, both are almost gray
    assert first.shape == second.shape == (8, 3, 28, 28)
    np.testing.assert_array_equal(first[:, :, ::2, ::2], first[:, :, 1::2, 1::2])
    assert not np.isin(names["fixed"], names["seen"]).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--steps", "0"], "--steps: expected a whole number from 1 to 9007199254740992, got '0'"),
        (["--seed", "-1"], "--seed: expected a whole number from 0 to 9007199254740992, got '-1'"),
        (["--width", "0"], "--width: expected more than 0"),
        (["--data", "minst"], "did you mean 'mnist'?"),
        (["--backend", "cuda"], "backend 'cuda' is unknown"),
        (["--stops", "1"], "unrecognized arguments: --stops 1"),
    ],
)
def test_invalid_options_end_with_one_line_and_status_2(
    options, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["dcgan.py", *options])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(EXAMPLES / "dcgan.py"), run_name="__main__")
    out, err = capsys.readouterr()
    assert stopped.value.code == 2 and message in err and err.count("\n") == 1 and not out


@pytest.fixture(scope="module")
def gallery():
    return runpy.run_path(str(EXAMPLES / "gallery.py"), run_name="gallery")


def test_an_example_is_short_and_opens_as_a_notebook(gallery):
    for name in gallery["EXAMPLES"]:
        text = (EXAMPLES / f"{name}.py").read_text()
        assert len(text.splitlines()) <= 150, name
        assert "# %%" in text and text.startswith('"""'), name


def test_a_page_of_the_gallery(gallery, tmp_path, monkeypatch):
    found = {"what": "modes | of 8", "value": 7.0, "compare": {"noise": 2.0}, "at_least": 8.0}
    machine = {"processor": "an abacus", "cores": 2, "blas_threads": 1, "date": "today"}
    later = {**machine, "processor": "a quipu", "commit": "c0ffee", "date": "tomorrow"}
    record = {
        "example": "mixtures",
        "seed": 3,
        "steps": 10,
        "full": True,
        "data": "digits",
        "pictures": {"samples.png": "Dots", "d.png": "D(x)"},
        "sentences": ["It is a ring.", "It has gaps."],
        "findings": [found],
        "cpu_seconds": 61.4,
        "machine": {**machine, "commit": "c0ffee"},
    }
    other = {**record, "seed": 4, "findings": [{**found, "value": 9.0}], "cpu_seconds": 70}
    other["machine"] = {**machine, "commit": "decaf"}
    for runs, parts in (
        (
            [record],
            [
                "## [mixtures.py](mixtures.py) --full\n\nMixtures of Gaussians in the plane",
                "![mixtures](thumbnails/mixtures.png)\n\nWith seed 3:\n\nIt is a ring.\n\n"
                "It has gaps.\n\n"
                "Pictures: `samples.png`, dots; `d.png`, D(x)\n\n",
                "|  | this run | for comparison | target | met |\n",
                "| modes \\| of 8 | 7 | noise 2 | at least 8 | NO |\n\n",
                "Seeds 3; 10 rounds on digits; 61.4 s of CPU a run\n"
                "on an abacus, BLAS on 1 of 2 cores; commit c0ffee, today\n",
            ],
        ),
        (
            [record, other],
            [
                "| modes \\| of 8 | 8 ± 1.4 | noise 2 | at least 8 | 1 of 2 runs, and the mean |\n",
                "Seeds 3, 4; 10 rounds on digits; 61.4 to 70 s of CPU a run\n"
                "on an abacus, BLAS on 1 of 2 cores; commits c0ffee and decaf, today\n",
            ],
        ),
        (
            [record, other, {**record, "sentences": [], "machine": later}],
            [
                "on a quipu, BLAS on 1 of 2 cores; commit c0ffee, tomorrow\n"
                "on an abacus, BLAS on 1 of 2 cores; commits c0ffee and decaf, today\n",
            ],
        ),
        ([{**record, "sentences": []}], ["mixtures.png)\n\nPictures: "]),
    ):
        page = "".join(f"{line}\n" for line in gallery["section"](runs))
        for part in parts:
            assert part in page


def test_a_page_lists_three_commits_and_the_examples_in_the_order_of_the_readme(gallery):
    assert [gallery["listed"](list(words)) for words in ("a", "ab", "abc")] == [
        "a", "a and b", "a, b and c"]  # fmt: skip
    assert gallery["EXAMPLES"][:3] == ["figure1", "gan_mnist", "memorization"]
    records = json.loads((EXAMPLES / "figures.json").read_text())
    names = re.findall(r"^## \[(\w+)\.py\]", gallery["page"](records), re.M)
    assert list(dict.fromkeys(names)) == gallery["EXAMPLES"] and len(names) == len(records)


def test_no_thumbnail_comes_from_the_curves_of_a_training(gallery):
    """They look alike for all games, and do not show what an example is about."""
    picture = gallery["picture"]
    assert picture({"curves.png": "", "film.gif": "", "b.png": "", "a.png": ""}) == "b.png"
    for runs in json.loads((EXAMPLES / "figures.json").read_text()).values():
        assert "curves" not in picture(runs[0]["pictures"])


def test_the_gallery_makes_the_thumbnail_of_that_picture(gallery, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["gallery.py", "lsgan"])
    made, saved = [], []
    record = {"seed": 0, "steps": 1, "cpu_seconds": 1, "pictures": {"curves.png": "", "x.png": ""}}
    for name, fake in {
        "run": lambda *_: record,
        "thumbnail": lambda name, path: made.append((name, path.name)),
        "save": saved.append,
    }.items():
        monkeypatch.setitem(gallery["main"].__globals__, name, fake)
    gallery["main"]()
    assert made == [("lsgan", "x.png")] and saved[0]["lsgan"][0] == record


@pytest.mark.parametrize(
    "change",
    [
        lambda runs: runs[0].pop("steps"),
        lambda runs: runs[-1].update(seed="1"),
        lambda runs: runs[0].update(example="../README"),
        lambda runs: runs[0].update(cpu_seconds=None),
        lambda runs: runs[0].update(sentences=["\ud800"]),
        lambda runs: runs.clear(),
    ],
)
def test_damaged_records_are_refused_before_an_example_runs(
    gallery, tmp_path, monkeypatch, capsys, change
):
    own = gallery["main"].__globals__
    records = gallery["recorded"]()
    assert sorted(records) == sorted(json.loads((EXAMPLES / "figures.json").read_text()))
    change(records["vae"])
    path = tmp_path / "figures.json"
    path.write_text(json.dumps(records))
    before = path.read_bytes()
    monkeypatch.setitem(own, "RECORDS", path)
    monkeypatch.setitem(own, "run", lambda *args: pytest.fail("an example runs"))
    monkeypatch.setattr(sys, "argv", ["gallery.py", "vae"])
    with pytest.raises(SystemExit) as ended:
        gallery["main"]()
    err = capsys.readouterr().err
    assert ended.value.code == 2 and f"{path}: damaged (" in err and err.count("\n") == 1
    assert path.read_bytes() == before
    path.unlink()
    assert gallery["recorded"]() == {}


def test_the_gallery_refuses_an_unknown_example(gallery, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gallery.py", "dcgann"])
    with pytest.raises(SystemExit) as stopped:
        gallery["main"]()
    err = capsys.readouterr().err
    assert stopped.value.code == 2 and "did you mean 'dcgan'?" in err and "[]" not in err


def test_every_example_is_in_the_gallery_with_a_picture_of_its_own(gallery):
    records = json.loads((EXAMPLES / "figures.json").read_text())
    readme, page = (EXAMPLES.parent / "README.md").read_text(), gallery["page"](records)
    assert (EXAMPLES / "README.md").read_text() == page
    for name in gallery["EXAMPLES"]:
        assert len(records[name]) >= 5 and max(run["cpu_seconds"] for run in records[name]) < 300
        assert f"examples/{name}.py" in readme and f"examples/thumbnails/{name}.png" in readme
        small = EXAMPLES / "thumbnails" / f"{name}.png"
        with Image.open(small) as picture:
            assert max(picture.size) == gallery["WIDE"] and small.stat().st_size < 100_000
