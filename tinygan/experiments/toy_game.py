"""A small game on a mixture of Gaussians, and remedies against two failures of training.

    saturation    D is certain of every fake, and G's gradient is nearly 0
    collapse      G maps every z to the x where the current D is largest

G and D are perceptrons with two hidden layers of 64 units. Adam trains G with the learning rate
1e-3 and D with 4e-3. Each remedy changes one thing, and remedies can be combined:

    dropout                       dropout of 1/2 after each hidden layer of D
    lower rate                    learning rate 1e-3 for D
    fewer units                   16 units in each hidden layer of D
    label noise                   each label of D is shifted by up to 1/2 (`gan.label_noise`)
    label flips                   one in ten of D's labels is wrong (`gan.label_flips`)
    minibatch discrimination      6 kernels before D's last layer (Salimans et al. 2016)
    packing                       D classifies pairs of points (Lin et al. 2018)
"""

import math
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

import numpy as np

from .. import checks, gan, nn
from ..autograd import grad
from ..backend import inputs
from ..data.mixtures import Mixture, check_mixture
from ..gan.games import check_game
from ..gan.single_player import train_g
from ..gan.variants.packing import Packed
from ..models.mlp import perceptron
from ..models.pair import scaled
from ..ops import mean, stack
from ..optim import Adam
from ..tensor import Tensor, no_grad

AGAINST_SATURATION = "dropout", "lower rate", "fewer units", "label noise", "label flips"
AGAINST_COLLAPSE = "minibatch discrimination", "packing"
REMEDIES = AGAINST_SATURATION + AGAINST_COLLAPSE
POINTS = 64  # in a minibatch, packed or not


class ToyGame(NamedTuple):
    """Two untrained players. `players` and `m` are the arguments of `gan.play` after the game.
    `relabel(game)` is the game with label noise or label flips, if they are among the remedies."""

    players: tuple[Any, ...]
    m: int
    relabel: Callable[[gan.SeparableGame], gan.SeparableGame]
    G: nn.Module  # maps single points

    def samples(self, n: int = 1000) -> np.ndarray:
        """n samples of G, (n, 2), from noise that is the same in each call."""
        checks.sizes(n=n)
        z = np.random.default_rng(0).standard_normal((n, 2), dtype=np.float32)
        with no_grad():
            return self.G(Tensor(inputs.host_input(lambda: z, self.G.parameters()[0].data))).numpy()

    def slope(self, game: gan.AnyGame) -> float:
        """The norm of the gradient of G's mean loss over 8 minibatches."""
        check_game(game)
        G, D, data, noise, *_ = self.players
        losses = []
        for _ in range(8):
            real = D(data(self.m)) if game.g_uses_real else None
            losses.append(game.g_loss(D(G(noise(self.m))), real))
        gradient = grad(mean(stack(losses)), G.parameters())
        return math.sqrt(sum((g * g).sum().item() for g in gradient))


def toy_game(
    mixture: Mixture,
    remedies: Collection[str] = (),
    *,
    seed: Any,
    backend: str = "numpy",
    width: float = 1,
) -> ToyGame:
    """A game on a mixture in the plane with the given remedies; `width` scales the hidden layers.

    Raises TypeError if `remedies` is not a collection, ValueError for an unknown remedy.
    """
    check_mixture(mixture)
    if not isinstance(remedies, Collection) or isinstance(remedies, str):
        raise TypeError(f"remedies: expected some of {REMEDIES}, got {remedies!r}")
    if unknown := set(remedies) - set(REMEDIES):
        raise ValueError(f"remedies: expected some of {REMEDIES}, got {sorted(unknown)}")
    rng, pack = np.random.default_rng(seed), 2 if "packing" in remedies else 1
    G = perceptron(2, 64, 64, 2, rng=rng, width=width).to(backend)
    units, last = scaled(16 if "fewer units" in remedies else 64, width), 2 * pack
    layers: list[nn.Module] = []
    for _ in range(2):
        layers += [nn.Linear(last, units, rng=rng), nn.ReLU()]
        layers += [nn.Dropout(0.5, rng=rng)] if "dropout" in remedies else []
        last = units
    if "minibatch discrimination" in remedies:
        layers, last = [*layers, nn.MinibatchDiscrimination(units, 6, 3, rng=rng)], units + 6
    D = nn.Sequential(*layers, nn.Linear(last, 1, rng=rng)).to(backend)
    like = G.parameters()[0].data

    def data(m: int) -> Tensor:
        points = lambda: mixture.sample(m * pack, rng=rng).reshape(m, -1)  # noqa: E731
        return Tensor(inputs.host_input(points, like))

    def noise(m: int) -> Tensor:
        return Tensor(inputs.normal(rng, (m, 2 * pack), like))

    def relabel(game: gan.SeparableGame) -> gan.SeparableGame:
        game = gan.label_noise(game, 0.5, rng=rng) if "label noise" in remedies else game
        return gan.label_flips(game, 0.1, rng=rng) if "label flips" in remedies else game

    opt_g = Adam(G.parameters(), 1e-3, (0.5, 0.999))
    opt_d = Adam(D.parameters(), 1e-3 if "lower rate" in remedies else 4e-3, (0.5, 0.999))
    return ToyGame((Packed(G, pack), D, data, noise, opt_g, opt_d), POINTS // pack, relabel, G)


def extra_g_steps(game: gan.SeparableGame, toy: ToyGame, times: int = 5) -> Iterator[gan.Round]:
    """The rounds of Algorithm 1 with `times` steps of G for each step of D."""
    check_game(game)
    checks.sizes(times=times)
    if not isinstance(toy, ToyGame):
        raise TypeError(f"toy: expected a ToyGame, got {type(toy).__name__}")
    more = train_g(game, *toy.players, m=toy.m)
    for result in gan.play(toy.relabel(game), *toy.players, m=toy.m):
        for _ in range(times - 1):
            next(more)
        yield result
