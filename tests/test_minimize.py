"""Down the gradient of one loss."""

import numpy as np
import pytest

from tinygan import Tensor, nn, optim
from tinygan.optim.minimize import minimize


def test_steps_are_those_of_the_rule():
    """(w - 3)^2 by a rate of .1: the distance shrinks by .8 in each step."""
    w = nn.Parameter(np.array(1.0))
    steps = minimize(lambda: (w - 3) ** 2, optim.SGD([w], lr=0.1))
    distance = -2.0
    for _ in range(5):
        (loss,) = next(steps)
        assert loss.item() == pytest.approx(distance**2)
        distance *= 0.8
        assert w.item() - 3 == pytest.approx(distance)


def test_only_what_the_optimizer_has_is_moved_and_the_loss_is_asked_for_anew():
    w, fixed, asked = nn.Parameter(np.array(1.0)), nn.Parameter(np.array(2.0)), []

    def loss():
        asked.append(w.item())
        return w * fixed

    steps = minimize(loss, optim.SGD([w], lr=0.5))
    assert not asked
    next(steps), next(steps)
    assert asked == [1, 0] and w.item() == -1 and fixed.item() == 2


def test_a_loss_of_many_elements_is_refused():
    w = nn.Parameter(np.ones(2))
    with pytest.raises(ValueError, match=r"\(2,\)"):
        next(minimize(lambda: w * Tensor(np.ones(2)), optim.SGD([w], lr=0.1)))
