"""The buyer has written and nobody answered."""

from __future__ import annotations

import numpy as np

from clientcare.care.actions.action import Action
from clientcare.care.actions.saying import Facts, date, days
from clientcare.care.actions.standing import Due, Standing, first_day, latest_day, nobody


def find(at: Standing) -> Due:
    """The buyer spoke within the last 90 days, no answer is known, and the seller was not in touch since.

    Urgency: 0.8, rising to 1 over a week. Due the day after. Complaints and tickets have their own action.
    """
    contacts = at.contacts
    if contacts is None:
        return nobody()
    old = at.today - contacts.events.day
    later = contacts.last_time(contacts.care_by_seller)[contacts.buyer]
    rows = contacts.kept & contacts.inbound & (contacts.answered == 0) & (old <= 90)
    rows &= contacts.asked & ~contacts.trouble
    rows &= ~(contacts.time < np.nan_to_num(later, nan=-np.inf))
    first, n = first_day(contacts, rows)
    found = np.flatnonzero(at.listed & (n > 0))
    age = at.today - first[found]
    return Due(
        found,
        first[found] + 1,
        0.8 + 0.2 * np.minimum(age / 7, 1),
        {"asked_day": first[found], "days": age},
        latest_day(contacts, rows)[found],
    )


def say(f: Facts) -> str:
    """The reason in a sentence."""
    return f"The message of {date(f['asked_day'])} has waited {days(f['days'])} for an answer."


ACTION = Action("answer_message", find, say, minutes=10)
