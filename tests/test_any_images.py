"""evaluate on the user's own images, with labels or without, offline, by the commands."""

import json
import socket

import numpy as np
import pooch
import pytest
from PIL import Image

from tinygan import InputError, data
from tinygan.commands.parser import main
from tinygan.experiments import trained_classifier
from tinygan.metrics import image_sets
from tinygan.metrics.classifier import FEATURES
from tinygan.metrics.frechet import frechet_distance
from tinygan.metrics.random_features import RandomFeatures

N = 2 * image_sets.MINIMUM
SIZE = 16


def scenes(n, seed, size=SIZE):
    """Color images (n, 3, size, size), uint8: two colored rectangles on a gradient."""
    rng = np.random.default_rng(seed)
    ends = rng.integers(0, 256, (2, n, 3, 1, 1))
    at = np.linspace(0, 1, size)[:, None]
    images = np.broadcast_to(ends[0] * at + ends[1] * (1 - at), (n, 3, size, size)).copy()
    for image in images:
        for _ in range(2):
            top, left = rng.integers(0, size * 3 // 4, 2)
            height, width = rng.integers(size // 4, size, 2)
            image[:, top : top + height, left : left + width] = rng.integers(0, 256, (3, 1, 1))
    return images.astype(np.uint8)


def write(folder, images):
    """Write a .png file for each image."""
    folder.mkdir(parents=True)
    for i, image in enumerate(images):
        Image.fromarray(image.transpose(1, 2, 0)).save(folder / f"{i}.png")


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*args):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of images without labels, and a run on it."""
    root = tmp_path_factory.mktemp("own")
    write(root / "photos", scenes(N, 0))
    return trained(root / "photos", root / "run")


def trained(folder, out):
    of_folder = ["--data", f"folder:{folder}", "--size", str(SIZE), "--mode", "color"]
    quick = ["--model", "mlp-small", "--steps", "3", "--quiet", "--out", str(out), "--ranks", "1"]
    assert main(["train", *of_folder, *quick]) == 0
    return out


def evaluated(run, capsys, *options):
    """The output and the record of the command."""
    capsys.readouterr()
    status = main(["evaluate", str(run), *map(str, options)])
    out, err = capsys.readouterr()
    assert status == 0, err
    return out, json.loads((run / "evaluation.json").read_text())


def refused(run, capsys, *options):
    """The error of the command, which is one line."""
    capsys.readouterr()
    assert main(["evaluate", str(run), *map(str, options)]) == 2
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1
    return err


def test_images_without_labels_are_compared_in_random_features(photos, capsys):
    out, found = evaluated(photos, capsys)
    half = image_sets.MINIMUM
    assert f"{half} samples of {photos}, seed 0, against {half} training images of folder:" in out
    assert list(found["rows"]) == ["this run", "real images", "blur", "noise"]
    for words in ("a random network, which knows no objects", "no test for copies",
                  "folder:PATH, or by --against test if the data set has test images",
                  "Frechet, in order: real images"):  # fmt: skip
        assert words in out
    for absent in ("class 0", "Parzen", "copying z", "k-means", "classifier"):
        assert absent not in out
    rows = found["rows"]
    assert rows["real images"]["frechet"] < rows["blur"]["frechet"] < rows["noise"]["frechet"]
    assert rows["real images"]["coverage"] > 0.8 > rows["noise"]["coverage"]


def test_another_folder_is_the_reference_without_the_images_of_training(photos, tmp_path, capsys):
    write(tmp_path / "other", np.concatenate([scenes(N, 0)[:5], scenes(image_sets.MINIMUM, 1)]))
    out, found = evaluated(photos, capsys, "--against", f"folder:{tmp_path / 'other'}")
    assert found["n"] == image_sets.MINIMUM and "copying z" in out
    assert f"images of folder:{tmp_path / 'other'}: 5 were left out" in out
    assert abs(found["rows"]["real images"]["copying_z"]) < 3


def test_labels_train_a_classifier_unless_random_features_are_asked_for(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(trained_classifier, "SEEN", 2000)
    images = scenes(N, 2)
    dark = images[: N // 4] // 8
    write(tmp_path / "own" / "dark", dark)
    write(tmp_path / "own" / "light", images[N // 4 :])
    run = trained(tmp_path / "own", tmp_path / "run")
    out, found = evaluated(run, capsys)
    assert "a classifier of 2 classes, trained with tinygan" in out and "class 2" not in out
    real, one = (found["rows"][name] for name in ("real images", "one class alone"))
    assert real["class_0"] + real["class_1"] == found["n"] and one["class_1"] > 0.9 * found["n"]
    assert one["class_0"] < real["class_0"] / 2 and real["class_1"] > found["n"] / 2
    assert list((tmp_path / "cache").rglob("*.safetensors"))
    out, other = evaluated(run, capsys, "--features", "random")
    assert "a random network" in out and "one class alone" in out
    assert other["network"] != found["network"]


def test_what_cannot_be_compared_is_one_line(photos, tmp_path, capsys):
    write(tmp_path / "few", scenes(7, 3))
    write(tmp_path / "same", scenes(N, 0))
    for options, message in (
        (["--against", "test"], "has no test images; expected train, or folder:PATH with images"),
        (["--against", f"folder:{tmp_path / 'few'}"], "at least 200 images to compare, got 7"),
        (["--against", f"folder:{tmp_path / 'same'}"], "got 0 (400 more are training images)"),
        (["--against", "folder:nowhere"], "where PATH is a folder that exists"),
        (["--features", "classifier"], "expected labels for a classifier, got none"),
    ):
        assert message in refused(photos, capsys, *options)
    few = data.load(f"folder:{tmp_path / 'few'}", size=SIZE, mode="color")
    with pytest.raises(InputError, match="at least 400 images, for two sets of 200, got too few"):
        image_sets.real(few, None, 10_000, (3, SIZE, SIZE), rng=np.random.default_rng(0))


def test_a_folder_of_one_class_has_no_labels():
    rng, images = np.random.default_rng(0), scenes(N, 0)
    one = data.Dataset("folder:x", images, np.zeros(N, np.int64), ("only",))
    assert image_sets.real(one, None, 500, images.shape[1:], rng=rng).labels is None


@pytest.mark.parametrize("seed", range(5))
def test_random_features_rank_real_images_then_blur_then_noise(seed):
    images = scenes(N, seed, 32).astype(np.float32) / 255
    reference, other = images[::2], images[1::2]
    network = RandomFeatures(reference)
    blurred = image_sets.box_blur(other, 5)
    noise = np.random.default_rng(seed).random(other.shape, dtype=np.float32)
    gray = np.full_like(other, 0.5)
    real, blur, noisy, flat = (
        frechet_distance(network(reference)[0], network(x)[0])
        for x in (other, blurred, noise, gray)
    )
    assert 1.1 * real < blur < noisy and 3 * real < flat


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 7), (1, 28, 28), (3, 64, 64)])
def test_random_features_of_any_size_are_finite_and_the_same_again(shape):
    images = np.random.default_rng(0).random((4, *shape), dtype=np.float32)
    one, other = RandomFeatures(images), RandomFeatures(images)
    features, none = one(images)
    assert features.shape == (4, FEATURES) and none.shape == (4, 0) and one.classes == 0
    np.testing.assert_array_equal(features, other(images)[0])
    assert one.sha256 == other.sha256 != RandomFeatures(images / 2).sha256
    assert np.isfinite(RandomFeatures(np.zeros_like(images))(images)[0]).all()
    used = features.std(axis=0)
    np.testing.assert_allclose(used[used > 0], 1, rtol=1e-3)
    with pytest.raises(ValueError, match="images: expected shape"):
        one(images[:, :, :, :0])
