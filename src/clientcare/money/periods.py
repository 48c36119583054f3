"""The periods that money is told by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.arguments import require_one_of
from clientcare.exceptions import NotEnoughDataError
from clientcare.history import Histories

PERIODS = {"ME": ("M", 1), "QE": ("Q", 3), "YE": ("Y", 12)}
"""How each kind of period is called by pandas, and how many months it holds."""
ALSO = {"M": "ME", "MS": "ME", "Q": "QE", "QS": "QE", "Y": "YE", "YS": "YE"}
"""Other names of the same periods, read as ours."""


@dataclass(frozen=True)
class Periods:
    """Whole months, quarters or years, one after the other.

    Attributes
    ----------
    bounds : int64 array of shape (n_periods + 1,), microseconds
        Where each starts, and where the last ends.
    labels : DatetimeIndex of shape (n_periods,)
        The last day of each.
    complete : bool array of shape (n_periods,)
        Whether it was observed to its last day.
    months : int
        How many months one holds.
    begins_observed : bool
        Whether what came before the first was stated to be unobserved, so that the first tells of an opening alone.
    """

    bounds: NDArray[np.int64]
    labels: pd.DatetimeIndex
    complete: NDArray[np.bool_]
    months: int
    begins_observed: bool


def periods_of(histories: Histories, periods: Any) -> Periods:
    """The periods within the observed stretch.

    Where the first observed day was stated, periods begin with the first whole one after it; else with the one
    in which the records begin. The last may end before its last day, and says so.

    Raises
    ------
    OptionError
        Where there is no such period.
    NotEnoughDataError
        Where not one lies in the observed stretch.
    """
    name = ALSO.get(periods, periods) if isinstance(periods, str) else periods
    require_one_of("periods", name, tuple(PERIODS))
    code, months = PERIODS[name]
    first, until = histories.observed_from, histories.observed_until
    stated = not histories._finds_first_day
    span = pd.period_range(first, until - pd.Timedelta(1, "us"), freq=code)
    if stated and len(span) and span[0].start_time < first:
        span = span[1:]
    if not len(span):
        raise NotEnoughDataError(
            f"revenue: no whole period ({name}) lies between {first:%Y-%m-%d} and {until:%Y-%m-%d}.\n"
            "Take shorter periods, or give a longer history."
        )
    edges = [span[0].start_time, *((one + 1).start_time for one in span)]
    complete = np.array([edge <= until for edge in edges[1:]], dtype=bool)
    bounds = np.array([min(edge, until).value // 1000 for edge in edges], dtype=np.int64)
    labels = pd.DatetimeIndex([one.end_time.normalize() for one in span], name="period").as_unit("us")
    return Periods(bounds, labels, complete, months, stated)
