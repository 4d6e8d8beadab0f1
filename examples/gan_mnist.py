"""The GAN of 2014 as its authors trained it, and its log-likelihood.

    min over G, max over D   V(D, G) = E[log D(x)] + E[log(1 - D(G(z)))]
    D ascends V / 2;  G ascends E[log D(G(z))] instead, for "stronger gradients early in learning"

Goodfellow et al. 2014, "Generative adversarial nets", section 5. G is 100-1200-1200-784 with ReLU
and a sigmoid; D has two maxout layers and dropout (`mlp_2014` in tinygan/models/mlp.py). Both
players step at once, by SGD with momentum (tinygan/experiments/reproduce/recipe_2014.py). --full
has their sizes. The default run has a quarter of the widths, minibatches of 32 instead of 100, and
a momentum that rises within the run, so it draws digits in about a minute. The samples are those
of an average of G's weights over the rounds, which the authors did not use.

The paper measures G by a Parzen window: the log-likelihood of test images if each sample is the
center of a normal distribution. It reports 225 +- 2 nats on MNIST. This number favors blur over
real images (Theis et al. 2016), as the averages of k-means show here.

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
learned, test = run.load_labeled(1000)
kept = run.many(1000)
known, validation = learned.images[:-kept], flat(learned.images[-kept:])
shape = known.shape[1:]

# %% The networks: those of 2014; G starts at the mean image
width, m, epoch = (1, BATCH, 500) if run.full else (0.25, 32, max(1, run.steps // 1000))
pair = models.build("mlp-2014", shape, rng=run.rng, width=width * run.width)
start_at_mean(pair.G, flat(known))
pair.to(run.backend)
data = Minibatches(known, rng=run.rng, low=pair.low, backend=run.backend)
# Momentum rises over 250 epochs, here of `epoch` rounds.
game, *sides = players(pair.G, pair.D, data, pair.noise(run.rng), epoch)
average = EMA(pair.G, 0.999)

z = pair.noise(np.random.default_rng(run.seed + 1))
n = min(run.many(10_000), len(known) // 2)
fixed = z(n)
untrained = models.pixels(pair.G, fixed, pair.low)

# %% The game: D learns to distinguish, G to be taken for real
curve = run.curve(game)
shown = {"before round 1": untrained[:12]}
for step, result in run.play(lambda: gan.play_simultaneously(game, *sides, m=m)):
    average.update()
    curve.add(step, result)
    if step in run.snapshots:
        shown[f"round {step}"] = models.pixels(average.module, fixed[:12], pair.low)
run.save_curves()
title = "Samples of G through training, a column for each noise z"
sheet = plots.rows(shown | {"real": known[:12] / np.float32(255)}, 12, 0, title=title)
run.save("training", sheet, "samples through training, one noise in each column; real images")

# %% Samples, each with its nearest training image: copies would be equal to it
samples = models.pixels(average.module, fixed, pair.low)
real = known[run.rng.permutation(len(known))[:n]].astype(np.float32) / 255
first = samples[:36]
nearest = known[nearest_images(first, known.astype(np.float32) / 255)].astype(np.float32) / 255
pairs = np.stack([first.reshape(3, 12, *shape), nearest.reshape(3, 12, *shape)], axis=1)
labels = ["sample", "nearest training image"] * 3
title = "Samples, and below each the training image nearest to it"
sheet = plots.grid(pairs.reshape(-1, *shape), 12, 0, title=title, row_labels=labels)
run.save("nearest", sheet, "samples, and below each the nearest training image (squared distance)")

# %% The log-likelihood and the Frechet distance, with as many images of each kind
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
judge, held_out = run.classifier(learned), test.images[:n].astype(np.float32) / 255
nats, frechet, score = {}, {}, {}
for name, images in sets.items():
    nats[name] = parzen(flat(images * 255), validation, flat(test.images)).mean
    seen = glance(images[: len(held_out)], held_out, judge)
    frechet[name], score[name] = seen.frechet, seen.score
title = "What the Parzen log-likelihood prefers"
labels = [f"{name}: {nats[name]:.0f} nats" for name in sets]
sheet = np.concatenate([images[:12] for images in sets.values()])
sheet = plots.grid(sheet, 12, 0, title=title, row_labels=labels)
run.save("controls", sheet, "samples, controls and real images, with their Parzen log-likelihood")

ours, distance, classes = (values.pop("G") for values in (nats, frechet, score))
start, real_nats, blur = (nats[name] for name in ("mean image", "real images", BLUR))
quarter = start + 0.25 * (real_nats - start)
run.found("Parzen log-likelihood, nats", ours, at_least=quarter, compare=nats)
run.found("Frechet distance", distance, at_most=0.4 * frechet["mean image"], compare=frechet)
run.found("classifier score, 1 to 10", classes, at_least=3, compare=score)
run.end(
    f"G starts at the mean image, {start:.0f} nats, and reaches {ours:.0f}; as many real images "
    f"have {real_nats:.0f}.",
    f"Averages of k-means, which are blurred, have {blur:.0f}, "
    + ("more than real images: " if blur > real_nats else "less than real images; still, ")
    + "the Parzen log-likelihood does not measure how real samples look.",
    f"The Frechet distance is {distance:.0f} for G, {frechet['mean image']:.0f} for the mean image "
    f"and {frechet['real images']:.0f} for real images.",
)
