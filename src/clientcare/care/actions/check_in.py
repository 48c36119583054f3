"""Nobody has been in touch for too long."""

from __future__ import annotations

import numpy as np

from clientcare.care.actions.action import Action
from clientcare.care.actions.saying import Facts, date, days
from clientcare.care.actions.standing import Due, Standing, nobody
from clientcare.care.check_ins import CheckIns
from clientcare.facts.gaps import distinct_days, median_gap
from clientcare.window import MICROSECONDS_A_DAY


def find(at: Standing) -> Due:
    """No kept contact by the seller for longer than the cadence, or than this buyer is used to.

    The allowed silence is the cadence of this buyer (see :func:`clientcare.care.cadence.cadence_by_buyer`), or the
    median gap between the buyer's own contact days (at least a week, from four contact days on) where that is
    shorter. Urgency: ``late / (late + allowed)``, and at
    least a half after an agreed contact was missed.
    """
    contacts = at.contacts
    if contacts is None or not contacts.shows_care:
        return nobody()
    check_ins = CheckIns(contacts)
    rows = contacts.care_by_seller & check_ins.sure
    last = contacts.last_time(rows) // MICROSECONDS_A_DAY
    owner, day = distinct_days(contacts.buyer[rows], contacts.events.day[rows])
    often = np.bincount(owner, minlength=at.buying.n_buyers) >= 4
    own = np.where(often, np.maximum(median_gap(owner, day, at.buying.n_buyers), 7), np.nan)
    allowed = np.fmin(own, at.cadence_days)
    since = np.where(np.isnan(last), at.buying.since_day, last)
    missed = (
        contacts.last_time(check_ins.missed | (contacts.missed & contacts.by_seller)) // MICROSECONDS_A_DAY
    )
    missed = np.where(missed > np.nan_to_num(last, nan=-np.inf), missed, np.nan)
    late = at.today - since - allowed
    waits = ~np.isnan(missed) & (at.today - missed <= 2 * at.cadence_days)
    found = np.flatnonzero(at.listed & ((late > 0) | waits))
    due = np.where(waits, missed + 1, since + allowed)[found]
    agreed = np.where(at.missed_in_a_row >= 2, 0.8, 0.5)
    urgency = np.maximum(np.maximum(late, 0) / (np.maximum(late, 0) + allowed), np.where(waits, agreed, 0.0))
    facts = {
        "silent": (at.today - since)[found],
        "never": np.isnan(last)[found],
        "allowed": allowed[found],
        "own": (own < at.cadence_days)[found],
        "risk": at.churn_risk[found],
        "missed_day": np.where(waits, missed, np.nan)[found],
        "n_missed": at.missed_in_a_row[found],
        "neglected": (late > 2 * allowed)[found],
    }
    new = np.where(waits[found], missed[found], (since + allowed - 1)[found])
    return Due(found, due, urgency[found], facts, new)


def say(f: Facts) -> str:
    """The reason in a sentence."""
    if not np.isnan(f["missed_day"]):
        when = date(f["missed_day"])
        if f["n_missed"] > 1:
            n = int(f["n_missed"])
            return f"{n} contacts agreed in a row did not take place, the latest of {when}: make a new date."
        return f"The contact agreed for {when} did not take place: make a new date."
    if f["never"]:
        return f"Never contacted in {days(f['silent'])}; a contact is due every {days(f['allowed'])}."
    usual = "this buyer is used to one about every" if f["own"] else "one is due every"
    return f"No contact from you for {days(f['silent'])}; {usual} {days(f['allowed'])}."


ACTION = Action("check_in", find, say, minutes=15)
