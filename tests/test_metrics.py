"""Each metric equals its closed form, its expectation, or its definition in plain NumPy."""

import itertools
import math
from functools import partial

import guard  # noqa: F401  (registers the backend)
import numpy as np
import pytest
import scipy.linalg
import scipy.ndimage
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from tinygan import Tensor, backend, data
from tinygan.data import mixtures
from tinygan.experiments import results
from tinygan.metrics import (
    classifier_scores,
    distances,
    frechet,
    kmeans,
    memorization,
    modes,
    parzen,
    pixels,
    precision_recall,
)
from tinygan.metrics.classifier_scores import class_counts, class_kl, classifier_score
from tinygan.metrics.frechet import frechet_distance, gaussian_distance, kid, mmd2
from tinygan.metrics.memorization import (
    compare,
    copying,
    duplicates,
    nearest_distances,
    nearest_images,
)
from tinygan.metrics.pixels import psnr, stroke_width, wasserstein
from tinygan.metrics.precision_recall import expected_coverage, radii


def rng(seed=0):
    return np.random.default_rng(seed)


def cloud(n, d=3, seed=0, mean=0.0, sd=1.0):
    return mean + sd * rng(seed).normal(size=(n, d))


# Distances.


def plain_distances(a, b):
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))


@given(st.integers(1, 8), st.integers(2, 8), st.integers(1, 4), st.sampled_from([1, 5, 1 << 20]))
def test_distances_and_neighbors_are_those_of_the_definition(n, m, d, block):
    a, b = cloud(n, d, 1), cloud(m, d, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "BLOCK", block)
        expected = plain_distances(a, b)
        np.testing.assert_allclose(distances.squared_distances(a, b), expected**2, atol=1e-12)
        np.testing.assert_array_equal(distances.nearest_index(a, b), expected.argmin(axis=1))
        for k in range(1, m + 1):
            np.testing.assert_allclose(distances.nearest(a, b, k), np.sort(expected)[:, k - 1])
        among = np.sort(plain_distances(b, b))
        for k in range(1, m):  # the nearest row of all is the row itself
            found = distances.nearest(b, b, k, same=True)
            np.testing.assert_allclose(found, among[:, k], atol=1e-7)


# The Parzen window.


def plain_parzen(samples, x, sigma):
    d = samples.shape[1]
    terms = -(plain_distances(x, samples) ** 2) / (2 * sigma**2)
    return np.log(np.exp(terms).mean(axis=1)) - d * np.log(sigma) - d / 2 * math.log(2 * math.pi)


@pytest.mark.parametrize("block", [1, 64, 1 << 23])
def test_the_parzen_window_equals_its_formula(block, monkeypatch):
    monkeypatch.setattr(parzen, "BLOCK", block)
    samples, x = cloud(7), cloud(5, seed=1)
    found = parzen.log_likelihoods(samples, x, [0.5, 1.0, 3.0])
    expected = [plain_parzen(samples, x, s) for s in (0.5, 1.0, 3.0)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_parzen_window_of_one_sample_is_a_gaussian():
    """This holds far away too, where each term of the sum underflows; its logarithm does not."""
    x = np.array([[0.0, 0], [3, 4], [300, 400]])
    (found,) = parzen.log_likelihoods(np.zeros((4, 2)), x, [2.0])
    expected = -np.array([0, 25, 250_000]) / 8 - math.log(2 * math.pi * 4)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_sigma_is_chosen_from_the_papers_grid_on_the_validation_set():
    grid = [0.1, 0.1292, 0.1668, 0.2154, 0.2783, 0.3594, 0.4642, 0.5995, 0.7743, 1.0]
    np.testing.assert_allclose(parzen.SIGMAS, grid, atol=5e-5)
    samples, validation, test = (cloud(400, 2, seed) for seed in range(3))
    result = parzen.parzen(samples, validation, test)
    every = parzen.log_likelihoods(samples, validation).mean(axis=1)
    assert result.sigma == parzen.SIGMAS[int(every.argmax())] and not result.at_edge
    values = plain_parzen(samples, test, result.sigma)
    assert result.mean == pytest.approx(values.mean(), rel=1e-5)
    assert result.standard_error == pytest.approx(values.std() / 20, rel=1e-4)
    assert parzen.parzen(samples, validation, test, [0.01, 0.1]).at_edge


# Frechet and kernel distances.


@pytest.mark.parametrize("d", [1, 3, 20])
def test_the_distance_of_gaussians_is_its_closed_form(d):
    m, s = rng().normal(size=d), 1.7
    same = gaussian_distance(np.zeros(d), np.eye(d), m, s**2 * np.eye(d))
    assert same == pytest.approx((m**2).sum() + d * (1 - s) ** 2)
    a, b = (x @ x.T for x in rng().normal(size=(2, d, d)))
    root = scipy.linalg.sqrtm(a @ b).real
    expected = (m**2).sum() + np.trace(a + b - 2 * root)
    assert gaussian_distance(np.zeros(d), a, m, b) == pytest.approx(expected, abs=1e-6)
    assert gaussian_distance(m, a, m, a) == pytest.approx(0, abs=1e-6)


def test_the_frechet_distance_of_samples():
    x = cloud(4000, 4)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    far = frechet_distance(x, cloud(4000, 4, 1, mean=2.0, sd=3.0))
    assert far == pytest.approx(4 * 2**2 + 4 * (3 - 1) ** 2, rel=0.05)
    y = x[:2000] * [1, 2, 3, 4]
    m1, m2, s1, s2 = x.mean(0), y.mean(0), np.cov(x.T), np.cov(y.T)
    assert frechet_distance(x, y) == pytest.approx(gaussian_distance(m1, s1, m2, s2))
    fewer = [frechet_distance(x[:n], cloud(n, 4, 1)) for n in (100, 1000, 4000)]
    assert fewer[0] > fewer[1] > fewer[2]  # biased: not to be compared across sizes


def plain_mmd2(x, y):
    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    within = [kernel(a, a)[~np.eye(len(a), dtype=bool)].mean() for a in (x, y)]
    return sum(within) - 2 * kernel(x, y).mean()


def test_the_kernel_distance_is_its_formula_and_unbiased():
    x, y = cloud(6), cloud(9, seed=1)
    assert mmd2(x, y) == pytest.approx(plain_mmd2(x, y))
    found = [mmd2(cloud(30, 3, 2 * i), cloud(30, 3, 2 * i + 1)) for i in range(400)]
    error = np.std(found) / 20
    assert abs(np.mean(found)) < 3 * error and min(found) < 0 < max(found)


def test_kid_of_one_distribution_is_near_0_and_of_two_is_not():
    x, y, other = cloud(3000), cloud(3000, seed=1), cloud(3000, seed=2, mean=0.5)
    same, again, apart = (kid(x, z, rng=rng(), subsets=20, size=500) for z in (y, y, other))
    assert same == again and abs(same.mean) < 4 * same.standard_error
    assert apart.mean > 10 * apart.standard_error


# Precision, recall, density, coverage.


def plain_precision_recall(x, y, k):
    """Precision, recall, density and coverage by their definitions, from all distances at once."""
    real, fake = (np.sort(plain_distances(a, a))[:, [k]] for a in (x, y))
    apart = plain_distances(x, y)  # (N, M)
    precise, recalled, inside = apart <= real, apart <= fake.T, apart < real
    density = inside.sum() / (k * len(y))
    return precise.any(0).mean(), recalled.any(1).mean(), density, inside.any(1).mean()


@given(st.integers(4, 12), st.integers(4, 12), st.integers(1, 3), st.sampled_from([1, 1 << 20]))
def test_precision_and_recall_is_its_definition(n, m, k, block):
    x, y = cloud(n, 2, 1), cloud(m, 2, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distances, "BLOCK", block)
        found = precision_recall.precision_recall(x, y, k)
        assert found == pytest.approx(plain_precision_recall(x, y, k))
        assert found == precision_recall.precision_recall(x, y, k, real_radii=radii(x, k))


@pytest.mark.parametrize(("n", "m", "d"), [(400, 400, 3), (250, 400, 3), (200, 200, 1000)])
def test_density_and_coverage_of_one_distribution_have_their_expectations(n, m, d):
    found = [
        precision_recall.precision_recall(cloud(n, d, 2 * i), cloud(m, d, 2 * i + 1))
        for i in range(60)
    ]
    mean, error = np.mean(found, axis=0), np.std(found, axis=0) / math.sqrt(len(found))
    assert abs(mean[2] - 1) < 4 * error[2]
    assert abs(mean[3] - expected_coverage(n, m)) < 4 * error[3] < 0.03


def test_the_expectation_of_coverage_is_its_product():
    assert expected_coverage(10_000, 10_000) == pytest.approx(0.96877, abs=1e-5)
    assert expected_coverage(2, 1, 1) == 1 / 2  # the fake is nearer than the other sample, or not
    assert expected_coverage(10, 7, 2) == pytest.approx(1 - 9 * 8 / (16 * 15))
    for arguments in ((5, 5, 5), (5, 0, 1), (5, 5, 0)):
        with pytest.raises(ValueError, match="expected 1 <= k < n and m >= 1, got k = "):
            expected_coverage(*arguments)


# Modes.


def test_the_ring_has_eight_modes_and_the_grid_twenty_five():
    ring, grid = mixtures.ring(), mixtures.grid()
    assert len(np.unique(ring.means.round(6), axis=0)) == 8
    np.testing.assert_allclose(np.linalg.norm(ring.means, axis=1), 1)
    assert sorted(map(tuple, grid.means)) == sorted(itertools.product([-4, -2, 0, 2, 4], repeat=2))
    assert (ring.sd, grid.sd) == (0.01, 0.05)


@pytest.mark.parametrize("mixture", [mixtures.ring(), mixtures.grid()], ids=["ring", "grid"])
def test_true_samples_reach_the_expected_values(mixture):
    found = [modes.modes(mixture.sample(2500, rng=rng(seed)), mixture) for seed in range(40)]
    k = len(mixture.means)
    assert all(f.captured == f.above_noise == k for f in found)
    quality = np.mean([f.high_quality for f in found])
    assert quality == pytest.approx(1 - math.exp(-4.5), abs=4 * 0.0021 / math.sqrt(40))
    reverse_kl = np.mean([f.reverse_kl for f in found])
    assert reverse_kl == pytest.approx((k - 1) / 5000, rel=0.25)


def test_modes_that_are_missing_and_samples_between_them():
    mixture = mixtures.ring()
    six = np.repeat(mixture.means[:6], 50, axis=0)
    found = modes.modes(np.concatenate([six, np.zeros((100, 2))]), mixture)
    assert found.captured == found.above_noise == 6 and found.high_quality == 0.75
    assert found.reverse_kl == pytest.approx(math.log(8 / 6))
    assert list(found.counts) == [50] * 6 + [0, 0]
    nothing = modes.modes(np.zeros((10, 2)), mixture)
    assert (nothing.captured, nothing.high_quality, nothing.reverse_kl) == (0, 0, math.inf)
    edges = [mixture.means[:1] + np.array([[x, 0]]) for x in (0.0299, 0.0301)]
    assert [modes.modes(edge, mixture).captured for edge in edges] == [1, 0]


def test_uniform_noise_captures_modes_and_none_is_above_noise():
    for mixture, captured in ((mixtures.ring(), 4), (mixtures.grid(), 19)):
        sets = [modes.uniform_noise(2500, mixture, rng=rng(seed)) for seed in range(40)]
        found = [modes.modes(points, mixture) for points in sets]
        radius = 3 * mixture.sd
        corners = mixture.means.min(axis=0) - radius, mixture.means.max(axis=0) + radius
        np.testing.assert_allclose([sets[0].min(axis=0), sets[0].max(axis=0)], corners, rtol=0.01)
        assert np.mean([f.captured for f in found]) > captured
        assert sum(f.above_noise > 0 for f in found) <= 1
    blurred = mixtures.grid(sd=0.5).sample(2500, rng=rng(0))
    found = modes.modes(blurred, mixtures.grid())
    assert found.captured >= 24 and found.above_noise <= 3


@pytest.mark.parametrize("n", [1, 20, 500])
@pytest.mark.parametrize("mixture", [mixtures.ring(), mixtures.ring(sd=0.1), mixtures.grid()])
def test_the_bound_is_the_smallest_count_that_noise_seldom_reaches(n, mixture):
    for within in (3.0, 1.5):
        radius, level = within * mixture.sd, 0.01 / len(mixture.means)
        p = math.pi * radius**2 / np.prod(np.ptp(mixture.means, axis=0) + 2 * radius)
        bound = modes.noise_bound(n, mixture, within)

        def tail(c, p=p):  # P(Binomial(n, p) >= c)
            return math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(c, n + 1))

        assert tail(bound) <= level < tail(bound - 1)


@pytest.mark.parametrize("within", [1.0, 3.0])
def test_a_mode_above_noise_has_as_many_samples_as_the_bound(within):
    ring = mixtures.ring()
    bound = modes.noise_bound(2500, ring, within)
    each = [bound, bound - 1, 2500 - 2 * bound + 1]
    points = np.repeat([ring.means[0], ring.means[1], [0, 0]], each, axis=0)
    found = modes.modes(points, ring, within)
    assert (found.captured, found.above_noise) == (2, 1)
    noise = modes.uniform_noise(2500, ring, within, rng=rng())
    edge = np.abs(ring.means).max() + within * ring.sd
    assert noise.max() == pytest.approx(edge, rel=0.01) and noise.dtype == np.float32
    wide = mixtures.Mixture(np.array([[0.0, 0.0], [8.0, 0.0]]), 0.5)
    spread = np.ptp(modes.uniform_noise(2500, wide, within, rng=rng()), axis=0)
    np.testing.assert_allclose(spread, [8 + within, within], rtol=0.01)


def test_the_bound_where_the_ball_fills_the_box_or_has_no_volume():
    line = mixtures.Mixture(np.zeros((1, 1)), 1.0)  # the ball is the box: all noise lies in it
    assert modes.noise_bound(30, line) == 31
    assert modes.noise_bound(30, mixtures.Mixture(np.eye(10, 1200), 0.01)) == 1


# Scores by a classifier.


def test_scores_of_sets_whose_score_is_known():
    classes = np.arange(50)
    alike, every, half, one = (
        np.full((50, 10), 0.1),
        *(np.eye(10)[classes % k] for k in (10, 5, 1)),
    )
    scores = [classifier_score(p) for p in (alike, every, half, one)]
    assert scores == pytest.approx([1, 10, 5, 1])
    kls = [class_kl(p) for p in (every, half, one)]
    assert kls == pytest.approx([0, math.log(2), math.log(10)])
    assert list(class_counts(half)) == [10] * 5 + [0] * 5
    p = rng().dirichlet(np.ones(4), 30)
    expected = math.exp(np.mean((p * np.log(p / p.mean(0))).sum(1)))
    assert classifier_score(p) == pytest.approx(expected)


# Copies.


def test_a_copy_is_at_most_half_as_far_from_one_training_image_as_from_the_next():
    training = np.array([[0.0], [3.0], [9.0]])
    x = np.array([[0.0], [0.999], [1.001], [1.5], [3.0], [5.9], [6.0], [8.0]])
    expected = [
        (0, 3),
        (0.999, 2.001),
        (1.001, 1.999),
        (1.5, 1.5),
        (0, 3),
        (2.9, 3.1),
        (3, 3),
        (1, 5),
    ]
    np.testing.assert_allclose(nearest_distances(x, training), expected)
    found = copying(x, training, x[3:])
    assert (found.copies, found.held_out) == (4 / 8, 2 / 5)
    medians = np.median([d for d, _ in expected]), np.median([d for d, _ in expected[3:]])
    assert (found.sample_distance, found.held_out_distance) == pytest.approx(medians)
    twice = np.repeat(training, 2, axis=0)  # an exact copy counts, even if two images are equal
    assert copying(training, twice, training + 1.4).copies == 1


def test_copying_z_is_that_of_two_proportions():
    near, held = (np.where(rng().random((n, 1)) < p, [[0, 1]], [[1, 1]]) for n, p in
                  ((400, 0.2), (300, 0.1)))  # fmt: skip
    found = compare(near, held)
    counts = [
        [round(s * n), round((1 - s) * n)] for s, n in ((found.copies, 400), (found.held_out, 300))
    ]
    chi2 = scipy.stats.chi2_contingency(counts, correction=False).statistic
    assert found.z > 3 and found.z**2 == pytest.approx(chi2)
    assert compare(held, near).z == pytest.approx(-found.z)
    assert compare(near[:0:-1], near[1:]).z == compare(held * 0, held * 0).z == 0


def photographs(n):
    """Smooth color images (n, 3, 16, 16) in [0, 1] around a common gray: near to their mean."""
    smooth = scipy.ndimage.gaussian_filter(rng().normal(size=(n, 3, 16, 16)), (0, 0.5, 2, 2))
    return np.clip(0.5 + rng(1).uniform(0.5, 2, (n, 1, 1, 1)) * smooth, 0, 1)


def gallery(images):
    """Training images, new images, and by kind: samples, minimum and maximum share of copies."""
    known, new, noise = images[:1500], images[1500:1700], rng(2).normal(size=images[:200].shape)
    blur = lambda x: scipy.ndimage.gaussian_filter(x, (0, 0, 1, 1))  # noqa: E731
    none, gray = (0, 0.01), np.full_like(new, known.mean())
    ten = np.tile(known[:10], (20, 1, 1, 1))
    return known, new, {
        "held-out images": (new, none),
        "blurred held-out images": (blur(new), none),
        "gray": (gray, none),
        "gray with noise": (np.clip(gray + 0.05 * noise, 0, 1), none),
        "the mean image": (np.repeat(known.mean(axis=0, keepdims=True), 200, axis=0), none),
        "means of two": ((known[:200] + known[200:400]) / 2, none),
        "means of two of ten": ((ten + np.roll(ten, 1, axis=0)) / 2, none),
        "noise": (rng(3).random(new.shape), none),
        "copies": (known[:200], (1, 1)),
        "copies with noise": (np.clip(known[:200] + 0.03 * noise, 0, 1), (0.6, 1)),
        "3/4 of an image, 1/4 of another": (0.75 * known[:200] + 0.25 * known[200:400], (0.3, 1)),
        "30 % copies": (np.concatenate([known[:60], blur(new[60:])]), (0.3, 0.31)),
        "ten copies, repeated": (ten, (1, 1)),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["digits", "photographs"])
def test_only_copies_are_found(kind):
    digits = kind == "digits"
    images = data.load("digits").images[:1700] / 255 if digits else photographs(1700)
    known, new, sets = gallery(images)
    for name, (samples, (minimum, maximum)) in sets.items():
        found = copying(samples, known, new)
        assert minimum <= found.copies <= maximum, (name, found)
        assert (found.z > 3) is (minimum > 0), (name, found)


def test_duplicates_are_counted_in_8_bits():
    x = rng().random((10, 4))
    assert duplicates(x) == 0
    assert duplicates(np.concatenate([x, x[:5]])) == pytest.approx(5 / 15)
    assert duplicates(np.concatenate([x, x + 1e-6])) >= 0.4
    assert duplicates(np.zeros((8, 2))) == 7 / 8
    assert duplicates(np.array([[0.6], [1.4], [1.6]]) / 255) == pytest.approx(1 / 3)  # 1, 1, 2


def test_the_index_of_the_nearest_image_is_found():
    training = cloud(40, 6)
    order = rng().permutation(40)
    found = nearest_images(training[order] + 1e-3, training)
    np.testing.assert_array_equal(found, order)


# PSNR.


@given(st.floats(1e-3, 1), st.integers(1, 4), st.integers(0, 99))
def test_psnr_of_a_known_error_is_its_closed_form(d, n, seed):
    truth = rng(seed).random((n, 1, 3, 2))
    signs = rng(seed + 1).choice([-1, 1], truth.shape)
    for peak in 1, 255:
        found = psnr(peak * (truth + d * signs), peak * truth, peak=peak)
        # Compare the error itself: its logarithm is near 0 for d near 1.
        np.testing.assert_allclose(10 ** (found / -20), d, rtol=1e-9)


def test_each_image_has_its_psnr_which_is_infinite_for_equal_images():
    truth = np.zeros((3, 1, 2, 2))
    images = truth.copy()
    images[1, 0, 0, 0], images[2] = 1, 0.1
    np.testing.assert_allclose(psnr(images, truth), [math.inf, 10 * math.log10(4), 20])
    bytes_ = (255 * images).round().astype(np.uint8)  # their difference would wrap around
    assert psnr(np.zeros_like(bytes_), bytes_, 255)[1] == pytest.approx(10 * math.log10(4))


# Stroke width.


def soft(distance):
    """Pixels of a shape from the signed distance of their centers to its edge."""
    return np.clip(0.5 - distance, 0, 1)[None, None]


@pytest.mark.parametrize("width", [3, 4, 6])
@pytest.mark.parametrize("angle", [0, 30, 45, 90])
def test_the_stroke_width_of_a_bar_and_of_a_disc_is_its_closed_form(width, angle):
    y, x = np.mgrid[:60, :60] - 29.7
    turn = np.radians(angle)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    bar = soft(np.maximum(abs(along) - 20, abs(across) - width / 2))
    assert stroke_width(bar)[0] == pytest.approx(width / (1 + width / 40), rel=0.03)
    assert stroke_width(0.3 * bar)[0] == pytest.approx(stroke_width(bar)[0])
    disc = soft(np.hypot(x, y) - width)
    assert stroke_width(disc)[0] == pytest.approx(width, rel=0.04)
    cut = bar[..., 25:]  # the border of the image is an edge, too
    assert stroke_width(cut)[0] < width
    turned = [stroke_width(np.rot90(cut, k, (2, 3)))[0] for k in range(4)]  # any border
    np.testing.assert_allclose(turned, turned[0])


def test_the_stroke_width_of_dots_of_a_black_image_and_of_noise():
    images = np.zeros((3, 1, 8, 8), np.uint8)
    images[0, 0, 3, 4] = 255  # sqrt(1/2) at each of its four corners
    images[2, 0] = rng().integers(0, 256, (8, 8))
    dot, black, _ = stroke_width(images)
    assert dot == pytest.approx(2 / (4 * math.sqrt(0.5))) and black == 0
    assert same(stroke_width(Tensor(images / 255).to("guard").data), stroke_width(images / 255))
    noise, digits = rng().random((100, 1, 28, 28)), data.load("digits").images
    for kind, documented in ((noise, 2.4), (digits, 2.6)):
        assert stroke_width(kind).mean() == pytest.approx(documented, abs=0.05)


# k-means.


def test_kmeans_finds_clusters_that_are_apart():
    means = np.array([[0, 0], [10, 0], [0, 10]])
    clusters = [cloud(50, 2, i, mean=m) for i, m in enumerate(means)]
    x = np.concatenate(clusters)
    found, counts = kmeans.kmeans(x, 3, rng=rng(3), steps=20)
    assert counts.sum() == 150 and found.shape == (3, 2)
    best = sum(((c - c.mean(0)) ** 2).sum() for c in clusters)
    assert (plain_distances(x, found).min(1) ** 2).sum() <= 1.0001 * best
    images, _ = kmeans.kmeans(x.reshape(-1, 1, 2, 1), 3, rng=rng(), steps=1)
    assert images.shape == (3, 1, 2, 1)


def test_a_step_of_kmeans_never_makes_it_worse():
    x, costs = cloud(200, 3), []
    for steps in range(1, 6):
        centroids, _ = kmeans.kmeans(x, 20, rng=rng(1), steps=steps)
        costs.append((plain_distances(x, centroids).min(1) ** 2).sum())
    assert costs == sorted(costs, reverse=True) and costs[0] > costs[-1]


# Means over seeds.


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
@pytest.mark.parametrize("freedom", [1, 2, 3, 9, 100])
def test_students_quantiles(level, freedom):
    expected = scipy.stats.t.ppf((1 + level) / 2, freedom)
    assert results.quantile_t(level, freedom) == pytest.approx(expected, rel=1e-4)


def test_students_interval_holds_the_mean_as_often_as_it_says():
    assert results.t_interval([1, 2, 3]) == pytest.approx((2, 4.302653 / math.sqrt(3)))
    assert results.t_interval([5, 5]) == (5, 0)
    found = [results.t_interval(x, 0.9) for x in cloud(2000, 4, mean=3.0)]
    assert np.mean([abs(mean - 3) < half for mean, half in found]) == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, np.nan]])
def test_an_interval_needs_two_numbers(values):
    with pytest.raises(ValueError, match="values: expected at least two finite numbers, got"):
        results.t_interval(values)
    for level, freedom in ((0, 3), (1, 3), (0.5, 0)):
        with pytest.raises(ValueError, match="level, freedom: expected one in"):
            results.quantile_t(level, freedom)


# W1.


@given(st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_w1_is_its_definition(n, m, ties):
    a, b = cloud(n, 2, 1), cloud(m, 2, 2, mean=1.0)
    if ties:
        a, b = a.round(), b.round()
    expected = [scipy.stats.wasserstein_distance(a[:, i], b[:, i]) for i in (0, 1)]
    np.testing.assert_allclose(wasserstein(a, b), expected, atol=1e-12)


# On another backend, and on bad input.


def moments(a):
    centered = a - a.mean(axis=0)
    return a.mean(axis=0), backend.of(a).matmul(centered.T, centered) / len(a)


CLUSTERS = mixtures.Mixture(cloud(4), 0.5)
ONE = {  # functions of one set
    **{f.__name__: f for f in (class_counts, class_kl, classifier_score, duplicates, radii)},
    "kmeans": lambda a: kmeans.kmeans(a, 5, rng=rng()),
    "modes": lambda a: modes.modes(a, CLUSTERS),
}
TWO = {  # functions of two sets
    "copying": lambda a, b: copying(a, b, b[:20]),
    **{f.__name__: f for f in (frechet_distance, mmd2, nearest_distances, nearest_images)},
    "gaussian_distance": lambda a, b: gaussian_distance(*moments(a), *moments(b)),
    "kid": lambda a, b: kid(a, b, rng=rng(), subsets=3, size=20),
    "log_likelihoods": lambda a, b: parzen.log_likelihoods(a, b, [0.5, 1.0]),
    "precision_recall": precision_recall.precision_recall,
    "parzen": lambda a, b: parzen.parzen(a, b[:10], b[10:]),
    "psnr": lambda a, b: psnr(a[:30], b),
    "wasserstein": wasserstein,
}
PROBABILITIES = {"class_counts", "class_kl", "classifier_score"}


def same(got, expected):
    if isinstance(expected, tuple):
        return all(same(g, e) for g, e in zip(got, expected, strict=True))
    if isinstance(got, backend.get("guard").array_type):
        got = got.get()
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-9)
    return True


@pytest.mark.parametrize("name", ONE | TWO)
def test_every_metric_takes_arrays_of_either_backend(name):
    sets = [cloud(40), cloud(30, seed=1)][: 1 if name in ONE else 2]
    if name in PROBABILITIES:
        sets = [abs(x) / abs(x).sum(axis=1)[:, None] for x in sets]
    if name == "duplicates":
        sets = [np.clip(abs(x), 0, 1) for x in sets]
    metric = (ONE | TWO)[name]
    assert same(metric(*(Tensor(x).to("guard").data for x in sets)), metric(*sets))


def test_every_metric_is_in_one_of_the_tables():
    modules = (classifier_scores, frechet, kmeans, memorization, modes, parzen, pixels)
    public = {
        name
        for module in (*modules, precision_recall)
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
    }
    results = {"Copying", "Glance", "KID", "PrecisionRecall", "Modes", "Parzen", "Share"}
    without_samples = {"compare", "expected_coverage"}
    elsewhere = {"checkerboard", "overlap", "gan_test", "gan_train", "gan_train_test", "glance"}
    elsewhere |= {"gray_share", "checked_sigmas", "kl_to_uniform", "stroke_width"}
    elsewhere |= {"noise_bound", "uniform_noise"}
    assert public - elsewhere == set(ONE) | set(TWO) | results | without_samples


GOOD = cloud(30)
BAD = {
    "a list": ([[1.0]], TypeError, "expected an array, got list"),
    "one axis": (np.ones(5), ValueError, r"expected numbers of shape \(N, \.\.\.\)"),
    "no rows": (np.ones((0, 3)), ValueError, r"expected at least \d+ samples, got shape \(0, 3\)"),
    "no columns": (np.ones((9, 0)), ValueError, r"at least \d+ samples, got shape \(9, 0\)"),
    "not a number": (np.where(GOOD > 2, np.nan, GOOD), ValueError, "expected finite numbers"),
    "infinity": (np.full((30, 3), np.inf), ValueError, "expected finite numbers"),
    "too large": (np.full((30, 3), -1e16), ValueError, r"within 1e\+15, got one of size 1e\+16"),
    "words": (np.full((30, 3), "x"), ValueError, "expected numbers of shape"),
    "complex": (np.full((30, 3), 1j), ValueError, "expected numbers of shape"),
    "another width": (cloud(30, 2), ValueError, "expected"),
}
PAIRS = sorted(set(TWO) - {"gaussian_distance"})


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("name", PAIRS)
def test_bad_samples_are_refused(name, what):
    samples, error, message = BAD[what]
    for pair in ((GOOD, samples), (samples, GOOD)):
        with pytest.raises(error, match=message):
            TWO[name](*pair)


@pytest.mark.parametrize("what", sorted(set(BAD) - {"another width"}))
@pytest.mark.parametrize("name", ONE)
def test_a_bad_set_is_refused(name, what):
    samples, error, message = BAD[what]
    with pytest.raises(error, match=message):
        ONE[name](samples)


@pytest.mark.parametrize("name", PAIRS)
def test_the_largest_numbers_that_are_taken_give_no_nan(name):
    a, b = (x * (distances.LARGEST / abs(x).max()) for x in (cloud(40), cloud(30, seed=1)))
    with np.errstate(all="raise", under="ignore"):
        found = TWO[name](a, b)
    assert np.isfinite(np.concatenate([np.ravel(v) for v in np.atleast_1d(found)])).all()


GAUSSIAN = (np.zeros(3), np.eye(3), np.zeros(3), np.eye(3))
MIXED = np.array([[0, 255]], np.uint8)
OUT_OF_RANGE = {
    "real: expected more samples than the 3 f": (frechet_distance, cloud(3), GOOD),
    "fake: expected more samples than the 3 f": (frechet_distance, GOOD, cloud(3)),
    "fake: expected at least 2 samples": (frechet_distance, GOOD, cloud(1)),
    r"m2: expected shape \(3,\), got \(2,\)": (
        gaussian_distance, *GAUSSIAN[:2], np.zeros(2), np.eye(3)),
    "s1: expected finite numbers, got NaN": (
        gaussian_distance, np.zeros(3), np.full((3, 3), np.nan), *GAUSSIAN[2:]),
    "x: expected at least 2 samples": (mmd2, cloud(1), GOOD),
    "size: expected 2 to 30, the number of samples, got 1000": (
        partial(kid, rng=rng()), GOOD, GOOD),
    "subsets: expected at least 2": (partial(kid, rng=rng(), size=9, subsets=1), GOOD, GOOD),
    "fake: expected at least 6 samples, got shape": (
        precision_recall.precision_recall, GOOD, cloud(5)),
    r"real_radii: expected shape \(30,\), got \(5,\)": (
        partial(precision_recall.precision_recall, real_radii=np.ones(5)), GOOD, GOOD),
    r"sigmas: expected positive numbers, got \[0": (parzen.log_likelihoods, GOOD, GOOD, [0.0]),
    r"sigmas: expected positive numbers, got \[\]": (parzen.log_likelihoods, GOOD, GOOD, []),
    r"samples: expected \(N, 2\), got \(30, 3\)": (modes.modes, GOOD, mixtures.ring()),
    "probabilities: expected rows of numbers >= 0": (classifier_score, GOOD),
    "that add up to 1": (class_kl, np.ones((3, 2))),
    r"samples: expected numbers in \[0, 1\]": (duplicates, GOOD),
    r"expected numbers in \[0, 1\], got 0 to 255": (duplicates, MIXED),
    "k: expected 1 to 30, the number of rows of x, got 31": (
        partial(kmeans.kmeans, rng=rng()), GOOD, 31),
    "steps: expected an int >= 1, got 0": (partial(kmeans.kmeans, rng=rng(), steps=0), GOOD, 3),
    "k: expected 1 to 29": (partial(distances.nearest, same=True), GOOD, GOOD, 30),
    "images: expected 30, one for each in truth, got 9": (psnr, GOOD[:9], GOOD),
    "peak: expected a positive number, got 0": (psnr, GOOD, GOOD, 0),
    "peak: expected a positive number, got nan": (psnr, GOOD, GOOD, math.nan),
    r"images: expected \(N, 1, H, W\) .*, got \(30, 3\)": (stroke_width, GOOD),
    r"images: expected \(N, 1, H, W\) .*, got \(2, 1, 5\)": (stroke_width, np.ones((2, 1, 5))),
    r"numbers >= 0, got \(1, 1, 2, 2\)": (stroke_width, -np.ones((1, 1, 2, 2))),
}  # fmt: skip


@pytest.mark.parametrize("message", OUT_OF_RANGE)
def test_numbers_out_of_range_are_refused(message):
    metric, *arguments = OUT_OF_RANGE[message]
    with pytest.raises(ValueError, match=message):
        metric(*arguments)
