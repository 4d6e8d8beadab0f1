"""Does a GAN memorize? A test that finds copies and is not misled by blur.

Goodfellow et al. 2014 show the training image nearest to each sample, so that one sees that G did
not memorize it. The distance d1 to this image alone says little: gray or blurred images are near to
it, too. But they are near to many images. A copy is near to one: with the distance d2 to the second
nearest training image, a sample x counts as a copy if

    d1(x) <= d2(x) / 2          (Yoon et al. 2023, with 1/3 instead of 1/2)

One GAN learns from thousands of images, and another from ten, with the losses of the paper,

    D:  -E[log D(x)] - E[log(1 - D(G(z)))]          G:  -E[log D(G(z))]

The test is tried on their samples and on images of which we know whether they are copies. That a
sample is no copy does not make it good: noise is no copy, either.
Goodfellow et al. 2014, "Generative adversarial nets", figure 2. Yoon, Choi, Kwon and Ryu 2023,
"Diffusion probabilistic models generalize when they fail to memorize". For another test, see
Meehan, Chaudhuri and Dasgupta 2020.

Read next: mixtures.py, where a G forgets parts of the data.
"""

# %% The data: any images, of which some are held out
import numpy as np
from matplotlib.figure import Figure

from tinygan import gan, models, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.metrics.memorization import compare, nearest_distances, nearest_images
from tinygan.optim import EMA

run = Example("memorization", __doc__, steps=1500, full=20_000)
n, few = run.many(1000), 10
images = run.load(minimum=2 * n).images
known, held_out = images[:-n].astype(np.float32) / 255, images[-n:].astype(np.float32) / 255
game = gan.non_saturating


# %% The same networks, with many training images and with ten
def samples_of(training, name):
    """Samples of a GAN that was trained on the uint8 images `training`, and snapshots of them."""
    rng, curve, shown = np.random.default_rng(run.seed), run.curve(game, name), {}
    pair = models.build("mlp-mid", images.shape[1:], rng=rng, width=run.width).to(run.backend)
    players = pair.players(Minibatches(training, rng=rng, backend=run.backend), rng)
    average, z = EMA(pair.G, 0.99), pair.noise(np.random.default_rng(run.seed))(n)
    for step, result in run.play(lambda: gan.play(game, *players, m=32)):
        average.update()
        curve.add(step, result)
        if step in run.snapshots:
            shown[f"{name}, round {step}"] = models.pixels(average.module, z, pair.low)[:10]
    return models.pixels(average.module, z, pair.low), shown


def blurred(x):
    """The mean of each pixel and its eight neighbors."""
    return sum(np.roll(x, (i, j), (2, 3)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 9


of_many, many_shown = samples_of(images[:-n], "GAN on many")
of_few, few_shown = samples_of(images[:few], "GAN on ten")
snapshots = {"training images": known[:few], **few_shown, **many_shown}
run.save("training", plots.rows(snapshots, 10, 0, title="Samples through training"),
         "samples of both GANs through training; first row: ten of the images")  # fmt: skip
run.save_curves()

# %% Images of which we know whether they are copies
noise = run.rng.normal(0, 0.05, known[:n].shape)
sets = {  # samples, and the training images that they are compared with
    "GAN on many": (of_many, known),
    "GAN on ten": (of_few, known[:few]),
    "held-out images": (held_out, known),
    "copies with noise": (np.clip(known[:n] + noise, 0, 1), known),
    "copies shifted by a pixel": (np.roll(known[:n], 1, axis=3), known),
    "blurred held-out images": (blurred(held_out), known),
    "means of two images": ((known[:n] + np.roll(known, 1, axis=0)[:n]) / 2, known),
    "gray with noise": (np.clip(known.mean() + noise, 0, 1), known),
}

# %% The distances to the nearest and the second nearest training image
figure = Figure(figsize=(12, 6.5), layout="constrained")
panels = figure.subplots(2, 4, sharex=True, sharey=True).ravel()
copies, nearness, sheet = {}, {}, {}
held = {len(x): nearest_distances(held_out[:200], x) for x in (known, known[:few])}
for axes, (name, (samples, training)) in zip(panels, sets.items(), strict=True):
    distances, reference = nearest_distances(samples, training), held[len(training)]
    found = compare(distances, reference)
    copies[name], nearness[name] = found.copies, found.sample_distance
    axes.scatter(*distances.T, s=4, color="tab:blue", label="this set")
    axes.scatter(*reference.T, s=4, color="tab:gray", alpha=0.4, label="held-out images")
    axes.set_title(f"{name}: {found.copies:.1%} copies", fontsize=10)
    sheet[name] = samples[:10]
    sheet[f"nearest to {name}"] = training[nearest_images(samples[:10], training)]
limit, height = panels[0].get_xlim()[1], panels[0].get_ylim()[1]  # the panels share them
for axes in panels:
    axes.plot([0, limit], [0, limit], color="black", lw=0.7, label="equally near to two")
    axes.fill_betweenx([0, 2 * limit], [0, limit], color="tab:red", alpha=0.15, label="copies")
    axes.set(xlim=(0, limit), ylim=(0, height))
figure.axes[0].legend(fontsize=8, loc="lower right")
figure.supxlabel("distance to the nearest training image")
figure.supylabel("distance to the second nearest training image")
run.save("distances", figure, "copies are near to one training image and far from all others: red")
run.save("nearest", plots.rows(sheet, 10, 0, title="Samples and nearest training images"),
         "samples, and below each its nearest training image")  # fmt: skip

# %% The figures
none = ("held-out images", "blurred held-out images", "means of two images", "gray with noise")
run.found("GAN on ten: share of copies", copies["GAN on ten"], at_least=0.5,
          compare={name: copies[name] for name in ("GAN on many", *none)})  # fmt: skip
run.found("GAN on many: share of copies", copies["GAN on many"], at_most=0.02,
          compare={"GAN on ten": copies["GAN on ten"]})  # fmt: skip
run.found("copies with noise: share of copies", copies["copies with noise"], at_least=0.8,
          compare={"held-out images": copies["held-out images"]})  # fmt: skip
for name in none:
    run.found(f"{name}: share of copies", copies[name], at_most=0.02,
              compare={"copies with noise": copies["copies with noise"]})  # fmt: skip
run.found("copies shifted by a pixel: share of copies", copies["copies shifted by a pixel"])

nearer = [
    name
    for name in none[1:]
    if nearness[name] < nearness["held-out images"] and copies[name] < 0.02
]
run.end(
    f"{copies['GAN on ten']:.0%} of a GAN's samples are copies if it learns from {few} images, and "
    f"{copies['GAN on many']:.0%} if it learns from {len(known)}.",
    f"Nearer to a training image than held-out images are, but no copies: {', '.join(nearer)}."
    if nearer
    else "None of the blurred, averaged and gray images are nearer than held-out images here.",
    f"Distances are in pixels: of copies shifted by one pixel, the test finds "
    f"{copies['copies shifted by a pixel']:.0%}.",
)  # fmt: skip
