"""DCGAN: a GAN of convolutions, and what can be done in the space of its noise.

    G   z -> 7x7 -> 14x14 -> 28x28    transposed convolutions, BatchNorm, ReLU; tanh at the end
    D   the same way back             convolutions of stride 2, BatchNorm, LeakyReLU; no pooling

Radford, Metz and Chintala 2015, "Unsupervised representation learning with deep convolutional
generative adversarial networks". Nothing in the objective says that the noise should mean anything.
It does: on the way from one noise to another every image is a digit, and the mean noise of thick
digits less that of thin ones is a direction that thickens any digit (their section 6.3.2).
"""

# %% The networks, the data, and Algorithm 1
import numpy as np

from tinygan import Tensor, gan, models, optim, plots
from tinygan.data import Minibatches
from tinygan.example import Example
from tinygan.latent import interpolate
from tinygan.metrics.checkerboard import checkerboard, overlap
from tinygan.metrics.glance import glance

run = Example("dcgan", __doc__, steps=2500, full=20_000)
images = run.load().images
digits = images.shape[1:] == (1, 28, 28)
model = "dcgan28-slim" if digits else "dcgan32"
pair = models.build(model, images.shape[1:], rng=run.rng, width=run.width).to(run.where)
data = Minibatches(images, rng=run.rng, where=run.where)
players = pair.players(data, run.rng)
average = optim.EMA(pair.G, 0.999)
look = pair.noise(np.random.default_rng(0))


def draw(z):
    """Images in [0, 1] of the averaged G, for noise (N, 100)."""
    return models.pixels(average.module, Tensor(z).to(run.where), pair.low)


frames, fixed = [], look(64).numpy()
for step, _ in run.play(lambda: gan.play(gan.non_saturating, *players, m=64)):
    average.update()
    if step % max(1, run.steps // 20) == 0:
        frames.append(plots.grid(draw(fixed), low=0))

run.save("samples", frames[-1], "what the averaged G draws of 64 noises")
run.animate("training", frames)

# %% Are they like the real ones? And do the kernels leave a pattern?
n = min(run.many(2000), len(images) // 2)
real = images[: 2 * n].astype(np.float32) / 255
samples = draw(look(n).numpy())
if digits:
    ours, floor = glance(samples, real[:n]), glance(real[n:], real[:n])
    run.found("Frechet distance", ours.frechet, f"real digits {floor.frechet:.2f}")
    run.found("classifier score, 1 to 10", ours.score, f"real digits {floor.score:.2f}")
run.found("checkerboard, share of contrast", checkerboard(samples),
          f"real images {checkerboard(real):.4f}")  # fmt: skip
run.found("numbers summed in a pixel, most over least", np.divide(*overlap(4, 2)[[0, 1]]),
          f"kernel 5 of stride 2: {overlap(5, 2).max() / overlap(5, 2).min():g}")  # fmt: skip

# %% From one noise to another
ends = look(16).numpy()
walks = [interpolate(a, b, 8, pair.prior) for a, b in zip(ends[:8], ends[8:], strict=True)]
run.save(
    "interpolation",
    plots.grid(draw(np.concatenate(walks)), 8, 0),
    "rows: from one noise to another",
)

# %% Thick - thin + any = thicker
z = look(1000).numpy()
ink = draw(z).mean(axis=(1, 2, 3))
order = ink.argsort()
thicker = z[order[-100:]].mean(axis=0) - z[order[:100]].mean(axis=0)
starts = look(200).numpy()
rows = np.stack([starts + t * thicker for t in (-2, -1, 0, 1, 2)], axis=1)
changed = draw(rows.reshape(-1, starts.shape[1]))
run.save(
    "arithmetic",
    plots.grid(changed[: 8 * 5], 5, 0),
    "rows: a noise with thick - thin added -2, -1, 0, 1 and 2 times",
)
ink = changed.mean(axis=(1, 2, 3)).reshape(-1, 5)
run.found("ink with 1 thick - thin more, times", ink[:, 3].mean() / ink[:, 2].mean(),
          "more than 1", ink[:, 3].mean() > ink[:, 2].mean())  # fmt: skip

run.end()
