"""What each buyer bought and which contracts held them, as known at a moment: the other half of a history of
care.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clientcare.facts.contacts import Bools, Floats, Ints, share
from clientcare.facts.events import Array, EventTable
from clientcare.facts.gaps import distinct_days, median_gap
from clientcare.facts.purchase_rows import is_purchase
from clientcare.facts.runs import distinct
from clientcare.facts.term_lines import follows
from clientcare.facts.terms import cancellation_known_at, rows_in_force, under_notice, with_signed_ahead
from clientcare.history.histories import Histories
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME

OPEN_END = np.inf


@dataclass(frozen=True, eq=False)
class Buying:
    """Transactions and contracts as they were known just before ``as_of`` (microseconds)."""

    n_buyers: int
    as_of: int
    transactions: EventTable | None
    contracts: EventTable | None
    agreed: EventTable | None = None
    """The contracts, with those that were signed before ``as_of`` and begin later."""
    first_contact_day: Floats | None = None
    """Calendar day of each one's first contact, where only contacts are known."""

    @classmethod
    def known(cls, histories: Histories, as_of: int) -> Buying:
        """What was bought and agreed before a moment."""
        transactions, contracts = histories.events("transactions"), histories.events("contracts")
        return cls(
            len(histories.buyer_ids),
            as_of,
            None if transactions is None else transactions.before(as_of),
            None if contracts is None else contracts.before(as_of),
            None if contracts is None else with_signed_ahead(contracts, as_of),
            _first_contact_day(histories, as_of) if transactions is None and contracts is None else None,
        )

    @cached_property
    def purchase_days(self) -> tuple[Ints, Ints]:
        """Buyer and calendar day of each purchase day, sorted, each pair once."""
        if self.transactions is None:
            empty = np.zeros(0, dtype=np.int64)
            return empty, empty
        rows = is_purchase(self.transactions)
        return distinct_days(self.transactions.buyer[rows], self.transactions.day[rows])

    @cached_property
    def n_purchases(self) -> Floats:
        """Number of purchase days; shape (n_buyers,)."""
        return np.bincount(self.purchase_days[0], minlength=self.n_buyers).astype(np.float64)

    @cached_property
    def first_day(self) -> Floats:
        """Calendar day of the first purchase, NaN without one; shape (n_buyers,)."""
        buyer, day = self.purchase_days
        first = np.full(self.n_buyers, np.nan)
        first[buyer[::-1]] = day[::-1]
        return first

    @cached_property
    def last_day(self) -> Floats:
        """Calendar day of the last purchase, NaN without one; shape (n_buyers,)."""
        buyer, day = self.purchase_days
        last = np.full(self.n_buyers, np.nan)
        last[buyer] = day
        return last

    @cached_property
    def usual_gap_days(self) -> Floats:
        """Median days between purchase days; NaN for a buyer with fewer than two of them."""
        return median_gap(*self.purchase_days, self.n_buyers)

    @cached_property
    def bond_day(self) -> Floats:
        """Calendar day on which the earliest contract started, NaN without one; shape (n_buyers,)."""
        first = np.full(self.n_buyers, np.nan)
        if self.contracts is not None:
            first[self.contracts.buyer[::-1]] = self.contracts.day[::-1]
        return first

    @cached_property
    def since_day(self) -> Floats:
        """Calendar day since which somebody is a buyer: first purchase or first contract; NaN where neither
        is known. Where only contacts are known, the first of them.
        """
        since = np.fmin(self.first_day, self.bond_day)
        return since if self.first_contact_day is None else np.fmin(since, self.first_contact_day)

    def net_spend(self, start: int, end: int) -> Floats:
        """Purchases less returns within [start, end); NaN where no amounts are recorded; shape
        (n_buyers,).
        """
        if self.transactions is None or "amount" not in self.transactions.columns:
            return np.full(self.n_buyers, np.nan)
        amount = self.transactions.columns["amount"]
        rows = self._within(start, end) & ~np.isnan(amount)
        return _sum(self.transactions.buyer[rows], amount[rows], self.n_buyers)

    def spent_and_returned(self, start: int, end: int) -> tuple[Floats, Floats]:
        """Gross purchases, and returns as a positive sum, within [start, end); shape (n_buyers,) each."""
        if self.transactions is None or "amount" not in self.transactions.columns:
            return np.zeros(self.n_buyers), np.zeros(self.n_buyers)
        amount = np.nan_to_num(self.transactions.columns["amount"])
        rows = self._within(start, end)
        buyer, amount = self.transactions.buyer[rows], amount[rows]
        spent = _sum(buyer, np.maximum(amount, 0), self.n_buyers)
        return spent, _sum(buyer, np.maximum(-amount, 0), self.n_buyers)

    def n_purchase_days(self, start: int, end: int) -> Floats:
        """Purchase days within the calendar days of [start, end); shape (n_buyers,)."""
        buyer, day = self.purchase_days
        rows = (day >= -(-start // MICROSECONDS_A_DAY)) & (day < -(-end // MICROSECONDS_A_DAY))
        return np.bincount(buyer[rows], minlength=self.n_buyers).astype(np.float64)

    def n_kinds_bought(self, start: int, end: int) -> Floats:
        """Distinct categories (products where there are none) bought within [start, end); NaN where neither
        is known.
        """
        column = None
        if self.transactions is not None:
            column = next(
                (name for name in ("category", "product_id") if name in self.transactions.levels), None
            )
        if self.transactions is None or column is None:
            return np.full(self.n_buyers, np.nan)
        codes = self.transactions.columns[column]
        rows = self._within(start, end) & (codes >= 0) & is_purchase(self.transactions)
        width = len(self.transactions.levels[column]) + 1
        pairs = distinct(self.transactions.buyer[rows].astype(np.int64) * width + codes[rows])
        return np.bincount(pairs // width, minlength=self.n_buyers).astype(np.float64)

    def contract_amount(self, moment: int) -> Floats:
        """Amount a month of the contracts in force just before a moment; NaN for a buyer without contracts
        or amounts.
        """
        if self.contracts is None or "amount" not in self.contracts.columns:
            return np.full(self.n_buyers, np.nan)
        rows = rows_in_force(self.contracts, moment)
        amount = np.nan_to_num(self.contracts.columns["amount"][rows])
        total = _sum(self.contracts.buyer[rows], amount, self.n_buyers)
        return np.where(np.isnan(self.bond_day), np.nan, total)

    @cached_property
    def bound(self) -> Bools:
        """Whether a contract is in force just before ``as_of``; shape (n_buyers,)."""
        bound = np.zeros(self.n_buyers, dtype=bool)
        if self.contracts is not None:
            bound[self.contracts.buyer[rows_in_force(self.contracts, self.as_of)]] = True
        return bound

    @cached_property
    def covered_until_day(self) -> Floats:
        """Last day covered by the contracts in force: infinite for an open-ended one, NaN where none is in
        force.
        """
        return self._last_cover[0]

    @cached_property
    def term_days(self) -> Floats:
        """Length of the term that ends last among those in force: infinite if open-ended, NaN where none is
        in force.
        """
        return self._last_cover[1]

    @cached_property
    def _last_cover(self) -> tuple[Floats, Floats]:
        until, term = np.full(self.n_buyers, np.nan), np.full(self.n_buyers, np.nan)
        if self.contracts is None:
            return until, term
        rows = np.flatnonzero(rows_in_force(self.contracts, self.as_of))
        buyer, start = self.contracts.buyer[rows], self.contracts.day[rows]
        ends = scheduled_end_day(self.contracts)[rows]
        order = np.lexsort((ends, buyer))
        until[buyer[order]] = ends[order]
        term[buyer[order]] = (ends - start)[order]
        return until, term

    @cached_property
    def ends(self) -> tuple[Ints, Floats, Floats]:
        """Buyer, last day and length of every term in force that ends, save those whose successor has been signed and those
        under notice.

        A buyer's ends ascend.
        """
        if self.agreed is None:
            nobody = np.zeros(0)
            return nobody.astype(np.int64), nobody, nobody
        renewed = np.zeros(self.agreed.n_rows, dtype=bool)
        before = follows(self.agreed)
        renewed[before[before >= 0]] = True
        end = scheduled_end_day(self.agreed)
        open_still = ~renewed & ~under_notice(self.agreed, self.as_of) & np.isfinite(end)
        rows = np.flatnonzero(rows_in_force(self.agreed, self.as_of) & open_still)
        rows = rows[np.lexsort((end[rows], self.agreed.buyer[rows]))]
        return self.agreed.buyer[rows].astype(np.int64), end[rows], end[rows] - self.agreed.day[rows]

    @cached_property
    def notice(self) -> tuple[Floats, Floats]:
        """Day of the latest notice of a contract still in force, and the day on which that service ends; shape (n_buyers,)
        each.

        NaN where none was given; the end of service is infinite where it is not known.
        """
        given, ends = np.full(self.n_buyers, np.nan), np.full(self.n_buyers, np.nan)
        if self.contracts is not None:
            rows = np.flatnonzero(under_notice(self.contracts, self.as_of))
            day = (cancellation_known_at(self.contracts)[rows] // MICROSECONDS_A_DAY).astype(np.float64)
            rows, day = rows[np.argsort(day, kind="stable")], np.sort(day)
            given[self.contracts.buyer[rows]] = day
            ends[self.contracts.buyer[rows]] = actual_end_day(self.contracts)[rows]
        return given, ends

    def _within(self, start: int, end: int) -> Bools:
        assert self.transactions is not None
        return (self.transactions.time >= start) & (self.transactions.time < end)


def _sum(buyer: Array, values: Array, n_buyers: int) -> Floats:
    return np.asarray(np.bincount(buyer, weights=values, minlength=n_buyers), dtype=np.float64)


def _first_contact_day(histories: Histories, as_of: int) -> Floats:
    first = np.full(len(histories.buyer_ids), np.nan)
    events = histories.events("interactions")
    if events is not None:
        known = events.before(as_of)
        first[known.buyer[::-1]] = known.day[::-1]
    return first


def scheduled_end_day(contracts: EventTable) -> Floats:
    """Last calendar day of each contract as agreed; infinite where it is open-ended; shape (n_rows,)."""
    end = contracts.columns.get("end")
    if end is None:
        return np.full(contracts.n_rows, OPEN_END)
    return np.where(end == UNKNOWN_TIME, OPEN_END, (end // MICROSECONDS_A_DAY).astype(np.float64))


def actual_end_day(contracts: EventTable) -> Floats:
    """Last calendar day of each contract, a cancellation that is known counted; infinite where it runs on."""
    ends = scheduled_end_day(contracts)
    cancelled = contracts.columns.get("cancelled_at")
    if cancelled is None:
        return ends
    day = np.where(cancelled == UNKNOWN_TIME, OPEN_END, (cancelled // MICROSECONDS_A_DAY).astype(np.float64))
    return np.minimum(ends, day)


def growth_share(now: Floats, before: Floats) -> Floats:
    """Share of two stretches' sum that falls in the later one: 0.5 is level, NaN where both are empty or
    unknown.
    """
    now, before = np.maximum(now, 0), np.maximum(before, 0)
    return share(now, now + before)
