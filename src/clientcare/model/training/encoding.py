"""From the feature table to the numbers that members see: one column after the other, texts as flags."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST_BUYERS = 20
MOST_LEVELS = 30


class Encoding:
    """Numbers stay as they are; a text attribute becomes one flag for each value that is not rare.

    A value held by fewer than 20 buyers gets no flag of its own: too little to learn from, and too
    close to a person to be kept in a model.
    """

    def fit(self, table: pd.DataFrame) -> Encoding:
        """Learn the columns and, for texts, their frequent values."""
        self.columns: list[str] = [str(name) for name in table.columns]
        self.levels: dict[str, list[str]] = {}
        for name in self.columns:
            if not _is_number(table[name]):
                counts = table[name].astype("string").groupby(level="buyer_id").first().value_counts()
                frequent = counts[counts >= FEWEST_BUYERS].sort_index().index
                self.levels[name] = [str(value) for value in frequent[:MOST_LEVELS]]
        self.names: list[str] = []
        self.behind: list[str] = []
        for name in self.columns:
            made = [f"{name} = {value}" for value in self.levels[name]] if name in self.levels else [name]
            self.names += made
            self.behind += [name] * len(made)
        return self

    def transform(self, table: pd.DataFrame) -> Floats:
        """Column-major float64 array of shape (n_rows, n_names); a column not in the table is unknown."""
        values = np.empty((len(table), len(self.names)), order="F")
        at = 0
        for name in self.columns:
            if name not in self.levels:
                values[:, at] = np.nan if name not in table else _numbers(table[name])
                at += 1
                continue
            texts = table[name].astype("string") if name in table else None
            for level in self.levels[name]:
                values[:, at] = (
                    0.0 if texts is None else (texts == level).fillna(False).to_numpy(dtype=np.float64)
                )
                at += 1
        values[~np.isfinite(values)] = np.nan
        return values

    def get_state(self) -> dict[str, Any]:
        """Columns, frequent values and the names made of them."""
        return dict(vars(self))

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Encoding:
        """The encoding that :meth:`get_state` told of."""
        encoding = cls()
        for name, value in state.items():
            setattr(encoding, name, value)
        return encoding


def _is_number(column: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype)


def _numbers(column: pd.Series[Any]) -> Any:
    if not _is_number(column):
        column = pd.to_numeric(column, errors="coerce")
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
