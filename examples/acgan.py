"""AC-GAN: D is not told the class, it must name it.

    L_S = E[log P(real | x)] + E[log P(fake | G(z, y))]      the source
    L_C = E[log P(y | x)] + E[log P(y | G(z, y))]            the class

D maximizes L_C + L_S, G maximizes L_C - L_S (here with log P(real | fake) for its part of L_S, as
ever). Odena, Olah and Shlens 2017, "Conditional image synthesis with auxiliary classifier GANs",
their eq. 2 and 3. So both want images of which the class can be
told: G is drawn to what is typical of a class, away from what lies between two. D's own verdict on
the classes is therefore no measure; here a classifier judges that neither player knows.
"""

# %% As in cgan.py, but for the networks
import numpy as np

from tinygan import gan
from tinygan.data import Minibatches
from tinygan.experiments.example import Example
from tinygan.gan.variants import conditional
from tinygan.models.cgan import acgan28, labeled_players, labeled_samples

run = Example("acgan", __doc__, steps=2000, full=6000)
learned, test = run.load_digits()
images, labels = learned.labeled()
shape, classes = images.shape[1:], 10
pair = acgan28(shape, classes, rng=run.rng, width=run.width / 2).to(run.backend)
data = Minibatches(images, labels=labels, rng=run.rng, backend=run.backend)

# %% ... and the game: what each player pays for the class
game = conditional.auxiliary_classifier(gan.non_saturating)
players = labeled_players(pair, data, classes, run.rng)
G = run.averaged(pair.G, lambda: gan.play(game, *players, m=64), 0.999)

# %% A row for each class, and a judge that neither player knows
look = np.random.default_rng(1)
draw = lambda n: labeled_samples(pair._replace(G=G), n, shape, classes, rng=look)  # noqa: E731
samples, asked = run.found_classes(draw, test)
run.end()
