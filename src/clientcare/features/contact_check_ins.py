"""Check-ins: how many were kept or missed, and whether one is due."""

from __future__ import annotations

import numpy as np

from clientcare.facts.runs import Floats, changed, ratio
from clientcare.features.catalogue import feature
from clientcare.features.contact import NO_CONTACT, TABLE, contacts, days_since_first_contact, facts
from clientcare.features.snapshot import Snapshot

CADENCE_DAYS = 30
"""The cadence that care is held to: at least one check-in a month."""


@feature(
    "contact",
    "check-ins",
    needs=TABLE,
    nan="never",
    phrase="{n_check_ins_kept:.0f} check-ins kept",
    theme="check-ins",
)
def n_check_ins_kept(at: Snapshot) -> Floats:
    """Check-ins, meetings, visits and calls that took place and that the buyer alone did not start."""
    return contacts(at).count(facts(at).check_ins)


@feature(
    "contact",
    "check-ins",
    needs=TABLE,
    nan="never",
    phrase="{n_check_ins_missed:.0f} check-ins missed",
    theme="check-ins",
)
def n_check_ins_missed(at: Snapshot) -> Floats:
    """Check-ins, meetings, visits and calls that were agreed upon and did not take place."""
    return contacts(at).count(facts(at).missed_check_ins)


@feature(
    "contact", "share", needs=TABLE, nan="no check-in kept or missed yet",
    phrase="{check_in_kept_share:.0%} of the check-ins were kept",
    theme="check-ins",
)  # fmt: skip
def check_in_kept_share(at: Snapshot) -> Floats:
    """Share of the check-ins agreed upon that took place."""
    return ratio(at.once(n_check_ins_kept), at.once(n_check_ins_kept) + at.once(n_check_ins_missed))


@feature(
    "contact", "days", needs=TABLE, nan="no check-in was ever kept",
    phrase="no check-in for {days_since_last_check_in:.0f} days",
    theme="check-ins",
)  # fmt: skip
def days_since_last_check_in(at: Snapshot) -> Floats:
    """Calendar days since the last check-in, meeting, visit or call that took place."""
    return contacts(at).days_since_last(facts(at).check_ins)


@feature(
    "contact", "ratio", needs=TABLE, nan="no check-in was ever kept",
    phrase="the monthly check-in is {check_in_overdue_ratio:.1f} times overdue",
    theme="check-ins",
)  # fmt: skip
def check_in_overdue_ratio(at: Snapshot) -> Floats:
    """Days since the last check-in over the stated cadence of 30 days; above 1 it is overdue."""
    return np.asarray(at.once(days_since_last_check_in) / CADENCE_DAYS)


@feature(
    "contact", "share", needs=TABLE, nan=NO_CONTACT,
    phrase="a check-in in {check_in_month_share:.0%} of the months since the first contact",
    theme="check-ins",
)  # fmt: skip
def check_in_month_share(at: Snapshot) -> Floats:
    """Share of the stretches of 30 days since the first contact that held a check-in, as the cadence asks."""
    runs, age = contacts(at).only(facts(at).check_ins)
    month = np.maximum(age - 1, 0) // CADENCE_DAYS
    held = runs.tally(changed(month) | runs.is_first)
    return ratio(held, np.maximum(at.once(days_since_first_contact) - 1, 0) // CADENCE_DAYS + 1)
