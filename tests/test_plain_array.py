"""Arrays of a subclass: a masked array or an np.matrix is refused at every entrance, in one line;
an np.memmap is taken as a plain array."""

import numpy as np
import pytest
from test_metrics import ONE, PAIRS, TWO, cloud

from tinygan import Tensor, grad, losses, nn, ops, plots, storage
from tinygan.data import Minibatches
from tinygan.data.colored import colored
from tinygan.data.mixtures import Mixture
from tinygan.experiments import classical, results
from tinygan.gan import theory
from tinygan.metrics import modes
from tinygan.metrics.classifier import Classifier
from tinygan.models import latent
from tinygan.models.improved_gan import improved_gan


class Meters(np.ndarray):
    """Numbers with a unit."""


SPECIAL = {
    "masked": lambda a: np.ma.masked_array(a, np.arange(a.size).reshape(a.shape) % 2 == 0),
    "masked nowhere": np.ma.masked_array,
    "matrix": lambda a: a.view(np.matrix),
    "with a unit": lambda a: a.view(Meters),
}
X = cloud(6).astype(np.float32)
T = Tensor(X)
IMAGES = np.zeros((6, 1, 28, 28), np.uint8)
LABELS = np.arange(6)
COLUMNS = "step", "d_loss", "g_loss", "d_real", "d_fake"
LAYER = nn.Linear(3, 2, rng=np.random.default_rng(0))


def rng():
    return np.random.default_rng(0)


def loaded(optimizer, array):
    state = optimizer.state_dict()
    optimizer.load_state_dict({**state, "v": array})


ENTRANCES = {  # functions of an array in two axes
    "Tensor": Tensor,
    "a list": lambda a: Tensor([a, a]),
    "data": lambda a: setattr(Tensor(X), "data", a),
    "+": lambda a: T + a,
    "right *": lambda a: a * T,
    "@": lambda a: T @ a,
    "concatenate": lambda a: ops.concatenate([T, a]),
    "where": lambda a: ops.where(a > 0, T, T),
    "index": lambda a: T[a > 0],
    "a layer": LAYER,
    "a loss": lambda a: losses.mse(T, a),
    "weights": lambda a: nn.Linear(3, 6, rng=rng()).load_state_dict({"weight": a, "bias": X[0]}),
    "grid": lambda a: plots.grid(a),
    "png": lambda a: plots.save_png("x.png", a),
    "gif": lambda a: plots.save_gif("x.gif", [a]),
    "curves": lambda a: plots.curves("x.png", {"": plots.Curve(dict.fromkeys(COLUMNS, a))}),
    "mixture": lambda a: modes.modes(X, Mixture(a, 0.5)),
    "checkpoint": lambda a: storage.save("x.safetensors", {"a": a}, {}),
    "log_sum": classical.log_sum,
    "t_interval": results.t_interval,
    "a density": theory.normal_density,
    "logits": lambda a: theory.best_logit_slope(theory.gan.minimax, a),
    "latent": lambda a: latent.interpolate(a, X[0], 3, "normal"),
    "images": lambda a: Minibatches(a, rng=rng()),
    "labels": lambda a: Minibatches(IMAGES, rng=rng(), labels=a),
    "indices": lambda a: Minibatches(IMAGES, rng=rng()).at(a),
    "digits": lambda a: colored(a, LABELS, which=LABELS, rng=rng()),
    "classes": lambda a: colored(IMAGES, a, which=LABELS, rng=rng()),
    "captions": lambda a: colored(IMAGES, LABELS, which=a, rng=rng()),
    "improved": lambda a: improved_gan(a, rng=rng()),
    "classifier": lambda a: Classifier.shipped()(a),
    "accuracy": lambda a: Classifier.shipped().accuracy(IMAGES / np.float32(255), a),
    "classical": lambda a: classical.windows(a, LABELS),
    **ONE,
    **{f"first of {name}": lambda a, f=TWO[name]: f(a, cloud(30)) for name in PAIRS},
    **{f"second of {name}": lambda a, f=TWO[name]: f(cloud(30), a) for name in PAIRS},
}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("name", ENTRANCES)
def test_a_special_array_is_refused_in_one_line(tmp_path, monkeypatch, name, kind):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((TypeError, ValueError), match=r"make it plain, by \.filled") as caught:
        ENTRANCES[name](SPECIAL[kind](X))
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


def test_a_file_in_memory_is_a_plain_array(tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert type(mapped) is np.memmap
    assert type(Tensor(mapped).data) is type((T * mapped).data) is np.ndarray
    np.testing.assert_array_equal(Tensor([mapped]).data[0], X)
    (dx,) = grad(losses.mse(T, mapped + 1), [T])
    np.testing.assert_allclose(dx.data, -2 / X.size, rtol=1e-5)
    images = np.lib.format.open_memmap(tmp_path / "i.npy", "w+", np.uint8, (4, 1, 2, 2))
    assert Minibatches(images, rng=rng())(4).shape == (4, 1, 2, 2)
    assert plots.grid(images).shape == (10, 10)
