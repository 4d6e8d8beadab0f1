"""The training loops of gan.variants: their rounds are those written by hand, in the right order;
graphs are freed; a CUDA graph of a round gives the same bits."""

import gc
import math
import weakref
from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest
from captures import played_and_captured

from tinygan import Tensor, backend, gan, grad, losses, nn, ops, optim
from tinygan.backend import inputs
from tinygan.gan import Round
from tinygan.gan.variants.cyclegan import ImageBuffer, Players, play_cyclegan
from tinygan.gan.variants.pix2pix import play_pix2pix
from tinygan.gan.variants.semi_supervised import (
    mutual_information,
    play_semi_supervised,
    real_logit,
)
from tinygan.gan.variants.text_to_image import (
    CaptionEmbedding,
    ConditioningAugmentation,
    ProjectionDiscriminator,
    play_text_to_image,
)

M, K, WORDS, L, SIZE = 5, 3, 6, 3, 4  # minibatch, classes, vocabulary, words of a caption, noise


def rng(seed=0):
    return np.random.default_rng(seed)


class Setup:
    """Networks and sources of one dtype on one backend."""

    def __init__(self, where="numpy", dtype=np.float32):
        self.where, self.dtype = where, dtype
        self.like = backend.move(np.zeros(1, dtype), where)

    def place(self, *nets):
        return [net.astype(self.dtype).to(self.where) for net in nets]

    def normal(self, seed, *shape):
        draw = rng(seed)
        return lambda m: Tensor(inputs.normal(draw, (m, *shape), self.like))

    def integers(self, seed, high, *shape):
        draw = rng(seed)
        return lambda m: Tensor(
            inputs.host_input(lambda: draw.integers(high, size=(m, *shape)), self.like)
        )


class Variant(NamedTuple):
    """A training loop with tiny networks. `by_hand` yields its rounds, written plainly."""

    play: Callable[..., Any]
    G: list[nn.Module]
    D: list[nn.Module]
    arguments: dict[str, Any]
    sources: dict[str, Callable[[int], Any]]
    by_hand: Callable[..., Any]
    options: dict[str, Any]

    def rounds(self, game, opt_g, opt_d, **changes):
        arguments = {**self.arguments, **self.sources, **self.options, "m": M, **changes}
        return self.play(game=game, opt_g=opt_g, opt_d=opt_d, **arguments)

    def parameters(self):
        return [[p for net in nets for p in net.parameters()] for nets in (self.G, self.D)]


def step(opt, loss):
    opt.step(grad(loss, opt.parameters))


def pix2pix(setup, patches=True, **options):
    """G from images of two channels to one of 4x4; D of patches or of the whole image."""
    seen = 3 if options.get("paired", True) else 1
    end = [nn.Conv2d(4, 1, 1, rng=rng(4))]
    if not patches:
        end = [nn.Flatten(), nn.Linear(16, 1, rng=rng(4))]
    G, D = setup.place(
        nn.Sequential(
            nn.Conv2d(2, 3, 3, 1, 1, rng=rng(1)), nn.Tanh(), nn.Conv2d(3, 1, 1, rng=rng(2))
        ),
        nn.Sequential(nn.Conv2d(seen, 4, 2, 2, rng=rng(3)), nn.LeakyReLU(0.2), *end),
    )
    both = setup.normal(5, 3, 4, 4)

    def pairs(m):
        image = both(m)
        return image[:, :2], image[:, 2:]

    def by_hand(game, opt_g, opt_d, weight=0.01, distance=losses.l1, paired=True):
        show = (lambda y, x: ops.concatenate([y, x], axis=1)) if paired else (lambda y, x: x)
        while True:
            y, x = pairs(M)
            real, fake = D(show(y, x)), D(show(y, G(y).detach()))
            d_loss = game.d_loss(real, fake)
            step(opt_d, d_loss)
            g_loss = distance(G(y), x)
            if weight:
                g_loss = g_loss + weight * game.g_loss(D(show(y, G(y))), D(show(y, x)))
            step(opt_g, g_loss)
            yield Round(d_loss, g_loss, real, fake)

    return Variant(play_pix2pix, [G], [D], {"G": G, "D": D}, {"pairs": pairs}, by_hand, options)


def cyclegan(setup, **options):
    """Maps of images (2, 4, 4); discriminators of their four patches."""
    maps = (
        nn.Sequential(
            nn.Residual(nn.Conv2d(2, 2, 3, padding=1, rng=rng(i)), nn.Tanh()),
            nn.Conv2d(2, 2, 1, rng=rng(i + 1)),
        )
        for i in (1, 3)
    )
    patches = (
        nn.Sequential(
            nn.Conv2d(2, 3, 2, 2, rng=rng(i)), nn.LeakyReLU(0.2), nn.Conv2d(3, 1, 1, rng=rng(i + 1))
        )
        for i in (5, 7)
    )
    G, F, D_y, D_x = setup.place(*maps, *patches)
    xs, ys = setup.normal(10, 2, 4, 4), setup.normal(11, 2, 4, 4)
    buffers = tuple(ImageBuffer(6, rng=rng(i)) for i in (12, 13))

    def by_hand(game, opt_g, opt_d, cycle=10.0, identity=5.0):
        l1 = losses.l1
        while True:
            x, y = xs(M), ys(M)
            g_loss = game.g_loss(D_y(G(x)), D_y(y)) + game.g_loss(D_x(F(y)), D_x(x))
            g_loss = g_loss + cycle * (l1(F(G(x)), x) + l1(G(F(y)), y))
            g_loss = g_loss + identity * (l1(G(y), y) + l1(F(x), x))
            fake_y, fake_x = buffers[0](G(x).detach()), buffers[1](F(y).detach())
            step(opt_g, g_loss)
            d_loss = game.d_loss(D_y(y), D_y(fake_y)) + game.d_loss(D_x(x), D_x(fake_x))
            real = ops.concatenate([D_y(y), D_x(x)])
            fake = ops.concatenate([D_y(fake_y), D_x(fake_x)])
            step(opt_d, d_loss)
            yield Round(d_loss, g_loss, real, fake)

    players = Players(G, F, D_y, D_x)
    arguments = {"players": players, "buffers": buffers}
    sources, play = {"xs": xs, "ys": ys}, play_cyclegan
    return Variant(play, [G, F], [D_y, D_x], arguments, sources, by_hand, options)


class CaptionGenerator(nn.Module):
    """Noise (N, 2 + SIZE) and words to images (N, 2, 3), and the KL."""

    def __init__(self):
        super().__init__()
        caption = CaptionEmbedding(WORDS, 3, rng=rng(1))
        self.augment = ConditioningAugmentation(caption, SIZE, rng=rng(2))
        self.net = nn.Sequential(nn.Linear(2 + SIZE, 6, rng=rng(3)), nn.Tanh())

    def forward(self, noise, words):
        c, kl = self.augment(words, noise[:, 2:])
        return self.net(ops.concatenate([noise[:, :2], c], axis=1)).reshape((-1, 2, 3)), kl


def text_to_image(setup, **options):
    layers = nn.Linear(6, 5, rng=rng(4)), nn.LeakyReLU(0.2), nn.Linear(5, 4, rng=rng(5))
    G, D = setup.place(
        CaptionGenerator(),
        ProjectionDiscriminator(
            nn.Sequential(nn.Flatten(), *layers),
            CaptionEmbedding(WORDS, 3, rng=rng(6)),
        ),
    )
    images, captions = setup.normal(7, 2, 3), setup.integers(8, WORDS, L)
    captioned, noise = lambda m: (images(m), captions(m)), setup.normal(9, 2 + SIZE)

    def by_hand(game, opt_g, opt_d, kl=1.0):
        while True:
            (x, words), z = captioned(M), noise(M)
            fake = G(z, words)[0].detach()
            others = Tensor(words.xp.roll(words.data, -1, axis=0))
            real, made, wrong = D(x, words), D(fake, words), D(x, others)
            d_loss = (game.d_loss(real, made) + game.d_loss(real, wrong)) / 2
            step(opt_d, d_loss)
            fake, divergence = G(z, words)
            g_loss = game.g_loss(D(fake, words)) + kl * divergence
            step(opt_g, g_loss)
            yield Round(d_loss, g_loss, real, made)

    sources = {"captioned": captioned, "noise": noise}
    return Variant(play_text_to_image, [G], [D], {"G": G, "D": D}, sources, by_hand, options)


def semi_supervised(setup, dropout=0.0, **options):
    G, D = setup.place(
        nn.Sequential(nn.Linear(2, 4, rng=rng(1)), nn.Unflatten(1, (1, 2, 2))),
        nn.Sequential(
            nn.Sequential(nn.Flatten(), nn.Linear(4, 6, rng=rng(2)), nn.LeakyReLU(0.2)),
            nn.Sequential(nn.Dropout(dropout, rng=rng(3)), nn.Linear(6, K, rng=rng(4))),
        ),
    )
    images, labels = setup.normal(5, 1, 2, 2), setup.integers(6, K)
    labeled, unlabeled = lambda m: (images(m), labels(m)), setup.normal(7, 1, 2, 2)
    noise = setup.normal(8, 2)

    def by_hand(game, opt_g, opt_d, feature_matching=True, information=0.0):
        while True:
            (x_labeled, y), x, fake = labeled(M), unlabeled(M), G(noise(M)).detach()
            real, made = real_logit(D(x)), real_logit(D(fake))
            d_loss = losses.cross_entropy(D(x_labeled), y) + game.d_loss(real, made) / 2
            d_loss = d_loss - information * mutual_information(D(x))
            step(opt_d, d_loss)
            x, z = unlabeled(M), noise(M)
            if feature_matching:
                a, b = (ops.mean(D[0](each), axis=0) for each in (x, G(z)))
                g_loss = ops.mean((a - b) ** 2) / ops.mean(a**2)
            else:
                g_loss = game.g_loss(real_logit(D(G(z))), real_logit(D(x)))
            step(opt_g, g_loss)
            yield Round(d_loss, g_loss, real, made)

    sources = {"labeled": labeled, "unlabeled": unlabeled, "noise": noise}
    return Variant(play_semi_supervised, [G], [D], {"G": G, "D": D}, sources, by_hand, options)


def grid(**values):
    return [dict(zip(values, each, strict=True)) for each in product(*values.values())]


OPTIONS = {
    pix2pix: [
        {"patches": False},
        *grid(weight=[0, 0.3], paired=[True, False], distance=[losses.l1, losses.mse]),
    ],
    cyclegan: [{}, *grid(cycle=[0, 0.7], identity=[0, 0.3])],
    text_to_image: grid(kl=[0, 0.7]),
    semi_supervised: grid(feature_matching=[True, False], information=[0.0, 0.7]),
}
CASES = [(variant, options) for variant, each in OPTIONS.items() for options in each]
cases = pytest.mark.parametrize(("variant", "options"), CASES)
variants = pytest.mark.parametrize("variant", OPTIONS)


@cases
@pytest.mark.parametrize("game", gan.GAMES)
def test_rounds_are_the_steps_written_by_hand(variant, options, game):
    """Losses, logits and weights after three rounds. All fakes of a round are those of the G before
    its step; each player meets the other as it is then. (A gradient that is 0 but for rounding may
    differ, and RMSprop scales it up.)"""
    game = gan.GAMES[game]
    if variant is text_to_image and not isinstance(game, gan.SeparableGame):
        pytest.skip("needs a loss for each logit")
    ends = []
    for by_hand in (False, True):
        made = variant(Setup(dtype=np.float64), **options)
        g, d = made.parameters()
        opts = optim.Adam(g, 0.01, (0.5, 0.9)), optim.RMSprop(d, 0.01)
        rounds = made.by_hand(game, *opts, **made.options) if by_hand else made.rounds(game, *opts)
        results = [t.data for _ in range(3) for t in next(rounds)]
        ends.append([*results, *(p.data for p in (*g, *d))])
    for played, expected in zip(*ends, strict=True):
        np.testing.assert_allclose(played, expected, rtol=1e-6, atol=1e-7)


class LoggedSGD(optim.SGD):
    """An optimizer that logs its steps, and whether they changed its own parameters alone."""

    def __init__(self, name, own, others, log):
        super().__init__(own, 0.1)
        self.name, self.others, self.log = name, others, log

    def step(self, grads):
        before = [[p.data.copy() for p in each] for each in (self.parameters, self.others)]
        super().step(grads)
        moved, still = (
            [(p.data != b).any() for p, b in zip(each, old, strict=True)]
            for each, old in zip((self.parameters, self.others), before, strict=True)
        )
        self.log.append(self.name + " moved" * all(moved) + " alone" * (not any(still)))


D_STEP, G_STEP = "D moved alone", "G moved alone"
ORDER = {
    pix2pix: ["pairs(5)", D_STEP, G_STEP],
    cyclegan: ["xs(5)", "ys(5)", G_STEP, D_STEP],
    text_to_image: ["captioned(5)", "noise(5)", D_STEP, G_STEP],
    semi_supervised: [
        "labeled(5)", "unlabeled(5)", "noise(5)", D_STEP, "unlabeled(5)", "noise(5)", G_STEP,
    ],
}  # fmt: skip


@variants
def test_the_order_of_minibatches_and_steps(variant):
    made, log = variant(Setup()), []

    def logged(name, source):
        return lambda m: log.append(f"{name}({m})") or source(m)

    g, d = made.parameters()
    sources = {name: logged(name, source) for name, source in made.sources.items()}
    opts = LoggedSGD("G", g, d, log), LoggedSGD("D", d, g, log)
    rounds = made.rounds(gan.non_saturating, *opts, **sources)
    assert log == []
    for _ in range(2):
        next(rounds)
    assert log == ORDER[variant] * 2


@variants
def test_the_graph_of_a_round_is_freed_before_the_next_is_built(variant):
    """Without the garbage collector."""
    made, outputs, alive = variant(Setup()), [], []

    def spy(module):
        forward = module.forward

        def spied(*args):
            result = forward(*args)
            tensors = result if isinstance(result, tuple) else (result,)
            outputs.extend(weakref.ref(t) for t in tensors if t.edges)
            return result

        module.forward = spied

    for net in (*made.G, *made.D):
        for module in net.modules():
            spy(module)
    name, source = next(iter(made.sources.items()))

    def first(m):
        alive.append(sum(ref() is not None for ref in outputs))
        return source(m)

    opts = [optim.SGD(p, 0.1) for p in made.parameters()]
    rounds = made.rounds(gan.non_saturating, *opts, **{name: first})
    gc.disable()
    try:
        results = [next(rounds) for _ in range(3)]
    finally:
        gc.enable()
    assert outputs and not any(alive) and not any(t.edges for result in results for t in result)


class BufferState:
    """The images of an ImageBuffer as a state to compare."""

    def __init__(self, buffer):
        self.buffer = buffer

    def state_dict(self):
        return {} if self.buffer.images is None else {"images": self.buffer.images}


@pytest.mark.parametrize(("variant", "options"), [*CASES, (semi_supervised, {"dropout": 0.3})])
def test_a_captured_round_gives_the_same_bits(variant, options):
    def setup(where):
        made = variant(Setup(where), **options)
        opts = [optim.Adam(p, 1e-3) for p in made.parameters()]
        buffers = map(BufferState, made.arguments.get("buffers", ()))
        start = lambda: made.rounds(gan.non_saturating, *opts)  # noqa: E731
        return start, (*made.G, *made.D, *opts, *buffers)

    (before, after), rounds = played_and_captured(setup)
    assert rounds.captured and not rounds.why
    for one, other in zip(before, after, strict=False):  # buffers are empty before
        assert np.isfinite(other).all() and (one != other).any()


@pytest.mark.parametrize(
    ("variant", "options", "message"),
    [
        *((variant, {"m": 0}, "m: expected an int >= 1, got 0") for variant in OPTIONS),
        (text_to_image, {"m": 1}, "m: expected an int >= 2, .*got 1"),
        *(
            (variant, {name: value}, f"{name}: expected a number in .*{value!r}")
            for variant, name in (
                (pix2pix, "weight"),
                (cyclegan, "cycle"),
                (cyclegan, "identity"),
                (text_to_image, "kl"),
                (semi_supervised, "information"),
            )
            for value in (-0.1, math.nan, "1")
        ),
        *(
            (semi_supervised, {"D": D}, r"D: expected Sequential\(body, head\)")
            for D in (nn.Linear(2, 2, rng=rng()), nn.Sequential(nn.Tanh()))
        ),
    ],
)
def test_nonsense_is_refused_by_name(variant, options, message):
    made = variant(Setup())
    opts = [optim.SGD(p, 0.1) for p in made.parameters()]
    with pytest.raises(ValueError, match=message):
        next(made.rounds(gan.non_saturating, *opts, **options))


@pytest.mark.parametrize("variant", [pix2pix, cyclegan])
def test_a_map_to_another_shape_is_refused_before_any_step(variant):
    made = variant(Setup())
    parameters = [p for each in made.parameters() for p in each]
    before = [p.data.copy() for p in parameters]
    wide = nn.Sequential(*made.G[-1], nn.Upsample(scale_factor=2))
    changes = {"G": wide}
    if variant is cyclegan:
        changes = {"players": made.arguments["players"]._replace(F=wide)}
    opts = [optim.SGD(p, 0.1) for p in made.parameters()]
    with pytest.raises(ValueError, match=r"\(5, ., 8, 8\) and targets \(5, ., 4, 4\)"):
        next(made.rounds(gan.hinge, *opts, **changes))
    for p, b in zip(parameters, before, strict=True):
        np.testing.assert_array_equal(p.data, b)
