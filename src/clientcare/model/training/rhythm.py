"""The rhythm of a buyer: their own gaps, drawn towards those of all buyers where few were seen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Self

import numpy as np

from clientcare.features.own_gaps import PRIOR_GAPS, PRIOR_LOG_VARIANCE
from clientcare.model.members.base import Floats
from clientcare.model.training.encoding import FEWEST_BUYERS

MOST_GAPS = 10.0
"""The rhythm of all buyers is worth so many gaps of one of them at most."""


@dataclass(frozen=True)
class Rhythm:
    """The usual gap of all buyers, and how far buyers keep to a rhythm of their own.

    A buyer who came back once, after a day, has not shown that they come every day. Their usual gap is the
    precision-weighted mean of what they showed and of what others do, on the scale of logarithms::

        log usual gap = (n * log own median gap + k * log gap of all) / (n + k),    k = s2 / t2

    with n gaps seen, s2 the variance of the buyer's log gaps (two gaps' worth of the variance within all buyers
    mixed in) and t2 that of log median gaps between buyers. Who keeps time, and who has shown many gaps, is
    believed.

    Attributes
    ----------
    log_gap : float
        Logarithm of the usual gap of all buyers, in days.
    within, between : float
        Variance of the log gaps of one buyer, and of the log median gaps of different buyers.

    References
    ----------
    B. Efron and C. Morris, Data analysis using Stein's estimator and its generalizations, Journal of the American
    Statistical Association 70, 1975.

    Examples
    --------
    >>> rhythm = Rhythm(log_gap=float(np.log(30)), within=0.8, between=0.4)
    >>> median, n_gaps, log_sd = np.array([1.0, 7.0, np.nan]), np.array([1.0, 50.0, 0.0]), np.array([np.nan, 0.2, np.nan])
    >>> rhythm.usual_gap_days(median, n_gaps, log_sd).round(1)
    array([9.7, 7. , nan])
    """

    log_gap: float
    within: float
    between: float

    @classmethod
    def learn(cls, median_gap_days: Floats, n_gaps: Floats, log_gap_sd: Floats, horizon_days: int) -> Self:
        """From all buyers at one date; arrays of shape (n_buyers,), NaN where a buyer has too few gaps.

        Where few buyers have gaps, these are drawn in turn towards half a horizon.
        """
        seen = np.isfinite(median_gap_days)
        log_gap, n = np.log(median_gap_days[seen]), n_gaps[seen]
        prior = PRIOR_GAPS * np.log(max(horizon_days / 2, 1.0))
        spread = np.isfinite(log_gap_sd[seen])
        freedom = n[spread] - 1
        squares = freedom * log_gap_sd[seen][spread] ** 2
        within = (squares.sum() + PRIOR_GAPS * PRIOR_LOG_VARIANCE) / (freedom.sum() + PRIOR_GAPS)
        between = within / PRIOR_GAPS
        if len(log_gap) >= FEWEST_BUYERS:
            between = max(log_gap.var() - (within / n).mean(), within / MOST_GAPS)
        mean = (log_gap.sum() + prior) / (len(log_gap) + PRIOR_GAPS)
        return cls(float(mean), float(within), float(between))

    def usual_gap_days(self, median_gap_days: Floats, n_gaps: Floats, log_gap_sd: Floats) -> Floats:
        """Days after which each buyer usually comes back; NaN where no gap was seen; shape (n_buyers,)."""
        squares = np.maximum(n_gaps - 1, 0) * np.nan_to_num(log_gap_sd) ** 2 + PRIOR_GAPS * self.within
        own = squares / (np.maximum(n_gaps - 1, 0) + PRIOR_GAPS)
        worth = np.minimum(own / self.between, MOST_GAPS)
        return np.asarray(
            np.exp((n_gaps * np.log(median_gap_days) + worth * self.log_gap) / (n_gaps + worth))
        )

    def next_gap(self, sum_of_logs: Floats, n_gaps: Floats, log_gap_sd: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the logarithm of each buyer's next gap; shape (n_buyers,) each.

        Both are drawn towards those of all buyers, the spread wider by what so few gaps can tell of their own mean. A buyer
        without a gap has the law of all.

        Parameters
        ----------
        sum_of_logs, n_gaps, log_gap_sd : float64 arrays of shape (n_buyers,)
            Of the logarithms of a buyer's gaps in days; the last NaN where fewer than two were seen.

        Examples
        --------
        >>> rhythm = Rhythm(log_gap=float(np.log(30)), within=0.8, between=0.4)
        >>> mean, sd = rhythm.next_gap(np.log(7) * np.array([0.0, 50.0]), np.array([0.0, 50.0]), np.array([np.nan, 0.2]))
        >>> np.exp(mean).round(1), sd.round(2)
        (array([30. ,  7.4]), array([1.1 , 0.27]))
        """
        worth = min(self.within / self.between, MOST_GAPS)
        mean = (sum_of_logs + worth * self.log_gap) / (n_gaps + worth)
        freedom = np.maximum(n_gaps - 1, 0)
        squares = freedom * np.nan_to_num(log_gap_sd) ** 2 + PRIOR_GAPS * self.within
        variance = squares / (freedom + PRIOR_GAPS) * (1 + 1 / (n_gaps + worth))
        return np.asarray(mean), np.sqrt(variance)

    def get_state(self) -> dict[str, float]:
        """The three numbers."""
        return asdict(self)
