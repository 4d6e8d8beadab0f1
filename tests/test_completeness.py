"""Nothing public is without a proof: who adds an op, a layer, a loss or a game adds its case."""

import mutants
import mutation
from registry import ARITHMETIC, CONV, GAMES, LAYERS, LOSSES, OF_GAN, PENALTIES, SHAPES, proved

from tinygan import conv, gan, losses, nn, ops

SEPARABLE = {name for name, game in gan.GAMES.items() if isinstance(game, gan.SeparableGame)}


def test_every_op_has_a_case():
    assert set(ops.__all__) == proved(ARITHMETIC, SHAPES)


def test_every_convolution_has_a_case():
    assert set(conv.__all__) <= proved(CONV)


def test_every_layer_has_a_case():
    assert set(nn.__all__) - {
        "Parameter",
        "Reparametrized",
        "data_dependent_init",
        "init",
    } == proved(LAYERS)


def test_every_loss_has_a_case():
    assert set(losses.__all__) == proved(LOSSES)


def test_every_game_and_every_wrapper_of_it_has_a_case():
    wrappers = ("one_sided_smoothing", "label_smoothing", "label_noise", "label_flips")
    wrapped = {f"{wrapper} of {name}" for wrapper in wrappers for name in SEPARABLE}
    assert set(gan.GAMES) | wrapped | {"least_squares(-1, 1, 0)"} == proved(GAMES)


def test_every_penalty_has_a_case():
    assert proved(PENALTIES) == {"wgan_gp", "r1", "r2", "r1_r2"}


def test_nothing_of_gan_was_forgotten_above():
    games = {name.replace("-", "_") for name in gan.GAMES}
    wrappers = {"one_sided_smoothing", "label_smoothing", "label_noise", "label_flips"}
    plays = {"play", "play_simultaneously"}
    assert set(gan.__all__) <= games | wrappers | plays | proved(PENALTIES) | OF_GAN


def test_no_mutant_is_lost_by_a_move_or_a_rename():
    """`mutants` raises for a function of its list that does not exist."""
    found = {str(mutant) for mutant in mutants.mutants()}
    assert len(found) >= 1800 and set(mutation.EQUIVALENT) <= found
