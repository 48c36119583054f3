"""A buyer no longer speaks: ask whether all is well, before anything else."""

from __future__ import annotations

import numpy as np

from clientcare.care.actions.action import Action
from clientcare.care.actions.saying import Facts, date, days
from clientcare.care.actions.standing import Due, Standing, latest_day, nobody
from clientcare.facts.voice import LATELY_DAYS

TOO_LONG_TIMES = 10
"""Without a contract, a silence of ten usual gaps and half a year is no longer news: the buyer has gone."""


def find(at: Standing) -> Due:
    """The buyer has not spoken for three own usual gaps, three weeks, and longer than ever; or missed two check-ins in a
    row, and has not said a word since; or speaks much less than before (see :class:`clientcare.facts.voice.Fading`).

    Mutual contacts, answers and ratings are speaking too. Urgency 1: nothing tells sooner that somebody may
    leave; 0.8 for who speaks less. Due on the day on which the silence became unusual.
    """
    if at.contacts is None:
        return nobody()
    voice = at.voice
    silent = at.today - voice.last_day
    gone = (silent > 182) & (silent > TOO_LONG_TIMES * voice.usual_gap_days) & ~at.buying.bound
    found = np.flatnonzero(at.listed & (at.silent | at.fading.found) & ~gone & ~at.just_left)
    by_voice = voice.silent(at.today)
    unusual_from = voice.last_day + np.maximum(3 * voice.usual_gap_days, 21)
    due = np.where(by_voice, unusual_from, at.today)[found]
    left = at.buying.covered_until_day - at.today
    facts = {
        "silent": np.where(by_voice, silent, np.nan)[found],
        "usual": voice.usual_gap_days[found],
        "missed": at.missed_in_a_row[found],
        "left": np.where(np.isfinite(left) & (left <= 180), left, np.nan)[found],
        "lately": np.where(at.silent, np.nan, at.fading.lately)[found],
        "expected": at.fading.expected[found],
        "ended_day": at.ended_day[found],
        "risk": at.churn_risk[found],
    }
    new = np.where(by_voice, unusual_from - 1, latest_day(at.contacts, at.contacts.missed_check_ins))[found]
    return Due(found, due, np.where(at.silent[found], 1.0, 0.8), facts, new)


def say(f: Facts) -> str:
    """``Has not spoken for 92 days; usually every 7 days.``"""
    missed = f"{int(f['missed'])} check-in{'s' if f['missed'] > 1 else ''} missed in a row"
    if not np.isnan(f["lately"]):
        told = f"Spoke on {days(f['lately'])} of the last {LATELY_DAYS}, where {f['expected']:.0f} are usual"
    elif np.isnan(f["silent"]):
        told = f"{missed[0].upper()}{missed[1:]}, none made up for, and not a word since"
    else:
        told = f"Has not spoken for {days(f['silent'])}; usually every {days(f['usual'])}"
        told += f"; {missed}" if f["missed"] else ""
    ends = "" if np.isnan(f["left"]) else f" The contract ends in {days(f['left'])}."
    if not np.isnan(f["ended_day"]):
        ends = f" The contract ended on {date(f['ended_day'])} and was not renewed."
    return f"{told}: ask whether all is well.{ends}"


ACTION = Action("break_silence", find, say, minutes=20)
