"""DCGAN: a convolutional GAN, and the structure of its noise space.

    G   z -> 7x7 -> 14x14 -> 28x28    transposed convolutions, BatchNorm, ReLU; tanh at the end
    D   28x28 -> 14x14 -> 7x7 -> l    convolutions of stride 2, BatchNorm, LeakyReLU; no pooling

    loss of D   -E[log D(x)] - E[log(1 - D(G(z)))]        D(x) = sigmoid(l)
    loss of G   -E[log D(G(z))]

Radford, Metz and Chintala 2015, "Unsupervised representation learning with deep convolutional
generative adversarial networks". The losses do not ask for order in the noise z, but there is one:
between two noises, images change gradually, and the mean noise of thick digits minus that of thin
ones is a direction in which strokes become thicker (section 6.3.2: faces). It also changes the
class, as some classes have thicker strokes. So here thick and thin are relative to the class.

The networks are in tinygan/models/dcgan.py. Read next: cgan.py, where G receives the class.
"""

# %% The networks, the data, and Algorithm 1
import numpy as np

from tinygan import Tensor, gan, models, optim, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example, is_digits
from tinygan.metrics.frechet import frechet_distance
from tinygan.metrics.image_sets import box_blur
from tinygan.metrics.pixels import stroke_width
from tinygan.models.dcgan import dcgan28, dcgan32
from tinygan.models.latent import interpolate

run = Example("dcgan", __doc__, steps=4000, full=20_000)
train, test = run.load_labeled(1000, sizes=(28, 32))
shape = train.images.shape[1:]
build = dcgan28 if shape[1] == 28 else dcgan32
pair = build(shape, rng=run.rng, width=run.width / 2, inputs=50).to(run.backend)
pair = pair._replace(z_size=50, lr_g=4e-3, lr_d=2e-3)  # paper: 100, 2e-4, 2e-4 and more rounds
players = pair.players(Minibatches(train.images, rng=run.rng, backend=run.backend), run.rng)
average, noise = optim.EMA(pair.G, 0.997), pair.noise(np.random.default_rng(run.seed))


def draw(z):
    """The averaged G's images in [0, 1] for noise (N, 50)."""
    return models.pixels(average.module, Tensor(z.astype("f4")).to(run.backend), pair.low)


n = max(200, min(run.many(1000), len(test.images)))  # above the number of features
z, fixed, shown, curve = noise(n).numpy(), noise(48).numpy(), {}, run.curve(gan.non_saturating)
untrained = draw(z)
for step, result in run.play(lambda: gan.play(gan.non_saturating, *players, m=32)):
    average.update()
    curve.add(step, result)
    if step in run.snapshots:
        shown[f"round {step}"] = draw(fixed[:12] if step < run.steps else fixed)

real, held = (part.images[:n].astype(np.float32) / 255 for part in (train, test))
picture = plots.rows(shown | {"real images": held[:24]}, 12, 0, title="DCGAN: samples in training")
run.save("samples", picture, "samples of G after some rounds, and real images")
run.save_curves()

# %% The Frechet distance to real images
classifier = run.classifier(train)
features = classifier.features(real)


def distance(images):
    """The Frechet distance of images to as many real images, on features of the classifier."""
    return frechet_distance(features, classifier.features(images))


noisy = run.rng.random(held.shape, np.float32)
compare = {"real images": distance(held), "blurred by 7 x 7": distance(box_blur(held, 7)),
           "untrained G": distance(untrained), "noise": distance(noisy)}  # fmt: skip
frechet = distance(draw(z))
run.found("Frechet distance", frechet, at_most=compare["untrained G"] / 5, compare=compare)

# %% Interpolation between two noises
ends = noise(2 * n).numpy().reshape(2, n, -1)
walks = np.stack([interpolate(a, b, 9, pair.prior) for a, b in zip(*ends, strict=True)])
first, last = draw(ends[0]), draw(ends[1])
blends = np.stack([(1 - t) * first[:3] + t * last[:3] for t in np.linspace(0, 1, 9)], axis=1)
paths = {"G between two noises": draw(walks[:6].reshape(54, -1)),
         "blends of two images": blends.reshape(27, *shape)}  # fmt: skip
heads, title = [f"t = {k / 8:g}" for k in range(9)], "DCGAN: from one sample of G to another"
picture = plots.rows(paths, 9, 0, title=title, column_labels=heads)
run.save("interpolation", picture, "images of noises between two noises, and blends of two images")
halfway, blended = distance(draw(walks[:, 4])), distance((first + last) / 2)
run.found("Frechet distance, halfway", halfway, at_most=0.6 * blended,
          compare={"at both ends": distance(first), "blend of two images": blended})  # fmt: skip
compared = "; ".join(f"{name}: {value:.0f}" for name, value in compare.items())
sentences = (
    f"The Frechet distance from real images to samples of G is {frechet:.0f} ({compared}).",
    f"Halfway between two noises it is {halfway:.0f}, for blends of two images {blended:.0f}. So G "
    f"{'does not blend images' if halfway < 0.6 * blended else 'seems to blend images'}.",
)
if not is_digits(train):
    run.end(*sentences, f"Strokes are compared for digits only; {train.name} has other classes.")
    raise SystemExit
# %% Does noise + (thick - thin) give thicker strokes, and does the digit keep its class?
z, starts = noise(4 * n).numpy(), noise(max(50, n // 3)).numpy()
images = draw(z)
widths, classes = stroke_width(images), classifier.probabilities(images).argmax(axis=1)
present, class_of = np.unique(classes, return_inverse=True)


def thick_minus_thin(widths):
    """The mean noise of the thickest tenth minus that of the thinnest tenth."""
    order, tenth = widths.argsort(), len(z) // 10
    return z[order[-tenth:]].mean(axis=0) - z[order[:tenth]].mean(axis=0)


def without_classes(step, means):
    """The step without its components along differences of the classes' means."""
    between, _ = np.linalg.qr((means[1:] - means[0]).T)  # an orthonormal basis
    return step - between @ (between.T @ step)


means = np.stack([z[classes == k].mean(axis=0) for k in present])
relative = widths - np.array([widths[classes == k].mean() for k in present])[class_of]
direction = without_classes(thick_minus_thin(relative), means)
drawn = np.random.default_rng(run.seed).normal(size=(10, len(direction)))
all_digits, *others = (step * np.linalg.norm(direction) / np.linalg.norm(step)
                       for step in (thick_minus_thin(widths), *drawn))  # fmt: skip
steps = {"thick - thin, all digits": all_digits,
         "thick - thin, within classes": direction, "random direction": others[0]}  # fmt: skip
before, times = draw(starts), np.arange(-2, 3)[:, None]
width, digit = stroke_width(before), classifier.probabilities(before).argmax(axis=1)


def moved(step):
    """Mean width after / before a step, share that becomes thicker, share that keeps its class."""
    after = draw(starts + step)
    wider, same = stroke_width(after), classifier.probabilities(after).argmax(axis=1) == digit
    return wider.mean() / width.mean(), (wider > width).mean(), same.mean()


rows = {name: draw(np.concatenate([each + times * step for each in starts[:2]]))
        for name, step in steps.items()}  # fmt: skip
title = "DCGAN: two samples of G, and steps of equal length in three directions of the noise"
picture = plots.rows(rows, 5, 0, title=title, column_labels=[f"steps: {k}" for k in range(-2, 3)])
run.save("arithmetic", picture, "two samples, and steps of equal length in three directions")
for t in (1, 2):  # the last sentence is about two steps
    ours, everywhere = moved(t * direction), moved(t * all_digits)
    random = np.mean([moved(t * step) for step in others], axis=0)
    goals = {"stroke width, ratio": 1 + 0.05 * t, "share that becomes thicker": 0.8,
             "share that keeps its class": random[2] - 0.15}  # fmt: skip
    for i, (name, goal) in enumerate(goals.items()):
        controls = {"all digits": everywhere[i], "random directions": random[i]}
        run.found(f"{name}, {t} x", ours[i], at_least=goal, compare=controls)
run.end(*sentences, f"Two steps along thick - thin within classes make {ours[1]:.0%} of the digits "
        f"thicker; {ours[2]:.0%} keep their class (random direction: {random[2]:.0%}, thick - thin "
        f"of all digits: {everywhere[2]:.0%}).")  # fmt: skip
