"""DCGAN: a convolutional GAN, and the structure of its noise space.

    G   z -> 7x7 -> 14x14 -> 28x28    transposed convolutions, BatchNorm, ReLU; tanh at the end
    D   28x28 -> 14x14 -> 7x7 -> l    convolutions of stride 2, BatchNorm, LeakyReLU; no pooling

    D maximizes  E log D(x) + E log(1 - D(G(z)))        D(x) = sigmoid(l)
    G maximizes  E log D(G(z))

Radford, Metz and Chintala 2015, "Unsupervised representation learning with deep convolutional
generative adversarial networks". Nothing in the losses gives the noise a meaning, but it gets one.
A path between two noises is a path between two images, and each image on it looks real. Noises can
be added: the mean noise of thick digits minus that of thin ones is a direction that makes strokes
thicker (section 6.3.2 of the paper does this with faces). But it also turns most digits into zeros,
because thick digits are often zeros. So this example takes thick and thin digits within each class,
and removes from the direction all that leads from one class to another.

The networks are in tinygan/models/dcgan.py. Read next: examples/acgan.py
"""

# %% The networks, the data, and Algorithm 1
import sys

import numpy as np

from tinygan import Tensor, gan, models, optim, plots
from tinygan.data import Minibatches
from tinygan.errors import InputError
from tinygan.experiments.example import Example, is_digits
from tinygan.metrics.frechet import frechet_distance
from tinygan.metrics.pixels import stroke_width
from tinygan.models.latent import interpolate

run = Example("dcgan", __doc__, steps=3000, full=20_000)
learned, test = run.load_labeled(1000)
shape = learned.images.shape[1:]
try:
    model = "dcgan28" if shape[1] == 28 else "dcgan32"
    pair = models.build(model, shape, rng=run.rng, width=run.width / 2).to(run.backend)
except InputError as problem:
    print(f"dcgan.py: {problem}", file=sys.stderr)
    raise SystemExit(2) from None
pair = pair._replace(lr_g=4e-3, lr_d=4e-3)  # the paper's 2e-4 is for far more rounds
players = pair.players(Minibatches(learned.images, rng=run.rng, backend=run.backend), run.rng)
# D's target for real images is .9 instead of 1 (Salimans et al. 2016, section 3.4).
game = gan.one_sided_smoothing(gan.non_saturating, 0.1)
average = optim.EMA(pair.G, 0.997)
noise = pair.noise(np.random.default_rng(run.seed))


def draw(z):
    """The averaged G's images in [0, 1] for noise (N, 100)."""
    z = Tensor(np.asarray(z, np.float32)).to(run.backend)
    return models.pixels(average.module, z, pair.low)


n = min(run.many(1000), len(test.images))
z, fixed, shown = noise(n).numpy(), noise(48).numpy(), {}
untrained = draw(z)
curve = run.curve(game)
for step, result in run.play(lambda: gan.play(game, *players, m=32)):
    average.update()
    curve.add(step, result)
    if step in run.snapshots:
        shown[f"round {step}"] = draw(fixed[:12] if step < run.steps else fixed)

real, held = (part.images[:n].astype(np.float32) / 255 for part in (learned, test))
picture = plots.rows(shown | {"real images": held[:24]}, 12, 0, title="Samples of G in training")
run.save("samples", picture, "samples of the averaged G after some rounds, and real images")
run.save_curves()

# %% The Frechet distance to real images
classifier = run.classifier(learned)
features = classifier.features(real)


def distance(images):
    """The Frechet distance of images to as many real images, on features of the classifier."""
    return frechet_distance(features, classifier.features(images))


samples = draw(z)
around = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
controls = {
    "real images": held,
    "real images, blurred": sum(np.roll(held, by, (2, 3)) for by in around) / 9,
    "untrained G": untrained,
    "noise": np.random.default_rng(run.seed).random(held.shape, np.float32),
}
compared = {name: distance(images) for name, images in controls.items()}
frechet, most = distance(samples), compared["untrained G"] / 10
run.found("Frechet distance", frechet, at_most=most, compare=compared)

# %% Interpolation between two noises
ends = noise(2 * n).numpy().reshape(2, n, -1)
walks = np.stack([interpolate(a, b, 9, pair.prior) for a, b in zip(*ends, strict=True)])
first, last = draw(ends[0]), draw(ends[1])
blends = np.stack([(1 - t) * first[:4] + t * last[:4] for t in np.linspace(0, 1, 9)], axis=1)
paths = {
    "G of noises between two noises": draw(walks[:8].reshape(72, -1)),
    "blends of the images at both ends": blends.reshape(36, *shape),
}
picture = plots.rows(paths, 9, 0, title="From left to right: between two noises, or two images")
run.save("interpolation", picture, "G between two noises, and blends of the images at the ends")
halfway, blended = distance(draw(walks[:, 4])), distance((first + last) / 2)
compared = {"at both ends": distance(first), "blend of the images at both ends": blended}
run.found("Frechet distance, halfway", halfway, at_most=blended / 2, compare=compared)
sentences = [
    f"The Frechet distance of G's samples is {'below' if frechet < most else 'not below'} a tenth "
    "of the untrained G's.",
    "Halfway between two noises, G's images are "
    f"{'' if halfway < blended / 2 else 'not '}much closer to real ones than blends of two images.",
]
if not is_digits(learned):
    run.end(*sentences, f"Thick and thin strokes are compared for digits, not for {learned.name}.")
    raise SystemExit

# %% Thick - thin + any = thicker? Does it keep its class?
z, starts = noise(4 * n).numpy(), noise(max(50, n // 3)).numpy()
images = draw(z)
widths, classes = stroke_width(images), classifier.probabilities(images).argmax(axis=1)
present, class_of = np.unique(classes, return_inverse=True)


def class_means(values):
    """The mean of the values of each class that is present."""
    return np.stack([values[classes == k].mean(axis=0) for k in present])


def thick_minus_thin(widths):
    """The mean noise of the thickest tenth minus that of the thinnest tenth."""
    order, tenth = widths.argsort(), len(z) // 10
    return z[order[-tenth:]].mean(axis=0) - z[order[:tenth]].mean(axis=0)


inside = thick_minus_thin(widths - class_means(widths)[class_of])
means = class_means(z)
between, _ = np.linalg.qr((means[1:] - means[0]).T)  # an orthonormal basis, in columns
kept = inside - between @ (between.T @ inside)
length = np.linalg.norm(kept)
others = np.random.default_rng(run.seed).normal(size=(10, len(kept)))
before = draw(starts)
width, digit = stroke_width(before), classifier.probabilities(before).argmax(axis=1)


def moved(direction, times):
    """With `times` steps of equal length in the direction: the ratio of the mean stroke widths, and
    the share of digits that become thicker and that keep their class."""
    after = draw(starts + times * length * direction / np.linalg.norm(direction))
    same = classifier.probabilities(after).argmax(axis=1) == digit
    wider = stroke_width(after)
    return np.array([wider.mean() / width.mean(), (wider > width).mean(), same.mean()])


everywhere = thick_minus_thin(widths)
rows = [starts[:8] + t * length * d / np.linalg.norm(d)
        for d in (everywhere, kept, others[0]) for t in (-2, -1, 0, 1, 2)]  # fmt: skip
names = ("thick - thin of all digits", "without classes", "random direction")
pictures = draw(np.concatenate(rows)).reshape(3, 5, 8, *shape).swapaxes(1, 2)
picture = plots.grid(pictures[:, :6].transpose(1, 0, 2, 3, 4, 5).reshape(90, *shape), 15, 0,
                     title="Noise plus steps along a direction",
                     column_labels=[f"{t:+d}" if t else "0" for t in (-2, -1, 0, 1, 2)] * 3)  # fmt: skip
run.save("arithmetic", picture, f"-2 to 2 steps along {', '.join(names)}")
for times in (1, 2):
    ours, all_digits = moved(kept, times), moved(everywhere, times)
    random = np.mean([moved(other, times) for other in others], axis=0)
    goals = (1.0 + 0.05 * times, 0.8, random[2] - 0.15)
    for i, what in enumerate(
        ("stroke width, ratio", "share that becomes thicker", "share that keeps its class")
    ):
        run.found(f"{what}, {times} x", ours[i], at_least=goals[i],
                  compare={names[0]: all_digits[i], names[2]: random[i]})  # fmt: skip
run.end(*sentences)
