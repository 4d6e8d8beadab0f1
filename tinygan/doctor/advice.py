"""The remedies in the literature for each training failure.

    ADVICE["mode collapse"]      its remedies, the easiest first

A remedy is (what to do, source); an option in parentheses is one of `tinygan train`.
"""

from __future__ import annotations

__all__ = ["ADVICE"]

LOWER = "lower learning rates (--lr-d, --lr-g)"
SLOPE = ("a penalty on D's slope (--penalty r1)", "Mescheder et al. 2018")

ADVICE: dict[str, tuple[tuple[str, str], ...]] = {
    "D too strong": (
        (
            "the non-saturating loss of G (--game non-saturating)",
            "Goodfellow et al. 2014, section 3",
        ),
        ("a lower learning rate of D (--lr-d)", "Heusel et al. 2017"),
        ("dropout in D, or more of it", "Goodfellow et al. 2014, section 5"),
        ("fewer filters or units in D", "weighed in Goodfellow 2016, section 4.4"),
        ("label noise or smoothing (--label-noise, --smoothing)", "Salimans et al. 2016, 3.4"),
        ("label flips (--label-flips)", "Chintala et al. 2016, ganhacks"),
        SLOPE,
    ),
    "mode collapse": (
        ("fewer steps of G for one of D (--k, --lr-g)", "Goodfellow et al. 2014, section 6"),
        ("minibatch discrimination in D", "Salimans et al. 2016, 3.2"),
        ("packing: D sees several samples at once", "Lin et al. 2018"),
        ("the Wasserstein game with its penalty (--game wasserstein)", "Gulrajani et al. 2017"),
        SLOPE,
    ),
    "G too strong": (
        ("more steps of D in a round (--k)", "Goodfellow et al. 2014, Algorithm 1"),
        ("a higher learning rate of D than of G (--lr-d, --lr-g)", "Heusel et al. 2017"),
        (
            "less dropout, label noise or smoothing in D",
            "they weaken it: Salimans et al. 2016, 3.4",
        ),
        ("more filters or units in D", "Goodfellow 2016, section 4.4"),
    ),
    "divergence": (
        (LOWER, "Radford et al. 2015, section 4: 2e-4"),
        ("Adam's momentum of .5 (--beta1)", "Radford et al. 2015, section 4"),
        ("a penalty on D's slope (--penalty wgan-gp)", "Gulrajani et al. 2017"),
        ("spectral normalization of D", "Miyato et al. 2018"),
        ("clipping of the norm of gradients", "Pascanu et al. 2013"),
    ),
    "not finite": (
        (LOWER, "Radford et al. 2015, section 4: 2e-4"),
        ("clipping of the norm of gradients", "Pascanu et al. 2013"),
        ("a penalty on D's slope (--penalty r1)", "Mescheder et al. 2018"),
    ),
    "G does not move": (
        (
            "a learning rate that moves it, and saturates none of its outputs (--lr-g)",
            "Radford et al. 2015, section 4: 2e-4",
        ),
        (
            "the non-saturating loss of G (--game non-saturating)",
            "Goodfellow et al. 2014, section 3",
        ),
        ("leaky units in D, which always pass a gradient", "Radford et al. 2015, section 3"),
    ),
    "D does not move": (
        (
            "a learning rate that moves it, and saturates none of its outputs (--lr-d)",
            "Radford et al. 2015, section 4: 2e-4",
        ),
        (
            "labels that D cannot fit exactly (--label-noise, --smoothing)",
            "Salimans et al. 2016, 3.4",
        ),
        ("leaky units in D, which always pass a gradient", "Radford et al. 2015, section 3"),
    ),
    "dead units": (
        (LOWER, "a large step is what kills units: Maas et al. 2013"),
        ("LeakyReLU in place of ReLU", "Maas et al. 2013; in D: Radford et al. 2015, section 3"),
        ("weights that start with He's variance", "He et al. 2015"),
        ("BatchNorm before the units", "Ioffe and Szegedy 2015"),
    ),
    "BatchNorm drift": (
        ("a momentum near 0.1, here the weight of the new batch", "Ioffe and Szegedy 2015"),
        ("a lower learning rate of G (--lr-g)", "its layers move faster than their averages"),
        ("larger minibatches (--batch)", "Ioffe 2017"),
        (
            "statistics of a fixed batch, or of each example",
            "Salimans et al. 2016, 3.5; Ba et al. 2016",
        ),
    ),
}
