"""A complaint is open: solve it."""

from __future__ import annotations

import numpy as np

from clientcare.care.actions.action import Action
from clientcare.care.actions.saying import Facts, date, days
from clientcare.care.actions.standing import Due, Standing, first_day, latest_day, nobody


def find(at: Standing) -> Due:
    """A complaint, or a ticket of more than three days, opened within the last half year and not resolved.

    Urgency: 0.9, rising to 1 over two weeks. Due the day after it was opened. The oldest of a buyer counts.
    """
    contacts = at.contacts
    if contacts is None:
        return nobody()
    rows = at.open_trouble
    first, n = first_day(contacts, rows)
    found = np.flatnonzero(at.listed & (n > 0))
    age = at.today - first[found]
    facts = {"opened_day": first[found], "days": age, "n": n[found]}
    return Due(
        found, first[found] + 1, 0.9 + 0.1 * np.minimum(age / 14, 1), facts, latest_day(contacts, rows)[found]
    )


def say(f: Facts) -> str:
    """The reason in a sentence."""
    more = f" ({int(f['n'])} are open)" if f["n"] > 1 else ""
    return f"The complaint of {date(f['opened_day'])} is still open after {days(f['days'])}{more}."


ACTION = Action("solve_complaint", find, say, minutes=60)
