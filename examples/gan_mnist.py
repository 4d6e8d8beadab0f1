"""The GAN of 2014 as its authors trained it, and its log-likelihood.

    min over G, max over D   V(D, G) = E[log D(x)] + E[log(1 - D(G(z)))]

Goodfellow et al. 2014, "Generative adversarial nets", section 5. G is 100-1200-1200-784 with ReLU
and a sigmoid; D has maxout layers and dropout; G maximizes log D(G(z)). Both players step
simultaneously, by SGD with a falling learning rate and a rising momentum
(`experiments/reproduce/recipe_2014.py`). The paper shows the training image nearest to each sample,
"in order to demonstrate that the model has not memorized the training set", and a Parzen
log-likelihood of 225 +- 2 on MNIST. The controls show what this number means. (`tinygan reproduce
parzen-2014` measures it on MNIST, with more epochs. This run is short, so without --full the
momentum rises within it.)
"""

# %% Images to train on, images to choose sigma, and images to test on
import numpy as np

from tinygan import gan, models, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.experiments.reproduce.recipe_2014 import BATCH, flat, players, start_at_mean
from tinygan.metrics.kmeans import kmeans
from tinygan.metrics.memorization import copying, nearest_images
from tinygan.metrics.parzen import parzen

run = Example("gan_mnist", __doc__, steps=3000, full=30_000)
kept = run.many(1000)
images = run.load(minimum=4 * kept).images
known, validation = images[: -2 * kept], flat(images[-kept:])
test = flat(run.load("test").images if run.has_test else images[-2 * kept : -kept])

# %% The recipe
pair = models.build("mlp-2014", images.shape[1:], rng=run.rng, width=run.width)
start_at_mean(pair.G, flat(known))  # G begins at the mean image
pair.to(run.backend)
data = Minibatches(known, rng=run.rng, low=0.0, backend=run.backend)
epoch = 500 if run.full else max(1, run.steps // 250)  # momentum rises over 250 of them
sides = players(pair.G, pair.D, data, pair.noise(run.rng), epoch)
for _ in run.play(lambda: gan.play_simultaneously(*sides, m=BATCH)):
    pass

# %% Samples, each with its nearest training image
n = min(run.many(10_000), len(known) // 2)
z = pair.noise(np.random.default_rng(run.seed + 1))
samples = models.pixels(pair.G, z(n), pair.low)
shown = samples[:40]
twins = known[nearest_images(shown, known.astype(np.float32) / 255)].astype(np.float32) / 255
pairs = np.stack([shown, twins], axis=1).reshape(-1, *images.shape[1:])
run.save(
    "nearest",
    plots.grid(pairs, 10, 0),
    "columns 1, 3, ...: samples; 2, 4, ...: their nearest training images",
)
copied = copying(flat(samples * 255), flat(known), test)
run.found(
    "share of samples that copy a training image",
    copied.copies,
    compare={"held-out images": copied.held_out},
)

# %% The log-likelihood, and its controls with the same number of samples
ours = parzen(flat(samples * 255), validation, test)
real = parzen(flat(known[run.rng.permutation(len(known))[:n]]), validation, test)
centers, _sizes = kmeans(flat(known), n, rng=run.rng)
averages = parzen(centers, validation, test)
mean = parzen(flat(known).mean(axis=0, keepdims=True), validation, test)
run.found(f"Parzen log-likelihood of {n} samples, nats", ours.mean,
          f"above the mean image, {mean.mean:.1f}, where G starts",
          ours.mean > mean.mean + 3 * ours.standard_error)  # fmt: skip
run.found("of as many real images", real.mean, "243 for 10,000 of MNIST (Theis et al. 2016)")
run.found("of as many averages of k-means", averages.mean,
          "above real images: the metric favors blur (313 on MNIST)",
          averages.mean > real.mean)  # fmt: skip
run.end()
