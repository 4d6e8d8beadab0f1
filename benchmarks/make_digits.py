"""Make tinygan/data/files/digits-*.gz from the four files of MNIST.

    python benchmarks/make_digits.py data/mnist

The training part is the first 10,000 training images. The test part is every fifth of the 10,000
test images, because the first 5,000 of them are easier than the others (LeCun, Cortes and Burges).
"""

import argparse
import gzip
import hashlib
from pathlib import Path

import numpy as np

from tinygan.data.digits import FOLDER, PARTS
from tinygan.data.mnist import read_pair
from tinygan.errors import InputError

TAKEN = {"train": ("train", slice(10_000)), "test": ("t10k", slice(None, None, 5))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="holds MNIST's files, as NAME-ubyte.gz")
    folder = parser.parse_args().folder
    for split, (name, taken) in TAKEN.items():
        paths = (folder / f"{name}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1"))
        images, labels = read_pair(*paths)
        parts = images[taken, 0], labels[taken].astype(np.uint8)
        for file, array in zip(PARTS[split], parts, strict=True):
            write(file, array)


def write(name: str, array: np.ndarray) -> None:
    """Write a uint8 array as gzipped IDX, without time or file name, so that the bytes are always
    the same."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    content = header + array.tobytes()
    with open(FOLDER / name, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as stream:
        stream.write(content)
    packed = (FOLDER / name).read_bytes()
    print(f"{name}: {len(packed)} bytes")
    print(f"  SHA-256 of the file     {hashlib.sha256(packed).hexdigest()}")
    print(f"  SHA-256 of its content  {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    try:
        main()
    except InputError as problem:
        raise SystemExit(f"make_digits.py: {problem}") from problem
