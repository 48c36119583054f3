"""Numbers of a buyer that change only on a day with a transaction, and that many features share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clientcare.facts.runs import FIXED_POINT, Floats, where
from clientcare.features.by_age import Array, largest
from clientcare.features.steady import steady

if TYPE_CHECKING:
    from clientcare.features.snapshot import Snapshot


@steady
def median_gap(at: Snapshot) -> Floats:
    """Median days between purchases; NaN before the second."""
    return at.gap_runs[0].median(at.ordered_gaps, 1)


@steady
def last_gap(at: Snapshot) -> Floats:
    """Days between the last two purchases; NaN before the second."""
    runs, gap = at.gap_runs
    return runs.last(gap)


@steady
def longest_gap(at: Snapshot) -> Floats:
    """Most days between two purchases; NaN before the second."""
    runs, gap = at.gap_runs
    return runs.max(gap)


@steady
def mean_log_gap(at: Snapshot) -> Floats:
    """Mean of the natural logarithms of the gaps; NaN before the second purchase."""
    runs, gap = at.gap_runs
    fixed = np.rint(_log_table(gap) * FIXED_POINT)
    return where(runs.count > 0, runs.sum(fixed[gap]) / FIXED_POINT / np.maximum(runs.count, 1))


@steady
def log_gap_deviation(at: Snapshot) -> Floats:
    """Sum of squared deviations of the log gaps from their mean, one a buyer."""
    runs, gap = at.gap_runs
    deviation = (np.rint(_log_table(gap) * FIXED_POINT) / FIXED_POINT)[gap] - at.mean_log_gap[runs.row]
    return runs.sum(deviation * deviation)


@steady
def total_spent(at: Snapshot) -> Floats:
    """All known amounts of a buyer's purchases; NaN where none is known."""
    runs, spent, _ = at.priced
    return where(runs.count > 0, runs.sum(spent))


@steady
def n_priced(at: Snapshot) -> Floats:
    """Purchase days with a known amount, of each buyer."""
    return at.priced[0].count.astype(np.float64)


def _log_table(gap: Array) -> Floats:
    return np.log(np.maximum(np.arange(largest(gap) + 1), 1))
