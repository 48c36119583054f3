"""What each buyer brings at the end of each period, in whole cents, as known then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clientcare.facts.events import EventTable
from clientcare.facts.terms import rows_in_force
from clientcare.history import Histories
from clientcare.money.periods import Periods

CENTS = 100
NEVER = np.iinfo(np.int64).max
PURCHASES = "(purchases)"
"""The plan of what was bought outside contracts."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Holdings:
    """Money of units (a buyer, or a buyer's part in one plan).

    Attributes
    ----------
    buyer, plan : int64 arrays of shape (n_units,)
        Whose, and the position of its plan in ``plans`` (0 where money is not told by plan).
    plans : list of str
    terms, bought : EventTable or None
        The contracts, and the transactions (the door keeps bills of contracts apart).
    """

    buyer: Ints
    plan: Ints
    plans: list[str]
    terms: EventTable | None
    bought: EventTable | None
    trailing: int | None = None
    n_buyers: int = 0
    _term_unit: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _bought_unit: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _term_cents: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _superseded: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def at_ends(self, periods: Periods) -> Iterator[tuple[Ints, NDArray[np.bool_]]]:
        """At each bound: cents by unit, and which buyers were bound by a contract then (also one of price zero)."""
        starts = np.concatenate([[np.iinfo(np.int64).min], periods.bounds[:-1]])
        for place, (start, end) in enumerate(zip(starts, periods.bounds, strict=True)):
            cents = np.zeros(len(self.buyer), dtype=np.int64)
            bound = np.zeros(self.n_buyers, dtype=bool)
            if self.terms is not None:
                rows = self._rows_that_count(int(end))
                np.add.at(cents, self._term_unit[rows], self._term_cents[rows])
                bound[self.terms.buyer[rows]] = True
            if self.bought is not None and (place or periods.begins_observed):
                since = start if self.trailing is None else end - self.trailing
                if place == 0 and self.trailing is None:
                    since = end  # what came before the first period is not wholly observed
                moment = known_moments(self.bought)
                rows = np.flatnonzero((moment >= since) & (moment < end))
                np.add.at(cents, self._bought_unit[rows], _cents(self.bought, int(end))[rows])
            yield cents, bound

    def _rows_that_count(self, moment: int) -> Ints:
        """Terms in force at a moment as known then; of several rows of one contract the one that began last."""
        assert self.terms is not None
        rows = np.flatnonzero(rows_in_force(self.terms, moment, moment))
        key = self._superseded[rows]
        last = np.ones(len(rows), dtype=bool)
        named = np.flatnonzero(key >= 0)
        if len(named):
            order = named[np.lexsort([self.terms.time[rows[named]], key[named]])]
            last[order[:-1][key[order[1:]] == key[order[:-1]]]] = False
        return rows[last]

    def first_paid(self) -> Ints:
        """When each buyer was first known to bring money, in microseconds; ``NEVER`` for who never did."""
        first = np.full(self.n_buyers, NEVER, dtype=np.int64)
        for events, cents in ((self.terms, self._term_cents), (self.bought, _cents(self.bought))):
            if events is not None:
                paid = np.flatnonzero(cents > 0)
                np.minimum.at(first, events.buyer[paid], known_moments(events)[paid])
        return first


def holdings_of(
    histories: Histories, source: str, by_plan: bool, months: int, trailing_days: int | None
) -> Holdings:
    """Lay out the money of histories.

    Parameters
    ----------
    histories : Histories
    source : {"contracts", "purchases", "both"}
    by_plan : bool
        Whether a buyer's plans are told apart.
    months : int
        How many monthly amounts of a contract stand beside what was bought; 1 where contracts stand alone.
    trailing_days : int or None
        What was bought is counted over so many days up to each end, not over the period.
    """
    terms = histories.events("contracts") if source in ("contracts", "both") else None
    bought = histories.events("transactions") if source in ("purchases", "both") else None
    plans = [PURCHASES]
    keys = []
    term_plan = np.zeros(0, dtype=np.int64)
    if terms is not None:
        term_plan = np.zeros(terms.n_rows, dtype=np.int64)
        if by_plan and "plan" in terms.columns:
            plans += ["(no plan)", *map(str, terms.levels["plan"])]
            term_plan = terms.columns["plan"].astype(np.int64) + 2
        elif by_plan:
            plans += ["(no plan)"]
            term_plan += 1
        keys.append(terms.buyer.astype(np.int64) * len(plans) + term_plan)
    if bought is not None:
        keys.append(bought.buyer.astype(np.int64) * len(plans))
    units = np.unique(np.concatenate(keys)) if keys else np.zeros(0, dtype=np.int64)
    return Holdings(
        buyer=units // len(plans),
        plan=units % len(plans),
        plans=plans,
        terms=terms,
        bought=bought,
        trailing=None if trailing_days is None else trailing_days * 86_400_000_000,
        n_buyers=len(histories.buyer_ids),
        _term_unit=np.searchsorted(units, keys[0]) if terms is not None else np.zeros(0, dtype=np.int64),
        _bought_unit=np.searchsorted(units, keys[-1]) if bought is not None else np.zeros(0, dtype=np.int64),
        _term_cents=_cents(terms) * months,
        _superseded=_contract_keys(terms),
    )


def known_moments(events: EventTable) -> Ints:
    """When each row was first known: when it happened, or when it was recorded where that was later."""
    if events.known is None:
        return events.time
    later: Ints = np.maximum(events.time, events.known)
    return later


def _contract_keys(terms: EventTable | None) -> Ints:
    """The same number for rows of one contract; -1 where a row names none."""
    if terms is None:
        return np.zeros(0, dtype=np.int64)
    codes: Any = terms.columns.get("contract_id")
    if codes is None:
        return np.full(terms.n_rows, -1, dtype=np.int64)
    wide = terms.buyer.astype(np.int64) * (len(terms.levels["contract_id"]) + 1)
    keys: Ints = np.where(codes >= 0, wide + codes, -1)
    return keys


def _cents(events: EventTable | None, as_of: int | None = None) -> Ints:
    """Amounts in whole cents as known at a date, or when each row came; an unknown amount brings nothing that is known."""
    if events is None:
        return np.zeros(0, dtype=np.int64)
    if "amount" not in events.columns:
        return np.zeros(events.n_rows, dtype=np.int64)
    cents: Ints = np.rint(np.nan_to_num(events.as_known("amount", as_of)) * CENTS).astype(np.int64)
    return cents
