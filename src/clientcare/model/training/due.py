"""When the next purchase is due: the buyer's own rhythm, given that they have been silent for so long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri_exp

from clientcare.model.members.base import Floats

WITHIN_HORIZONS = 1.5
"""A date is said of those who come within so many horizons. On seven real sets 1 and 2 were about as good;
without any end the long tail of a log-normal law puts the silent off by months (147 days instead of 36 on one)."""
LEAST_SILENCE_DAYS = 0.5
"""Who bought on the day before as_of has been silent for part of a day."""
MIDDLE, LOW, HIGH = 0.5, 0.05, 0.95


@dataclass(frozen=True, eq=False)
class NextPurchase:
    """The date by which half of the next purchases come, and the dates between which nine of ten do.

    Attributes
    ----------
    due, low, high : datetime64 arrays of shape (n_buyers,)
        Midnights, none before ``as_of``; NaT where nothing is due.
    """

    due: NDArray[np.datetime64]
    low: NDArray[np.datetime64]
    high: NDArray[np.datetime64]


def next_purchase(
    as_of: pd.Timestamp,
    silence_days: Floats,
    log_mean: Floats,
    log_sd: Floats,
    horizon_days: int,
    expected: NDArray[np.bool_],
) -> NextPurchase:
    """When each buyer's next purchase comes, given the silence so far, if it comes within one and a half horizons.

    The gap that is running is log-normal, with the mean and spread of this buyer's rhythm. It is already longer than the
    silence: what is left of its law above the silence, and below the end, is where the dates are read off.

    Parameters
    ----------
    as_of : Timestamp
    silence_days, log_mean, log_sd : float64 arrays of shape (n_buyers,)
        Days since the last purchase (NaN: never bought); mean and standard deviation of the logarithm of the next gap.
    horizon_days : int
    expected : bool array of shape (n_buyers,)
        Of whom a purchase is expected at all: nothing is due of those who are gone.

    Returns
    -------
    NextPurchase

    Examples
    --------
    Two buyers who come every 30 days; one was here 10 days ago, one has been silent for 60:

    >>> silence, rhythm = np.array([10.0, 60.0]), np.log([30.0, 30.0])
    >>> said = next_purchase(pd.Timestamp("2024-06-01"), silence, rhythm, np.array([0.3, 0.3]), 90, np.array([True, True]))
    >>> said.due.astype("datetime64[D]").tolist()
    [datetime.date(2024, 6, 21), datetime.date(2024, 6, 6)]
    """
    start = np.maximum(silence_days, LEAST_SILENCE_DAYS)
    outlasting, beyond = (
        log_ndtr((log_mean - np.log(days)) / log_sd)
        for days in (start, start + WITHIN_HORIZONS * horizon_days)
    )
    coming = -np.expm1(beyond - outlasting)
    start_day = np.datetime64(as_of.normalize(), "us")

    def date(share: float, rounded: Callable[[Floats], Floats]) -> NDArray[np.datetime64]:
        """The date by which that share of those who come have come."""
        still_out = outlasting + np.log1p(-share * coming)
        days = rounded(np.exp(log_mean - log_sd * ndtri_exp(still_out)) - silence_days)
        known = expected & np.isfinite(days)
        ahead = np.clip(np.where(known, days, 0.0), 0.0, np.ceil(WITHIN_HORIZONS * horizon_days))
        dates = start_day + ahead.astype(np.int64).astype("timedelta64[D]").astype("timedelta64[us]")
        return np.where(known, dates, np.datetime64("NaT", "us"))

    return NextPurchase(date(MIDDLE, np.rint), date(LOW, np.floor), date(HIGH, np.ceil))
