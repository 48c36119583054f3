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
IN_ARREARS_DAYS = 31
"""Whoever is billed when a period is over pays the first bill up to a month after the first cycle."""
MOST_CYCLES = 4
"""A quarter of missing bills is an oversight; after more, an equal amount is a coincidence."""
LATEST = 2**61
"""Far after any date, and twice as far still a whole number of microseconds."""
MOST_TERMS = 60
"""So many terms of a buyer are looked at, the latest that had begun: five years of monthly ones."""


def bill_rows(transactions: EventTable, contracts: EventTable) -> NDArray[np.bool_]:
    """Which transactions are bills of a contract; shape (n_rows,).

    A bill comes within a term of the same buyer or one cycle after it, is for about one, three, six or twelve times its
    monthly amount (or that of all terms then in force together), and keeps the cadence: the first comes within a cycle of
    the term's start, a month later in arrears, the others a cycle or up to four (where bills are missing) after the one
    before. Only what was known when the bill came counts: later contracts and later cancellations change nothing.

    Parameters
    ----------
    transactions, contracts : EventTable
        Of the same buyers; without ``amount`` in both nothing is a bill.
    """
    n = transactions.n_rows
    bill = np.zeros(n, dtype=bool)
    monthly = contracts.columns.get("amount")
    if "amount" not in transactions.columns or monthly is None or not contracts.n_rows:
        return bill
    amount = transactions.as_known("amount")  # what became of it later does not say what it was
    began = np.searchsorted(_keys(contracts), _keys(transactions), side="right")
    first = contracts.offsets[transactions.buyer]
    moment = transactions.time if transactions.known is None else transactions.known
    agreed = (contracts.time if contracts.known is None else contracts.known) // MICROSECONDS_A_DAY
    for months, most_days in CYCLES:
        level, n_terms = np.full(n, np.nan), np.zeros(n, dtype=np.int64)
        total, n_running = np.zeros(n), np.zeros(n, dtype=np.int64)
        opens, opens_any = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        for back in range(1, MOST_TERMS + 1):
            term = began - back
            there = term >= first
            if not there.any():
                break
            term = np.where(there, term, 0)
            there &= monthly[term] > 0
            since = _since_stop(contracts, term, transactions.time, moment)
            runs, lately = there & (since <= 0), there & (since <= most_days * MICROSECONDS_A_DAY)
            begins = transactions.day - agreed[term] <= most_days + IN_ARREARS_DAYS
            fits = _about(amount, months * monthly[term])
            level = np.where(lately & fits & np.isnan(level), monthly[term], level)
            n_terms += runs & fits
            opens |= lately & fits & begins
            total += np.where(runs, monthly[term], 0.0)
            n_running += runs
            opens_any |= runs & begins
        bill |= _on_cadence(transactions, level, np.maximum(n_terms, 1), opens, most_days)
        together = (n_running > 1) & _about(amount, months * total)
        level = np.where(together, total, np.nan)
        bill |= _on_cadence(transactions, level, together.astype(np.int64), opens_any, most_days)
    return bill


def _about(amount: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(np.abs(amount - expected) <= TOLERANCE * expected)


def _keys(events: EventTable) -> NDArray[np.float64]:
    """Buyer and day as one ascending number."""
    return events.buyer.astype(np.float64) * 1e7 + events.day


def _since_stop(
    contracts: EventTable, term: NDArray[np.int64], time: NDArray[np.int64], moment: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Microseconds from the stop of a term to a time, as far as was known at a moment; below zero while it runs.

    ``FOREVER`` where the term was not known.
    """
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
    return np.where(known[term] <= moment, time - np.minimum(stop, LATEST), FOREVER)


def _on_cadence(
    transactions: EventTable,
    level: NDArray[np.float64],
    n_terms: NDArray[np.int64],
    opens: NDArray[np.bool_],
    cycle_days: int,
) -> NDArray[np.bool_]:
    """Of rows that fit (a level is known), those of a series that opens with a term and goes on by its cycle.

    Shape (n_rows,). Bills of one buyer and one level are a series; where several contracts cost the same, so many may come
    in a cycle.
    """
    rows = np.flatnonzero(~np.isnan(level))
    rows = rows[np.lexsort((rows, level[rows], transactions.buyer[rows]))]
    bill = np.zeros(len(level), dtype=bool)
    if not len(rows):
        return bill
    rows = rows[
        _apart(transactions, rows, _series(transactions, rows, level), n_terms, LEAST_OF_CYCLE * cycle_days)
    ]
    day = transactions.day[rows].astype(np.int64)
    breaks = _series(transactions, rows, level)
    breaks[1:] |= day[1:] - day[:-1] > MOST_CYCLES * cycle_days
    place = np.arange(len(rows))
    series = np.maximum.accumulate(np.where(breaks, place, 0))
    opened = np.maximum.accumulate(np.where(opens[rows], place, -1))
    bill[rows[opened >= series]] = True
    return bill


def _series(
    transactions: EventTable, rows: NDArray[np.int64], level: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which of the rows, sorted by buyer and level, are the first of a buyer and level."""
    first = np.ones(len(rows), dtype=bool)
    buyer, of_row = transactions.buyer[rows], level[rows]
    first[1:] = (buyer[1:] != buyer[:-1]) | (of_row[1:] != of_row[:-1])
    return first


def _apart(
    transactions: EventTable,
    rows: NDArray[np.int64],
    first: NDArray[np.bool_],
    n_terms: NDArray[np.int64],
    least_days: float,
) -> NDArray[np.bool_]:
    """Of rows that fit, those before which fewer bills than there are such terms came within so many days."""
    day = transactions.day[rows].astype(np.int64)
    apart = np.ones(len(rows), dtype=bool)
    close = np.zeros(len(rows), dtype=bool)
    close[1:] = ~first[1:] & (day[1:] - day[:-1] < least_days)
    group = np.cumsum(first)
    for one in np.unique(group[close]):  # rare: each bill of such a series against those that counted
        counted: list[int] = []
        for place in range(int(np.searchsorted(group, one)), int(np.searchsorted(group, one, side="right"))):
            counted = [before for before in counted if day[place] - before < least_days]
            apart[place] = len(counted) < n_terms[rows[place]]
            if apart[place]:
                counted.append(int(day[place]))
    return apart
