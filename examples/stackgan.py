"""StackGAN: images from captions, in two stages.

    stage I    noise and c, drawn from N(mu(e), sigma(e)^2)   to 14x14    shape and colors
    stage II   that image, and another c of the same caption  to 28x28    corrections and detail

Zhang et al. 2017, "StackGAN: text to photo-realistic image synthesis with stacked generative
adversarial networks". e is the embedding of a caption such as "a red seven on blue": here the sum
of a learned vector for each word (their text encoder is pretrained on other data). All words occur
in training, but a fifth of the captions do not. A classifier of gray digits and the colors tell
whether an image shows the digit, the ink and the background of its caption.
"""

# %% Colored digits, and captions of which a fifth is held out
import numpy as np

from tinygan import Tensor, gan, nn, no_grad, ops, plots
from tinygan.data import Minibatches
from tinygan.data.colored import CAPTIONS, TABLE, WORDS, colored
from tinygan.experiments.example import Example
from tinygan.gan.variants import text_to_image
from tinygan.metrics.captions import recognize_caption
from tinygan.metrics.classifier import Classifier
from tinygan.models.pair import Pair, scaled

run = Example("stackgan", __doc__, steps=1400, full=6000)
rng, (learned, test) = run.rng, run.load_digits()
every = np.arange(len(CAPTIONS))
unseen, seen = np.split(rng.permutation(every), [len(every) // 5])
images, captions = colored(*learned.labeled(), seen, rng=rng)


def halved(images):
    """The means of blocks of 2x2."""
    return np.uint8(np.rint(images.reshape(len(images), 3, 14, 2, 14, 2).mean(axis=(3, 5))))


# %% Two generators, from noise and captions to images and the KL of c; and D
Z, C = 32, 32  # sizes of the noise and of c
c, c2 = scaled(24, run.width), scaled(48, run.width)


def conv(a, b, kernel=4, stride=2, layer=nn.Conv2d, slope=0.0):
    return layer(a, b, kernel, stride, 1, rng=rng), nn.BatchNorm2d(b), nn.LeakyReLU(slope)


def up(a, b):
    return conv(a, b, layer=nn.ConvTranspose2d)


class StageI(nn.Module):
    size = Z + C

    def __init__(self) -> None:
        super().__init__()
        self.augment = text_to_image.ConditioningAugmentation(
            text_to_image.CaptionEmbedding(len(WORDS), 128, rng=rng), C, rng=rng
        )
        start = nn.Linear(Z + C, c2 * 49, rng=rng), nn.Unflatten(1, (c2, 7, 7))
        end = nn.Conv2d(c, 3, 3, 1, 1, rng=rng), nn.Tanh()
        self.net = nn.Sequential(*start, nn.BatchNorm2d(c2), nn.ReLU(), *up(c2, c), *end)

    def forward(self, noise, said):
        code, kl = self.augment(said, noise[:, Z:])
        return self.net(ops.concatenate([noise[:, :Z], code], axis=1)), kl


class StageII(nn.Module):
    size = StageI.size + C

    def __init__(self, first):
        super().__init__()
        self._first = first  # a name with _ is not part of the module, so this G is not trained
        self.augment = text_to_image.ConditioningAugmentation(
            text_to_image.CaptionEmbedding(len(WORDS), 128, rng=rng), C, rng=rng
        )
        self.encode = nn.Sequential(*conv(3, c, 3, 1), *conv(c, c2))
        block = nn.Residual(*conv(c2, c2, 3, 1), *conv(c2, c2, 3, 1)[:2])
        end = nn.ConvTranspose2d(c, 3, 4, 2, 1, rng=rng), nn.Tanh()
        self.net = nn.Sequential(*conv(c2 + C, c2, 3, 1), block, nn.ReLU(), *up(c2, c), *end)

    def forward(self, noise, said):
        with no_grad():
            small, _ = self._first(noise[:, : Z + C], said)
        code, kl = self.augment(said, noise[:, Z + C :])
        planes = ops.broadcast_to(code.reshape(-1, C, 1, 1), (len(code), C, 7, 7))
        return self.net(ops.concatenate([self.encode(small), planes], axis=1)), kl


def discriminator(kernel=4, stride=2):
    start = nn.Conv2d(3, c, 4, 2, 1, rng=rng), nn.LeakyReLU(0.2)
    body = *start, *conv(c, c2, kernel, stride, slope=0.2)
    net = nn.Sequential(*body, nn.Flatten(), nn.Linear(c2 * 49, 1 + 64, rng=rng))
    caption = text_to_image.CaptionEmbedding(len(WORDS), 64, rng=rng)
    return text_to_image.ProjectionDiscriminator(net, caption)


# %% Train stage I, then stage II
def place(array):
    return Tensor(array).to(run.backend)


def trained(G, D, images, captions):
    """Train; return the moving average of G."""
    pair = Pair(G, D, z_size=G.size, lr_g=2e-3, lr_d=2e-3).to(run.backend)
    data, table = Minibatches(images, labels=captions, rng=rng, backend=run.backend), place(TABLE)

    def captioned(m):
        x, which = data.labeled(m)
        return x, table[which]

    players, play = pair.players(captioned, rng), text_to_image.play_text_to_image
    return run.averaged(G, lambda: play(gan.non_saturating, *players, m=32, kl=0.2), 0.995)


first = trained(StageI(), discriminator(3, 1), halved(images), captions)
second = trained(StageII(first), discriminator(), images, captions)


# %% Samples, and the share that matches the captions
def drawn(which):
    """Images in [0, 1] of stage I, and those of stage II from the same noise."""
    noise = np.random.default_rng(1).standard_normal((len(which), StageII.size), dtype=np.float32)
    ways = (first, noise[:, : StageI.size]), (second, noise)
    with no_grad():
        made = [G(place(z), place(TABLE[which]))[0].numpy() for G, z in ways]
    return [np.clip(images / 2 + 0.5, 0, 1) for images in made]


def right(images, which):
    """The share of images with the digit, the ink and the background of their captions."""
    return (recognize_caption(images, Classifier.shipped()) == CAPTIONS[which]).all(axis=1).mean()


for name, which in (("all", every), ("unseen", np.sort(unseen))):
    small, large = drawn(which)
    sheets = small.repeat(2, axis=2).repeat(2, axis=3), large
    picture = np.concatenate([plots.grid(images, 16, 0) for images in sheets])
    run.save(name, picture, f"{name} captions: stage I above, stage II below")
for name, kept in (("seen", seen), ("unseen", unseen)):
    which = rng.choice(kept, run.many(2000))
    for stage, images in zip(("I", "II"), drawn(which), strict=True):
        share = right(images, which)
        what = f"stage {stage}, {name} captions: matching"
        run.found(what, share, "at least 0.9", share >= 0.9)
images, captions = colored(*test.labeled(), every, rng=rng)
for name, real in (("14x14", halved(images)), ("28x28", images)):
    share = right(real / np.float32(255), captions)
    run.found(f"real digits of {name}: matching their captions", share)
run.end()
