"""Conditional GANs: the layout of rows, the losses of AC-GAN, the networks, and their rounds."""

import numpy as np
import pytest
from captures import played_and_captured
from hypothesis import given
from hypothesis import strategies as st

from tinygan import Tensor, gan, nn, ops
from tinygan.data import Minibatches
from tinygan.gan.variants import conditional, packing
from tinygan.models.cgan import (
    Branches,
    acgan28,
    cgan28,
    cgan_mlp,
    labeled_players,
    labeled_samples,
)

SHAPE, K = (1, 28, 28), 10


def rng(seed=0):
    return np.random.default_rng(seed)


def numbers(seed, *shape):
    return Tensor(rng(seed).normal(size=shape))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_one_hot_is_1_at_the_label(labels):
    rows = conditional.one_hot(Tensor(np.array(labels)), 5)
    assert rows.shape == (len(labels), 5) and rows.dtype == np.float32
    np.testing.assert_array_equal(rows.data.argmax(axis=1), labels)
    np.testing.assert_array_equal(rows.data.sum(axis=1), 1)


def test_split_label_undoes_concat_label():
    x, y = numbers(0, 3, 1, 2, 2), numbers(1, 3, 5)
    row = conditional.concat_label(x, y)
    assert row.shape == (3, 9)
    for part, whole in zip(conditional.split_label(row, 5), (x.reshape((3, 4)), y), strict=True):
        np.testing.assert_array_equal(part.data, whole.data)


def test_packing_concatenates_samples():
    G = nn.Sequential(nn.Linear(3, 4, rng=rng()), nn.Tanh(), nn.Linear(4, 2, rng=rng(1)))
    z = rng(1).normal(size=(5, 6)).astype(np.float32)
    packed = packing.Packed(G, 2)(Tensor(z)).data
    one, two = (G(Tensor(part)).data for part in (z[:, :3], z[:, 3:]))
    np.testing.assert_allclose(packed, np.concatenate([one, two], axis=1), rtol=1e-4)
    assert packing.Packed(G, 2).parameters() == G.parameters()


def test_a_generator_passes_on_its_label():
    G = conditional.ConditionalGenerator(nn.Linear(5, 4, rng=rng()).astype(float), 2)
    row = numbers(1, 3, 5)
    x, y = conditional.split_label(G(row), 2)
    np.testing.assert_array_equal(y.data, row.data[:, 3:])
    np.testing.assert_array_equal(x.data, G.net(row).data)


def test_each_number_of_a_label_fills_a_channel():
    seen = []

    class Net(nn.Module):
        def forward(self, x):
            seen.append(x.data)
            return x[:, 0, 0, :1]

    x, y = numbers(0, 3, 2, 4, 5), numbers(1, 3, 2)
    conditional.ConditionalDiscriminator(Net(), (2, 4, 5))(conditional.concat_label(x, y))
    (image,) = seen
    np.testing.assert_array_equal(image[:, :2], x.data)
    np.testing.assert_array_equal(image[:, 2:], np.tile(y.data[:, :, None, None], (4, 5)))


def test_branches_are_concatenated():
    parts = [nn.Linear(n, m, rng=rng(n)).astype(float) for n, m in ((3, 4), (2, 2), (6, 1))]
    row = numbers(0, 5, 5)
    expected = parts[2](ops.concatenate([parts[0](row[:, :3]), parts[1](row[:, 3:])], axis=1))
    np.testing.assert_array_equal(Branches(*parts, 2)(row).data, expected.data)


def acgan_discriminator():
    """A D of 3 classes for images (1, 2, 2), and rows for it."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 4, rng=rng())).astype(float)
    labels = Tensor(np.array([0, 2, 1, 2]))
    row = conditional.concat_label(numbers(1, 4, 1, 2, 2), conditional.one_hot(labels, 3, float))
    return conditional.ACGANDiscriminator(net, (1, 2, 2)), row, labels.data


def test_an_acgan_discriminator_gives_the_logit_and_the_log_probability_of_the_class():
    D, row, labels = acgan_discriminator()
    out = D.net(row[:, :4].reshape((4, 1, 2, 2))).data
    p = np.exp(out[:, 1:]) / np.exp(out[:, 1:]).sum(axis=1, keepdims=True)
    expected = np.stack([out[:, 0], np.log(p[np.arange(4), labels])], axis=1)
    np.testing.assert_allclose(D(row).data, expected, rtol=1e-12)


@pytest.mark.parametrize(
    "name", [n for n, g in gan.GAMES.items() if isinstance(g, gan.SeparableGame)]
)
def test_with_a_class_each_loss_has_the_cross_entropy_of_the_label(name):
    plain, game = gan.GAMES[name], conditional.auxiliary_classifier(gan.GAMES[name], 0.5)
    real, fake = numbers(0, 4, 2), numbers(1, 3, 2)
    class_losses = [-0.5 * t.data[:, 1].mean() for t in (real, fake)]
    d_loss = plain.d_loss(real[:, :1], fake[:, :1]).item() + sum(class_losses)
    assert game.d_loss(real, fake).item() == pytest.approx(d_loss)
    g_loss = plain.g_loss(fake[:, :1]).item() + class_losses[1]
    assert game.g_loss(fake).item() == pytest.approx(g_loss)
    assert game.d_at_equilibrium is None and not game.probability


def test_labels_of_noise_are_all_equally_likely():
    noise = conditional.labeled_noise(lambda m: numbers(0, m, 3), 4, rng=rng())
    z, y = conditional.split_label(noise(8000), 4)
    assert z.shape == (8000, 3) and set(np.unique(y.data)) == {0, 1}
    np.testing.assert_array_equal(y.data.sum(axis=1), 1)
    np.testing.assert_allclose(y.data.mean(axis=0), 0.25, atol=0.02)  # four standard errors


def labeled_minibatches(backend="numpy", low=-1.0):
    images = rng(1).integers(0, 256, (20, *SHAPE)).astype(np.uint8)
    images[:, 0, 0, 0] = np.arange(20)
    labels = np.arange(20) % K
    return Minibatches(images, labels=labels, rng=rng(2), low=low, backend=backend)


def test_images_keep_their_labels():
    data = labeled_minibatches(low=0.0)
    x, y = conditional.split_label(conditional.labeled_data(data, K)(7), K)
    assert x.shape == (7, 784)
    np.testing.assert_array_equal(np.rint(x.data[:, 0] * 255) % K, y.data.argmax(axis=1))


PAIRS = {"cgan_mlp": cgan_mlp, "cgan28": cgan28, "acgan28": acgan28}


def match(name, backend):
    """A function that starts `gan.play` with the pair of that name; the owners of its state."""
    pair = PAIRS[name](SHAPE, K, rng=rng()).to(backend)
    game = gan.non_saturating
    if name == "acgan28":
        game = conditional.auxiliary_classifier(game)
    players = labeled_players(pair, labeled_minibatches(backend, pair.low), K, rng(3))
    G, D, _, _, opt_g, opt_d = players
    return lambda: gan.play(game, *players, m=4), (G, D, opt_g, opt_d)


@pytest.mark.parametrize("name", PAIRS)
def test_algorithm_1_plays_each_pair_and_a_captured_round_gives_the_same_bits(name):
    (before, after), rounds = played_and_captured(lambda backend: match(name, backend), 5)
    assert rounds.captured and not rounds.why
    for one, other in zip(before, after, strict=True):
        assert np.isfinite(other).all() and (one != other).any()


@pytest.mark.parametrize("name", PAIRS)
def test_samples_with_labels(name):
    pair = PAIRS[name](SHAPE, K, rng=rng())
    before = pair.G.state_dict()
    x, labels = labeled_samples(pair, 30, SHAPE, K, rng=rng(1))
    assert x.shape == (30, 1, 28, 28) and 0 <= x.min() < x.max() <= 1
    np.testing.assert_array_equal(labels, np.repeat(np.arange(K), 3))
    row = conditional.concat_label(pair.noise(rng(1))(30), conditional.one_hot(Tensor(labels), K))
    expected, _ = conditional.split_label(pair.G.eval()(row), K)
    np.testing.assert_allclose(
        x.reshape(30, -1) * (1 - pair.low) + pair.low, expected.data, atol=1e-6
    )
    for key, value in pair.G.state_dict().items():
        np.testing.assert_array_equal(value, before[key])


def test_the_networks_of_mirza_and_osindero():
    pair = cgan_mlp(SHAPE, K, rng=rng())
    sizes = [p.shape for p in (*pair.G.parameters(), *pair.D.parameters()) if p.ndim == 2]
    assert sizes == [(200, 100), (1000, 10), (1200, 1200), (784, 1200),
                     (1200, 784), (250, 10), (960, 290), (1, 240)]  # fmt: skip
    dropped = [layer.p for net in (pair.G, pair.D) for layer in net.modules()
               if isinstance(layer, nn.Dropout)]  # fmt: skip
    normed = [layer.running_mean.shape for layer in pair.G.modules()
              if isinstance(layer, nn.BatchNorm1d)]  # fmt: skip
    assert normed == [(200,), (1200,)]
    assert dropped == [0.2, 0.5, 0.5] and (pair.prior, pair.low) == ("uniform", 0.0)
    of_x, of_y, of_both = (
        [abs(p.data).max() for p in part.parameters() if p.ndim == 2]
        for part in (pair.D.first, pair.D.second, pair.D.rest)
    )
    assert all(0.0049 < r <= 0.005 for r in (*of_x, *of_both)) and of_y[0] > 0.3


NONSENSE = {
    "labels that are no integers": (
        lambda: conditional.one_hot(numbers(0, 3), 4), r"labels: .*\(N,\)"),
    "labels of two axes": (
        lambda: conditional.one_hot(Tensor(np.zeros((3, 1), int)), 4), r"labels: .*int64 \(3, 1\)"),
    "a row too short": (
        lambda: conditional.split_label(numbers(0, 2, 4), 4), r"rows: .*more than 4.*\(2, 4\)"),
    "no labels": (
        lambda: Minibatches(np.zeros((2, 1, 1, 1), np.uint8), rng=rng()).labeled(1), "no labels"),
    "labels with a point": (
        lambda: Minibatches(np.zeros((2, 1, 1, 1), np.uint8), rng=rng(), labels=np.zeros(2)),
        "labels: expected integers"),
    "a negative weight": (
        lambda: conditional.auxiliary_classifier(gan.hinge, -1.0), "weight: .*-1"),
    "a pack of 0": (lambda: packing.Packed(nn.Tanh(), 0), "pack: .*got 0"),
    "no classes": (lambda: conditional.ConditionalGenerator(nn.Tanh(), 0), "classes: .*got 0"),
    "no generator": (lambda: conditional.labeled_noise(lambda m: None, 3, rng=1), "rng: .*got 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_refused_by_name(name):
    call, message = NONSENSE[name]
    with pytest.raises((ValueError, TypeError), match=message):
        call()
