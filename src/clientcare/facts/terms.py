"""Contracts in force: the one rule for when a term runs, as far as was known then.

A term runs from its start through the whole of the day it is scheduled to end on, or until it was cancelled,
whichever comes first; without an end and a cancellation it runs on. "1 January to 30 June" and "from 1 July"
thus leave no day between them, and "until 1 July" and "from 1 July" neither.

Moments are exclusive here as everywhere: in force *at* a moment means just before it. A term that starts at
the moment is not in force yet, one whose last day was the day before still is, one cancelled at it too. A
cancellation is known from its notice on where one is recorded (``notice_at``), else from the moment it takes effect: whoever
is under notice is still in force until the service ends. One that is not known at the moment of knowing leaves the term
running to its scheduled end. Several terms at once, and renewals as further rows, make a buyer bound while any of them runs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from clientcare.facts.events import EventTable
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME

FOREVER = np.iinfo(np.int64).max
"""When a term stops that has no end."""


def rows_in_force(contracts: EventTable, moment: int, known_at: int | None = None) -> NDArray[np.bool_]:
    """Which terms were in force just before a moment (microseconds), as far as was known; shape (n_rows,)."""
    running = (contracts.time < moment) & (moment <= stops_at(contracts, known_at))
    if known_at is None:
        return np.asarray(running)
    known = contracts.time if contracts.known is None else contracts.known
    return np.asarray(running & (known < known_at))


def known_by_then(contracts: EventTable, as_of: int) -> EventTable:
    """The terms known at a moment, those signed ahead included; these count as begun from their start on, as before.

    Unlike :func:`with_signed_ahead` the table may be asked for what was known at an earlier moment.
    """
    cut = with_signed_ahead(contracts, as_of)
    if cut.known is None:
        return cut
    known = np.maximum(cut.known, cut.time)
    return replace(cut, known=known if bool(np.any(known > cut.time)) else None)


def cancellation_known_at(contracts: EventTable) -> NDArray[np.int64]:
    """When it was known that each term is cancelled: at the notice, else when it took effect; ``FOREVER`` where it is not.

    Shape (n_rows,).
    """
    return _or_forever(contracts, "notice_at" if "notice_at" in contracts.columns else "cancelled_at")


def under_notice(contracts: EventTable, moment: int) -> NDArray[np.bool_]:
    """Terms in force whose service is known, at a moment, to end by a notice; shape (n_rows,)."""
    given = cancellation_known_at(contracts) < moment
    return np.asarray(given & rows_in_force(contracts, moment, moment))


def with_signed_ahead(contracts: EventTable, as_of: int) -> EventTable:
    """The terms known at a moment, those included that were recorded by then, begin later and have not been withdrawn."""
    signed = contracts.columns.get("signed_at")
    if signed is None:
        return contracts.before(as_of)
    known = contracts.time if contracts.known is None else contracts.known
    agreed = replace(contracts, known=np.where(signed == UNKNOWN_TIME, known, signed)).before(as_of)
    stands = _or_forever(agreed, "cancelled_at") > agreed.time
    return agreed if stands.all() else agreed.take(np.flatnonzero(stands))


def stops_at(contracts: EventTable, known_at: int | None = None) -> NDArray[np.int64]:
    """When each term stops, in microseconds: after its last day, or when cancelled earlier; ``FOREVER``
    where it runs on.

    Shape (n_rows,). Cancellations that were not known before ``known_at`` are left out.
    """
    end = _or_forever(contracts, "end")
    after_last_day = np.where(end == FOREVER, end, (end // MICROSECONDS_A_DAY + 1) * MICROSECONDS_A_DAY)
    cancelled = _or_forever(contracts, "cancelled_at")
    if known_at is not None:
        cancelled = np.where(cancellation_known_at(contracts) < known_at, cancelled, FOREVER)
    return np.minimum(after_last_day, cancelled)


def _or_forever(contracts: EventTable, column: str) -> NDArray[np.int64]:
    moments = contracts.columns.get(column)
    if moments is None:
        return np.full(contracts.n_rows, FOREVER)
    return np.where(moments == UNKNOWN_TIME, FOREVER, moments)
