"""A term ends and nobody has talked about what follows."""

from __future__ import annotations

import numpy as np

from clientcare.care.actions.action import Action
from clientcare.care.actions.saying import Facts, date, days
from clientcare.care.actions.standing import Due, Standing
from clientcare.care.practices import RENEWAL_DAYS_AHEAD, n_between

RENEWAL_STEPS = (180, 90, 60, 30)
"""Days before the end of a contract at which its renewal should have been talked about."""

STEP_URGENCY = {180: 0.5, 90: 0.7, 60: 0.85, 30: 1.0}
"""The nearer the end, the less time is left to change anything."""


def find(at: Standing) -> Due:
    """A term in force ends within 180 days, no successor is signed, and nobody talked about it since that long before.

    A term under notice is none of these. Every end counts, where a buyer has several contracts.
    Steps at 180, 90, 60 and 30 days before the end, each only
    where it is at most half of the term; urgency 0.5, 0.7, 0.85, 1.0; due on the day of the step reached. An
    open-ended contract needs no talk. Where no interactions are recorded, no talk is known and each end is due.
    """
    buyer, end, term = at.buying.ends
    left = end - at.today
    step = np.full(len(end), np.nan)
    for ahead in RENEWAL_STEPS:
        step = np.where((left <= ahead) & (ahead <= term / 2), ahead, step)
    due = at.listed[buyer] & ~np.isnan(step)
    buyer, end, term, left, step = buyer[due], end[due], term[due], left[due], step[due]
    if at.contacts is not None:
        opened = np.maximum(end - RENEWAL_DAYS_AHEAD, end - np.minimum(term, 1e6))
        talks = at.contacts.renewal_talks
        silent = n_between(buyer, opened, np.full(len(buyer), float(at.today)), at.contacts, talks) == 0
        buyer, end, left, step = buyer[silent], end[silent], left[silent], step[silent]
    urgency = np.array([STEP_URGENCY[int(ahead)] for ahead in step])
    seen = np.full(len(buyer), at.contacts is not None)
    facts = {"end_day": end, "left": left, "step": step, "seen": seen}
    return Due(buyer, end - step, urgency, facts, end - step - 1)


def say(f: Facts) -> str:
    """The reason in a sentence."""
    silent = "nobody has talked about renewing it" if f.get("seen", True) else "no renewal is recorded"
    if f["left"] < 0:
        return f"The contract ran out on {date(f['end_day'])}, and {silent}."
    when = f"in {days(f['left'])}" if f["left"] > 0 else "today"
    return f"The contract ends on {date(f['end_day'])}, {when}, and {silent}."


ACTION = Action("renewal_talk", find, say, minutes=45)
