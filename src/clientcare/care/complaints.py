"""Complaints and tickets that are known to be open."""

from __future__ import annotations

import numpy as np

from clientcare.facts.contacts import Bools, Contacts, Floats
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME

RECENT_DAYS = 182
"""Half a year: a complaint that is older speaks of another time."""


def known_resolved(contacts: Contacts) -> Floats:
    """1 resolved, 0 open, NaN where closing it is not recorded; shape (n_rows,).

    Where a moment of closing has its column and none was ever written into it, nobody writes closings down: what is not
    closed is unknown, not open.
    """
    closed_at = contacts.events.columns.get("closed_at")
    if (
        closed_at is None
        or np.any(closed_at != UNKNOWN_TIME)
        or np.any(contacts.resolved[contacts.trouble] == 1)
    ):
        return contacts.resolved
    return np.where(contacts.resolved == 0, np.nan, contacts.resolved)


def open_complaints(contacts: Contacts) -> Bools:
    """Complaints of the last half year that are known to be open; shape (n_rows,)."""
    recent = contacts.as_of - contacts.time <= RECENT_DAYS * MICROSECONDS_A_DAY
    mine = contacts.kept & contacts.kind("complaint")
    return np.asarray(mine & recent & (known_resolved(contacts) == 0))
