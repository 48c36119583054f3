"""The contacts known at a moment, and the questions that care asks of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clientcare.facts.events import Array, EventTable
from clientcare.window import UNKNOWN_TIME

if TYPE_CHECKING:
    from clientcare.history.histories import Histories

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SELLING_KINDS = ("campaign", "invoice", "usage")
"""An offer, a bill, a log-in: they are counted nowhere as care."""

BEYOND_KINDS = ("advice", "check_in", "event", "feedback", "onboarding", "referral", "training", "visit")
"""Contacts whose purpose is the buyer's own interest and peace of mind, not a sale."""

OFFER_KINDS = ("campaign", "renewal_talk")
"""Contacts whose purpose is the next sale."""

INBOUND_BY_NATURE = ("complaint", "feedback", "referral", "support_ticket", "usage")
MUTUAL_BY_NATURE = ("call", "meeting", "visit")
OUTBOUND_BY_NATURE = (
    "advice",
    "campaign",
    "check_in",
    "event",
    "invoice",
    "onboarding",
    "renewal_talk",
    "training",
)


@dataclass(frozen=True, eq=False)
class Contacts:
    """Interactions as they were known just before ``as_of`` (microseconds); every mask has shape
    (n_rows,).
    """

    events: EventTable
    as_of: int

    @classmethod
    def known(cls, histories: Histories, as_of: int) -> Contacts | None:
        """The contacts known at a moment; None where no table of interactions was given."""
        events = histories.events("interactions")
        return None if events is None else cls(events.before(as_of), as_of)

    @property
    def buyer(self) -> Array:
        """Position of each contact's buyer."""
        return self.events.buyer

    @property
    def time(self) -> Ints:
        """Moment of each contact."""
        return self.events.time

    def one_of(self, column: str, *texts: str) -> Bools:
        """Rows whose coded column holds one of some texts; nowhere where there is no such column."""
        codes = self.events.columns.get(column)
        if codes is None or column not in self.events.levels:
            return np.zeros(self.events.n_rows, dtype=bool)
        wanted = np.isin(np.asarray(self.events.levels[column], dtype=object).astype(str), texts)
        return np.asarray(np.append(wanted, False)[codes])

    def kind(self, *kinds: str) -> Bools:
        """Rows of some kinds."""
        return self.one_of("kind", *kinds)

    def number(self, column: str) -> Floats:
        """A column of numbers as far as they were known; NaN where unknown."""
        values = self.events.columns.get(column)
        return np.full(self.events.n_rows, np.nan) if values is None else values.astype(np.float64)

    @cached_property
    def missed(self) -> Bools:
        """Agreed upon, and did not take place."""
        return self.one_of("status", "missed")

    @cached_property
    def kept(self) -> Bools:
        """Took place: neither missed nor only scheduled. A contact without a status took place."""
        return ~self.one_of("status", "missed", "scheduled")

    @cached_property
    def outbound(self) -> Bools:
        """Started by the seller; a contact without a direction is taken by the nature of its kind."""
        return self._direction("outbound", OUTBOUND_BY_NATURE)

    @cached_property
    def inbound(self) -> Bools:
        """Started by the buyer."""
        return self._direction("inbound", INBOUND_BY_NATURE)

    @cached_property
    def mutual(self) -> Bools:
        """Both sides came together."""
        return self._direction("mutual", MUTUAL_BY_NATURE)

    def _direction(self, name: str, by_nature: tuple[str, ...]) -> Bools:
        codes = self.events.columns.get("direction")
        unknown = np.ones(self.events.n_rows, dtype=bool) if codes is None else codes < 0
        return self.one_of("direction", name) | (unknown & self.kind(*by_nature))

    @cached_property
    def selling(self) -> Bools:
        """Offers, bills and log-ins."""
        return self.kind(*SELLING_KINDS)

    @cached_property
    def care(self) -> Bools:
        """Kept contacts that do not sell, whoever started them."""
        return self.kept & ~self.selling

    @cached_property
    def care_by_seller(self) -> Bools:
        """Kept contacts that do not sell and in which the seller took part of their own accord."""
        return self.care & (self.outbound | self.mutual)

    @cached_property
    def shows_care(self) -> bool:
        """Whether any care by the seller was ever written down; a table of tickets or campaigns alone shows
        none.
        """
        return bool(self.care_by_seller.any())

    @cached_property
    def answered(self) -> Floats:
        """1 answered, 0 not answered as yet, NaN where answers to this kind of contact are not recorded.

        An answer that came at or after ``as_of`` is not known, and must look the same as one that never
        came. So, where answers to a kind are recorded at all, a contact of that kind without a known answer
        is open. What is resolved was answered.
        """
        answered = self._settled("answered", "answered_at", "response_hours")
        return np.where(~np.isnan(answered) & (self.resolved == 1), 1.0, answered)

    @cached_property
    def resolved(self) -> Floats:
        """1 resolved or closed, 0 still open, NaN where closing this kind of contact is not recorded."""
        return self._settled("resolved", "closed_at", "resolution_hours")

    def _settled(self, flag: str, moment: str, hours: str) -> Floats:
        stated = self.number(flag)
        done = (stated == 1) | ~np.isnan(self.number(hours))
        when = self.events.columns.get(moment)
        if when is not None:
            done |= when != UNKNOWN_TIME
        recorded = done | (stated == 0)
        open_or_done = np.where(done, 1.0, 0.0)
        codes = self.events.columns.get("kind")
        if codes is None:
            return np.where(recorded, open_or_done, np.nan)
        levels = len(self.events.levels["kind"])
        tracked = np.bincount(codes[recorded] + 1, minlength=levels + 1) > 0
        return np.where(tracked[codes + 1], open_or_done, np.nan)

    def count(self, rows: Bools) -> Floats:
        """How many of some contacts each buyer has; shape (n_buyers,)."""
        return np.bincount(self.buyer[rows], minlength=self.events.n_buyers).astype(np.float64)

    def mean(self, values: Floats, rows: Bools) -> tuple[Floats, Floats]:
        """Mean of the known values by buyer (NaN without any), and how many there were; shape (n_buyers,)
        each.
        """
        rows = rows & ~np.isnan(values)
        n = self.count(rows)
        total = np.bincount(self.buyer[rows], weights=values[rows], minlength=self.events.n_buyers)
        return share(np.asarray(total, dtype=np.float64), n), n

    def last_time(self, rows: Bools) -> Floats:
        """Moment of the last of some contacts by buyer, in microseconds, NaN without any; shape
        (n_buyers,).
        """
        last = np.full(self.events.n_buyers, np.nan)
        last[self.buyer[rows]] = self.time[rows]  # rows ascend in time within a buyer, the last one stays
        return last


def share(part: Floats, whole: Floats) -> Floats:
    """``part / whole``; NaN where there is no whole.

    Examples
    --------
    >>> share(np.array([1.0, 0.0]), np.array([4.0, 0.0]))
    array([0.25,  nan])
    """
    known = whole > 0
    return np.where(known, part / np.where(known, whole, 1.0), np.nan)


def mean_of_known(*parts: Floats) -> Floats:
    """Mean of several measures, each only where it is known; NaN where none is.

    Examples
    --------
    >>> mean_of_known(np.array([1.0, np.nan]), np.array([0.0, np.nan]))
    array([0.5, nan])
    """
    stacked = np.stack(parts)
    known = ~np.isnan(stacked)
    return share(np.where(known, stacked, 0.0).sum(axis=0), known.sum(axis=0).astype(np.float64))
