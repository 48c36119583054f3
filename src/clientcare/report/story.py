"""What the page tells of each buyer: days of purchases and contacts, contracts, contributions, due care."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.facts.contacts import Contacts
from clientcare.history import EventTable, Histories
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME, microseconds

MOST_EVENTS = 60
"""Of each kind the page shows a buyer's latest so many; more would be read by nobody."""


def stories(histories: Histories, buyers: pd.Index, as_of: pd.Timestamp) -> list[list[Any]]:
    """Per buyer ``[purchase days, our contacts, their contacts, [[start, end], ...]]`` known at a date; days since 1970."""
    moment = microseconds(as_of)
    positions = histories.buyer_ids.get_indexer(buyers)
    purchases = _purchase_days(histories, moment, positions)
    ours, theirs = _contact_days(histories, moment, positions)
    terms = _terms(histories, moment, positions)
    return [list(parts) for parts in zip(purchases, ours, theirs, terms, strict=True)]


def _purchase_days(histories: Histories, moment: int, positions: NDArray[np.intp]) -> list[list[int]]:
    events = histories.events("transactions")
    if events is None:
        return [[] for _ in positions]
    past = events.before(moment)
    amount = past.columns.get("amount")
    bought = np.ones(past.n_rows, dtype=bool) if amount is None else ~(amount <= 0)
    return _latest_days(past, bought, positions)


def _contact_days(
    histories: Histories, moment: int, positions: NDArray[np.intp]
) -> tuple[list[list[int]], list[list[int]]]:
    events = histories.events("interactions")
    if events is None:
        return [[] for _ in positions], [[] for _ in positions]
    known = Contacts(events.before(moment), moment)
    by_us, by_them = known.kept & known.outbound, known.kept & known.by_buyer
    return _latest_days(known.events, by_us, positions), _latest_days(known.events, by_them, positions)


def _terms(histories: Histories, moment: int, positions: NDArray[np.intp]) -> list[list[list[int | None]]]:
    events = histories.events("contracts")
    if events is None:
        return [[] for _ in positions]
    past = events.before(moment)
    unknown = np.full(past.n_rows, UNKNOWN_TIME)
    end, cancelled = past.columns.get("end", unknown), past.columns.get("cancelled_at", unknown)
    until = np.where(
        cancelled != UNKNOWN_TIME, np.where(end != UNKNOWN_TIME, np.minimum(end, cancelled), cancelled), end
    )
    spans: list[list[int | None]] = [
        [int(start // MICROSECONDS_A_DAY), None if stop == UNKNOWN_TIME else int(stop // MICROSECONDS_A_DAY)]
        for start, stop in zip(past.time, until, strict=True)
    ]
    return [
        spans[max(past.offsets[b], past.offsets[b + 1] - MOST_EVENTS) : past.offsets[b + 1]]
        for b in positions
    ]


def _latest_days(
    events: EventTable, chosen: NDArray[np.bool_], positions: NDArray[np.intp]
) -> list[list[int]]:
    """The latest distinct days of the chosen events, per buyer."""
    rows = np.flatnonzero(chosen)
    buyer, day = events.buyer[rows], events.day[rows]
    if len(rows):
        new = np.concatenate([[True], (buyer[1:] != buyer[:-1]) | (day[1:] != day[:-1])])
        buyer, day = buyer[new], day[new]
    ends = np.cumsum(np.bincount(buyer, minlength=events.n_buyers))
    starts = np.concatenate([[0], ends[:-1]])
    days: list[int] = day.tolist()
    return [days[max(starts[b], ends[b] - MOST_EVENTS) : ends[b]] for b in positions]
