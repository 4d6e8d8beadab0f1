"""Train the classifier of the metrics again, and print its accuracy.

    python benchmarks/train_classifier.py [--data mnist] [--epochs 8] [--seed 0] [-o FILE]

It trains on the first 50,000 training images of MNIST, or on the first 9,000 of the embedded
digits, which are also training images of MNIST. The remaining ones are held out. The test images
are those of MNIST, if they can be downloaded. The weights are written to FILE as float16.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from tinygan import InputError, storage
from tinygan.data import load
from tinygan.experiments.options import whole
from tinygan.metrics.classifier import FILE, Classifier, train


def main() -> int:
    """Train, print the accuracy, and save the weights; return the exit status. Bad input ends the
    program with status 2 and the reason."""
    parser = argparse.ArgumentParser(description="Train the classifier of the metrics.")
    parser.add_argument("--data", default="mnist", choices=["mnist", "digits"])
    parser.add_argument("--epochs", type=whole(1), default=8)
    parser.add_argument("--seed", type=whole(0), default=0)
    parser.add_argument("-o", type=Path, help=f"the file of weights; tinygan uses {FILE}")
    args = parser.parse_args()
    if args.o is not None and not args.o.resolve().parent.is_dir():
        parser.error(f"-o {args.o}: there is no folder {args.o.resolve().parent}")
    try:
        x, y = labeled(args.data, "train")
    except InputError as problem:
        parser.error(str(problem))
    known = 50_000 if args.data == "mnist" else 9_000
    held_out = (x[known:], y[known:])
    started = time.perf_counter()
    rng = np.random.default_rng(args.seed)
    for epoch, loss, classifier in train(x[:known], y[:known], rng=rng, epochs=args.epochs):
        right = classifier.accuracy(*held_out)
        seconds = time.perf_counter() - started
        print(f"epoch {epoch}: loss {loss:.4f}, held out {right:.2%}, {seconds:.0f} s", flush=True)
    classifier = rounded(classifier)
    record = {"data": args.data, "seed": args.seed, "held out": classifier.accuracy(*held_out)}
    print(f"weights rounded to float16: held out {record['held out']:.2%}")
    try:
        record["test"] = classifier.accuracy(*labeled("mnist", "test"))
        print(f"  MNIST's 10,000 test images {record['test']:.2%}")
    except InputError as problem:
        print(f"  without MNIST's test images: {problem}")
    print(f"SHA-256 of the weights {classifier.sha256}")
    if args.o is not None:
        halves = {name: np.asarray(a, np.float16) for name, a in classifier.state_dict().items()}
        storage.save(args.o, halves, record)
    return 0


def labeled(name: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Images in [0, 1] and their labels."""
    whole = load(name, split)
    assert whole.labels is not None
    return whole.images.astype(np.float32) / 255, whole.labels


def rounded(classifier: Classifier) -> Classifier:
    """The classifier with weights rounded to float16, so that its file has half the size."""
    halves = {name: np.asarray(a, np.float16) for name, a in classifier.state_dict().items()}
    return Classifier.restored(halves)


if __name__ == "__main__":
    sys.exit(main())
