"""The period a report speaks of, and its stretches of the cadence, buyer by buyer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from clientcare.facts.contacts import Bools, Contacts, Floats, Ints
from clientcare.facts.runs import distinct
from clientcare.history.histories import Histories
from clientcare.outcomes.buying import Buying, actual_end_day
from clientcare.window import MICROSECONDS_A_DAY, day_number, microseconds


@dataclass(frozen=True)
class Period:
    """The stretch a report speaks of, all in microseconds but ``observed_from_day`` and ``cadence_days``.

    ``cadence_days`` is how long each buyer may go without a contact; None where the same is due to all.
    """

    as_of: int
    length: int
    cadence: int
    observed_from_day: int
    cadence_days: Floats | None = None

    @classmethod
    def ending(cls, histories: Histories, as_of: pd.Timestamp, period_days: int, cadence_days: int) -> Period:
        """The period of some days that ends just before ``as_of``."""
        return cls(
            microseconds(as_of),
            period_days * MICROSECONDS_A_DAY,
            cadence_days * MICROSECONDS_A_DAY,
            day_number(histories.observed_from),
        )

    @property
    def start(self) -> int:
        """First moment of the period."""
        return self.as_of - self.length

    @property
    def today(self) -> int:
        """Calendar day of ``as_of``."""
        return self.as_of // MICROSECONDS_A_DAY

    def days_of(self, since_day: Floats, end: int) -> Floats:
        """Days a buyer was a buyer within the stretch of the period's length that ends at ``end``; at least
        0.
        """
        last = end // MICROSECONDS_A_DAY
        first = np.maximum(
            np.maximum(since_day, self.observed_from_day), (end - self.length) // MICROSECONDS_A_DAY
        )
        return np.asarray(np.nan_to_num(np.maximum(last - first, 0.0)))


@dataclass(frozen=True, eq=False)
class Stretches:
    """The period of each buyer cut into stretches of the buyer's cadence, counted back from the end of the period.

    Of a cadence longer than the period the last stretch alone counts, in full: a yearly buyer is due once in a year.
    Whole stretches since somebody became a buyer count, at least one; those after a relation had ended do not.
    """

    buying: Buying
    contacts: Contacts
    period: Period

    @cached_property
    def cadence(self) -> Floats:
        """The cadence of each buyer in microseconds; shape (n_buyers,)."""
        firm = float(self.period.cadence)
        if self.period.cadence_days is None:
            return np.full(self.buying.n_buyers, firm)
        return np.maximum(np.nan_to_num(self.period.cadence_days * MICROSECONDS_A_DAY, nan=firm), 1.0)

    @cached_property
    def most(self) -> Floats:
        """Stretches in a whole period, by buyer."""
        return np.maximum(self.period.length // self.cadence, 1.0)

    @cached_property
    def days(self) -> Floats:
        """Days as a buyer within the period, or within the cadence where that is longer."""
        days = self.period.days_of(self.buying.since_day, self.period.as_of)
        since = np.maximum(self.buying.since_day, self.period.observed_from_day)
        longer = np.minimum(self.period.today - since, np.floor(self.cadence / MICROSECONDS_A_DAY))
        is_longer = self.cadence > self.period.length
        return np.where(is_longer, np.nan_to_num(np.maximum(longer, 0.0)), days)

    @cached_property
    def first(self) -> Floats:
        """The first stretch back that counts: 0, or the one in which a relation by contract had ended."""
        left = _left_day(self.buying)
        gone = np.maximum(np.nan_to_num(self.period.today - left), 0.0)
        return np.floor(gone * MICROSECONDS_A_DAY / self.cadence)

    @cached_property
    def last(self) -> Floats:
        """The first stretch back that is too long ago to count."""
        whole = np.floor(self.days * MICROSECONDS_A_DAY / self.cadence)
        return np.asarray(np.clip(whole, 1, self.most))

    @cached_property
    def back(self) -> Floats:
        """How many stretches ago each contact was; shape (n_rows,)."""
        ago = self.period.as_of - 1 - self.contacts.time
        return np.asarray(np.floor(ago / self.cadence[self.contacts.buyer]), dtype=np.float64)

    def with_any(self, rows: Bools) -> Floats:
        """In how many of a buyer's stretches some contacts lie."""
        return self.with_both(rows, rows)

    def with_both(self, rows: Bools, others: Bools) -> Floats:
        """In how many of a buyer's stretches both of two sorts of contacts lie."""
        cells = np.intersect1d(self._cells(rows), self._cells(others))
        return np.bincount(cells // self._width, minlength=self.buying.n_buyers).astype(np.float64)

    @property
    def _width(self) -> int:
        return int(self.most.max()) if len(self.most) else 1

    def _cells(self, rows: Bools) -> Ints:
        buyer = self.contacts.buyer
        rows = rows & (self.back >= self.first[buyer]) & (self.back < self.last[buyer])
        return np.asarray(
            distinct(buyer[rows].astype(np.int64) * self._width + self.back[rows].astype(np.int64))
        )

    @cached_property
    def n(self) -> Floats:
        """How many stretches count; 0 where nothing was due: less than one cadence a buyer, and nothing happened."""
        spoke = self.with_any(self.contacts.heard | self.contacts.voiced) > 0
        young = (self.days * MICROSECONDS_A_DAY < self.cadence) & ~spoke
        return np.where(young, 0.0, np.maximum(self.last - self.first, 0.0))


def _left_day(buying: Buying) -> Floats:
    """Calendar day after the last contract of a buyer who has none in force and bought nothing since; else NaN."""
    left = np.full(buying.n_buyers, np.nan)
    if buying.contracts is None:
        return left
    np.fmax.at(left, buying.contracts.buyer, actual_end_day(buying.contracts) + 1)
    here = buying.bound | (buying.last_day >= left) | (left > buying.as_of // MICROSECONDS_A_DAY)
    return np.where(here, np.nan, left)
