"""What the questions about a client may see: nothing that is measured by how far ahead churn is asked for.

The columns of windows and of own gaps come in the churn horizon's measure. Who is a client is asked over the base's own
time, so that its answers go without them: the same buyers, the same classes at 90 and at 400 days. One of the columns is the
mean of a buyer's log gaps, drawn towards the horizon; it is told in the measure of the client's own horizon instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clientcare.features.catalogue import catalogue_entries
from clientcare.features.own_gaps import mean_log_gap_drawn, sum_of_log_gaps
from clientcare.model.members.base import Floats
from clientcare.model.training.snapshots import scaled_windows

MEAN_LOG_GAP, N_GAPS = "gap_log_mean_shrunk", "n_repeat_purchases"


@dataclass(frozen=True, eq=False)
class OwnView:
    """Which columns hang on the churn horizon.

    Attributes
    ----------
    hidden : int64 array of shape (n_hidden,)
        Their positions, save that of the mean of log gaps.
    mean_log_gap, n_gaps : int
        Positions of the column told anew and of the number of gaps; -1 where there is none.
    churn_days, client_days : int
    """

    hidden: NDArray[np.int64]
    mean_log_gap: int
    n_gaps: int
    churn_days: int
    client_days: int

    @classmethod
    def of(cls, names: Sequence[str], churn_days: int, client_days: int) -> OwnView:
        """The view over some columns.

        Examples
        --------
        >>> OwnView.of(["n_purchases", "n_purchases_90d", "gap_share_beyond_horizon"], 90, 180).hidden
        array([1, 2])
        """
        entries = catalogue_entries(None, scaled_windows(churn_days), churn_days)
        measured = {entry.name for entry in entries if entry.window is not None}
        place = {name: position for position, name in enumerate(names)}
        hidden = [place[name] for name in names if name in measured and name != MEAN_LOG_GAP]
        return cls(
            np.array(hidden, dtype=np.int64),
            place.get(MEAN_LOG_GAP, -1),
            place.get(N_GAPS, -1),
            churn_days,
            client_days,
        )

    def put_on(self, X: Floats) -> Floats:
        """The same array, in which these columns are unknown or told anew."""
        X[:, self.hidden] = np.nan
        if self.mean_log_gap >= 0:
            n_gaps = X[:, self.n_gaps] if self.n_gaps >= 0 else np.zeros(len(X))
            logs = sum_of_log_gaps(X[:, self.mean_log_gap], n_gaps, self.churn_days)
            X[:, self.mean_log_gap] = mean_log_gap_drawn(logs, n_gaps, self.client_days)
        return X

    @contextmanager
    def over(self, X: Floats) -> Iterator[Floats]:
        """The array with the view put on, as it was before once the work with it is done."""
        columns = np.append(self.hidden, self.mean_log_gap) if self.mean_log_gap >= 0 else self.hidden
        before = X[:, columns]
        try:
            yield self.put_on(X)
        finally:
            X[:, columns] = before
