"""The GAN of 2014 as its authors trained it, and its log-likelihood.

    min over G, max over D   V(D, G) = E[log D(x)] + E[log(1 - D(G(z)))]
    D maximizes V / 2, as in their code
    G maximizes E[log D(G(z))] instead, for "stronger gradients early in learning"

Goodfellow et al. 2014, "Generative adversarial nets", section 5. G is 100-1200-1200-784 with ReLU
and a sigmoid; D has two maxout layers and dropout (`mlp_2014` in tinygan/models/mlp.py). Both
players step at the same time, by SGD with momentum (tinygan/experiments/reproduce/recipe_2014.py).
--full has their sizes. The default run has a quarter of the widths, minibatches of 32 instead of
100, and a momentum that rises within the run, so G draws digits after about a minute. The samples
come from a G with the average of the weights over the rounds; the authors used no average.

The paper measures G by a Parzen window: the log-likelihood of test images if each sample is the
center of a normal density. It reports 225 +- 2 nats on MNIST. But averages of images can get a
higher log-likelihood than real images (Theis et al. 2016); here, these are the centers of k-means.

Read next: lsgan.py
"""

# %% Images to train on, to choose the width of the Parzen window, and to test on
import numpy as np

from tinygan import gan, models, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.experiments.reproduce.recipe_2014 import BATCH, flat, players, start_at_mean
from tinygan.metrics.classifier_scores import glance
from tinygan.metrics.kmeans import kmeans
from tinygan.metrics.memorization import nearest_images
from tinygan.metrics.parzen import parzen
from tinygan.optim import EMA

run = Example("gan_mnist", __doc__, steps=13_000, full=30_000)
train, test = run.load_labeled(1000)
kept = min(run.many(1000), len(train.images) // 5)
known, validation = train.images[:-kept], flat(train.images[-kept:])
shape = known.shape[1:]

# %% The networks: those of 2014; G starts at the mean image
width, m, epoch = (1, BATCH, 500) if run.full else (0.25, 32, max(1, run.steps // 1000))
pair = models.build("mlp-2014", shape, rng=run.rng, width=width * run.width)
start_at_mean(pair.G, flat(known))
pair.to(run.backend)
data = Minibatches(known, rng=run.rng, low=pair.low, backend=run.backend)
# Momentum rises over 250 epochs, here of `epoch` rounds.
game, *rest = players(pair.G, pair.D, data, pair.noise(run.rng), epoch)  # and the optimizers
average = EMA(pair.G, 0.999)

z = pair.noise(np.random.default_rng(run.seed + 1))
n = min(run.many(10_000), 10_000 if run.full else 4000, len(known) // 2)
tests = test.images[:n]
fixed = z(n)
untrained = models.pixels(pair.G, fixed, pair.low)

# %% The game: in each round, both players step at the same time
curve = run.curve(game, "The GAN of 2014 (the loss of D is halved)")
shown = {"before round 1": untrained[:12]}
for step, result in run.play(lambda: gan.play_simultaneously(game, *rest, m=m)):
    average.update()
    curve.add(step, result)
    if step in run.snapshots:
        shown[f"round {step}"] = models.pixels(average.module, fixed[:12], pair.low)
run.save_curves()
title = "Samples of G in training, with the same noise z in each column, and real images"
sheet = plots.rows(shown | {"real": known[:12] / np.float32(255)}, 12, 0, title=title)
run.save("training", sheet, "samples through training, one noise in each column; real images")

# %% Samples, each with its nearest training image: a copy would be equal to it
samples = models.pixels(average.module, fixed, pair.low)
real = known[run.rng.permutation(len(known))[:n]].astype(np.float32) / 255
first = samples[:36]
nearest = known[nearest_images(first, known.astype(np.float32) / 255)].astype(np.float32) / 255
pairs = np.stack([first.reshape(3, 12, *shape), nearest.reshape(3, 12, *shape)], axis=1)
labels = ["sample", "nearest training image"] * 3
title = "Samples, and below each the training image nearest to it"
sheet = plots.grid(pairs.reshape(-1, *shape), 12, 0, title=title, row_labels=labels)
run.save("nearest", sheet, "samples, and below each the nearest training image (squared distance)")

# %% The log-likelihood and the Frechet distance, with n images of each kind
BLUR = "averages of k-means"
blurred, _sizes = kmeans(flat(known), n, rng=run.rng)
sets = {
    "G": samples,
    "untrained G": untrained,
    "mean image": np.broadcast_to(known.mean(axis=0, dtype=np.float32) / 255, samples.shape),
    "uniform noise": run.rng.random(samples.shape, np.float32),
    BLUR: blurred.reshape(samples.shape),
    "real images": real,
}
classifier, held_out = run.classifier(train), tests.astype(np.float32) / 255
nats, frechet, score = {}, {}, {}
for name, images in sets.items():
    nats[name] = parzen(flat(images * 255), validation, flat(tests)).mean
    found = glance(images[: len(held_out)], held_out, classifier)
    frechet[name], score[name] = found.frechet, found.score
title = "Six kinds of images and their Parzen log-likelihood (higher: better by this metric)"
labels = [f"{name}: {nats[name]:.0f} nats" for name in sets]
sheet = np.concatenate([images[:12] for images in sets.values()])
sheet = plots.grid(sheet, 12, 0, title=title, row_labels=labels)
run.save("controls", sheet, "samples, controls and real images, with their Parzen log-likelihood")

ours, distance, classes = (values.pop("G") for values in (nats, frechet, score))
start, real_nats, blur = (nats[name] for name in ("mean image", "real images", BLUR))
quarter = start + 0.25 * (real_nats - start)
run.found("Parzen log-likelihood, nats", ours, at_least=quarter, compare=nats)
run.found("Frechet distance", distance, at_most=0.4 * frechet["mean image"], compare=frechet)
some = 1 + (score["real images"] - 1) / 4
what = f"classifier score, 1 to {classifier.classes}"
run.found(what, classes, at_least=some, compare=score)
run.end(
    f"G starts at the mean image, with a Parzen log-likelihood of {start:.0f} nats, and reaches "
    f"{ours:.0f} nats; as many real images have {real_nats:.0f} nats.",
    f"Averages of images (the centers of k-means) have {blur:.0f} nats, "
    + ("more than real images: a higher log-likelihood does not mean more realistic samples."
       if blur > real_nats else "less than real images."),
    f"The Frechet distance from test images (lower is better) is {distance:.0f} for G, "
    f"{frechet['mean image']:.0f} for the mean image and {frechet['real images']:.0f} for real "
    f"images: G is at {distance / frechet['mean image']:.0%} of the distance of the mean image, "
    f"and at {distance / frechet['real images']:.0f} times the distance of real images.",
)  # fmt: skip
