"""Every example runs with tiny networks for a few rounds, and its results are what they claim."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from PIL import Image

from tinygan import Tensor, models
from tinygan.metrics.pixels import psnr

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
    names, figures = play("dcgan", "--steps", "4")
    assert figures["terms in a pixel's sum, maximum / minimum"] == 1
    assert figures["ink ratio with thick - thin added"] < 1.1  # G is untrained
    assert len(names["frames"]) == 4


def test_lsgan(play):
    _, figures = play("lsgan", "--steps", "3")
    pearson = figures["-1, 1, 0: G's criterion, N(0,1) and N(1,1)"]
    usual = figures["0, 1, 1: G's criterion, N(0,1) and N(1,1)"]
    assert 2 * pearson == pytest.approx(0.408109, abs=2e-6)
    assert usual == pytest.approx(1 / 4 + 0.408109 / 8, abs=1e-6)


@pytest.mark.parametrize("name", ["cgan", "acgan"])
def test_conditional(play, name):
    names, figures = play(name, "--steps", "3")
    np.testing.assert_array_equal(names["requested"], np.repeat(np.arange(10), 10))
    assert 0 <= figures["GAN-test"] < 0.5 and (names["samples"].std(axis=0) > 0).any()


def test_sgan(play):
    names, figures = play("sgan", "--steps", "3")
    np.testing.assert_array_equal(names["labels"][names["few"]], np.repeat(np.arange(10), 10))
    assert len(names["images"]) + len(names["truth"]) == 10_000
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
    effect, gain = names["effect"], names["effect"].__globals__["gain"]
    for gains, verb in (
        ([0.1, 0.11, 0.12], "lowers the error (by 0.110"),
        ([-0.1, -0.11, -0.12], "raises the error (by 0.110"),
        ([0.2, -0.1, 0.1], "does not measurably change the error (by 0.067 +- 0.379;"),
    ):
        gain["usual loss"] = np.array(gains)
        assert effect("usual loss").startswith(verb)


def test_gan_mnist(play):
    names, figures = play("gan_mnist", "--steps", "10")
    samples, known = names["samples"], names["known"] / 255
    distances = ((samples[:5, None] - known) ** 2).sum(axis=(2, 3, 4))
    np.testing.assert_array_equal(names["twins"][:5], known[distances.argmin(axis=1)].astype("f4"))
    of_samples = "Parzen log-likelihood of 1000 samples, nats"
    assert figures["of as many real images"] > figures[of_samples]


def test_memorization(play):
    _, figures = play("memorization", "--steps", "3")
    assert figures["copies with noise: closer"] > 0.99
    assert figures["trained on 9850: closer"] < 0.01  # after three rounds there are no digits


def test_vae(play):
    names, figures = play("vae", "--steps", "30")
    bounds = names["bounds"]  # the loss of the mean image, and a lower bound of the loss
    guess = 784 * np.log(2)  # the loss if each pixel has probability 1/2, about that of the start
    assert 0 < bounds[1] < bounds[0] < guess
    assert bounds[1] < figures["loss on held-out images, nats"] < 0.9 * guess
    # The grid of the manifold has equal probability between neighbors.
    assert names["z"].shape == (400, 2) and names["samples"].shape == (200, 1, 28, 28)
    np.testing.assert_allclose(np.diff(scipy.stats.norm.cdf(names["z"][:20, 0])), 1 / 20)
    exact, error = names["exact"], names["error"]
    assert abs(figures["KL of 100 images by Monte Carlo, nats"] - exact) < 4 * error < exact


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
    for space, shares in names["right"].items():
        assert len(shares) == 5
        for name, each in shares.items():
            few, _, _, many = np.reshape(each, (2, 4)).mean(axis=0)
            assert 0.1 < few < many < 1 and figures[f"{space}: {name}, 100 labels"] == many
        # With one label per class, all generative models predict the class of the nearest label.
        firsts = {shares[name][0] for name in ("naive Bayes", "mixtures", "Parzen window")}
        assert len(firsts) == 1


def test_pix2pix(play):
    names, figures = play("pix2pix", "--steps", "25")
    dot = np.zeros((1, 1, 4, 5), np.uint8)
    dot[0, 0, 1, 1:3] = 200
    around = [[0, 1, 1, 0, 0], [1, 0, 0, 1, 0], [0, 1, 1, 0, 0], [0] * 5]
    np.testing.assert_array_equal(names["outlined"](dot)[0, 0] / 255, around)
    assert (len(names["learned"].images), len(names["test"].images)) == (9800, 200)
    first = abs(untrained(names, names["outlines"]) - names["digits"]).mean()
    assert figures["L1 to the digit: L1 alone"] < 0.8 * first
    assert 0 < abs(names["ways"]["L1 alone"] - names["ways"]["L1 and D"]).max() < 0.5


def keys(x, a=-0.5):
    """The kernel of bicubic interpolation (Keys 1981, eq. 4)."""
    x = np.abs(x)
    near, far = ((a + 2) * x - (a + 3)) * x**2 + 1, ((x - 5) * x + 8) * x * a - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def test_srgan(play):
    names, figures = play("srgan", "--steps", "15")
    small, ways = names["small"], names["ways"]
    np.testing.assert_allclose(names["shrunk"](ways["nearest"]), small, atol=1e-6)
    dot = np.full((1, 1, 7, 7), 0.5, np.float32)
    dot[0, 0, 3, 3] += 0.1
    line = keys((np.arange(28) + 0.5) / 4 - 0.5 - 3)
    large = names["resized"](dot, Image.Resampling.BICUBIC)[0, 0]
    np.testing.assert_allclose(large, 0.5 + 0.1 * np.outer(line, line), atol=1e-5)
    assert figures["PSNR, dB: bicubic"] > figures["PSNR, dB: nearest"]
    first = psnr(untrained(names, small), names["digits"]).mean()
    assert figures["PSNR, dB: G without D"] > first + 0.2


def test_inpainting(play):
    names, figures = play("inpainting", "--steps", "40")
    outside = names["around"] == 1
    assert (~outside).sum() == 144
    for images in names["images"].values():
        np.testing.assert_array_equal(images * outside, names["digits"] * outside)
        assert (images[names["hole"]] != names["missing"]).any()
    first = psnr(untrained(names, names["digits"] * names["around"]), names["missing"]).mean()
    assert figures["PSNR in the hole, dB: mean"] > first
    assert figures["PSNR in the hole, dB: G without D"] > first + 0.2


def test_figure1(play):
    names, figures = play("figure1", "--steps", "10")
    a, b, c, d = names["panels"].values()
    for p, q, learned, best, made in (a, b, c, d):
        width = names["x"][1] - names["x"][0]
        np.testing.assert_allclose(p / (p + q), best, atol=1e-9)
        inside = (abs(made) < 4).mean()
        assert p.sum() * width == pytest.approx(1, abs=1e-3) and (q.sum() * width) == inside
        assert (learned > 0).all() and (learned < 1).all()
    np.testing.assert_array_equal(a[-1], b[-1])  # G did not change, and D did
    assert (a[2] != b[2]).any() and (b[-1] != c[-1]).any() and (c[-1] != d[-1]).any()
    assert figures["(b) mean |D - D*|"] < 0.5 and figures["(d) W1(p_g, p_data)"] < 3


def test_mixtures(play):
    names, figures = play("mixtures", "--steps", "3")
    assert figures["ring, true samples: modes"] == 8 and figures["grid, true samples: modes"] == 25
    for name in ("ring", "grid"):
        true = figures[f"{name}, true samples: share of high quality"]
        assert true == pytest.approx(0.9889, abs=0.01)
        assert figures[f"{name}, 2 packed: share of high quality"] < 0.5
    assert [len(film) for film in names["films"].values()] == [3] * 7 + [1] * 2
    points = np.array([[0, 0], [0.9, 0.9], [3, 0]])  # image rows count from the top
    shown = names["picture"](np.zeros((4, 4)), points, 1.0)
    assert shown.shape == (8, 8, 3)
    np.testing.assert_array_equal(np.argwhere(shown[:, :, 0] == 255), [[0, 7], [4, 4]])


def test_collapse_and_saturation(play):
    names, figures = play("collapse_and_saturation", "--steps", "2", "--width", "0.5")
    table = names["table"]["saturation, log10 of remaining slope"]
    assert len(table) == 1 + 7 + 21 and all(len(v) == 4 for v in table.values())
    assert np.isfinite(np.array(list(table.values()))).all()
    assert names["slopes"].shape[2] == 2 and (names["slopes"] > 0).all()
    assert 0 <= figures["collapse, modes of 8: no remedy"] <= 8
    alone = table[frozenset(["packing"])].mean()
    assert figures["saturation, log10 of remaining slope: packing"] == alone


def test_cyclegan(play):
    names, figures = play("cyclegan", "--steps", "2")
    assert set(names["losses"]) >= {"cycle and identity", "the game alone"}
    for made in names["losses"].values():
        assert all(images.shape == names["x_held"].shape for images in made)
    assert figures["error of G: another digit"] > 0.05  # the distance of two zebra digits


def test_stackgan(play):
    _, figures = play("stackgan", "--steps", "2")
    shares = [share for what, share in figures.items() if "captions: matching" in what]
    assert len(shares) == 4 and all(0 <= share < 0.3 for share in shares)  # of some 360 captions
    assert all(share > 0.9 for what, share in figures.items() if "real digits" in what)


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
    for name in ("gallery", *gallery["EXAMPLES"]):
        text = (EXAMPLES / f"{name}.py").read_text()
        assert len(text.splitlines()) <= 150, name
        assert "# %%" in text and text.startswith('"""'), name


def test_a_page_of_the_gallery(gallery):
    result = {"what": "modes | of 8", "ours": 7.0, "published": "8", "holds": False}
    machine = {"processor": "an abacus", "cores": 2, "blas_threads": 1}
    record = {
        "example": "mixtures",
        "seed": 3,
        "steps": 10,
        "full": True,
        "data": "digits",
        "pictures": {"samples.png": "dots"},
        "findings": [result, {**result, "holds": None}],
        "process_seconds": 61.4,
        "machine": {**machine, "commit": "c0ffee", "date": "today"},
    }
    page = gallery["page"]({"mixtures --full": record})
    for part in (
        "## [mixtures.py](mixtures.py) --full\n\nMixtures of Gaussians in the plane",
        "![mixtures](thumbnails/mixtures.png)\n\n`samples.png`: dots\n\n",
        "| modes \\| of 8 | 7 | 8 | **not reached** |\n| modes \\| of 8 | 7 | 8 |  |\n",
        "seed 3, 10 steps, on digits; 61 s on an abacus, 2 cores, BLAS on 1; commit c0ffee, today",
    ):
        assert part in page


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
        assert name in records and records[name]["process_seconds"] < 180
        assert f"examples/{name}.py" in readme and f"examples/thumbnails/{name}.png" in readme
        small = EXAMPLES / "thumbnails" / f"{name}.png"
        with Image.open(small) as picture:
            assert max(picture.size) == 320 and small.stat().st_size < 60_000
