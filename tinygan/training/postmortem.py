"""Find the first number of a run that is not finite, by a replay from its checkpoint.

A replay equals the run bit for bit. There are two: the first finds the round, the second inspects
it. A run stops on a non-finite loss, state or sample, so the replay checks all three after each
round.
"""

from collections.abc import Iterable

import numpy as np

from ..doctor import Diagnosis, Inspector, is_finite, words
from ..tensor import Tensor
from .run_folder import RunFolder
from .session import Session


def first_not_finite(folder: RunFolder, until: int) -> Diagnosis | None:
    """The diagnosis of the first number that is not finite between the checkpoint and round
    `until`, or None if the replay is finite: then the run is not reproducible here."""
    with np.errstate(all="ignore"):
        session, _ = folder.load(no_graph=True)
        finite = _is_finite(session)
        while finite and session.step < until:
            finite = _is_finite(session, session.play_round())
        if finite:
            return None
        step = session.step
        del session  # free its memory for the next one
        session, _ = folder.load(no_graph=True)
        inspector = Inspector(session.G, session.D, session.opt_g, session.opt_d)
        session.game = inspector.wrap_game(session.game)  # before the first round reads it
        while session.step < step - 1:
            session.play_round()
        with inspector:
            if session.step < step:
                session.play_round()
            text = words.FIRST if inspector.found else words.FIRST_DRAWN
            with inspector.drawing(session.shown):
                session.generate(session.fixed_z)
    text = text if inspector.found else words.UNNAMED
    return Diagnosis("not finite", step, text.format(where=inspector.found).en)


def _is_finite(session: Session, result: Iterable[Tensor] = ()) -> bool:
    samples, (state, _) = session.generate(session.fixed_z), session.state()
    return all(map(is_finite, (*(t.data for t in result), *state.values(), samples)))
