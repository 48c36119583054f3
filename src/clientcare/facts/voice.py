"""The buyer's own voice: when a buyer last spoke, how often that is usual, and when it has stopped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clientcare.facts.contacts import Bools, Contacts, Floats
from clientcare.facts.events import Array
from clientcare.facts.gaps import distinct_days, longest_gap, median_gap

FEWEST_DAYS = 4
"""Days on which a buyer must have spoken: fewer than three gaps tell nothing of what is usual."""

TIMES_USUAL = 3.0
"""A silence of so many usual gaps is unusual. A buyer who speaks at random passes it once in eight gaps, so that it
counts only where it is also longer than every gap before."""

LEAST_SILENT_DAYS = 21
"""Three weeks: holidays and illness are no silence, however often somebody speaks."""

LATELY_DAYS = 60
"""Two months hold a holiday and still show a change."""

FEWEST_EXPECTED = 4.0
FADED_SHARE = 1 / 3
"""Of at least four days on which a buyer would have spoken, at most a third were: by chance alone (Poisson) one in twenty to
fifty, of four to nine expected, and that chance is halved again by asking for two standard errors."""


@dataclass(frozen=True, eq=False)
class Fading:
    """Who speaks much less than before; arrays of shape (n_buyers,).

    Attributes
    ----------
    lately : float array
        Days of the last 60 on which the buyer spoke.
    expected : float array
        Days of 60 on which the buyer spoke in the year before; NaN with less than half a year of it.
    """

    lately: Floats
    expected: Floats

    @classmethod
    def of(cls, buyer: Array, day: Array, n_buyers: int, today: int) -> Fading:
        """From the buyer and the day of each time somebody spoke, sorted by both.

        Examples
        --------
        >>> days = np.arange(0, 300, 7)
        >>> fading = Fading.of(np.zeros(len(days), int), days, 1, 350)
        >>> fading.lately, fading.expected.round(1), fading.found
        (array([1.]), array([8.7]), array([ True]))
        """
        buyer, day = distinct_days(buyer, day)
        first = np.full(n_buyers, np.nan)
        first[buyer[::-1]] = day[::-1]
        begin = np.maximum(first, float(today - LATELY_DAYS - 365))
        span = today - LATELY_DAYS - begin
        late = day >= today - LATELY_DAYS
        lately = np.bincount(buyer[late], minlength=n_buyers).astype(np.float64)
        before = np.bincount(buyer[~late & (day >= begin[buyer])], minlength=n_buyers)
        known = span >= 182
        expected = np.where(known, before * LATELY_DAYS / np.where(known, span, 1.0), np.nan)
        return cls(lately, expected)

    @property
    def found(self) -> Bools:
        """Who spoke on at most a third of the days that would be usual, and on fewer than chance explains."""
        fell = self.expected - self.lately
        few = (self.lately <= FADED_SHARE * self.expected) & (fell > 2 * np.sqrt(self.expected))
        return np.asarray((self.expected >= FEWEST_EXPECTED) & few)


@dataclass(frozen=True, eq=False)
class Voice:
    """When buyers spoke; arrays of shape (n_buyers,).

    Attributes
    ----------
    last_day : float array
        Calendar day on which the buyer last spoke; NaN for who never did.
    usual_gap_days, longest_gap_days : float array
        Median and longest days between the days on which the buyer spoke; NaN with fewer than four such days.
    """

    last_day: Floats
    usual_gap_days: Floats
    longest_gap_days: Floats

    @classmethod
    def of(cls, buyer: Array, day: Array, n_buyers: int) -> Voice:
        """From the buyer and the day of each time somebody spoke, sorted by both.

        Examples
        --------
        >>> voice = Voice.of(np.zeros(4, int), np.array([0, 7, 14, 21]), 1)
        >>> voice.usual_gap_days, voice.silent(100)
        (array([7.]), array([ True]))
        """
        buyer, day = distinct_days(buyer, day)
        last = np.full(n_buyers, np.nan)
        last[buyer] = day  # days ascend within a buyer, the last one stays
        often = np.bincount(buyer, minlength=n_buyers) >= FEWEST_DAYS
        usual = np.where(often, median_gap(buyer, day, n_buyers), np.nan)
        longest = np.where(often, longest_gap(buyer, day, n_buyers), np.nan)
        return cls(last, usual, longest)

    @classmethod
    def known(cls, contacts: Contacts) -> Voice:
        """What is known of a table of contacts: see :attr:`clientcare.facts.contacts.Contacts.voiced`."""
        rows = contacts.voiced
        return cls.of(contacts.buyer[rows], contacts.events.day[rows], contacts.events.n_buyers)

    def silent(self, today: int) -> Bools:
        """Who has fallen silent: at least three usual gaps, three weeks, and longer than ever before."""
        days = today - self.last_day
        least = np.maximum(TIMES_USUAL * self.usual_gap_days, LEAST_SILENT_DAYS)
        return np.asarray((days >= least) & (days > self.longest_gap_days))
