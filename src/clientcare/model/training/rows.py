"""Buyers at past dates as plain numbers: what members learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clientcare.model.members.base import Floats


@dataclass(frozen=True, eq=False)
class Rows:
    """Buyers at past snapshots.

    Attributes
    ----------
    X : float64 array of shape (n_rows, n_columns)
    names : list of str
        The columns of X.
    date : int64 array of shape (n_rows,)
        Microseconds of each row's snapshot.
    buyer : int64 array of shape (n_rows,)
        The same number for the same buyer.
    """

    X: Floats
    names: list[str]
    date: NDArray[np.int64]
    buyer: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> Rows:
        """Some of the rows, in their order."""
        return Rows(self.X.T.take(rows, axis=1).T, self.names, self.date[rows], self.buyer[rows])

    def __len__(self) -> int:
        return len(self.X)
