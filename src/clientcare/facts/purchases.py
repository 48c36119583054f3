"""Transactions turned into purchase days, once, for all dates.

All purchases of a buyer on one calendar day are one purchase. What does not depend on the date asked for
(days, gaps, amounts a day, the order of gaps and of categories) is worked out here and shared by every
snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clientcare.facts.events import EventTable
from clientcare.facts.runs import SortedKeys, changed, sort_together, stretches

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class PurchaseDays:
    """One row a purchase day, sorted by buyer and day.

    Attributes
    ----------
    events : EventTable
        The transactions behind it.
    buyer, day, gap : int arrays of shape (n_days,)
        Whose, when, and how many days after the purchase before (0 for a buyer's first).
    """

    events: EventTable

    @cached_property
    def _rows(self) -> Array | None:
        """The rows that are purchases; None where all are."""
        amount = self.events.columns.get("amount")
        bought = None if amount is None else ~(amount <= 0)
        return None if bought is None or bool(bought.all()) else np.flatnonzero(bought)

    def of_rows(self, values: Array) -> Array:
        """A column of the transactions, of purchases alone."""
        return values if self._rows is None else values[self._rows]

    @cached_property
    def starts(self) -> Array:
        """Where each purchase day starts among the rows that are purchases."""
        return np.flatnonzero(
            changed(self.of_rows(self.events.buyer)) | changed(self.of_rows(self.events.day))
        )

    @cached_property
    def buyer(self) -> Array:
        """Position of the buyer of each purchase day."""
        return self.of_rows(self.events.buyer)[self.starts].astype(np.int64)

    @cached_property
    def day(self) -> Array:
        """Each purchase day, counted from 1970-01-01."""
        return self.of_rows(self.events.day)[self.starts]

    @cached_property
    def gap(self) -> Array:
        """Days since the buyer's purchase day before; 0 for the first."""
        gap = np.zeros(len(self.day), dtype=np.int32)
        np.subtract(self.day[1:], self.day[:-1], out=gap[1:])
        gap[changed(self.buyer)] = 0
        return gap

    @cached_property
    def run_starts(self) -> Array:
        """Where the run of each buyer with a purchase starts, and where the last one ends."""
        return np.append(np.flatnonzero(changed(self.buyer)), len(self.buyer))

    @cached_property
    def first_buyers(self) -> Array:
        """Positions of all buyers with a purchase, ascending."""
        return self.buyer[self.run_starts[:-1]]

    @cached_property
    def first_days(self) -> Array:
        """The first purchase day of each of these buyers."""
        return self.day[self.run_starts[:-1]]

    def rows_of(self, buyers: Array) -> Array:
        """The purchase days of some buyers, given by ascending positions."""
        run = np.searchsorted(self.first_buyers, buyers)
        run = run[np.append(self.first_buyers, -1)[run] == buyers]
        return stretches(self.run_starts[run], self.run_starts[run + 1] - self.run_starts[run])

    @cached_property
    def lines(self) -> Array:
        """Rows in each purchase day."""
        return np.diff(self.starts, append=len(self.of_rows(self.events.buyer))).astype(np.int32)

    @cached_property
    def spent(self) -> Array | None:
        """Known amounts of each purchase day, added; NaN where none is known; None without such a column."""
        return self._added("amount")

    @cached_property
    def all_priced(self) -> bool:
        """Whether an amount is known for every purchase day."""
        return self.spent is not None and not bool(np.isnan(self.spent).any())

    @cached_property
    def items(self) -> Array | None:
        """Known quantities of each purchase day, added; NaN where none is known."""
        return self._added("quantity")

    @cached_property
    def log_spent(self) -> Array | None:
        """Natural logarithm of what was spent on each purchase day."""
        return None if self.spent is None else np.log(self.spent)

    def _added(self, column: str) -> Array | None:
        values = self.events.columns.get(column)
        if values is None:
            return None
        values = self.of_rows(values)
        if not len(values):
            return np.zeros(0)
        unknown = np.isnan(values)
        if not unknown.any():
            return np.add.reduceat(values, self.starts)
        known = np.add.reduceat((~unknown).astype(np.int64), self.starts)
        return np.where(known > 0, np.add.reduceat(np.where(unknown, 0.0, values), self.starts), np.nan)

    @cached_property
    def first_day(self) -> int:
        """The earliest day of all, from which sorted keys count."""
        return int(self.day.min()) if len(self.day) else 0

    @cached_property
    def ordered_gaps(self) -> SortedKeys:
        """(buyer, gap, day on which it ended, counted from the first day of all), sorted in that order."""
        real = np.flatnonzero(self.gap)
        return sort_together(self.buyer[real], self.gap[real], self.day[real] - self.first_day)

    def ordered_codes(self, column: str) -> SortedKeys | None:
        """(buyer, code, day from the first day of all) of every purchased row whose code is known, sorted."""
        if column not in self._codes:
            self._codes[column] = self._order_codes(column)
        return self._codes[column]

    def first_codes(self, column: str) -> SortedKeys | None:
        """Of these rows each buyer's first of a code."""
        if column not in self._first_codes:
            ordered = self.ordered_codes(column)
            self._first_codes[column] = None if ordered is None else ordered.firsts()
        return self._first_codes[column]

    @cached_property
    def _codes(self) -> dict[str, SortedKeys | None]:
        return {}

    @cached_property
    def _first_codes(self) -> dict[str, SortedKeys | None]:
        return {}

    def _order_codes(self, column: str) -> SortedKeys | None:
        values = self.events.columns.get(column)
        if values is None:
            return None
        code, buyer, day = (
            self.of_rows(values),
            self.of_rows(self.events.buyer),
            self.of_rows(self.events.day),
        )
        if (code < 0).any():
            known = np.flatnonzero(code >= 0)
            code, buyer, day = code[known], buyer[known], day[known]
        return sort_together(buyer, code, day - self.first_day)

    @cached_property
    def returns(self) -> tuple[Array, Array, Array] | None:
        """(buyer, day, amount below zero) of every returned row; None without a column of amounts."""
        amount = self.events.columns.get("amount")
        if amount is None:
            return None
        rows = np.flatnonzero(amount < 0)
        return self.events.buyer[rows].astype(np.int64), self.events.day[rows], amount[rows]
