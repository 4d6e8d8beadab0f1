"""CIFAR-10: archives and folders give the same images; a bad file raises one InputError."""

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
FOLDER = "cifar-10-batches-bin"
NAMES = [f"data_batch_{i}.bin" for i in range(1, 6)]
FIRST = f"{FOLDER}/{NAMES[0]}"


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


def link(kind: bytes) -> bytes:
    member = tarfile.TarInfo(FIRST)
    member.type, member.linkname = kind, "/etc/passwd"
    return member.tobuf() + bytes(1024)


BATCHES = {f"{FOLDER}/{name}": batch(2) for name in [*NAMES, "test_batch.bin"]}
TRAIN = b"".join(BATCHES[f"{FOLDER}/{name}"] for name in NAMES)
ARCHIVE = gzip.compress(tar({f"{FOLDER}/batches.meta.txt": b"airplane\n"} | BATCHES))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "cifar-10").mkdir()
    monkeypatch.setenv("TINYGAN_DATA", str(tmp_path))
    monkeypatch.setattr(pooch, "retrieve", lambda *a, **k: pytest.fail("no download expected"))
    return tmp_path / "cifar-10"


def write(folder, content: bytes = ARCHIVE):
    (folder / "cifar-10-binary.tar.gz").write_bytes(content)


def refuse(folder, content: bytes, words: str):
    write(folder, content)
    with pytest.raises(InputError, match=words) as caught:
        load("cifar10")
    assert "cifar-10-binary.tar.gz" in str(caught.value)


def equal(data, content: bytes) -> bool:
    records = np.frombuffer(content, np.uint8).reshape(-1, 3073)
    assert (data.images.dtype, data.labels.dtype) == (np.uint8, np.int64)
    return np.array_equal(data.images.reshape(-1, 3072), records[:, 1:]) and np.array_equal(
        data.labels, records[:, 0]
    )


@pytest.mark.parametrize("name", ["cifar-10", "cifar10"])
def test_all_batches_of_an_archive_are_read_in_order(folder, name):
    folder = folder.rename(folder.parent / name)
    write(folder, gzip.compress(tar(BATCHES | {"../escaped": b"x"})))
    data = load("cifar10")
    assert data.images.shape == (10, 3, 32, 32)
    assert equal(data, TRAIN)
    assert data.classes[0] == "airplane" and data.classes[9] == "truck"
    assert equal(load("cifar10", "test"), BATCHES[f"{FOLDER}/test_batch.bin"])
    assert [path.name for path in folder.parent.rglob("*")] == [name, "cifar-10-binary.tar.gz"]


def test_an_unpacked_folder_gives_the_same(folder):
    (folder / FOLDER).mkdir()
    for name, content in BATCHES.items():
        (folder / name).write_bytes(content)
    assert equal(load("cifar10"), TRAIN)
    (folder / FOLDER / NAMES[2]).write_bytes(bytes(3072))
    with pytest.raises(InputError, match=r"data_batch_3\.bin: expected 1 to 10000 records of 3073"):
        load("cifar10")


def test_pixels_are_red_green_blue_and_row_by_row(folder):
    record = bytearray(3073)
    record[0], record[1], record[1 + 1024 + 1], record[1 + 2048 + 32] = 7, 10, 20, 30
    write(folder, gzip.compress(tar({f"{FOLDER}/test_batch.bin": bytes(record)})))
    data = load("cifar10", "test")
    assert data.labels.tolist() == [7]
    assert [data.images[0][at] for at in ((0, 0, 0), (1, 0, 1), (2, 1, 0))] == [10, 20, 30]


def test_an_archive_with_fewer_batches_is_read(folder):
    name = f"{FOLDER}/data_batch_4.bin"
    write(folder, gzip.compress(tar({f"./{name}": BATCHES[name]})))
    assert equal(load("cifar10"), BATCHES[name])
    with pytest.raises(InputError, match=r"holds no test images; expected .*test_batch\.bin"):
        load("cifar10", "test")


@pytest.mark.parametrize(
    "content",
    [
        *(
            tar({name: batch(1)} if name else {})
            for name in (
                "",
                "readme.html",
                f"../{FIRST}",
                f"/{FIRST}",
                f"{FOLDER}/../{FIRST}",
                f"cifar-10-batches-py/{NAMES[0][:-4]}",
            )
        ),
        *map(link, (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE)),
    ],
)
def test_only_files_of_the_exact_names_are_batches(folder, content):
    refuse(folder, gzip.compress(content), f"holds no train images; expected .*{FIRST}")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        *(
            (bytes(size), f"batch_1.bin: expected 1 to 10000 records of 3073 bytes, found {size} ")
            for size in (0, 1, 3072, 3074, 10_001 * 3073)
        ),
        (b"\x0a" + bytes(3072), "batch_1.bin: expected labels 0 to 9, found 10 at index 0"),
    ],
)
def test_a_batch_of_other_records_is_refused(folder, content, words):
    refuse(folder, gzip.compress(tar({FIRST: content})), words)


def test_a_member_larger_than_its_archive_is_refused(folder):
    member = tarfile.TarInfo(FIRST)
    member.size = 1 << 40
    refuse(folder, gzip.compress(member.tobuf()), "unexpected end of data")


def test_an_archive_is_not_unpacked_beyond_the_size_of_cifar10(folder, monkeypatch):
    monkeypatch.setattr(cifar10, "ARCHIVE_LIMIT", 1 << 20)
    content = gzip.compress(tar({"other": bytes(64 << 20)} | BATCHES), 1)
    tracemalloc.start()
    try:
        refuse(folder, content, "unpacks to more than")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_changed_pixel_fails_the_checksum_of_gzip(folder):
    stored = bytearray(gzip.compress(tar(BATCHES), 0))
    stored[len(stored) // 2] ^= 1
    refuse(folder, bytes(stored), "CRC")


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"PK\x03\x04", b"\x1f\x8b\x08", tar(BATCHES)),
        *(ARCHIVE[:length] for length in range(1, len(ARCHIVE), 2999)),
        *(gzip.compress(tar(BATCHES)[:length]) for length in (100, 5000, 7000, 30_000)),
    ],
    ids=lambda content: f"{len(content)} bytes",
)
def test_a_file_of_another_format_or_cut_short_is_refused(folder, content):
    refuse(folder, content, "cannot be read as a .tar.gz")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_header_gives_images_or_an_input_error(folder, data):
    """Some headers get a correct checksum, so that the reader also reads their other fields."""
    content = bytearray(tar({name: BATCHES[name] for name in list(BATCHES)[:2]}))
    headers = st.integers(0, 511) | st.integers(6656, 6656 + 511)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(headers)] = data.draw(st.integers(0, 255))
    for start in (0, 6656):
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


def test_the_download_is_the_published_archive(tmp_path, monkeypatch):
    monkeypatch.delenv("TINYGAN_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)

    def retrieve(url, known_hash, fname, path, downloader):
        assert url.endswith("/cifar-10-binary.tar.gz")
        assert (known_hash, fname) == (f"sha256:{cifar10.FILE.sha256}", cifar10.ARCHIVE)
        (tmp_path / fname).write_bytes(ARCHIVE)
        return str(tmp_path / fname)

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    assert equal(load("cifar10"), TRAIN)
