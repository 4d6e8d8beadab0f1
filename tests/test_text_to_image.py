"""Images from captions: the embedding, the augmentation and its KL, the discriminator."""

import math

import numpy as np
import pytest
from cases import Cases, generator, smooth
from functional import point
from hypothesis import given
from hypothesis import strategies as st
from proofs import prove_gradients, prove_value

from tinygan import Tensor, gan, nn, no_grad, ops, optim
from tinygan.gan.variants.text_to_image import (
    CaptionEmbedding,
    ConditioningAugmentation,
    ProjectionDiscriminator,
    play_text_to_image,
)

WORDS, L = 6, 3  # in the vocabulary, in a caption


def rng(seed=0):
    return np.random.default_rng(seed)


# The modules: values and derivatives by their formulas.

CASES = Cases()


class FixedWordsAugmentation(nn.Module):
    """c and the KL of an augmentation of fixed words, in one row."""

    def __init__(self, augment, words):
        super().__init__()
        self.augment, self.words = augment, words

    def forward(self, noise):
        c, kl = self.augment(self.words, noise)
        return ops.concatenate([c.reshape((-1,)), kl.reshape((1,))])


class FixedWordsDiscriminator(nn.Module):
    """The logits of a D for fixed words."""

    def __init__(self, D, words):
        super().__init__()
        self.D, self.words = D, words

    def forward(self, x):
        return self.D(x, self.words)


def captions(draw):
    """A generator, and captions of N <= 3 images, some of them with a word twice."""
    n, length = (draw(st.integers(1, 3)) for _ in range(2))
    draw_numbers = generator(draw)
    return draw_numbers, draw_numbers.integers(0, WORDS, (n, length))


def caption_of(words, vectors):
    return vectors[words].sum(axis=1) / math.sqrt(words.shape[1])


@CASES.add("ConditioningAugmentation")
def augmentation(draw):
    rng, words = captions(draw)
    k, size = (draw(st.integers(1, 3)) for _ in range(2))

    def value(noise, vectors, w, b, w_log, b_log):
        e = caption_of(words, vectors)
        mu, variance = e @ w.T + b, np.exp(e @ w_log.T + b_log)
        kl = (mu**2 + variance - 1 - np.log(variance)).mean() / 2
        return np.append(mu + np.sqrt(variance) * noise, kl)

    augment = ConditioningAugmentation(CaptionEmbedding(WORDS, k, rng=rng), size, rng=rng)
    return point(FixedWordsAugmentation(augment, words), smooth(rng, (len(words), size)), value)


@CASES.add("ProjectionDiscriminator")
def projection(draw):
    rng, words = captions(draw)
    k = draw(st.integers(1, 3))

    def value(x, w, b, vectors):
        seen = x @ w.T + b
        return seen[:, :1] + (seen[:, 1:] * caption_of(words, vectors)).sum(axis=1, keepdims=True)

    D = ProjectionDiscriminator(nn.Linear(2, 1 + k, rng=rng), CaptionEmbedding(WORDS, k, rng=rng))
    return point(FixedWordsDiscriminator(D, words), smooth(rng, (len(words), 2)), value)


@pytest.mark.parametrize("case", CASES, ids=str)
@given(data=st.data())
def test_value_is_that_of_the_formula(case, data):
    prove_value(case, data.draw)


@pytest.mark.parametrize("case", CASES, ids=str)
@given(data=st.data())
def test_derivatives_of_first_and_second_order(case, data):
    prove_gradients(case, data.draw)


def test_a_caption_of_any_length_starts_with_variance_1():
    for length in (1, 4, 16):
        caption = CaptionEmbedding(16, 5000, rng=rng(length))
        e = caption(Tensor(np.arange(length)[None])).data
        # The variance of a sample variance is 2 / n.
        assert abs(e.var() - 1) < 4 * math.sqrt(2 / e.size)


def test_d_sees_an_image_once_for_both_captions():
    """So BatchNorm in D sees each minibatch of images once, as in StackGAN, which concatenates the
    features of an image with each caption."""
    G, D = PointGenerator(), point_discriminator()
    inner, seen = D.net.forward, []
    D.net.forward = lambda x: seen.append(x.data) or inner(x)
    x, z = (Tensor(rng(3).normal(size=(5, n)).astype(np.float32)) for n in (2, 2 + SIZE))
    words = Tensor(np.arange(10).reshape(5, 2) % WORDS)
    opts = [optim.SGD(net.parameters(), 0.1) for net in (G, D)]
    next(play_text_to_image(gan.hinge, G, D, lambda m: (x, words), lambda m: z, *opts, m=5))
    real, fake, again = seen
    np.testing.assert_array_equal(real, x.data)
    np.testing.assert_array_equal(fake, again)


# Three columns and three rows of points, with captions that training never had.

SIZE = 4  # of the augmented caption
UNSEEN = np.array([[0, 5], [1, 3], [2, 4]])  # pairs of words: all six are in the other pairs


class PointGenerator(nn.Module):
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


def point_discriminator():
    net = nn.Linear(2, 64, rng=rng(5)), nn.LeakyReLU(0.2), nn.Linear(64, 17, rng=rng(6))
    caption = CaptionEmbedding(WORDS, 16, rng=rng(7))
    return ProjectionDiscriminator(nn.Sequential(*net), caption)


def position(words):
    return words - np.array([1.0, 4.0])


def distances(matching):
    """The mean distance of a point from the position in its caption: for captions of training and
    for others. Without `matching`, the captions of training are those of other points."""
    draw = rng(11)
    pairs = np.array([(a, b) for a in range(3) for b in range(3, 6)])
    pairs = pairs[~(pairs[:, None] == UNSEEN).all(axis=2).any(axis=1)]

    def captioned(m):
        words = draw.choice(pairs, m)
        at = position(words if matching else draw.choice(pairs, m))
        return Tensor((at + 0.1 * draw.normal(size=(m, 2))).astype(np.float32)), Tensor(words)

    noise = lambda m: Tensor(draw.normal(size=(m, 2 + SIZE)).astype(np.float32))  # noqa: E731
    G, D = PointGenerator(), point_discriminator()
    opts = [optim.Adam(player.parameters(), 3e-3, (0.5, 0.9)) for player in (G, D)]
    rounds = play_text_to_image(gan.non_saturating, G, D, captioned, noise, *opts, m=64, kl=0.05)
    for _ in range(400):
        next(rounds)
    found = []
    for captions in (pairs, UNSEEN):
        words = np.repeat(captions, 100, axis=0)
        with no_grad():
            made, _ = G(noise(len(words)), Tensor(words))
        found.append(np.linalg.norm(made.data - position(words), axis=1).mean())
    return found


def test_captions_that_training_never_had_give_the_right_points():
    """The distance of real points is 0.125. Captions of other points teach nothing."""
    (seen, unseen), others = distances(True), distances(False)
    assert max(seen, unseen) < 0.3 and min(others) > 1
    assert len(np.unique(UNSEEN)) == WORDS


def augment(words, noise):
    return ConditioningAugmentation(CaptionEmbedding(WORDS, 3, rng=rng()), 2, rng=rng())(
        Tensor(words), Tensor(noise)
    )


TEXT, NOISE = np.zeros((2, L), int), np.zeros((2, 2), np.float32)
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
        lambda: augment(TEXT / 2, NOISE), r"words: expected integers \(N, L\), .*float64 \(2,"),
    "words of one axis": (
        lambda: augment(TEXT[0], NOISE), r"words: expected integers \(N, L\), .*int64 \(3,\)"),
    "captions without words": (
        lambda: augment(TEXT[:, :0], NOISE), r"words: expected .*L >= 1, got int64 \(2, 0\)"),
    "a word that there is not": (lambda: augment(TEXT + WORDS, NOISE), r"in 0\.\.5, got 6\.\.6"),
    "noise of another size": (
        lambda: augment(TEXT, NOISE[:, :1]), r"noise: expected float32 \(2, 2\), got .*\(2, 1\)"),
    "noise for other images": (
        lambda: augment(TEXT, NOISE[:1]), r"noise: expected float32 \(2, 2\), got .*\(1, 2\)"),
    "noise of another dtype": (
        lambda: augment(TEXT, NOISE.astype(float)), "noise: expected float32 .*got float64"),
    "a net that sees too little": (
        lambda: ProjectionDiscriminator(
            nn.Linear(2, 3, rng=rng()), CaptionEmbedding(WORDS, 3, rng=rng()))(
            Tensor(NOISE), Tensor(TEXT)),
        r"net: expected to give \(2, 4\), got \(2, 3\)"),
    "words for other images": (
        lambda: point_discriminator()(Tensor(np.zeros((3, 2), np.float32)), Tensor(TEXT)),
        r"net: expected to give \(2, 17\), got \(3, 17\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_refused_by_name(name):
    call, message = NONSENSE[name]
    with pytest.raises((ValueError, TypeError), match=message) as raised:
        call()
    assert "\n" not in str(raised.value)
