"""BatchNorm over several ranks equals that of one rank with the whole minibatch, and so do its
derivatives."""

import numpy as np
import pytest
from ranks import on_ranks, together

from tinygan import Tensor, grad, nn, ops
from tinygan.backend.inputs import SINGLE_PROCESS, playing
from tinygan.ops.reductions import mean_over_ranks


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("layer", [nn.BatchNorm1d, nn.BatchNorm2d])
@pytest.mark.parametrize("affine", [True, False])
def test_synchronized_batchnorm_equals_that_of_the_whole_minibatch_to_second_order(layer, affine):
    """The second derivatives are those of a penalty on slopes, a mean over the examples."""
    shape = (8, 3) if layer is nn.BatchNorm1d else (8, 3, 2, 2)
    images, curve = rng(1).normal(size=shape), Tensor(rng(2).normal(size=shape[1:]))
    weights = [rng(3).normal(size=3), rng(4).normal(size=3)] if affine else []

    def run(comm):
        norm = layer(3, affine=affine).astype(np.float64)
        for p, value in zip(norm.parameters(), weights, strict=True):
            p.data[...] = value
        x = Tensor(np.ascontiguousarray(images[comm.rank :: comm.size]))
        with playing(comm):
            y = norm(x)
            loss = ops.mean(y**3 * curve)
            wanted = [*norm.parameters(), x]
            first = grad(loss, wanted)
            again = grad(loss, wanted, create_graph=True)
            slopes = again[-1] * len(x)  # of each example's own loss
            second = grad(ops.mean(slopes * slopes * curve) + loss, wanted)
        # The loss of a rank is a mean over fewer examples, so its gradient at each is larger.
        for grads in (first, again, second):
            grads[-1] = Tensor(grads[-1].data / comm.size)
        return y.data, first, again, second, [b for _, b in norm.named_buffers()]

    whole, shares = run(SINGLE_PROCESS), on_ranks(4, run)

    def close(got, expected):
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)

    close(together([share[0] for share in shares]), whole[0])
    for order in (1, 2, 3):
        for i in range(len(weights)):
            close(np.mean([s[order][i].data for s in shares], axis=0), whole[order][i].data)
        close(together([s[order][-1].data for s in shares]), whole[order][-1].data)
    for share in shares:  # the running statistics, the variance unbiased over the whole batch
        for mine, expected in zip(share[4], whole[4], strict=True):
            close(mine, expected)


def test_a_gradient_through_the_mean_can_be_differentiated_again():
    """M is the mean of x^2 over the ranks. The loss M^3 of each rank has the gradient 6 M^2 x. The
    sum of the squares of that has the gradient 360 M^4 x."""
    x = rng().normal(size=(3, 4))

    def run(comm):
        own = Tensor(x[comm.rank].copy())
        m = mean_over_ranks(own * own, comm)
        (first,) = grad(ops.sum(m**3), [own], create_graph=True)
        return first.data, grad(ops.sum(first * first), [own])[0].data

    m = (x * x).mean(axis=0)
    for own, (first, second) in zip(x, on_ranks(3, run), strict=True):
        np.testing.assert_allclose(first, 6 * m**2 * own, rtol=1e-12)
        np.testing.assert_allclose(second, 360 * m**4 * own, rtol=1e-12)


def test_local_batchnorm_uses_the_statistics_of_its_own_rows():
    images = rng().normal(size=(8, 3))

    def run(comm, share, synchronized):
        norm = nn.BatchNorm1d(3).astype(np.float64)
        with playing(comm, synchronized=synchronized):
            y = norm(share)
        return y.data, norm.running_var

    for rank, seen in enumerate(on_ranks(2, lambda c: run(c, images[c.rank :: 2], False))):
        for got, expected in zip(seen, run(SINGLE_PROCESS, images[rank::2], True), strict=True):
            np.testing.assert_array_equal(got, expected)
    one_each = on_ranks(2, lambda comm: run(comm, images[comm.rank : comm.rank + 1], True))
    np.testing.assert_allclose(one_each[0][0], -one_each[1][0])  # two values have a variance
    with pytest.raises(ValueError, match="one value per channel has no variance"):
        on_ranks(2, lambda comm: run(comm, images[:1], False))
