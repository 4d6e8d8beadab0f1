"""StackGAN: images from captions, in two stages.

    stage I    noise z and c of the caption                    to 14x14    shape and colors
    stage II   that image, and another c of the same caption   to 28x28    corrections and detail

    the loss of G   E[-log D(G(z, c), e)] + 0.2 KL(N(mu(e), sigma(e)^2) || N(0, 1))
    the loss of D   E[-log D(x, e)] + (E[-log(1 - D(G(z, c), e))] + E[-log(1 - D(x, e'))]) / 2

Zhang et al. 2017, "StackGAN: text to photo-realistic image synthesis with stacked generative
adversarial networks". e is the embedding of a caption such as "a red seven on blue": here the sum
of a learned vector for each word. c is drawn from N(mu(e), sigma(e)^2), so that G also learns
between the captions of the data; the KL keeps sigma from shrinking to 0. e' is a wrong caption. All
words occur in training, but a fifth of the captions do not.

Read next: tinygan/gan/variants/text_to_image.py
"""

# %% Colored digits and their captions; a fifth of the captions is held out
from dataclasses import replace

import numpy as np

from tinygan import Tensor, gan, nn, no_grad, optim, plots
from tinygan.data import Minibatches
from tinygan.data.colored import CAPTIONS, TABLE, WORDS, colored
from tinygan.experiments.example import Example
from tinygan.gan.variants.text_to_image import play_text_to_image
from tinygan.metrics.captions import recognize_caption
from tinygan.metrics.frechet import frechet_distance
from tinygan.models.pair import Pair
from tinygan.models.stackgan import StageI, StageII, discriminator

run = Example("stackgan", __doc__, steps=1000, full=6000)
rng = run.rng
learned, test = run.load_digits()
every = np.arange(len(CAPTIONS))  # 160 captions
unseen, seen = np.split(rng.permutation(every), [len(every) // 5])
images, captions = colored(*learned.labeled(), seen, rng=rng)
real, real_captions = colored(*test.labeled(), every, rng=rng)
_, at = np.unique(real_captions, return_index=True)  # a real image of each caption
at = at[np.isin(real_captions[at], unseen)]
shown_real = at[:: len(at) // 8][:8]
fixed = real_captions[shown_real]  # the captions of the pictures
texts = [" ".join(WORDS[word] for word in words) for words in TABLE[fixed]]


def halved(images):  # the means of blocks of 2x2
    return images.reshape(len(images), 3, 14, 2, 14, 2).mean(axis=(3, 5), dtype=np.float32)


# %% Train stage I, then stage II
options = {"words": len(WORDS), "rng": rng, "width": run.width}  # of G and D, in models/stackgan.py
# Half of what D rejects are real images with wrong captions: at the equilibrium D(x) is 2/3.
game, shown = replace(gan.non_saturating, d_at_equilibrium=2 / 3), {}
table = Tensor(TABLE).to(run.backend)


def drawn(G, which, seed=1):
    """Images in [0, 1] of captions. Stage II enlarges what stage I draws with the same seed."""
    z = np.random.default_rng(seed).standard_normal((len(which), untrained.size), dtype=np.float32)
    with no_grad(), G.evaluating():
        made = G(Tensor(z[:, : G.size]).to(run.backend), table[which])[0].numpy()
    return np.clip(made / 2 + 0.5, 0, 1)


def enlarged(images):
    """Images of 28x28, in which a pixel of an image of 14x14 is a block of 2x2."""
    factor = 28 // images.shape[2]
    return images.repeat(factor, axis=2).repeat(factor, axis=3)


def trained(stage, G, D, images):
    """Train G and D; return G with the moving average of its weights."""
    pair = Pair(G, D, z_size=G.size, lr_g=2e-3, lr_d=2e-3).to(run.backend)
    data = Minibatches(images, labels=captions, rng=rng, backend=run.backend)
    average = optim.EMA(G, 0.995)
    curve = run.curve(game, f"{stage}: losses without wrong captions and KL")

    def captioned(m):
        x, which = data.labeled(m)
        return x, table[which]

    players = game, *pair.players(captioned, rng)
    # The losses and the steps are in play_text_to_image, tinygan/gan/variants/text_to_image.py.
    for step, result in run.play(lambda: play_text_to_image(*players, m=32, kl=0.2)):
        average.update()
        d_loss, g_loss = game.d_loss(result.real, result.fake), game.g_loss(result.fake)
        curve.add(step, result._replace(d_loss=d_loss, g_loss=g_loss))
        if step in run.snapshots:
            shown[f"{stage}, round {step}"] = enlarged(drawn(average.module, fixed))
    return average.module


untrained = StageII(StageI(**options).to(run.backend), **options).to(run.backend)
small = np.uint8(np.rint(halved(images)))
first = trained("stage I", StageI(**options), discriminator(14, **options), small)
second = trained("stage II", StageII(first, **options), discriminator(28, **options), images)
real = real / np.float32(255)
shown["real"] = real[shown_real]

# %% Samples of captions that are not in the training data
columns = [enlarged(drawn(G, fixed, seed)) for seed in range(4) for G in (first, second)]
cells = np.stack([*columns, shown["real"]], axis=1).reshape(-1, 3, 28, 28)
names = {"row_labels": texts, "column_labels": [*["stage I", "stage II"] * 4, "real"]}
title = "Four images of captions that are not in the training data: stage I, and stage II from it"
run.save("captions", plots.grid(cells, 9, 0, title=title, **names), title)
title = "Images of captions that are not in the training data, through training"
run.save("training", plots.rows(shown, 8, 0, title=title, column_labels=texts), title)
run.save_curves()

# %% The share of images that match their captions, and the distance to real digits
classifier, n = run.classifier(learned), run.many(2000)


def matching(images, which):  # the share that has the digit and both colors of its caption
    return (recognize_caption(images, classifier) == CAPTIONS[which]).all(axis=1).mean()


def distance(images):  # to real digits; the red channel is the gray digit, whatever the colors
    resize = nn.Upsample(scale_factor=28 // images.shape[2], mode="bilinear")
    reds = resize(Tensor(images[:, :1])).data, real[:, :1]
    return frechet_distance(*map(classifier.features, reds))


controls, stages = {"real": matching(real, real_captions)}, {"stage I": first, "stage II": second}
requested = {"seen": rng.choice(seen, n), "unseen": rng.choice(unseen, n)}
shares = {}
for kind, which in requested.items():
    controls["untrained"] = matching(drawn(untrained, which), which)
    for stage, G in stages.items():
        samples = drawn(G, which)
        share, controls["wrong captions"] = (matching(samples, w) for w in (which, which[::-1]))
        run.found(f"match of {kind} captions: {stage}", share, at_least=0.7, compare=controls)
        shares[kind, stage] = share
far = {name: distance(drawn(G, rng.choice(every, n))) for name, G in stages.items()}
ours, most = far.pop("stage II"), 0.4 * far["stage I"]
far["untrained"] = distance(drawn(untrained, requested["unseen"]))
far["real at 14x14"] = distance(halved(real))
run.found("Frechet distance to real digits: stage II", ours, at_most=most, compare=far)
share = shares["unseen", "stage II"]
run.end(
    f"{share:.0%} of the images of stage II match captions that are not in the training data: G "
    f"{'combines' if share >= 0.7 else 'does not yet combine'} known words in new ways.",
    f"The Frechet distance to real digits is {ours:.0f} after stage II, {far['stage I']:.0f} after "
    f"stage I: stage II {'adds' if ours <= most else 'does not add enough'} detail.",
)
