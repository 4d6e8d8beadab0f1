"""CIFAR-10: archives and folders come back equal; damaged and hostile ones are one InputError."""

from __future__ import annotations

import contextlib
import gzip
import io
import tarfile
import tracemalloc

import numpy as np
import pooch
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinygan.data import cifar10, load
from tinygan.errors import InputError

RNG = np.random.default_rng(0)
NAMES = [f"data_batch_{i}.bin" for i in range(1, 6)]
fuzz = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def batch(count: int) -> bytes:
    records = RNG.integers(0, 256, (count, 3073), np.uint8)
    records[:, 0] %= 10
    return records.tobytes()


def tar(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


BATCHES = {f"cifar-10-batches-bin/{name}": batch(2) for name in [*NAMES, "test_batch.bin"]}
TRAIN = b"".join(BATCHES[f"cifar-10-batches-bin/{name}"] for name in NAMES)
ARCHIVE = gzip.compress(tar({"cifar-10-batches-bin/batches.meta.txt": b"airplane\n"} | BATCHES))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "cifar-10"
    folder.mkdir()
    monkeypatch.setenv("TINYGAN_DATA", str(tmp_path))
    monkeypatch.setattr(pooch, "retrieve", lambda *a, **k: pytest.fail("no download expected"))
    return folder


def write(folder, content: bytes = ARCHIVE):
    (folder / "cifar-10-binary.tar.gz").write_bytes(content)


def refuse(folder, content: bytes, words: str, split: str = "train"):
    write(folder, content)
    with pytest.raises(InputError, match=words) as caught:
        load("cifar10", split)
    assert "cifar-10-binary.tar.gz" in str(caught.value)


def equal(data, content: bytes) -> bool:
    records = np.frombuffer(content, np.uint8).reshape(-1, 3073)
    assert (data.images.dtype, data.labels.dtype) == (np.uint8, np.int64)
    return np.array_equal(data.images.reshape(-1, 3072), records[:, 1:]) and np.array_equal(
        data.labels, records[:, 0]
    )


def test_all_batches_of_an_archive_are_read_in_order(folder):
    write(folder)
    data = load("cifar10")
    assert data.images.shape == (10, 3, 32, 32)
    assert equal(data, TRAIN)
    assert data.classes[0] == "airplane" and data.classes[9] == "truck"
    assert equal(load("cifar10", "test"), BATCHES["cifar-10-batches-bin/test_batch.bin"])


def test_an_unpacked_folder_gives_the_same(folder):
    (folder / "cifar-10-batches-bin").mkdir()
    for name, content in BATCHES.items():
        (folder / name).write_bytes(content)
    assert equal(load("cifar10"), TRAIN)
    (folder / "cifar-10-batches-bin" / NAMES[2]).write_bytes(bytes(3072))
    with pytest.raises(InputError, match=r"data_batch_3\.bin: expected records of 3073"):
        load("cifar10")


def test_the_folder_may_be_called_cifar10_as_well(tmp_path, folder):
    folder.rename(tmp_path / "cifar10")
    write(tmp_path / "cifar10")
    assert equal(load("cifar10"), TRAIN)


def test_pixels_are_red_green_blue_and_row_by_row(folder):
    record = bytearray(3073)
    record[0], record[1], record[1 + 1024 + 1], record[1 + 2048 + 32] = 7, 10, 20, 30
    write(folder, gzip.compress(tar({"cifar-10-batches-bin/test_batch.bin": bytes(record)})))
    data = load("cifar10", "test")
    assert data.labels.tolist() == [7]
    assert data.images[0, 0, 0, 0] == 10
    assert data.images[0, 1, 0, 1] == 20
    assert data.images[0, 2, 1, 0] == 30


def test_an_archive_with_fewer_batches_is_read_as_it_is(folder):
    name = "cifar-10-batches-bin/data_batch_4.bin"
    write(folder, gzip.compress(tar({f"./{name}": BATCHES[name]})))
    assert equal(load("cifar10"), BATCHES[name])
    with pytest.raises(InputError, match=r"holds no test images; expected .*test_batch\.bin"):
        load("cifar10", "test")


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"readme.html": b"hello"},
        {f"../cifar-10-batches-bin/{NAMES[0]}": batch(1)},
        {f"/cifar-10-batches-bin/{NAMES[0]}": batch(1)},
        {f"cifar-10-batches-bin/../cifar-10-batches-bin/{NAMES[0]}": batch(1)},
        {f"cifar-10-batches-py/{NAMES[0][:-4]}": batch(1)},
    ],
)
def test_an_archive_without_the_exact_names_has_no_batches(folder, members):
    refuse(folder, gzip.compress(tar(members)), "holds no train images; expected cifar-10-batches")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_links_and_folders_in_an_archive_are_not_followed(folder, kind):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo(f"cifar-10-batches-bin/{NAMES[0]}")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    refuse(folder, gzip.compress(packed.getvalue()), "holds no train images")


def test_nothing_is_written_beside_the_archive(folder, tmp_path):
    write(folder, gzip.compress(tar(BATCHES | {"../escaped": b"x", "/tmp/escaped-tinygan": b"x"})))
    load("cifar10")
    assert [path.name for path in tmp_path.rglob("*")] == ["cifar-10", "cifar-10-binary.tar.gz"]


@pytest.mark.parametrize("size", [0, 1, 3072, 3074])
def test_a_batch_that_is_not_whole_records_is_refused(folder, size):
    content = gzip.compress(tar({f"cifar-10-batches-bin/{NAMES[0]}": bytes(size)}))
    refuse(folder, content, f"data_batch_1.bin: expected records of 3073 bytes, found {size} bytes")


def test_a_label_above_nine_is_refused(folder):
    content = gzip.compress(tar({f"cifar-10-batches-bin/{NAMES[0]}": b"\x0a" + bytes(3072)}))
    refuse(folder, content, "expected labels 0 to 9, found 10")


def test_a_member_larger_than_any_batch_is_refused_before_it_is_read(folder):
    member = tarfile.TarInfo(f"cifar-10-batches-bin/{NAMES[0]}")
    member.size = 1 << 40
    refuse(folder, gzip.compress(member.tobuf()), "at most 10000 records")


def test_an_archive_unpacks_no_further_than_any_cifar10(folder, monkeypatch):
    monkeypatch.setattr(cifar10._Limited, "left", 1 << 20)
    write(folder, gzip.compress(tar({"other": bytes(64 << 20)} | BATCHES), 1))
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="unpacks to more than"):
            load("cifar10")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_an_archive_cut_anywhere_is_refused(folder):
    for length in range(0, len(ARCHIVE), 997):
        refuse(folder, ARCHIVE[:length], "cifar-10-binary.tar.gz")


def test_a_tar_cut_anywhere_inside_the_gzip_is_refused(folder):
    whole = tar(BATCHES)
    end = len(whole) - whole[::-1].index(next(byte for byte in whole[::-1] if byte))
    for length in range(0, end - 3073, 1999):
        write(folder, gzip.compress(whole[:length], 1))
        try:
            data = load("cifar10")
        except InputError:
            continue
        # Cut between two members, it is an archive with fewer batches.
        assert length % 512 == 0 or equal(data, TRAIN[: data.images.size + len(data.images)])


def test_a_changed_pixel_is_seen_by_the_checksum_of_gzip(folder):
    stored = bytearray(gzip.compress(tar(BATCHES), 0))
    stored[len(stored) // 2] ^= 1
    refuse(folder, bytes(stored), "CRC")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x1f\x8b\x08", tar(BATCHES)])
def test_a_file_of_another_format_is_refused(folder, content):
    refuse(folder, content, "cannot be read as a .tar.gz|holds no train images")


@fuzz
@given(data=st.data())
def test_a_damaged_tar_gives_images_or_an_input_error(folder, data):
    """The tar is damaged inside a sound gzip, so that every byte of a header is tried."""
    content = bytearray(tar({name: BATCHES[name] for name in list(BATCHES)[:2]}))
    headers = st.integers(0, 511) | st.integers(6656, 6656 + 511)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(headers)] = data.draw(st.integers(0, 255))
    for start in range(0, 6657, 6656):  # a right checksum, so that the rest is looked at
        total = sum(content[start : start + 148]) + 256 + sum(content[start + 156 : start + 512])
        if data.draw(st.booleans()):
            content[start + 148 : start + 156] = b"%06o\0 " % total
    write(folder, gzip.compress(bytes(content), 1))
    try:
        found = load("cifar10")
    except InputError:
        return
    assert found.images.shape[1:] == (3, 32, 32)
    assert len(found.images) == len(found.labels) > 0


@fuzz
@given(data=st.data())
def test_a_damaged_archive_gives_the_images_or_an_input_error(folder, data):
    content = bytearray(ARCHIVE)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    write(folder, bytes(content))
    with contextlib.suppress(InputError):
        assert equal(load("cifar10"), TRAIN)


def test_the_download_is_the_published_archive(tmp_path, monkeypatch):
    monkeypatch.delenv("TINYGAN_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)

    def retrieve(url, known_hash, fname, path, progressbar):
        assert url.endswith("/cifar-10-binary.tar.gz")
        assert (known_hash, fname) == (f"sha256:{cifar10.FILE.sha256}", cifar10.ARCHIVE)
        (tmp_path / fname).write_bytes(ARCHIVE)
        return str(tmp_path / fname)

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    assert equal(load("cifar10"), TRAIN)
