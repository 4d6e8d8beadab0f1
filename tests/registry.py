"""All cases, and what has to have one."""

from cases_affine import AFFINE
from cases_arithmetic import ARITHMETIC
from cases_conv import CONV
from cases_games import GAMES, LOSSES, PENALTIES
from cases_norms import NORMS
from cases_pixels import PIXELS
from cases_shapes import SHAPES

LAYERS = [*AFFINE, *NORMS, *PIXELS]
EVERYTHING = [*ARITHMETIC, *SHAPES, *CONV, *LAYERS, *LOSSES, *GAMES, *PENALTIES]


def proved(*families) -> set[str]:
    """The public names that the cases of these families are about."""
    return {case.name for family in families for case in family}
