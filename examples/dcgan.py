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
Pictures and figures use G with a moving average of its weights. Read next: cgan.py
"""

# %% Two networks; the numbers in the comments are for 28x28 pixels
import numpy as np

from tinygan import Tensor, gan, models, nn, optim, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.experiments.example_data import is_digits
from tinygan.experiments.latent_directions import directions, effect
from tinygan.metrics.frechet import frechet_distance
from tinygan.metrics.image_sets import box_blur
from tinygan.metrics.pixels import stroke_width
from tinygan.models.latent import interpolate
from tinygan.ops import mean, softplus

run = Example("dcgan", __doc__, steps=4000, full=20_000)
train, test = run.load_labeled(1000, sizes=(28, 32))
shape, rng = train.images.shape[1:], run.rng
C, s = shape[0], shape[1] // 4  # channels, and the side of the smallest feature maps, 7
a, b = (max(1, round(channels * run.width)) for channels in (64, 32))
G = nn.Sequential(  # kernel 4, stride 2, padding 1: the side doubles
    nn.Linear(50, a * s * s, rng=rng), nn.Unflatten(1, (a, s, s)),  # (m, 64, 7, 7)
    nn.BatchNorm2d(a), nn.ReLU(), nn.ConvTranspose2d(a, b, 4, 2, 1, rng=rng),  # (m, 32, 14, 14)
    nn.BatchNorm2d(b), nn.ReLU(), nn.ConvTranspose2d(b, C, 4, 2, 1, rng=rng), nn.Tanh(),
)  # fmt: skip
D = nn.Sequential(  # no BatchNorm at the input: it would hide brightness and contrast
    nn.Conv2d(C, b, 4, 2, 1, rng=rng), nn.LeakyReLU(0.2),  # (m, 32, 14, 14)
    nn.Conv2d(b, a, 4, 2, 1, rng=rng), nn.BatchNorm2d(a), nn.LeakyReLU(0.2),  # (m, 64, 7, 7)
    nn.Flatten(), nn.Linear(a * s * s, 1, rng=rng),  # l, (m, 1)
)  # fmt: skip
for network in (G, D):
    nn.init.dcgan_(network, rng=rng).to(run.backend)

# %% Algorithm 1
data, pair = Minibatches(train.images, rng=rng, backend=run.backend), models.Pair(G, D, z_size=50)
noise = pair.noise(rng)  # the paper: z of 100 numbers, learning rates 2e-4, and more rounds
opt_g = optim.Adam(G.parameters(), 4e-3, (0.5, 0.999))
opt_d = optim.Adam(D.parameters(), 2e-3, (0.5, 0.999))


def rounds():
    """Play Algorithm 1. D gives the logit l: log D = -softplus(-l), log(1 - D) = -softplus(l)."""
    while True:
        z, x = noise(32), data(32)
        on_real, on_fake = D(x), D(G(z).detach())  # G is fixed while D learns
        d_loss = mean(softplus(-on_real)) + mean(softplus(on_fake))  # -log D(x) - log(1 - D(G(z)))
        gan.update(opt_d, d_loss)  # a step of Adam down the gradient
        g_loss = mean(softplus(-D(G(noise(32)))))  # -log D(G(z))
        gan.update(opt_g, g_loss)  # only G moves
        yield gan.Round(*(t.detach() for t in (d_loss, g_loss, on_real, on_fake)))


def draw(z):
    """Return the averaged G's images in [0, 1] for noise (N, 50)."""
    return models.pixels(average.module, Tensor(z.astype("f4")).to(run.backend))


def distance(images):
    """Return the Frechet distance of images to as many real ones, on features of a classifier."""
    return frechet_distance(features, classifier.features(images))


n = max(200, min(run.many(1000), len(test.images)))  # above the number of features
real, held = (part.images[:n].astype(np.float32) / 255 for part in (train, test))
classifier = run.classifier(train)
features = classifier.features(real)
average, fresh = optim.EMA(G, 0.997), pair.noise(np.random.default_rng(run.seed))
z, fixed = fresh(n).numpy(), fresh(48).numpy()
frechet, shown, curve = {0: distance(draw(z))}, {}, run.curve(gan.non_saturating)
for step, result in run.play(rounds):
    average.update()
    curve.add(step, result)
    if step in run.snapshots:
        frechet[step], shown[f"round {step}"] = distance(draw(z)), draw(fixed[:12])
shown |= {"more samples": draw(fixed[12:]), "real images": held[:24]}
title = "DCGAN: samples in training, one noise in each column; more samples; real images"
run.save("samples", plots.rows(shown, 12, 0, title=title), "samples of G, and real images")
run.save_curves()

# %% The Frechet distance to real images, and images of noises between two noises
compare = {"real images": distance(held), "blurred by 7 x 7": distance(box_blur(held, 7))}
compare |= {"untrained G": frechet[0], "noise": distance(rng.random(held.shape, np.float32))}
earlier, last = list(frechet)[-2:]  # two rounds
run.found("Frechet distance", frechet[last], at_most=frechet[0] / 5, compare=compare)
ends = fresh(2 * n).numpy().reshape(2, n, -1)
walks = np.stack([interpolate(start, end, 9, "normal") for start, end in zip(*ends, strict=True)])
left, right, t = draw(ends[0]), draw(ends[1]), np.linspace(0, 1, 9)[:, None, None, None]
blends = np.concatenate([(1 - t) * left[i] + t * right[i] for i in range(3)])
paths = {"G between two noises": draw(walks[:6].reshape(54, -1)), "blends of two images": blends}
heads, title = [f"t = {k / 8:g}" for k in range(9)], "DCGAN: from one sample of G to another"
picture = plots.rows(paths, 9, 0, title=title, column_labels=heads)
run.save("interpolation", picture, "images of noises between two noises, and blends of two images")
halfway, blended = distance(draw(walks[:, 4])), distance((left + right) / 2)
controls = {"at both ends": distance(left), "blend of two images": blended}
run.found("Frechet distance, halfway", halfway, at_most=0.6 * blended, compare=controls)
on_real, on_fake = (np.mean(curve.log[name][-50:]) for name in ("d_real", "d_fake"))
compared = "; ".join(f"{name}: {value:.0f}" for name, value in compare.items())
sentences = (
    f"The Frechet distance of samples to real images, on features of a classifier (lower is better)"
    f", is {frechet[last]:.0f} ({compared}).",
    f"In the end, D(x) is {on_real:.2f} and D(G(z)) {on_fake:.2f} (both 0.50 at equilibrium). "
    f"{'Even so, G improved' if frechet[last] < frechet[earlier] else 'G did not improve'}"
    f": at round {earlier}, the distance was {frechet[earlier]:.0f}.",
    f"Halfway between two noises it is {halfway:.0f}, for blends of two images {blended:.0f}. So G "
    f"{'does not blend images' if halfway < 0.6 * blended else 'seems to blend images'}.",
)
if not is_digits(train):
    run.end(*sentences, f"Strokes are compared for digits only; {train.name} has other classes.")
    raise SystemExit


# %% Does noise + (thick - thin) give thicker strokes, and does the digit keep its class?
def measured(z):
    """Return the stroke width and the class of each G(z), both (N,)."""
    images = draw(z)
    return stroke_width(images), classifier.probabilities(images).argmax(axis=1)


z, starts = fresh(4 * n).numpy(), fresh(max(50, n // 3)).numpy()
steps = directions(z, *measured(z), rng=np.random.default_rng(run.seed))
names = "thick - thin, within classes", "thick - thin, all digits", "one of ten random directions"
surest = starts[classifier.probabilities(draw(starts)).argmax(axis=0)[[3, 7]]]
rows = {name: draw(np.stack([z + k * step[0] for z in surest for k in range(-2, 3)]))
        for name, step in zip(names, steps, strict=True)}  # fmt: skip
title = "DCGAN: a 3 and a 7 from G, and steps of equal length in three directions of the noise"
picture = plots.rows(rows, 5, 0, title=title, column_labels=[f"steps: {k}" for k in range(-2, 3)])
run.save("arithmetic", picture, "two samples, and steps of equal length in three directions")
ours, plain, random = (effect(measured, starts, 2 * step) for step in steps)
for i, (name, goal) in enumerate((("stroke width, ratio", 1.1), ("share that becomes thicker", 0.8),
                                  ("share that keeps its class", random.kept - 0.15))):  # fmt: skip
    controls = {"all digits": plain[i], "random directions": random[i]}
    run.found(f"{name}, 2 x", ours[i], at_least=goal, compare=controls)
run.end(*sentences, f"Two steps in the direction {names[0]!r} make {ours.grown:.0%} of the digits "
        f"thicker; {ours.kept:.0%} keep their class ({random.kept:.0%} in random directions, "
        f"{plain.kept:.0%} with {names[1]!r}).")  # fmt: skip
