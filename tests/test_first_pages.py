"""The first GAN and the GAN on one page are short; the page has the package's gradients."""

import ast
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tinygan
from tinygan import Tensor, data, gan, nn

EXAMPLES = Path(__file__).parent.parent / "examples"
LINES = {"first_gan": 50, "gan_on_one_page": 150}


def run(name):
    """The global names of an example that is imported and not run as a script."""
    return runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name=name)


@pytest.fixture(scope="module")
def page():
    return run("gan_on_one_page")


def copy(net, slope=0.2):
    """A network of the package with the weights of an MLP of the page."""
    layers = []
    for w, b in zip(net.parameters[::2], net.parameters[1::2], strict=True):
        linear = nn.Linear(*w.data.shape[::-1], rng=np.random.default_rng(0))
        linear.load_state_dict({"weight": w.data.copy(), "bias": b.data.copy()})
        layers += [linear, nn.LeakyReLU(slope)]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("m", "g_sizes", "d_sizes"),
    [
        (1, (1, 1), (1, 1)),
        (1, (3, 7, 5), (5, 9, 1)),
        (7, (5, 3, 4, 11), (11, 13, 2, 1)),
        (64, (100, 128, 784), (784, 128, 1)),
    ],
)
def test_the_gradients_of_both_losses_equal_those_of_the_package(page, seed, m, g_sizes, d_sizes):
    rng = np.random.default_rng(seed)
    G, D = page["MLP"](*g_sizes, rng=rng), page["MLP"](*d_sizes, rng=rng)
    x, z = rng.uniform(-1, 1, (m, d_sizes[0])), rng.standard_normal((m, g_sizes[0]))
    x, z = x.astype(np.float32), z.astype(np.float32)
    fake = G(page["Tensor"](z)).tanh()
    d_loss = page["d_loss"](D, page["Tensor"](x), fake)
    g_loss = page["g_loss"](D, fake)

    their_g, their_d = nn.Sequential(copy(G), nn.Tanh()), copy(D)
    their_fake, game = their_g(Tensor(z)), gan.non_saturating
    their_d_loss = game.d_loss(their_d(Tensor(x)), their_d(their_fake))
    their_g_loss = game.g_loss(their_d(their_fake))

    for loss, net, their_loss, their_net in (
        (d_loss, D, their_d_loss, their_d),
        (g_loss, G, their_g_loss, their_g),
    ):
        assert float(loss.data) == pytest.approx(their_loss.item(), rel=1e-5)
        grads = page["grad"](loss, net.parameters)
        expected = tinygan.grad(their_loss, their_net.parameters())
        for g, theirs in zip(grads, expected, strict=True):
            assert g.dtype == np.float32 and g.shape == theirs.shape
            largest = abs(theirs.numpy()).max()
            assert largest > 0
            np.testing.assert_allclose(g, theirs.numpy(), rtol=0, atol=1e-5 * largest)


def test_a_tensor_that_is_used_twice_gets_both_gradients(page):
    x = page["Tensor"]([[0.5], [-2.0]])
    y = x + x.tanh()
    (g,) = page["grad"]((y + y).mean(), [x])
    np.testing.assert_allclose(g, 1 + (1 - np.tanh(x.data) ** 2), rtol=1e-6)


def test_an_extreme_logit_has_a_finite_loss_and_gradient(page):
    l = page["Tensor"]([[-1e4], [0.0], [1e4]])
    loss = l.softplus().mean()
    (g,) = page["grad"](loss, [l])
    assert loss.data == pytest.approx((np.log(2) + 1e4) / 3)
    np.testing.assert_allclose(g, [[0], [1 / 6], [1 / 3]], rtol=1e-6)


def test_adam_takes_the_same_steps_as_in_the_package(page):
    rng = np.random.default_rng(0)
    start, grads = rng.standard_normal((3, 5)), rng.standard_normal((20, 3, 5))
    start, grads = start.astype(np.float32), grads.astype(np.float32)
    p, theirs = page["Tensor"](start), nn.Parameter(start.copy())
    opt = page["Adam"]([p])
    their_opt = tinygan.optim.Adam([theirs], lr=1e-3, betas=(0.5, 0.999))
    for g in grads:
        opt.step([g])
        their_opt.step([Tensor(g)])
    assert p.data.dtype == np.float32
    np.testing.assert_allclose(p.data - start, theirs.numpy() - start, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", LINES)
def test_a_first_page_is_short(name):
    assert len((EXAMPLES / f"{name}.py").read_text().splitlines()) <= LINES[name]


def test_the_page_imports_only_numpy_and_the_standard_library():
    tree = ast.parse((EXAMPLES / "gan_on_one_page.py").read_text())
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add(node.module.split(".")[0])
    assert "numpy" in found and found - {"numpy"} <= sys.stdlib_module_names


def test_the_first_gan_writes_its_loop_out():
    """Both losses, both gradients and both steps stand in the file; it does not call `play`."""
    tree = ast.parse((EXAMPLES / "first_gan.py").read_text())
    called = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    expected = {"grad": 2, "ops.softplus": 3, "opt_d.step": 1, "opt_g.step": 1, "play": 0}
    assert {name: called.count(name) for name in expected} == expected


def test_the_first_gan_plays_algorithm_1(tmp_path, monkeypatch):
    """The weights after twenty rounds are those of `play`, up to the order of sums."""
    monkeypatch.chdir(tmp_path)
    made, adam = [], tinygan.optim.Adam
    monkeypatch.setattr(
        tinygan.optim, "Adam", lambda p, **options: made.append(adam(p, **options)) or made[-1]
    )
    run("first_gan")["main"](seed=3, rounds=20)

    rng = np.random.default_rng(3)
    G = nn.Sequential(
        nn.Linear(100, 128, rng=rng), nn.LeakyReLU(0.2), nn.Linear(128, 784, rng=rng), nn.Tanh()
    )
    D = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 128, rng=rng), nn.LeakyReLU(0.2), nn.Linear(128, 1, rng=rng)
    )
    optimizers = [adam(net.parameters(), lr=1e-3, betas=(0.5, 0.999)) for net in (G, D)]
    digits = data.Minibatches(data.load("digits").images, rng=rng)

    def noise(m):
        return Tensor(rng.standard_normal((m, 100), dtype=np.float32))

    rounds = tinygan.play(gan.non_saturating, G, D, digits, noise, *optimizers)
    for _ in range(20):
        next(rounds)
    for mine, theirs in zip(made, optimizers, strict=True):
        for p, expected in zip(mine.parameters, theirs.parameters, strict=True):
            np.testing.assert_allclose(p.numpy(), expected.numpy(), rtol=0, atol=2e-4)


@pytest.mark.parametrize("name", LINES)
def test_a_first_page_draws_digits(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = run(name)
    assert not list(tmp_path.iterdir()) and not capsys.readouterr().out
    pictures = []
    for rounds in (2, 2, 60):
        names["main"](rounds=rounds)
        assert "round     0: loss of D 1." in capsys.readouterr().out
        with Image.open(tmp_path / f"{name}.png") as picture:
            picture.load()  # checks the checksums
            assert picture.format == "PNG" and picture.mode == "L" and min(picture.size) >= 224
            pictures.append(np.asarray(picture) / 255)
    first, again, later = pictures
    np.testing.assert_array_equal(first, again)  # seeded
    assert 0.4 < first.mean() < 0.6  # gray, before G has learned
    assert later.mean() < first.mean() - 0.1  # digits are mostly black


def test_the_page_writes_a_png_with_the_given_pixels(page, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5), dtype=np.uint8)
    page["save_png"](tmp_path / "a.png", pixels)
    with Image.open(tmp_path / "a.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), pixels)


def test_each_cell_of_the_page_is_one_image(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page["main"](rounds=200)
    with Image.open("gan_on_one_page.png") as picture:
        cells = np.asarray(picture).reshape(8, 28, 8, 28) / 255
    rows = cells.mean(axis=(0, 2, 3))  # over all images: digits are in the middle rows
    assert rows[10:18].mean() > rows[[0, 1, 26, 27]].mean() + 0.1
