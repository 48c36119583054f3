"""The contracts of a snapshot as runs of each buyer: which run, which are renewed, which stop and when."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clientcare.facts.events import EventTable
from clientcare.facts.runs import Array, Floats, Runs
from clientcare.facts.term_lines import (
    GRACE_DAYS,
    OPEN_DAY,
    follows,
    last_paid,
    renews,
    stop_days,
    superseded,
)
from clientcare.facts.terms import cancellation_known_at, rows_in_force, under_notice, with_signed_ahead
from clientcare.features.snapshot import Snapshot
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME

TABLE = "contracts"


@dataclass(frozen=True, eq=False)
class ContractRuns:
    """Contracts known at a date, of the buyers of a snapshot, sorted by buyer and start; in calendar days.

    Attributes
    ----------
    runs : Runs
        The run of terms of each buyer.
    events : EventTable
        The contracts, as they were known.
    today : int
        The calendar day of the date.
    moment : int
        The date in microseconds.
    """

    runs: Runs
    events: EventTable
    today: int
    moment: int

    @classmethod
    def known(cls, at: Snapshot) -> ContractRuns:
        """The contracts known at the date of a snapshot."""
        runs, events = at.known_rows(TABLE)
        return cls(runs, events, at.today, at.moment)

    @cached_property
    def start(self) -> Array:
        """Day on which each term starts."""
        return self.events.day.astype(np.int64)

    @cached_property
    def stop(self) -> Array:
        """First day no longer covered by each term: after its last day, or after a known cancellation."""
        return stop_days(self.events)

    @cached_property
    def in_force(self) -> Array:
        """Terms that run just before the date."""
        return rows_in_force(self.events, self.moment)

    @cached_property
    def ending(self) -> Array:
        """Terms in force that have a scheduled end."""
        return self.in_force & (self.stop < OPEN_DAY)

    @cached_property
    def end(self) -> Array:
        """Scheduled day of the end; the far future where there is none."""
        given = self.events.columns["end"]
        return np.where(given == UNKNOWN_TIME, OPEN_DAY, given // MICROSECONDS_A_DAY)

    @cached_property
    def cancelled(self) -> Array:
        """Terms whose cancellation is known."""
        return np.asarray(self.events.columns["cancelled_at"] != UNKNOWN_TIME)

    @cached_property
    def covered_before(self) -> Array:
        """First day no longer covered by the buyer's earlier terms; far in the past for the first."""
        floor = 2**31
        key = self.runs.row * 2**34 + np.clip(self.stop, -floor, 2**32) + floor
        highest = np.maximum.accumulate(key) if len(key) else key
        before = np.concatenate([[0], highest[:-1]])[: len(key)] - self.runs.row * 2**34 - floor
        return np.where(self.runs.is_first, -OPEN_DAY, before)

    @cached_property
    def before(self) -> Array:
        """The row of the term that each term follows, -1 for the first of a line."""
        return follows(self.events)

    @cached_property
    def renews(self) -> Array:
        """Terms that renew the one they follow; a trial that nothing was paid before is not renewed."""
        return renews(self.events)

    @cached_property
    def paid_before(self) -> Floats:
        """The amount last paid in the line before each term, NaN without one."""
        return last_paid(self.events.columns["amount"], self.before)

    @cached_property
    def resumes(self) -> Array:
        """Terms that begin a stretch under contract: a buyer's first, and those after a pause of more than 31 days."""
        return np.asarray(self.runs.is_first | (self.start - self.covered_before > GRACE_DAYS))

    @cached_property
    def n_lapses(self) -> Floats:
        """Pauses of more than 31 days without a contract, the present one included."""
        resumed = self.resumes & ~self.runs.is_first
        ended = self.runs.max(self.stop) < self.today - GRACE_DAYS
        return self.runs.tally(resumed) + ended.astype(np.float64)

    @cached_property
    def under_notice(self) -> Array:
        """Terms in force that are known to end by a notice."""
        return under_notice(self.events, self.moment)

    @cached_property
    def notice_day(self) -> Array:
        """Day from which on the cancellation of each term was known; the far future where there is none."""
        known = cancellation_known_at(self.events)
        return np.where(self.cancelled, known // MICROSECONDS_A_DAY, OPEN_DAY)


@dataclass(frozen=True, eq=False)
class AgreedRuns:
    """The contracts of a snapshot with those that were signed before its date and begin at it or later.

    Attributes
    ----------
    runs : Runs
        The run of terms of each buyer.
    events : EventTable
        The contracts, as they were known.
    moment : int
        The date in microseconds.
    """

    runs: Runs
    events: EventTable
    moment: int

    @classmethod
    def known(cls, at: Snapshot) -> AgreedRuns:
        """What had been agreed at the date of a snapshot."""
        events = at.histories.events(TABLE)
        if events is None or "signed_at" not in events.columns:
            there = at.once(ContractRuns.known)
            return cls(there.runs, there.events, at.moment)
        return cls(*at.runs_of(with_signed_ahead(events, at.moment)), at.moment)

    @cached_property
    def renews(self) -> Array:
        """Terms that renew the one they follow; a trial that nothing was paid before is not renewed."""
        return renews(self.events)

    @cached_property
    def ahead(self) -> Array:
        """Terms that begin at the date or later."""
        return np.asarray(self.events.time >= self.moment)

    def nearest_end(self) -> tuple[Floats, Floats]:
        """Last day of the term that ends next and the start of that term; NaN without one.

        A renewal signed ahead carries the end to its own; the term began where the one in force did. A term whose successor
        has begun is over, and one whose last day has passed is taken only where none that ends later is in force.
        """
        start, stop = self.events.day.astype(np.int64), stop_days(self.events)
        today = self.moment // MICROSECONDS_A_DAY
        before = follows(self.events)
        begun = np.where(rows_in_force(self.events, self.moment), start, OPEN_DAY)
        carried = superseded(self.events, before, begun < OPEN_DAY)
        for row in np.flatnonzero(
            self.ahead & self.renews
        ):  # signed ahead: few, each after the one it follows
            if begun[before[row]] < OPEN_DAY and stop[row] >= stop[before[row]]:
                begun[row] = begun[before[row]]
                carried[before[row]] = True
        rows = np.flatnonzero((begun < OPEN_DAY) & ~carried & (stop < OPEN_DAY))
        order = rows[np.lexsort((start[rows], stop[rows], stop[rows] <= today, self.runs.row[rows]))]
        runs = Runs(self.runs.row[order], self.runs.n_runs)
        return runs.first(stop[order]) - 1, runs.first(begun[order])


def terms(at: Snapshot) -> ContractRuns:
    """The contracts of a snapshot, put in order once."""
    return at.once(ContractRuns.known)


def agreed(at: Snapshot) -> AgreedRuns:
    """The contracts of a snapshot, those signed ahead among them, put in order once."""
    return at.once(AgreedRuns.known)
