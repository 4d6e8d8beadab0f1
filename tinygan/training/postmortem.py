"""Post mortem: a run whose numbers are not finite any more is played again from its last
checkpoint, which it follows bit for bit, up to the round in which the first of them was made.

That takes as long as the run took since the checkpoint, twice: the first time tells which round it
was, the second looks into it. A run ends by what it pays, by what it would save, or by the samples
that it shows; so all of these are asked after each round.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..doctor import Diagnosis, Inspector, is_finite
from ..tensor import Tensor
from .run_folder import RunFolder
from .session import Session

__all__ = ["first_not_finite"]


def first_not_finite(folder: RunFolder, until: int) -> Diagnosis | None:
    """The first number that was not finite, of the rounds from the checkpoint to round `until`;
    None if all of them are when they are played again: the run does not repeat itself here."""
    with np.errstate(all="ignore"):
        session, _ = folder.load(no_graph=True)
        bad = not _is_sound(session)
        while session.step < until and not bad:
            bad = not _is_sound(session, session.play_round())
        if not bad:
            return None
        culprit = session.step
        del session  # makes room for the next
        session, _ = folder.load(no_graph=True)
        inspector = Inspector(session.G, session.D, session.opt_g, session.opt_d)
        session.game = inspector.wrap_game(session.game)  # before the first round asks for it
        while session.step < culprit - 1:
            session.play_round()
        with inspector:
            if session.step < culprit:
                session.play_round()
            drawn = "" if inspector.found else ", when samples were drawn"
            with inspector.drawing(session.shown):
                session.generate(session.fixed_z)
    where = f"{inspector.found}{drawn}" if inspector.found else "an op that cannot be named"
    seen = f"The first number that is not finite came from {where}"
    return Diagnosis("not finite", culprit, seen)


def _is_sound(session: Session, result: Iterable[Tensor] = ()) -> bool:
    samples, (state, _) = session.generate(session.fixed_z), session.state()
    return all(map(is_finite, (*(t.data for t in result), *state.values(), samples)))
