"""The gaps between a buyer's days: what is usual, and what is longer than ever."""

from __future__ import annotations

import numpy as np

from clientcare.facts.runs import Array, Floats


def distinct_days(buyer: Array, day: Array) -> tuple[Array, Array]:
    """Each pair of buyer and day once; both are sorted by buyer and day.

    Examples
    --------
    >>> distinct_days(np.array([0, 0, 1]), np.array([5, 5, 5]))
    (array([0, 1]), array([5, 5]))
    """
    buyer, day = buyer.astype(np.int64), day.astype(np.int64)
    new = np.ones(len(buyer), dtype=bool)
    new[1:] = (buyer[1:] != buyer[:-1]) | (day[1:] != day[:-1])
    return buyer[new], day[new]


def median_gap(buyer: Array, day: Array, n_buyers: int) -> Floats:
    """Median days between consecutive distinct days of each buyer; NaN with fewer than two days.

    Parameters
    ----------
    buyer, day : int arrays of shape (n_days,)
        Sorted by buyer and day, each pair once.
    n_buyers : int
        How many buyers there are, those without a day included.

    Examples
    --------
    >>> median_gap(np.array([0, 0, 0, 1]), np.array([0, 10, 40, 5]), 2)
    array([20., nan])
    """
    same = buyer[1:] == buyer[:-1]
    owner, gap = buyer[1:][same], (day[1:] - day[:-1])[same]
    order = np.lexsort((gap, owner))
    gap = gap[order].astype(np.float64)
    n = np.bincount(owner, minlength=n_buyers)
    start = np.concatenate([[0], np.cumsum(n)[:-1]])
    some = n > 0
    low, high = start[some] + (n[some] - 1) // 2, start[some] + n[some] // 2
    median = np.full(n_buyers, np.nan)
    median[some] = (gap[low] + gap[high]) / 2
    return median


def longest_gap(buyer: Array, day: Array, n_buyers: int) -> Floats:
    """Longest gap between consecutive distinct days of each buyer; NaN with fewer than two days.

    Examples
    --------
    >>> longest_gap(np.array([0, 0, 0, 1]), np.array([0, 10, 40, 5]), 2)
    array([30., nan])
    """
    same = buyer[1:] == buyer[:-1]
    longest = np.full(n_buyers, np.nan)
    np.fmax.at(longest, buyer[1:][same], (day[1:] - day[:-1])[same].astype(np.float64))
    return longest
