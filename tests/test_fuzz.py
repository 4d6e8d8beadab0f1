"""Every reader, on arbitrary bytes and on valid files that were changed. It returns something valid
or raises one InputError of one line, takes no more memory than the file can fill, writes nothing
and runs nothing.

    pytest --hypothesis-profile=fuzz tests/test_fuzz.py         2,000 files for each reader, twice
"""

import gzip
import io
import json
import os
import pickle
import re
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import save as safetensors_bytes

import tinygan
from tinygan import InputError, storage
from tinygan.commands.doctor import report
from tinygan.data import cifar10, idx, image_folder, load, mnist, tfd
from tinygan.doctor import PATIENCE, Diagnosis, Probe
from tinygan.experiments.reproduce.history import History
from tinygan.experiments.results import Result, SeedResults
from tinygan.training import Config, RunFolder, Sampler, train
from tinygan.training.health_monitor import health
from tinygan.training.state_hashes import StateHashes

MAX_BYTES = 4 << 20  # bytes that reading a file of a few kB may take, whatever its header claims
fuzz = settings(  # 200 by default
    max_examples=8 * settings().max_examples,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """A folder for the files, in which the data sets look for their own."""
    root = tmp_path_factory.mktemp("fuzz")
    for name in ("cifar-10/cifar-10-batches-bin", "tfd", "images", "run", "watched"):
        (root / name).mkdir(parents=True)
    (root / "watched" / "checkpoint.safetensors").touch()  # not read if there are probes
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYGAN_DATA", str(root))
        yield root


# Valid content of each format.

IMAGES = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28)
IDX = b"\0\0\x08\x03" + struct.pack(">3I", 2, 28, 28) + IMAGES.tobytes()
LABELS = b"\0\0\x08\x01" + struct.pack(">I", 2) + b"\3\7"
RECORDS = (b"\5" + bytes(range(256)) * 12) * 2


def tar(**members):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def npz(write, **arrays):
    packed = io.BytesIO()
    write(packed, **arrays)
    return packed.getvalue()


FACES = {
    "images": np.zeros((2, 48, 48), np.uint8),
    "labs_ex": np.array([[-1], [7]], np.int8),
    "folds": np.ones((2, 5), np.uint8),
}


def claimed_by_npy(shape):
    """FACES with a header of the images that claims a shape."""
    file = io.BytesIO()
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    packed = io.BytesIO(npz(np.savez, labs_ex=FACES["labs_ex"], folds=FACES["folds"]))
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("images.npy", file.getvalue() + bytes(8))
    return packed.getvalue()


def picture(kind, mode="RGB"):
    file = io.BytesIO()
    Image.fromarray(IMAGES[0]).convert(mode).save(file, format=kind)
    return file.getvalue()


PICTURES = {kind: picture(kind) for kind in ("PNG", "JPEG", "BMP", "GIF", "TIFF", "PPM", "WEBP")}
META = {"config": Config(model="mlp-small").as_dict(), "step": 3, "rngs": {"game": 2**127}}


def saved(path):
    storage.save(path, {"a": np.arange(6, dtype=np.float32).reshape(2, 3)}, META)
    return path.read_bytes()


# The readers, with checks of all that they return.


def read_images(path):
    images = image_folder.image_folder(str(path.parent)).images
    assert images.shape == (1, 3, 32, 32) and images.dtype == np.uint8


def read_cifar(path):
    found = cifar10.cifar10("train")
    assert found.images.shape[1:] == (3, 32, 32) and len(found.images) == len(found.labels) > 0
    assert found.labels.min() >= 0 and found.labels.max() <= 9


def read_faces(path):
    found = tfd.tfd("train")
    assert found.images.shape[1:] == (1, 48, 48) and len(found.images) == len(found.labels)


def read_labels(path):
    (path.parent / "two").write_bytes(IDX)
    images, labels = mnist.read_pair(path.parent / "two", path)
    assert len(images) == len(labels) == 2 and labels.max() <= 9


def read_checkpoint(path):
    arrays, meta = storage.load(path)
    assert meta == META and arrays["a"].sum() == 15  # the SHA-256 lets nothing else through


def read_rows(path):
    assert all(len(column) < 1000 for column in RunFolder(path.parent).read_log().values())


def read_states(path):
    assert all(type(step) is int for step in StateHashes(path).read().hashes)


NUMBERS = ("d_loss", "g_loss", "blind", "real", "fake", "order", "push", "spread", "apart", "size")
PROBE = Probe(
    step=50, **dict.fromkeys(NUMBERS, 0.5), norms={"G.0.weight": 0.5}, dead={"G.1 (ReLU)": 0.5},
    drift={}, moved={"G": 1e-3, "D": 1e-3},
)  # fmt: skip
PROBES = [PROBE._replace(step=50 * i) for i in range(1, PATIENCE + 1)]
NOT_FINITE = Diagnosis("not finite", 201, "exp in D.1 (Layer)")


def read_health(path):
    if health(RunFolder(path.parent))[0]:
        assert " probes\n" in report(path.parent)


PLAYED = "vae", "numpy", {"epochs": 10}


def written_history(path):
    path.unlink(missing_ok=True)
    history = History(path, *PLAYED, resume=False)
    for seed in (0, 1):
        history.add(seed, SeedResults([Result("a figure", 1.5)], {"epoch": [1]}, 2.0), {"cores": 2})
    return path.read_bytes()


def read_history(path):
    assert all(
        isinstance(o, SeedResults) for o in History(path, *PLAYED, resume=True).known.values()
    )


def same(content):
    return content


class Format(NamedTuple):
    """The path of the file, its reader, valid content (or a function that writes it), and the
    function that packs changed content."""

    file: str
    read: Callable
    valid: bytes | Callable[[Path], bytes]
    wrap: Callable[[bytes], bytes] = same


TFD, CIFAR = "tfd/TFD_48x48.npz", "cifar-10/cifar-10-binary.tar.gz"
RECORD_FILE = "cifar-10/cifar-10-batches-bin/data_batch_1.bin"
ARCHIVE = tar(data_batch_1=RECORDS, data_batch_2=RECORDS)
LOG = b"step,d_loss,g_loss,d_real,d_fake\n10,1,2,.5,1e-3\n"
STATES = b'{"made_with": {"numpy": "2"}}\n{"step": 0, "sha256": "%064d"}\n' % 0
HEALTH = "".join(f"{json.dumps(line._asdict())}\n" for line in (*PROBES, NOT_FINITE)).encode()
READERS = {
    "IDX": Format("a.idx", idx.read_idx, IDX),
    "IDX, gzipped": Format("a.gz", idx.read_idx, gzip.compress(IDX)),
    "IDX in valid gzip": Format("a.gz", idx.read_idx, IDX, gzip.compress),
    "labels": Format("labels", read_labels, LABELS),
    "TFD": Format(TFD, read_faces, npz(np.savez, **FACES)),
    "TFD, deflated": Format(TFD, read_faces, npz(np.savez_compressed, **FACES)),
    "CIFAR-10": Format(CIFAR, read_cifar, gzip.compress(ARCHIVE)),
    "CIFAR-10, unpacked": Format(RECORD_FILE, read_cifar, RECORDS),
    "CIFAR-10 in valid gzip": Format(CIFAR, read_cifar, ARCHIVE, lambda c: gzip.compress(c, 1)),
    **{
        f"folder, {kind}": Format(f"images/a.{kind.lower()}", read_images, content)
        for kind, content in PICTURES.items()
    },
    "checkpoint": Format("c.safetensors", read_checkpoint, saved),
    "log": Format("run/log.csv", read_rows, LOG),
    "states": Format("states.jsonl", read_states, STATES),
    "health": Format("watched/health.jsonl", read_health, HEALTH),
    "history": Format("history.json", read_history, written_history),
}


@pytest.fixture
def file(request, folder):
    """(path, reader, valid content, wrap) of a format by name."""
    name, reader, valid, wrap = READERS[request.param]
    path = folder / name
    return path, reader, valid(path) if callable(valid) else valid, wrap


each_format = pytest.mark.parametrize("file", READERS, indirect=True)

# Numbers that a header may claim.
EXTREMES = [0, 1, 127, 128, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1]


@st.composite
def changed(draw, content):
    """Valid bytes with one to four changes."""
    content = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        size = len(content)
        at = draw(st.integers(0, min(size, 200)) | st.integers(0, size))
        match draw(st.sampled_from(["byte", "number", "cut", "insert", "delete", "repeat"])):
            case "byte":
                content[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "number":
                width = draw(st.sampled_from([1, 2, 4, 8]))
                number = draw(st.sampled_from(EXTREMES)) % 256**width
                order = draw(st.sampled_from(["little", "big"]))
                content[at : at + width] = number.to_bytes(width, order)
            case "cut":
                del content[at:]
            case "insert":
                content[at:at] = draw(st.binary(max_size=16))
            case "delete":
                del content[at : at + draw(st.integers(1, 16))]
            case "repeat":
                content[at:at] = content[at : at + draw(st.integers(1, 600))]
    return bytes(content)


def read(path, reader, content):
    """Read a file with this content. Any error except InputError fails the test."""
    path.write_bytes(content)
    before = sorted(os.listdir(path.parent))
    tracemalloc.start()
    try:
        reader(path)
    except InputError as problem:
        assert "\n" not in str(problem) and path.name in str(problem)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        kept, after = path.read_bytes(), sorted(os.listdir(path.parent))
        path.unlink()
    assert peak < MAX_BYTES, f"{peak} bytes for a file of {len(content)}"
    assert kept == content and {*after} - {*before} <= {"two"}


@each_format
def test_a_changed_file_is_valid_or_an_input_error(file):
    path, reader, valid, wrap = file
    path.write_bytes(wrap(valid))
    reader(path)  # valid content is read
    for length in {0, 1, len(valid) // 2, len(valid) - 1, len(valid)}:
        read(path, reader, wrap(valid[:length]))

    @fuzz
    @given(changed(valid))
    def check(content):
        read(path, reader, wrap(content))

    check()


@each_format
def test_any_bytes_are_valid_or_an_input_error(file):
    path, reader, valid, wrap = file

    @fuzz
    @example(b"", 0)
    @example(pickle.dumps([1]), 0)
    @example(b"[" * 100_000, 0)
    @given(st.binary(max_size=200), st.sampled_from([0, 4, 8, 16, 128]))
    def check(content, kept):
        read(path, reader, wrap(valid[:kept] + content))

    check()


# Any JSON where options are expected.

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([10**400, -1, 1e308, "folder:\0", "folder:", "cupy:", "numpy:9", "\ud800"])
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@fuzz
@given(
    anything
    | st.dictionaries(st.sampled_from(list(asdict(Config()))), anything, max_size=4)
    | st.dictionaries(st.sampled_from([*asdict(Config()), "x"]), scalars, max_size=8)
)
def test_options_from_json_are_a_config_or_an_input_error(options):
    try:
        config = Config.from_dict(json.loads(json.dumps(options)))
    except InputError as problem:
        assert "\n" not in str(problem)
    else:
        assert Config.from_dict(json.loads(json.dumps(config.as_dict()))) == config


def refused_or_not(reader):
    try:
        reader()
    except InputError as problem:
        assert "\n" not in str(problem)


@pytest.fixture(scope="module")
def run(folder):
    return train(Config(model="mlp-small", batch=2, steps=1), folder / "whole", progress=False)


def with_hash(arrays, meta):
    """A checkpoint with a correct SHA-256 and any meta."""
    text = json.dumps(meta)
    header = json.dumps({"meta": text, "sha256": storage.digest(arrays, text)})
    return safetensors_bytes(arrays, metadata={storage.KEY: header})


@settings(fuzz, max_examples=2 * settings().max_examples)
@given(st.data())
def test_a_checkpoint_with_a_correct_hash_and_any_meta_is_a_run_or_an_input_error(run, data):
    """A correct SHA-256 shows only that the file is as some program wrote it."""
    arrays, meta = storage.load(run.checkpoint)
    at = data.draw(st.sampled_from(["", *meta, "rngs/game", "data/position", "config/steps"]))
    value = data.draw(anything)
    outer, _, inner = at.partition("/")
    if not at:
        changed = value
    elif inner:
        changed = {**meta, outer: {**meta[outer], inner: value}}
    else:
        changed = {**meta, outer: value}
    other = RunFolder(run.path.parent / "run")
    other.checkpoint.write_bytes(with_hash(arrays, changed))
    refused_or_not(other.load)
    refused_or_not(lambda: Sampler(other.path))
    other.checkpoint.unlink()


# Headers with false claims.


@pytest.mark.parametrize("count", [2**31, 2**32 - 1])
def test_a_header_that_claims_two_billion_images_allocates_nothing_for_them(folder, count):
    content = b"\0\0\x08\x03" + struct.pack(">3I", count, 28, 28) + bytes(784)
    for packed in (content, gzip.compress(content)):
        read(folder / "a.idx", idx.read_idx, packed)
    for shape in ((count, 48, 48), (2**62, 48, 48), (0, count), (-1, 48, 48)):
        read(folder / "tfd" / "TFD_48x48.npz", read_faces, claimed_by_npy(shape))
    for shape in ([count], [count, count], [-1], [2**62, 4]):
        entry = {"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, 8]}}
        header = json.dumps(entry).encode()
        read(folder / "c", storage.load, len(header).to_bytes(8, "little") + header + bytes(8))
    read(folder / "c", storage.load, (2**63).to_bytes(8, "little") + bytes(8))


def claims(kind, side=9000):
    """A short picture whose header claims `side` x `side` pixels."""
    if kind == "PPM":
        return b"P6\n%d %d\n255\n" % (side, side) + bytes(100)
    content = bytearray(PICTURES[kind])
    if kind == "PNG":
        content[16:24] = struct.pack(">II", side, side)
        content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    elif kind == "BMP":
        content[18:26] = struct.pack("<ii", side, side)
    elif kind == "GIF":
        content[6:10] = struct.pack("<HH", side, side)
    elif kind == "JPEG":
        at = content.index(b"\xff\xc0") + 5
        content[at : at + 4] = struct.pack(">HH", side, side)
    return bytes(content)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "JPEG", "PPM"])
@pytest.mark.parametrize("side", [9000, 30000])
def test_a_picture_that_claims_more_than_it_can_hold_is_refused_before_it_is_unpacked(
    folder, monkeypatch, kind, side
):
    path = folder / "images" / "a.png"
    path.write_bytes(claims(kind, side))
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was unpacked"))
    with pytest.raises(InputError, match=f"claims {side} x {side} pixels in|exceeds limit"):
        load(f"folder:{path.parent}")
    path.unlink()


def test_a_chunk_that_claims_more_than_the_file_has_is_not_read(folder):
    """Python allocates the size of a buffered read before it reads."""
    content = bytearray(PICTURES["PNG"])
    end = content.index(b"IEND") - 4
    content[end:end] = struct.pack(">I", 2**31 - 1) + b"tEXt" + bytes(9)
    at = content.index(b"IDAT") - 4
    read(folder / "images" / "a.png", read_images, bytes(content))
    content[at : at + 4] = struct.pack(">I", 0x00FF_2000)
    read(folder / "images" / "a.png", read_images, bytes(content[:128]))


def sparse_header(size):
    """A sparse tar member (old GNU format) that claims `size` bytes and holds none."""
    member = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
    member.type = tarfile.GNUTYPE_SPARSE
    block = bytearray(member.tobuf(format=tarfile.GNU_FORMAT))
    block[386:410] = b"%011o\0" % size + b"%011o\0" % 0
    block[483:495] = b"%011o\0" % size
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + bytes(1024)


def test_a_sparse_member_of_an_archive_has_no_images(folder):
    size = 9000 * 3073
    with tarfile.open(fileobj=io.BytesIO(sparse_header(size))) as archive:
        [member] = archive.getmembers()
        assert member.issparse() and member.size == size  # tarfile understands the claim
    path = folder / "cifar-10" / "cifar-10-binary.tar.gz"
    read(path, read_cifar, gzip.compress(sparse_header(size)))


@pytest.mark.parametrize(
    "name", ["../../escaped.bin", "/tmp/escaped.bin", "cifar-10-batches-bin/../../escaped.bin"]
)
@pytest.mark.parametrize(
    "kind", [tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE]
)
def test_names_in_an_archive_are_not_used_as_paths(folder, name, kind):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "cifar-10-batches-bin/data_batch_1.bin"
        archive.addfile(member)
        link = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    everything = sorted(folder.rglob("*"))
    path = folder / "cifar-10" / "cifar-10-binary.tar.gz"
    path.write_bytes(gzip.compress(packed.getvalue()))
    with pytest.raises(InputError, match="holds no train images"):
        load("cifar10")
    path.unlink()
    assert sorted(folder.rglob("*")) == everything


class Trap:
    """An object that makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@each_format
def test_no_pickle_is_opened(folder, file):
    path, reader, _, wrap = file
    trap = folder / "made"
    objects = io.BytesIO()
    np.save(objects, np.array([Trap(trap)], object), allow_pickle=True)
    for content in (pickle.dumps(Trap(trap)), objects.getvalue(), pickle.dumps(Trap(trap), 0)):
        read(path, reader, wrap(content))
        assert not trap.exists()


def test_no_module_can_open_a_pickle():
    """But for local_ranks.py: in memory that only the ranks of a run share, they send pickles."""
    ways = r"^\s*(import|from) (pickle|marshal|shelve)|allow_pickle|np\.load\("
    package = Path(tinygan.__file__).parent
    able = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(ways, path.read_text(encoding="utf-8"), re.M)
    ]
    assert able == ["local_ranks.py"]
