"""The networks have the layers, sizes, initial weights and noise of their papers."""

import numpy as np
import pytest

from tinygan import Tensor, models, nn
from tinygan.models.dcgan import dcgan32
from tinygan.models.mlp import perceptron
from tinygan.models.sgan import noise_and_labels, sgan_mlp
from tinygan.models.stackgan import C, StageI, StageII, discriminator


def build(name, shape=(1, 28, 28), **options):
    return models.build(name, shape, rng=np.random.default_rng(0), **options)


def layers(net):
    """The layers of a network, each as its name, with its sizes if it has any."""
    found = []
    for _, layer in net.children():
        if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            found.append((type(layer).__name__, *layer.weight.shape))
        elif isinstance(layer, nn.Maxout):
            found.append(("Maxout", layer.in_features, layer.out_features, layer.pieces))
        elif isinstance(layer, nn.Dropout):
            found.append(("Dropout", layer.p))
        elif isinstance(layer, nn.LeakyReLU):
            found.append(("LeakyReLU", layer.negative_slope))
        elif not isinstance(layer, (nn.Flatten, nn.Unflatten)):
            found.append(type(layer).__name__)
    return found


LEAKY = ("LeakyReLU", 0.2)
NETWORKS = {
    "mlp-small": (
        [("Linear", 128, 100), "ReLU", ("Linear", 784, 128), "Tanh"],
        [("Linear", 128, 784), "ReLU", ("Linear", 1, 128)],
    ),
    "mlp-mid": (
        [("Linear", 256, 100), LEAKY, ("Linear", 512, 256), LEAKY, ("Linear", 1024, 512), LEAKY,
         ("Linear", 784, 1024), "Tanh"],
        [("Linear", 512, 784), LEAKY, ("Linear", 256, 512), LEAKY, ("Linear", 1, 256)],
    ),
    "mlp-2014": (
        [("Linear", 1200, 100), "ReLU", ("Linear", 1200, 1200), "ReLU", ("Linear", 784, 1200),
         "Sigmoid"],
        [("Dropout", 0.2), ("Maxout", 784, 240, 5), ("Dropout", 0.5), ("Maxout", 240, 240, 5),
         ("Dropout", 0.5), ("Linear", 1, 240)],
    ),
    "dcgan28": (
        [("Linear", 6272, 100), "BatchNorm2d", "ReLU", ("ConvTranspose2d", 128, 64, 4, 4),
         "BatchNorm2d", "ReLU", ("ConvTranspose2d", 64, 1, 4, 4), "Tanh"],
        [("Conv2d", 64, 1, 4, 4), LEAKY, ("Conv2d", 128, 64, 4, 4), "BatchNorm2d", LEAKY,
         ("Linear", 1, 6272)],
    ),
    "dcgan28-slim": (
        [("Linear", 3136, 100), "BatchNorm2d", "ReLU", ("ConvTranspose2d", 64, 32, 4, 4),
         "BatchNorm2d", "ReLU", ("ConvTranspose2d", 32, 1, 4, 4), "Tanh"],
        [("Conv2d", 32, 1, 4, 4), LEAKY, ("Conv2d", 64, 32, 4, 4), "BatchNorm2d", LEAKY,
         ("Linear", 1, 3136)],
    ),
    "dcgan": (
        [("Linear", 3072, 100), "BatchNorm2d", "ReLU", ("ConvTranspose2d", 192, 96, 4, 4),
         "BatchNorm2d", "ReLU", ("ConvTranspose2d", 96, 48, 4, 4), "BatchNorm2d", "ReLU",
         ("ConvTranspose2d", 48, 24, 4, 4), "BatchNorm2d", "ReLU",
         ("ConvTranspose2d", 24, 3, 4, 4), "Tanh"],
        [("Conv2d", 24, 3, 4, 4), LEAKY, ("Conv2d", 48, 24, 4, 4), "BatchNorm2d", LEAKY,
         ("Conv2d", 96, 48, 4, 4), "BatchNorm2d", LEAKY, ("Conv2d", 192, 96, 4, 4),
         "BatchNorm2d", LEAKY, ("Linear", 1, 3072)],
    ),
    "dcgan32": (
        [("Linear", 4096, 100), "BatchNorm2d", "ReLU", ("ConvTranspose2d", 256, 128, 4, 4),
         "BatchNorm2d", "ReLU", ("ConvTranspose2d", 128, 64, 4, 4), "BatchNorm2d", "ReLU",
         ("ConvTranspose2d", 64, 3, 4, 4), "Tanh"],
        [("Conv2d", 64, 3, 4, 4), LEAKY, ("Conv2d", 128, 64, 4, 4), "BatchNorm2d", LEAKY,
         ("Conv2d", 256, 128, 4, 4), "BatchNorm2d", LEAKY, ("Linear", 1, 4096)],
    ),
}  # fmt: skip


def shape_of(name):
    return {"dcgan": (3, 64, 64), "dcgan32": (3, 32, 32)}.get(name, (1, 28, 28))


@pytest.mark.parametrize("name", models.MODELS)
def test_layers_and_sizes(name):
    pair = build(name, shape_of(name), width=0.75 if name == "dcgan" else 1)
    assert (layers(pair.G), layers(pair.D)) == NETWORKS[name]
    z = pair.noise(np.random.default_rng(0))(3)
    images = pair.G(z)
    assert images.shape == (3, *shape_of(name)) and pair.D(images).shape == (3, 1)
    assert images.data.min() >= pair.low and images.data.max() <= 1


def test_the_pair_of_2014_has_the_initial_weights_of_its_code():
    pair = build("mlp-2014")
    for net, r in ((pair.G, 0.05), (pair.D, 0.005)):
        for name, p in net.named_parameters():
            if name.endswith("bias"):
                assert not p.data.any()
            else:  # U(-r, r) has the standard deviation r / sqrt(3)
                assert np.abs(p.data).max() <= r
                assert p.data.std() == pytest.approx(r / 3**0.5, rel=0.1)
    z = pair.noise(np.random.default_rng(0))(500).data
    assert np.abs(z).max() <= 3**0.5 and z.std() == pytest.approx(1, rel=0.02)
    assert pair.low == 0


@pytest.mark.parametrize("name", ["dcgan", "dcgan28", "dcgan28-slim", "dcgan32"])
def test_dcgan_has_the_initial_weights_of_its_paper(name):
    pair = build(name, shape_of(name))
    for net in (pair.G, pair.D):
        for layer in net.modules():
            if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                assert layer.weight.data.std() == pytest.approx(0.02, rel=0.15)
    z = pair.noise(np.random.default_rng(0))(500).data
    assert z.std() == pytest.approx(1, rel=0.02) and np.abs(z).max() > 3
    assert pair.low == -1


@pytest.mark.parametrize("name", models.MODELS)
def test_a_tiny_width_leaves_one_unit_per_layer(name):
    pair = build(name, shape_of(name), width=1e-6)
    z = Tensor(np.zeros((2, 100), np.float32))
    assert pair.D(pair.G(z)).shape == (2, 1)


@pytest.mark.parametrize(
    ("size", "start", "stages"),
    [
        (8, 4, 1),
        (14, 7, 1),
        (16, 4, 2),
        (28, 7, 2),
        (32, 4, 3),
        (48, 6, 3),
        (64, 4, 4),
        (96, 6, 4),
        (128, 4, 5),
    ],
)
def test_the_depth_of_dcgan_follows_the_size(size, start, stages):
    pair = build("dcgan", (3, size, size), width=1 / 32)
    z = pair.noise(np.random.default_rng(0))(2)
    image = pair.G(z)
    assert image.shape == (2, 3, size, size) and pair.D(image).shape == (2, 1)
    for net, kind in ((pair.G, nn.ConvTranspose2d), (pair.D, nn.Conv2d)):
        assert sum(isinstance(layer, kind) for layer in net.modules()) == stages
    widest = 2 ** (stages - 1)
    assert [p.shape for p in pair.G.parameters()][:1] == [(widest * start**2, 100)]
    assert models.suited((3, size, size)) == ("dcgan28-slim" if size == 28 else "dcgan")


@pytest.mark.parametrize("shape", [(3, 7, 7), (1, 30, 30), (3, 36, 36), (3, 64, 32), (3, 256, 256)])
def test_the_model_for_other_sizes_is_an_mlp(shape):
    assert models.suited(shape) == "mlp-mid"


def test_dcgan_of_twice_the_width_is_dcgan32():
    one, other = build("dcgan", (3, 32, 32), width=2), build("dcgan32", (3, 32, 32))
    assert (one.lr_d, one.lr_g, other.lr_d, other.lr_g) == (5e-4, 1e-3, 2e-4, 2e-4)
    for a, b in zip(
        (*one.G.parameters(), *one.D.parameters()),
        (*other.G.parameters(), *other.D.parameters()),
        strict=True,
    ):
        np.testing.assert_array_equal(a.data, b.data)


def test_a_perceptron_has_the_given_sizes():
    net = perceptron(2, 30, 20, 1, rng=np.random.default_rng(0), width=0.1)
    assert layers(net) == [("Linear", 3, 2), "ReLU", ("Linear", 2, 3), "ReLU", ("Linear", 1, 2)]
    assert layers(perceptron(3, 1, rng=np.random.default_rng(0), width=5)) == [("Linear", 1, 3)]
    with pytest.raises(ValueError, match=r"sizes: expected at least .*got \(3,\)"):
        perceptron(3, rng=np.random.default_rng(0))


def test_the_label_of_sgan_reaches_g_alone():
    plain, labeled = (
        sgan_mlp((1, 8, 8), 3, labels=n, rng=np.random.default_rng(0), width=0.1) for n in (0, 3)
    )
    for a, b in zip(plain.D.parameters(), labeled.D.parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)
    noise = noise_and_labels(labeled.noise(np.random.default_rng(1)), 3)
    rows = noise(5)
    np.testing.assert_array_equal(rows.data[:, 50:].argmax(axis=1), [0, 1, 2, 0, 1])
    np.testing.assert_array_equal(rows.data[:, 50:].sum(axis=1), 1)
    fake = labeled.G(rows)
    assert fake.shape == (5, 1, 8, 8) and labeled.D(fake).shape == (5, 4)
    assert labeled.low == 0 and len(labeled.D) == 2 and labeled.D[0](fake).shape == (5, 13)
    noisy = [layer for part in labeled.D for layer in part if isinstance(layer, nn.GaussianNoise)]
    assert [layer.std for layer in noisy] == [0.3] * 3


def test_a_conditional_pair_for_32x32_has_the_given_sizes():
    sizes = {"inputs": 7, "planes": 2, "logits": 3}
    pair = dcgan32((3, 32, 32), rng=np.random.default_rng(0), width=0.1, **sizes)
    assert pair.G(Tensor(np.ones((2, 7), np.float32))).shape == (2, 3, 32, 32)
    assert pair.D(Tensor(np.ones((2, 5, 32, 32), np.float32))).shape == (2, 3)


def test_each_part_of_the_noise_of_stackgan_reaches_the_images():
    rng, words = np.random.default_rng(0), Tensor(np.array([[0, 2], [1, 2]]))
    first = StageI(3, rng=rng, width=0.1)
    second = StageII(first, 3, rng=rng, width=0.1)
    for stage, size in ((first, 14), (second, 28)):
        stage.eval()
        noise = rng.normal(size=(2, stage.size)).astype(np.float32)
        images, kl = stage(Tensor(noise), words)
        assert images.shape == (2, 3, size, size) and kl.shape == ()
        for part in range(0, stage.size, C):
            changed = noise.copy()
            changed[:, part : part + C] += 1
            assert abs(stage(Tensor(changed), words)[0].data - images.data).max() > 1e-6
        D = discriminator(size, 3, rng=rng, width=0.1)
        assert D(images, words).shape == (2, 1)
        slopes = [layer.negative_slope for layer in D.net if isinstance(layer, nn.LeakyReLU)]
        assert slopes == [0.2, 0.2]
    trained = {id(parameter) for parameter in second.parameters()}
    assert not trained & {id(parameter) for parameter in first.parameters()}
