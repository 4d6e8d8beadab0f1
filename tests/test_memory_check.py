"""A run whose rounds do not fit the memory of its device is refused before it begins."""

import dataclasses

import guard  # noqa: F401  (registers the backend)
import pytest

from tinygan import InputError, backend
from tinygan.training import Config, Session, memory_check, train

FIXED, EACH = 1000, 10  # bytes of a round, and of each example


@pytest.fixture
def device(monkeypatch):
    """The guard backend with a count of its memory, of which `free` bytes are free."""
    taken = {"held": 0, "free": 10_000}
    plain = backend.get("guard")
    counted = dataclasses.replace(
        plain,
        held=lambda: taken["held"],
        free=lambda: taken["free"],
        release=lambda: taken.update(held=0),
    )
    monkeypatch.setattr(backend, "get", lambda name: counted if name == "guard" else backend.numpy)
    play = Session.play_round

    def counting(session):
        taken["held"] = max(taken["held"], FIXED + EACH * session.config.batch)
        return play(session)

    monkeypatch.setattr(Session, "play_round", counting)
    return taken


def config(batch, **options):
    return Config(model="mlp-small", steps=1, backend="guard", batch=batch, **options)


def test_the_error_names_a_minibatch_that_fits(device, tmp_path):
    with pytest.raises(InputError, match=r"--batch 901: .* --batch 900 would fit"):
        train(config(901), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
    memory_check.check_memory(config(900))


def test_small_minibatches_and_the_host_are_not_checked(device, monkeypatch):
    monkeypatch.setattr(memory_check, "Session", None)  # nothing is built
    device["free"] = 1
    memory_check.check_memory(config(256))
    memory_check.check_memory(Config(model="mlp-small", batch=4096))
