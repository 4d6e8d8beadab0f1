"""Colored digits: their captions and colors, captions that are left out, and their recognition."""

import guard  # noqa: F401  (registers the backend)
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tinygan import backend as backends
from tinygan import data
from tinygan.data.colored import CAPTIONS, GROUNDS, INKS, TABLE, WORDS, colored
from tinygan.metrics.captions import recognize_caption
from tinygan.metrics.classifier import Classifier

EVERY = np.arange(160)
INK, GROUND = (np.array([*colors.values()]) for colors in (INKS, GROUNDS))


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def digits():
    whole = data.load("digits")
    return whole.images, whole.labels


# Captions and their words.


def test_a_caption_is_a_sentence_that_names_digit_ink_and_ground():
    """Parse each sentence by the names of digits and colors alone."""
    digits = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    names = [list(colors) for colors in (INKS, GROUNDS)]
    sentences = [" ".join(WORDS[i] for i in words) for words in TABLE]
    for sentence, caption in zip(sentences, CAPTIONS, strict=True):
        a, ink, digit, on, ground = sentence.split()
        assert (a, on) == ("a", "on")
        parsed = digits.index(digit), names[0].index(ink), names[1].index(ground)
        assert parsed == tuple(caption)
    assert "a red seven on blue" in sentences and len(set(sentences)) == 160
    assert set(" ".join(sentences).split()) == set(WORDS) and len(set(WORDS)) == len(WORDS) == 20


def test_every_digit_is_there_in_every_ink_on_every_ground():
    assert sorted(map(tuple, CAPTIONS)) == [
        (d, i, g) for d in range(10) for i in range(4) for g in range(4)
    ]


def test_the_colors_are_the_corners_of_the_cube_and_no_ink_is_a_ground():
    assert len({*INKS.values(), *GROUNDS.values()}) == 8
    assert (INK[:, 0] == 1).all() and (GROUND[:, 0] == 0).all()
    lights = {"red": "r", "green": "g", "blue": "b", "yellow": "rg", "magenta": "rb", "cyan": "gb",
              "white": "rgb", "black": ""}  # fmt: skip
    mixed = {name: tuple(int(c in light) for c in "rgb") for name, light in lights.items()}
    assert mixed == INKS | GROUNDS


# Colors of images.


def noise(n, seed, shape=(3, 4)):
    """Random gray images with a black and a white pixel, and random labels."""
    draw = rng(seed)
    gray = draw.integers(0, 256, (n, 1, *shape), np.uint8)
    gray[:, :, 0, :2] = 0, 255
    return gray, draw.integers(0, 10, n)


@given(st.integers(0, 6), st.integers(0, 999))
def test_a_pixel_is_on_the_line_from_ground_to_ink_as_far_as_it_is_white(n, seed):
    gray, labels = noise(n, seed)
    images, said = colored(gray, labels, EVERY, rng=rng(seed))
    assert (images.dtype, images.shape) == (np.uint8, (n, 3, 3, 4)) and said.shape == (n,)
    digit, ink, ground = CAPTIONS[said].T
    np.testing.assert_array_equal(digit, labels)
    above, below = INK[ink][:, :, None, None], GROUND[ground][:, :, None, None]
    np.testing.assert_allclose(images / 255, below + gray / 255 * (above - below), atol=1e-12)
    # Exactly: black is the ground, white the ink, and the red channel is the gray digit.
    np.testing.assert_array_equal(images[:, :, 0, 0], 255 * GROUND[ground])
    np.testing.assert_array_equal(images[:, :, 0, 1], 255 * INK[ink])
    np.testing.assert_array_equal(images[:, :1], gray)


@given(st.integers(0, 99))
def test_captions_that_are_left_out_are_never_drawn_and_the_others_are(seed):
    _, which = np.split(rng(seed).permutation(EVERY), [32])
    labels = np.arange(10).repeat(500)
    _, said = colored(np.zeros((5000, 1, 1, 1), np.uint8), labels, which, rng=rng(seed))
    assert set(said) == set(which)


def test_captions_that_fit_are_equally_likely():
    which = np.flatnonzero(CAPTIONS[:, 0] == 3)[:5]
    gray = np.zeros((20_000, 1, 1, 1), np.uint8)
    _, said = colored(gray, np.full(20_000, 3), which, rng=rng())
    counts = np.bincount(said, minlength=160)[which]
    assert counts.sum() == 20_000
    assert abs(counts / 20_000 - 0.2).max() < 4 * np.sqrt(0.2 * 0.8 / 20_000)


def test_the_same_seed_gives_the_same_and_nothing_else_is_drawn_or_changed():
    gray, labels = noise(200, 0)
    which, kept = EVERY[::-1].copy(), [CAPTIONS.copy(), TABLE.copy(), gray.copy(), labels.copy()]
    state = np.random.get_state()  # noqa: NPY002  the global generator is left alone
    first, again, other = (colored(gray, labels, which, rng=rng(s)) for s in (1, 1, 2))
    after = np.random.get_state()  # noqa: NPY002
    assert state[2:] == after[2:] and (state[1] == after[1]).all()
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a != c).any()
    for now, before in zip((CAPTIONS, TABLE, gray, labels), kept, strict=True):
        np.testing.assert_array_equal(now, before)
    np.testing.assert_array_equal(which, EVERY[::-1])


GRAY, LABELS = noise(3, 0)
BAD = {
    "floats": ({"digits": GRAY / 255}, r"digits: expected uint8 \(N, 1, H, W\), got float64"),
    "three axes": ({"digits": GRAY[:, 0]}, r"digits: .*uint8 \(3, 3, 4\)"),
    "colors already": ({"digits": GRAY.repeat(3, axis=1)}, r"digits: .*\(3, 3, 3, 4\)"),
    "too few labels": ({"labels": LABELS[:2]}, r"labels: expected integers \(3,\), got .*\(2,\)"),
    "labels with a point": ({"labels": LABELS / 2}, r"labels: expected integers .*float64 \(3,\)"),
    "a label of 10": ({"labels": np.array([0, 10, 3])}, r"expected 0\.\.9, got labels\[1\] = 10"),
    "a label of -1": ({"labels": np.array([0, -1, 3])}, r"expected 0\.\.9, got labels\[1\] = -1"),
    "caption 160": ({"which": np.arange(161)}, r"which: expected 0\.\.159, got 0\.\.160"),
    "caption -1": ({"which": EVERY - 1}, r"which: expected 0\.\.159, got -1\.\.158"),
    "captions with a point": ({"which": EVERY / 1}, r"which: expected integers .*, got float64"),
    "a mask": ({"which": EVERY < 80}, r"which: expected integers \(K,\), got bool \(160,\)"),
    "captions in a table": ({"which": TABLE}, r"which: expected integers \(K,\), .*\(160, 5\)"),
    "no captions": ({"which": EVERY[:0]}, "which: none of these captions names the digit"),
    "none of them fits": (
        {"labels": np.array([0, 0, 7]), "which": EVERY[:112]}, "which: none .* the digit 7"),
    "a seed": ({"rng": 0}, "rng: expected a numpy.random.Generator, .*got 0"),
    "the global generator": ({"rng": np.random}, "rng: expected a numpy.random.Generator"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_the_error_for_bad_input_names_the_argument(name):
    wrong, message = BAD[name]
    given_ = {"digits": GRAY, "labels": LABELS, "which": EVERY, "rng": rng()} | wrong
    with pytest.raises((ValueError, TypeError), match=message) as raised:
        colored(**given_)
    assert "\n" not in str(raised.value)


# Recognition of captions.


def halved(images):
    """The means of blocks of 2x2."""
    return images.reshape(len(images), 3, 14, 2, 14, 2).mean(axis=(3, 5))


@pytest.fixture(scope="module")
def classifier():
    return Classifier.shipped()


@pytest.fixture(scope="module")
def painted(digits):
    """The last 500 digits: gray, in colors in [0, 1], and their captions. (The classifier was
    trained on these, in gray: the control is its prediction on them in gray.)"""
    gray, labels = digits[0][-500:], digits[1][-500:]
    images, said = colored(gray, labels, EVERY, rng=rng())
    return gray / np.float32(255), images / np.float32(255), CAPTIONS[said]


def test_both_colors_are_found_and_the_digit_that_is_predicted_in_gray(painted, classifier):
    gray, x, captions = painted
    found = recognize_caption(x, classifier)
    assert (found.shape, found.dtype.kind) == ((500, 3), "i")
    np.testing.assert_array_equal(found[:, 1:], captions[:, 1:])
    np.testing.assert_array_equal(found[:, 0], classifier.probabilities(gray).argmax(axis=1))
    assert (found == captions).all(axis=1).mean() > 0.98
    small = recognize_caption(halved(x), classifier)
    np.testing.assert_array_equal(small[:, 1:], captions[:, 1:])
    assert (small == captions).all(axis=1).mean() > 0.95


class InputKeeper:
    """A stand-in for a classifier, which stores its input."""

    def probabilities(self, images):
        self.images = images
        return np.zeros((len(images), 10))


def test_the_input_of_the_classifier_is_the_gray_digit(painted):
    gray, x, _ = painted
    keeper = InputKeeper()
    recognize_caption(x, keeper)
    np.testing.assert_allclose(keeper.images, gray, atol=1e-6)
    recognize_caption(halved(x), keeper)
    small = gray.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    for shown, image in zip(keeper.images[:20, 0], small, strict=False):
        larger = Image.fromarray(image).resize((28, 28), Image.Resampling.BILINEAR)
        np.testing.assert_allclose(shown, larger, atol=1e-6)


@pytest.mark.parametrize("size", [14, 28])
def test_the_ground_is_at_the_edge_and_the_ink_is_farthest_from_it(size):
    """The ink covers all but the border, or less than a twentieth of the image."""
    ink, ground = (each.reshape(-1) for each in np.indices((4, 4)))
    above, below = (a[:, :, None, None].astype(float) for a in (INK[ink], GROUND[ground]))
    full, bit = np.zeros((2, size, size))
    full[1:-1, 1:-1] = 1
    bit[2 : size // 4 + 2, size // 2 : size // 2 + size // 5] = 1
    for shape in (full, bit):
        found = recognize_caption(below + shape * (above - below), InputKeeper())
        np.testing.assert_array_equal(found[:, 1:], np.stack([ink, ground], axis=1))


def test_colors_that_are_slightly_off_are_taken_for_the_nearest(painted, classifier):
    """In noisy images and in faint ones. The classifier gets the digit of a faint image as faint as
    it is; if both colors are off by a tenth, it is often wrong, as it is for faint gray digits."""
    gray, x, captions = (each[:100] for each in painted)
    off = rng(1).uniform(-0.1, 0.1, x.shape).astype(np.float32)
    cases = ((np.clip(x + off, 0, 1), 0.95), (0.05 + 0.9 * x, 0.95), (0.1 + 0.8 * x, 0))
    for worse, minimum in cases:
        found = recognize_caption(worse, classifier)
        np.testing.assert_array_equal(found[:, 1:], captions[:, 1:])
        assert (found[:, 0] == captions[:, 0]).mean() >= minimum
    as_faint = classifier.probabilities(0.1 + 0.8 * gray).argmax(axis=1)
    assert (found[:, 0] == as_faint).mean() > 0.95 and (as_faint == captions[:, 0]).mean() < 0.7


def test_an_answer_does_not_depend_on_the_other_images_nor_on_the_backend(painted, classifier):
    x = painted[1][:20]
    expected = recognize_caption(x, classifier)
    np.testing.assert_array_equal(recognize_caption(x[7:9], classifier), expected[7:9])
    np.testing.assert_array_equal(recognize_caption(x.astype(float), classifier), expected)
    there = Classifier.shipped("guard")
    for images in (x, backends.move(x, "guard")):
        for each in (classifier, there):
            found = recognize_caption(images, each)
            assert type(found) is np.ndarray
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("size", [14, 28])
def test_an_image_of_noise_gets_an_answer_and_nothing_is_changed(classifier, size):
    """Uniform noise, and noise of the numbers 0 and 1 and of numbers close to them."""
    draw, shape = rng(1), (20, 3, size, size)
    x = np.append(draw.random(shape), draw.choice([0, 1e-7, 1 - 2**-24, 1], shape), axis=0)
    before = x.copy()
    found = recognize_caption(x, classifier)
    assert (found >= 0).all() and (found < [10, 4, 4]).all()
    np.testing.assert_array_equal(x, before)


IMAGES = np.zeros((2, 3, 28, 28), np.float32)
DOT = IMAGES.copy()
DOT[0, 1, 5, 5] = 1
UNFIT = {
    "a list": ([[0.0]], TypeError, "images: expected an array, got list"),
    "gray": (IMAGES[:, :1], ValueError, r"images: expected shape .*got \(2, 1, 28, 28\)"),
    "one image": (IMAGES[0], ValueError, r"images: expected shape .*got \(3, 28, 28\)"),
    "another size": (
        IMAGES[:, :, :20, :20],
        ValueError,
        r"14\), N >= 1, got \(2, 3, 20, 20\)",
    ),
    "no square": (IMAGES[:, :, :14], ValueError, r"images: .*got \(2, 3, 14, 28\)"),
    "none": (IMAGES[:0], ValueError, r"images: .*N >= 1, got \(0, 3, 28, 28\)"),
    "a byte": (255 * DOT, ValueError, r"images: .*in \[0, 1\], got 0 to 255"),
    "of tanh": (IMAGES - DOT, ValueError, r"images: .*in \[0, 1\], got -1 to 0"),
    "NaN": (IMAGES + np.nan, ValueError, r"images: expected numbers in \[0, 1\], got nan"),
    "complex": (IMAGES * 1j, ValueError, "images: expected numbers, got complex64"),
    "words": (IMAGES.astype(str), ValueError, "images: expected numbers, got <U"),
}


@pytest.mark.parametrize("backend", ["numpy", "guard"])
@pytest.mark.parametrize("name", UNFIT)
def test_other_images_are_refused(classifier, name, backend):
    images, error, message = UNFIT[name]
    if backend == "guard" and error is ValueError and images.dtype.kind == "f":
        images = backends.move(images, backend)
    with pytest.raises(error, match=message) as raised:
        recognize_caption(images, classifier)
    assert "\n" not in str(raised.value)
