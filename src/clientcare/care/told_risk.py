"""The risk that facts tell by themselves: a small firm's model saw too few leave to know."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from clientcare.care.actions.standing import Due, Standing
from clientcare.facts.contacts import Floats

LEAST_RISK = {
    "reach_out": 0.9,
    "break_silence": 0.3,
    "solve_complaint": 0.2,
    "review_service": 0.2,
    "meet_the_champion": 0.1,
    "renewal_talk": 0.1,
    "answer_message": 0.05,
    "check_in": 0.05,
}
"""The least risk that a plan sees where facts speak: under notice (few take it back), silent, unhappy, the person gone who
carried it, an end that nobody talked about, not answered, not called. Of 68 silent buyers of simulated agencies 50 left
within 90 days, so that 0.3 is less than half of what was seen there; the others are assumptions, in the order of how many
leave after. Measure your own and let the model learn: it counts for more the more leavers it has seen."""

FADING_SHARE = 0.5
"""Who speaks much less, and has not stopped, is half as far."""

WAITING_DAYS = 3
"""A message of yesterday is no sign yet."""


def told_risk(dues: Mapping[str, Due], at: Standing) -> Floats:
    """The largest risk that what is due with each buyer tells; 0 where no fact speaks; shape (n_buyers,).

    Parameters
    ----------
    dues : mapping of action to Due
    at : Standing
    """
    told = np.zeros(at.n_buyers)
    for name, least in LEAST_RISK.items():
        np.maximum.at(told, dues[name].buyer, least * _weight(name, dues[name], at))
    return told


def _weight(name: str, due: Due, at: Standing) -> Floats:
    """How far a fact speaks, from 0 to 1: a notice, a silence, a near end, three days of waiting, three turns uncalled."""
    if not len(due.buyer):
        return np.zeros(0)
    if name == "reach_out":
        weight = ~np.isnan(at.buying.notice[0][due.buyer])
    elif name == "break_silence":
        weight = np.where(at.silent[due.buyer], 1.0, FADING_SHARE)
    elif name == "renewal_talk":
        weight = due.urgency
    elif name == "answer_message":
        weight = due.facts["days"] >= WAITING_DAYS
    else:
        weight = due.facts["neglected"] if name == "check_in" else np.ones(len(due.buyer))
    return np.asarray(weight, dtype=np.float64)
