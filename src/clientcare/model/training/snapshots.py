"""Which past dates the model learns from, and which buyers stand for all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from clientcare.history.histories import Histories
from clientcare.history.population import known_buyers

EFFORTS: dict[str, int] = {"quick": 60_000, "default": 240_000, "thorough": 800_000}
"""Rows of past snapshots held at once, by effort; buyers beyond that are sampled."""
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
) -> SnapshotPlan:
    """The latest snapshots that were complete at a date.

    The newest lies a whole outcome before ``as_of``, the others ``step_days`` apart before it; each needs
    ``least_history_days`` of observed history.

    Examples
    --------
    >>> plan = plan_snapshots(pd.Timestamp("2011-12-01"), pd.Timestamp("2011-01-01"), 90, 30, 8, 45)
    >>> [f"{date:%m-%d}" for date in plan.dates]
    ['09-02', '08-03', '07-04', '06-04', '05-05', '04-05', '03-06']
    """
    newest = as_of - pd.Timedelta(days=span_days)
    earliest = observed_from + pd.Timedelta(days=least_history_days)
    dates = [newest - pd.Timedelta(days=step * step_days) for step in range(n_snapshots)]
    return SnapshotPlan(as_of, span_days, tuple(date for date in dates if date >= earliest))


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
