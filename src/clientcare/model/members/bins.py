"""Columns as small whole numbers: which of a few dozen stretches a value lies in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]

MOST_BINS = 64
"""Stretches of a column, unknown aside. Boosting sums over many coarse splits; with 255 it was no better, and finding
a value's place took twice as long.
"""

LEAST_BLOCK = 8_000
"""Each tree grows on at least so many rows, and thresholds are told from as many: what a tree of four leaves finds
there hardly differs from what it finds in all.
"""


def thresholds_of(values: Floats, most_bins: int = MOST_BINS) -> Floats:
    """Where a column may be split: halfway between its distinct values, or between quantiles where these are many.

    Parameters
    ----------
    values : float64 array of shape (n_rows,)
        NaN is left out.
    most_bins : int

    Returns
    -------
    float64 array, ascending, at most ``most_bins - 1`` long; empty for a column that never varies

    Examples
    --------
    >>> import numpy as np
    >>> thresholds_of(np.array([3.0, 1.0, np.nan, 1.0, 7.0])).tolist()
    [2.0, 5.0]
    """
    ordered = np.sort(values)  # unknown values come last
    ordered = ordered[: len(ordered) - int(np.isnan(ordered).sum())]
    if len(ordered) == 0:
        return ordered
    steps = np.flatnonzero(ordered[1:] > ordered[:-1]) + 1
    if len(steps) >= most_bins:
        places = np.arange(1, most_bins) * len(ordered) // most_bins
        upper = steps[np.searchsorted(steps, places).clip(max=len(steps) - 1)]
        steps = np.unique(np.where(ordered[places] > ordered[places - 1], places, upper))
    return np.asarray(ordered[steps - 1] / 2 + ordered[steps] / 2)


def codes_of(values: Floats, thresholds: Floats, out: Codes) -> bool:
    """Write how many thresholds lie below each value, and one more than there are for unknown values.

    Returns
    -------
    bool
        Whether any value is unknown.
    """
    out[:] = 0
    for (
        threshold
    ) in thresholds.tolist():  # sixty comparisons of neighbours are three times as fast as a search
        out += (values > threshold).view(np.uint8)
    unknown = np.isnan(values)
    out[unknown] = len(thresholds) + 1
    return bool(unknown.any())


def some_of(n: int, n_drawn: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """So many different numbers below ``n``, drawn at random, ascending."""
    if n_drawn >= n:
        return np.arange(n)
    return np.sort(rng.choice(n, n_drawn, replace=False, shuffle=False))


@dataclass(frozen=True, eq=False)
class Binned:
    """The columns that vary, as small whole numbers.

    Attributes
    ----------
    columns : int array of shape (n_columns,)
        Numbers of the columns.
    thresholds : list of float64 arrays
        Of each column.
    unknown : int array of shape (n_columns,)
        The code of unknown values; -1 where every value is known.
    by_row, by_column : uint8 arrays of shape (n_rows, n_columns)
        The same codes, row-major and column-major.
    """

    columns: NDArray[np.int64]
    thresholds: list[Floats]
    unknown: NDArray[np.int64]
    by_row: Codes
    by_column: Codes

    @classmethod
    def of(cls, X: Floats, rng: np.random.Generator) -> Binned:
        """All rows of a table; thresholds from a block of them."""
        some = some_of(len(X), min(len(X), LEAST_BLOCK), rng)
        columns: list[int] = []
        thresholds: list[Floats] = []
        unknown: list[int] = []
        room = np.empty((X.shape[1], len(X)), dtype=np.uint8)
        for column in range(X.shape[1]):
            values = X[:, column]
            here = thresholds_of(values[some])
            some_unknown = codes_of(values, here, room[len(columns)])
            if len(here) or (some_unknown and not np.isnan(values).all()):
                columns.append(column)
                thresholds.append(here)
                unknown.append(len(here) + 1 if some_unknown else -1)
        by_column = room[: len(columns)].T
        return cls(
            np.array(columns, dtype=np.int64),
            thresholds,
            np.array(unknown, dtype=np.int64),
            np.ascontiguousarray(by_column),
            by_column,
        )

    @property
    def n_codes(self) -> int:
        """All codes are below it."""
        return MOST_BINS + 1

    def threshold(self, column: int, code: int) -> float:
        """The value up to which codes up to this one reach; without end where it is the last of the known ones."""
        own = self.thresholds[column]
        return float(own[code]) if code < len(own) else np.inf
