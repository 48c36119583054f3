"""When the next purchase is due, by the buyer's own rhythm."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.features.own_gaps import PRIOR_GAPS
from clientcare.model.members.base import Floats
from clientcare.model.training.interval import NINETY_PERCENT

LATEST_DUE_DAYS = 36_500.0
"""A century: further ahead a date says nothing, and some calendars end."""


def next_due(as_of: pd.Timestamp, silence_days: Floats, usual_gap_days: Floats) -> NDArray[np.datetime64]:
    """The last purchase plus the buyer's usual gap, as a date; NaT where no gap has been seen.

    A date before ``as_of`` says that the purchase is overdue.
    """
    return _days_ahead(as_of, usual_gap_days - silence_days)


def due_between(
    as_of: pd.Timestamp,
    silence_days: Floats,
    usual_gap_days: Floats,
    log_mean: Floats,
    log_sd: Floats,
    n_gaps: Floats,
) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64]]:
    """The dates between which a purchase comes nine times of ten, in the buyer's own rhythm.

    The next gap is taken to be log-normal, with the mean and spread of this buyer's gaps (drawn towards half
    a horizon where few were seen), the spread widened by what so few gaps can tell of their own mean. The
    interval is that of the rhythm: like the due date it may lie before ``as_of``, which says that somebody
    who still kept to it would have bought by now.

    Parameters
    ----------
    as_of : Timestamp
    silence_days, usual_gap_days, n_gaps : float64 arrays of shape (n_buyers,)
        Days since the last purchase, the median gap (NaN: none seen), the gaps seen.
    log_mean, log_sd : float64 arrays of shape (n_buyers,)
        Of the logarithm of the gaps in days, drawn in.

    Returns
    -------
    low, high : datetime64 arrays of shape (n_buyers,)
        NaT where no gap has been seen; the due date lies between them.
    """
    half = NINETY_PERCENT * log_sd * np.sqrt(1 + 1 / (np.nan_to_num(n_gaps) + PRIOR_GAPS))
    low = np.floor(np.minimum(usual_gap_days, np.exp(log_mean - half)))
    high = np.ceil(np.maximum(usual_gap_days, np.exp(log_mean + half)))
    return _days_ahead(as_of, low - silence_days), _days_ahead(as_of, high - silence_days)


def _days_ahead(as_of: pd.Timestamp, days_ahead: Floats) -> NDArray[np.datetime64]:
    ahead = np.round(days_ahead)
    known = np.isfinite(ahead)
    days = np.clip(np.where(known, ahead, 0.0), -LATEST_DUE_DAYS, LATEST_DUE_DAYS).astype(np.int64)
    dates = np.datetime64(as_of.normalize(), "us") + days.astype("timedelta64[D]").astype("timedelta64[us]")
    return np.where(known, dates, np.datetime64("NaT", "us"))
