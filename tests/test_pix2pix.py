"""Pix2pix: pairs of images as channels, and what the adversarial loss is for."""

import numpy as np
import pytest

from tinygan import Tensor, gan, losses, nn, optim
from tinygan.gan.variants.pix2pix import concat_channels, play_pix2pix


def rng(seed=0):
    return np.random.default_rng(seed)


def numbers(seed, *shape):
    return Tensor(rng(seed).normal(size=shape).astype(np.float32))


def distance_from_zero(weight):
    """The mean |G(y)| after training on x = -1 or 1 at random, whatever y."""
    G, D = (
        nn.Sequential(nn.Conv2d(1, 32, 1, rng=rng(1)), nn.LeakyReLU(0.2), last)
        for last in (nn.Conv2d(32, 1, 1, rng=rng(i)) for i in (1, 2))
    )
    draw = rng(5)

    def pairs(m):
        y, x = draw.normal(size=(m, 1, 2, 2)), draw.choice([-1.0, 1.0], (m, 1, 2, 2))
        return Tensor(y.astype(np.float32)), Tensor(x.astype(np.float32))

    opts = [optim.Adam(net.parameters(), 2e-3, (0.5, 0.999)) for net in (G, D)]
    options = {"weight": weight, "distance": losses.mse, "paired": False}
    rounds = play_pix2pix(gan.non_saturating, G, D, pairs, *opts, **options)
    for _ in range(400):
        next(rounds)
    return float(abs(G(pairs(100)[0]).data).mean())


def test_the_distance_alone_gives_the_mean_and_the_adversarial_loss_one_of_the_images():
    assert distance_from_zero(0) < 0.2 and distance_from_zero(2.0) > 0.5


def test_the_images_of_a_pair_are_concatenated_as_channels():
    y, x = numbers(0, 3, 2, 4, 5), numbers(1, 3, 1, 4, 5)
    np.testing.assert_array_equal(
        concat_channels(y, x).data, np.concatenate([y.data, x.data], axis=1)
    )


@pytest.mark.parametrize("shape", [(3, 1, 2, 5), (3, 1, 4, 1), (2, 1, 4, 5), (3, 20)])
def test_images_of_other_sizes_are_refused(shape):
    with pytest.raises(ValueError, match=r"pairs: expected images .*got \(3, 2, 4, 5\) and \("):
        concat_channels(numbers(0, 3, 2, 4, 5), numbers(1, *shape))
