"""A buyer rates lower than before."""

from __future__ import annotations

import numpy as np

from clientcare.care.actions.action import Action
from clientcare.care.actions.saying import Facts, date
from clientcare.care.actions.standing import Due, Standing

LEAST_FALL = 0.05
"""A fifth of the step between two answers of five: less is no fall that anybody would tell."""


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
    """The reason in a sentence; shares of the scale, since each firm asks on its own."""
    on = date(f["rated_day"])
    if np.isnan(f["before"]):
        return f"The latest rating, of {on}, is only {f['latest']:.0%} of the scale."
    if f["before"] - f["latest"] < LEAST_FALL:
        return f"Satisfaction stays low: {f['latest']:.0%} of the scale on {on}, {f['before']:.0%} before."
    return f"Satisfaction fell from {f['before']:.0%} to {f['latest']:.0%} of the scale on {on}."


ACTION = Action("review_service", find, say, minutes=30)
