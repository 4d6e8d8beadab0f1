"""The files that commands read, for `damage.py`: undamaged ones, and the commands of each."""

import functools
import gzip
import importlib.util
import io
import json
import os
import struct
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tinygan import models
from tinygan.data import Dataset
from tinygan.experiments import example, trained_classifier
from tinygan.experiments.reproduce.history import History
from tinygan.experiments.results import Result, SeedResults
from tinygan.lab.export import PARTS
from tinygan.metrics import evaluation
from tinygan.training import Config, loop, train

EXAMPLES = Path(__file__).parent.parent / "examples"


def history(path="history.json"):
    return History(path, "vae", "numpy", {"epochs": 1}, resume=True)


def classified():
    images = np.zeros((4, 1, 4, 4), np.uint8)
    trained_classifier.trained_classifier(Dataset("few", images, np.arange(4) % 2, ("a", "b")))


def gallery():
    path = EXAMPLES / "gallery.py"
    spec = importlib.util.spec_from_file_location("gallery", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.RECORDS = Path("gallery/figures.json")
    module.or_stop(module.recorded)


def figures():
    sys.argv = ["x.py"]
    example.Example("x", "About x.", steps=1, full=1, data=None)._begin()


NEW = "train --model mlp-small --batch 2 --steps 1 --quiet --doctor off --out new --data"
RESUME, VERIFY = "train --resume run --steps 61 --quiet", "verify run"
SAMPLE, DOCTOR = "sample run -n 4 -o new.png", "doctor run"
COMPARE = "compare run digits -o new.html"
PICTURES = {"png": "PNG", "jpg": "JPEG", "bmp": "BMP", "gif": "GIF", "tif": "TIFF", "ppm": "PPM",
            "webp": "WEBP"}  # fmt: skip
# Each file, with the commands or functions that read it.
READERS: dict[str, tuple[str | Callable, ...]] = {
    "run/checkpoint.safetensors": (
        *(RESUME, VERIFY, SAMPLE, COMPARE, "doctor probeless", "verify run --from"),
    ),
    "run/config.json": (RESUME, VERIFY, DOCTOR, COMPARE),
    "run/log.csv": (RESUME, DOCTOR, COMPARE),
    "run/states.jsonl": (RESUME, VERIFY),
    "run/health.jsonl": (RESUME, DOCTOR),
    "run/evaluation.json": (COMPARE,),
    "data/mnist/train-images-idx3-ubyte.gz": (f"{NEW} mnist", RESUME, VERIFY),
    "data/mnist/train-labels-idx1-ubyte": (f"{NEW} mnist",),
    "data/cifar-10/cifar-10-binary.tar.gz": (f"{NEW} cifar10",),
    "data/cifar10/cifar-10-batches-bin/data_batch_1.bin": (f"{NEW} cifar10",),
    "data/tfd/TFD_48x48.npz": (f"{NEW} tfd",),
    **{f"{kind}/a.{kind}": (f"{NEW} folder:{kind}",) for kind in PICTURES},
    "history.json": (history,),
    "out/x/figures.json": (figures,),
    "gallery/figures.json": (gallery,),
    "cache/few.safetensors": (classified,),
    "digits/checkpoint.safetensors": ("evaluate digits --n 1000 --against train",),
    "pyodide/pyodide-lock.json": ("lab --export new --pyodide pyodide",),
    "site/config.json": ("lab --export site",),
}
UNPACKED = "data/cifar10/cifar-10-batches-bin/data_batch_1.bin"


# The undamaged files.


def build(root: Path) -> None:
    """Write all files of READERS below `root`, and go there."""
    rng = np.random.default_rng(0)
    for name in READERS:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
    images = rng.integers(0, 256, (4, 28, 28), np.uint8)
    mnist = root / "data/mnist"
    content = b"\0\0\x08\x03" + struct.pack(">3I", 4, 28, 28) + images.tobytes()
    (mnist / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(content, mtime=0))
    content = b"\0\0\x08\x01" + struct.pack(">I", 4) + bytes(range(4))
    (mnist / "train-labels-idx1-ubyte").write_bytes(content)
    records = (b"\5" + bytes(range(256)) * 12) * 2
    (root / UNPACKED).write_bytes(records)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
        member.size = len(records)
        archive.addfile(member, io.BytesIO(records))
    archive = gzip.compress(packed.getvalue(), mtime=0)
    (root / "data/cifar-10/cifar-10-binary.tar.gz").write_bytes(archive)
    faces = {"images": np.zeros((2, 48, 48), np.uint8), "labs_ex": np.array([[-1], [7]], np.int8)}
    np.savez(root / "data/tfd/TFD_48x48.npz", **faces, folds=np.ones((2, 5), np.uint8))
    for kind, name in PICTURES.items():
        Image.fromarray(images[0]).convert("RGB").save(root / f"{kind}/a.{kind}", format=name)
    (root / "out/x/figures.json").write_text('{"pictures": ["a.png"]}')
    lock = {"packages": {"numpy": {"file_name": "numpy.whl"}}}
    (root / "pyodide/pyodide-lock.json").write_text(json.dumps(lock))
    for name in (*PARTS, "numpy.whl"):
        (root / "pyodide" / name).write_bytes(b"a part of Pyodide")
    (root / "site/config.json").write_text('{"files": ["config.json", "index.html"]}')
    results = SeedResults([Result("a figure", 1.5)], {"epoch": [1]}, 2.0)
    figures = json.loads((EXAMPLES / "figures.json").read_bytes())
    two = {name: figures[name][:2] for name in ("vae", "figure1")}
    (root / "gallery/figures.json").write_text(json.dumps(two))
    os.chdir(root)
    history().add(0, results, {"cores": 2})
    os.environ |= {"TINYGAN_DATA": str(root / "data"), "XDG_CACHE_HOME": str(root / "cache")}
    os.environ |= dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")  # no network
    loop.draw = lambda *args: None
    models.MODELS["mlp-small"] = functools.partial(_narrow, models.MODELS["mlp-small"])
    train(Config(model="mlp-small", data="mnist", batch=2, steps=60), "run", progress=False)
    train(Config(model="mlp-small", batch=2, steps=1), "digits", progress=False, doctor=False)
    facts = {"n": 200, "seed": 0, "against": "test images of mnist", "network": "0" * 64}
    metrics = json.dumps({**facts, "rows": {"this run": {"frechet": 1.5, "class_0": 20.0}}})
    (root / "run/evaluation.json").write_text(metrics)
    evaluation.evaluate = lambda *args, **options: sys.exit(0)  # all files have been read
    trained_classifier.EPOCHS = 1
    trained_classifier._cached = lambda data: Path("cache/few.safetensors")
    classified()


def _narrow(model, shape, *, rng, width=1.0):
    return model(shape, rng=rng, width=width / 16)
