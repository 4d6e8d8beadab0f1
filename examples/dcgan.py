"""DCGAN: a convolutional GAN, and the structure of its noise space.

    G   z -> 7x7 -> 14x14 -> 28x28    transposed convolutions, BatchNorm, ReLU; tanh at the end
    D   28x28 -> 14x14 -> 7x7 -> l    convolutions of stride 2, BatchNorm, LeakyReLU; no pooling

Radford, Metz and Chintala 2015, "Unsupervised representation learning with deep convolutional
generative adversarial networks". The objective does not ask the noise to have a meaning, but it
gets one. Images between two noises are nearly as recognizable as those at the ends. The mean noise
of thick digits minus that of thin ones is a direction that thickens any digit (their section
6.3.2); other directions of that length do not.
"""

# %% The networks, the data, and Algorithm 1
import numpy as np

from tinygan import Tensor, gan, models, nn, optim, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import DIGIT, Example, is_digits
from tinygan.metrics.classifier import Classifier
from tinygan.metrics.classifier_scores import glance
from tinygan.metrics.pixels import checkerboard, overlap
from tinygan.models.latent import interpolate

run = Example("dcgan", __doc__, steps=2500, full=20_000)
known = run.load()
images, digits = known.images, is_digits(known)
model = "dcgan28-slim" if images.shape[1:] == DIGIT else "dcgan32"
pair = models.build(model, images.shape[1:], rng=run.rng, width=run.width).to(run.backend)
data = Minibatches(images, rng=run.rng, backend=run.backend)
players = pair.players(data, run.rng)
average = optim.EMA(pair.G, 0.999)
noise = pair.noise(np.random.default_rng(0))


def draw(z):
    """The averaged G's images in [0, 1] for noise (N, 100)."""
    return models.pixels(average.module, Tensor(z).to(run.backend), pair.low)


frames, fixed = [], noise(64).numpy()
for step, _ in run.play(lambda: gan.play(gan.non_saturating, *players, m=64)):
    average.update()
    if step % max(1, run.steps // 20) == 0:
        frames.append(plots.grid(draw(fixed), low=0))

run.save("samples", plots.grid(draw(fixed), low=0), "64 samples of the averaged G")
run.animate("training", frames)

# %% The distance to real images, and the pattern of the kernels
n = min(run.many(2000), len(images) // 2)
real = images[: 2 * n].astype(np.float32) / 255
samples = draw(noise(n).numpy())
if digits:
    ours, floor = glance(samples, real[:n]), glance(real[n:], real[:n])
    run.found("Frechet distance", ours.frechet, f"real digits {floor.frechet:.2f}")
    run.found("classifier score, 1 to 10", ours.score, f"real digits {floor.score:.2f}")
run.found("checkerboard, share of contrast", checkerboard(samples),
          f"real images {checkerboard(real):.4f}")  # fmt: skip
layers = [layer for layer in pair.G.modules() if isinstance(layer, nn.ConvTranspose2d)]
sums = [overlap(layer.weight.shape[-1], layer.stride[-1]) for layer in layers]
run.found("terms in a pixel's sum, maximum / minimum", max(s.max() / s.min() for s in sums),
          f"kernel 5 of stride 2: {overlap(5, 2).max() / overlap(5, 2).min():g}")  # fmt: skip

# %% Interpolation between two noises
ends = noise(400).numpy()
walks = [interpolate(a, b, 9, pair.prior) for a, b in zip(ends[:200], ends[200:], strict=True)]
passed = draw(np.concatenate(walks[:100]))
run.save(
    "interpolation", plots.grid(passed[: 8 * 9], 9, 0), "rows: interpolation between two noises"
)
if digits:
    certainty = Classifier.shipped().probabilities(passed).max(axis=1).reshape(100, 9).mean(axis=0)
    run.found("probability of the predicted digit, halfway", certainty[4],
              f"at the ends {certainty[[0, -1]].mean():.3f}",
              0.6 < certainty[4] > 0.9 * certainty[0])  # fmt: skip

# %% Thick - thin + any = thicker; the control is random directions of the same length
z, starts = noise(1000).numpy(), noise(200).numpy()
order = draw(z).mean(axis=(1, 2, 3)).argsort()


def direction_from(more, less):
    return z[more].mean(axis=0) - z[less].mean(axis=0)


def ink_ratio(direction, times):
    """The ratio of ink with and without `times` times the direction added to the noise."""
    more, none = (draw(starts + t * direction).mean() for t in (times, 0))
    return more / none


thicker = direction_from(order[-100:], order[:100])
rows = np.stack([starts[:8] + t * thicker for t in (-2, -1, 0, 1, 2)], axis=1)
picture = plots.grid(draw(rows.reshape(-1, starts.shape[1])), 5, 0)
run.save("arithmetic", picture, "rows: a noise plus -2, -1, 0, 1 and 2 times thick - thin")
others, order_rng = [], np.random.default_rng(run.seed)
for _control in range(20):
    mixed = order_rng.permutation(len(z))
    other = direction_from(mixed[:100], mixed[100:200])
    others.append(ink_ratio(other * np.linalg.norm(thicker) / np.linalg.norm(other), 1))
minimum = max(1.1, np.mean(others) + 3 * np.std(others))
run.found("ink ratio with thick - thin added", ink_ratio(thicker, 1),
          f"another direction {np.mean(others):.2f} +- {np.std(others):.2f}",
          ink_ratio(thicker, 1) > minimum)  # fmt: skip
run.end()
