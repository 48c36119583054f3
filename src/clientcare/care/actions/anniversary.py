"""A year as a buyer is full: say thank you."""

from __future__ import annotations

import numpy as np

from clientcare.care.actions.action import Action
from clientcare.care.actions.saying import Facts, date
from clientcare.care.actions.standing import Due, Standing


def find(at: Standing) -> Due:
    """The year as a buyer of a client who is neither silent, nor unhappy, nor leaving is full within the next two weeks.

    Urgency 0.3. Due on the day.
    """
    known = ~np.isnan(at.buying.since_day)
    since = np.where(known, at.buying.since_day, 0).astype(np.int64).astype("datetime64[D]")
    month = since.astype("datetime64[M]")
    day_in_month = (since - month.astype("datetime64[D]")).astype(np.int64)
    today = np.datetime64(int(at.today), "D")
    years = (today.astype("datetime64[M]") - month).astype(np.int64) // 12
    best, full = np.full(len(since), np.nan), np.zeros(len(since))
    for extra in (0, 1):
        first_of_month = (month + 12 * (years + extra)).astype("datetime64[D]")
        date = (first_of_month + day_in_month).astype(np.int64)  # 29 February: 1 March
        ahead = date - at.today
        here = (ahead >= 0) & (ahead < 14) & (years + extra >= 1)
        best, full = np.where(here, date, best), np.where(here, years + extra, full)
    found = np.flatnonzero(at.listed & at.glad & known & at.is_client & ~np.isnan(best))
    facts = {"years": full[found], "date_day": best[found]}
    return Due(found, best[found], np.full(len(found), 0.3), facts, best[found] - 15)


def say(f: Facts) -> str:
    """The reason in a sentence."""
    years = int(f["years"])
    return f"{years} year{'s' if years > 1 else ''} a buyer on {date(f['date_day'])}: say thank you."


ACTION = Action("anniversary", find, say, minutes=5, growth_share=0.01)
