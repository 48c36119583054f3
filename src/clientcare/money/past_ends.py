"""What past ends of contracts were followed by: the base rate of renewals, and how far whole months stray from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from clientcare.facts.events import EventTable
from clientcare.facts.terms import FOREVER, stops_at
from clientcare.history import Histories
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

GRACE_SHARE, LEAST_GRACE_DAYS, MOST_GRACE_DAYS = 0.1, 7, 45
"""A term is renewed by one that follows within a tenth of it, at least a week, at most a month and a half."""
PRIOR_ENDS = 8.0
"""What all plans say weighs as eight ends of one plan, and one half as two ends of all: little is known from few."""
LEAST_SHARED_SD = 0.15
"""Whole months stray together by at least so much (log-odds): a price list, a competitor, a holiday."""
FEWEST_MONTHS = 4
PRIOR_BREAKS, PRIOR_BREAK_YEARS = 0.5, 10.0
"""Where nobody was seen to break off, half a break in ten years of terms more is expected: never is not known from few."""
DAYS_A_YEAR = 365.25


@dataclass(frozen=True, eq=False)
class Terms:
    """Contracts as known at a date, one value a row, sorted by buyer and start.

    Attributes
    ----------
    buyer, start, stop, plan : int64 arrays
        ``stop``: the moment after the last day, or of the cancellation; ``plan``: a position in ``plans``.
    amount : float64 array
        A month; NaN unknown.
    has_end, cancelled : bool arrays
        Whether the stop is known, and whether it is a cancellation.
    early : bool array
        Cancelled longer before the agreed end than a renewal may come late; a cancellation about the end is no renewal.
    scheduled : bool array
        Whether an end was agreed on, cancelled or not.
    """

    events: EventTable
    buyer: Ints
    start: Ints
    stop: Ints
    amount: Floats
    plan: Ints
    plans: list[Any]
    has_end: Flags
    cancelled: Flags
    early: Flags
    scheduled: Flags

    @classmethod
    def of(cls, known: Histories) -> Self | None:
        """Read off histories cut at the date; None without contracts."""
        events = known.events("contracts")
        if events is None or not events.n_rows:
            return None
        stop = stops_at(events)
        given_up = events.columns.get("cancelled_at")
        cancelled = (
            np.zeros(events.n_rows, dtype=bool)
            if given_up is None
            else (given_up != UNKNOWN_TIME) & (given_up <= stop)
        )
        end = events.columns.get("end", np.full(events.n_rows, UNKNOWN_TIME))
        scheduled = np.asarray(end != UNKNOWN_TIME)
        sooner = np.where(scheduled, end - stop, 0) / MICROSECONDS_A_DAY
        plan = events.columns.get("plan")
        amount = events.columns.get("amount")
        return cls(
            events=events,
            buyer=events.buyer.astype(np.int64),
            start=events.time,
            stop=stop,
            amount=np.full(events.n_rows, np.nan) if amount is None else amount,
            plan=np.full(events.n_rows, -1, dtype=np.int64) if plan is None else plan.astype(np.int64),
            plans=[*(events.levels["plan"] if plan is not None else []), None],
            has_end=stop != FOREVER,
            cancelled=np.asarray(cancelled),
            early=np.asarray(cancelled & (sooner > _grace_days(np.where(scheduled, end - events.time, 0)))),
            scheduled=scheduled,
        )

    def in_force(self, moment: int) -> Flags:
        """Which run just before a moment; trials at price zero are none."""
        return np.asarray((self.start < moment) & (moment <= self.stop) & ~(self.amount == 0))

    def followed(self, rows: Ints, grace_days: Ints) -> Flags:
        """Whether a further term of the buyer, known by now, runs when the grace after each end is over."""
        after = self.stop[rows] + grace_days * MICROSECONDS_A_DAY
        first, last = self.events.offsets[self.buyer[rows]], self.events.offsets[self.buyer[rows] + 1]
        found = np.zeros(len(rows), dtype=bool)
        for back in range(int((last - first).max(initial=0))):
            other = np.minimum(first + back, last - 1)
            runs = (self.start[other] < after) & (after <= self.stop[other]) & (other != rows)
            found |= runs & (first + back < last) & (self.start[other] > self.start[rows])
        return found


def renewal_grace_days(terms: Terms, rows: Ints) -> Ints:
    """How many days after its end a term may still be renewed."""
    return _grace_days(terms.stop[rows] - terms.start[rows])


def _grace_days(length: Ints) -> Ints:
    days = np.rint(GRACE_SHARE * (length / MICROSECONDS_A_DAY))
    return np.asarray(np.clip(days, LEAST_GRACE_DAYS, MOST_GRACE_DAYS).astype(np.int64))


@dataclass(frozen=True, eq=False)
class PastEnds:
    """The share of past ends that were followed by a term.

    Attributes
    ----------
    share : float
        Over all plans.
    of_plan : float64 array
        By plan, drawn to ``share``; the last of plans unknown.
    shared_sd : float
        By how much (log-odds) the ends of a month strayed together.
    level_error : float
        How well (log-odds, a standard error) the share itself is known from so many ends.
    n_ends : int
        How many ends it rests on.
    breaks_a_day : float
        How many of the terms in force are cancelled on a day before their end, without a further term that follows.
    """

    share: float
    of_plan: Floats
    shared_sd: float
    level_error: float
    n_ends: int
    breaks_a_day: float

    @classmethod
    def of(cls, terms: Terms, now: int) -> Self:
        """Count the ends whose grace is over."""
        ended = np.flatnonzero(_counted(terms) & ~terms.early & (terms.stop < now))
        grace = renewal_grace_days(terms, ended)
        over = terms.stop[ended] + grace * MICROSECONDS_A_DAY < now
        rows, grace = ended[over], grace[over]
        kept = terms.followed(rows, grace)
        share = float((kept.sum() + 1) / (len(rows) + 2))
        plan = terms.plan[rows] % len(terms.plans)
        n = np.bincount(plan, minlength=len(terms.plans))
        n_kept = np.bincount(plan, kept, minlength=len(terms.plans))
        of_plan = (n_kept + PRIOR_ENDS * share) / (n + PRIOR_ENDS)
        shared = _shared_sd(terms.stop[rows], kept, of_plan[plan])
        n_kept_all, n_lost_all = float(kept.sum()) + 0.5, float((~kept).sum()) + 0.5
        level_error = float(np.sqrt(1 / n_kept_all + 1 / n_lost_all))
        return cls(share, of_plan, shared, level_error, len(rows), _breaks_a_day(terms, now))

    @property
    def together_sd(self) -> float:
        """By how much (log-odds) the ends of a month may stray from their chances together, for either reason."""
        return float(np.hypot(self.shared_sd, self.level_error))

    def chance(self, plan: Ints, days_ahead: Floats | float = 0.0) -> Floats:
        """The chance that an end of each plan (-1: unknown) so many days ahead is reached, and followed by a term."""
        reached = np.exp(-self.breaks_a_day * np.asarray(days_ahead, dtype=np.float64))
        return np.asarray(self.of_plan[plan % len(self.of_plan)] * reached, dtype=np.float64)


def _counted(terms: Terms) -> Flags:
    """Paid terms for which an end was agreed on: open-ended ones that were cancelled tell nothing of renewals."""
    return np.asarray(terms.scheduled & ~(terms.amount == 0))


def _breaks_a_day(terms: Terms, now: int) -> float:
    """Breaks before the end over the days for which terms with an end ran; the same on every day of a term."""
    with_end = np.flatnonzero(_counted(terms) & (terms.start < now))
    return _lost_a_day(terms, with_end, terms.early, now)


def breaks_of_open_terms(terms: Terms, now: int) -> float:
    """The same of paid terms without an end."""
    rows = np.flatnonzero(~terms.scheduled & (terms.start < now) & ~(terms.amount == 0))
    return _lost_a_day(terms, rows, terms.cancelled, now)


def _lost_a_day(terms: Terms, rows: Ints, ended: Flags, now: int) -> float:
    until = np.minimum(terms.stop[rows], now)
    days = float(np.maximum(until - terms.start[rows], 0).sum()) / MICROSECONDS_A_DAY
    broken = rows[ended[rows] & (terms.stop[rows] < now)]
    lost = ~terms.followed(broken, renewal_grace_days(terms, broken))
    return (float(lost.sum()) + PRIOR_BREAKS) / (days + PRIOR_BREAK_YEARS * DAYS_A_YEAR)


def _shared_sd(stop: Ints, kept: Flags, chance: Floats) -> float:
    """Standard deviation of the moves that all ends of a month made together, beyond what chance alone does."""
    month = stop.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    _, of = np.unique(month, return_inverse=True)
    n_months = int(of.max(initial=-1)) + 1
    if n_months < FEWEST_MONTHS:
        return 2 * LEAST_SHARED_SD
    missed = np.bincount(of, kept - chance)
    variance = np.bincount(of, chance * (1 - chance))
    beyond = float(np.sum(missed**2 - variance) / max(float(np.sum(variance**2)), 1e-9))
    return float(np.sqrt(max(beyond, LEAST_SHARED_SD**2)))


def moved_together(chance: Floats, shift: Floats) -> Floats:
    """Chances moved on the scale of log-odds; what is certain stays so; shape (n_chances, n_shifts).

    Examples
    --------
    >>> moved_together(np.array([0.5, 1.0]), np.array([0.0, 1.0])).round(2).tolist()
    [[0.5, 0.73], [1.0, 1.0]]
    """
    inner = np.clip(chance, 1e-9, 1 - 1e-9)[:, None]
    moved = 1 / (1 + np.exp(-(np.log(inner / (1 - inner)) + np.ravel(shift)[None, :])))
    certain = (chance <= 0) | (chance >= 1)
    return np.asarray(np.where(certain[:, None], chance[:, None], moved))
