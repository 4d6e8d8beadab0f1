"""All cases, and the public names that need one."""

from types import ModuleType

from cases_arithmetic import ARITHMETIC
from cases_conv import CONV
from cases_games import GAMES, LOSSES, PENALTIES
from cases_layers import AFFINE
from cases_norms import NORMS
from cases_pixels import PIXELS
from cases_shapes import SHAPES

LAYERS = [*AFFINE, *NORMS, *PIXELS]
OF_NUMBERS = [case for case in LAYERS if case.name != "Embedding"]  # it takes integers
EVERYTHING = [*ARITHMETIC, *SHAPES, *CONV, *LAYERS, *LOSSES, *GAMES, *PENALTIES]


# Public names of gan that are neither games nor penalties.
TYPES = {
    "AnyGame",
    "Game",
    "LogitLoss",
    "Penalty",
    "Round",
    "SeparableGame",
    "Source",
    "AnyOptimizer",
}
OF_GAN = TYPES | {"GAMES", "PENALTIES", "check_game", "check_players", "check_separable"}
OF_GAN |= {"discriminate", "update"}


def public(package) -> set[str]:
    """The names that a package gathers from its modules."""
    names = {name for name, value in vars(package).items() if not isinstance(value, ModuleType)}
    return {name for name in names if not name.startswith("_")}


def proved(*families) -> set[str]:
    """The public names that these families of cases cover."""
    return {case.name for family in families for case in family}
