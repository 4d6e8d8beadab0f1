"""Images from captions: words as vectors, the augmentation and its KL, D that reads; the rounds."""

import gc
import math
import weakref

import numpy as np
import pytest
from cases import Cases, generator, smooth
from cases_devices import derivatives
from functional import point
from hypothesis import given, settings
from hypothesis import strategies as st
from proofs import prove_gradients, prove_value
from replays import played_and_replayed

from tinygan import Tensor, gan, grad, nn, no_grad, ops, optim
from tinygan.backend import inputs
from tinygan.data import Minibatches
from tinygan.gan.variants.text_to_image import (
    CaptionEmbedding,
    ConditioningAugmentation,
    ProjectionDiscriminator,
    play_text_to_image,
)

WORDS, L, M = 6, 3, 5  # in the vocabulary, in a caption, in a minibatch


def rng(seed=0):
    return np.random.default_rng(seed)


def weights(net):
    return np.concatenate([p.data.reshape(-1) for p in net.parameters()])


# The modules: values and derivatives by their formulas, on NumPy and on the guard.

CASES = Cases()


class Drawn(nn.Module):
    """c and the KL of an augmentation that always gets the same words, in one row."""

    def __init__(self, augment, words):
        super().__init__()
        self.augment, self.words = augment, words

    def forward(self, noise):
        c, kl = self.augment(self.words, noise)
        return ops.concatenate([c.reshape((-1,)), kl.reshape((1,))])


class Read(nn.Module):
    """The logits of a D that always gets the same words."""

    def __init__(self, D, words):
        super().__init__()
        self.D, self.words = D, words

    def forward(self, x):
        return self.D(x, self.words)


def sizes(draw):
    """A generator, and captions of N <= 3 images, some of them with a word twice."""
    n, length = (draw(st.integers(1, 3)) for _ in range(2))
    draw_numbers = generator(draw)
    return draw_numbers, draw_numbers.integers(0, WORDS, (n, length))


def caption_of(words, vectors):
    return vectors[words].sum(axis=1) / math.sqrt(words.shape[1])


@CASES.add("Augmentation")
def augmentation(draw):
    rng, words = sizes(draw)
    k, size = (draw(st.integers(1, 3)) for _ in range(2))

    def value(noise, vectors, w, b, w_log, b_log):
        e = caption_of(words, vectors)
        mu, variance = e @ w.T + b, np.exp(e @ w_log.T + b_log)
        kl = (mu**2 + variance - 1 - np.log(variance)).mean() / 2
        return np.append(mu + np.sqrt(variance) * noise, kl)

    augment = ConditioningAugmentation(CaptionEmbedding(WORDS, k, rng=rng), size, rng=rng)
    return point(Drawn(augment, words), smooth(rng, (len(words), size)), value)


@CASES.add("Matches")
def matches(draw):
    rng, words = sizes(draw)
    k = draw(st.integers(1, 3))

    def value(x, w, b, vectors):
        seen = x @ w.T + b
        return seen[:, :1] + (seen[:, 1:] * caption_of(words, vectors)).sum(axis=1, keepdims=True)

    D = ProjectionDiscriminator(nn.Linear(2, 1 + k, rng=rng), CaptionEmbedding(WORDS, k, rng=rng))
    return point(Read(D, words), smooth(rng, (len(words), 2)), value)


@pytest.mark.parametrize("case", CASES, ids=str)
@given(data=st.data())
def test_value_is_that_of_the_formula(case, data):
    prove_value(case, data.draw)


@pytest.mark.parametrize("case", CASES, ids=str)
@given(data=st.data())
def test_derivatives_of_first_and_second_order(case, data):
    prove_gradients(case, data.draw)


@pytest.mark.parametrize("case", CASES, ids=str)
@settings(max_examples=5)
@given(data=st.data())
def test_on_the_guard_all_is_the_same_and_nothing_is_read(case, data):
    drawn = case.build(data.draw)
    expected, _ = derivatives(drawn, "numpy")
    got, traffic = derivatives(drawn, "guard")
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not traffic.reads


@given(st.permutations(range(L)), st.integers(0, 99))
def test_a_caption_is_that_of_its_words_in_any_order(order, seed):
    caption = CaptionEmbedding(WORDS, 4, rng=rng()).astype(float)
    words = rng(seed).integers(0, WORDS, (2, L))
    np.testing.assert_allclose(
        caption(Tensor(words)).data, caption(Tensor(words[:, order])).data, rtol=1e-12, atol=1e-12
    )


def test_a_caption_begins_with_variance_1_whatever_its_length():
    for length in (1, 4, 16):
        caption = CaptionEmbedding(16, 5000, rng=rng(length))
        e = caption(Tensor(np.arange(length)[None])).data
        # The variance of a sample variance is 2 / n.
        assert abs(e.var() - 1) < 4 * math.sqrt(2 / e.size)


# Conditioning augmentation.


def one_caption(n=200_000):
    """An augmentation with a clear mu and sigma; the words of one caption n times; its mu and
    log sigma^2, (3,)."""
    augment = ConditioningAugmentation(CaptionEmbedding(WORDS, 4, rng=rng()), 3, rng=rng(1)).astype(
        float
    )
    words = Tensor(np.tile([0, 3, 5], (n, 1)))
    e = caption_of(words.data[:1], augment.caption.vectors.weight.data)
    layers = augment.mu, augment.log_variance
    mu, v = ((e @ layer.weight.data.T + layer.bias.data)[0] for layer in layers)
    assert min(abs(mu).min(), abs(v).min()) > 0.05
    return augment, words, mu, v


def test_c_has_the_mean_and_the_variance_that_it_should():
    """Both within four standard errors; numbers of different columns have no correlation."""
    augment, words, mu, v = one_caption()
    c, _ = augment(words, Tensor(rng(2).normal(size=(len(words), 3))))
    n, variance = len(words), np.exp(v)
    assert (abs(c.data.mean(axis=0) - mu) < 4 * np.sqrt(variance / n)).all()
    assert (abs(c.data.var(axis=0) - variance) < 4 * variance * math.sqrt(2 / n)).all()
    assert abs(np.corrcoef(c.data.T) - np.eye(3)).max() < 4 / math.sqrt(n)


def test_the_kl_is_that_of_what_is_drawn():
    """The closed form, and by Monte Carlo: the mean of log q(c) - log p(c) over c of q."""
    augment, words, mu, v = one_caption()
    c, kl = augment(words, Tensor(rng(2).normal(size=(len(words), 3))))
    closed = (mu**2 + np.exp(v) - 1 - v).sum() / 2
    log_q = -((c.data - mu) ** 2) / (2 * np.exp(v)) - v / 2
    log_p = -(c.data**2) / 2
    drawn = (log_q - log_p).sum(axis=1)
    error = drawn.std() / math.sqrt(len(drawn))
    assert abs(drawn.mean() - closed) < 4 * error < 0.05 * closed
    assert kl.item() == pytest.approx(closed / 3, rel=1e-12)  # of each of the three numbers


def test_the_kl_is_nothing_for_noise_that_is_left_as_it_is_and_then_its_gradient_is_too():
    augment, words, *_ = one_caption(2)
    for layer in (augment.mu, augment.log_variance):
        for p in layer.parameters():
            p.data[...] = 0
    noise = Tensor(rng(3).normal(size=(2, 3)))
    c, kl = augment(words, noise)
    np.testing.assert_array_equal(c.data, noise.data)
    assert kl.item() == 0
    for g in grad(kl, augment.parameters()):
        np.testing.assert_array_equal(g.data, 0)


# The rounds.

SIZE = 4  # of what stands for a caption


class Draws(nn.Module):
    """Noise (N, 2 + SIZE) and words to images (N, 2, 3), and the KL."""

    def __init__(self):
        super().__init__()
        self.augment = ConditioningAugmentation(
            CaptionEmbedding(WORDS, 3, rng=rng(1)), SIZE, rng=rng(2)
        )
        self.net = nn.Sequential(nn.Linear(2 + SIZE, 6, rng=rng(3)), nn.Tanh())

    def forward(self, noise, words):
        c, kl = self.augment(words, noise[:, 2:])
        return self.net(ops.concatenate([noise[:, :2], c], axis=1)).reshape((-1, 2, 3)), kl


def networks():
    net = nn.Flatten(), nn.Linear(6, 5, rng=rng(4)), nn.LeakyReLU(0.2), nn.Linear(5, 4, rng=rng(5))
    return Draws(), ProjectionDiscriminator(
        nn.Sequential(*net), CaptionEmbedding(WORDS, 3, rng=rng(6))
    )


def sources(log=None, dtype=np.float32):
    draw, log = rng(7), [] if log is None else log

    def captioned(m):
        log.append(f"captioned({m})")
        x, words = draw.normal(size=(m, 2, 3)), draw.integers(0, WORDS, (m, L))
        return Tensor(x.astype(dtype)), Tensor(words)

    def noise(m):
        log.append(f"noise({m})")
        return Tensor(draw.normal(size=(m, 2 + SIZE)).astype(dtype))

    return captioned, noise


def optimizers(G, D, lr=0.1):
    return [optim.SGD(net.parameters(), lr) for net in (G, D)]


def softplus(x):
    return np.log1p(np.exp(x))


@pytest.mark.parametrize("kl", [0, 0.7])
def test_the_losses_are_those_by_hand(kl):
    """D pays for a real image with its words, and half each for a fake with them and for a real one
    with those of the next (Reed et al. 2016, algorithm 1); G pays for the fake, and for the KL."""
    (G, D), (g, d) = networks(), networks()
    still = optimizers(G, D, 0.0)
    result = next(play_text_to_image(gan.non_saturating, G, D, *sources(), *still, m=M, kl=kl))
    captioned, noise = sources()
    (x, words), z = captioned(M), noise(M)
    fake, divergence = (t.data for t in g(z, words))
    others = Tensor(words.data[[1, 2, 3, 4, 0]])
    real, wrong, made = (d(*asked).data for asked in ((x, words), (x, others), (fake, words)))
    paid = softplus(-real).mean() + (softplus(made).mean() + softplus(wrong).mean()) / 2
    assert result.d_loss.item() == pytest.approx(paid, rel=1e-5)
    assert result.g_loss.item() == pytest.approx(softplus(-made).mean() + kl * divergence, rel=1e-5)
    np.testing.assert_allclose(result.real.data, real, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(result.fake.data, made, rtol=1e-5, atol=1e-6)
    assert real.shape == (M, 1) and abs(wrong - real).max() > 0.1


@pytest.mark.parametrize("kl", [0, 0.7])
@pytest.mark.parametrize(
    "game", [n for n, g in gan.GAMES.items() if isinstance(g, gan.SeparableGame)]
)
def test_rounds_are_the_steps_written_by_hand(game, kl):
    """G answers the D of after its step, and with the same fakes that D was shown."""
    game, ends = gan.GAMES[game], []
    for by_hand in (False, True):
        G, D = (net.astype(float) for net in networks())
        opt_g = optim.Adam(G.parameters(), 0.01, (0.5, 0.9))
        opt_d = optim.RMSprop(D.parameters(), 0.01)
        captioned, noise = sources(dtype=float)
        rounds = play_text_to_image(game, G, D, captioned, noise, opt_g, opt_d, m=M, kl=kl)
        for _ in range(3):
            if not by_hand:
                next(rounds)
                continue
            (x, words), z = captioned(M), noise(M)
            fake, others = G(z, words)[0].detach(), Tensor(np.roll(words.data, -1, axis=0))
            loss = game.d_loss(D(x, words), D(fake, words)) / 2
            loss = loss + game.d_loss(D(x, words), D(x, others)) / 2
            opt_d.step(grad(loss, D.parameters()))
            fake, divergence = G(z, words)
            loss = game.g_loss(D(fake, words)) + kl * divergence
            opt_g.step(grad(loss, G.parameters()))
        ends.append(np.concatenate([weights(G), weights(D)]))
    np.testing.assert_allclose(*ends, rtol=1e-8, atol=1e-10)


class Watched(optim.SGD):
    """An optimizer that logs its steps, and whether they moved its own player alone."""

    def __init__(self, name, net, other, log):
        super().__init__(net.parameters(), 0.1)
        self.name, self.net, self.other, self.log = name, net, other, log

    def step(self, grads):
        before, others = weights(self.net), weights(self.other)
        super().step(grads)
        moved = (weights(self.net) != before).any()
        alone = (weights(self.other) == others).all()
        self.log.append(self.name + " moved" * bool(moved) + " alone" * bool(alone))


def test_a_round_is_a_minibatch_and_noise_then_a_step_of_d_then_one_of_g():
    (G, D), log = networks(), []
    opts = Watched("G", G, D, log), Watched("D", D, G, log)
    rounds = play_text_to_image(gan.hinge, G, D, *sources(log), *opts, m=M)
    assert log == []
    for _ in range(2):
        next(rounds)
    assert log == ["captioned(5)", "noise(5)", "D moved alone", "G moved alone"] * 2


def test_an_image_is_looked_at_once_and_its_words_are_then_asked_about_twice():
    """As StackGAN, whose features of an image are joined to each caption: so BatchNorm in D sees
    each minibatch of images once."""
    G, D = networks()
    inner, seen = D.net.forward, []
    D.net.forward = lambda x: seen.append(x.data) or inner(x)
    captioned, noise = sources()
    next(play_text_to_image(gan.hinge, G, D, captioned, noise, *optimizers(G, D), m=M))
    real, made, again = seen
    np.testing.assert_array_equal(real, sources()[0](M)[0].data)
    np.testing.assert_array_equal(made, again)


def test_the_graph_of_a_round_is_gone_before_the_next_is_built():
    G, D = networks()
    inner, seen, kept = G.forward, [], []

    def forward(*asked):
        kept.append(sum(ref() is not None for ref in seen))
        made, kl = inner(*asked)
        seen.extend(weakref.ref(t.edges[0][0]) for t in (made, kl))
        return made, kl

    look = D.net.forward

    def looked(x):
        logits = look(x)
        seen.append(weakref.ref(logits.edges[0][0]))
        return logits

    G.forward, D.net.forward = forward, looked
    rounds = play_text_to_image(gan.hinge, G, D, *sources(), *optimizers(G, D), m=M)
    gc.disable()
    try:
        results = [next(rounds) for _ in range(3)]
    finally:
        gc.enable()
    assert kept == [0, 0, 0] and not any(t.edges for result in results for t in result)


@pytest.mark.parametrize("kl", [0, 0.7])
def test_a_recording_does_the_same(kl):
    def match(backend):
        G, D = networks()
        G.to(backend), D.to(backend)
        images = rng(8).integers(0, 256, (20, 1, 2, 3)).astype(np.uint8)
        table = Tensor(rng(9).integers(0, WORDS, (7, L))).to(backend)
        data = Minibatches(images, labels=np.arange(20) % 7, rng=rng(10), backend=backend)
        opts = [optim.Adam(net.parameters(), 1e-3) for net in (G, D)]
        like, draw = G.parameters()[0].data, rng(11)
        noise = lambda m: Tensor(inputs.normal(draw, (m, 2 + SIZE), like))  # noqa: E731

        def captioned(m):
            x, which = data.labeled(m)
            return x.reshape((m, 2, 3)), table[which]

        players = gan.non_saturating, G, D, captioned, noise, *opts
        return lambda: play_text_to_image(*players, m=M, kl=kl), (G, D, *opts)

    (before, after), replayed = played_and_replayed(match)
    assert replayed.recorded and not replayed.why
    for one, other in zip(before, after, strict=True):
        assert np.isfinite(other).all() and (one != other).any()


# What it is for: three places along, three up, and what was never asked for in training.

UNSEEN = np.array([[0, 5], [1, 3], [2, 4]])  # pairs of words: all six are in the other pairs


class Points(nn.Module):
    """Noise (N, 2 + SIZE) and words to points (N, 2), and the KL."""

    def __init__(self):
        super().__init__()
        self.augment = ConditioningAugmentation(
            CaptionEmbedding(WORDS, 16, rng=rng(1)), SIZE, rng=rng(2)
        )
        self.net = nn.Sequential(
            nn.Linear(2 + SIZE, 32, rng=rng(3)), nn.LeakyReLU(0.2), nn.Linear(32, 2, rng=rng(4))
        )

    def forward(self, noise, words):
        c, kl = self.augment(words, noise[:, 2:])
        return self.net(ops.concatenate([noise[:, :2], c], axis=1)), kl


def where(words):
    return words - np.array([1.0, 4.0])


def missed(told_the_truth):
    """How far from where its words say a point is on average: of words of training, of others."""
    draw = rng(11)
    pairs = np.array([(a, b) for a in range(3) for b in range(3, 6)])
    pairs = pairs[~(pairs[:, None] == UNSEEN).all(axis=2).any(axis=1)]

    def captioned(m):
        words = draw.choice(pairs, m)
        at = where(words if told_the_truth else draw.choice(pairs, m))
        return Tensor((at + 0.1 * draw.normal(size=(m, 2))).astype(np.float32)), Tensor(words)

    noise = lambda m: Tensor(draw.normal(size=(m, 2 + SIZE)).astype(np.float32))  # noqa: E731
    net = nn.Linear(2, 64, rng=rng(5)), nn.LeakyReLU(0.2), nn.Linear(64, 17, rng=rng(6))
    G, D = (
        Points(),
        ProjectionDiscriminator(nn.Sequential(*net), CaptionEmbedding(WORDS, 16, rng=rng(7))),
    )
    opts = [optim.Adam(player.parameters(), 3e-3, (0.5, 0.9)) for player in (G, D)]
    rounds = play_text_to_image(gan.non_saturating, G, D, captioned, noise, *opts, m=64, kl=0.05)
    for _ in range(400):
        next(rounds)
    found = []
    for asked in (pairs, UNSEEN):
        words = np.repeat(asked, 100, axis=0)
        with no_grad():
            made, _ = G(noise(len(words)), Tensor(words))
        found.append(np.linalg.norm(made.data - where(words), axis=1).mean())
    return found


def test_what_is_asked_for_is_made_even_if_it_was_never_seen():
    """The real points miss by 0.125. From captions of other points there is nothing to learn."""
    (seen, unseen), others = missed(True), missed(False)
    assert max(seen, unseen) < 0.3 and min(others) > 1
    assert len(np.unique(UNSEEN)) == WORDS


# Errors.


def augment(words, noise):
    return ConditioningAugmentation(CaptionEmbedding(WORDS, 3, rng=rng()), 2, rng=rng())(
        Tensor(words), Tensor(noise)
    )


def play(**options):
    G, D = networks()
    return next(play_text_to_image(gan.hinge, G, D, *sources(), *optimizers(G, D), **options))


SAID, NOISE = np.zeros((2, L), int), np.zeros((2, 2), np.float32)
NONSENSE = {
    "no words at all": (
        lambda: CaptionEmbedding(0, 3, rng=rng()), "words: expected an int >= 1, got 0"),
    "vectors of nothing": (
        lambda: CaptionEmbedding(3, 0, rng=rng()), "size: expected an int >= 1, got 0"),
    "no generator": (lambda: CaptionEmbedding(3, 3, rng=1), "rng: expected a .*Generator.* got 1"),
    "an augmentation of nothing": (
        lambda: ConditioningAugmentation(CaptionEmbedding(3, 3, rng=rng()), 0, rng=rng()),
        "size: expected an int >= 1, got 0"),
    "words that are no integers": (
        lambda: augment(SAID / 2, NOISE), r"words: expected integers \(N, L\), .*float64 \(2,"),
    "words of one axis": (
        lambda: augment(SAID[0], NOISE), r"words: expected integers \(N, L\), .*int64 \(3,\)"),
    "captions without words": (
        lambda: augment(SAID[:, :0], NOISE), r"words: expected .*L >= 1, got int64 \(2, 0\)"),
    "a word that there is not": (lambda: augment(SAID + WORDS, NOISE), r"in 0\.\.5, got 6\.\.6"),
    "noise of another size": (
        lambda: augment(SAID, NOISE[:, :1]), r"noise: expected float32 \(2, 2\), got .*\(2, 1\)"),
    "noise for other images": (
        lambda: augment(SAID, NOISE[:1]), r"noise: expected float32 \(2, 2\), got .*\(1, 2\)"),
    "noise of another dtype": (
        lambda: augment(SAID, NOISE.astype(float)), "noise: expected float32 .*got float64"),
    "a net that sees too little": (
        lambda: ProjectionDiscriminator(
            nn.Linear(2, 3, rng=rng()), CaptionEmbedding(WORDS, 3, rng=rng()))(
            Tensor(NOISE), Tensor(SAID)),
        r"net: expected to give \(2, 4\), got \(2, 3\)"),
    "words for other images": (
        lambda: networks()[1](Tensor(np.zeros((3, 6), np.float32)), Tensor(SAID)),
        r"net: expected to give \(2, 4\), got \(3, 4\)"),
    "no images": (lambda: play(m=0), "m: expected an int >= 1, got 0"),
    "no other words": (lambda: play(m=1), "m: expected an int >= 2, .*got 1"),
    "a negative weight": (lambda: play(kl=-0.1), "kl: expected a number in .*-0.1"),
    "a weight that is none": (lambda: play(kl=math.nan), "kl: expected a number in .*nan"),
}  # fmt: skip


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_refused_by_name(name):
    call, message = NONSENSE[name]
    with pytest.raises((ValueError, TypeError), match=message) as raised:
        call()
    assert "\n" not in str(raised.value)
