"""Lines of terms: which term follows which, where a buyer may hold several contracts at once.

A term follows an earlier one of the same buyer: of the same ``contract_id`` first, then of the same ``plan``, then the one
whose end lies nearest. One that begins while another runs on for long stands beside it; one that begins in the last half of
another and outlasts it (an upgrade before the end) takes its place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clientcare.facts.events import EventTable
from clientcare.facts.terms import FOREVER, stops_at
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME

GRACE_DAYS = 31
"""A term that starts within so many days of the end of the last renews it; a longer pause is a lapse."""
OPEN_DAY = 10**9
"""The day on which an open-ended term stops."""

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def stop_days(contracts: EventTable) -> Ints:
    """First day no longer covered by each term: after its last day, or after a cancellation; shape (n_rows,)."""
    moments = stops_at(contracts)
    days = -(-np.where(moments == FOREVER, 0, moments) // MICROSECONDS_A_DAY)
    return np.asarray(np.where(moments == FOREVER, OPEN_DAY, days), dtype=np.int64)


def follows(contracts: EventTable) -> Ints:
    """The row of the term that each term follows, -1 for the first of a line; shape (n_rows,).

    Parameters
    ----------
    contracts : EventTable
        Terms sorted by buyer and start, as they were known.

    Examples
    --------
    >>> import pandas as pd
    >>> from clientcare.history import Histories
    >>> terms = pd.DataFrame({
    ...     "buyer_id": "a",
    ...     "start": ["2023-01-01", "2024-01-01", "2024-02-01"],
    ...     "end": ["2023-12-31", "2025-12-31", "2024-06-30"],
    ...     "plan": ["core", "core", "support"],
    ... })
    >>> follows(Histories(contracts=terms).events("contracts"))
    array([-1,  0, -1])
    """
    n = contracts.n_rows
    before = np.arange(-1, n - 1)
    first = np.ones(n, dtype=bool)
    first[1:] = contracts.buyer[1:] != contracts.buyer[:-1]
    before[first] = -1
    start, stop = contracts.day.astype(np.int64), stop_days(contracts)
    late = np.zeros(n, dtype=bool)
    late[1:] = ~first[1:] & (stop[:-1] - start[1:] > GRACE_DAYS)
    ids, plans = _codes(contracts, "contract_id"), _codes(contracts, "plan")
    half = _half_days(contracts)
    for buyer in np.unique(contracts.buyer[late]):  # terms beside each other are few
        rows = range(int(contracts.offsets[buyer]), int(contracts.offsets[buyer + 1]))
        open_lines: list[int] = []
        for row in rows:
            last = _followed(row, open_lines, start, stop, half, ids, plans)
            before[row] = last
            if last >= 0:
                open_lines.remove(last)
            open_lines.append(row)
    return before


def superseded(contracts: EventTable, before: Ints, in_force: Bools) -> Bools:
    """Terms in force whose successor is in force too: their money is counted with the successor; shape (n_rows,)."""
    gone = np.zeros(contracts.n_rows, dtype=bool)
    gone[before[in_force & (before >= 0)]] = True
    return gone & in_force


def last_paid(amount: NDArray[np.float64], before: Ints) -> NDArray[np.float64]:
    """The amount last paid in the line before each term, free terms passed over; NaN without one; shape (n_rows,)."""
    place = before.copy()
    while True:
        free = np.flatnonzero((place >= 0) & (amount[place] == 0))
        if not len(free):
            break
        place[free] = before[place[free]]
    return np.where(place >= 0, amount[place] if len(amount) else np.nan, np.nan)


def latest_amount(contracts: EventTable) -> NDArray[np.float64]:
    """The monthly amount of each buyer's term that began last; NaN without one, or where it is not known."""
    latest = np.full(contracts.n_buyers, np.nan)
    if "amount" in contracts.columns:
        latest[contracts.buyer] = contracts.columns[
            "amount"
        ]  # rows ascend in time within a buyer, the last one stays
    return latest


def renews(contracts: EventTable) -> Bools:
    """Terms that renew the one they follow; shape (n_rows,).

    They start up to 31 days after its end, or before it; what follows a trial that nothing was paid before is none.
    """
    if not contracts.n_rows:
        return np.zeros(0, dtype=bool)
    before, start = follows(contracts), contracts.day.astype(np.int64)
    amount = contracts.columns.get("amount")
    amount = np.full(contracts.n_rows, np.nan) if amount is None else amount
    trial = (amount[before] == 0) & np.isnan(last_paid(amount, before))
    return np.asarray((before >= 0) & (start - stop_days(contracts)[before] <= GRACE_DAYS) & ~trial)


def _followed(
    row: int, lines: Sequence[int], start: Ints, stop: Ints, half: Ints, ids: Ints, plans: Ints
) -> int:
    """Which of the lines' last terms a term follows, -1 for none."""
    best, rank = -1, (9, 0)
    for last in lines:
        overlap = int(stop[last] - start[row])
        outlasts = stop[row] > stop[last] or (stop[row] == OPEN_DAY and stop[last] < OPEN_DAY)
        same_id = ids[row] >= 0 and ids[row] == ids[last]
        plan_known = plans[row] >= 0 and plans[last] >= 0
        same_plan = plan_known and plans[row] == plans[last]
        other_ids = ids[row] >= 0 and ids[last] >= 0 and not same_id
        early = start[row] >= half[last] and outlasts
        if same_id:
            place = 0
        elif same_plan and (overlap <= GRACE_DAYS or early or not other_ids):
            place = 1
        elif overlap <= GRACE_DAYS:
            place = 2
        elif early and not plan_known:
            place = 3
        else:
            continue
        if (place, abs(overlap)) < rank:
            best, rank = last, (place, abs(overlap))
    return best


def _half_days(contracts: EventTable) -> Ints:
    """The day on which the second half of each term begins; never for an open-ended one."""
    end = contracts.columns.get("end")
    if end is None:
        return np.full(contracts.n_rows, OPEN_DAY)
    last = np.where(end == UNKNOWN_TIME, 2 * OPEN_DAY, end // MICROSECONDS_A_DAY)
    return np.asarray((contracts.day + last) // 2, dtype=np.int64)


def _codes(contracts: EventTable, name: str) -> Ints:
    codes = contracts.columns.get(name)
    return np.full(contracts.n_rows, -1) if codes is None else codes.astype(np.int64)
