"""A first purchase: ask whether all is well."""

from __future__ import annotations

import numpy as np

from clientcare.care.actions.action import Action
from clientcare.care.actions.saying import Facts, date, days
from clientcare.care.actions.standing import Due, Standing
from clientcare.window import MICROSECONDS_A_DAY


def find(at: Standing) -> Due:
    """A first purchase 3 to 45 days ago, nothing since, and no contact by the seller since then.

    Urgency 0.5. Due a week after the purchase.
    """
    age = at.today - at.buying.first_day
    found = at.listed & (at.buying.n_purchases == 1) & (age >= 3) & (age <= 45)
    if at.contacts is not None:
        last = at.contacts.last_time(at.contacts.care_by_seller) // MICROSECONDS_A_DAY
        found &= ~(last >= at.buying.first_day)
    found = np.flatnonzero(found)
    facts = {"bought_day": at.buying.first_day[found], "days": age[found]}
    return Due(
        found, at.buying.first_day[found] + 7, np.full(len(found), 0.5), facts, at.buying.first_day[found]
    )


def say(f: Facts) -> str:
    """The reason in a sentence."""
    return f"First purchase on {date(f['bought_day'])}, {days(f['days'])} ago: ask whether all is well."


ACTION = Action("follow_up_first_purchase", find, say, minutes=10, follow_up=True)
