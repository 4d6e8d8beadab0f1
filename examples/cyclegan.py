"""CycleGAN: translate digits to zebra digits and back, without pairs of images.

    the loss of G and F   the game for G(x) and F(y), and  10 (E|F(G(x)) - x| + E|G(F(y)) - y|)
                                                         +  5 (E|G(y) - y|    + E|F(x) - x|)

Zhu et al. 2017, "Unpaired image-to-image translation using cycle-consistent adversarial networks".
X are white digits on black. Y are other digits under a map that G should find: yellow with dim
stripes, on blue. The game alone accepts any zebra digit, and G maps all digits to one; the identity
loss does not change this. An invertible map must distinguish the digits. The error of G and F is
the mean |.| to the true map, on digits of neither set, with pixels in [0, 1].
"""

# %% Two sets of images, of different digits
import numpy as np

from tinygan import Tensor, gan, models, nn, optim, plots
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.gan.variants.cyclegan import ImageBuffer, Players, play_cyclegan
from tinygan.models.pair import scaled

run = Example("cyclegan", __doc__, steps=600, full=10_000)
learned, test = run.load_digits()


def white(x):
    """Digits (N, 1, 28, 28) as images of three colors."""
    return x.repeat(3, axis=1)


def zebra(x):
    """The true map: yellow ink on blue, with two of every four rows dimmed."""
    striped = x.copy()
    striped[:, :, 2::4] //= 5
    striped[:, :, 3::4] //= 5
    return np.concatenate([striped, striped, 255 - striped], axis=1)


half = len(learned.images) // 2
x_known, y_known = white(learned.images[:half]), zebra(learned.images[half:])
x_held, y_held = (f(test.images).astype(np.float32) / 255 for f in (white, zebra))


# %% A small G, and a small D of 18x18 patches
def networks(rng):
    """G: 28 -> 14 -> 7, two residual blocks, 7 -> 14 -> 28. D: (N, 3, 28, 28) to (N, 1, 7, 7)."""
    c, c2 = scaled(16, run.width), scaled(32, run.width)

    def conv(a, b, *sizes, layer=nn.Conv2d):
        return layer(a, b, *sizes, rng=rng), nn.InstanceNorm2d(b, affine=True)

    def up(a, b):
        return conv(a, b, 4, 2, 1, layer=nn.ConvTranspose2d)

    def block():
        return nn.Residual(*conv(c2, c2, 3, 1, 1), nn.ReLU(), *conv(c2, c2, 3, 1, 1))

    G = nn.Sequential(
        *(*conv(3, c, 4, 2, 1), nn.ReLU(), *conv(c, c2, 4, 2, 1), nn.ReLU(), block(), block()),
        *(*up(c2, c), nn.ReLU(), nn.ConvTranspose2d(c, 3, 4, 2, 1, rng=rng), nn.Tanh()),
    )
    D = nn.Sequential(
        *(nn.Conv2d(3, c, 4, 2, 1, rng=rng), nn.LeakyReLU(0.2)),
        *(*conv(c, c2, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(c2, 1, 3, 1, 1, rng=rng)),
    )
    return G, D


# %% The same networks with and without each loss
def trained(cycle, identity):
    """Train; return G of the held-out digits and F of their zebra versions, in [0, 1]."""
    rng = np.random.default_rng(run.seed)
    (G, D_y), (F, D_x) = networks(rng), networks(rng)
    maps, critics = nn.Sequential(G, F).to(run.backend), nn.Sequential(D_y, D_x).to(run.backend)
    opts = (
        optim.Adam(maps.parameters(), 2e-3, (0.5, 0.999)),
        optim.Adam(critics.parameters(), 5e-4, (0.5, 0.999)),
    )
    xs, ys = (Minibatches(known, rng=rng, backend=run.backend) for known in (x_known, y_known))
    rest = Players(G, F, D_y, D_x), xs, ys, *opts, (ImageBuffer(rng=rng), ImageBuffer(rng=rng))
    weights = {"m": 8, "cycle": cycle, "identity": identity}
    averaged = run.averaged(maps, lambda: play_cyclegan(gan.least_squares(), *rest, **weights))
    return [
        models.pixels(net, Tensor(images * 2 - 1).to(run.backend))
        for (_, net), images in zip(averaged.children(), (x_held, y_held), strict=True)
    ]


BOTH = "cycle and identity"
losses = {
    BOTH: trained(10, 5),
    "identity, no cycle": trained(0, 5),
    "cycle, no identity": trained(10, 0),
    "the game alone": trained(0, 0),
}

# %% A column for each digit: the true pair, then the results in the order of `losses`
for i, name in enumerate(("zebras", "digits")):
    rows = [(x_held, y_held)[i], (y_held, x_held)[i], *(made[i] for made in losses.values())]
    picture = plots.grid(np.concatenate([images[:12] for images in rows]), 12, 0)
    run.save(name, picture, "rows: the true pair, then trained with " + "; ".join(losses))

# %% The distance from the true map
for i, (name, true) in enumerate({"G": y_held, "F": x_held}.items()):
    errors = {loss: abs(made[i] - true).mean() for loss, made in losses.items()}
    for loss, error in errors.items():
        maximum = errors["identity, no cycle"] / 2
        target = (
            (f"at most {maximum:.3f}, half of that without cycle", error <= maximum)
            if loss == BOTH
            else ()
        )
        run.found(f"error of {name}: {loss}", error, *target)
    run.found(f"error of {name}: another digit", abs(np.roll(true, 1, axis=0) - true).mean())
run.end()
