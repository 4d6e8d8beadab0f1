"""Pictures hold what they were given."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tinygan import gan, plots
from tinygan.latent import interpolate
from tinygan.training.loop import balance


def test_a_grid_puts_each_image_in_its_place():
    images = np.linspace(-1, 1, 5, dtype=np.float32).reshape(5, 1, 1, 1) * np.ones((1, 1, 2, 3))
    sheet = plots.grid(images, columns=3)
    assert sheet.shape == (2 * 4 + 2, 3 * 5 + 2) and sheet.dtype == np.uint8
    assert [sheet[3, 3], sheet[3, 8], sheet[3, 13], sheet[7, 3], sheet[7, 8]] == [
        0,
        64,
        128,
        191,
        255,
    ]
    assert sheet[7:, 12:].max() == 0  # the place that no image filled


def test_a_grid_knows_colour_and_clips():
    images = np.zeros((1, 3, 1, 1)) + np.array([-3.0, 0.0, 9.0]).reshape(1, 3, 1, 1)
    assert plots.grid(images)[2, 2].tolist() == [0, 128, 255]
    assert plots.grid(images, low=0.0)[2, 2].tolist() == [0, 0, 255]


def test_a_grid_takes_stored_images_as_they_are():
    images = np.arange(4, dtype=np.uint8).reshape(1, 1, 2, 2) * 85
    assert plots.grid(images)[2:4, 2:4].tolist() == [[0, 85], [170, 255]]


@pytest.mark.parametrize("low", [1.0, 2.0, math.nan])
def test_a_grid_refuses_a_black_that_is_no_darker_than_white(low):
    with pytest.raises(ValueError, match="low: expected less than 1"):
        plots.grid(np.zeros((1, 1, 2, 2)), low=low)


@pytest.mark.parametrize("shape", [(0, 1, 2, 2), (2, 2, 2, 2), (2, 2, 2)])
def test_a_grid_refuses_what_is_no_image(shape):
    with pytest.raises(ValueError, match="images: expected"):
        plots.grid(np.zeros(shape))


def test_png_and_gif_are_read_back(tmp_path):
    frames = [np.full((260, 260), 17 * i, np.uint8) for i in range(4)]
    plots.save_png(tmp_path / "one.png", frames[2])
    with Image.open(tmp_path / "one.png") as picture:
        assert picture.size == (520, 520) and np.asarray(picture).max() == 34
    plots.save_gif(tmp_path / "all.gif", frames)
    with Image.open(tmp_path / "all.gif") as movie:
        assert movie.n_frames == 4
        for i in range(4):
            movie.seek(i)
            assert np.asarray(movie.convert("L")).max() == 17 * i


LOG = {name: np.linspace(0.2, 0.8, 50) for name in ("step", "d_loss", "g_loss", "d_real", "d_fake")}


@pytest.mark.parametrize("points", [1, 2, 50])
@pytest.mark.parametrize("game", gan.GAMES)
def test_curves_are_drawn_for_every_game(tmp_path, game, points):
    log = {name: values[:points] for name, values in LOG.items()}
    chosen = gan.GAMES[game]
    path = tmp_path / "curves.png"
    plots.curves(path, log, balance=balance(chosen), probability=chosen.probability)
    with Image.open(path) as picture:
        assert picture.width > 600


def drawn(path, log, monkeypatch, **options):
    """The two axes of curves."""
    seen = []
    saved = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda f, *a, **k: (seen.append(f), saved(f, *a, **k)))
    plots.curves(path, log, **options)
    return seen[0].axes


def test_curves_show_the_log_and_the_lines_of_the_paper(tmp_path, monkeypatch):
    axes = drawn(tmp_path / "c.png", LOG, monkeypatch, balance=balance(gan.non_saturating),
                 probability=True)  # fmt: skip
    lines = [sorted(l.get_ydata()[0] for l in a.lines if l.get_linestyle() == "--") for a in axes]
    assert lines == [pytest.approx([math.log(2), math.log(4)]), [0.5, 0.5]]
    for a in axes:
        curves = [l for l in a.lines if l.get_linestyle() == "-"]
        assert len(curves) == 4  # each as it is, and smoothed
        for curve in curves:
            np.testing.assert_allclose(curve.get_xdata(), LOG["step"])
            np.testing.assert_allclose(curve.get_ydata(), LOG["d_loss"], atol=0.05)


def test_a_game_without_balance_has_no_lines_and_one_reading_is_seen(tmp_path, monkeypatch):
    log = {name: values[:1] for name, values in LOG.items()}
    axes = drawn(tmp_path / "c.png", log, monkeypatch, balance={}, probability=False)
    for a in axes:
        assert {l.get_linestyle() for l in a.lines} == {"-"}
        assert any(l.get_marker() == "o" for l in a.lines)  # a line of one point shows nothing


def test_the_lines_of_balance_are_those_of_the_paper():
    known = {"d_real": 0.5, "d_fake": 0.5, "d_loss": math.log(4)}
    assert balance(gan.minimax) == pytest.approx({**known, "g_loss": -math.log(2)})
    assert balance(gan.non_saturating) == pytest.approx({**known, "g_loss": math.log(2)})
    assert balance(gan.least_squares(-1, 1, 0)) == {
        "d_real": 0,
        "d_fake": 0,
        "d_loss": 1.0,
        "g_loss": 0.0,
    }
    assert balance(gan.hinge) == balance(gan.wasserstein) == {}
    assert balance(gan.one_sided_smoothing(gan.minimax)) == {}
    assert balance(gan.minimax, "r1") == balance(gan.minimax)
    assert balance(gan.minimax, "wgan-gp") == {}


def test_smoothing_keeps_a_constant_and_the_length():
    assert plots._smooth(np.full(100, 3.0)) == pytest.approx(np.full(100, 3.0))
    assert plots._smooth(np.arange(200.0))[100] == pytest.approx(100)


@pytest.mark.parametrize("prior", ["normal", "uniform"])
def test_a_walk_joins_its_ends(prior):
    start, end = np.random.default_rng(0).normal(size=(2, 100)).astype(np.float32)
    walk = interpolate(start, end, 9, prior)
    assert walk.dtype == np.float32
    np.testing.assert_allclose(walk[[0, -1]], [start, end], atol=1e-5)
    middle = np.linalg.norm(walk[4]) / np.linalg.norm(start)
    assert (middle > 0.9) == (prior == "normal")  # the straight way leaves the sphere
    np.testing.assert_allclose(interpolate(start, start, 3, prior)[1], start, atol=1e-5)


def test_a_walk_has_two_ends():
    with pytest.raises(ValueError, match="steps: expected at least 2, got 1"):
        interpolate(np.zeros(2), np.ones(2), 1, "normal")
