"""The person who carries the relation no longer speaks, others do: delegated down, or gone."""

from __future__ import annotations

import numpy as np

from clientcare.care.actions.action import Action
from clientcare.care.actions.saying import Facts, date, days
from clientcare.care.actions.standing import Due, Standing, nobody
from clientcare.facts.persons import Persons
from clientcare.facts.voice import LEAST_SILENT_DAYS, TIMES_USUAL


def find(at: Standing) -> Due:
    """The person who carries a relation, or the one who decides, has fallen silent, and somebody else has spoken since.

    Who carries it spoke on most occasions; who decides holds a role that says so (``role``), however seldom they spoke.
    Where both are silent the one who carries it is told. Silent is what a buyer is (see
    :class:`clientcare.facts.voice.Voice`). Urgency 0.8. Due at once.
    """
    contacts = at.contacts
    if contacts is None:
        return nobody()
    everything = np.ones(contacts.events.n_rows, dtype=bool)
    who = Persons.known(contacts, contacts.buyer, at.n_buyers, everything)
    if who is None:
        return nobody()
    carrier = who.main.silent(at.today) & (who.others_last_day > who.main.last_day)
    lead = who.lead.silent(at.today) & (who.lead_others_last_day > who.lead.last_day)
    found = np.flatnonzero(at.listed & (carrier | lead) & ~at.silent)
    by_role = ~carrier[found]
    last = np.where(by_role, who.lead.last_day[found], who.main.last_day[found])
    usual = np.where(by_role, who.lead.usual_gap_days[found], who.main.usual_gap_days[found])
    facts = {
        "silent": at.today - last,
        "usual": usual,
        "others_day": np.where(by_role, who.lead_others_last_day[found], who.others_last_day[found]),
        "n_persons": who.n_persons[found],
        "decides": by_role,
        "risk": at.churn_risk[found],
    }
    unusual = last + np.maximum(TIMES_USUAL * usual, LEAST_SILENT_DAYS)
    due = np.full(len(found), float(at.today))
    return Due(found, due, np.full(len(found), 0.8), facts, unusual - 1)


def say(f: Facts) -> str:
    """The reason in a sentence."""
    who = "The one who decides" if f["decides"] else "The person you know best"
    what = "ask them how they see it." if f["decides"] else "find out who decides now."
    return (
        f"{who} has not spoken for {days(f['silent'])}; usually every {days(f['usual'])}. "
        f"Others last spoke on {date(f['others_day'])}: {what}"
    )


ACTION = Action("meet_the_champion", find, say, minutes=30)
