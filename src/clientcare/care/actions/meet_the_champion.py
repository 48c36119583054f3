"""The person who carries the relation no longer speaks, others do: delegated down, or gone."""

from __future__ import annotations

import numpy as np

from clientcare.care.actions.action import Action
from clientcare.care.actions.saying import Facts, date, days
from clientcare.care.actions.standing import Due, Standing, nobody
from clientcare.facts.persons import Persons


def find(at: Standing) -> Due:
    """The main person of a buyer has fallen silent, and somebody else has spoken since.

    The main person holds a role that carries the relation (``role``), or spoke most often; silent is what a buyer is
    (see :class:`clientcare.facts.voice.Voice`). Urgency 0.8. Due at once.
    """
    contacts = at.contacts
    if contacts is None:
        return nobody()
    everything = np.ones(contacts.events.n_rows, dtype=bool)
    who = Persons.known(contacts, contacts.buyer, at.n_buyers, everything)
    if who is None:
        return nobody()
    replaced = who.others_last_day > who.main.last_day
    found = np.flatnonzero(at.listed & who.main.silent(at.today) & replaced & ~at.silent)
    facts = {
        "silent": (at.today - who.main.last_day)[found],
        "usual": who.main.usual_gap_days[found],
        "others_day": who.others_last_day[found],
        "n_persons": who.n_persons[found],
        "risk": at.churn_risk[found],
    }
    return Due(found, np.full(len(found), float(at.today)), np.full(len(found), 0.8), facts)


def say(f: Facts) -> str:
    """The reason in a sentence."""
    return (
        f"The person you know best has not spoken for {days(f['silent'])}; usually every {days(f['usual'])}. "
        f"Others last spoke on {date(f['others_day'])}: find out who decides now."
    )


ACTION = Action("meet_the_champion", find, say, minutes=30)
