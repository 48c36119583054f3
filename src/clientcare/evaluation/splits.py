"""A cross-validator over dates: learn from earlier snapshots, test on later ones, a horizon apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import BaseCrossValidator

from clientcare.exceptions import InputError, NotEnoughDataError, OptionError
from clientcare.window import Days, parse_days


class SnapshotSplit(BaseCrossValidator):  # type: ignore[misc]
    """Split the rows of a feature table by their ``as_of``, keeping a horizon's distance between train
    and test.

    A row's label is known only a horizon after its ``as_of``. A test date ``c`` may therefore learn
    from rows with ``as_of + horizon <= c`` alone; anything nearer would hand the future to the model.
    The distance is what an ordinary time split forgets.

    Parameters
    ----------
    n_splits : int
        Number of test dates: the latest ones that have something to learn from.
    horizon : str, int or Timedelta
        The horizon of the label: "90D", or a number of days.

    Examples
    --------
    >>> import pandas as pd
    >>> dates = pd.to_datetime(["2011-01-01", "2011-04-01", "2011-07-01"])
    >>> X = pd.DataFrame({"x": range(6)}, index=pd.MultiIndex.from_product([dates, ["a", "b"]], names=["as_of", "buyer_id"]))
    >>> for train, test in SnapshotSplit(n_splits=2, horizon="90D").split(X):
    ...     print(train, test)
    [0 1] [2 3]
    [0 1 2 3] [4 5]
    """

    def __init__(self, n_splits: int = 3, horizon: Days = "90D") -> None:
        self.n_splits = n_splits
        self.horizon = horizon

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Positions of the training and the test rows, earliest test date first.

        Parameters
        ----------
        X : DataFrame with an index level ``as_of``
        y : ignored
        groups : array of shape (n_rows,), optional
            The ``as_of`` of each row, where the index of X does not hold it.

        Raises
        ------
        InputError
            Where no row says its ``as_of``, or ``n_splits`` is no whole number from 1.
        NotEnoughDataError
            Where fewer than ``n_splits`` dates have a training date a horizon before them.
        """
        if (
            isinstance(self.n_splits, bool)
            or not isinstance(self.n_splits, (int, np.integer))
            or self.n_splits < 1
        ):
            raise OptionError("SnapshotSplit: n_splits must be a whole number from 1.")
        as_of = _dates_of(X, groups)
        distance = pd.Timedelta(days=parse_days(self.horizon))
        dates = np.unique(as_of)
        testable = [date for date in dates if date - distance >= dates[0]]
        if len(testable) < self.n_splits:
            raise NotEnoughDataError(
                f"SnapshotSplit: {len(testable)} of {len(dates)} dates have a training date {distance.days} days or "
                f"more before them, but n_splits is {self.n_splits}.\n"
                "Add earlier snapshots, lower n_splits, or shorten the horizon."
            )
        for date in testable[-self.n_splits :]:
            yield np.flatnonzero(as_of <= date - distance), np.flatnonzero(as_of == date)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of test dates."""
        return self.n_splits


def _dates_of(X: Any, groups: Any) -> NDArray[np.datetime64]:
    if groups is not None:
        return np.asarray(pd.DatetimeIndex(groups).to_numpy("datetime64[us]"))
    index = X.index if isinstance(X, (pd.DataFrame, pd.Series)) else None
    if index is None or "as_of" not in index.names:
        raise InputError(
            "SnapshotSplit: the rows do not say their as_of.\n"
            "Give a feature table of several dates (index as_of, buyer_id), or pass groups= the date of each row."
        )
    return np.asarray(pd.DatetimeIndex(index.get_level_values("as_of")).to_numpy("datetime64[us]"))
