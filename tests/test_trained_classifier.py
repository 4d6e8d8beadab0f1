"""The classifier of a labeled data set: trained once, cached, and read again only for the same
data."""

import dataclasses

import guard  # noqa: F401  (registers the backend)
import numpy as np
import pooch
import pytest

from tinygan import InputError, storage
from tinygan import backend as backends
from tinygan.data import Dataset
from tinygan.experiments import trained_classifier as module
from tinygan.experiments.trained_classifier import trained_classifier


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(module, "SEEN", 600)
    return tmp_path / "cache" / "tinygan" / "classifiers"


@pytest.fixture
def trainings(monkeypatch):
    """The number of images of each training."""
    found, train = [], module.train
    counted = lambda x, y, **k: found.append(len(x)) or train(x, y, batch=20, **k)  # noqa: E731
    monkeypatch.setattr(module, "train", counted)
    return found


def bars(n=200, name="folder:my/bars"):
    """Color images (3, 8, 8) with a horizontal bar in one of three channels, the class."""
    rng = np.random.default_rng(0)
    labels, images = rng.integers(3, size=n), np.zeros((n, 3, 8, 8), np.uint8)
    images[np.arange(n), labels, rng.integers(2, 6, n)] = 255
    return Dataset(name, images, labels, ("red", "green", "blue"))


def test_it_is_trained_once_and_classifies(cache, trainings, capsys):
    data = bars()
    first, second = trained_classifier(data), trained_classifier(data)
    assert trainings == [200] and first.sha256 == second.sha256
    assert second.accuracy(data.images / 255, data.labels) == 1
    (path,) = cache.iterdir()
    assert path.name.startswith("folder-my-bars-")
    assert "a classifier for folder:my/bars, trained once" in capsys.readouterr().err
    path.unlink()
    assert trained_classifier(data).sha256 == first.sha256  # the seed is fixed
    assert trainings == [200, 200]


def test_other_images_labels_or_names_train_another_one(cache, trainings):
    data = bars(60)
    changed = data.images.copy()
    changed[0, 0, 0, 0] += 1
    for other in (
        data,
        dataclasses.replace(data, images=changed),
        dataclasses.replace(data, labels=(data.labels + 1) % 3),
        dataclasses.replace(data, name="bars" * 100),
        dataclasses.replace(data, classes=("a", "b", "c")),
        dataclasses.replace(data, images=data.images.reshape(60, 3, 4, 16)),
    ):
        trained_classifier(other)
    assert len(trainings) == len(list(cache.iterdir())) == 6


def test_images_without_a_label_are_ignored_and_many_are_sampled(cache, trainings, monkeypatch):
    data = bars(60)
    data.labels[:25] = -1
    trained_classifier(data)
    monkeypatch.setattr(module, "IMAGES", 30)
    trained_classifier(data)
    assert trainings == [35, 30]


def test_images_are_drawn_at_random_and_seen_a_number_of_times_in_all(cache, monkeypatch):
    given, train = [], module.train
    monkeypatch.setattr(module, "IMAGES", 30)

    def noted(x, y, epochs, **options):
        given.append((epochs, len(set(y)), x.max()))
        return train(x, y, epochs=1, **options)

    monkeypatch.setattr(module, "train", noted)
    data = bars(90)
    ordered = np.argsort(data.labels)  # the first images are all of one class
    data = dataclasses.replace(data, images=data.images[ordered], labels=data.labels[ordered])
    few = dataclasses.replace(data, images=data.images[10:80:10], labels=data.labels[10:80:10])
    monkeypatch.setattr(module, "SEEN", 50)
    for each in (data, few):
        trained_classifier(each)
    monkeypatch.setattr(module, "SEEN", 10**6)
    trained_classifier(data)
    assert given == [(2, 3, 1), (8, 3, 1), (module.EPOCHS, 3, 1)]


def test_a_damaged_file_is_replaced(cache, trainings, capsys):
    data = bars(60)
    known = trained_classifier(data).sha256
    (path,) = cache.iterdir()
    for content in (b"", path.read_bytes()[:-1]):
        path.write_bytes(content)
        assert trained_classifier(data).sha256 == known
        assert f"{path}: damaged" in capsys.readouterr().err
    assert trained_classifier(data).sha256 == known and len(trainings) == 3
    storage.save(path, {"body/0.weight": np.zeros(3, np.float32)}, {})  # of another network
    assert trained_classifier(data).sha256 == known and len(trainings) == 4
    assert "trained again" in capsys.readouterr().err


def test_without_a_cache_it_is_trained_and_used(cache, trainings, capsys):
    cache.parent.mkdir(parents=True)
    cache.write_text("a file, not a folder")
    data = bars()
    assert trained_classifier(data).accuracy(data.images / 255, data.labels) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("the classifier cannot be kept for the next run: ")
    assert str(cache) in said[-1]


def test_it_is_on_the_backend_that_was_asked_for(cache, trainings):
    data = bars(60)
    for _ in ("trained", "read"):
        found = trained_classifier(data, "guard").features(data.images[:2] / 255)
        assert isinstance(found, backends.get("guard").array_type)
    assert len(trainings) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": None, "classes": None}, "data 'bars': expected labels for a classifier, got"),
        ({"labels": np.full(60, -1)}, "data 'bars': expected labels"),
        ({"images": np.zeros((60, 1, 30, 28), np.uint8)}, "divisible by 4, got 30 x 28"),
        ({"images": np.zeros((60, 1, 28, 30), np.uint8)}, "divisible by 4, got 28 x 30"),
    ],
)
def test_other_data_are_refused(cache, trainings, changes, message):
    with pytest.raises(InputError, match=message):
        trained_classifier(dataclasses.replace(bars(60, "bars"), **changes))
    assert trainings == []
