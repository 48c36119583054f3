"""The table the models read, checked and turned into arrays; equal rows become one row with a weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.exceptions import BadRowsError, InputError, NotEnoughDataError, OptionError, SchemaError
from clientcare.window import parse_days

Floats = NDArray[Any]

COUNT = "n_repeat_purchases"
RECENCY = "days_first_to_last_purchase"
AGE = "days_since_first_purchase"
SPEND = "mean_purchase_amount"
GAPS = "sum_log_gap_days"
SUMMARY_COLUMNS = (COUNT, RECENCY, AGE, SPEND, GAPS)
ELSEWHERE = {"frequency": COUNT, "recency": RECENCY, "T": AGE, "monetary_value": SPEND}
"""How other packages call the same columns."""


@dataclass(frozen=True)
class Rows:
    """Histories of buyers as arrays of shape (n_rows,): repeat purchases x, time of the last t_x, age T, weight."""

    x: Floats
    t_x: Floats
    age: Floats
    weight: Floats
    log_gaps: Floats | None = None
    purchase_z: Floats | None = None
    dropout_z: Floats | None = None

    def __len__(self) -> int:
        return len(self.x)

    @cached_property
    def levels(self) -> tuple[Floats, NDArray[np.int64]]:
        """The distinct numbers of purchases, and each row's position among them."""
        if len(self.x) and self.x.max() < 1_000_000:
            whole = self.x.astype(np.int64)
            present = np.flatnonzero(np.bincount(whole))
            position = np.zeros(int(present[-1]) + 1, dtype=np.int64)
            position[present] = np.arange(len(present))
            return present.astype(np.float64), position[whole]
        values, codes = np.unique(self.x, return_inverse=True)
        return values, codes.reshape(-1)

    @cached_property
    def level_weight(self) -> Floats:
        """Weight of each distinct number of purchases."""
        codes = self.levels[1]
        return merged_weight(codes, self.weight)

    def scaled(self, unit: float) -> Rows:
        """The same histories with time counted in another unit."""
        return replace(
            self,
            t_x=self.t_x / unit,
            age=self.age / unit,
            log_gaps=None if self.log_gaps is None else self.log_gaps - self.x * np.log(unit),
        )

    def take(self, rows: Any) -> Rows:
        """Some of the rows."""
        kept = {
            name: values[rows]
            for name in self.__dataclass_fields__
            if (values := getattr(self, name)) is not None
        }
        return Rows(**kept)

    def distinct(self) -> tuple[Rows, NDArray[np.int64]]:
        """Equal rows merged, their weights added, in an order of their own; and the merged row of each row."""
        columns = [self.x, self.t_x, self.age]
        columns += [] if self.log_gaps is None else [self.log_gaps]
        for z in (self.purchase_z, self.dropout_z):
            columns += [] if z is None else list(z.T)
        first, kind = distinct_rows(columns)
        return replace(self.take(first), weight=merged_weight(kind, self.weight)), kind


def distinct_rows(columns: Sequence[Floats]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of one row of each distinct kind, and each row's kind.

    One sort of a 64-bit mixture of the columns. Rows whose mixtures collide by chance are told apart by their values.
    The kinds stand in the order of the mixture: it depends on the rows there are, not on their order.
    """
    key = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        key ^= (column + 0.0).view(np.uint64)
        key *= np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    order = np.argsort(key)
    key = key[order]
    new = np.ones(len(key), dtype=bool)
    new[1:] = key[1:] != key[:-1]
    same = np.flatnonzero(~new)
    for column in columns if len(same) else ():
        new[same] |= column[order[same]] != column[order[same - 1]]
    kind = np.empty(len(key), dtype=np.int64)
    kind[order] = np.cumsum(new) - 1
    return order[new], kind


def merged_weight(kind: NDArray[np.int64], weight: Floats) -> Floats:
    """Weight of each distinct kind of row."""
    return np.asarray(np.bincount(kind, weights=weight), dtype=np.float64)


def read_columns(
    X: Any, wanted: Sequence[str], asker: str, optional: Sequence[str] = ()
) -> dict[str, Floats]:
    """Columns by name from a DataFrame (any order), by position from an array.

    Raises
    ------
    SchemaError
        Where a wanted column is missing, or the table is no table of numbers.
    """
    if not isinstance(X, pd.DataFrame) and hasattr(X, "to_pandas"):
        X = X.to_pandas()
    if isinstance(X, pd.DataFrame):
        return _by_name(X, wanted, asker, optional)
    return _by_position(X, wanted, asker, optional)


def require_rows(n_rows: int, asker: str) -> None:
    """Refuse to learn from an empty table; to forecast for nobody is no mistake.

    Raises
    ------
    NotEnoughDataError
    """
    if not n_rows:
        raise NotEnoughDataError(
            f"{asker}: found 0 sample(s) (no rows) while a minimum of 1 is required. Give at least one buyer."
        )


def _by_name(
    X: pd.DataFrame, wanted: Sequence[str], asker: str, optional: Sequence[str]
) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    for name in (*wanted, *optional):
        if name not in X.columns:
            if name in optional:
                continue
            names = ", ".join(repr(str(column)) for column in X.columns) or "no columns at all"
            raise SchemaError(f"{asker}: no column {name!r} (found {names}).\n{_mending(name, X.columns)}")
        column = X[name]
        if isinstance(column, pd.DataFrame):
            raise SchemaError(f"{asker}: column {name!r} is there {column.shape[1]} times. Leave one.")
        try:
            found[name] = column.to_numpy(dtype=np.float64, na_value=np.nan)
        except (ValueError, TypeError) as cause:
            raise SchemaError(f"{asker}: column {name!r} does not hold numbers.") from cause
    return found


def _mending(name: str, found: pd.Index) -> str:
    """What to do about a missing column."""
    if name not in SUMMARY_COLUMNS:
        return "Add it, or rename the column that holds it."
    renamed = {theirs: ours for theirs, ours in ELSEWHERE.items() if theirs in found and ours not in found}
    if renamed:
        return f"The same columns have plainer names here: X.rename(columns={renamed})."
    return "Give the table that purchase_summary(histories, as_of) makes, or rename the column."


def _by_position(X: Any, wanted: Sequence[str], asker: str, optional: Sequence[str]) -> dict[str, Floats]:
    if hasattr(X, "toarray"):
        raise TypeError(f"{asker}: a sparse matrix was passed, but dense data is required. Use X.toarray().")
    if hasattr(X, "events"):
        raise SchemaError(f"{asker}: give the table purchase_summary(histories, as_of), not the histories.")
    table = np.asarray(X)
    if np.iscomplexobj(table):
        raise InputError(f"{asker}: Complex data not supported.")
    if table.ndim != 2:
        raise SchemaError(
            f"{asker}: expected a table of 2 dimensions, found {table.ndim}. Reshape your data with X.reshape(1, -1) "
            "where it is one buyer."
        )
    try:
        table = table.astype(np.float64)
    except ValueError as cause:
        raise SchemaError(f"{asker}: the array does not hold numbers.") from cause
    except TypeError as cause:
        raise TypeError(
            f"{asker}: the array holds objects; an argument must be a string or a real number."
        ) from cause
    names = [*wanted, *optional]
    if table.shape[1] < len(wanted):
        raise SchemaError(
            f"{asker}: found an array with {table.shape[1]} feature(s) (shape={table.shape}) while a minimum of "
            f"{len(wanted)} is required.\nBy position they are {', '.join(names)}."
        )
    return {name: np.ascontiguousarray(table[:, i]) for i, name in enumerate(names[: table.shape[1]])}


def read_covariates(X: Any, names: Sequence[str], asker: str) -> Floats | None:
    """Static covariates of shape (n_rows, n_names), or None where there are none."""
    if isinstance(names, str):
        raise OptionError(f"{asker}: covariates are a list of column names; write [{names!r}].")
    if not len(names):
        return None
    if not isinstance(X, pd.DataFrame):
        raise SchemaError(f"{asker}: covariates are found by column name; give a DataFrame, not an array.")
    columns = read_columns(X, list(names), asker)
    for name, values in columns.items():
        refuse(asker, name, "finite", ~np.isfinite(values))
    return np.column_stack([columns[name] for name in names])


def refuse(asker: str, column: str, rule: str, bad: NDArray[np.bool_]) -> None:
    """Raise where any row breaks a rule; names the column, the count and the first rows, never a value.

    Raises
    ------
    BadRowsError
    """
    if not bad.any():
        return
    first = ", ".join(str(row) for row in np.flatnonzero(bad)[:5])
    raise BadRowsError(
        f"{asker}, column {column!r}: {int(bad.sum()):,} of {len(bad):,} rows break the rule '{rule}' "
        f"(first row numbers: {first}).\nMend or leave out these rows; NaN and infinity are not accepted."
    )


def read_rows(
    X: Any,
    asker: str,
    sample_weight: Any = None,
    purchase_covariates: Sequence[str] = (),
    dropout_covariates: Sequence[str] = (),
    exact_sum: bool = False,
) -> Rows:
    """The table as checked arrays.

    Raises
    ------
    BadRowsError
        A number of purchases that is no whole number >= 0; times that are negative, NaN or infinite; a last purchase
        after the end; x = 0 with a last repeat purchase, or x > 0 without.
    """
    columns = read_columns(X, (COUNT, RECENCY, AGE), asker, (SPEND, GAPS))
    x, t_x, age = columns[COUNT], columns[RECENCY], columns[AGE]
    weight = read_weight(sample_weight, len(x), asker)
    for name, values in ((COUNT, x), (RECENCY, t_x), (AGE, age)):
        refuse(asker, name, "known and finite", ~np.isfinite(values))
        refuse(asker, name, "not below 0 (Negative values in data)", values < 0)
    refuse(asker, COUNT, "a whole number", x != np.floor(x))
    refuse(asker, RECENCY, f"not above {AGE}", t_x > age)
    refuse(asker, RECENCY, f"0 where {COUNT} is 0", (x == 0) & (t_x > 0))
    refuse(asker, RECENCY, f"above 0 where {COUNT} is above 0", (x > 0) & (t_x == 0))
    log_gaps = columns.get(GAPS) if exact_sum else None
    if log_gaps is not None:
        refuse(asker, GAPS, "known and finite", ~np.isfinite(log_gaps))
    return Rows(
        x,
        t_x,
        age,
        weight,
        log_gaps,
        read_covariates(X, purchase_covariates, asker),
        read_covariates(X, dropout_covariates, asker),
    )


def read_weight(sample_weight: Any, n_rows: int, asker: str) -> Floats:
    """One weight a row; ones where none are given.

    Raises
    ------
    OptionError
        Where there are too few or too many, or one is negative, NaN or infinite, or all are zero.
    """
    if sample_weight is None:
        return np.ones(n_rows)
    try:
        weight = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as cause:
        raise OptionError(f"{asker}: sample_weight must hold numbers, one a row.") from cause
    if weight.ndim == 0:
        weight = np.full(n_rows, float(weight))
    if weight.shape != (n_rows,):
        raise OptionError(f"{asker}: sample_weight.shape == {weight.shape}, expected {(n_rows,)}!")
    if not np.isfinite(weight).all() or (weight < 0).any() or not weight.sum() > 0:
        raise OptionError(
            f"{asker}: every sample_weight must be finite and >= 0, and they must not all be zero."
        )
    return weight


def read_horizon(horizon: Any, n_rows: int, asker: str) -> Floats:
    """A stretch of time, one for all or one a row, in the unit of the table; text such as '90D' is days.

    Raises
    ------
    OptionError
        Where it is negative, NaN, infinite, or of another length than the table.
    """
    if isinstance(horizon, (str, pd.Timedelta, np.timedelta64)):
        horizon = parse_days(horizon)
    try:
        values = np.asarray(horizon, dtype=np.float64)
    except (ValueError, TypeError) as cause:
        raise OptionError(f"{asker}: horizon is not a number of days.") from cause
    if values.ndim > 1 or (values.ndim == 1 and len(values) != n_rows):
        raise OptionError(
            f"{asker}: horizon has shape {values.shape}; give one number, or one for each of {n_rows} rows."
        )
    if not np.isfinite(values).all() or (values < 0).any():
        raise OptionError(f"{asker}: horizon must be finite and not negative.")
    return np.broadcast_to(values, (n_rows,)).astype(np.float64)
