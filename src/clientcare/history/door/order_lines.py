"""Which lines of a table are of one order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.history.door.sheets import Sheet
from clientcare.window import UNKNOWN_TIME


@dataclass(frozen=True, eq=False)
class OrderLines:
    """The lines that belong to orders: those of one buyer, order, moment of buying and moment of recording.

    Attributes
    ----------
    rows, order : int64 arrays of shape (n_lines,)
        Position in the table, and number of the order.
    amount : float64 array of shape (n_lines,)
    moment : int64 array of shape (n_lines,)
        When the line could first be known.
    """

    rows: NDArray[np.int64]
    order: NDArray[np.int64]
    amount: NDArray[np.float64]
    moment: NDArray[np.int64]

    @classmethod
    def of(cls, sheet: Sheet, amount: NDArray[np.float64], by_buyer: bool = True) -> OrderLines | None:
        """The lines of a table with these amounts; None where no order of several lines is named."""
        if "order_id" not in sheet.codes:
            return None
        rows = np.flatnonzero(sheet.log.kept & (sheet.codes["order_id"] >= 0) & ~np.isnan(amount))
        if not len(rows) or np.bincount(sheet.codes["order_id"][rows]).max() == 1:
            return None
        time = sheet.time[rows]
        recorded = np.full(len(rows), UNKNOWN_TIME) if sheet.recorded is None else sheet.recorded[rows]
        key = pd.DataFrame(
            {
                "buyer": sheet.ids.codes[rows] if by_buyer else 0,
                "order": sheet.codes["order_id"][rows],
                "time": time,
                "recorded": recorded,
            }
        )
        order = key.groupby(list(key.columns), sort=False).ngroup().to_numpy().astype(np.int64)
        return cls(rows, order, amount[rows], np.maximum(time, recorded))
