"""Where the records are dense: until when a table goes on, and where a stretch of it is missing.

Only rows a day are looked at. A silence is called a fault of the records where chance does not explain it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

LEAST_ROWS = 200
"""Below it, days are too few and silences too common to tell anything."""
AROUND_DAYS = 56
"""Eight weeks tell how many rows a day are usual: weekends even out, and seasons hardly move."""
LEAST_TAIL = 14
"""Weekends and holidays are shorter than two weeks."""
SPARSE = 0.15
"""A tail with fewer than this share of the usual rows, from its first weeks on, is no slow season and no cohort that
buys less and less (where a cohort stops growing, a fifth of its rows go on), but bookings, or no records at all."""
FIRST_WEEKS = 28
SURE = 15.0
"""How many times (as a logarithm) likelier a tail must be under a sparse rate than under the usual one."""
THINNER = 0.25
"""The rate a sparse tail is compared under, as a share of the usual one."""
LEAST_HOLE = 10
LEAST_MISSED = 20.0
"""So many rows must be missing from a hole."""
AS_DENSE = 0.5
"""With half the usual rows a day, what follows a silence are records again, not bookings."""
USUAL_GAPS = 0.99
TIMES_USUAL = 3.0
"""A hole is longer than this many of the longest usual silences."""
YEAR = 365


@dataclass(frozen=True)
class Hole:
    """Days without rows that chance does not explain: the first of them, and the first day after."""

    first_day: int
    day_after: int


def dense_end(days: NDArray[np.int64], last_day: int) -> int:
    """The day after the last on which a table is still dense; ``last_day + 1`` where it goes on to the end.

    Parameters
    ----------
    days : int64 array of shape (n_rows,)
        The day of each row, counted from 1970-01-01.
    last_day : int
        The last day on which any table has a row.

    Examples
    --------
    >>> orders = np.repeat(np.arange(400), 5)
    >>> dense_end(orders, last_day=475), dense_end(orders, last_day=400)
    (400, 401)
    """
    if len(days) < LEAST_ROWS:
        return last_day + 1
    first = int(days.min())
    counts = np.bincount(days - first, minlength=last_day - first + 1).astype(np.float64)
    n_days = len(counts)
    if n_days < 2 * AROUND_DAYS:
        return last_day + 1
    total = np.append(0.0, np.cumsum(counts))
    border = np.arange(AROUND_DAYS, n_days - LEAST_TAIL + 1)
    usual = (total[border] - total[border - AROUND_DAYS]) / AROUND_DAYS
    length = n_days - border
    expected = np.minimum(usual * length, _a_year_before(total, border, length))
    rows = total[-1] - total[border]
    surer = rows * np.log(THINNER) + (1 - THINNER) * expected
    soon = np.minimum(border + FIRST_WEEKS, n_days)
    at_once = total[soon] - total[border] <= SPARSE * usual * (soon - border)
    found = (rows <= SPARSE * expected) & at_once & (surer > SURE)
    if not found.any():
        return last_day + 1
    end = first + int(border[np.argmax(np.where(found, surer, -np.inf))])
    hole = hole_after(days, end)
    if hole is not None and last_day + 1 - hole.day_after >= LEAST_TAIL:
        return dense_end(days[days >= hole.day_after], last_day)
    return end


def hole_after(days: NDArray[np.int64], end: int) -> Hole | None:
    """The hole that begins where a table stops being dense, when records as dense as before follow it; else None.

    A few bookings of the coming months are sparse from their first day on, and no end of a hole.

    Examples
    --------
    >>> days = np.repeat(np.arange(400), 5)
    >>> hole_after(days[(days < 200) | (days >= 390)], end=200)
    Hole(first_day=200, day_after=390)
    """
    for hole in find_holes(days):
        if abs(hole.first_day - end) <= LEAST_HOLE:
            before = np.count_nonzero((days >= end - AROUND_DAYS) & (days < end))
            after = np.count_nonzero(days >= hole.day_after)
            length = int(days.max()) + 1 - hole.day_after
            usual = before / min(AROUND_DAYS, end - int(days.min()))
            return hole if after >= AS_DENSE * usual * length else None
    return None


def find_holes(days: NDArray[np.int64]) -> tuple[Hole, ...]:
    """Stretches without a row that chance does not explain.

    A silence that comes back at the same time of another year is a season, and none of them.

    Examples
    --------
    >>> days = np.repeat(np.arange(600), 3)
    >>> find_holes(days[(days < 300) | (days >= 390)])
    (Hole(first_day=300, day_after=390),)
    """
    if len(days) < LEAST_ROWS:
        return ()
    since = np.bincount(days - days.min())
    active = np.flatnonzero(since) + int(days.min())
    counts = since[since > 0]
    gaps = np.diff(active)
    others = np.sort(gaps)[:-1]  # the longest silence has no say in what is usual
    usual = max(1.0, float(np.quantile(others, USUAL_GAPS, method="higher"))) if len(others) else 1.0
    total = np.append(0, np.cumsum(counts))
    long = np.flatnonzero((gaps - 1 >= LEAST_HOLE) & (gaps > TIMES_USUAL * usual))
    holes = []
    for place in long.tolist():
        first, after = int(active[place]) + 1, int(active[place + 1])
        rates = [
            _rows_between(active, total, first - AROUND_DAYS, first)
            / min(AROUND_DAYS, first - int(active[0])),
            _rows_between(active, total, after, after + AROUND_DAYS)
            / min(AROUND_DAYS, int(active[-1]) + 1 - after),
        ]
        if min(rates) * (after - first) >= LEAST_MISSED and not _is_season(active, first, after):
            holes.append(Hole(first, after))
    return tuple(holes)


def _a_year_before(total: NDArray[np.float64], border: Counts, length: Counts) -> NDArray[np.float64]:
    """Rows in the same stretch a year before, two weeks of slack on either side; without end where not known."""
    start, end = border - YEAR, border - YEAR + length
    known = (start >= 0) & (end <= border)
    rows = total[np.clip(end, 0, len(total) - 1)] - total[np.clip(start, 0, len(total) - 1)]
    return np.where(known, rows, np.inf)


def _rows_between(active: Counts, total: Counts, first: int, after: int) -> float:
    low, high = np.searchsorted(active, [first, after])
    return float(total[high] - total[low])


def _is_season(active: Counts, first: int, after: int) -> bool:
    """Whether the middle of a silence was silent a year before or after as well, where that was recorded."""
    for shift in (-YEAR, YEAR):
        third = (after - first) // 3
        low, high = first + shift + third, after + shift - third
        if (
            low >= active[0]
            and high <= active[-1]
            and np.searchsorted(active, low) == np.searchsorted(active, high)
        ):
            return True
    return False
