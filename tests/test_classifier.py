"""The classifier of the metrics: it learns; its hash depends on its weights; bad input is
refused."""

import sys

import guard  # noqa: F401  (registers the backend)
import numpy as np
import pytest
import train_classifier

from tinygan import InputError, Tensor, data, storage
from tinygan import backend as backends
from tinygan.metrics.classifier import FEATURES, Classifier, shifted, train


@pytest.fixture(scope="module")
def digits():
    whole = data.load("digits")
    return whole.images.astype(np.float32) / 255, whole.labels


@pytest.fixture(scope="module")
def classifier(digits):
    x, y = digits
    *_, (_, loss, classifier) = train(x[:1500], y[:1500], rng=np.random.default_rng(0), epochs=2)
    assert loss < 1.5
    return classifier


def test_it_learns_and_predicts_other_digits(classifier, digits):
    x, y = digits
    assert classifier.accuracy(x[9500:], y[9500:]) > 0.75


def test_the_same_seed_gives_the_same_weights(digits):
    x, y = (part[:200] for part in digits)
    hashes = [next(train(x, y, rng=np.random.default_rng(s)))[2].sha256 for s in (0, 0, 1)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_features_and_probabilities_do_not_depend_on_the_batch(classifier, digits):
    x = digits[0][:700]
    features, p = classifier.features(x), classifier.probabilities(x)
    assert features.shape == (700, FEATURES) and features.min() >= 0
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(classifier.features(x[600:601]), features[600:601], atol=1e-4)
    np.testing.assert_array_equal(classifier.probabilities(x), p)  # a pass changes nothing
    for one, other in zip(classifier(x), (features, p), strict=True):
        np.testing.assert_array_equal(one, other)


def test_results_are_on_the_backend_of_the_weights(digits):
    x, y = digits[0][:20], digits[1][:20]
    here, there = Classifier.shipped(), Classifier.shipped("guard")
    assert here.sha256 == there.sha256
    for images in (x, Tensor(x).to("guard").data):
        for classifier in (here, there):
            for answer, known in zip(classifier(images), here(x), strict=True):
                backend = "guard" if classifier is there else "numpy"
                assert isinstance(answer, backends.get(backend).array_type)
                got = backends.of(answer).to_host(answer)
                np.testing.assert_allclose(got, known, rtol=1e-4, atol=1e-4)
            assert classifier.accuracy(images, y) == 1.0


def test_each_image_is_shifted_by_its_own_offset():
    images = np.zeros((300, 1, 7, 7), np.float32)
    images[:, :, 3, 3] = 1
    moved = shifted(images, np.random.default_rng(0))
    assert moved.shape == images.shape and (moved.sum(axis=(1, 2, 3)) == 1).all()
    places = {tuple(np.argwhere(image[0])[0]) for image in moved}
    assert places == {(i, j) for i in range(1, 6) for j in range(1, 6)}


def test_color_images_of_another_size_and_number_of_classes():
    """Blue, dark and yellow images with noise are classified, also after a round trip."""
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=300)
    colors = np.array([[0, 0, 1], [0, 0, 0], [1, 1, 0]])[y]
    x = (0.2 * rng.random((300, 3, 8, 12)) + 0.8 * colors[:, :, None, None]).astype(np.float32)
    sizes = {"shape": (3, 8, 12), "classes": 3}
    *_, (_, _, found) = train(x[:200], y[:200], rng=rng, epochs=5, batch=20, **sizes)
    assert found.accuracy(x[200:], y[200:]) == 1 and found.classes == 3
    assert found.features(x).shape == (300, FEATURES)
    again = Classifier.restored(found.state_dict(), **sizes)
    np.testing.assert_array_equal(again.probabilities(x), found.probabilities(x))
    assert again.sha256 == found.sha256
    with pytest.raises(ValueError, match=r"expected shape \(N, 3, 8, 12\)"):
        again.features(np.zeros((1, 1, 28, 28)))
    with pytest.raises(ValueError, match=r"expected 0\.\.2, got labels\[0\] = 3"):
        again.accuracy(x[:1], np.array([3]))
    with pytest.raises(ValueError, match=r"expected 0\.\.2, got labels\[0\] = 3"):
        next(train(x[:1], np.array([3]), rng=rng, **sizes))
    with pytest.raises(ValueError, match="expected"):
        Classifier.restored(found.state_dict())  # not the weights of a classifier of digits
    with pytest.raises(ValueError, match=r"divisible by 4, got \(1, 30, 28\)"):
        next(train(np.zeros((1, 1, 30, 28)), y[:1], rng=rng, shape=(1, 30, 28)))
    with pytest.raises(ValueError, match=r"divisible by 4, got \(1, 28, 30\)"):
        next(train(np.zeros((1, 1, 28, 30)), y[:1], rng=rng, shape=(1, 28, 30)))


def test_all_channels_are_shifted_by_the_same_offset():
    rng, images = np.random.default_rng(0), np.random.default_rng(1).random((50, 3, 5, 6))
    moved = shifted(images, rng)
    for channel in range(3):
        alone = shifted(images[:, channel : channel + 1], np.random.default_rng(0))
        np.testing.assert_array_equal(moved[:, channel : channel + 1], alone)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((3, 28, 28)), r"expected shape \(N, 1, 28, 28\), N >= 1, got \(3, 28, 28\)"),
        (np.zeros((0, 1, 28, 28)), r"expected shape"),
        (np.full((2, 1, 28, 28), 255), r"expected numbers in \[0, 1\], got 255 to 255"),
        (np.full((2, 1, 28, 28), -1), r"expected numbers in \[0, 1\], got -1 to -1"),
        (np.full((2, 1, 28, 28), np.nan), r"expected numbers in \[0, 1\]"),
        (np.full((2, 1, 28, 28), 1j), "expected numbers, got complex128"),
        (np.full((2, 1, 28, 28), "x"), "expected numbers, got <U1"),
        ([[0.0]], "expected an array, got list"),
    ],
)
def test_other_images_are_refused(classifier, images, message):
    with pytest.raises((ValueError, TypeError), match=f"images: {message}"):
        classifier.features(images)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(3, int), r"expected integers \(5,\), got int64 \(3,\)"),
        (np.zeros((5, 1), int), r"got int64 \(5, 1\)"),
        (np.zeros(5), "got float64"),
        (np.array([0, 1, 2, 3, 10]), r"expected 0\.\.9, got labels\[4\] = 10"),
        (np.array([0, 1, 2, 3, -1]), r"expected 0\.\.9, got labels\[4\] = -1"),
    ],
)
def test_other_labels_are_refused(classifier, digits, labels, message):
    with pytest.raises(ValueError, match=f"labels: .*{message}"):
        classifier.accuracy(digits[0][:5], labels)
    with pytest.raises(ValueError, match=f"labels: .*{message}"):
        next(train(digits[0][:5], labels, rng=np.random.default_rng(0)))


# The command.


def command(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["train_classifier", *map(str, arguments)])
    return train_classifier.main()


@pytest.fixture
def few(monkeypatch, digits):
    """The first 20 images of each data set for training, and 1500 test images."""
    sets = {"train": digits, "test": [part[-1500:] for part in digits]}
    monkeypatch.setattr(train_classifier, "labeled", lambda name, split: sets[split])
    short = lambda x, y, **options: train(x[:20], y[:20], batch=10, **options)  # noqa: E731
    monkeypatch.setattr(train_classifier, "train", short)


def test_it_prints_the_accuracy_on_held_out_and_test_images(few, monkeypatch, capsys, tmp_path):
    out = tmp_path / "c.safetensors"
    assert command(monkeypatch, "--data", "digits", "--epochs", 1, "-o", out) == 0
    said = capsys.readouterr().out
    for words in ("epoch 1: loss", "held out", "MNIST's 10,000 test images", "SHA-256"):
        assert words in said
    arrays, about = storage.load(out)
    assert about["data"] == "digits" and 0 <= about["test"] <= 1
    assert {a.dtype for a in arrays.values()} == {np.dtype(np.float16)}
    monkeypatch.setattr("tinygan.metrics.classifier.FILE", out)
    assert Classifier.shipped().sha256 in said  # the saved weights are the measured ones


def missing(name, split):
    raise InputError("mnist: the network is down")


def test_without_test_images_it_trains_and_prints_the_reason(few, monkeypatch, capsys, digits):
    labeled = lambda name, split: digits if split == "train" else missing(name, split)  # noqa: E731
    monkeypatch.setattr(train_classifier, "labeled", labeled)
    assert command(monkeypatch, "--data", "digits", "--epochs", 1) == 0
    said = capsys.readouterr().out
    assert "without MNIST's test images: mnist: the network is down" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", 0], "--epochs: expected a whole number from 1 to"),
        (["--seed", -1], "--seed: expected a whole number from 0 to"),
        (["-o", "no/c.safetensors"], "-o no/c.safetensors: there is no folder"),
        (["--data", "cifar10"], "invalid choice: 'cifar10'"),
    ],
)
def test_wrong_options_end_before_any_work(monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(train_classifier, "train", lambda *a, **k: pytest.fail("training began"))
    with pytest.raises(SystemExit) as ended:
        command(monkeypatch, *arguments)
    assert ended.value.code == 2 and message in capsys.readouterr().err


def test_without_data_it_prints_the_reason(monkeypatch, capsys):
    monkeypatch.setattr(train_classifier, "load", missing)
    with pytest.raises(SystemExit) as ended:
        command(monkeypatch)
    assert ended.value.code == 2 and "the network is down" in capsys.readouterr().err
