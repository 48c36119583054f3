"""Bills: transactions that are payments of a contract, the same money as the contract's monthly amount.

A bill is no purchase: it says that a term runs, which the term says itself. Counted as purchases, bills double the
money, and the last of them hides that a contract was not renewed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clientcare.facts.events import EventTable
from clientcare.facts.terms import FOREVER, cancellation_known_at
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME

CYCLES: tuple[tuple[int, int], ...] = ((1, 31), (3, 92), (6, 184), (12, 366))
"""Months that a bill is for, and the most days there are in as many: contracts are billed by month, quarter, half, year."""
TOLERANCE = 0.02
"""Rounding and a change of the exchange rate move a bill by less than a fiftieth of the stated amount."""
LEAST_OF_CYCLE = 0.8
"""Bills a little early or late (weekends, short months) are still a cycle apart; two within a week are not both bills."""
MOST_CYCLES = 4
"""A quarter of missing bills is an oversight; after more, an equal amount is a coincidence."""
MOST_TERMS = 60
"""So many terms of a buyer are looked at, the latest that had begun: five years of monthly ones."""


def bill_rows(transactions: EventTable, contracts: EventTable) -> NDArray[np.bool_]:
    """Which transactions are bills of a contract; shape (n_rows,).

    A bill comes within a term of the same buyer or one cycle after it, is for about one, three, six or twelve times its
    monthly amount, and keeps the cadence: the first comes within a cycle of the term's start, the others a cycle or up to
    four (where bills are missing) after the one before. Only what was known when the bill came counts:
    later contracts and later cancellations change nothing.

    Parameters
    ----------
    transactions, contracts : EventTable
        Of the same buyers; without ``amount`` in both nothing is a bill.
    """
    bill = np.zeros(transactions.n_rows, dtype=bool)
    amount, monthly = transactions.columns.get("amount"), contracts.columns.get("amount")
    if amount is None or monthly is None or not contracts.n_rows:
        return bill
    began = np.searchsorted(_keys(contracts), _keys(transactions), side="right")
    first = contracts.offsets[transactions.buyer]
    moment = transactions.time if transactions.known is None else transactions.known
    agreed = (contracts.time if contracts.known is None else contracts.known) // MICROSECONDS_A_DAY
    for months, most_days in CYCLES:
        fits = np.zeros(transactions.n_rows, dtype=bool)
        opens = np.zeros(transactions.n_rows, dtype=bool)
        for back in range(1, MOST_TERMS + 1):
            term = began - back
            there = term >= first
            if not there.any():
                break
            term = np.where(there, term, 0)
            expected = months * monthly[term]
            near = there & (expected > 0) & (np.abs(amount - expected) <= TOLERANCE * expected)
            paid = near & _runs(contracts, term, transactions.time, moment, most_days)
            fits |= paid
            opens |= paid & (transactions.day - agreed[term] <= most_days)
        bill |= _on_cadence(transactions, fits, opens, most_days)
    return bill


def _keys(events: EventTable) -> NDArray[np.float64]:
    """Buyer and day as one ascending number."""
    return events.buyer.astype(np.float64) * 1e7 + events.day


def _runs(
    contracts: EventTable,
    term: NDArray[np.int64],
    time: NDArray[np.int64],
    moment: NDArray[np.int64],
    days: int,
) -> NDArray[np.bool_]:
    """Whether a term ran at a time, or had stopped at most a cycle before, as far as was known at a moment."""
    known = contracts.time if contracts.known is None else contracts.known
    stop = np.full(len(term), FOREVER)
    for column in ("end", "cancelled_at"):
        values = contracts.columns.get(column)
        if values is None:
            continue
        stops = values[term]
        given = stops != UNKNOWN_TIME
        if column == "cancelled_at":
            given &= cancellation_known_at(contracts)[term] < moment
        stop = np.where(given, np.minimum(stop, stops), stop)
    late = np.where(stop > FOREVER - days * MICROSECONDS_A_DAY, FOREVER, stop + days * MICROSECONDS_A_DAY)
    return np.asarray((known[term] <= moment) & (time <= late))


def _on_cadence(
    transactions: EventTable, fits: NDArray[np.bool_], opens: NDArray[np.bool_], cycle_days: int
) -> NDArray[np.bool_]:
    """Of rows that fit, those of a series that opens with a term and goes on by its cycle; shape (n_rows,)."""
    rows = np.flatnonzero(fits & _apart(transactions, fits, LEAST_OF_CYCLE * cycle_days))
    bill = np.zeros(len(fits), dtype=bool)
    if not len(rows):
        return bill
    buyer, day = transactions.buyer[rows], transactions.day[rows].astype(np.int64)
    breaks = np.ones(len(rows), dtype=bool)
    breaks[1:] = (buyer[1:] != buyer[:-1]) | (day[1:] - day[:-1] > MOST_CYCLES * cycle_days)
    place = np.arange(len(rows))
    series = np.maximum.accumulate(np.where(breaks, place, 0))
    opened = np.maximum.accumulate(np.where(opens[rows], place, -1))
    bill[rows[opened >= series]] = True
    return bill


def _apart(transactions: EventTable, fits: NDArray[np.bool_], least_days: float) -> NDArray[np.bool_]:
    """Of rows that fit, those at least so many days after the last bill before them; a buyer's first always is."""
    rows = np.flatnonzero(fits)
    apart = np.zeros(len(fits), dtype=bool)
    if not len(rows):
        return apart
    buyer, day = transactions.buyer[rows], transactions.day[rows].astype(np.int64)
    close = np.zeros(len(rows), dtype=bool)
    close[1:] = (buyer[1:] == buyer[:-1]) & (day[1:] - day[:-1] < least_days)
    apart[rows[~close]] = True
    for whose in np.unique(buyer[close]):  # rare: each bill of such a buyer against the last that counted
        last = None
        for place in range(
            int(np.searchsorted(buyer, whose)), int(np.searchsorted(buyer, whose, side="right"))
        ):
            counts = last is None or day[place] - last >= least_days
            apart[rows[place]] = counts
            last = day[place] if counts else last
    return apart
