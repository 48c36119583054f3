"""Which past dates the model learns from, and which buyers stand for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from clientcare.facts.purchase_rows import is_purchase
from clientcare.history.histories import Histories
from clientcare.history.population import known_buyers
from clientcare.window import microseconds

EFFORTS: dict[str, int] = {"quick": 60_000, "default": 240_000, "thorough": 800_000}
"""Rows of past snapshots held at once, by effort; buyers beyond that are sampled."""
BY_MONTH_SHARE = 0.5
"""Half of all purchases on three days of the month: no shop that is open every day comes near it."""
FEWEST_FOR_PHASE, FEWEST_MONTHS = 30, 4
"""Fewer purchases or months may fall on the same days by chance."""
BUYERS_AT_ONCE = 100_000
"""So many are scored at a time: more would take memory and gain no speed."""


@dataclass(frozen=True)
class SnapshotPlan:
    """The dates behind one question asked at ``as_of``.

    Attributes
    ----------
    as_of : Timestamp
        When the question is asked.
    span_days : int
        How long after a snapshot its outcome is known.
    dates : tuple of Timestamp
        Past snapshots whose whole outcome lies before ``as_of``, newest first.
    """

    as_of: pd.Timestamp
    span_days: int
    dates: tuple[pd.Timestamp, ...]


def plan_snapshots(
    as_of: pd.Timestamp,
    observed_from: pd.Timestamp,
    span_days: int,
    step_days: int,
    n_snapshots: int,
    least_history_days: int,
    by_month: bool = False,
    holes: Sequence[tuple[pd.Timestamp, pd.Timestamp]] = (),
) -> SnapshotPlan:
    """The latest snapshots that were complete at a date.

    The newest lies a whole outcome before ``as_of``, the others ``step_days`` apart before it; each needs
    ``least_history_days`` of observed history. Where buying goes by the month, each is moved back to the same day of a
    month as ``as_of``, so that everybody is as far from the last bill there as now. No hole in the
    records may lie over an outcome.

    Examples
    --------
    >>> plan = plan_snapshots(pd.Timestamp("2011-12-01"), pd.Timestamp("2011-01-01"), 90, 30, 8, 45)
    >>> [f"{date:%m-%d}" for date in plan.dates]
    ['09-02', '08-03', '07-04', '06-04', '05-05', '04-05', '03-06']
    """
    newest = as_of - pd.Timedelta(days=span_days)
    earliest = observed_from + pd.Timedelta(days=least_history_days)
    n_spared = sum(-(-((after - first).days + span_days) // max(step_days, 1)) for first, after in holes)
    steps = range(n_snapshots + n_spared)
    dates = [newest - pd.Timedelta(days=step * step_days) for step in steps]
    if by_month:
        dates = list(dict.fromkeys(in_phase(date, as_of) for date in dates))
    whole = [date for date in dates if date >= earliest and not _over_a_hole(date, span_days, holes)]
    return SnapshotPlan(as_of, span_days, tuple(whole[:n_snapshots]))


def _over_a_hole(
    date: pd.Timestamp, span_days: int, holes: Sequence[tuple[pd.Timestamp, pd.Timestamp]]
) -> bool:
    """Whether records are missing at a date, or within the span after it."""
    end = date + pd.Timedelta(days=span_days)
    return any(first < end and date < after for first, after in holes)


def in_phase(date: pd.Timestamp, as_of: pd.Timestamp) -> pd.Timestamp:
    """The latest date not after ``date`` on the same day of a month as ``as_of``, the last of a shorter month.

    Examples
    --------
    >>> in_phase(pd.Timestamp("2024-03-30"), pd.Timestamp("2024-05-31")).date().isoformat()
    '2024-02-29'
    """
    first = date.replace(day=1)
    for month in (first, (first - pd.Timedelta(days=1)).replace(day=1)):
        moved = month.replace(day=min(as_of.day, month.days_in_month))
        if moved <= date:
            return moved
    raise AssertionError("one of two months in a row has such a day")


def days_like(date: pd.Timestamp, as_of: pd.Timestamp, horizon_days: int) -> int:
    """The days from an earlier date to the day of a month on which the horizon after ``as_of`` ends, never past ``as_of``.

    Ninety days from 2 January hold three bills of the 1st, from 2 October only two: months and days carry over, not days.

    Examples
    --------
    >>> days_like(pd.Timestamp("2024-10-02"), pd.Timestamp("2025-01-02"), 90)
    92
    """
    end = as_of + pd.Timedelta(days=horizon_days)
    months = (end.year - as_of.year) * 12 + end.month - as_of.month
    if as_of + pd.DateOffset(months=months) > end:
        months -= 1
    rest = end - (as_of + pd.DateOffset(months=months))
    return int((min(date + pd.DateOffset(months=months) + rest, as_of) - date).days)


def goes_by_the_month(histories: Histories, as_of: pd.Timestamp) -> bool:
    """Whether buying goes by the month before a date: most purchase days fall on few days of it.

    The busiest three days in a row hold more than half of the purchase days of months that are over, where three of
    thirty would hold a tenth by chance.
    """
    transactions = histories.events("transactions")
    if transactions is None:
        return False
    known = transactions.before(microseconds(as_of))
    days = known.day[is_purchase(known)]
    if len(days) < FEWEST_FOR_PHASE:
        return False
    moments = pd.DatetimeIndex(days.astype("datetime64[D]"))
    if len(moments.to_period("M").unique()) < FEWEST_MONTHS:
        return False
    counts = np.bincount(moments.day, minlength=32)[1:].astype(np.float64)
    around = counts + np.roll(counts, 1) + np.roll(counts, -1)
    return bool(around.max() > BY_MONTH_SHARE * counts.sum())


def scaled_windows(horizon_days: int) -> tuple[int, ...]:
    """The windows of the features, in the horizon's own measure: a quarter, a third, one, two and four of it.

    Examples
    --------
    >>> scaled_windows(90)
    (22, 30, 90, 180, 360)
    """
    lengths = [horizon_days // 4, horizon_days // 3, horizon_days, 2 * horizon_days, 4 * horizon_days]
    return tuple(sorted({max(1, length) for length in lengths}))


def sample_buyers(known: pd.Index, n_most: int, random_state: int) -> pd.Index:
    """At most so many of the buyers known at a date, drawn at random, in their order."""
    if len(known) <= n_most:
        return known
    drawn = np.random.default_rng(random_state).choice(len(known), size=n_most, replace=False)
    return known.take(np.sort(drawn))


def in_parts(histories: Histories, as_of: pd.Timestamp, n_most: int = BUYERS_AT_ONCE) -> list[pd.Index]:
    """The buyers known at a date, at most so many in a part; one part where nobody is."""
    known = known_buyers(histories, as_of)
    starts = range(0, max(len(known), 1), n_most)
    return [histories.buyer_ids.take(known[start : start + n_most]) for start in starts]
