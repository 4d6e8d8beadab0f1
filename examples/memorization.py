"""Does a GAN memorize? A test that can detect it.

    closer = P(a sample is nearer to the training images than a held-out real image is)

It is 1/2 for a model as good as new real images, and 1 for a model that copies. Meehan, Chaudhuri
and Dasgupta 2020, "A non-parametric test to detect data-copying in generative models". Goodfellow
et al. 2014 showed that no sample equals its nearest training image, but that proves little. Here
one GAN learns from thousands of digits and another from so few that it can only repeat them. Both
are tested, and also copies with noise and means of two images. The means are too near to the
training images as well, so the number detects "too near", and only the picture shows why.
"""

# %% The same networks with many and with few training images
import numpy as np
from matplotlib.figure import Figure

from tinygan import gan, models, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import DIGIT, Example
from tinygan.metrics.memorization import compare, nearest_distances, nearest_images

run = Example("memorization", __doc__, steps=900, full=10_000)
kept = run.many(1500)
images = run.load(shape=DIGIT, minimum=2 * kept).images
held_out = images[-kept:].astype(np.float32) / 255
few = 10


def samples_of(known):
    """Samples of a GAN that was trained on the uint8 images `known`."""
    rng = np.random.default_rng(run.seed)
    pair = models.build("dcgan28-slim", images.shape[1:], rng=rng, width=run.width).to(run.backend)
    players = pair.players(Minibatches(known, rng=rng, backend=run.backend), rng)
    G = run.averaged(pair.G, lambda: gan.play(gan.non_saturating, *players, m=64))
    return models.pixels(G, pair.noise(rng)(kept), pair.low)


known = images[:-kept]
pixels = known.astype(np.float32) / 255
noisy = np.clip(pixels[:kept] + run.rng.normal(0, 0.05, pixels[:kept].shape), 0, 1)
blended = pixels[run.rng.integers(few, size=(2, kept))].mean(axis=0)
repeats, blends = "near 1: copies", "also near 1, but no copies: see the picture"
sets = {  # by name: samples, number of training images, and the expected result
    f"trained on {len(known)}": (samples_of(known), len(known), "0.5 at most: no copies"),
    f"trained on {few}": (samples_of(known[:few]), few, repeats),
    "copies with noise": (noisy, len(known), repeats),
    f"means of two of {few}": (blended, few, blends),
}

# %% The distances of samples and of held-out digits to the training images
figure = Figure(figsize=(9, 7.5), layout="constrained")
panels = figure.subplots(len(sets), 1, sharex=True)
sheets = []
for axes, (name, (samples, count, expected)) in zip(panels, sets.items(), strict=True):
    training = pixels[:count]
    near, held = (nearest_distances(x, training) for x in (samples, held_out))
    found = compare(near, held)
    bins = np.linspace(0, max(held.max(), near.max()), 60)
    for values, label, color in (
        (near, "samples", "tab:green"),
        (held, "held-out digits", "tab:gray"),
    ):
        axes.hist(values, bins, density=True, alpha=0.6, label=label, color=color)
    axes.set_title(f"{name}: closer {found.closer:.2f}, z {found.z:.0f}", fontsize=10)
    axes.legend(fontsize=8)
    twins = training[nearest_images(samples[:20], training)]
    pairs = np.stack([samples[:20], twins], axis=1).reshape(-1, *images.shape[1:])
    sheets.append(plots.grid(pairs, 4, 0))
    holds = {repeats: found.closer > 0.9, blends: None}.get(expected, found.z < 3)
    run.found(f"{name}: closer", found.closer, expected, holds)
panels[-1].set_xlabel("distance to the nearest training image")
run.save(
    "distances",
    figure,
    "distances of samples and of held-out digits to the nearest training image",
)
run.save(
    "nearest",
    np.concatenate(sheets, axis=1),
    "columns 1 and 3: samples, 2 and 4: their nearest training images; the four sets in order",
)
run.end()
