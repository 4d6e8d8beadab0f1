"""A test of whether a GAN memorizes: it finds copies of training images, and blur is no copy.

Goodfellow et al. 2014 show the training image nearest to each sample, as evidence that G did not
memorize it. The distance d1 to this image alone is no evidence: a blurred image can have a smaller
d1 than a real one. But it is about as near to many training images, and a copy is near to only one.
With the distance d2 to the second nearest training image, a sample x counts as a copy if

    d1(x) <= d2(x) / 2          (Yoon et al. 2023, with 1/3 instead of 1/2)

One GAN learns from thousands of images, and another from ten, with the losses of the paper:

    D's loss:   -E[log D(x)] - E[log(1 - D(G(z)))]          G's loss:   -E[log D(G(z))]

The test is applied to their samples, and to images that are known to be copies, or to be none. A
sample that is no copy can still be bad: noise is no copy, either.
Goodfellow et al. 2014, "Generative adversarial nets", figure 2. Yoon, Choi, Kwon and Ryu 2023,
"Diffusion probabilistic models generalize when they fail to memorize". For another test, see
Meehan, Chaudhuri and Dasgupta 2020, "A non-parametric test to detect data-copying in generative
models".

Read next: mixtures.py, where a G forgets parts of the data.
"""

# %% The data: any images; the last n are held out
import numpy as np
from matplotlib.figure import Figure

from tinygan import gan, models, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.metrics.image_sets import box_blur
from tinygan.metrics.memorization import compare, nearest_distances, nearest_images
from tinygan.optim import EMA

run = Example("memorization", __doc__, steps=1500, full=20_000)
images, tests = (data.images for data in run.load_with_test(1000))
known, held_out = images.astype(np.float32) / 255, tests.astype(np.float32) / 255
n, few = len(held_out), 10
game = gan.non_saturating


# %% The same networks, with many training images and with ten
def samples_of(training, name):
    """Samples (n, C, H, W) of a GAN that learns from the uint8 images `training`, and snapshots."""
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


of_many, many_shown = samples_of(images, "GAN on many")
of_few, few_shown = samples_of(images[:few], "GAN on ten")
snapshots = {"the ten training images": known[:few], **few_shown, **many_shown}
title = f"Samples in training of two GANs: one learns from these ten images, one from {len(known)}"
run.save("training", plots.rows(snapshots, 10, 0, title=title),
         "samples of both GANs in training; first row: the ten images of one of them")  # fmt: skip
run.save_curves()

# %% Images that are known to be copies, or to be none
references = {len(x): nearest_distances(held_out[:200], x) for x in (known, known[:few])}
typical = np.median(references[len(known)][:, 0])  # distance of an image to the nearest other one
sd = min(0.05, typical / 3 / known[0].size ** 0.5)  # the noise moves a copy by a third of it
noise = run.rng.normal(0, sd, known[:n].shape)
sets = {  # samples, and the training images that they are compared with
    "GAN on many": (of_many, known),
    "GAN on ten": (of_few, known[:few]),
    "held-out images": (held_out, known),
    "copies with noise": (np.clip(known[:n] + noise, 0, 1), known),
    "copies shifted by a pixel": (np.roll(known[:n], 1, axis=3), known),
    "blurred held-out images": (box_blur(held_out, 3), known),
    "means of two images": ((known[:n] + np.roll(known, 1, axis=0)[:n]) / 2, known),
    "gray with noise": (np.clip(known.mean() + noise, 0, 1), known),
}

# %% The distances to the nearest and the second nearest training image
figure = Figure(figsize=(12, 6.5), layout="constrained")
panels = figure.subplots(2, 4, sharex=True, sharey=True).ravel()
copies, nearness, sheet = {}, {}, {}  # the share of copies, the median distance, pictures
for axes, (name, (samples, training)) in zip(panels, sets.items(), strict=True):
    distances, reference = nearest_distances(samples, training), references[len(training)]
    found = compare(distances, reference)
    copies[name], nearness[name] = found.copies, found.sample_distance
    axes.scatter(*distances.T, s=4, color="tab:blue", label="images named above")
    axes.scatter(*reference.T, s=4, color="tab:gray", alpha=0.4, label="held-out images")
    axes.set_title(f"{name}:\n{found.copies:.1%} count as copies", fontsize=10)
    sheet[name] = samples[:10]
    sheet[f"nearest to {name}"] = training[nearest_images(samples[:10], training)]
limit, height = panels[0].get_xlim()[1], panels[0].get_ylim()[1]  # the panels share them
for axes in panels:
    axes.plot([0, limit], [0, limit], color="black", lw=0.7, label="equally near to two")
    axes.fill_betweenx([0, 2 * limit], [0, limit], color="tab:red", alpha=0.15, label="copies")
    axes.set(xlim=(0, limit), ylim=(0, height))
figure.axes[0].legend(fontsize=8, loc="lower right")
figure.suptitle("Each point is an image. It counts as a copy (red) if one training image is at "
                "most half as far away as any other.")  # fmt: skip
figure.supxlabel("distance to the nearest training image (Euclidean, pixels in [0, 1])")
figure.supylabel("distance to the second nearest training image")
run.save("distances", figure, "copies are near to one training image and far from all others: red")
title = "Ten images of each kind, and below each image the training image nearest to it"
run.save("nearest", plots.rows(sheet, 10, 0, title=title), title)

# %% The results
no_copies = ("held-out images", "blurred held-out images", "means of two images", "gray with noise")
run.found("GAN on ten: share of copies", copies["GAN on ten"], at_least=0.5,
          compare={name: copies[name] for name in ("GAN on many", *no_copies)})  # fmt: skip
run.found("GAN on many: share of copies", copies["GAN on many"], at_most=0.02,
          compare={"GAN on ten": copies["GAN on ten"]})  # fmt: skip
run.found("copies with noise: share of copies", copies["copies with noise"], at_least=0.8,
          compare={"held-out images": copies["held-out images"]})  # fmt: skip
for name in no_copies:
    run.found(f"{name}: share of copies", copies[name], at_most=0.02,
              compare={"copies with noise": copies["copies with noise"]})  # fmt: skip
run.found("copies shifted by a pixel: share of copies", copies["copies shifted by a pixel"])

nearer = [
    name
    for name in no_copies[1:]
    if nearness[name] < nearness["held-out images"] and copies[name] < 0.02
]
shifted = copies["copies shifted by a pixel"]
run.end(
    f"{copies['GAN on ten']:.0%} of a GAN's samples are copies if it learns from {few} images, and "
    f"{copies['GAN on many']:.0%} if it learns from {len(known)}.",
    f"A small distance is no proof of a copy: {' and '.join(nearer)} are nearer to a training "
    "image than held-out images are (medians), and the test does not count them as copies."
    if nearer
    else "Here, blurred, averaged and gray images are no nearer to a training image than held-out "
    "images are (medians).",
    f"The test compares pixels: of copies that are shifted by one pixel, it finds {shifted:.0%}.",
)  # fmt: skip
