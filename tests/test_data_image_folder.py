"""folder:PATH: images of any format become square arrays; the error for another file names it."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tinygan.data import load
from tinygan.errors import InputError

RNG = np.random.default_rng(0)


def picture(mode: str = "RGB", size: tuple[int, int] = (28, 28)) -> Image.Image:
    return Image.fromarray(RNG.integers(0, 256, (*size[::-1], 3), np.uint8)).convert(mode)


def packed(kind: str) -> bytes:
    file = io.BytesIO()
    picture().save(file, kind)
    return file.getvalue()


def read(folder, **options):
    return load(f"folder:{folder}", **{"size": 28, "mode": "gray"} | options)


def test_images_of_the_right_size_do_not_change_and_are_in_the_order_of_their_names(tmp_path):
    pictures = {name: picture("L") for name in ("b.png", "a.bmp", "c.pgm")}
    for name, each in pictures.items():
        each.save(tmp_path / name)
    data = read(tmp_path)
    assert (data.images.shape, data.images.dtype) == ((3, 1, 28, 28), np.uint8)
    for image, name in zip(data.images, sorted(pictures), strict=True):
        np.testing.assert_array_equal(image[0], np.asarray(pictures[name]))
    assert data.labels is None and data.classes is None
    assert data.name == f"folder:{tmp_path}"


def test_color_is_channels_first(tmp_path):
    each = picture()
    each.save(tmp_path / "a.png")
    image = read(tmp_path, mode="color").images[0]
    np.testing.assert_array_equal(image, np.asarray(each).transpose(2, 0, 1))


@pytest.mark.parametrize("size", [(60, 20), (20, 60)])
def test_the_central_square_is_kept(tmp_path, size):
    pixels = np.zeros((size[1], size[0]), np.uint8)
    middle = (slice(20, 40), slice(None)) if size[1] > size[0] else (slice(None), slice(20, 40))
    pixels[middle] = 200
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert (read(tmp_path, size=10).images == 200).all()


@pytest.mark.parametrize("size", [1, 28, 64])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK"])
def test_every_usual_kind_of_pixel_and_every_size_is_read(tmp_path, mode, size):
    picture(mode, (33, 47)).save(tmp_path / "a.tif")
    for name, channels in (("gray", 1), ("color", 3)):
        images = read(tmp_path, size=size, mode=name).images
        assert images.shape == (1, channels, size, size)


@pytest.mark.parametrize("kind", ["png", "jpeg", "bmp", "gif", "webp", "tiff", "ppm"])
def test_every_usual_format_is_read_with_a_suffix_in_capitals(tmp_path, kind):
    (tmp_path / f"a.{kind.upper()}").write_bytes(packed(kind))
    assert len(read(tmp_path).images) == 1


def test_transparent_pixels_become_white(tmp_path):
    pixels = np.zeros((28, 28, 4), np.uint8)
    pixels[:14, :, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    image = read(tmp_path).images[0, 0]
    assert (image[:14] == 0).all() and (image[14:] == 255).all()


def test_a_palette_with_transparency_gives_no_warning(tmp_path):
    picture("P").save(tmp_path / "a.png", transparency=bytes(range(256)))
    assert len(read(tmp_path).images) == 1


def test_a_photograph_is_rotated_by_its_exif(tmp_path):
    each, exif = picture("L"), Image.Exif()
    exif[0x0112] = 3  # upside down
    each.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read(tmp_path).images[0, 0], np.asarray(each)[::-1, ::-1])


def test_sub_folders_are_classes_when_every_image_is_in_one(tmp_path):
    for name in ("dog/b.png", "cat/a.png", "dog/deep/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        picture().save(tmp_path / name)
    data = read(tmp_path)
    assert data.classes == ("cat", "dog")
    assert data.labels.tolist() == [0, 1, 1]
    assert data.labels.dtype == np.int64
    picture().save(tmp_path / "stray.png")
    data = read(tmp_path)
    assert len(data.images) == 4
    assert data.labels is None and data.classes is None


def test_hidden_files_and_other_formats_are_skipped(tmp_path):
    picture().save(tmp_path / "a.png")
    (tmp_path / "._a.png").write_bytes(b"not an image")
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / ".thumbs").mkdir()
    (tmp_path / ".thumbs" / "a.png").write_bytes(b"not an image")
    assert len(read(tmp_path).images) == 1


@pytest.mark.parametrize("path", ["", "nowhere", "a\0b", __file__])
def test_a_path_that_is_no_folder_is_refused(path):
    with pytest.raises(InputError, match="expected folder:PATH"):
        load(f"folder:{path}")


def test_an_empty_folder_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(InputError, match=r"no images in it; expected files \.png"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"split": "test"}, "a folder is one split"),
        ({"mode": "sepia"}, "expected one of gray, color"),
        ({"size": 0}, "expected 1 to 1024"),
        ({"size": 5000}, "expected 1 to 1024"),
    ],
)
def test_unknown_options_are_refused(tmp_path, options, words):
    picture().save(tmp_path / "a.png")
    with pytest.raises(InputError, match=words):
        read(tmp_path, **options)


@pytest.mark.parametrize(
    "content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n", b"GIF89a", packed("eps")]
)  # EPS too: Pillow would give it to another program
def test_the_error_names_a_file_that_is_no_image(tmp_path, content):
    picture().save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(content)
    with pytest.raises(InputError, match=r"b\.png: cannot be read as an image") as caught:
        read(tmp_path)
    assert "BytesIO" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_is_skipped_and_the_error_names_a_broken_link(tmp_path):
    picture().save(tmp_path / "a.png")
    os.mkfifo(tmp_path / "b.png")
    assert len(read(tmp_path).images) == 1
    (tmp_path / "c.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(InputError, match=r"c\.png: cannot be read"):
        read(tmp_path)


@pytest.mark.parametrize("times", [1.5, 3])
def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch, times):
    """Pillow only warns up to twice its limit."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", int(28 * 28 / times))
    picture().save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png: .*bomb"):
        read(tmp_path)


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32])
def test_pixels_of_more_than_8_bits_are_refused_not_clipped(tmp_path, kind):
    Image.fromarray(np.full((28, 28), 1000, kind)).save(tmp_path / "a.tif")
    with pytest.raises(InputError, match="expected 8 bits per channel"):
        read(tmp_path)


def png(color: int, channels: int) -> bytes:
    """A PNG of 16 bits per channel, which Pillow cannot write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        parts = struct.pack(">I", len(content)), kind, content
        return b"".join((*parts, struct.pack(">I", zlib.crc32(kind + content))))

    rows = zlib.compress((b"\0" + bytes(2 * channels * 4)) * 4)
    header = struct.pack(">IIBBBBB", 4, 4, 16, color, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


def tiff() -> bytes:
    """A TIFF of 16 bits for each of three channels."""
    numbers = {256: 4, 257: 4, 259: 1, 262: 2, 277: 3, 278: 4, 279: 96, 284: 1}
    entries = [(tag, 4, 1, value) for tag, value in numbers.items()]
    end = 8 + 2 + 12 * 10 + 4
    entries = sorted([*entries, (258, 3, 3, end), (273, 4, 1, end + 6)])
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    start = b"II*\0" + struct.pack("<IH", 8, 10)
    return start + body + bytes(4) + struct.pack("<3H", 16, 16, 16) + bytes(96)


DEEP = {
    **{f"{name}.png": png(color, n) for name, color, n in [("gray", 0, 1), ("rgb", 2, 3)]},
    **{f"{name}.png": png(color, n) for name, color, n in [("gray-a", 4, 2), ("rgba", 6, 4)]},
    "color.tif": tiff(),
    "color.ppm": b"P6 4 4 65535\n" + bytes(96),
    "some.ppm": b"P6 4 4 1000\n" + bytes(96),
    "plain.ppm": b"P3 4 4 1000\n" + b"0 " * 48,
    "gray.pgm": b"P5 4 4 1000\n" + bytes(32),
}


@pytest.mark.parametrize("name", DEEP)
def test_color_of_more_than_8_bits_is_refused_not_cut(tmp_path, name):
    (tmp_path / name).write_bytes(DEEP[name])
    with pytest.raises(InputError, match=rf"{name}: .*expected 8 bits per channel"):
        read(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"P6 4 4 255\n" + bytes(48),
        b"P6 4 4 15\n" + bytes(48),
        b"P3 4 4 255\n" + b"9 " * 48,
        b"P1 2 2\n1 0 1 0\n",
        packed("gif"),
        packed("bmp"),
        packed("webp"),
    ],
)
def test_color_of_8_bits_or_fewer_is_read(tmp_path, content):
    (tmp_path / "a.ppm").write_bytes(content)
    assert len(read(tmp_path).images) == 1


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_the_error_names_a_folder_that_cannot_be_listed(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(InputError, match="closed: cannot be listed"):
        read(tmp_path)
