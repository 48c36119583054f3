"""Counts of purchases by their age: one pass for all windows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clientcare.facts.runs import Floats

Array = NDArray[Any]


def within(
    edges: Sequence[int], age: Array, row: Array, n_buyers: int, weights: Array | None
) -> dict[int, Floats]:
    """For each edge, the number (or the weight) of a buyer's purchase days at most that old; one pass for all."""
    table = np.searchsorted(np.asarray(edges), np.arange(largest(age) + 1)) * n_buyers
    cell = table.take(age)
    cell += row
    n_cells = (len(edges) + 1) * n_buyers
    cells = np.bincount(cell, weights=weights, minlength=n_cells).reshape(len(edges) + 1, n_buyers)
    for younger, older in pairwise(cells[:-1]):
        older += younger
    return {edge: column.astype(np.float64, copy=False) for edge, column in zip(edges, cells, strict=False)}


def boundaries(windows: Sequence[int]) -> set[int]:
    """Ages at which some window of purchases starts or ends."""
    edges = {0}
    for days in windows:
        edges |= {days // 3, 2 * days // 3, days, 2 * days, 3 * days}
        year = years_ago(days)
        edges |= {year, year - days}
    return edges


def years_ago(days: int) -> int:
    """Days back to the same stretch of an earlier year, all of it past: 365, or a multiple for long ones."""
    return 365 * max(1, -(-days // 365))


def largest(values: Array) -> int:
    """The largest of some whole numbers; 0 of none."""
    return int(values.max()) if len(values) else 0
