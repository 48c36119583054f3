"""Whether amounts are those of lines, or totals of orders that stand on each of their lines.

The lines of orders tell, and only those known by then: how an order is read is decided by the orders known at its own
moment, so that none that comes later changes what was. The orders before it could be told are read anew from that moment on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.history.door.order_lines import OrderLines
from clientcare.history.door.sheets import Door, Sheet
from clientcare.window import UNKNOWN_TIME

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

FEW_ORDERS = 20
"""Orders of several lines below which a repeated total cannot be told from chance."""
ALMOST_ALL = 0.98
"""Share of orders of several lines that state one amount on each, beyond which it is the order's total."""
MOST_LINES = 50
"""Beyond it, lines of several buyers under one name are no order but a run of bills."""
COMMONEST = 0.5
"""Where one amount is that of more orders, a price list of one price explains them as well."""
LINES, TOTALS, TOTALS_OF_MANY = 0, 1, 2
"""Amounts of lines; totals of a buyer's orders; totals of orders whose lines name several buyers."""


@dataclass(frozen=True, eq=False)
class OrderTally:
    """Orders of several lines: when each could be known, whether one amount stands on each line, which, and how many.

    Attributes
    ----------
    moment, n_lines : int64 arrays of shape (n_orders,)
    same : bool array of shape (n_orders,)
    amount : float64 array of shape (n_orders,)
    """

    moment: Ints
    same: Flags
    amount: NDArray[np.float64]
    n_lines: Ints

    @classmethod
    def of(cls, order: Ints, amount: NDArray[np.float64], moment: Ints) -> OrderTally:
        """Tally the orders of some lines."""
        by_order = pd.DataFrame({"amount": amount, "moment": moment}).groupby(order)
        n_lines = by_order.size().to_numpy()
        several = n_lines > 1
        low, high = (one.to_numpy()[several] for one in (by_order["amount"].min(), by_order["amount"].max()))
        first = by_order["moment"].min().to_numpy()[several]
        return cls(first.astype(np.int64), (low == high) & (low > 0), low, n_lines[several].astype(np.int64))

    def __add__(self, other: OrderTally) -> OrderTally:
        pairs = (
            (getattr(self, name), getattr(other, name)) for name in ("moment", "same", "amount", "n_lines")
        )
        return OrderTally(*(np.concatenate(pair) for pair in pairs))

    @property
    def n_several(self) -> int:
        """Orders of several lines."""
        return len(self.moment)

    def told(self) -> Told:
        """What was known of the amounts at each moment at which an order came."""
        by_time = np.argsort(self.moment, kind="stable")
        moment, same, amount = self.moment[by_time], self.same[by_time], self.amount[by_time]
        n, n_same = np.arange(1, len(moment) + 1), np.cumsum(same, dtype=np.int64)
        times = np.zeros(len(moment), dtype=np.int64)
        times[same] = pd.Series(amount[same]).groupby(amount[same]).cumcount().to_numpy() + 1
        commonest = np.maximum.accumulate(times)
        repeats: Flags = (n >= FEW_ORDERS) & (n_same >= ALMOST_ALL * n) & (commonest <= COMMONEST * n_same)
        longest = np.maximum.accumulate(self.n_lines[by_time])
        last = np.flatnonzero(np.append(moment[1:] != moment[:-1], True)) if len(moment) else np.arange(0)
        return Told(moment[last], n[last], n_same[last], repeats[last], longest[last])


@dataclass(frozen=True, eq=False)
class Told:
    """At moments in order: orders known by then, how many repeat an amount, whether these are totals, the longest."""

    moment: Ints
    n: Ints
    n_same: Ints
    repeats: Flags
    longest: Ints


@dataclass(frozen=True, eq=False)
class AmountsRead:
    """How amounts are read, moment by moment, as the orders known at each moment say.

    Attributes
    ----------
    moment : int64 array of shape (n_changes,)
        From when on, in order.
    state : int64 array of shape (n_changes,)
        ``LINES``, ``TOTALS`` or ``TOTALS_OF_MANY``; before the first moment ``LINES``.
    """

    moment: Ints
    state: Ints

    @classmethod
    def of(cls, own: OrderTally, shared: OrderTally | None = None) -> AmountsRead:
        """As the orders of each buyer tell, and while these are few, orders whose lines may name several buyers.

        Examples
        --------
        >>> days = np.arange(30)
        >>> tally = OrderTally(days, np.full(30, True), days + 5.0, np.full(30, 2))
        >>> read = AmountsRead.of(tally)
        >>> read.moment.tolist(), read.state.tolist(), read.at(np.array([18, 19, 99])).tolist()
        ([19], [1], [0, 1, 1])
        """
        told = own.told()
        if shared is None:
            return cls(told.moment, np.where(told.repeats, TOTALS, LINES).astype(np.int64))._changes()
        many = shared.told()
        moment = np.union1d(told.moment, many.moment).astype(np.int64)
        n = _at(told.moment, told.n, moment)
        few = n < FEW_ORDERS
        totals = few & _at(many.moment, many.repeats & (many.longest <= MOST_LINES), moment).astype(bool)
        state = np.where(
            _at(told.moment, told.repeats, moment) == 1, TOTALS, np.where(totals, TOTALS_OF_MANY, LINES)
        )
        return cls(moment, state.astype(np.int64))._changes()

    def _changes(self) -> AmountsRead:
        changes = np.flatnonzero(np.diff(np.append(LINES, self.state)) != 0)
        return AmountsRead(self.moment[changes], self.state[changes])

    def at(self, moment: Ints) -> Ints:
        """How an order that comes at each moment is read."""
        return _at(self.moment, self.state, moment)

    @property
    def begins(self) -> tuple[int, int] | None:
        """When amounts could first be told to be totals, and of what orders; None where they never could."""
        return (int(self.moment[0]), int(self.state[0])) if len(self.moment) else None


def _at(moments: Ints, values: Flags | Ints, asked: Ints) -> Ints:
    """The value that holds at each moment asked for, zero before the first."""
    return np.append(0, values).astype(np.int64)[np.searchsorted(moments, asked, side="right")]


def share_totals(sheet: Sheet, door: Door) -> None:
    """A total that stands on every line of its order counts once: each line gets an equal share."""
    amount = sheet.numbers["amount"]
    own = OrderLines.of(sheet, amount)
    if own is None or door.amounts == "line":
        return
    if door.amounts == "order":
        several = np.bincount(own.order)[own.order] > 1
        _share(sheet, own.rows[several], _shares(own)[several])
        return
    many = OrderLines.of(sheet, amount, by_buyer=False)
    assert many is not None
    read = door.amounts if isinstance(door.amounts, AmountsRead) else _read(own, many)
    if read.begins is None:
        return
    begins, first_state = read.begins
    changed = amount.copy()
    early = np.zeros(len(amount), dtype=bool)
    unlike = np.zeros(len(amount), dtype=bool)
    for state, lines in ((TOTALS, own), (TOTALS_OF_MANY, many)):
        several = np.bincount(lines.order)[lines.order] > 1
        before = lines.moment < begins
        mine = several & np.where(before, first_state == state, read.at(lines.moment) == state)
        total = mine & _repeated(lines)
        changed[lines.rows[total]] = _shares(lines)[total]
        early[lines.rows[total & before]] = True
        unlike[lines.rows[mine & ~total]] = True
        if state == TOTALS:
            unlike[lines.rows[several & ~before & (read.at(lines.moment) == LINES)]] = True
    if early.any():
        sheet.numbers["amount_before"] = amount
        sheet.moments["amount_since"] = np.where(early, begins, UNKNOWN_TIME)
    _share(sheet, np.flatnonzero(changed != amount), changed[changed != amount])
    sheet.log.note("lines_among_totals", "kept: as amounts of lines, where other orders state totals", unlike)


def _read(own: OrderLines, many: OrderLines) -> AmountsRead:
    tally = OrderTally.of(own.order, own.amount, own.moment)
    whole = OrderTally.of(many.order, many.amount, many.moment)
    return AmountsRead.of(tally, whole)


def _shares(lines: OrderLines) -> NDArray[np.float64]:
    return np.asarray(lines.amount / np.bincount(lines.order)[lines.order])


def _repeated(lines: OrderLines) -> Flags:
    """Whether one amount stands on each line of its order."""
    by_order = pd.Series(lines.amount).groupby(lines.order)
    low, high = by_order.min().to_numpy(), by_order.max().to_numpy()
    return np.asarray(((low == high) & (low > 0))[lines.order])


def _share(sheet: Sheet, rows: Ints, amounts: NDArray[np.float64]) -> None:
    """Put the shares in the place of the totals, and tell of it."""
    found = np.zeros(sheet.given.n_rows, dtype=bool)
    found[rows] = True
    shared = sheet.numbers["amount"].copy()
    shared[rows] = amounts
    sheet.numbers["amount"] = shared
    sheet.log.note("order_total_repeated", "kept: the total is counted once an order", found)
