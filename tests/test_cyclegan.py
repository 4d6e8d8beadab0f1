"""CycleGAN: the buffer of earlier fakes, the default weights, and what the cycle loss is for."""

import inspect
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygan import Tensor, gan, nn, optim
from tinygan.gan.variants.cyclegan import ImageBuffer, Players, play_cyclegan


def rng(seed=0):
    return np.random.default_rng(seed)


def numbered(first, m):
    return Tensor(np.arange(first, first + m, dtype=np.float32).reshape(m, 1))


@given(st.integers(1, 9), st.lists(st.integers(1, 12), min_size=1, max_size=8), st.integers(0, 99))
def test_a_buffer_loses_no_image_and_returns_none_twice(size, minibatches, seed):
    buffer, count, returned = ImageBuffer(size, rng=rng(seed)), 0, []
    for m in minibatches:
        out = buffer(numbered(count, m))
        assert out.shape == (m, 1) and not out.edges
        returned += out.data[:, 0].tolist()
        count += m
    first, kept = min(size, count), buffer.images[: min(size, count), 0].tolist()
    assert returned[:first] == list(range(first))  # the first are stored and returned
    # From then on an image is stored or returned.
    assert sorted(returned[first:] + kept) == list(range(count))


def test_a_full_buffer_returns_old_images_with_probability_one_half():
    """An image is replaced in a draw with probability 1 / (2 * 50): it stays for 100 on average."""
    buffer = ImageBuffer(50, rng=rng())
    ages = [i - buffer(numbered(i, 1)).item() for i in range(20_000)]
    ages = np.array(ages[1000:])
    n = len(ages)
    assert abs((ages > 0).mean() - 0.5) < 4 * 0.5 / math.sqrt(n)
    assert abs(ages[ages > 0].mean() - 100) < 4 * 100 / math.sqrt(n / 2)


def test_a_buffer_is_the_same_in_minibatches():
    one, many = (ImageBuffer(5, rng=rng(1)) for _ in range(2))
    singly = [one(numbered(i, 1)).item() for i in range(24)]
    together = [many(numbered(i, 8)).data[:, 0] for i in (0, 8, 16)]
    np.testing.assert_array_equal(singly, np.concatenate(together))


def test_a_full_buffer_replaces_each_of_its_images_equally_often():
    buffer, replaced = ImageBuffer(4, rng=rng(2)), np.zeros(4)
    buffer(numbered(0, 4))
    for i in range(4, 8004):
        before = buffer.images.copy()
        buffer(numbered(i, 1))
        replaced += (buffer.images != before)[:, 0]
    n = replaced.sum()
    assert abs(replaced / n - 1 / 4).max() < 4 * math.sqrt(3 / 16 / n)


def test_the_default_weights_and_buffer_are_those_of_the_paper():
    default = {k: p.default for k, p in inspect.signature(play_cyclegan).parameters.items()}
    assert (default["m"], default["cycle"], default["identity"]) == (1, 10, 0.5 * 10)
    assert ImageBuffer(rng=rng()).size == 50


def reconstruction_error(cycle):
    """The error of F(G(x)), relative to the size of x, after training from a square to a ring."""
    draw = rng(4)
    xs = lambda m: Tensor(draw.uniform(-1, 1, (m, 2)).astype(np.float32))  # noqa: E731

    def ys(m):
        t = draw.uniform(0, 2 * np.pi, m)
        ring = np.stack([np.cos(t), np.sin(t)], axis=1) * draw.uniform(0.5, 1, (m, 1))
        return Tensor(ring.astype(np.float32))

    nets = [
        nn.Sequential(nn.Linear(2, 32, rng=rng(i)), nn.ReLU(), nn.Linear(32, out, rng=rng(i + 9)))
        for i, out in enumerate((2, 2, 1, 1))
    ]
    G, F, D_y, D_x = (net.parameters() for net in nets)
    opts = (optim.Adam(p, 3e-3, (0.5, 0.999)) for p in ([*G, *F], [*D_y, *D_x]))
    buffers = tuple(ImageBuffer(rng=rng(i)) for i in (5, 6))
    game, options = gan.least_squares(), {"m": 32, "cycle": cycle, "identity": 0}
    rounds = play_cyclegan(game, Players(*nets), xs, ys, *opts, buffers, **options)
    for _ in range(300):
        next(rounds)
    x = xs(500)
    return abs(nets[1](nets[0](x)).data - x.data).mean() / abs(x.data).mean()


def test_with_the_cycle_loss_f_reconstructs_x():
    assert reconstruction_error(10.0) < 0.2 < reconstruction_error(0.0)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ImageBuffer(0, rng=rng()), ValueError, "size: expected an int >= 1, got 0"),
        (lambda: ImageBuffer(5, rng=3), TypeError, "rng: .*got 3"),
    ],
)
def test_nonsense_is_refused_by_name(make, error, message):
    with pytest.raises(error, match=message):
        make()
