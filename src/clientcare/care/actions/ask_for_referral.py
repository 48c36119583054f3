"""A content client who was never asked for a referral."""

from __future__ import annotations

import numpy as np

from clientcare.care.actions.action import Action
from clientcare.care.actions.saying import Facts, days
from clientcare.care.actions.standing import Due, Standing, nobody


def find(at: Standing) -> Due:
    """A client of at least half a year, at less than half the warning line, content, who was never asked for
    a referral and never made one (no contact of that kind, named by nobody as the one who referred them).

    Content: not silent, no open complaint, a mean rating of at least 0.6 and no low latest one, buying as usual, no
    notice (see :attr:`clientcare.care.actions.standing.Standing.glad`). Urgency 0.3. Due at once.
    """
    contacts = at.contacts
    if contacts is None or not contacts.shows_care:
        return nobody()
    spoken_of = contacts.count(contacts.kind("referral")) > 0
    rated = contacts.mean(contacts.number("satisfaction"), contacts.kept)[0]
    age = at.today - at.buying.since_day
    good = at.is_client & (at.churn_risk < at.warning_line / 2) & ~(rated < 0.6) & (age >= 182)
    found = np.flatnonzero(at.listed & good & ~spoken_of & ~at.has_referred & at.glad)
    facts = {"days": age[found], "risk": at.churn_risk[found]}
    return Due(found, np.full(len(found), float(at.today)), np.full(len(found), 0.3), facts)


def say(f: Facts) -> str:
    """The reason in a sentence."""
    return f"A content client for {days(f['days'])}, churn risk {f['risk']:.0%}, never asked for a referral."


ACTION = Action("ask_for_referral", find, say, minutes=10, growth_share=0.05)
