"""The kernel: reductions over runs, one result a run, the same bits whatever else is in the array.

A run is a stretch of rows that belong to one buyer. Every sum here either adds whole numbers (exact in any
order) or adds a run's own rows in their own order, so that neither the other buyers, nor a partition, nor the
order in which the rows were given can move a bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Array = NDArray[Any]
Floats = NDArray[Any]
Ints = NDArray[Any]

FIXED_POINT = float(2**32)
"""Logarithms are held as whole numbers of this fraction, so that their sums are exact (to 2e-10 a term)."""


@dataclass(frozen=True, eq=False)
class Runs:
    """Which rows belong to which run: ``row`` ascending, runs numbered 0 .. n_runs - 1, some of them empty.

    Examples
    --------
    >>> import numpy as np
    >>> runs = Runs(np.array([0, 0, 2]), 3)
    >>> runs.count.tolist()
    [2, 0, 1]
    >>> runs.last(np.array([5.0, 7.0, 9.0])).tolist()
    [7.0, nan, 9.0]
    """

    row: Ints
    n_runs: int

    @cached_property
    def count(self) -> Ints:
        """Rows in each run."""
        return np.bincount(self.row, minlength=self.n_runs)

    @cached_property
    def start(self) -> Ints:
        """Where each run starts; an empty run starts where the next one does."""
        return (
            np.concatenate([[0], np.cumsum(self.count[:-1])]) if self.n_runs else np.zeros(0, dtype=np.int64)
        )

    @cached_property
    def filled(self) -> Ints:
        """Numbers of the runs that hold at least one row."""
        return np.flatnonzero(self.count)

    @cached_property
    def all_filled(self) -> bool:
        """Whether no run is empty, as is usual of purchases."""
        return len(self.filled) == self.n_runs

    @cached_property
    def is_first(self) -> Array:
        """Whether a row is the first of its run; shape (n_rows,)."""
        first = np.zeros(len(self.row), dtype=bool)
        first[self.start[self.filled]] = True
        return first

    def tally(self, which: NDArray[np.bool_]) -> Ints:
        """How many rows of each run are marked."""
        marked = np.zeros(len(which) + 1, dtype=np.int64)
        np.cumsum(which, out=marked[1:])
        return marked.take(self.start + self.count) - marked.take(self.start)

    def sum(self, values: Array) -> Floats:
        """Sum of each run, added in the order of its rows; 0 for an empty run."""
        return np.bincount(self.row, weights=values, minlength=self.n_runs).astype(np.float64, copy=False)

    def sum_of_table(self, line: Array, table: Floats) -> Floats:
        """For each row one line of a table, all its columns added at once, in the order of the rows.

        Shape (n_columns, n_runs); 0 for an empty run.
        """
        ends = np.append(self.start, len(self.row)).astype(np.int32)
        chosen = csr_array((np.ones(len(line)), line.astype(np.int32), ends), shape=(self.n_runs, len(table)))
        return np.ascontiguousarray((chosen @ table).T)

    def max(self, values: Array) -> Floats:
        """Largest value of each run; NaN for an empty run or where a value is NaN."""
        return self._extreme(np.maximum, values)

    def min(self, values: Array) -> Floats:
        """Smallest value of each run; NaN for an empty run or where a value is NaN."""
        return self._extreme(np.minimum, values)

    def _extreme(self, of: np.ufunc, values: Array) -> Floats:
        out = np.full(self.n_runs, np.nan)
        if len(values):
            out[self.filled] = of.reduceat(values, self.start[self.filled])
        return out

    def at(self, values: Array, position: Array) -> Floats:
        """Each run's value at a position counted from its start; NaN where the run has no such row."""
        position = np.asarray(position)
        there = (position >= 0) & (position < self.count)
        out = np.full(self.n_runs, np.nan)
        out[there] = values[(self.start + position)[there]]
        return out

    def first(self, values: Array) -> Floats:
        """First value of each run; NaN for an empty run."""
        if self.all_filled:
            return values[self.start].astype(np.float64, copy=False)
        return self.at(values, np.zeros(self.n_runs, dtype=np.int64))

    def last(self, values: Array, back: int | Array = 0) -> Floats:
        """Last value of each run, or the one ``back`` rows before it; NaN where there is none."""
        if self.all_filled and isinstance(back, int) and back == 0:
            return np.asarray(values[self.start + self.count - 1], dtype=np.float64)
        return self.at(values, self.count - 1 - back)

    def spread(self, values: Floats, mean: Floats, divisor: Floats) -> Floats:
        """Root of the squared deviations from a run's mean over ``divisor``: a standard deviation."""
        deviation = values - mean.take(self.row)
        return np.sqrt(ratio(self.sum(deviation * deviation), divisor))

    def median(self, ordered: SortedKeys, number: int) -> Floats:
        """Middle of a column that ascends within each run; the mean of the middle two for an even count."""
        out = np.full(self.n_runs, np.nan)
        start, count = self.start[self.filled], self.count[self.filled]
        lower = ordered.column(number, start + (count - 1) // 2)
        out[self.filled] = (lower + ordered.column(number, start + count // 2)) / 2
        return out


def ratio(numerator: Array, denominator: Array) -> Floats:
    """A quotient; NaN where the denominator is not above zero.

    Examples
    --------
    >>> import numpy as np
    >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = np.true_divide(numerator, denominator)
        meaningless = ~(np.asarray(denominator) > 0)
    if meaningless.any():
        quotient[meaningless] = np.nan
    return quotient


def where(condition: Array, values: Array) -> Floats:
    """The values where a condition holds, NaN elsewhere."""
    return np.where(condition, values, np.nan).astype(np.float64, copy=False)


def positive_log(values: Array) -> Floats:
    """Natural logarithm; NaN where a value is not above zero."""
    out = np.full(np.shape(values), np.nan)
    np.log(values, out=out, where=np.asarray(values) > 0)
    return out


def changed(values: Array) -> Array:
    """Whether a value differs from the one before it; true for the first."""
    out = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=out[1:])
    return out


def distinct(keys: Array) -> Array:
    """The different values of an array in ascending order: sorted, each compared with the one before it.

    What ``numpy.unique`` answers for whole numbers, without the hash table that it builds since version 2.3,
    which takes eight times as long for millions of keys.

    Examples
    --------
    >>> import numpy as np
    >>> distinct(np.array([7, 2, 7, 5])).tolist()
    [2, 5, 7]
    """
    ordered = np.sort(keys)
    return np.asarray(ordered[changed(ordered)])


def stretches(start: Array, length: Array) -> Ints:
    """All numbers of several stretches, one stretch after the other.

    Examples
    --------
    >>> import numpy as np
    >>> stretches(np.array([0, 7]), np.array([2, 3])).tolist()
    [0, 1, 7, 8, 9]
    """
    before = np.cumsum(length) - length
    return np.asarray(np.repeat(start - before, length) + np.arange(int(length.sum())))


@dataclass(frozen=True, eq=False)
class SortedKeys:
    """Columns of whole numbers sorted together: by the first, then the second, and so on.

    Where they fit they are packed into one 64 bit number a row; a column is unpacked where it is asked for.

    Attributes
    ----------
    widths : tuple of int
        Bits of each column.
    packed : int64 array of shape (n_rows,) or None
        The columns side by side; None where they do not fit.
    columns : tuple of int64 arrays
        The columns themselves where they do not fit into one number.
    """

    widths: tuple[int, ...]
    packed: Ints | None
    columns: tuple[Ints, ...] = ()

    def __len__(self) -> int:
        return len(self.columns[0] if self.packed is None else self.packed)

    def column(self, number: int, rows: Array | slice = slice(None)) -> Ints:
        """One column, of some rows."""
        if self.packed is None:
            return self.columns[number][rows]
        shift = sum(self.widths[number + 1 :])
        return (self.packed[rows] >> shift) & ((1 << self.widths[number]) - 1)

    def take(self, rows: Array) -> SortedKeys:
        """Some of the rows, in their order."""
        if self.packed is None:
            return SortedKeys(self.widths, None, tuple(column[rows] for column in self.columns))
        return SortedKeys(self.widths, self.packed[rows])

    def last_below(self, limit: int, floor: int = 0) -> SortedKeys:
        """The rows whose last column is below a limit, and not below a floor."""
        last = self.column(len(self.widths) - 1)
        return self.take(np.flatnonzero((last >= floor) & (last < limit) if floor > 0 else last < limit))

    def of_first(self, values: Array) -> SortedKeys:
        """The rows whose first column is one of some distinct, ascending values."""
        values = values[values < len(self._first_starts) - 1]
        start = self._first_starts[values]
        return self.take(stretches(start, self._first_starts[values + 1] - start))

    @cached_property
    def _first_starts(self) -> Ints:
        """Where the rows of each value of the first column start, and where the last ones end."""
        return np.append(0, np.cumsum(np.bincount(self.column(0))))

    def firsts(self) -> SortedKeys:
        """The first row of each stretch that differs in nothing but the last column."""
        return self.take(np.flatnonzero(self.changes()))

    def changes(self) -> Array:
        """Whether a row differs from the one before it in any column but the last."""
        if self.packed is not None:
            return changed(self.packed >> self.widths[-1])
        return np.asarray(np.logical_or.reduce([changed(column) for column in self.columns[:-1]]))


def sort_together(*keys: Array) -> SortedKeys:
    """Sort columns of whole numbers, none below zero, by the first, then the second, and so on.

    Examples
    --------
    >>> import numpy as np
    >>> ordered = sort_together(np.array([1, 0, 1]), np.array([5, 7, 3]))
    >>> ordered.column(0).tolist(), ordered.column(1).tolist()
    ([0, 1, 1], [7, 3, 5])
    """
    widths = tuple(max(int(key.max(initial=1)), 1).bit_length() for key in keys)
    if sum(widths) > 63:
        order = np.lexsort(keys[::-1])
        return SortedKeys(widths, None, tuple(key[order].astype(np.int64) for key in keys))
    packed = keys[0].astype(np.int64)
    for key, width in zip(keys[1:], widths[1:], strict=True):
        packed <<= width
        packed |= key
    packed.sort()
    return SortedKeys(widths, packed)
