"""Every public op, layer, loss, game, penalty and optimizer has its cases."""

import cases_devices
import mutants
import mutation
import pytest
import registry
from registry import proved, public
from test_optim import FORMULAS, parameters

from tinygan import conv, gan, losses, nn, ops, optim

SEPARABLE = {name for name, game in gan.GAMES.items() if isinstance(game, gan.SeparableGame)}
WRAPPERS = cases_devices.WRAPPERS.keys() - {"plain"}
WRAPPED = {f"{wrapper} of {name}" for wrapper in WRAPPERS for name in SEPARABLE}
KINDS_OF_LAYER = public(nn) - {"Parameter", "Reparametrized", "data_dependent_init"}
CLASSES = [kind for kind in vars(optim).values() if isinstance(kind, type)]
OPTIMIZERS = {kind for kind in CLASSES if issubclass(kind, optim.Optimizer)}


@pytest.mark.parametrize(
    "public_names, proved",
    [
        (public(ops), proved(registry.ARITHMETIC, registry.SHAPES)),
        (set(conv.__all__), proved(registry.CONV) - {"dT/dx", "dT/dy", "dT/dw"}),
        (KINDS_OF_LAYER, proved(registry.LAYERS)),
        (set(losses.__all__), proved(registry.LOSSES)),
        ({*gan.GAMES, *WRAPPED, "least_squares(-1, 1, 0)"}, proved(registry.GAMES)),
        (proved(registry.PENALTIES) | {"none"}, set(cases_devices.PENALTIES)),
        (OPTIMIZERS - {optim.Optimizer}, set(optim.OPTIMIZERS.values())),
        (
            OPTIMIZERS - {optim.Optimizer},
            {type(make(parameters())) for make, _ in FORMULAS.values()},
        ),
    ],
    ids=[
        *("ops: cases_arithmetic or cases_shapes", "conv: cases_conv", "layers: cases_*"),
        *("losses: cases_games", "games: cases_games", "penalties: cases_devices"),
        *("optimizers: OPTIMIZERS in optim.rules", "optimizers: FORMULAS in test_optim"),
    ],
)
def test_every_public_name_has_a_case(public_names, proved):
    assert public_names == proved


def test_every_public_name_of_gan_is_of_a_known_kind():
    games = {name.replace("-", "_") for name in gan.GAMES}
    kinds = (
        games | WRAPPERS | cases_devices.PLAYS.keys() | proved(registry.PENALTIES) | registry.OF_GAN
    )
    assert public(gan) <= kinds


def test_cases_have_names_of_their_own():
    assert len({str(case) for case in registry.EVERYTHING}) == len(registry.EVERYTHING)


def test_no_mutant_is_lost_by_a_move_or_a_rename():
    """`mutants` raises for a function of its list that does not exist."""
    found = {str(mutant) for mutant in mutants.mutants()}
    assert len(found) >= 1800 and set(mutation.EQUIVALENT) <= found
