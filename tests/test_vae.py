"""The variational autoencoder: its loss, its gradients, and its captured rounds."""

import numpy as np
import pytest
from captures import played_and_captured
from hypothesis import given
from hypothesis import strategies as st

from tinygan import Tensor, grad, optim
from tinygan.data import Minibatches
from tinygan.models.vae import VAE, mean_loss
from tinygan.optim.minimize import minimize


def rng(seed=0):
    return np.random.default_rng(seed)


def net(seed=0, scale=1.0):
    vae = VAE(2, 5, 12, rng=rng(seed)).astype(np.float64)
    for p in vae.parameters():
        p.data *= scale
    return vae


def images(n=7, seed=1):
    return Tensor(rng(seed).random((n, 12)))


@given(st.integers(0, 99), st.floats(0.1, 2))
def test_the_loss_is_the_cross_entropy_plus_the_kl(seed, scale):
    vae, x = net(seed, scale), images()
    mean, log_variance = vae.encode(x)
    vae.rng = rng(7)
    z = mean.data + np.exp(log_variance.data / 2) * rng(7).standard_normal(mean.shape)
    p = 1 / (1 + np.exp(-vae.decoder(Tensor(z)).data))
    bce = -(x.data * np.log(p) + (1 - x.data) * np.log(1 - p)).sum()
    kl = (mean.data**2 + np.exp(log_variance.data) - 1 - log_variance.data).sum() / 2
    loss = vae.loss(x).item()
    assert loss == pytest.approx(bce + kl)
    # The minimum is the entropy of the pixels, with a KL of 0.
    assert loss > -(x.data * np.log(x.data) + (1 - x.data) * np.log(1 - x.data)).sum()


@pytest.mark.parametrize("part", ["body.0.weight", "mean.weight", "log_variance.bias"])
def test_the_gradients_pass_through_the_sample_to_the_encoder(part):
    """By finite differences, with the noise held fixed."""
    vae, x = net(), images()
    p = dict(vae.named_parameters())[part]
    start = p.data.copy()

    def loss(value):
        vae.rng = rng(7)
        p.data = value.copy()
        return vae.loss(x)

    (g,) = grad(loss(start), [p])
    step = 1e-5 * rng(2).normal(size=start.shape)
    difference = loss(start + step).item() - loss(start - step).item()
    assert (g.data * step).sum() * 2 == pytest.approx(difference, rel=1e-5)


def test_the_mean_loss_is_that_of_one_image_for_any_batch_and_changes_no_state():
    vae, x, found = net(), images(), []
    before = vae.state_dict()
    for batch in (3, 100):
        vae.rng = rng(7)
        found.append(mean_loss(vae, x, batch))
    vae.rng = rng(7)
    assert found == pytest.approx([vae.loss(x).item() / len(x)] * 2)
    for key, value in vae.state_dict().items():
        np.testing.assert_array_equal(value, before[key])


def test_the_best_loss_without_a_code_is_the_cross_entropy_with_the_mean_image():
    vae, x = net(), images()
    for p in vae.parameters():
        p.data[...] = 0
    mean = x.data.mean(axis=0)
    vae.decoder[2].bias.data[...] = np.log(mean / (1 - mean))
    expected = -(x.data * np.log(mean) + (1 - x.data) * np.log(1 - mean)).sum(axis=1).mean()
    assert mean_loss(vae, x) == pytest.approx(expected)
    gradients = grad(vae.loss(x), vae.parameters())
    for g in gradients:
        np.testing.assert_allclose(g.data, 0, atol=1e-12)


def test_a_captured_step_gives_the_same_bits():
    def setup(backend):
        vae = VAE(2, 5, 12, rng=rng()).to(backend)
        pixels = rng(1).integers(0, 256, (20, 1, 3, 4)).astype(np.uint8)
        data = Minibatches(pixels, rng=rng(2), low=0.0, backend=backend)
        opt = optim.Adam(vae.parameters(), 1e-3)
        start = lambda: minimize(lambda: vae.loss(data(6).reshape((6, 12))) / 6, opt)  # noqa: E731
        return start, (vae, opt)

    (before, after), rounds = played_and_captured(setup)
    assert rounds.captured and not rounds.why
    for one, other in zip(before, after, strict=True):
        assert np.isfinite(other).all() and (one != other).any()


def test_images_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"expected 12 elements .*\(7, 11\)"):
        net().loss(Tensor(np.zeros((7, 11))))
    with pytest.raises(ValueError, match="expected an int >= 1, got 0"):
        VAE(0, rng=rng())
