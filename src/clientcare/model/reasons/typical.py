"""The usual buyer: what each column is worth on average, for reasons to compare a buyer with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clientcare.model.members.base import Floats
from clientcare.model.training.encoding import FEWEST_BUYERS

OUTLYING = 0.05
"""So large a share of the values at either end counts as the value at its edge: one giant moves no average."""


def usual_values(X: Floats, here: NDArray[np.bool_] | None = None) -> Floats:
    """The average of each column of X over those who are here, extremes drawn in.

    Parameters
    ----------
    X : float64 array of shape (n_buyers, n_columns)
        All buyers as they stand at one date; NaN where a value is unknown.
    here : bool array of shape (n_buyers,), optional
        Who is here: nobody is told how they differ from those who left long ago. Where fewer than 20 are, all count.

    Returns
    -------
    float64 array of shape (n_columns,)
        NaN for a column that fewer than 20 buyers have a value of: too close to a person to be kept.

    Examples
    --------
    >>> X = np.column_stack([np.r_[np.full(95, 2.0), np.full(5, 1e6)], np.full(100, np.nan)])
    >>> usual_values(X)
    array([ 2., nan])
    """
    if here is not None and here.sum() >= FEWEST_BUYERS:
        X = X[here]
    return np.array([_usual(X[:, place]) for place in range(X.shape[1])], dtype=np.float64)


def _usual(values: Floats) -> float:
    known = values[~np.isnan(values)]
    if len(known) < FEWEST_BUYERS:
        return float("nan")
    low, high = np.quantile(known, [OUTLYING, 1 - OUTLYING], method="inverted_cdf")
    return float(np.clip(known, low, high).mean())
