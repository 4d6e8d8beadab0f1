"""Plots: the pictures show the images and numbers of their arguments."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tinygan import gan, plots
from tinygan.models.latent import interpolate
from tinygan.plots import charts, images
from tinygan.training.readings import equilibrium


def test_a_grid_puts_each_image_in_its_place():
    images = np.linspace(-1, 1, 5, dtype=np.float32).reshape(5, 1, 1, 1) * np.ones((1, 1, 2, 3))
    sheet = plots.grid(images, columns=3)
    assert sheet.shape == (2 * 4 + 2, 3 * 5 + 2) and sheet.dtype == np.uint8
    assert sheet[[3, 3, 3, 7, 7], [3, 8, 13, 3, 8]].tolist() == [0, 64, 128, 191, 255]
    assert sheet[7:, 12:].max() == 0  # no image is left for this place


def test_a_grid_keeps_colors_and_bytes_and_clips():
    images = np.zeros((1, 3, 1, 1)) + np.array([-3.0, 0.0, 9.0]).reshape(1, 3, 1, 1)
    assert plots.grid(images)[2, 2].tolist() == [0, 128, 255]
    assert plots.grid(images, low=0.0)[2, 2].tolist() == [0, 0, 255]
    stored = np.arange(4, dtype=np.uint8).reshape(1, 1, 2, 2) * 85
    assert plots.grid(stored)[2:4, 2:4].tolist() == [[0, 85], [170, 255]]


IMAGE = np.zeros((1, 1, 2, 2))


@pytest.mark.parametrize(
    ("images", "low", "message"),
    [
        *((IMAGE, low, "low: expected less than 1") for low in (1.0, 2.0, math.nan)),
        *((IMAGE + x, 0, "images: expected finite numbers") for x in (math.nan, math.inf)),
        *((x, 0, "images: expected") for x in (IMAGE[:0], IMAGE.repeat(2, axis=1), IMAGE[0])),
    ],
)
def test_a_grid_refuses_other_images(images, low, message):
    with pytest.raises(ValueError, match=message):
        plots.grid(images, low=low)


def dark(pixels):
    """The bounding box of the dark pixels: top, bottom, left, right."""
    rows, columns = np.nonzero(pixels < 128)
    return rows.min(), rows.max(), columns.min(), columns.max()


def test_labels_stand_at_their_rows_and_columns():
    white = np.ones((6, 1, 8, 8))
    bare = plots.grid(white, 3)
    height, width = (factor := round(800 / bare.shape[1])) * np.array(bare.shape)
    for option, (top, left) in {
        "title": (images.FONT_SIZE + 13, 0),
        "column_labels": (images.FONT_SIZE + 13, 0),
        "row_labels": (0, 22),
    }.items():
        for i, text in enumerate(("I", "I", "I")[: 2 if option == "row_labels" else 3]):
            texts = ["", "", ""][: 2 if option == "row_labels" else 3]
            texts[i] = text
            given = text if option == "title" else texts
            sheet = plots.grid(white, 3, **{option: given})
            assert sheet.shape[0] == height + top and width <= sheet.shape[1] <= width + left
            margin = sheet[:top] if top else sheet[:, : sheet.shape[1] - width]
            upper, lower, first, last = dark(margin)
            if option == "row_labels":
                assert abs((upper + lower) / 2 / height - (i + 0.5) / 2) < 0.05
            if option == "column_labels":
                assert abs((first + last) / 2 / width - (i + 0.5) / 3) < 0.05
    small = sheet[top:, -width:][factor // 2 :: factor, factor // 2 :: factor]
    np.testing.assert_array_equal(small, bare)


def test_a_long_text_is_broken_between_words():
    image = np.ones((1, 3, 8, 8))
    one = plots.grid(image, title="word")
    many = plots.grid(image, title="word " * 100)
    assert many.shape[1:] == one.shape[1:] and len(many) > len(one) + 3 * images.FONT_SIZE
    assert plots.grid(image, row_labels=["word " * 20]).shape[1] < one.shape[1] + 230


def test_rows_have_the_images_of_each_entry():
    a, b = np.full((4, 1, 2, 2), 0.5), np.full((2, 1, 2, 2), 255, np.uint8)
    sheet = plots.rows({"": a, " ": b}, 2, low=0)
    bare = plots.grid(np.array([128, 128, 128, 128, 255, 255], np.uint8).reshape(6, 1, 1, 1), 2)
    factor = round(800 / 10)
    cells = sheet[:, -10 * factor :][3 * factor :: 4 * factor, 3 * factor :: 4 * factor]
    np.testing.assert_array_equal(cells, bare[2::3, 2::3])


def test_a_figure_is_rendered_as_pixels():
    figure = Figure(figsize=(3, 2), dpi=50, facecolor="red")
    axes = figure.add_axes((0.5, 0, 0.5, 1))
    axes.set_axis_off()
    axes.imshow([[0.0]], cmap="gray", aspect="auto")
    pixels = plots.rendered(figure)
    assert pixels.shape == (100, 150, 3) and pixels.dtype == np.uint8
    assert pixels[50, 20].tolist() == [255, 0, 0] and pixels[50, 120].tolist() == [0, 0, 0]
    figure.set_facecolor("blue")
    assert pixels[50, 20].tolist() == [255, 0, 0]  # its own memory


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
    curve = plots.Curve(log, equilibrium(chosen), chosen.probability)
    plots.curves(path, {"": curve, "a second": curve})
    with Image.open(path) as picture:
        assert picture.width > 600


@pytest.fixture
def figures(monkeypatch):
    """The list of the figures that the test saves."""
    figures, saved = [], Figure.savefig

    def save(figure, *arguments, **options):
        figures.append(figure)
        saved(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", save)
    return figures


def test_curves_show_the_log_and_the_lines_of_the_paper(tmp_path, figures):
    plots.curves(tmp_path / "c.png", {"": plots.Curve(LOG, equilibrium(gan.non_saturating))})
    axes = figures[0].axes
    lines = [sorted(l.get_ydata()[0] for l in a.lines if l.get_linestyle() == "--") for a in axes]
    assert lines == [pytest.approx([math.log(2), math.log(4)]), [0.5]]
    for a in axes:
        curves = [l for l in a.lines if l.get_linestyle() == "-"]
        assert len(curves) == 4  # two columns, each as it is and smoothed
        for curve in curves:
            np.testing.assert_allclose(curve.get_xdata(), LOG["step"])
            np.testing.assert_allclose(curve.get_ydata(), LOG["d_loss"], atol=0.05)


def test_a_game_without_equilibrium_has_no_lines_and_one_round_is_a_dot(tmp_path, figures):
    log = {name: values[:1] for name, values in LOG.items()}
    plots.curves(tmp_path / "c.png", {"": plots.Curve(log, probability=False)})
    assert figures[0].axes[1].get_ylabel() == "D's output"
    for a in figures[0].axes:
        assert {l.get_linestyle() for l in a.lines} == {"-"}
        assert any(l.get_marker() == "o" for l in a.lines)  # a line of one point is not visible


def test_a_few_extreme_losses_are_cut_off_and_the_picture_says_so(tmp_path, figures):
    rng = np.random.default_rng(0)
    log = {name: np.ones(400) for name in ("d_real", "d_fake")} | {"step": np.arange(400)}
    log |= {"d_loss": rng.uniform(1, 2, 400), "g_loss": rng.uniform(1, 2, 400)}
    log["g_loss"][-1] = np.nan
    far = log | {name: log[name].copy() for name in ("d_loss", "g_loss")}
    far["d_loss"][:2], far["g_loss"][200] = (38.25, 7), -30
    near = log | {"d_loss": np.where(np.arange(400) == 5, 4.5, log["d_loss"])}
    flat = log | {"d_loss": log["d_real"], "g_loss": np.where(np.arange(400) == 5, 99, 1)}
    shown = {
        name: plots.Curve(each) for name, each in {"far": far, "near": near, "x": flat}.items()
    }
    shown["line"] = plots.Curve(far, {"d_loss": 3.0}, penalized=True)
    plots.curves(tmp_path / "c.png", shown)
    cut, whole, constant, line = figures[0].axes[::2]
    assert [t.get_text() for t in cut.texts] == [
        "not shown: 2 points lie above, up to 38.2",
        "not shown: 1 point lies below, down to -30",
    ]
    assert cut.get_ylim() == pytest.approx((0.95, 2.05), abs=0.01)
    assert not whole.texts and whole.get_ylim()[1] > 4.5
    assert not constant.texts and constant.get_ylim()[1] > 99
    assert line.get_ylim() == pytest.approx((0.9, 3.1), abs=0.01) and len(line.texts) == 2
    legends = [next(t.get_text() for t in a.get_legend().get_texts()) for a in (cut, line)]
    assert legends == ["loss of D", "loss of D, with its penalty"]


def test_the_lines_of_balance_are_those_of_the_paper():
    known = {"d_real": 0.5, "d_fake": 0.5, "d_loss": math.log(4)}
    assert equilibrium(gan.minimax) == pytest.approx({**known, "g_loss": -math.log(2)})
    assert equilibrium(gan.non_saturating) == pytest.approx({**known, "g_loss": math.log(2)})
    pearson = {"d_real": 0, "d_fake": 0, "d_loss": 1.0, "g_loss": 0.0}
    assert equilibrium(gan.least_squares(-1, 1, 0)) == pearson
    assert equilibrium(gan.hinge) == equilibrium(gan.wasserstein) == {}
    assert equilibrium(gan.one_sided_smoothing(gan.minimax)) == {}
    assert equilibrium(gan.minimax, "r1") == equilibrium(gan.minimax)
    assert equilibrium(gan.minimax, "wgan-gp") == {}


SETS = {
    "ours": {"good": 2.0, "wide": 5.0, "below": 4.0, "both": -3.0, "ours alone": 1, "a": 4, "b": 0},
    "real": {"good": 1.0, "wide": 0.1, "below": -0.1, "both": 0.1, "a": 2, "b": 3},
    "noise": {"good": 3.0, "wide": 900.0, "below": 7.0, "both": 7.0, "a": 9, "b": 9},
}
TITLES = {name: f"title of {name}" for name in ("good", "wide", "below", "both", "ours alone")}


def bars(folder, figures, sets=SETS, **options):
    """The axes of the figure that plots.bars saves."""
    plots.bars(folder / "b.png", sets, TITLES, **options)
    with Image.open(folder / "b.png") as picture:
        assert picture.width > 1000
    return figures[0].axes


def test_bars_show_each_metric_that_every_set_has(tmp_path, figures):
    labels = {("ours", "good"): "2.00 !"}
    panels = bars(tmp_path, figures, labels=labels, title="a title")
    assert figures[0].get_suptitle() == "a title"
    scales = {"good": "", "wide": ", log scale", "below": ", log scale", "both": ""}
    assert [a.get_title() for a in panels] == [TITLES[name] + scales[name] for name in scales]
    for axes, name in zip(panels, scales, strict=True):
        values = [row[name] for row in SETS.values()]
        assert [bar.get_width() for bar in axes.patches] == values
        assert axes.lines[0].get_xdata()[0] == SETS["real"][name]
        low, high = axes.get_xlim()
        assert low <= min(0, *values) and high > max(values)
        assert (low < min(0, *values)) == (min(values) < 0)
    texts = {t.get_text(): t.get_color() for t in panels[0].texts}
    assert texts == {"2.00 !": "tab:red", "1": "black", "3": "black"}


def test_bars_have_a_histogram_of_the_first_two_sets(tmp_path, figures):
    names = {"a": "class a", "b": "class b"}
    axes = bars(tmp_path, figures, histogram=names)[-1]
    assert [bar.get_height() for bar in axes.patches] == [4, 0, 2, 3]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["class a", "class b"]
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["ours", "real"]


def test_bars_of_zeros_have_a_linear_scale(tmp_path, figures):
    zeros = {name: {"good": 0.0} for name in SETS}
    (axes,) = bars(tmp_path, figures, zeros)
    assert axes.get_xscale() == "linear" and axes.get_title() == "title of good"


def test_smoothing_keeps_a_constant_and_the_length():
    assert charts._smooth(np.full(100, 3.0)) == pytest.approx(np.full(100, 3.0))
    assert charts._smooth(np.arange(200.0))[100] == pytest.approx(100)


@pytest.mark.parametrize("prior", ["normal", "uniform"])
def test_an_interpolation_joins_its_ends(prior):
    start, end = np.random.default_rng(0).normal(size=(2, 100)).astype(np.float32)
    walk = interpolate(start, end, 9, prior)
    assert walk.dtype == np.float32
    np.testing.assert_allclose(walk[[0, -1]], [start, end], atol=1e-5)
    middle = np.linalg.norm(walk[4]) / np.linalg.norm(start)
    assert (middle > 0.9) == (prior == "normal")  # a straight line leaves the sphere
    np.testing.assert_allclose(interpolate(start, start, 3, prior)[1], start, atol=1e-5)


def test_an_interpolation_has_two_ends():
    with pytest.raises(ValueError, match="steps: expected at least 2, got 1"):
        interpolate(np.zeros(2), np.ones(2), 1, "normal")
