"""Computations to compare between NumPy and another backend. Each function computes on `backend`
and returns arrays of the host in a fixed order. The same seeds give the same numbers.
"""

import types
from functools import partial

import numpy as np
from cases import Point
from traffic import counting

from tinygan import Tensor, gan, grad, models, nn, ops, optim
from tinygan import backend as backends
from tinygan.data import Minibatches


def rng(seed=0):
    return np.random.default_rng(seed)


def on_host(values):
    """The values of tensors and arrays of any backend. The host waits for them only here."""
    arrays = [value.data if isinstance(value, Tensor) else value for value in values]
    return [backends.of(array).to_host(array) for array in arrays]


def state_of(*owners):
    return [array for owner in owners for array in owner.state_dict().values()]


def carried(value, backend):
    """`value` with every NumPy array in it moved. Modules are moved in place. A function of the
    tests becomes a new one with moved closure variables."""
    if isinstance(value, np.ndarray):
        return backends.move(value, backend)
    if isinstance(value, nn.Module):
        return value.to(backend)
    if isinstance(value, list):
        return [carried(item, backend) for item in value]
    if isinstance(value, tuple):
        items = [carried(item, backend) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if not isinstance(value, types.FunctionType) or not value.__closure__:
        return value
    if value.__module__.startswith("tinygan"):
        return value
    cells = (types.CellType(carried(cell.cell_contents, backend)) for cell in value.__closure__)
    return types.FunctionType(
        value.__code__, value.__globals__, value.__name__, value.__defaults__, tuple(cells)
    )


def carry(point: Point, backend: str, dtype: type = np.float64):
    """The function of a point and its tensors, on another backend."""
    return carried(point.function, backend), [x.to(backend) for x in point.tensors(dtype)]


def derivatives(point, backend):
    """The value, its gradients, and the gradients of those; with the traffic on the way."""
    function, xs = carry(point, backend)
    with counting() as traffic:
        y = function(*xs)
        first = grad(ops.sum(y + 0.3 * y * y), xs, create_graph=True, allow_unused=True)
        steepness = sum((ops.sum(g * g) for g in first[1:]), ops.sum(first[0] * first[0]))
        second = grad(steepness, xs, allow_unused=True)
    return on_host([y, *first, *second]), traffic


def passes(point, training, backend, dtype):
    """Two passes through the layer of a point, their gradients, and the state that they leave."""
    layer = point.module.copy().astype(dtype).train(training).to(backend)
    seen = []
    for array in (point.arrays[0], np.flip(point.arrays[0])):
        x = Tensor(array.astype(dtype)).to(backend)
        y = layer(x)
        seen += [y, *grad(ops.sum(y * y), [x, *layer.parameters()], allow_unused=True)]
    return on_host(seen + state_of(layer))


# Optimizers: each by its name with a schedule, and some with more options.

OPTIMIZERS = {
    **{
        name: partial(kind, lr=optim.exponential_decay(0.1, 1.5, 0.01))
        for name, kind in optim.OPTIMIZERS.items()
    },
    "sgd with momentum": partial(
        optim.SGD, lr=optim.linear(0.1, 0.01, 3), momentum=optim.cosine_decay(0.9, 4, 0.5)
    ),
    "adam with weight decay": partial(optim.Adam, lr=0.1, betas=(0.5, 0.9), weight_decay=0.01),
}


def updates(name, backend, dtype):
    """Three updates from clipped gradients, a moving average, then an update of another optimizer
    with the state of the first."""
    first = nn.Linear(5, 4, bias=False, rng=rng())  # before BatchNorm a bias has gradient 0
    net = nn.Sequential(first, nn.BatchNorm1d(4), nn.Linear(4, 1, rng=rng(1)))
    net.astype(dtype).to(backend)
    x = Tensor(rng(2).normal(size=(6, 5)).astype(dtype)).to(backend)
    opt, ema = OPTIMIZERS[name](net.parameters()), optim.EMA(net, 0.9)

    def update(opt):
        grads = grad(ops.mean(net(x) ** 2), net.parameters())
        opt.step(optim.clip_grad_value(optim.clip_grad_norm(grads, 0.5), 0.2))
        ema.update()

    for _ in range(3):
        update(opt)
    heir = OPTIMIZERS[name](net.parameters())
    heir.load_state_dict(opt.state_dict())
    update(heir)
    return on_host(state_of(net, ema.module, heir))


# Rounds of a game.

SHAPES = {"dcgan32": (3, 32, 32)}  # of images; else (1, 28, 28)
PLAYS = {"play": gan.play, "play_simultaneously": gan.play_simultaneously}
WRAPPERS = {
    "plain": lambda game: game,
    "one_sided_smoothing": lambda game: gan.one_sided_smoothing(game, 0.1),
    "label_smoothing": lambda game: gan.label_smoothing(game, 0.1, 0.2),
    "label_noise": lambda game: gan.label_noise(game, 0.3, rng=rng(5)),
    "label_flips": lambda game: gan.label_flips(game, 0.4, rng=rng(5)),
}
WRAPPED_GAMES = [
    (name, wrapper)
    for name, game in gan.GAMES.items()
    for wrapper in WRAPPERS
    if isinstance(game, gan.SeparableGame) or wrapper == "plain"
]
PENALTIES = {
    "none": lambda: None,
    "wgan_gp": lambda: gan.wgan_gp(rng=rng(6)),
    "r1": lambda: gan.r1(),
    "r2": lambda: gan.r2(),
    "r1_r2": lambda: gan.r1_r2(),
}


class Match:
    """Two players on a backend, with everything that a round needs: minibatches of 4."""

    def __init__(self, model, backend, dtype, game="non-saturating", wrapper="plain",
                 penalty="none", play="play"):  # fmt: skip
        shape = SHAPES.get(model, (1, 28, 28))
        pair = models.build(model, shape, rng=rng())
        self.G, self.D = pair.G.astype(dtype).to(backend), pair.D.astype(dtype).to(backend)
        images = rng(1).integers(0, 256, (9, *shape)).astype(np.uint8)
        batches = Minibatches(images, rng=rng(2), low=pair.low, backend=backend)
        self.opt_g = optim.Adam(self.G.parameters(), 1e-3, (0.5, 0.999))
        self.opt_d = optim.Adam(self.D.parameters(), 1e-3, (0.5, 0.999))
        self.start = partial(
            PLAYS[play],
            WRAPPERS[wrapper](gan.GAMES[game]),
            self.G,
            self.D,
            lambda m: batches(m).astype(dtype),
            pair.noise(rng(3)),
            self.opt_g,
            self.opt_d,
            m=4,
            penalty=PENALTIES[penalty](),
        )
        self.rounds = self.start()

    def round(self):
        """The losses, logits, networks and optimizers after a round, and its traffic."""
        with counting() as traffic:
            left = next(self.rounds)
        players = state_of(self.G, self.D, self.opt_g, self.opt_d)
        return on_host([*left, *players]), traffic
