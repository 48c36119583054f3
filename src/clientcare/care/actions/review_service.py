"""A buyer rates lower than before."""

from __future__ import annotations

import numpy as np

from clientcare.care.actions.action import Action
from clientcare.care.actions.saying import Facts, date
from clientcare.care.actions.standing import Due, Standing


def find(at: Standing) -> Due:
    """The latest rating of the last half year lies at least 0.2 under the mean of the earlier ones (two or
    more), or is at most 0.4.

    Urgency: 0.6, rising to 1 with a fall of a half. Due a week after the rating.
    """
    latest, when, before, n = at.rating
    found = np.flatnonzero(at.listed & at.rates_low)
    fell = before - latest
    drop = np.where(np.isnan(fell[found]), 0.6 - latest[found], fell[found])
    facts = {"latest": latest[found], "before": before[found], "n": n[found], "rated_day": when[found]}
    return Due(found, when[found] + 7, 0.6 + 0.4 * np.clip(drop / 0.5, 0, 1), facts, when[found])


def say(f: Facts) -> str:
    """The reason in a sentence."""
    if np.isnan(f["before"]):
        return f"The latest rating, of {date(f['rated_day'])}, is only {f['latest']:.2f} of 1."
    return f"Satisfaction went from {f['before']:.2f} to {f['latest']:.2f} of 1 on {date(f['rated_day'])}."


ACTION = Action("review_service", find, say, minutes=30)
