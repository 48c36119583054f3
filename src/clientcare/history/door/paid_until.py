"""Ends that are no agreed ends: the end of the period that is paid, as billing systems export it.

Such an ``end`` is written anew at every payment. As of a past date it tells who went on paying, which nobody knew then; at
the export all who pay seem to leave within a cycle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clientcare.facts.billing import CYCLES
from clientcare.history.door.sheets import Sheet
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME

RULE = "end_is_paid_until"
ACTION = "kept: as open-ended, ended where nothing was paid for what came after"
SAID = (
    "contracts: `end` is until when somebody had paid at the export, not an agreed end: nearly every buyer has one row, and "
    "all that still run end within one billing period. They count as open-ended, as ended where the end has passed. "
    "Where these are fixed terms, say so: ends='scheduled'."
)
LEAST_RUNNING = 20
"""Fewer running terms may end within a month of each other by chance."""
ONE_ROW = 0.95
"""Share of buyers with a single row: an end that is agreed anew makes a new row, one that is paid anew is overwritten."""
NEARLY_ALL = 0.95
LATE_DAYS = 4
"""A weekend, and a day for what the last day is called."""
FAR_LONGER = 2.0
"""Median length of the running terms in billing periods."""
SPREAD = 0.5
"""Starts and past ends lie in half as many periods at least as chance would fill: fixed lengths fill few."""
FEWEST_PAST = 10
ON_ONE_DATE = 0.8
LONGEST_YEAR = 400
"""Days. Running terms that all end on one date are a school year or a season unless many are older than one."""
ROUND_LENGTHS = (28, 30)
"""Days of billing periods that are no calendar months."""

Days = NDArray[np.int64]
Bools = NDArray[np.bool_]


def paid_until(sheet: Sheet, export: int) -> bool:
    """Whether the ends of contracts are until when was paid at the export, a moment in microseconds."""
    end, cancelled = sheet.moments["end"], sheet.moments["cancelled_at"]
    rows = np.flatnonzero(sheet.log.kept & (sheet.time < export))
    if len(rows) < LEAST_RUNNING:
        return False
    rows_of_buyer = np.bincount(sheet.ids.codes[rows].astype(np.int64))
    ended = end[rows] != UNKNOWN_TIME
    if np.mean(rows_of_buyer[rows_of_buyer > 0] == 1) < ONE_ROW or ended.mean() < NEARLY_ALL:
        return False
    rows = rows[ended]
    open_still = (cancelled[rows] == UNKNOWN_TIME) | (cancelled[rows] >= export)
    start, stop = sheet.time[rows] // MICROSECONDS_A_DAY, end[rows] // MICROSECONDS_A_DAY
    return is_paid_until(start, stop, open_still, export // MICROSECONDS_A_DAY)


def is_paid_until(start: Days, end: Days, uncancelled: Bools, export: int) -> bool:
    """The same of calendar days: starts, ends, who is not known to have cancelled, and the day of the export.

    Every running term ends within one billing period (a month, a quarter, half a year, a year) after the export, though most
    began periods ago and some lately: fixed terms that are still sold end as far ahead as they are long. Past ends lie in
    most periods, not once a year. Starts and ends fall on the same day of a month, or ends on the turn of one.

    Examples
    --------
    >>> start = np.arange(0, 720, 5)
    >>> paid = start + 30 * ((735 - start) // 30 + 1)
    >>> everybody = np.ones(len(start), dtype=bool)
    >>> is_paid_until(start, paid, everybody, 735), is_paid_until(start, start + 365, everybody, 735)
    (True, False)
    """
    running = (end >= export) & uncancelled
    if np.count_nonzero(running) < LEAST_RUNNING:
        return False
    ahead, age, length = (values[running] for values in (end - export, export - start, end - start))
    for _, most_days in CYCLES:
        if np.mean(ahead <= most_days + LATE_DAYS) < NEARLY_ALL:
            continue
        past = export - end[end < export]
        return bool(
            np.median(length) >= FAR_LONGER * most_days
            and _fills(age, most_days)
            and (len(past) < FEWEST_PAST or _fills(past, most_days))
            and _on_a_cycle(start[running], end[running])
            and (_share_of_commonest(ahead) < ON_ONE_DATE or np.quantile(age, 0.9) > LONGEST_YEAR)
        )
    return False


def read_as_open_ended(sheet: Sheet, export: int) -> None:
    """Make the ends unknown; where one lies before the export, the service ended with it, known from then on."""
    end, cancelled = sheet.moments["end"], sheet.moments["cancelled_at"]
    given = end != UNKNOWN_TIME
    sheet.log.note(RULE, ACTION, sheet.log.kept & given)
    after = (end // MICROSECONDS_A_DAY + 1) * MICROSECONDS_A_DAY
    ended = given & (end < export) & ((cancelled == UNKNOWN_TIME) | (after < cancelled))
    sheet.moments["cancelled_at"] = np.where(ended, after, cancelled)
    if "notice_at" in sheet.moments:
        notice = sheet.moments["notice_at"]
        unknown = (notice == UNKNOWN_TIME) | (notice > after)
        sheet.moments["notice_at"] = np.where(ended & unknown, after, notice)
    sheet.moments["end"] = np.full(len(end), UNKNOWN_TIME)


def _fills(days: Days, period: int) -> bool:
    """Whether days lie in most periods up to nine tenths of the largest, as far as so many can."""
    bins = days // period
    n_bins = int(np.quantile(bins, 0.9)) + 1
    could = n_bins * (1 - (1 - 1 / n_bins) ** len(days))
    return len(np.unique(bins[bins < n_bins])) >= SPREAD * could


def _on_a_cycle(start: Days, end: Days) -> bool:
    """Whether nearly all ends fall on the day of the month of the start (or a day beside it), the turn of a month, or whole
    cycles of four weeks or thirty days after the start.
    """
    began, stops = _day_of_month(start), _day_of_month(end)
    apart = np.abs(began - stops)
    last = _day_of_month(end + 1) == 1
    turn = last | (stops == 1)
    same = (apart <= 1) | (apart >= 30) | (last & (began >= 28))
    round_off = [((end - start + 1) % days <= 2).mean() for days in ROUND_LENGTHS]
    return bool(max(same.mean(), turn.mean(), *round_off) >= NEARLY_ALL)


def _day_of_month(day: Days) -> Days:
    date = day.astype("datetime64[D]")
    return np.asarray((date - date.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1)


def _share_of_commonest(days: Days) -> float:
    return float(np.unique(days, return_counts=True)[1].max() / len(days))
