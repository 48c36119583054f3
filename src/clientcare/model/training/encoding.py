"""From the feature table to the numbers that members see: one column after the other, texts as flags."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST_BUYERS = 20
MOST_LEVELS = 30


OTHER = "(other)"
"""The flag of all values that few buyers hold."""
MARK = "#"
"""How a level begins that stands in the model as a digest."""


def level_mark(column: str, value: str) -> str:
    """What stands in a model in the place of a level: a digest that tells levels apart and does not say them.

    Who can guess a level can tell whether it was the one; nobody can read it off the file.

    Examples
    --------
    >>> level_mark("buyer_owner", "Ann Smith")
    '#0e0ab100bb'
    """
    return (
        MARK
        + hashlib.sha256(f"clientcare level\0{column}\0{value}".encode("utf-8", "replace")).hexdigest()[:10]
    )


def flag_names(name: str, levels: Mapping[str, Sequence[str]], others: Collection[str]) -> list[str]:
    """The columns of X that a column of the feature table becomes.

    Examples
    --------
    >>> flag_names("buyer_plan", {"buyer_plan": ["gold", "silver"]}, ["buyer_plan"])
    ['buyer_plan = gold', 'buyer_plan = silver', 'buyer_plan = (other)']
    """
    if name not in levels:
        return [name]
    return [f"{name} = {level}" for level in [*levels[name], *([OTHER] if name in others else [])]]


class Encoding:
    """Numbers stay as they are; a text attribute becomes one flag for each value that is not rare.

    A value held by fewer than 20 buyers gets no flag of its own: too little to learn from, and too
    close to a person to be kept in a model. Where such values together are held by 20 or more, they
    share the flag ``(other)``. A frequent value stands as a digest, unless its attribute may be kept.

    Parameters
    ----------
    keep_levels : True, or names of attributes
        Whose frequent values may stand in the model as they are written.
    """

    def __init__(self, keep_levels: bool | Collection[str] = ()) -> None:
        self._keep = keep_levels

    def fit(self, table: pd.DataFrame) -> Encoding:
        """Learn the columns and, for texts, their frequent values."""
        self.columns: list[str] = [str(name) for name in table.columns]
        self.levels: dict[str, list[str]] = {}
        self.kept: list[str] = []
        self.others: list[str] = []
        for name in self.columns:
            if not _is_number(table[name]):
                self._learn_levels(name, table[name].astype("string"))
        made = {name: flag_names(name, self.levels, self.others) for name in self.columns}
        self.names: list[str] = [flag for flags in made.values() for flag in flags]
        self.behind: list[str] = [name for name, flags in made.items() for _ in flags]
        return self

    def _learn_levels(self, name: str, texts: pd.Series[Any]) -> None:
        counts = texts.groupby(level="buyer_id").first().value_counts()
        frequent = counts[counts >= FEWEST_BUYERS].sort_index().index[:MOST_LEVELS]
        if self._keep is True or (self._keep and name.removeprefix("buyer_") in set(self._keep)):
            self.kept.append(name)
        values = [str(value) for value in frequent]
        self.levels[name] = (
            values if name in self.kept else sorted(level_mark(name, value) for value in values)
        )
        if int(counts.sum() - counts[frequent].sum()) >= FEWEST_BUYERS:
            self.others.append(name)

    def transform(self, table: pd.DataFrame) -> Floats:
        """Column-major float64 array of shape (n_rows, n_names); a column not in the table is unknown."""
        values = np.empty((len(table), len(self.names)), order="F")
        at = 0
        for name in self.columns:
            if name not in self.levels:
                values[:, at] = np.nan if name not in table else _numbers(table[name])
                at += 1
                continue
            flags = self._flags(name, table)
            values[:, at : at + flags.shape[1]] = flags
            at += flags.shape[1]
        values[~np.isfinite(values)] = np.nan
        return values

    def only(self, columns: Collection[str]) -> Encoding:
        """The encoding of some of the columns, for a table that holds no others."""
        some = Encoding(self._keep if hasattr(self, "_keep") else ())
        some.columns = [name for name in self.columns if name in columns]
        some.levels = {name: levels for name, levels in self.levels.items() if name in columns}
        some.kept = [name for name in self.kept if name in columns]
        some.others = [name for name in self.others if name in columns]
        made = {name: flag_names(name, some.levels, some.others) for name in some.columns}
        some.names = [flag for flags in made.values() for flag in flags]
        some.behind = [name for name, flags in made.items() for _ in flags]
        return some

    def _flags(self, name: str, table: pd.DataFrame) -> Floats:
        """One column for each level, and for the others; all zero where a value is missing."""
        n_levels = len(self.levels[name])
        flags = np.zeros((len(table), len(flag_names(name, self.levels, self.others))))
        if name not in table:
            return flags
        codes, values = pd.factorize(table[name].astype("string"))
        place = {level: number for number, level in enumerate(self.levels[name])}
        places = np.array(
            [place.get(self._level(name, str(value)), n_levels) for value in values], dtype=np.int64
        )
        known = np.flatnonzero(codes >= 0)
        of_row = places[codes[known]] if len(places) else known
        inside = of_row < flags.shape[1]
        flags[known[inside], of_row[inside]] = 1.0
        return flags

    def _level(self, name: str, value: str) -> str:
        return value if name in self.kept else level_mark(name, value)

    def words(self, table: pd.DataFrame) -> dict[str, str]:
        """The columns of X whose level is a digest, as the table at hand writes it; those that it holds."""
        said = {}
        for name, levels in self.levels.items():
            if name in self.kept or name not in table:
                continue
            for value in table[name].astype("string").dropna().unique():
                mark = level_mark(name, str(value))
                if mark in levels:
                    said[f"{name} = {mark}"] = str(value)
        return said

    def get_state(self) -> dict[str, Any]:
        """Columns, frequent values and the names made of them."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

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


def columns_by_name(
    X: Floats, names: list[str], rows: NDArray[np.int64] | None = None
) -> Callable[[str], Floats]:
    """A function from a column's name to its values, of all rows or of some; all NaN for a column that is not there."""
    place = {name: number for number, name in enumerate(names)}
    unknown = np.full(len(X) if rows is None else len(rows), np.nan)

    def column(name: str) -> Floats:
        if name not in place:
            return unknown
        values = X[:, place[name]]
        return values if rows is None else values[rows]

    return column
