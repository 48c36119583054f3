"""Shocks: a price rise, a complaint, a change of the person who looks after a buyer; and who stayed after them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clientcare.facts.contacts import Bools, Contacts, Floats, Ints
from clientcare.facts.events import EventTable
from clientcare.facts.purchase_rows import is_purchase
from clientcare.facts.term_lines import follows, last_paid, stop_days
from clientcare.window import MICROSECONDS_A_DAY

RISE = 1.03
"""A price that is three parts in a hundred higher is a rise: less is rounding, or a step with the cost of living."""
APART_DAYS = 90
"""Rises of one buyer within a quarter are one."""
STAY_DAYS = 90
"""Who is still bound a quarter after a shock has stayed."""
LEAVE_GAPS = 3.0
"""Who has not come for three usual gaps (and a quarter at least) after a shock has left for now."""
LEAST_KNOWN = 3
"""An owner who was in touch three times was known to the buyer; a stand-in for one call was not."""


@dataclass(frozen=True, eq=False)
class Shocks:
    """What hit each buyer before a date, and what became of it; each array has shape (n_buyers,).

    Attributes
    ----------
    price_rises, complaints, owner_changes : float64 arrays
        How many each buyer stayed after.
    stayed, left : float64 arrays
        How many of all were followed by staying, and by leaving; what is still open is in neither.
    """

    price_rises: Floats
    complaints: Floats
    owner_changes: Floats
    stayed: Floats
    left: Floats

    @classmethod
    def known(
        cls,
        n_buyers: int,
        as_of: int,
        transactions: EventTable | None,
        contacts: Contacts | None,
        contracts: EventTable | None,
    ) -> Shocks:
        """The shocks before a moment (microseconds), from tables that hold nothing at or after it."""
        today = as_of // MICROSECONDS_A_DAY
        aftermath = _Aftermath.known(n_buyers, today, transactions, contracts)
        kinds = (
            _rises(transactions, contracts),
            _complaints(contacts),
            _owner_changes(contacts),
        )
        stayed = [aftermath.stayed(*one) for one in kinds]
        left = [aftermath.left(*one) for one in kinds]
        return cls(
            stayed[0], stayed[1], stayed[2], stayed[0] + stayed[1] + stayed[2], left[0] + left[1] + left[2]
        )


@dataclass(frozen=True, eq=False)
class _Aftermath:
    """Until when each buyer was there: last purchase day, first day no longer covered, usual gap."""

    today: int
    last: Ints
    covered: Ints
    patience: Floats

    @classmethod
    def known(
        cls, n_buyers: int, today: int, transactions: EventTable | None, contracts: EventTable | None
    ) -> _Aftermath:
        last, covered = np.full(n_buyers, -1, dtype=np.int64), np.full(n_buyers, -1, dtype=np.int64)
        patience = np.full(n_buyers, float(STAY_DAYS))
        if transactions is not None:
            rows = is_purchase(transactions)
            buyer, day = transactions.buyer[rows], transactions.day[rows].astype(np.int64)
            new = np.ones(len(day), dtype=bool)
            new[1:] = (buyer[1:] != buyer[:-1]) | (day[1:] != day[:-1])
            buyer, day = buyer[new], day[new]
            last[buyer] = day
            first = np.full(n_buyers, 0, dtype=np.int64)
            first[buyer[::-1]] = day[::-1]
            n = np.bincount(buyer, minlength=n_buyers)
            gap = np.where(n > 1, (last - first) / np.maximum(n - 1, 1), 0.0)
            patience = np.maximum(patience, LEAVE_GAPS * gap)
        if contracts is not None:
            np.maximum.at(covered, contracts.buyer, np.minimum(stop_days(contracts), today))
        return cls(today, last, covered, patience)

    def _stays(self, buyer: Ints, day: Ints) -> Bools:
        return np.asarray((self.last[buyer] > day) | (self.covered[buyer] >= day + STAY_DAYS))

    def stayed(self, buyer: Ints, day: Ints) -> Floats:
        """How many of some shocks each buyer bought after, or was bound a quarter after."""
        rows = self._stays(buyer, day)
        return np.bincount(buyer[rows], minlength=len(self.last)).astype(np.float64)

    def left(self, buyer: Ints, day: Ints) -> Floats:
        """How many of some shocks nothing came after, although there was time, and no contract covers the buyer."""
        waited = self.today - day > self.patience[buyer]
        rows = ~self._stays(buyer, day) & waited & (self.covered[buyer] < self.today)
        return np.bincount(buyer[rows], minlength=len(self.last)).astype(np.float64)


def _rises(transactions: EventTable | None, contracts: EventTable | None) -> tuple[Ints, Ints]:
    """Buyer and day of each price rise, from the steps of contracts and from the prices of products bought again."""
    found = [one for one in (_unit_price_rises(transactions), _contract_rises(contracts)) if one is not None]
    if not found:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    buyer = np.concatenate([one[0] for one in found])
    day = np.concatenate([one[1] for one in found])
    order = np.lexsort((day, buyer))
    return _apart(buyer[order], day[order])


def _apart(buyer: Ints, day: Ints) -> tuple[Ints, Ints]:
    """Sorted days of which those within a quarter of the one before count as one with it."""
    new = np.ones(len(day), dtype=bool)
    new[1:] = (buyer[1:] != buyer[:-1]) | (day[1:] - day[:-1] > APART_DAYS)
    return buyer[new], day[new]


def _contract_rises(contracts: EventTable | None) -> tuple[Ints, Ints] | None:
    if contracts is None or not contracts.n_rows or "amount" not in contracts.columns:
        return None
    amount = contracts.columns["amount"].astype(np.float64)
    before = last_paid(amount, follows(contracts))
    rows = (before > 0) & (amount >= RISE * before)
    return contracts.buyer[rows].astype(np.int64), contracts.day[rows].astype(np.int64)


def _unit_price_rises(transactions: EventTable | None) -> tuple[Ints, Ints] | None:
    """Days on which at least half of what was bought again cost more than ever before, as the list or the line says."""
    if transactions is None or "product_id" not in transactions.levels:
        return None
    price = _price_of_unit(transactions)
    if price is None:
        return None
    product = transactions.columns["product_id"].astype(np.int64)
    rows = np.flatnonzero(is_purchase(transactions) & (price > 0) & (product >= 0))
    buyer, day = transactions.buyer[rows].astype(np.int64), transactions.day[rows].astype(np.int64)
    order = np.lexsort((day, product[rows], buyer))
    rows, buyer, day = rows[order], buyer[order], day[order]
    group = buyer * (len(transactions.levels["product_id"]) + 1) + product[rows]
    earlier = _most_before(group, day, price[rows])
    again = ~np.isnan(earlier)
    rose = again & (price[rows] >= RISE * np.where(again, earlier, 1.0))
    key = buyer * 10_000_000 + day
    days, where = np.unique(key[again], return_inverse=True)
    n_again = np.bincount(where, minlength=len(days))
    n_rose = np.bincount(where, weights=rose[again].astype(np.float64), minlength=len(days))
    risen = days[2 * n_rose >= n_again] if len(days) else days
    return risen // 10_000_000, risen % 10_000_000


def _most_before(group: Ints, day: Ints, values: Floats) -> Floats:
    """The largest value of the same group on an earlier day, NaN without one; rows sorted by group and day."""
    if not len(values):
        return values
    ranks, codes = np.unique(values, return_inverse=True)
    starts = np.ones(len(group), dtype=bool)
    starts[1:] = group[1:] != group[:-1]
    number = np.cumsum(starts) - 1
    running = np.maximum.accumulate(codes + number * len(ranks)) - number * len(ranks)
    first_of_day = starts.copy()
    first_of_day[1:] |= day[1:] != day[:-1]
    place = np.maximum.accumulate(np.where(first_of_day, np.arange(len(group)), 0))
    known = ~starts[place]
    return np.where(known, ranks[running[np.maximum(place - 1, 0)]], np.nan)


def _price_of_unit(transactions: EventTable) -> Floats | None:
    """The price of a unit on the list, else what was paid for one; None where neither is known."""
    if "list_price" in transactions.columns:
        return transactions.columns["list_price"].astype(np.float64)
    if not {"amount", "quantity"} <= set(transactions.columns):
        return None
    quantity = transactions.columns["quantity"].astype(np.float64)
    some = quantity > 0
    paid = transactions.columns["amount"] / np.where(some, quantity, 1.0)
    return np.where(some, np.round(paid, 4), np.nan)


def _complaints(contacts: Contacts | None) -> tuple[Ints, Ints]:
    none = np.zeros(0, dtype=np.int64)
    if contacts is None:
        return none, none
    rows = contacts.kept & contacts.kind("complaint")
    return _apart(contacts.buyer[rows].astype(np.int64), contacts.events.day[rows].astype(np.int64))


def _owner_changes(contacts: Contacts | None) -> tuple[Ints, Ints]:
    """Buyer and day of each change of owner: one who was in touch three times is not seen again, another has come."""
    none = np.zeros(0, dtype=np.int64)
    if contacts is None or "owner" not in contacts.events.levels:
        return none, none
    owner = contacts.events.columns["owner"].astype(np.int64)
    rows = np.flatnonzero((owner >= 0) & contacts.kept)
    if not len(rows):
        return none, none
    day = contacts.events.day[rows].astype(np.int64)
    key = contacts.buyer[rows].astype(np.int64) * (len(contacts.events.levels["owner"]) + 1) + owner[rows]
    pairs, where = np.unique(key, return_inverse=True)
    n = np.bincount(where)
    first, last = np.full(len(pairs), np.iinfo(np.int64).max), np.full(len(pairs), -1)
    np.minimum.at(first, where, day)
    np.maximum.at(last, where, day)
    buyer = pairs // (len(contacts.events.levels["owner"]) + 1)
    order = np.lexsort((first, buyer))
    buyer, first, last, n = buyer[order], first[order], last[order], n[order]
    changed = (
        (buyer[1:] == buyer[:-1])
        & (n[:-1] >= LEAST_KNOWN)
        & (last[:-1] < first[1:])
        & (n[1:] >= LEAST_KNOWN - 1)
    )
    return buyer[1:][changed], first[1:][changed]
