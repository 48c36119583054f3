"""From features to the terms of a linear model: clipped signed logs, standardised, a few kinks and
products.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROWS_FOR_QUANTILES = 20_000
FARTHEST = 6.0
MOST_FLAGS = 12


class Design:
    """Turn columns into terms, each standardised and bounded, so that one ridge fits all and no
    outlier rules.

    Each column becomes ``sign(x) log(1 + |x|)``, clipped to its 1 % and 99 % quantiles in training,
    less its mean, in units of its spread; unknown is 0, the average, with a flag for each pattern of
    unknown columns that training showed.

    Parameters
    ----------
    kinks : sequence of (column, positions)
        Further terms ``max(0, z - position)`` of a standardised column.
    products : sequence of (column, column)
        Further terms: the product of two standardised columns.
    """

    def __init__(
        self,
        kinks: Sequence[tuple[int, Sequence[float]]] = (),
        products: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.kinks = [(int(column), [float(at) for at in positions]) for column, positions in kinks]
        self.products = [(int(first), int(second)) for first, second in products]

    def fit(self, X: Floats) -> Design:
        """Learn clips, means, spreads and flags; columns that never vary get no term."""
        some = X[:: max(1, len(X) // ROWS_FOR_QUANTILES)]
        n_columns = X.shape[1]
        self.low, self.high = np.zeros(n_columns), np.zeros(n_columns)
        self.mean, self.spread = np.zeros(n_columns), np.zeros(n_columns)
        for column in range(n_columns):
            seen = signed_log(some[:, column])
            seen = seen[np.isfinite(seen)]
            if len(seen) == 0:
                continue
            low, high = np.quantile(seen, [0.01, 0.99])
            if low == high:  # rarely other than one value: keep the rare values
                low, high = seen.min(), seen.max()
            clipped = np.clip(seen, low, high)
            self.low[column], self.high[column] = low, high
            self.mean[column], self.spread[column] = clipped.mean(), clipped.std()
        self.used = np.flatnonzero(self.spread > 1e-9)
        self.flagged = self._patterns(some)
        self.source = self._sources()
        self.centre = np.zeros(len(self.source))
        terms = self._raw_terms(some)
        self.centre = terms.mean(axis=0)
        spread = terms.std(axis=0)
        self.scale = np.where(spread > 1e-9, spread, 1.0)
        return self

    def transform(self, X: Floats) -> Floats:
        """Terms of shape (n_rows, n_terms), column-major; each row depends on that row alone."""
        terms = self._raw_terms(X)
        for term in range(terms.shape[1]):
            values = terms[:, term]
            values -= self.centre[term]
            values /= self.scale[term]
            np.clip(values, -FARTHEST, FARTHEST, out=values)
        return terms

    def _raw_terms(self, X: Floats) -> Floats:
        terms = np.empty((len(X), len(self.source)), order="F")
        at = 0
        for column in self.used.tolist():
            terms[:, at] = self._standardised(X, column)
            at += 1
        for column in self.flagged.tolist():
            terms[:, at] = np.isnan(X[:, column])
            at += 1
        for column, positions in self.kinks:
            values = self._standardised(X, column)
            for position in positions:
                terms[:, at] = np.maximum(values - position, 0.0)
                at += 1
        for first, second in self.products:
            terms[:, at] = self._standardised(X, first) * self._standardised(X, second)
            at += 1
        return terms

    def _standardised(self, X: Floats, column: int) -> Floats:
        if self.spread[column] <= 1e-9:
            return np.zeros(len(X))
        values = np.clip(signed_log(X[:, column]), self.low[column], self.high[column])
        values -= self.mean[column]
        values /= self.spread[column]
        values[np.isnan(values)] = 0.0
        return np.asarray(np.clip(values, -FARTHEST, FARTHEST))

    def _patterns(self, X: Floats) -> NDArray[np.int64]:
        """One column for each distinct pattern of missing values that is neither rare nor the rule."""
        found: dict[bytes, int] = {}
        for column in range(X.shape[1]):
            missing = np.isnan(X[:, column])
            if 0.005 <= missing.mean() <= 0.995:
                found.setdefault(np.packbits(missing).tobytes(), column)
        return np.array(list(found.values())[:MOST_FLAGS], dtype=np.int64)

    def _sources(self) -> NDArray[np.int64]:
        """The column behind each term; a product belongs to its first column."""
        kinked = [column for column, positions in self.kinks for _ in positions]
        multiplied = [first for first, _ in self.products]
        return np.array([*self.used, *self.flagged, *kinked, *multiplied], dtype=np.int64)

    def get_state(self) -> dict[str, Any]:
        """Everything learned, as lists and arrays."""
        return dict(vars(self))

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Design:
        """The design that :meth:`get_state` told of."""
        design = cls([tuple(kink) for kink in state["kinks"]], [tuple(pair) for pair in state["products"]])
        for name in ("low", "high", "mean", "spread", "used", "flagged", "source", "centre", "scale"):
            setattr(design, name, np.asarray(state[name]))
        return design


def signed_log(values: Floats) -> Floats:
    """sign(x) log(1 + |x|): logs for counts, days and money alike, returns and zero included."""
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def weighted_terms(terms: Floats, coefficients: Floats) -> Floats:
    """Sum of terms x coefficients, one term after the other: a row's bits never depend on the rows
    beside it.
    """
    total = np.zeros(len(terms))
    for term in range(terms.shape[1]):
        total += terms[:, term] * coefficients[term]
    return total
