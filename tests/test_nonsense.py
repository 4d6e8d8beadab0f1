"""What surrounds the layers, on nonsense: initializers, data, games at play, models, measures,
options, runs, pictures. Each error names the argument, what came, and what was expected. (Of
tensors, ops, layers, losses and optimizers: test_errors.py. Of samples: test_metrics.py.)"""

import numpy as np
import pytest

from tinygan import (
    Tensor,
    data,
    doctor,
    gan,
    losses,
    models,
    nn,
    optim,
    parallel,
    plots,
    storage,
    training,
)
from tinygan.backend.inputs import SINGLE_PROCESS
from tinygan.backend.philox import Philox
from tinygan.data import Minibatches
from tinygan.data.colored import colored as in_colors
from tinygan.data.mixtures import grid as grid_of
from tinygan.data.mixtures import ring
from tinygan.experiments import classical, results
from tinygan.experiments.toy_game import extra_g_steps, toy_game
from tinygan.gan import theory
from tinygan.gan.single_player import train_d, train_g
from tinygan.gan.variants import conditional, packing, text_to_image
from tinygan.gan.variants.cyclegan import ImageBuffer, Players, play_cyclegan
from tinygan.gan.variants.pix2pix import concat_channels, play_pix2pix
from tinygan.gan.variants.semi_supervised import (
    mutual_information,
    play_semi_supervised,
    real_logit,
)
from tinygan.metrics import frechet, kmeans, memorization, modes, pixels, precision_recall
from tinygan.models import cgan, latent, vae
from tinygan.models.improved_gan import improved_gan, unit_noise
from tinygan.models.mlp import perceptron
from tinygan.nn import init
from tinygan.training import Config

RNG = np.random.default_rng(0)
NAN, INF = float("nan"), float("inf")
BYTES = np.zeros((4, 1, 2, 2), np.uint8)
SHAPE = (1, 28, 28)
ORIGIN = np.zeros(3)


def batchnormed():
    layers = nn.Linear(4, 2, rng=RNG), nn.BatchNorm1d(2), nn.Linear(2, 1, rng=RNG)
    return nn.Sequential(nn.Flatten(), *layers)


def played(how=gan.play, options=None, **changes):
    """A round of a tiny game in which something was changed."""
    G = nn.Sequential(nn.Linear(3, 4, rng=RNG), nn.Unflatten(1, (1, 2, 2)))
    D = changes.pop("D", nn.Sequential(nn.Flatten(), nn.Linear(4, 1, rng=RNG)))
    modules = isinstance(D, nn.Module)
    players = {
        "game": gan.minimax,
        "G": G,
        "D": D,
        "data": lambda m: numbers(m, 1, 2, 2),
        "noise": lambda m: numbers(m, 3),
        "opt_g": optim.SGD(G.parameters(), 0.1),
        "opt_d": optim.SGD((D if modules else G).parameters(), 0.1),
    }
    return lambda: next(how(*{**players, **changes}.values(), **(options or {})))


def numbers(*shape, dtype=np.float32):
    return Tensor(RNG.standard_normal(shape).astype(dtype))


PLAY = {
    "a game's name": (played(game="minimax"), "game: expected a game, .* got 'minimax'"),
    "no generator": (played(G=None), "G: expected a Module, got NoneType"),
    "a function for D": (played(D=lambda x: x), "D: expected a Module, got function"),
    "an array for data": (played(data=BYTES), "data: expected a function of m, got ndarray"),
    "no noise": (played(noise=None), "noise: expected a function of m, got NoneType"),
    "no optimizer": (played(opt_g=None), "opt_g: expected an optimizer, got NoneType"),
    "another's optimizer": (
        played(opt_d=optim.SGD(batchnormed().parameters(), 0.1)),
        r"opt_d: expected an optimizer of D.parameters\(\), got one of others",
    ),
    "a penalty's name": (
        played(options={"penalty": "r1"}),
        r"penalty: expected None, .* got 'r1'",
    ),
    "m": (played(options={"m": -1}), "m: expected an int >= 1, got -1"),
    "k": (played(options={"k": 0}), "k: expected an int >= 1, got 0"),
    "at once": (
        played(gan.play_simultaneously, game=None),
        "game: expected a game, .* got None",
    ),
    "images of another size": (
        played(data=lambda m: numbers(m, 1, 3, 3)),
        r"Linear: expected 4 elements along axis -1, got shape \(64, 9\)",
    ),
    "images of another dtype": (
        played(data=lambda m: numbers(m, 1, 2, 2, dtype=np.float64)),
        "Linear: the input is float64 but the weights are float32",
    ),
    "no images": (
        played(data=lambda m: numbers(0, 1, 2, 2)),
        r"mean: expected at least one element, got shape \(0, 1\)",
    ),
    "noise of another size": (
        played(noise=lambda m: numbers(m, 2)),
        r"Linear: expected 3 elements along axis -1, got shape \(64, 2\)",
    ),
    "noise of another dtype": (
        played(noise=lambda m: numbers(m, 3, dtype=np.float64)),
        "Linear: the input is float64",
    ),
    "one image, and BatchNorm": (
        played(D=batchnormed(), options={"m": 1}),
        r"BatchNorm1d: one value per channel has no variance, got shape \(1, 2\)",
    ),
    "smoothing of a name": (lambda: gan.one_sided_smoothing("minimax"), "game: .*got 'minimax'"),
    "smoothing of nothing": (lambda: gan.label_smoothing(None), "game: .*got None"),
    "noise on nothing": (lambda: gan.label_noise(None, rng=RNG), "game: .*got None"),
    "flips of a name": (lambda: gan.label_flips("hinge", rng=RNG), "game: .*got 'hinge'"),
    "a target that is a word": (
        lambda: gan.least_squares("a"),
        r"a: expected a number in \(-inf, inf\), got 'a'",
    ),
    "a target that is NaN": (lambda: gan.least_squares(0, NAN), "b: .*got nan"),
    "a target without end": (lambda: gan.least_squares(c=INF), "c: .*got inf"),
    "a weight": (lambda: gan.wgan_gp(-1, rng=RNG), r"weight: expected .*\[0, inf\), got -1"),
    "a weight that is a word": (lambda: gan.r1("x"), "gamma: expected a number .*got 'x'"),
    "the average of nothing": (lambda: optim.EMA(None), "module: expected a Module, got NoneType"),
    "targets of BCE": (
        lambda: losses.bce_with_logits(numbers(2), Tensor(np.full(2, 7, np.float32))),
        r"targets in \[0, 1\], got 7..7",
    ),
    "BatchNorm of no examples": (
        lambda: nn.BatchNorm2d(3)(numbers(0, 3, 2, 2)),
        r"BatchNorm2d: one value per channel has no variance, got shape \(0, 3, 2, 2\)",
    ),
    "a seed of Philox": (lambda: Philox(-1), "seed: expected an int >= 0, got -1"),
    "a stream of Philox": (lambda: Philox(0, "a"), "stream: expected an int >= 0, got 'a'"),
}


WEIGHT = nn.Linear(3, 2, rng=RNG).weight


def initialized(name, *numbers, weight=WEIGHT, rng=RNG):
    return lambda: getattr(init, name)(weight, *numbers, rng=rng)


INITIALIZERS = {
    "no parameter": (initialized("normal_", weight=None), "parameter: expected a Tensor, got None"),
    "an array": (
        initialized("xavier_normal_", weight=WEIGHT.data),
        "parameter: expected a Tensor, got ndarray",
    ),
    "a fan of nothing": (
        initialized("kaiming_normal_", weight=numbers(0, 3)),
        r"parameter: fans need .*got shape \(0, 3\)",
    ),
    "no rng": (initialized("uniform_", rng=None), "rng: expected a numpy.random.Gen.*got None"),
    "no rng, normal": (initialized("normal_", rng=None), "rng: .*got None"),
    "no rng, orthogonal": (initialized("orthogonal_", rng=0), "rng: .*got 0"),
    "a constant that is none": (lambda: init.constant_(WEIGHT, None), "value: .*got None"),
    "a constant that is NaN": (lambda: init.constant_(WEIGHT, NAN), "value: .*got nan"),
    "an end that is NaN": (initialized("uniform_", NAN), r"a: expected .*\(-inf, inf\), got nan"),
    "an end far away": (initialized("uniform_", 0, INF), "b: .*got inf"),
    "ends in disorder": (initialized("uniform_", 2), "a, b: expected a <= b, got 2, 1.0"),
    "a mean without end": (initialized("normal_", INF), "mean: .*got inf"),
    "a NaN of a deviation": (
        initialized("normal_", 0, NAN),
        r"std: expected .*\[0, inf\), got nan",
    ),
    "a negative deviation": (initialized("normal_", 0, -1), "std: .*got -1"),
    "gain": (initialized("xavier_uniform_", -1), r"gain: expected .*\[0, inf\), got -1"),
    "gain, NaN": (initialized("xavier_normal_", NAN), "gain: .*got nan"),
    "gain, infinite": (initialized("orthogonal_", INF), "gain: .*got inf"),
    "slope": (initialized("kaiming_uniform_", "x"), "a: expected a number .*got 'x'"),
    "slope, NaN": (initialized("kaiming_normal_", NAN), "a: expected a number .*got nan"),
    "no network": (initialized("dcgan_", weight=None), "network: expected a Module, got NoneType"),
    "no network, 2014": (initialized("gan_2014_", 0.1, weight=None), "network: .*got NoneType"),
    "a range that is negative": (
        initialized("gan_2014_", -1, weight=batchnormed()),
        r"r: expected a number in \[0, inf\), got -1",
    ),
}


def players(*layers):
    """Two networks for images of 1x2x2 (D with these further layers), with an optimizer each."""
    G = nn.Sequential(nn.Linear(3, 4, rng=RNG), nn.Unflatten(1, (1, 2, 2)))
    D = nn.Sequential(nn.Sequential(nn.Flatten(), nn.Linear(4, 2, rng=RNG)), *layers)
    return {"G": G, "D": D, **optimizers(G, D)}


def optimizers(g, d):
    return {name: optim.SGD(net.parameters(), 0.1) for name, net in (("opt_g", g), ("opt_d", d))}


def semi_supervised():
    return {
        **players(nn.Linear(2, 3, rng=RNG)),
        "labeled": lambda m: (numbers(m, 1, 2, 2), Tensor(np.zeros(m, int))),
        "unlabeled": lambda m: numbers(m, 1, 2, 2),
        "noise": lambda m: numbers(m, 3),
        "m": 4,
    }


def translation():
    G, D = (nn.Conv2d(channels, 1, 1, rng=RNG) for channels in (1, 2))
    return {
        "game": gan.hinge,
        "G": G,
        "D": D,
        "pairs": lambda m: (numbers(m, 1, 2, 2), numbers(m, 1, 2, 2)),
        **optimizers(G, D),
    }


def two_maps():
    nets = Players(*(nn.Conv2d(1, 1, 1, rng=RNG) for _ in range(4)))
    return {
        "game": gan.hinge,
        "players": nets,
        "xs": lambda m: numbers(m, 1, 2, 2),
        "ys": lambda m: numbers(m, 1, 2, 2),
        **optimizers(nn.Sequential(nets.G, nets.F), nn.Sequential(nets.D_y, nets.D_x)),
        "buffers": (ImageBuffer(rng=RNG), ImageBuffer(rng=RNG)),
    }


def caption():
    return text_to_image.CaptionEmbedding(5, 3, rng=RNG)


class Painter(nn.Module):
    """A G that reads."""

    def __init__(self):
        super().__init__()
        self.read, self.draw = (
            text_to_image.ConditioningAugmentation(caption(), 3, rng=RNG),
            nn.Tanh(),
        )

    def forward(self, noise, words):
        c, kl = self.read(words, noise)
        return self.draw(c), kl


def reading():
    G, D = Painter(), text_to_image.ProjectionDiscriminator(nn.Linear(3, 4, rng=RNG), caption())
    return {
        "game": gan.hinge,
        "G": G,
        "D": D,
        "captioned": lambda m: (numbers(m, 3), Tensor(np.zeros((m, 2), int))),
        "noise": lambda m: numbers(m, 3),
        **optimizers(G, D),
    }


def alone():
    return {
        "game": gan.hinge,
        **players(),
        "data": lambda m: numbers(m, 1, 2, 2),
        "noise": lambda m: numbers(m, 3),
    }


OTHERS = {  # other rounds, and what they are played with
    play_semi_supervised: semi_supervised,
    play_pix2pix: translation,
    play_cyclegan: two_maps,
    text_to_image.play_text_to_image: reading,
    train_d: alone,
    train_g: alone,
}


def other(play, **changes):
    """A round of another kind in which something was changed."""
    return lambda: next(play(**{**OTHERS[play](), **changes}))


def of_others():
    return optim.SGD(batchnormed().parameters(), 0.1)


OTHER_ROUNDS = {
    "semi-supervised, no G": (other(play_semi_supervised, G=None), "G: expected a Module"),
    "no game": (other(play_semi_supervised, game=None), "game: expected a game, .*got None"),
    "no labeled images": (
        other(play_semi_supervised, labeled=None),
        "labeled: expected a function of m, got NoneType",
    ),
    "an array of images": (
        other(play_semi_supervised, unlabeled=BYTES),
        "unlabeled: expected a function of m, got ndarray",
    ),
    "semi-supervised, no optimizer": (
        other(play_semi_supervised, opt_g=None),
        "opt_g: expected an optimizer, got NoneType",
    ),
    "semi-supervised, another's optimizer": (
        other(play_semi_supervised, opt_d=of_others()),
        r"opt_d: expected an optimizer of D.parameters\(\), got one of others",
    ),
    "no logits": (lambda: real_logit(None), "logits: expected a Tensor, got NoneType"),
    "an array of logits": (
        lambda: mutual_information(np.ones((2, 3))),
        "logits: expected a Tensor, got ndarray",
    ),
    "no pairs": (other(play_pix2pix, pairs=None), "pairs: expected a function of m"),
    "a distance by name": (
        other(play_pix2pix, distance="l1"),
        "distance: expected a loss, as losses.l1 is one, got 'l1'",
    ),
    "translation, no D": (other(play_pix2pix, D=None), "D: expected a Module, got NoneType"),
    "beside nothing": (
        lambda: concat_channels(None, numbers(1, 1, 2, 2)),
        "y: expected a Tensor, got None",
    ),
    "players of another game": (
        other(play_cyclegan, players=None),
        r"players: expected Players\(G, F, D_y, D_x\), got None",
    ),
    "no map back": (
        other(play_cyclegan, players=two_maps()["players"]._replace(F=None)),
        "F: expected a Module, got NoneType",
    ),
    "the optimizer of other maps": (
        other(play_cyclegan, opt_g=of_others()),
        r"opt_g: expected an optimizer of G.parameters\(\) and F.parameters\(\), got one of",
    ),
    "no images there": (
        other(play_cyclegan, ys=None),
        "ys: expected a function of m, got NoneType",
    ),
    "no buffers": (other(play_cyclegan, buffers=None), "buffers: expected two, .*got None"),
    "a buffer of nothing": (
        lambda: ImageBuffer(rng=RNG)(None),
        "fakes: expected a Tensor, got NoneType",
    ),
    "no captions": (
        other(text_to_image.play_text_to_image, captioned=None),
        "captioned: expected a function of m, got NoneType",
    ),
    "captioned, no optimizer": (
        other(text_to_image.play_text_to_image, opt_d=None),
        "opt_d: expected an optimizer, got NoneType",
    ),
    "words that are none": (lambda: caption()(None), "words: expected a Tensor, got NoneType"),
    "no noise beside words": (
        lambda: text_to_image.ConditioningAugmentation(caption(), 3, rng=RNG)(
            Tensor(np.ones((1, 2), int)), None
        ),
        "noise: expected a Tensor, got NoneType",
    ),
    "an augmentation of nothing": (
        lambda: text_to_image.ConditioningAugmentation(None, 3, rng=RNG),
        "caption: expected a CaptionEmbedding, got NoneType",
    ),
    "matches of nothing": (
        lambda: text_to_image.ProjectionDiscriminator(None, caption()),
        "net: expected a Module, got NoneType",
    ),
    "D alone, no game": (other(train_d, game=None), "game: expected a game, .*got None"),
    "D alone, no data": (other(train_d, data=None), "data: expected a function of m, got None"),
    "G alone, no D": (other(train_g, D=None), "D: expected a Module, got NoneType"),
    "G alone, no optimizer": (other(train_g, opt_g=None), "opt_g: expected an optimizer, got None"),
    "a judge that is none": (
        lambda: gan.discriminate(None, numbers(2, 4)),
        "D: expected a Module, got NoneType",
    ),
    "nothing to judge": (
        lambda: gan.discriminate(batchnormed(), numbers(2, 4), None),
        r"minibatches\[1\]: expected a Tensor, got NoneType",
    ),
    "a penalty on nothing": (
        lambda: gan.r1()(batchnormed(), None, None),
        "x: expected a Tensor, got NoneType",
    ),
    "a penalty on an array": (
        lambda: gan.wgan_gp(rng=RNG)(batchnormed(), numbers(2, 4), BYTES),
        "fake: expected a Tensor, got ndarray",
    ),
    "a D that gives nothing": (
        lambda: gan.minimax.d_loss(None, numbers(2, 1)),
        "real: expected a Tensor, got NoneType",
    ),
    "no fakes to pay for": (lambda: gan.hinge.g_loss(None), "fake: expected a Tensor, got None"),
    "an optimizer of all ranks": (
        lambda: parallel.DataParallel(None, SINGLE_PROCESS),
        "optimizer: expected an Optimizer, got NoneType",
    ),
}


def looked(**changes):
    given = {k: v for k, v in alone().items() if k in ("game", "G", "D")}
    images = {"x": numbers(4, 1, 2, 2), "z": numbers(4, 3)}
    return lambda: doctor.probe(**{**given, **images, **changes})


def watched(**changes):
    given = {k: v for k, v in alone().items() if k not in ("data", "noise")}
    options = {"minibatch": lambda step: (numbers(4, 1, 2, 2), numbers(4, 3)), "every": 1}
    return lambda: next(doctor.monitor(**{"rounds": iter([1]), **given, **options, **changes}))


DOCTOR = {
    "no game": (looked(game=None), "game: expected a game, .*got None"),
    "no G": (looked(G=None), "G: expected a Module, got NoneType"),
    "no D": (looked(D="D"), "D: expected a Module, got str"),
    "no images": (looked(x=None), "x: expected a Tensor, got NoneType"),
    "images of bytes": (looked(x=BYTES), "x: expected a Tensor, got ndarray"),
    "an empty minibatch": (
        looked(x=numbers(0, 1, 2, 2)),
        r"x: expected at least 2 examples, got shape \(0, 1, 2, 2\)",
    ),
    "one point of noise": (looked(z=numbers(1, 3)), r"z: expected .*got shape \(1, 3\)"),
    "the pace of nothing": (
        lambda: doctor.UpdateSize(None, of_others()),
        "opt_g: expected an Optimizer, got NoneType",
    ),
    "no rounds": (watched(rounds=None), "rounds: expected those of gan.play, got NoneType"),
    "beside no game": (watched(game=None), "game: expected a game, .*got None"),
    "nothing to probe": (
        watched(minibatch=None),
        "minibatch: expected a function of the step, got NoneType",
    ),
    "every 0 rounds": (watched(every=0), "every: expected an int >= 1, got 0"),
    "beside no optimizer": (watched(opt_d=None), "opt_d: expected an Optimizer, got NoneType"),
    "an inspector of nothing": (
        lambda: doctor.Inspector(None, *[batchnormed(), of_others(), of_others()]),
        "G: expected a Module, got NoneType",
    ),
    "hearing of nothing": (
        lambda: doctor.Inspector(**players()).wrap_game(None),
        "game: expected a game, .*got None",
    ),
}


NARROW = nn.Linear(2, 2, rng=RNG)
SHAPED = (1, 2, 2)
WORD = Tensor(np.array([0, 1]))

JOINT = {
    "no labels": (lambda: conditional.one_hot(None, 3), "labels: expected a Tensor, got NoneType"),
    "classes by name": (
        lambda: conditional.one_hot(WORD, "x"),
        "classes: expected an int .*got 'x'",
    ),
    "no classes": (lambda: conditional.one_hot(WORD, 0), "classes: expected an int >= 1, got 0"),
    "nothing joined": (
        lambda: conditional.concat_label(None, numbers(2, 1)),
        "x: expected a Tensor, got None",
    ),
    "rows of two lengths": (
        lambda: conditional.concat_label(numbers(3, 2), numbers(2, 1)),
        r"x, y: expected \(N, ...\) and \(N, K\), got \(3, 2\) and \(2, 1\)",
    ),
    "nothing parted": (
        lambda: conditional.split_label(None, 1),
        "rows: expected a Tensor, got NoneType",
    ),
    "parted at -1": (
        lambda: conditional.split_label(numbers(2, 3), -1),
        "k: expected an int >= 1, got -1",
    ),
    "parted at 0": (
        lambda: conditional.split_label(numbers(2, 3), 0),
        "k: expected an int >= 1, got 0",
    ),
    "parted at None": (lambda: conditional.split_label(numbers(2, 3), None), "k: .*got None"),
    "no data": (
        lambda: conditional.labeled_data(None, 3),
        "data: expected Minibatches with labels, got NoneType",
    ),
    "data of no classes": (lambda: conditional.labeled_data(None, -1), "classes: .*got -1"),
    "no noise": (
        lambda: conditional.labeled_noise(None, 3, rng=RNG),
        "noise: expected a function of m, got NoneType",
    ),
    "labels of no net": (
        lambda: conditional.ConditionalGenerator(None, 3),
        "net: expected a Module, got NoneType",
    ),
    "planes of no net": (
        lambda: conditional.ConditionalDiscriminator(None, SHAPED),
        "net: expected a Module, got None",
    ),
    "planes of no shape": (
        lambda: conditional.ConditionalDiscriminator(NARROW, None),
        r"shape: expected three sizes \(C, H, W\), got None",
    ),
    "planes of a size": (
        lambda: conditional.ACGANDiscriminator(NARROW, 4),
        "shape: expected .*got 4",
    ),
    "planes of 0": (
        lambda: conditional.ConditionalDiscriminator(NARROW, (1, 0, 2)),
        r"shape\[1\]: .*got 0",
    ),
    "nothing on planes": (
        lambda: conditional.ConditionalDiscriminator(NARROW, SHAPED)(None),
        "rows: expected a Tensor, got NoneType",
    ),
    "a row without labels": (
        lambda: conditional.ACGANDiscriminator(NARROW, SHAPED)(numbers(2, 4)),
        r"rows: expected \(N, more than 4\), got \(2, 4\)",
    ),
    "a game by name": (
        lambda: conditional.auxiliary_classifier("hinge"),
        "game: expected a game, .*got 'hinge'",
    ),
    "a pack of no net": (lambda: packing.Packed(None, 2), "net: expected a Module, got NoneType"),
    "a pack of nothing": (
        lambda: packing.Packed(NARROW, 2)(None),
        "z: expected a Tensor, got None",
    ),
    "a pack that does not fit": (
        lambda: packing.Packed(NARROW, 2)(numbers(2, 3)),
        r"z: expected \(N, numbers of 2\), got \(2, 3\)",
    ),
}


ROWS, OF_ROWS = RNG.random((20, 3)), np.arange(20) % 3
BAYES = classical.naive_bayes(ROWS, OF_ROWS, 3, 0.1)


def bayes(x=ROWS, labels=OF_ROWS, classes=3):
    return lambda: classical.naive_bayes(x, labels, classes, 0.1)


def line(x=ROWS, labels=OF_ROWS, classes=3, **options):
    return lambda: classical.logistic_regression(x, labels, classes, **options)


CLASSICAL = {
    "no rows": (bayes(None), "x: expected an array, got NoneType"),
    "one number": (bayes(3), "x: expected an array, got int"),
    "one axis": (bayes(ROWS[0]), r"x: expected numbers of shape \(N, ...\).*\(3,\)"),
    "an empty set": (bayes(ROWS[:0]), r"x: expected at least 1 samples, got shape \(0, 3\)"),
    "rows of NaN": (bayes(NAN * ROWS), "x: expected finite numbers, got NaN"),
    "rows of words": (bayes(ROWS.astype(str)), "x: expected numbers of shape"),
    "no labels": (bayes(labels=None), "labels: expected a NumPy array, got NoneType"),
    "labels of floats": (bayes(labels=1.0 * OF_ROWS), r"labels: .*\(20,\), got float64 \(20,\)"),
    "labels of others": (
        bayes(labels=OF_ROWS[1:]),
        r"labels: expected integers \(20,\), got int64",
    ),
    "labels below 0": (bayes(labels=OF_ROWS - 1), r"labels: expected 0\.\.2, got -1\.\.1"),
    "labels too high": (bayes(classes=2), r"labels: expected 0\.\.1, got 0\.\.2"),
    "no classes": (bayes(classes=0), "classes: expected an int >= 1, got 0"),
    "classes by name": (bayes(classes="x"), "classes: .*got 'x'"),
    "no shares": (
        lambda: classical.normals(ROWS, None, 0.1),
        "shares: expected an array, got None",
    ),
    "shares of others": (
        lambda: classical.normals(ROWS, np.ones((3, 2)), 0.1),
        "shares: expected 20 rows, one for each of x, got 3",
    ),
    "a model of other rows": (
        lambda: BAYES.classify(ROWS[:, :2]),
        "x: expected 3 numbers a row, as means has, got 2",
    ),
    "a posterior of nothing": (lambda: BAYES.posterior(None), "x: expected an array, got NoneType"),
    "no densities": (lambda: classical.em(ROWS, None, 0.1, rng=RNG), "k: .*1 to 20.*got None"),
    "half a density": (lambda: classical.em(ROWS, 1.5, 0.1, rng=RNG), "k: .*got 1.5"),
    "em by no rng": (lambda: classical.em(ROWS, 2, 0.1, rng=None), "rng: expected .*got None"),
    "mixtures of no labels": (
        lambda: classical.mixtures(ROWS, None, 0.1, rng=RNG),
        "labels: expected a NumPy array, got NoneType",
    ),
    "mixtures of labels below 0": (
        lambda: classical.mixtures(ROWS, OF_ROWS - 1, 0.1, rng=RNG),
        r"labels: expected numbers >= 0, got -1\.\.1",
    ),
    "mixtures of at most 0": (
        lambda: classical.mixtures(ROWS, OF_ROWS, 0.1, rng=RNG, maximum=0),
        "maximum: expected an int >= 1, got 0",
    ),
    "windows of nothing": (
        lambda: classical.windows(None, OF_ROWS),
        "x: expected an array, got NoneType",
    ),
    "no sigmas": (
        lambda: classical.windows(ROWS, OF_ROWS, None),
        "sigmas: expected positive numbers, got None",
    ),
    "sigmas of words": (lambda: classical.left_out(ROWS, ["x"]), r"sigmas: .*got \['x'\]"),
    "all but nothing": (lambda: classical.left_out(None, [1.0]), "x: expected an array, got None"),
    "a line through nothing": (line(None), "x: expected an array, got NoneType"),
    "a line by other labels": (line(labels=OF_ROWS[1:]), r"labels: expected integers \(20,\)"),
    "a line between no classes": (line(classes=0), "classes: expected an int >= 1, got 0"),
    "a line at a NaN rate": (line(lr=NAN), r"lr: expected a number in \[0, inf\), got nan"),
    "a line for other rows": (
        lambda: classical.Softmax(np.ones((2, 3)), np.ones(2)).logits(ROWS[:, :2]),
        "x: expected 3 numbers a row, as weight has, got 2",
    ),
    "the sum of nothing": (
        lambda: classical.log_sum(None),
        r"a: expected an array \(N, K\), got None",
    ),
    "the sum of one axis": (lambda: classical.log_sum(ROWS[0]), r"a: .*got \(3,\)"),
}


def painted(G=None, z=None, **options):
    pair = models.build("mlp-small", SHAPE, rng=RNG)
    return lambda: models.pixels(G or pair.G, numbers(2, 100) if z is None else z, **options)


def drawn(how="draw", **options):
    """Of a Sampler without a run, whose generator is new."""
    sampler = object.__new__(training.Sampler)
    sampler.pair = models.build("mlp-small", SHAPE, rng=RNG)
    minimum = {"draw": {"n": 2}, "walk": {"rows": 1, "steps": 2}}[how]
    return lambda: getattr(sampler, how)(**{**minimum, **options})


def matched(**changes):
    return lambda: toy_game(**{"mixture": ring(), "seed": 0, **changes})


LABELS, SAID = np.arange(4), np.arange(160)


def painted_in(digits=BYTES, labels=LABELS, which=SAID):
    return lambda: in_colors(digits, labels, which, rng=RNG)


DIGIT = (1, 28, 28)
DRAWING = {
    "pixels of no G": (painted("G"), "G: expected a Module, got str"),
    "pixels of a list": (painted(z=[1]), "z: expected a Tensor, got list"),
    "pixels of no noise": (
        painted(z=numbers(0, 100)),
        r"z: expected \(N, ...\) with N >= 1, got shape \(0, 100\)",
    ),
    "pixels from 1": (painted(low=1), r"low: expected a number in \(-inf, 1\), got 1"),
    "pixels from NaN": (painted(low=NAN), "low: .*got nan"),
    "batches of 0": (painted(batch=0), "batch: expected an int >= 1, got 0"),
    "batches of -1": (painted(batch=-1), "batch: .*got -1"),
    "none drawn": (drawn(n=None), "n: expected an int >= 1, got None"),
    "half an image": (drawn(n=1.5), "n: .*got 1.5"),
    "drawn in batches of 0": (drawn(batch=0), "batch: expected an int >= 1, got 0"),
    "drawn in batches of -1": (drawn(batch=-1), "batch: .*got -1"),
    "a seed of words": (drawn(seed="x"), "seed: expected an int >= 0, got 'x'"),
    "a seed below 0": (drawn(seed=-1), "seed: .*got -1"),
    "no walks": (drawn("walk", rows=None), "rows: expected an int >= 1, got None"),
    "walks in batches of 0": (drawn("walk", batch=0), "batch: .*got 0"),
    "units of words": (lambda: perceptron(2, "x", 1, rng=RNG), "units: .*got 'x'"),
    "units below 0": (lambda: perceptron(2, -1, 1, rng=RNG), "units: expected .*got -1"),
    "no width": (lambda: perceptron(2, 3, 1, rng=RNG, width=0), "width: .*got 0"),
    "a VAE that is none": (
        lambda: vae.mean_loss(None, numbers(2, 4)),
        "vae: expected a VAE, got NoneType",
    ),
    "a VAE of nothing": (
        lambda: vae.mean_loss(vae.VAE(2, 3, 4, rng=RNG), numbers(0, 4)),
        r"x: expected \(N, pixels\) with N >= 1, got shape \(0, 4\)",
    ),
    "a label's shape": (lambda: cgan.cgan_mlp(None, 3, rng=RNG), "shape: .*got None"),
    "a label's classes": (lambda: cgan.cgan28(DIGIT, None, rng=RNG), "classes: .*got None"),
    "AC-GAN of no shape": (lambda: cgan.acgan28(None, 3, rng=RNG), "shape: .*got None"),
    "samples of no pair": (
        lambda: cgan.labeled_samples(None, 1, DIGIT, 10, rng=RNG),
        "pair: expected a Pair, got NoneType",
    ),
    "players of no pair": (
        lambda: cgan.labeled_players(None, None, 10, RNG),
        "pair: expected a Pair, got NoneType",
    ),
    "branches of nothing": (
        lambda: cgan.Branches(None, NARROW, NARROW, 1),
        "first: expected a Module, got NoneType",
    ),
    "branches at 0": (lambda: cgan.Branches(*[NARROW] * 3, 0), "k: .*got 0"),
    "no images to begin with": (
        lambda: improved_gan(None, rng=RNG),
        "images: expected a NumPy array, got NoneType",
    ),
    "other images to begin with": (
        lambda: improved_gan(BYTES, rng=RNG),
        r"images: expected uint8 \(N, 1, 28, 28\) .*got uint8 \(4, 1, 2, 2\)",
    ),
    "noise for no G": (lambda: unit_noise(None, RNG), "G: expected a Module, got NoneType"),
    "noise of no rng": (lambda: unit_noise(NARROW, None), "rng: expected .*got None"),
    "a mixture by name": (matched(mixture="ring"), "mixture: expected a Mixture, .*got 'ring'"),
    "no remedies": (matched(remedies=None), "remedies: expected some of .*got None"),
    "a remedy alone": (matched(remedies="dropout"), "remedies: .*got 'dropout'"),
    "a match of no width": (matched(width=NAN), "width: expected .*got nan"),
    "points of a match": (lambda: matched()().samples(0), "n: expected an int >= 1, got 0"),
    "the slope of nothing": (lambda: matched()().slope(None), "game: expected a game, .*got None"),
    "no match": (
        lambda: next(extra_g_steps(gan.hinge, None)),
        "toy: expected a ToyGame, got NoneType",
    ),
    "not hasty at all": (lambda: next(extra_g_steps(gan.hinge, matched()(), 0)), "times: .*got 0"),
    "a ring of 0": (lambda: ring(0), "k: expected an int >= 1, got 0"),
    "a ring of NaN": (lambda: ring(radius=NAN), "radius: expected .*got nan"),
    "a ring of words": (lambda: ring(sd="x"), "sd: expected .*got 'x'"),
    "a grid of 0": (lambda: grid_of(0), "side: expected an int >= 1, got 0"),
    "a grid without end": (lambda: grid_of(spacing=INF), "spacing: .*got inf"),
    "no points of a mixture": (lambda: ring().sample(0, rng=RNG), "n: .*got 0"),
    "a mixture by no rng": (lambda: ring().sample(1, rng=None), "rng: .*got None"),
    "a walk of lists": (
        lambda: latent.interpolate([1.0], [2.0], 3, "normal"),
        r"start, end: expected NumPy arrays of floats, got \[1.0\], \[2.0\]",
    ),
    "no digits to color": (painted_in(None), "digits: expected a NumPy array, got NoneType"),
    "no labels to color": (
        painted_in(labels=None),
        "labels: expected a NumPy array, got NoneType",
    ),
    "no captions to color by": (painted_in(which=[1]), "which: expected a NumPy array, got list"),
    "images at nothing": (
        lambda: Minibatches(BYTES, rng=RNG).at(None),
        r"which: expected integers \(m,\), got None",
    ),
}


A, B = RNG.standard_normal((2, 30, 3))
EVEN, ODD = np.full(4, 0.25), np.array([0.1, 0.2, 0.3, 0.4])


def diverging(name="kl", p=EVEN, q=ODD, dx=1.0):
    return lambda: theory.divergence(name, p, q, dx)


MEASURES = {
    "no rng": (lambda: frechet.kid(A, B, rng=None, size=5), "rng: expected .*got None"),
    "a subset of words": (lambda: frechet.kid(A, B, rng=RNG, size="x"), "size: .*got 'x'"),
    "half a subset": (
        lambda: frechet.kid(A, B, rng=RNG, size=5, subsets=2.5),
        "subsets: .*got 2.5",
    ),
    "k-means by no rng": (lambda: kmeans.kmeans(A, 3, rng=None), "rng: expected .*got None"),
    "no means": (lambda: kmeans.kmeans(A, None, rng=RNG), "k: expected 1 to 30.*got None"),
    "half a step": (lambda: kmeans.kmeans(A, 3, rng=RNG, steps=1.5), "steps: .*got 1.5"),
    "half a neighbor": (
        lambda: precision_recall.radii(A, 1.5),
        "k: expected an int >= 1, got 1.5",
    ),
    "no neighbor": (
        lambda: precision_recall.precision_recall(A, B, None),
        "k: expected .*got None",
    ),
    "radii of a word": (
        lambda: precision_recall.precision_recall(A, B, real_radii="x"),
        "real_radii: expected an array, got str",
    ),
    "coverage of nothing": (
        lambda: precision_recall.expected_coverage(None, 9),
        "expected 1 <= k < n and m >= 1, got k = 5, n = None, m = 9",
    ),
    "a mean that is none": (
        lambda: frechet.gaussian_distance(None, np.eye(2), np.ones(2), np.eye(2)),
        "m1: expected an array, got NoneType",
    ),
    "no distances": (
        lambda: memorization.compare(None, ORIGIN),
        "near: expected an array, got NoneType",
    ),
    "distances of none": (
        lambda: memorization.compare(ORIGIN, ORIGIN[:0]),
        r"held: expected distances \(N,\), got shape \(0,\)",
    ),
    "a peak of words": (lambda: pixels.psnr(A, B, "x"), "peak: expected .*got 'x'"),
    "modes of no mixture": (
        lambda: modes.modes(A[:, :2], None),
        "mixture: expected a Mixture, as ring.* got None",
    ),
    "modes within nothing": (lambda: modes.modes(A[:, :2], ring(), -1), "within: .*got -1"),
    "a level of words": (lambda: results.quantile_t("x", 3), "level, freedom: .*got 'x', 3"),
    "freedom that is NaN": (
        lambda: results.quantile_t(0.5, NAN),
        "freedom: .*got 0.5, nan",
    ),
    "no kernel": (lambda: pixels.overlap(None, 2), "kernel_size: expected .*got None"),
    "half a stride": (lambda: pixels.overlap(3, 1.5), "stride: expected .*got 1.5"),
    "no board": (lambda: pixels.checkerboard(None), "images: expected an array, got None"),
    "an unknown divergence": (
        diverging("x"),
        "divergence 'x' is unknown; expected one of kl, reverse-kl",
    ),
    "no probabilities": (diverging(p="x"), "p: expected numbers, got 'x'"),
    "cells of no size": (diverging(dx=0), r"dx: expected a number in \(0, inf\), got 0"),
    "cells of NaN": (lambda: theory.criterion(EVEN, ODD, NAN), "dx: .*got nan"),
    "no D": (lambda: theory.value("D", EVEN, ODD), "D: expected numbers, got 'D'"),
    "a D beyond 1": (lambda: theory.value(2 * EVEN + 1, EVEN, ODD), "D: expected probabilities"),
    "a target that is none": (
        lambda: theory.least_squares_optimum(EVEN, ODD, None, 1.0),
        "a: expected a number .*got None",
    ),
    "G's target": (lambda: theory.least_squares_criterion(EVEN, ODD, 0, 1, INF), "c: .*got inf"),
    "a normal of no width": (lambda: theory.normal_density(EVEN, 0, 0), "sd: .*got 0"),
    "a normal nowhere": (lambda: theory.normal_density(EVEN, NAN), "mean: .*got nan"),
    "a pull by name": (
        lambda: theory.best_logit_slope("hinge", EVEN),
        "game: expected a game, .*got 'hinge'",
    ),
    "a state of no chance": (
        lambda: next(theory.tabular_game([0.0, 1.0])),
        "p: expected numbers above 0",
    ),
    "a game of two by name": (
        lambda: next(theory.bilinear_game("play", 0.1)),
        "play: expected a function, as gan.play is one, got 'play'",
    ),
}


def minibatches(images=BYTES, **options):
    return lambda: Minibatches(images, **{"rng": RNG, **options})


def asked(m):
    return lambda: Minibatches(BYTES, rng=RNG)(m)


def at(state):
    return lambda: Minibatches(BYTES, rng=RNG).load_state_dict(state)


DATA = {
    "a list of images": (minibatches([[1]]), "images: expected a NumPy array, got list"),
    "no images": (minibatches(None), "images: expected a NumPy array, got NoneType"),
    "an empty set": (minibatches(BYTES[:0]), r"images: .*N >= 1, got uint8 \(0, 1, 2, 2\)"),
    "images of floats": (minibatches(BYTES * 1.0), r"images: expected uint8 .*got float64"),
    "flat images": (minibatches(BYTES[0]), r"images: expected uint8 \(N, C, H, W\).*\(1, 2, 2\)"),
    "a seed for rng": (minibatches(rng=0), "rng: expected a numpy.random.Generator.*got 0"),
    "no rng": (minibatches(rng=None), "rng: expected .*got None"),
    "low above high": (minibatches(low=2), "low, high: expected low < high, got 2, 1.0"),
    "low that is NaN": (minibatches(low=NAN), "low: expected a number .*got nan"),
    "low that is a word": (minibatches(low="a"), "low: expected a number .*got 'a'"),
    "high without end": (minibatches(high=INF), "high: expected a number .*got inf"),
    "a list of labels": (minibatches(labels=[1] * 4), "labels: expected a NumPy array, got list"),
    "too few labels": (minibatches(labels=np.ones(3, int)), r"labels: .*\(4,\).*int64 \(3,\)"),
    "a backend": (minibatches(backend="tpu"), "backend 'tpu' is unknown; expected one of"),
    "no m": (asked(0), "m: expected an int >= 1, got 0"),
    "a negative m": (asked(-1), "m: expected an int >= 1, got -1"),
    "a broken m": (asked(1.5), "m: expected an int >= 1, got 1.5"),
    "None for m": (asked(None), "m: expected an int >= 1, got None"),
    "no state": (at(None), "expected seed, epoch and position, got None"),
    "half a state": (at({"seed": 1}), "expected seed, epoch and position, got {'seed': 1}"),
    "a broken position": (
        at({"seed": 1, "epoch": 0, "position": 0.5}),
        "position: expected an int >= 0, got 0.5",
    ),
    "a negative epoch": (
        at({"seed": 1, "epoch": -1, "position": 0}),
        "epoch: expected an int >= 0, got -1",
    ),
    "a wrong name": (lambda: data.load("mnst"), "data 'mnst' is unknown.*did you mean 'mnist'"),
    "no name": (lambda: data.load(None), "data: expected a name, .*got None"),
    "a number for a name": (lambda: data.load(3), "data: expected a name, .*got 3"),
    "a wrong split": (
        lambda: data.load("digits", "val"),
        "split 'val' is unknown; expected one of train, test",
    ),
    "no split": (lambda: data.load("digits", None), "split None is unknown"),
    "a folder that is none": (
        lambda: data.load("folder:/nowhere"),
        "folder:/nowhere: expected folder:PATH, where PATH is a folder that exists",
    ),
    "a folder with a zero byte": (lambda: data.load("folder:\0"), "expected folder:PATH"),
    "no pixels": (
        lambda: data.load("folder:.", folder_size=0),
        "folder size 0: expected 1 to 1024 pixels",
    ),
    "pixels in words": (
        lambda: data.load("folder:.", folder_size="a"),
        "folder size 'a': expected 1 to 1024 pixels",
    ),
    "a wrong mode": (
        lambda: data.load("folder:.", folder_mode="x"),
        "folder mode 'x' is unknown; expected one of gray, color",
    ),
    "labels where there are none": (
        lambda: data.Dataset("x", BYTES, None, None).labeled(),
        "x: has no labels",
    ),
}


def build(name="mlp-small", shape=SHAPE, **options):
    return lambda: models.build(name, shape, **{"rng": RNG, **options})


def noise(m, rng=RNG):
    return lambda: models.build("mlp-small", SHAPE, rng=RNG).noise(rng)(m)


def walk(end=ORIGIN, steps=3, prior="normal"):
    return lambda: latent.interpolate(ORIGIN, end, steps, prior)


MODELS = {
    "a wrong name": (build("x"), "model 'x' is unknown; expected one of mlp-small"),
    "no name": (build(None), "model None is unknown"),
    "two sizes": (build(shape=(28, 28)), r"shape: expected three sizes .* got \(28, 28\)"),
    "no shape": (build(shape=None), r"shape: expected three sizes \(C, H, W\), got None"),
    "no height": (build(shape=(1, 0, 28)), r"shape\[1\]: expected an int >= 1, got 0"),
    "a negative width": (build(shape=(1, 28, -28)), r"shape\[2\]: .*got -28"),
    "a broken size": (build(shape=(1, 2.5, 2)), r"shape\[1\]: .*got 2.5"),
    "another size": (
        build("dcgan28", (1, 32, 32)),
        "model 'dcgan28' makes images of 28x28, the data has 32x32",
    ),
    "a seed for rng": (build(rng=3), "rng: expected a numpy.random.Generator.*got 3"),
    "layers of nothing": (build(width=0), r"width: expected a number in \(0, inf\), got 0"),
    "layers of less": (build(width=-1), "width: .*got -1"),
    "layers of NaN": (build(width=NAN), "width: .*got nan"),
    "layers of words": (build(width="a"), "width: .*got 'a'"),
    "negative noise": (noise(-1), "m: expected an int >= 1, got -1"),
    "no noise": (noise(0), "m: expected an int >= 1, got 0"),
    "broken noise": (noise(1.5), "m: expected an int >= 1, got 1.5"),
    "noise of no rng": (noise(1, None), "rng: expected a numpy.random.Generator.*got None"),
    "a walk of one": (walk(steps=1), "steps: expected at least 2, got 1"),
    "a broken walk": (walk(steps=2.5), "steps: expected at least 2, got 2.5"),
    "a walk between sizes": (
        walk(end=np.ones(4)),
        r"start, end: expected two of one size, \(size,\), got \(3,\) and \(4,\)",
    ),
    "a walk of an unknown prior": (
        walk(prior="x"),
        "prior: expected 'normal' or 'uniform', got 'x'",
    ),
}


def option(**options):
    return lambda: Config(**options)


OPTIONS = {
    "no steps": (option(steps=0), r"--steps: expected in \[1, inf\), got 0"),
    "steps in words": (option(steps="3"), "--steps: expected int, got '3'"),
    "broken steps": (option(steps=1.5), "--steps: expected int, got 1.5"),
    "a bool for steps": (option(steps=True), "--steps: expected int, got True"),
    "a NaN rate": (option(lr_d=NAN), r"--lr-d: expected in \[0, inf\), got nan"),
    "a rate without end": (option(lr_d=INF), "--lr-d: .*got inf"),
    "a rate that no float holds": (option(lr_d=10**400), "--lr-d: expected float, got an int"),
    "a negative rate": (option(lr_g=-1), "--lr-g: .*got -1"),
    "no model": (option(model=None), "--model: expected str, got None"),
    "a wrong game": (option(game="minmax"), "--game 'minmax' is unknown.*did you mean 'minimax'"),
    "too large a batch": (option(batch=10**9), r"--batch: expected in \[1, 65536\], got 10"),
    "a negative seed": (option(seed=-1), r"--seed: expected in \[0, inf\), got -1"),
    "a backend's number": (option(backend=3), "--backend: expected str, got 3"),
    "an average of all": (option(ema=1.0), r"--ema: expected in \[0, 1\), got 1.0"),
    "too many flips": (option(label_flips=1.1), r"--label-flips: expected in \[0, 1\], got 1.1"),
    "no options": (lambda: Config.from_dict(None), "config: expected a dict, got None"),
    "unknown options": (
        lambda: Config.from_dict({"x": 1, 2: 3}),
        r"config: unknown options \['2', 'x'\]",
    ),
}
RUNS = {
    "no config": (lambda: training.train(None), "config: expected a Config, got NoneType"),
    "a dict": (lambda: training.train({"steps": 1}), "config: expected a Config, got dict"),
    "a session of nothing": (lambda: training.Session(None), "config: expected a Config, got None"),
    "a session elsewhere": (
        lambda: training.Session(Config(backend="tpu")),
        "backend 'tpu' is unknown; expected one of",
    ),
    "no run to resume": (lambda: training.resume(None), "a run folder: expected a path, got None"),
    "no run to verify": (lambda: training.verify(3), "a run folder: expected a path, got 3"),
    "no run to sample": (lambda: training.Sampler(None), "a run folder: expected a path, got None"),
    "an empty name": (lambda: training.RunFolder(""), "a run folder: expected a path, got ''"),
    "objects to save": (
        lambda: storage.save("x", {"a": np.array([None])}, {}),
        "float64, got object for 'a'",
    ),
    "complex numbers to save": (
        lambda: storage.save("x", {"a": np.ones(2, complex)}, {}),
        "float64, got complex128 for 'a'",
    ),
    "no JSON to save": (
        lambda: storage.save("x", {}, {"a": object()}),
        "meta: expected what JSON can hold, got Object of type object",
    ),
}


def grid(images, *columns):
    return lambda: plots.grid(images, *columns)


def png(pixels):
    return lambda: plots.save_png("x.png", pixels)


PICTURES = {
    "a list": (grid([1]), "images: expected a NumPy array of numbers, got list"),
    "words": (grid(np.full((1, 1, 2, 2), "a")), "images: expected .* numbers, got <U1"),
    "two axes": (grid(np.ones((3, 3))), r"images: expected \(N, 1 or 3, H, W\).*got \(3, 3\)"),
    "two channels": (grid(np.ones((1, 2, 3, 3))), r"images: .*got \(1, 2, 3, 3\)"),
    "negative columns": (grid(BYTES, -1), "columns: expected an int >= 1, got -1"),
    "no columns": (grid(BYTES, 0), "columns: expected an int >= 1, got 0"),
    "broken columns": (grid(BYTES, 1.5), "columns: expected an int >= 1, got 1.5"),
    "pixels of floats": (png(np.ones((3, 3))), r"pixels: expected uint8 .*got float64 \(3, 3\)"),
    "no pixels": (png(None), "pixels: expected a NumPy array, got NoneType"),
    "an empty picture": (png(BYTES[0, 0, :0]), r"pixels: expected uint8 .*got uint8 \(0, 2\)"),
    "no frames": (lambda: plots.save_gif("x.gif", []), "frames: expected at least one"),
    "frames of two sizes": (
        lambda: plots.save_gif("x.gif", [BYTES[0, 0], BYTES[0, 0, :1]]),
        r"frames\[1\]: expected \(2, 2\), got \(1, 2\)",
    ),
    "no list of frames": (
        lambda: plots.save_gif("x.gif", None),
        "frames: expected a list of arrays, got NoneType",
    ),
    "frames for no time": (
        lambda: plots.save_gif("x.gif", [BYTES[0, 0]], 0),
        "milliseconds: expected an int >= 1, got 0",
    ),
    "no log": (lambda: plots.curves("x.png", None), "log: expected a dict, got NoneType"),
    "no bars": (lambda: plots.bars("x.png", None, {"a": "A"}), "rows: expected a dict .*got None"),
    "bars of nothing": (lambda: plots.bars("x.png", {}, {"a": "A"}), "rows: expected a dict .*{}"),
    "an empty log": (lambda: plots.curves("x.png", {}), r"log: expected a column 'step', got \[\]"),
}
TABLE = {
    f"{group}: {name}": mistake
    for group, table in {
        "play": PLAY,
        "init": INITIALIZERS,
        "other rounds": OTHER_ROUNDS,
        "joint": JOINT,
        "classical": CLASSICAL,
        "drawing": DRAWING,
        "measures": MEASURES,
        "doctor": DOCTOR,
        "data": DATA,
        "models": MODELS,
        "options": OPTIONS,
        "runs": RUNS,
        "pictures": PICTURES,
    }.items()
    for name, mistake in table.items()
}


@pytest.mark.parametrize("name", TABLE)
def test_the_message_says_what_is_wrong(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    mistake, message = TABLE[name]
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        mistake()
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []  # and nothing was written


def test_what_is_right_is_played():
    """The table's rounds are wrong in one thing only."""
    for how in (gan.play, gan.play_simultaneously):
        assert np.isfinite(played(how)().d_loss.item())
    assert played(game=gan.Game(d_loss=gan.hinge.d_loss, g_loss=gan.hinge.g_loss))()
    for how in OTHERS:
        assert all(np.isfinite(loss.data).all() for loss in other(how)())
    assert watched()().step == 1


def test_minibatches_are_refused_without_moving_on():
    x = Minibatches(BYTES, rng=RNG)
    before = x.state_dict()
    for m in (0, -1, 1.5, None):
        with pytest.raises(ValueError, match="m: expected"):
            x(m)
    assert x.state_dict() == before
