"""Is it memorizing? A test that can say yes.

    closer = P(a sample is nearer to the training images than a held-out real image is)

1/2 for a model that is as good as new real images, 1 for one that copies. Meehan, Chaudhuri and
Dasgupta 2020, "A non-parametric test to detect data-copying in generative models". That no nearest
neighbor equals its sample, which Goodfellow et al. 2014 showed, proves little by itself: here one
GAN learns from thousands of digits, another from so few that it can but repeat them, and the same
picture and the same number are made of both, of copies, and of means of two images: these are near
to them, too, so what the number says is too near, and only the picture says what.
"""

# %% The same networks, many training images and few
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
    """Samples of a GAN that learned from the uint8 images `known`."""
    rng = np.random.default_rng(run.seed)
    pair = models.build("dcgan28-slim", images.shape[1:], rng=rng, width=run.width).to(run.backend)
    players = pair.players(Minibatches(known, rng=rng, backend=run.backend), rng)
    G = run.averaged(pair.G, lambda: gan.play(gan.non_saturating, *players, m=64))
    return models.pixels(G, pair.noise(rng)(kept), pair.low)


known = images[:-kept]
pixels = known.astype(np.float32) / 255
hidden = np.clip(pixels[:kept] + run.rng.normal(0, 0.05, pixels[:kept].shape), 0, 1)
blended = pixels[run.rng.integers(few, size=(2, kept))].mean(axis=0)
repeats, near_too = "near 1: it repeats them", "near 1, too, and no copies: see the picture"
sets = {  # by name: samples, of how many images, and what is to be expected
    f"learned from {len(known)}": (samples_of(known), len(known), "0.5 at most: no copies"),
    f"learned from {few}": (samples_of(known[:few]), few, repeats),
    "copies with noise": (hidden, len(known), repeats),
    f"means of two of {few}": (blended, few, near_too),
}

# %% How near are samples to what was learned from, and how near are images that were not
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
    beside = np.stack([samples[:20], twins], axis=1).reshape(-1, *images.shape[1:])
    sheets.append(plots.grid(beside, 4, 0))
    holds = {repeats: found.closer > 0.9, near_too: None}.get(expected, found.z < 3)
    run.found(f"{name}: closer", found.closer, expected, holds)
panels[-1].set_xlabel("distance to the nearest training image")
run.save(
    "distances",
    figure,
    "distances to the nearest training image, of samples and of held-out digits",
)
run.save(
    "nearest",
    np.concatenate(sheets, axis=1),
    "a sample, the training image nearest to it, and so on: the four in their order",
)
run.end()
