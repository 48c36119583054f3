"""The contacts of a snapshot as runs of each buyer, and what a feature asks of a run.

What a contact is, who started it and what came of it is said by :class:`clientcare.facts.contacts.Contacts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from clientcare.facts.contacts import Contacts
from clientcare.facts.events import EventTable
from clientcare.facts.runs import Array, Floats, Runs, distinct, ratio, where
from clientcare.features.snapshot import Snapshot
from clientcare.window import MICROSECONDS_A_DAY

REPLY_DAYS = 14
"""A contact by the other side within so many days counts as a reply."""


@dataclass(frozen=True, eq=False)
class ContactRuns:
    """Contacts known at a date, of the buyers of a snapshot, sorted by buyer and time.

    Attributes
    ----------
    runs : Runs
        The run of contacts of each buyer.
    facts : Contacts
        The contacts, as they were known.
    age : int array of shape (n_rows,)
        Days from each contact to the date.
    """

    runs: Runs
    facts: Contacts
    age: Array

    @classmethod
    def known(cls, at: Snapshot) -> ContactRuns:
        """The contacts known at the date of a snapshot."""
        runs, events = at.known_rows("interactions")
        return cls(runs, Contacts(events, at.moment), at.today - events.day.astype(np.int64))

    @property
    def events(self) -> EventTable:
        """The contacts as a table of events."""
        return self.facts.events

    # Which contacts

    def kind(self, *kinds: str) -> Array:
        """Contacts of some kinds."""
        return self.facts.kind(*kinds) & self.facts.kept

    # Reductions

    def count(self, which: Array) -> Floats:
        """How many of some contacts each buyer had."""
        return self.runs.tally(which).astype(np.float64)

    def count_within(self, which: Array, days: int) -> Floats:
        """How many of some contacts each buyer had in the last so many days."""
        return self.count(which & (self.age <= days))

    def only(self, which: Array) -> tuple[Runs, Array]:
        """The runs and the ages of some contacts alone."""
        rows = np.flatnonzero(which)
        return Runs(self.runs.row[rows], self.runs.n_runs), self.age[rows]

    def days_since_last(self, which: Array) -> Floats:
        """Days since the last of some contacts; NaN without one."""
        runs, age = self.only(which)
        return runs.last(age)

    def days_since_first(self, which: Array) -> Floats:
        """Days since the first of some contacts; NaN without one."""
        runs, age = self.only(which)
        return runs.first(age)

    def number(self, column: str, use: bool = False) -> tuple[Runs, Array, Array]:
        """Contacts (and use) with a known number in a column: runs, numbers and ages."""
        values = self.facts.number(column)
        rows = np.flatnonzero(~np.isnan(values) & (self.facts.took_place if use else self.facts.kept))
        return Runs(self.runs.row[rows], self.runs.n_runs), values[rows], self.age[rows]

    def mean(self, column: str) -> Floats:
        """Mean of the known numbers of a column; NaN without any."""
        runs, values, _ = self.number(column)
        return ratio(runs.sum(values), runs.count)

    def replies(self, asked: Array, replied: Array) -> tuple[Floats, Floats]:
        """Share of some contacts that the other side followed within 14 days, and the mean days it took.

        Contacts of the last 14 days that are not followed yet are left out of the share.
        """
        lag = self._days_to_next(replied)
        soon = lag <= REPLY_DAYS
        settled = asked & (soon | (self.age > REPLY_DAYS))
        n_replied = self.count(asked & soon)
        days = self.runs.sum(np.where(asked & soon, lag, 0.0))
        return ratio(n_replied, self.count(settled)), ratio(days, n_replied)

    def _days_to_next(self, which: Array) -> Floats:
        """Days from each contact to the buyer's next one of some contacts; infinite where there is none."""
        n = self.events.n_rows
        if n == 0:
            return np.zeros(0)
        place = np.append(np.where(which, np.arange(n), n), n)
        following = np.minimum.accumulate(place[::-1])[::-1][1:]
        there = following < n
        there[there] &= self.runs.row[following[there]] == self.runs.row[there]
        lag = np.full(n, np.inf)
        lag[there] = (self.events.time[following[there]] - self.events.time[there]) / MICROSECONDS_A_DAY
        return lag

    def distinct(self, column: str, which: Array) -> Floats:
        """How many different values of a coded column some contacts have."""
        codes: Any = self.events.columns[column]
        rows = np.flatnonzero(which & (codes >= 0))
        pairs = distinct(self.runs.row[rows] * (len(self.events.levels[column]) + 1) + codes[rows])
        buyers = pairs // (len(self.events.levels[column]) + 1)
        return np.bincount(buyers, minlength=self.runs.n_runs).astype(np.float64)

    def later_less_earlier(self, column: str) -> Floats:
        """Mean of the later half of a column's known numbers less that of the earlier half."""
        runs, values, _ = self.number(column)
        n_earlier = runs.count // 2
        is_later = np.arange(len(values)) >= (runs.start + n_earlier)[runs.row]
        later = ratio(runs.sum(np.where(is_later, values, 0.0)), runs.count - n_earlier)
        return where(n_earlier > 0, later - ratio(runs.sum(np.where(is_later, 0.0, values)), n_earlier))
