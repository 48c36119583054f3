"""Where every buyer stands at a moment, and what a finder of due actions answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from clientcare.care.check_ins import CheckIns
from clientcare.care.complaints import RECENT_DAYS, known_resolved
from clientcare.facts.contacts import Bools, Contacts, Floats, Ints
from clientcare.facts.kinds import NOTICE_TOPICS
from clientcare.facts.voice import Fading, Voice
from clientcare.outcomes.buying import Buying, actual_end_day, scheduled_end_day
from clientcare.window import MICROSECONDS_A_DAY

LOW_RATING = 0.4
FALL_OF_RATING = 0.2


@dataclass(frozen=True, eq=False)
class Standing:
    """Where every buyer stands at a moment; all arrays have shape (n_buyers,) and cover all buyers of the
    histories.

    ``listed`` says who is in the book and known; only they can be planned for. ``cadence_days`` says how long each may
    go without a contact, ``has_referred`` whom another buyer known by then names as having referred them.
    """

    buying: Buying
    contacts: Contacts | None
    listed: Bools
    churn_risk: Floats
    is_client: Bools
    cadence_days: Floats
    warning_line: float
    has_referred: Bools

    @property
    def today(self) -> int:
        """Calendar day of ``as_of``."""
        return self.buying.as_of // MICROSECONDS_A_DAY

    @property
    def n_buyers(self) -> int:
        """All buyers of the histories."""
        return self.buying.n_buyers

    @property
    def shows_care(self) -> bool:
        """Whether the histories can show what the seller does for buyers."""
        return self.contacts is not None and self.contacts.shows_care

    @cached_property
    def voice(self) -> Voice:
        """When buyers spoke; nothing is known of it without interactions."""
        if self.contacts is None:
            empty = np.zeros(0, dtype=np.int64)
            return Voice.of(empty, empty, self.n_buyers)
        return Voice.known(self.contacts)

    @cached_property
    def fading(self) -> Fading:
        """Who speaks much less than before."""
        empty = np.zeros(0, dtype=np.int64)
        if self.contacts is None:
            return Fading.of(empty, empty, self.n_buyers, self.today)
        rows = self.contacts.voiced
        return Fading.of(self.contacts.buyer[rows], self.contacts.events.day[rows], self.n_buyers, self.today)

    @cached_property
    def missed_in_a_row(self) -> Floats:
        """Check-ins missed since the last one that was kept, or since the buyer last spoke."""
        if self.contacts is None:
            return np.zeros(self.n_buyers)
        check_ins = CheckIns(self.contacts)
        kept = self.contacts.last_time((check_ins.kept | self.contacts.voiced) & check_ins.sure)
        later = self.contacts.time > np.nan_to_num(kept, nan=-np.inf)[self.contacts.buyer]
        return self.contacts.count(check_ins.missed & later)

    @cached_property
    def silent(self) -> Bools:
        """Who no longer speaks: silent against the own rhythm, or two check-ins in a row missed and not a word since."""
        return self.voice.silent(self.today) | (self.missed_in_a_row >= 2)

    @cached_property
    def rating(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Latest rating, its day, the mean of those before (two or more), and how many there are."""
        n_buyers = self.n_buyers
        latest, when = np.full(n_buyers, np.nan), np.full(n_buyers, np.nan)
        if self.contacts is None:
            return latest, when, latest, np.zeros(n_buyers)
        rating = self.contacts.number("satisfaction")
        rows = np.flatnonzero(self.contacts.kept & ~np.isnan(rating))
        owner = self.contacts.buyer[rows]
        latest[owner], when[owner] = rating[rows], self.contacts.events.day[rows]  # the last one stays
        n = np.bincount(owner, minlength=n_buyers).astype(np.float64)
        total = np.bincount(owner, weights=rating[rows], minlength=n_buyers)
        before = np.where(n > 2, (total - np.nan_to_num(latest)) / np.maximum(n - 1, 1), np.nan)
        return latest, when, before, n

    @cached_property
    def rates_low(self) -> Bools:
        """Whose latest rating of the last half year is low, or lies well under their own earlier ones."""
        latest, when, before, _ = self.rating
        low = (before - latest >= FALL_OF_RATING - 1e-9) | (latest <= LOW_RATING)
        return np.asarray((self.today - when <= RECENT_DAYS) & low)

    @cached_property
    def open_trouble(self) -> Bools:
        """Complaints and longer tickets of the last half year that are known to be open; shape (n_rows,)."""
        if self.contacts is None:
            return np.zeros(0, dtype=bool)
        age = self.today - self.contacts.events.day
        rows = self.contacts.trouble & (known_resolved(self.contacts) == 0) & (age <= RECENT_DAYS)
        return np.asarray(rows & (self.contacts.kind("complaint") | (age > 3)))

    @cached_property
    def unhappy(self) -> Bools:
        """Who has a complaint open, or rates low."""
        if self.contacts is None:
            return self.rates_low
        open_still = known_resolved(self.contacts) == 0
        complaint = self.contacts.kept & self.contacts.kind("complaint") & open_still
        return self.rates_low | (self.contacts.count(complaint | self.open_trouble) > 0)

    @cached_property
    def buying_ratio(self) -> Floats:
        """Days since the last purchase in own usual gaps; NaN with fewer than three purchase days."""
        usual = np.where(self.buying.n_purchases >= 3, self.buying.usual_gap_days, np.nan)
        silent = self.today - self.buying.last_day
        return np.where(np.isnan(usual), np.nan, silent / np.where(usual > 0, usual, np.nan))

    @cached_property
    def leaving(self) -> Bools:
        """Who has given notice or up, is at risk, or buys no longer as usual."""
        overdue = (self.buying_ratio >= 2) & ~self.buying.bound
        at_risk = self.churn_risk >= self.warning_line
        return overdue | at_risk | ~np.isnan(self.buying.notice[0]) | self.just_left

    @cached_property
    def notice_open_day(self) -> Floats:
        """Day of a notice that nobody is known to have talked about with the buyer since; NaN without one.

        A talk about it is one by its topic, or a talk about the renewal, that the seller took part in or the buyer answered.
        """
        given = self.buying.notice[0]
        if self.contacts is None:
            return given
        about = self.contacts.about(NOTICE_TOPICS) & (self.contacts.by_seller | self.contacts.exchanges)
        talks = (self.contacts.kept & about) | self.contacts.renewal_talks
        talked = self.contacts.last_time(talks) // MICROSECONDS_A_DAY
        return np.where(talked >= given, np.nan, given)

    @cached_property
    def cancelled_day(self) -> Floats:
        """Day on which a buyer's latest contract was cancelled before its end, NaN without one."""
        day = np.full(self.n_buyers, np.nan)
        contracts = self.buying.contracts
        if contracts is not None:
            actual = actual_end_day(contracts)
            cut = actual < scheduled_end_day(contracts)
            day[contracts.buyer[cut]] = actual[cut]
        return day

    @cached_property
    def ended_day(self) -> Floats:
        """Last day of the last contract of a buyer who has none in force now; NaN for all others."""
        day = np.full(self.n_buyers, np.nan)
        contracts = self.buying.contracts
        if contracts is not None:
            np.fmax.at(day, contracts.buyer, np.minimum(actual_end_day(contracts), float(self.today)))
        return np.where(self.buying.bound, np.nan, day)

    @cached_property
    def just_left(self) -> Bools:
        """Who gave up a contract within the last 30 days and has no other."""
        return np.asarray((self.today - self.cancelled_day <= 30) & ~self.buying.bound)

    @cached_property
    def glad(self) -> Bools:
        """To whom good news may be sent: neither silent or fading, nor unhappy, nor leaving."""
        return np.asarray(~(self.silent | self.fading.found | self.unhappy | self.leaving))


@dataclass(frozen=True, eq=False)
class Due:
    """Some buyers' due actions of one kind: parallel arrays of shape (n_due,), and the numbers their
    sentences need.

    ``evidence_day`` is the calendar day of the newest thing that an action rests on (the latest complaint, the day before
    a silence became unusual): what was settled before that day is asked again. None where nothing new can come.
    """

    buyer: Ints
    due_day: Floats
    urgency: Floats
    facts: Mapping[str, Any] = field(default_factory=dict)
    evidence_day: Floats | None = None


def nobody() -> Due:
    """Nothing is due, or it cannot be seen."""
    return Due(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))


def latest_day(contacts: Contacts, rows: Bools) -> Floats:
    """Day of the latest of some contacts by buyer."""
    return np.asarray(contacts.last_time(rows) // MICROSECONDS_A_DAY)


def first_day(contacts: Contacts, rows: Bools) -> tuple[Floats, Floats]:
    """Day of the earliest of some contacts by buyer, and how many there are."""
    first = np.full(contacts.events.n_buyers, np.nan)
    places = np.flatnonzero(rows)[::-1]
    first[contacts.buyer[places]] = contacts.events.day[places]
    return first, contacts.count(rows)
