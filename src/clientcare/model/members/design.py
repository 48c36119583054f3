"""From features to the terms of a linear model: clipped signed logs, standardised, a few kinks and
products.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clientcare.model.members.forms import array, items, mapping, number, refuse, rising, same, whole

Floats = NDArray[np.float64]

ROWS_FOR_QUANTILES = 20_000
ROWS_AT_ONCE = 4096
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
        self.centre, self.scale = np.zeros(len(self.source)), np.ones(len(self.source))
        terms = self.transform(some)
        self.centre = terms.mean(axis=0)
        spread = terms.std(axis=0)
        self.scale = np.where(spread > 1e-9, spread, 1.0)
        return self

    def transform(self, X: Floats) -> Floats:
        """Terms of shape (n_rows, n_terms), column-major; each row depends on that row alone."""
        terms = np.empty((len(X), len(self.source)), order="F")
        for rows, term, values in self._terms(X, np.ones(len(self.source))):
            terms[rows, term] = values
        return terms

    def weigh(
        self, X: Floats, coefficients: Floats, groups: NDArray[np.int64] | None = None, n_groups: int = 0
    ) -> tuple[Floats, Floats]:
        """Sum of terms x coefficients, one term after the other, and the same by group of columns.

        Parameters
        ----------
        X : float64 array of shape (n_rows, n_columns)
        coefficients : float64 array of shape (n_terms,)
        groups : int array of shape (n_columns,)
            0 to ``n_groups - 1``; without it, the sum alone is asked for.

        Returns
        -------
        total : float64 array of shape (n_rows,)
        parts : float64 array of shape (n_rows, n_groups), column-major
        """
        total, parts = np.zeros(len(X)), np.zeros((len(X), n_groups), order="F")
        of_term = None if groups is None else groups[self.source].tolist()
        for rows, term, values in self._terms(X, coefficients):
            total[rows] += values
            if of_term is not None:
                parts[rows, of_term[term]] += values
        return total, parts

    def _terms(self, X: Floats, coefficients: Floats) -> Iterator[tuple[slice, int, Floats]]:
        """Rows, number of a term, and term x coefficient in those rows: a few thousand rows at a time, in an
        array that stays near the processor and is written over by the next.
        """
        plain = self._plain_terms(coefficients)
        room = np.empty(min(len(X), ROWS_AT_ONCE))
        for start in range(0, len(X), ROWS_AT_ONCE):
            rows = slice(start, min(start + ROWS_AT_ONCE, len(X)))
            here, values = X[rows], room[: min(len(X) - start, ROWS_AT_ONCE)]
            for term, (column, low, high, slope, level, unknown) in enumerate(plain):
                _bound(signed_log(here[:, column], out=values), low, high)
                values *= slope
                values += level
                np.copyto(values, unknown, where=np.isnan(values))
                yield rows, term, values
            for term, raw in enumerate(self._further_terms(here), start=len(plain)):
                np.subtract(raw, self.centre[term], out=values)
                values /= self.scale[term]
                _bound(values, -FARTHEST, FARTHEST)
                values *= coefficients[term]
                yield rows, term, values

    def _plain_terms(self, coefficients: Floats) -> list[tuple[int, float, float, float, float, float]]:
        """Of each column that varies, what makes its weighted term from its log: where it is clipped, slope,
        level, and what an unknown value gives.

        Three clips on the way (quantiles, spreads from the mean before and after centring) are one.
        """
        used = self.used
        mean, spread, coefficient = self.mean[used], self.spread[used], coefficients[: len(used)]
        centre, scale = self.centre[: len(used)], self.scale[: len(used)]
        least = np.maximum(-FARTHEST, centre - FARTHEST * scale)
        most = np.minimum(FARTHEST, centre + FARTHEST * scale)
        columns = (
            used,
            np.maximum(self.low[used], mean + least * spread),
            np.minimum(self.high[used], mean + most * spread),
            coefficient / (spread * scale),
            -coefficient * (mean / spread + centre) / scale,
            coefficient * np.clip(-centre / scale, -FARTHEST, FARTHEST),
        )
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def _further_terms(self, X: Floats) -> Iterator[Floats]:
        """Flags of unknown values, kinks and products, before they are centred."""
        for column in self.flagged.tolist():
            yield np.isnan(X[:, column])
        for column, positions in self.kinks:
            values = self._standardised(X, column)
            for position in positions:
                yield np.maximum(values - position, 0.0)
        for first, second in self.products:
            yield self._standardised(X, first) * self._standardised(X, second)

    def _standardised(self, X: Floats, column: int) -> Floats:
        if self.spread[column] <= 1e-9:
            return np.zeros(len(X))
        values = _bound(signed_log(X[:, column]), self.low[column], self.high[column])
        values -= self.mean[column]
        values /= self.spread[column]
        values[np.isnan(values)] = 0.0
        return _bound(values, -FARTHEST, FARTHEST)

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


def signed_log(values: Floats, out: Floats | None = None) -> Floats:
    """sign(x) log(1 + |x|): logs for counts, days and money alike, returns and zero included."""
    logs = np.abs(values, out=out)
    np.log1p(logs, out=logs)
    return np.asarray(np.copysign(logs, values, out=logs))


def _bound(values: Floats, low: float, high: float) -> Floats:
    """Clip in place; unknown stays unknown."""
    np.maximum(values, low, out=values)
    return np.minimum(values, high, out=values)


def check_design(state: Any, n_columns: int, where: str) -> int:
    """Terms over so many columns; how many they are."""
    names = (
        "kinks",
        "products",
        "low",
        "high",
        "mean",
        "spread",
        "used",
        "flagged",
        "source",
        "centre",
        "scale",
    )
    state = mapping(state, where, names)
    last = n_columns - 1
    kinked, multiplied = [], []
    for kink in items(state["kinks"], f"{where}.kinks", most=1_000):
        column, positions = items(kink, f"{where}.kinks", 2)
        at = [number(one, f"{where}.kinks") for one in items(positions, f"{where}.kinks", most=100)]
        kinked += [whole(column, f"{where}.kinks", 0, last)] * len(at)
    for pair in items(state["products"], f"{where}.products", most=10_000):
        first, second = items(pair, f"{where}.products", 2)
        multiplied.append(whole(first, f"{where}.products", 0, last))
        whole(second, f"{where}.products", 0, last)
    low, high, mean, spread = (
        array(state[name], f"{where}.{name}", "f", (n_columns,)) for name in ("low", "high", "mean", "spread")
    )
    if (low > high).any() or (spread < 0).any() or ((mean < low - 1e-6) | (mean > high + 1e-6)).any():
        raise refuse(where, "has bounds that cross")
    used = array(state["used"], f"{where}.used", "i", (None,), 0, last)
    rising(used, f"{where}.used")
    same(used.tolist(), np.flatnonzero(spread > 1e-9).tolist(), f"{where}.used")
    flagged = array(state["flagged"], f"{where}.flagged", "i", (None,), 0, last)
    if len(set(flagged.tolist())) != len(flagged):
        raise refuse(f"{where}.flagged", "names a column twice")
    source = [*used.tolist(), *flagged.tolist(), *kinked, *multiplied]
    found = array(state["source"], f"{where}.source", "i", (len(source),), 0, last)
    same(found.tolist(), source, f"{where}.source")
    array(state["centre"], f"{where}.centre", "f", (len(source),))
    array(state["scale"], f"{where}.scale", "f", (len(source),), 1e-12)
    return len(source)
