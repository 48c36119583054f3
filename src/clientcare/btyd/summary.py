"""From histories to the table the probability models read: one pass over the sorted events."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.btyd.table import AGE, COUNT, GAPS, RECENCY, SPEND
from clientcare.exceptions import SchemaError
from clientcare.facts.events import EventTable
from clientcare.history.histories import Histories
from clientcare.window import MICROSECONDS_A_DAY, Moment, day_number, microseconds, parse_moments


def purchase_summary(histories: Histories, as_of: Moment | Iterable[Moment]) -> pd.DataFrame:
    """What each buyer's purchases look like as of a date: the table that the probability models fit.

    All purchases of a buyer on one calendar day are one purchase. Only amounts above zero, and unknown amounts, are
    purchases. Nothing at or after ``as_of`` is seen.

    Parameters
    ----------
    histories : Histories
    as_of : date or text, or a list of them
        Exclusive.

    Returns
    -------
    DataFrame of shape (n_buyers with a purchase before as_of, 5), index ``buyer_id``
        For a list of dates the tables of all of them, index ``(as_of, buyer_id)``: to forecast and to judge at several
        dates. Fit on one date; a fit on several would count a buyer as several.

        ``n_repeat_purchases``
            Purchase days after the first.
        ``days_first_to_last_purchase``
            0 for a buyer who bought on one day.
        ``days_since_first_purchase``
            From the day of the first purchase to the day of ``as_of``. (Papers often count to the last day seen, which
            is one less.)
        ``mean_purchase_amount``
            Mean over the repeat purchase days of the day's total; the first is left out, as the Gamma-Gamma model has
            it. NaN where there is none, or no amount is known.
        ``sum_log_gap_days``
            Sum of the natural logarithms of the gaps in days, which the models for regular buyers need; 0 without a gap.

    Raises
    ------
    SchemaError
        Where it is given a table of transactions instead of ``Histories``.

    Examples
    --------
    >>> from clientcare.history import Histories
    >>> log = pd.DataFrame({"buyer_id": [1, 1, 1, 2], "timestamp": pd.to_datetime(
    ...     ["2024-01-01", "2024-01-11", "2024-01-31", "2024-02-01"]), "amount": [10.0, 20.0, 30.0, 5.0]})
    >>> purchase_summary(Histories(log), "2024-03-01").iloc[:, :4].values.tolist()
    [[2.0, 30.0, 60.0, 25.0], [0.0, 0.0, 29.0, nan]]
    """
    if not hasattr(histories, "events"):
        raise SchemaError(
            f"purchase_summary: histories is a {type(histories).__name__}. Take it through the door first: "
            "purchase_summary(Histories(transactions), as_of)."
        )
    moments, several = parse_moments(as_of, histories.timezone)
    tables = [_summary(histories, moment) for moment in moments]
    return pd.concat(tables, keys=moments, names=["as_of", "buyer_id"]) if several else tables[0]


def _summary(histories: Histories, moment: pd.Timestamp) -> pd.DataFrame:
    events = histories.events("transactions")
    if events is None:
        return _empty(histories)
    buyer, day, spent = purchase_days(events, microseconds(moment))
    if not len(buyer):
        return _empty(histories)
    first = np.flatnonzero(np.concatenate([[True], buyer[1:] != buyer[:-1]]))
    last = np.append(first[1:], len(buyer)) - 1
    gaps = np.zeros(len(day))
    np.log(day[1:] - day[:-1], out=gaps[1:], where=buyer[1:] == buyer[:-1])
    if spent is not None:
        spent[first] = np.nan
    return pd.DataFrame(
        {
            COUNT: last - first,
            RECENCY: (day[last] - day[first]).astype(np.int64),
            AGE: day_number(moment) - day[first].astype(np.int64),
            SPEND: np.full(len(first), np.nan) if spent is None else _known_mean(spent, first),
            GAPS: np.add.reduceat(gaps, first),
        },
        index=histories.buyer_ids.take(buyer[first]),
    )


def purchase_days(
    events: EventTable, as_of: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64] | None]:
    """Buyer, day and total of every purchase day known by then, by buyer and day."""
    buyer, day, amount = _purchases(events, as_of)
    if not len(buyer):
        return buyer, day, amount
    starts = np.flatnonzero(np.concatenate([[True], (buyer[1:] != buyer[:-1]) | (day[1:] != day[:-1])]))
    return buyer[starts], day[starts], _day_totals(amount, starts)


def _purchases(
    events: EventTable, as_of: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64] | None]:
    """Buyer, day and amount of every purchase known by then, in the order of the table."""
    events = events.before(as_of) if "amount" in events.known_from else events
    kept = (events.time if events.known is None else events.known) < as_of
    amount = events.columns.get("amount")
    if amount is not None:
        kept &= ~(amount <= 0)
    if kept.all():
        buyer, time = events.buyer, events.time
    else:
        rows = np.flatnonzero(kept)
        buyer, time = events.buyer[rows], events.time[rows]
        amount = None if amount is None else amount[rows]
    return buyer, (time // MICROSECONDS_A_DAY).astype(np.int32), amount


def _day_totals(amount: NDArray[np.float64] | None, starts: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """What was spent on each purchase day; unknown amounts are left out, NaN where none is known."""
    if amount is None:
        return None
    unknown = np.isnan(amount)
    if not unknown.any():
        return np.asarray(np.add.reduceat(amount, starts))
    total = np.add.reduceat(np.where(unknown, 0.0, amount), starts)
    return np.where(np.logical_and.reduceat(unknown, starts), np.nan, total)


def _known_mean(values: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    known = ~np.isnan(values)
    total = np.add.reduceat(np.where(known, values, 0.0), starts)
    number = np.add.reduceat(known.astype(np.int64), starts)
    return np.asarray(np.divide(total, number, out=np.full(len(starts), np.nan), where=number > 0))


def _empty(histories: Histories) -> pd.DataFrame:
    whole = np.zeros(0, dtype=np.int64)
    real = np.zeros(0)
    return pd.DataFrame(
        {COUNT: whole, RECENCY: whole, AGE: whole, SPEND: real, GAPS: real}, index=histories.buyer_ids[:0]
    )
