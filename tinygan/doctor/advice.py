"""The remedies in the literature for each training failure.

    ADVICE["mode collapse"]      its remedies, the easiest first

`remedies` leaves out those that a run uses already, and those with options that it does not accept.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..gan import GAMES, Game


class Remedy(NamedTuple):
    """A remedy: what to do, the source, and the options of `tinygan train` that apply it."""

    what: str
    source: str
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The remedy with its options and source, on one line."""
        options = f" ({', '.join(self.options)})" if self.options else ""
        return f"{self.what}{options} ({self.source})"


GAN, DCGAN, TUTORIAL = "Goodfellow et al. 2014", "Radford et al. 2015", "Goodfellow 2016"
TWO_RATES, TRICKS = "Heusel et al. 2017", "Salimans et al. 2016, 3.4"
LOWER_RATES = Remedy("lower learning rates", f"{DCGAN}, section 4: 2e-4", ("--lr-d", "--lr-g"))
CLIPPING = Remedy("clipping of the norm of gradients", "Pascanu et al. 2013")
R1 = Remedy("a penalty on D's gradient", "Mescheder et al. 2018", ("--penalty r1",))
NON_SATURATING = Remedy(
    "the non-saturating loss of G", f"{GAN}, section 3", ("--game non-saturating",)
)
LEAKY = Remedy("LeakyReLU in D, which always passes a gradient", f"{DCGAN}, section 3")
RATE = "a learning rate that changes the weights without saturating outputs"

ADVICE: dict[str, tuple[Remedy, ...]] = {
    "D too strong": (
        NON_SATURATING,
        Remedy("a lower learning rate of D", TWO_RATES, ("--lr-d",)),
        Remedy("dropout in D, or more of it", f"{GAN}, section 5"),
        Remedy("fewer filters or units in D", f"discussed in {TUTORIAL}, section 4.4"),
        Remedy("label noise", TRICKS, ("--label-noise",)),
        Remedy("label smoothing", TRICKS, ("--smoothing",)),
        Remedy("label flips", "Chintala et al. 2016, ganhacks", ("--label-flips",)),
        R1,
    ),
    "mode collapse": (
        Remedy("more steps of D for one of G", f"{GAN}, section 6", ("--k",)),
        Remedy("a lower learning rate of G", TWO_RATES, ("--lr-g",)),
        Remedy("minibatch discrimination in D", "Salimans et al. 2016, 3.2"),
        Remedy("packing: D classifies several examples together", "Lin et al. 2018"),
        Remedy(
            "the Wasserstein game with its penalty",
            "Gulrajani et al. 2017",
            ("--game wasserstein",),
        ),
        R1,
    ),
    "G too strong": (
        Remedy("more steps of D in a round", f"{GAN}, Algorithm 1", ("--k",)),
        Remedy("a higher learning rate of D than of G", TWO_RATES, ("--lr-d", "--lr-g")),
        Remedy("less dropout, label noise or smoothing in D", f"they weaken it: {TRICKS}"),
        Remedy("more filters or units in D", f"{TUTORIAL}, section 4.4"),
    ),
    "divergence": (
        LOWER_RATES,
        Remedy("Adam's momentum of .5", f"{DCGAN}, section 4", ("--beta1",)),
        Remedy("a penalty on D's gradient", "Gulrajani et al. 2017", ("--penalty wgan-gp",)),
        Remedy("spectral normalization of D", "Miyato et al. 2018"),
        CLIPPING,
    ),
    "not finite": (LOWER_RATES, CLIPPING, R1),
    "G does not move": (
        Remedy(RATE, f"{DCGAN}, section 4: 2e-4", ("--lr-g",)),
        NON_SATURATING,
        LEAKY,
    ),
    "D does not move": (
        Remedy(RATE, f"{DCGAN}, section 4: 2e-4", ("--lr-d",)),
        Remedy("noisy labels, which D cannot fit exactly", TRICKS, ("--label-noise",)),
        Remedy("smooth labels, which D cannot fit exactly", TRICKS, ("--smoothing",)),
        LEAKY,
    ),
    "dead units": (
        LOWER_RATES._replace(source="a large step can kill units: Maas et al. 2013"),
        Remedy("LeakyReLU in place of ReLU", f"Maas et al. 2013; in D: {DCGAN}, section 3"),
        Remedy("initial weights with He's variance", "He et al. 2015"),
        Remedy("BatchNorm before the units", "Ioffe and Szegedy 2015"),
    ),
    "BatchNorm drift": (
        Remedy("a momentum (weight of the new minibatch) near 0.1", "Ioffe and Szegedy 2015"),
        Remedy("a lower learning rate of G", "the running averages then follow G", ("--lr-g",)),
        Remedy("larger minibatches", "Ioffe 2017", ("--batch",)),
        Remedy("virtual BatchNorm: statistics of a fixed minibatch", "Salimans et al. 2016, 3.5"),
        Remedy("LayerNorm: statistics of each example alone", "Ba et al. 2016"),
    ),
}


def remedies(name: str, options: Mapping[str, Any]) -> list[Remedy]:
    """The remedies for the failure `name`, the easiest first, for a run with these options of
    `tinygan train`: without those that it uses already or does not accept."""
    used = {f"--{key.replace('_', '-')} {value}" for key, value in options.items()}
    excluded = used | _refused(options)
    return [each for each in ADVICE[name] if excluded.isdisjoint(each.options)]


def _refused(options: Mapping[str, Any]) -> set[str]:
    """The options that `training.Config` refuses together with these."""
    game, refused = str(options.get("game")), set()
    if isinstance(GAMES.get(game), Game):  # its losses compare logits, so there are no labels
        refused |= {"--smoothing", "--label-noise", "--label-flips"}
    if game == "wasserstein":
        refused.add("--smoothing")
    if options.get("simultaneous"):
        refused.add("--k")
    if options.get("optimizer", "adam") != "adam":
        refused.add("--beta1")
    return refused
