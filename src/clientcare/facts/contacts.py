"""The contacts known at a moment, and the questions that care asks of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clientcare.facts.events import Array, EventTable
from clientcare.facts.kinds import (
    RENEWAL_TOPICS,
    TROUBLE,
    Side,
    kinds_started,
    kinds_where,
    plain_topic,
    topic_speaks_of,
)
from clientcare.window import UNKNOWN_TIME

if TYPE_CHECKING:
    from clientcare.history.histories import Histories

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SALE_TOPIC = "sales"
"""A contact on this topic sells, whatever its kind, where the buyer is not known to have started it."""

CARE_KINDS = kinds_where(lambda kind: kind.purpose == "care")
SALE_KINDS = kinds_where(lambda kind: kind.purpose == "sale")
BILL_KINDS = kinds_where(lambda kind: kind.purpose == "bill")
USE_KINDS = kinds_where(lambda kind: kind.purpose == "use")
FACE_TO_FACE_KINDS = kinds_where(lambda kind: kind.face_to_face)
CHECK_IN_KINDS = kinds_where(lambda kind: kind.check_in)
BEYOND_KINDS = kinds_where(lambda kind: kind.beyond)


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

    def topic(self, *topics: str) -> Bools:
        """Rows of some topics, however these are written."""
        levels = map(str, self.events.levels.get("topic", ()))
        return self.one_of("topic", *(level for level in levels if plain_topic(level) in topics))

    def about(self, words: str) -> Bools:
        """Rows whose topic speaks of some words (see :func:`clientcare.facts.kinds.topic_speaks_of`)."""
        levels = map(str, self.events.levels.get("topic", ()))
        return self.one_of("topic", *(topic for topic in levels if topic_speaks_of(topic, words)))

    def number(self, column: str) -> Floats:
        """A column of numbers as far as they were known; NaN where unknown."""
        values = self.events.columns.get(column)
        return np.full(self.events.n_rows, np.nan) if values is None else values.astype(np.float64)

    # What became of it

    @cached_property
    def missed(self) -> Bools:
        """Agreed upon, and did not take place."""
        return self.one_of("status", "missed")

    @cached_property
    def scheduled(self) -> Bools:
        """Planned, or not begun. A complaint or a ticket that is open has taken place."""
        return self.one_of("status", "scheduled") & ~self.kind(*TROUBLE)

    @cached_property
    def moved(self) -> Bools:
        """Agreed upon, and put off to another date. A complaint or a ticket has come in all the same."""
        return self.one_of("status", "rescheduled") & ~self.kind(*TROUBLE)

    @cached_property
    def attempt(self) -> Bools:
        """Tried by the seller, and nobody was reached. A buyer whose call nobody took has spoken."""
        return self.one_of("status", "attempted") & ~self.inbound

    @cached_property
    def took_place(self) -> Bools:
        """Neither missed, nor put off, nor only scheduled, nor an attempt that reached nobody; without a status it took
        place.
        """
        return ~(self.missed | self.moved | self.scheduled | self.attempt)

    @cached_property
    def use(self) -> Bools:
        """A log-in, a page viewed, a mail opened: use, and no contact."""
        return self.took_place & (self.kind(*USE_KINDS) | self.one_of("status", "used"))

    @cached_property
    def kept(self) -> Bools:
        """A contact: it took place, and is more than use."""
        return self.took_place & ~self.use

    # Who started it

    @cached_property
    def outbound(self) -> Bools:
        """Started by the seller, or without a direction and of a kind that the seller usually starts."""
        return self._direction("outbound")

    @cached_property
    def inbound(self) -> Bools:
        """Started by the buyer."""
        return self._direction("inbound")

    @cached_property
    def mutual(self) -> Bools:
        """Both sides came together."""
        return self._direction("mutual")

    @cached_property
    def by_seller(self) -> Bools:
        """The seller took part in starting it."""
        return self.outbound | self.mutual

    @cached_property
    def by_buyer(self) -> Bools:
        """The buyer took part in starting it."""
        return self.inbound | self.mutual

    def _direction(self, side: Side) -> Bools:
        """Rows of a direction; where none is written, of the kinds whose row says who starts them. Of all other
        kinds it is unknown, and counts on no side.
        """
        codes = self.events.columns.get("direction")
        unknown = np.ones(self.events.n_rows, dtype=bool) if codes is None else codes < 0
        return self.one_of("direction", side) | (unknown & self.kind(*kinds_started(side)))

    # What it was for

    @cached_property
    def offers(self) -> Bools:
        """Contacts whose purpose is the next sale: campaigns, and whatever is about sales and not
        the buyer's own voice.
        """
        by_topic = self.topic(SALE_TOPIC) & ~self.inbound & ~self.kind(*BILL_KINDS)
        return self.kept & (self.kind(*SALE_KINDS) | by_topic)

    @cached_property
    def selling(self) -> Bools:
        """Offers and bills."""
        return self.offers | (self.kept & self.kind(*BILL_KINDS))

    @cached_property
    def care(self) -> Bools:
        """Contacts that neither sell nor bill, whoever started them."""
        return self.kept & ~self.selling

    @cached_property
    def care_by_seller(self) -> Bools:
        """Contacts of care that the seller took part in starting."""
        return self.care & self.by_seller

    @cached_property
    def shows_care(self) -> bool:
        """Whether any care by the seller was ever written down, missed and in vain included; a table of tickets or
        campaigns alone shows none.
        """
        tried = ~self.kind(*SALE_KINDS, *BILL_KINDS, *USE_KINDS) & ~self.one_of("status", "used")
        return bool((tried & self.by_seller).any())

    @cached_property
    def beyond(self) -> Bools:
        """Care by the seller that has a value beyond the purchase, by its kind, or by a topic of these names."""
        return self.care_by_seller & (self.kind(*BEYOND_KINDS) | self.topic(*BEYOND_KINDS))

    @cached_property
    def missed_beyond(self) -> Bools:
        """What would have had a value beyond the purchase, and did not take place."""
        return self.missed & self.by_seller & (self.kind(*BEYOND_KINDS) | self.topic(*BEYOND_KINDS))

    @cached_property
    def check_ins(self) -> Bools:
        """Check-ins, meetings, visits and calls that took place and did not sell. What the buyer alone started is the
        buyer's voice, not a check-in.
        """
        return self.care & self.kind(*CHECK_IN_KINDS) & ~self.inbound

    @cached_property
    def missed_check_ins(self) -> Bools:
        """Check-ins, meetings, visits and calls that were agreed upon and did not take place."""
        return self.missed & self.kind(*CHECK_IN_KINDS) & ~self.inbound

    @cached_property
    def renewal_talks(self) -> Bools:
        """Contacts in which the end of a term was talked about: by their kind, or by a topic that says so. A meeting or a
        call about something else is none, and of one without a topic nobody knows.
        """
        by_topic = self.about(RENEWAL_TOPICS) & (self.by_seller | self.exchanges)
        return self.kept & (self.kind("renewal_talk") | by_topic)

    @cached_property
    def asked(self) -> Bools:
        """Contacts that the buyer alone started; a referral asks for nothing."""
        return self.care & self.inbound & ~self.kind("referral")

    @cached_property
    def on_a_form(self) -> Bools:
        """Answers to a form that the seller sent (surveys, ratings): the buyer takes part, and asks for nothing."""
        return self.care & self.kind("feedback")

    @cached_property
    def trouble(self) -> Bools:
        """Complaints and tickets."""
        return self.kept & self.kind(*TROUBLE)

    # What came of it

    @cached_property
    def answered(self) -> Floats:
        """1 answered, 0 not answered as yet, NaN where nothing is recorded.

        An answer that came at or after ``as_of`` is not known, and looks the same as one that never came. What is
        resolved was answered; a call of the buyer that nobody took was not.
        """
        answered = self._settled("answered", "answered_at", "response_hours")
        unwritten = np.isnan(answered)
        answered = np.where(unwritten & self.one_of("status", "answered"), 1.0, answered)
        answered = np.where(unwritten & self.one_of("status", "attempted") & self.inbound, 0.0, answered)
        return np.where(self.resolved == 1, 1.0, answered)

    @cached_property
    def resolved(self) -> Floats:
        """1 resolved or closed, 0 still open, NaN where closing it is not recorded."""
        return self._settled("resolved", "closed_at", "resolution_hours")

    def _settled(self, flag: str, moment: str, hours: str) -> Floats:
        stated = self.number(flag)
        done = (stated == 1) | (~np.isnan(self.number(hours)) & (stated != 0))
        when = self.events.columns.get(moment)
        if when is not None:
            done |= when != UNKNOWN_TIME
        return np.where(done, 1.0, np.where(stated == 0, 0.0, np.nan))

    # Bonds

    @cached_property
    def exchanges(self) -> Bools:
        """Contacts of care that are an exchange in themselves, as far as is known:

        - a mutual contact;
        - one that was answered, by whichever side it was addressed to, or resolved;
        - a kind of both sides at once (a meeting, a call) known to have been kept, and not known to be unanswered;
        - feedback, or any contact that the buyer rated;
        - a referral the buyer made (asking for one is outbound and needs an answer).
        """
        kept = self.one_of("status", "kept") & self.kind(*FACE_TO_FACE_KINDS) & (self.answered != 0)
        voice = self.kind("feedback", "referral") & ~self.outbound
        rated = ~np.isnan(self.number("satisfaction"))
        return np.asarray(self.care & (self.mutual | (self.answered == 1) | kept | voice | rated))

    @cached_property
    def heard(self) -> Bools:
        """Contacts of care in which the buyer heard from the seller: started by the seller, or answered."""
        return np.asarray(self.care & (self.by_seller | (self.inbound & (self.answered == 1))))

    @cached_property
    def voiced(self) -> Bools:
        """Contacts of care in which the buyer spoke: started by the buyer, or an exchange."""
        return np.asarray(self.care & (self.by_buyer | self.exchanges))

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
