"""What a buyer's own gaps say of the horizon: how often so long a silence ended within another horizon."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import log_ndtr

from clientcare.facts.runs import Floats, Ints, Runs
from clientcare.features.snapshot import SharedRuns, Snapshot
from clientcare.history.histories import Histories

HALF_LIFE_HORIZONS = 4
"""A gap counts half as much, in the columns of late, for each four horizons since it ended."""
PRIOR_GAPS = 2.0
PRIOR_LOG_VARIANCE = 0.64
SIXTHS = 6
SPANS = (1, 2, 4)

NAMES = (
    "gap_n_beyond_horizon",
    "gap_share_beyond_horizon",
    "overdue_log_share_outlasting_horizon",
    "overdue_share_of_gaps_longer",
    "overdue_log_survival",
    "overdue_z_at_horizon_end",
    "gap_log_mean_shrunk",
    "gap_log_sd_shrunk",
    "overdue_log_share_outlasting_horizon_lately",
    "overdue_share_of_gaps_longer_lately",
    "overdue_log_survival_lately",
    "overdue_z_at_horizon_end_lately",
    "gap_log_mean_shrunk_lately",
    "gap_log_sd_shrunk_lately",
    *(f"n_active_sixths_{span}_horizons" for span in SPANS),
)
"""The columns, in their order."""


def own_gap_columns(histories: Histories, dates: list[pd.Timestamp], horizon_days: int) -> Floats:
    """The columns of :data:`NAMES` for the buyers known at each date, one date under the other.

    Two readings of the same question, "given a silence of R days, how likely are H more?": counts of the
    buyer's own gaps longer than R and than R + H, and a log-normal law of the gaps, drawn towards half a
    horizon by two gaps' worth. Both once with all gaps alike and once with gaps of late counting more,
    since a rhythm may change. Nothing here depends on the other buyers.

    Parameters
    ----------
    histories : Histories
    dates : list of Timestamp
        Exclusive: what happened at or after a date does not count.
    horizon_days : int

    Returns
    -------
    float64 array of shape (n_buyers known at all dates together, 17)
        NaN: a buyer without any purchase.
    """
    if histories.events("transactions") is None:
        n_rows = sum(Snapshot(SharedRuns(histories), date, ()).n_buyers for date in dates)
        return np.full((n_rows, len(NAMES)), np.nan)
    shared = SharedRuns(histories)
    return np.vstack([_columns_at(Snapshot(shared, date, ()), horizon_days) for date in dates])


def sum_of_log_gaps(shrunk_mean: Floats, n_gaps: Floats, horizon_days: int) -> Floats:
    """The sum of the logs of a buyer's gaps, taken back from the column ``gap_log_mean_shrunk``; shape (n_buyers,)."""
    return shrunk_mean * (n_gaps + PRIOR_GAPS) - PRIOR_GAPS * _usual_log_gap(horizon_days)


def _usual_log_gap(horizon_days: int) -> float:
    return float(np.log(max(horizon_days / 2, 1.0)))


def _columns_at(at: Snapshot, horizon_days: int) -> Floats:
    runs, gap = at.gap_runs
    ended = at.purchase_age[np.flatnonzero(at.gap)]
    beyond = runs.tally(gap > horizon_days).astype(np.float64)
    columns = [beyond, (beyond + 0.2) / (runs.count + 1.0)]
    for weight in (np.ones(len(gap)), np.exp2(-ended / (HALF_LIFE_HORIZONS * horizon_days))):
        columns += _outlasting(runs, gap, weight, at.silence, horizon_days)
    columns += [_active_sixths(at, span, horizon_days) for span in SPANS]
    table = np.column_stack(columns)
    table[at.n_purchases == 0] = np.nan
    return table


def _outlasting(runs: Runs, gap: Ints, weight: Floats, silence: Floats, horizon_days: int) -> list[Floats]:
    """Gaps longer than the silence and than the silence plus a horizon: counted, and by a log-normal law."""
    own_silence = silence[runs.row]
    longer = runs.sum(weight * (gap >= own_silence))
    much_longer = runs.sum(weight * (gap >= own_silence + horizon_days))
    total = runs.sum(weight)
    log_gap = np.log(gap)
    mean = (runs.sum(weight * log_gap) + PRIOR_GAPS * _usual_log_gap(horizon_days)) / (total + PRIOR_GAPS)
    squares = runs.sum(weight * (log_gap - mean[runs.row]) ** 2) + PRIOR_GAPS * PRIOR_LOG_VARIANCE
    sd = np.sqrt(squares / (total + PRIOR_GAPS))
    now = (np.log(np.maximum(silence, 0.5)) - mean) / sd
    then = (np.log(np.maximum(silence, 0.5) + horizon_days) - mean) / sd
    return [
        np.log((much_longer + 0.3) / (longer + 1.0)),
        (longer + 0.5) / (total + 1.0),
        log_ndtr(-then) - log_ndtr(-now),
        then,
        mean,
        sd,
    ]


def _active_sixths(at: Snapshot, span: int, horizon_days: int) -> Floats:
    """How many sixths of a horizon, among those of the last ``span`` horizons, had a purchase."""
    sixth = (np.maximum(at.purchase_age - 1, 0) * SIXTHS) // horizon_days
    recent = np.flatnonzero(sixth < SIXTHS * span)
    row, sixth = at.purchases.row[recent], sixth[recent]
    new = np.ones(len(row), dtype=bool)
    new[1:] = (row[1:] != row[:-1]) | (sixth[1:] != sixth[:-1])
    return np.bincount(row[new], minlength=at.n_buyers).astype(np.float64)
