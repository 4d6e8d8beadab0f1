"""One player at a time is `gan.play` with the other's rate 0."""

import guard  # noqa: F401  (registers the backend)
import numpy as np
import pytest

from tinygan import Tensor, gan, nn, optim
from tinygan.gan.single_player import train_d, train_g
from tinygan.models.mlp import perceptron

ALONE = {"G": (train_g, 0.0, 0.1), "D": (train_d, 0.1, 0.0)}


def match(lr_d, lr_g, backend="numpy", layer=nn.Tanh):
    """Players on fixed minibatches, so that it does not matter how often they are asked for."""
    rng = np.random.default_rng(0)
    G = perceptron(2, 4, 3, rng=rng).to(backend)
    D = nn.Sequential(nn.Linear(3, 4, rng=rng), layer(), nn.Linear(4, 1, rng=rng)).to(backend)
    x, z = (Tensor(rng.normal(size=(5, n)).astype(np.float32)).to(backend) for n in (3, 2))
    opt_g, opt_d = optim.SGD(G.parameters(), lr_g), optim.SGD(D.parameters(), lr_d)
    return G, D, lambda m: x[:m], lambda m: z[:m], opt_g, opt_d


def weights(net):
    return np.concatenate([p.numpy().reshape(-1) for p in net.parameters()])


@pytest.mark.parametrize("backend", ["numpy", "guard"])
@pytest.mark.parametrize("layer", [nn.Tanh, lambda: nn.BatchNorm1d(4)])
@pytest.mark.parametrize("game", gan.GAMES)
@pytest.mark.parametrize("who", ALONE)
def test_one_player_moves_as_in_a_round_in_which_the_other_cannot(who, game, layer, backend):
    alone, lr_d, lr_g = ALONE[who]
    one, both = match(lr_d, lr_g, backend, layer), match(lr_d, lr_g, "numpy", layer)
    before = weights(one[0]), weights(one[1])
    steps = alone(gan.GAMES[game], *one, m=4)
    rounds = gan.play(gan.GAMES[game], *both, m=4)
    for _ in range(3):
        (loss,), result = next(steps), next(rounds)
        expected = result.g_loss if who == "G" else result.d_loss
        np.testing.assert_allclose(loss.numpy(), expected.numpy(), rtol=1e-4, atol=1e-6)
    for i, (net, other) in enumerate(zip(one[:2], both[:2], strict=True)):
        np.testing.assert_allclose(weights(net), weights(other), rtol=1e-4, atol=1e-6)
        assert (weights(net) != before[i]).any() == (who == "GD"[i])


@pytest.mark.parametrize("alone", [train_d, train_g])
def test_a_size_that_is_none_is_refused(alone):
    with pytest.raises(ValueError, match="m: expected an int >= 1, got 0"):
        alone(gan.minimax, *match(0.1, 0.1), m=0)
