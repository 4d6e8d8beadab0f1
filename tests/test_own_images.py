"""The path of a user with a folder of photographs, by the commands: from a broken file to samples.

The network is refused.
"""

import json
import shlex
import socket

import numpy as np
import pytest
from PIL import Image

from tinygan import data, storage
from tinygan.commands import parser
from tinygan.data import image_folder
from tinygan.errors import InputError
from tinygan.training import Config, Sampler, ranks, train
from tinygan.training.run_folder import RunFolder
from tinygan.training.session import Session

RNG = np.random.default_rng(0)
QUICK = "--width 0.1 --batch 8"


def photograph(width: int, height: int, mode: str = "RGB") -> Image.Image:
    corners = RNG.integers(0, 256, (3, 3, 3), np.uint8)
    return Image.fromarray(corners).resize((width, height)).convert(mode)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty folder without a network, which has the folder photos."""

    def refused(*args):
        pytest.fail("a connection to the network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(12):
        photograph(*RNG.integers(20, 90, 2)).save(folder / f"{i:02}.jpg")
    photograph(50, 40, "L").save(folder / "gray.png")
    photograph(50, 40, "CMYK").save(folder / "cmyk.jpg")
    photograph(50, 40, "RGBA").save(folder / "alpha.png")
    photograph(50, 40, "P").save(folder / "palette.png")
    frames = [photograph(40, 40) for _ in range(3)]
    frames[0].save(folder / "animated.gif", save_all=True, append_images=frames[1:])
    return tmp_path


GOOD = 17  # images


@pytest.fixture
def damaged(place):
    """Two images that cannot be read, beside the others."""
    content = (place / "photos/03.jpg").read_bytes()
    (place / "photos/broken.jpg").write_bytes(content[: len(content) // 2])
    Image.fromarray(np.full((40, 40), np.nan, np.float32)).save(place / "photos/float.tif")


def tinygan(command: str, status: int = 0) -> None:
    assert parser.main(shlex.split(command)) == status


def test_the_whole_path_by_the_commands(place, damaged, capfd):
    tinygan("train --data folder:photos --size 64", status=2)
    (line,) = capfd.readouterr().err.splitlines()
    assert "photos/broken.jpg: cannot be read as an image" in line and "--skip-broken" in line
    assert not (place / "runs").exists()

    options = f"--data folder:photos --skip-broken --size 64 --flip {QUICK}"
    tinygan(f"train {options} --steps 2")
    out, err = capfd.readouterr()
    run = "runs/001-dcgan-non-saturating"
    lines = err.replace("\r", "\n").splitlines()
    left_out = [line for line in lines if line.startswith("left out: ")]
    assert ["broken.jpg" in line for line in left_out] == [True, False]
    assert ["float.tif: has pixels of type F" in line for line in left_out] == [False, True]
    assert "left out 2 images that cannot be read" in lines
    assert f"{run}/data.png: the images as the networks see them" in lines
    assert f"tinygan sample {run}" in out and "data.png" in out
    again = f"--data folder:{place / 'photos'} --size 64 --skip-broken --flip --game least-squares"
    assert f"\n  tinygan train {again}\n" in out
    assert json.loads((place / run / "config.json").read_text())["flip"] is True
    with Image.open(place / run / "data.png") as picture:
        assert picture.mode == "RGB" and min(picture.size) > 4 * 64

    tinygan(f"train --resume {run} --steps 4 --quiet")
    tinygan(f"train {options} --steps 4 --out straight")
    state = storage.load(RunFolder("straight").checkpoint)[0]
    for name, array in storage.load(RunFolder(run).checkpoint)[0].items():
        if name != "frames":
            np.testing.assert_array_equal(array, state[name])
    tinygan(f"sample {run} -n 4 -o grid.png")
    tinygan(f"verify {run}")
    assert (place / "grid.png").is_file()


def test_one_image_left_out_is_one_image(place, capfd):
    (place / "photos/broken.jpg").write_bytes(b"no image")
    options = f"--data folder:photos --skip-broken --size 8 --game least-squares {QUICK}"
    tinygan(f"train {options} --steps 1 --ranks 1")
    out, err = capfd.readouterr()
    assert "left out 1 image that cannot be read" in err.replace("\r", "\n").splitlines()
    assert "--size 8 --skip-broken --game non-saturating\n" in out


@pytest.mark.parametrize(
    ("size", "mode", "flip"), [(16, "gray", False), (32, "color", True), (48, "gray", True)]
)
def test_a_folder_trains_at_the_size_and_colors_asked_for(size, mode, flip):
    config = Config(
        data="folder:photos", size=size, mode=mode, flip=flip, width=0.1, batch=4, steps=1
    )
    folder = train(config, "run", progress=False)
    assert config.model == "dcgan"
    shape = (3 if mode == "color" else 1, size, size)
    assert Sampler(folder.path).draw(2).shape == (2, *shape)
    session, _ = folder.load()
    assert session.data.images.shape == (GOOD * (1 + flip), *shape)


@pytest.mark.parametrize("size", [96, 128])
def test_a_round_at_large_sizes(size):
    session = Session(Config(data="folder:photos", size=size, width=0.05, batch=4))
    result = session.play_round()
    assert np.isfinite(result.d_loss.item()) and session.config.model == "dcgan"


def test_the_mirror_images_are_added_and_their_order_follows_from_the_seed():
    plain, one, two, other = (
        Session(Config(data="folder:photos", model="mlp-small", flip=flip, seed=seed))
        for flip, seed in ((False, 0), (True, 0), (True, 0), (True, 1))
    )
    images = one.data.images
    np.testing.assert_array_equal(images[:GOOD], plain.data.images)
    np.testing.assert_array_equal(images[GOOD:], plain.data.images[..., ::-1])
    batches = [session.data(10).numpy() for session in (one, two, other)]
    np.testing.assert_array_equal(batches[0], batches[1])
    assert (batches[0] != batches[2]).any()


def test_images_left_out_are_named_and_labels_stay_with_their_images(place):
    for name, color in (("a/1.png", 10), ("a/2.png", 20), ("b/3.png", 30), ("b/4.png", 40)):
        path = place / "classes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (9, 9), color).save(path)
    (place / "classes/a/2.png").write_bytes(b"not an image")
    reasons: list[str] = []
    found = data.load("folder:classes", size=4, mode="gray", skip=reasons.append)
    assert found.images[:, 0, 0, 0].tolist() == [10, 30, 40] and found.labels.tolist() == [0, 1, 1]
    (reason,) = reasons
    assert "a/2.png: cannot be read" in reason and "--skip-broken" not in reason


def test_a_folder_without_any_image_that_can_be_read_is_refused(place):
    (place / "bad").mkdir()
    (place / "bad/a.jpg").write_bytes(b"")
    with pytest.raises(InputError, match="folder:bad: none of its 1 images can be read"):
        data.load("folder:bad", skip=lambda reason: None)


def test_of_many_images_left_out_ten_are_named(place, capfd):
    for i in range(12):
        (place / f"photos/bad{i:02}.jpg").write_bytes(b"")
    tinygan(f"train --data folder:photos --skip-broken --steps 1 {QUICK} --ranks 2 --quiet")
    err = capfd.readouterr().err
    assert err.count("left out: ") == 10 and "bad09" in err and "bad10" not in err
    assert err.count("left out 12 images that cannot be read, of which 10 are named above") == 1


def test_an_animation_gives_its_first_frame(place):
    (place / "one").mkdir()
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save(place / "one/a.gif", save_all=True, append_images=frames[1:])
    image = data.load("folder:one", size=8).images[0]
    assert image[:, 0, 0].tolist() == [255, 0, 0]


def test_the_images_are_read_once(monkeypatch):
    """The number of ranks depends on their shape alone."""
    monkeypatch.setattr(image_folder, "_read", lambda *args: pytest.fail("an image is read"))
    monkeypatch.setattr(ranks.cpu, "cores", lambda: 2)
    monkeypatch.setattr(ranks.cpu, "threads_are_set", lambda: False)
    assert ranks.useful_ranks(Config(data="folder:photos", size=64, width=2)) in (1, 2)


def test_a_run_of_an_older_version_resumes(place):
    """Its options have other names, and some are missing."""
    folder = train(
        Config(data="folder:photos", size=16, mode="gray", width=1, batch=4, steps=1),
        "run",
        progress=False,
    )
    arrays, meta = storage.load(folder.checkpoint)
    old = {"folder_size": meta["config"].pop("size"), "folder_mode": meta["config"].pop("mode")}
    for name in ("width", "flip", "skip_broken"):
        del meta["config"][name]
    meta["config"] |= old
    storage.save(folder.checkpoint, arrays, meta)
    tinygan("train --resume run --steps 2 --quiet")  # config.json has the new names
    folder.config.write_text(json.dumps(meta["config"]))
    tinygan("train --resume run --steps 3 --quiet")
    assert Config.from_dict(folder.options()).size == 16


def test_a_picture_of_few_images_has_each_once(place):
    (place / "two").mkdir()
    for name in "ab":
        photograph(20, 30).save(place / f"two/{name}.png")
    train(Config(data="folder:two", size=16, width=0.1, batch=2, steps=1), "run", progress=False)
    with Image.open(place / "run/data.png") as picture:
        assert 1.5 < picture.width / picture.height < 2.5
