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
