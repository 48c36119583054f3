"""What was known of the buyers at one date: the run-wise view that every feature is a function of.

A snapshot only ever holds what was known strictly before its date, so no feature can see further.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clientcare.exceptions import OptionError
from clientcare.facts.events import EventTable, frame_of
from clientcare.facts.purchases import PurchaseDays
from clientcare.facts.runs import FIXED_POINT, Floats, Ints, Runs, SortedKeys, where
from clientcare.features.norms import PeerNorms
from clientcare.history.histories import Histories
from clientcare.history.population import known_buyers
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME, day_number, microseconds

Array = NDArray[Any]
T = TypeVar("T")
Work = TypeVar("Work", bound=Callable[..., Any])

_STEADY: set[Callable[..., Any]] = set()


def steady(work: Work) -> Work:
    """Declare a function of a snapshot that gives a number a buyer and does not age.

    Its value changes only on a day with a transaction of the buyer. Where a snapshot follows an earlier one,
    :meth:`Snapshot.once` works it out for the buyers who had one since, and takes the others' over.
    """
    _STEADY.add(work)
    return work


class SharedRuns:
    """What the snapshots of one history share: purchase days, worked out once for all dates."""

    def __init__(self, histories: Histories) -> None:
        self.histories = histories
        self._days: PurchaseDays | None = None

    def purchase_days(self, moment: int) -> tuple[PurchaseDays | None, int]:
        """Purchase days, and the day from which on they are not known yet at a moment.

        Midnights share one table. A moment within a day, or facts recorded late, need a table of their own.
        """
        events = self.histories.events("transactions")
        if events is None:
            return None, 0
        if not self._is_shared(moment):
            return PurchaseDays(events.before(moment)), moment // MICROSECONDS_A_DAY + 1
        if self._days is None:
            self._days = PurchaseDays(events)
        return self._days, moment // MICROSECONDS_A_DAY

    def buyers(self, as_of: pd.Timestamp) -> Ints:
        """Positions of the buyers known at a date; from the first purchases where these alone decide."""
        moment = microseconds(as_of)
        if self.histories.events("contracts") is not None or not self._is_shared(moment):
            return known_buyers(self.histories, as_of)
        days, limit = self.purchase_days(moment)
        assert days is not None
        return days.first_buyers[days.first_days < limit]

    def moved(self, earlier: int, later: int) -> NDArray[np.bool_] | None:
        """Which buyers had a transaction from one moment to another; None where that cannot be told by days."""
        if not (self._is_shared(earlier) and self._is_shared(later) and earlier < later):
            return None
        events = self.histories.events("transactions")
        assert events is not None
        first, last = earlier // MICROSECONDS_A_DAY, later // MICROSECONDS_A_DAY
        moved = np.zeros(len(self.histories.buyer_ids), dtype=bool)
        moved[events.buyer[np.flatnonzero((events.day >= first) & (events.day < last))]] = True
        return moved

    def _is_shared(self, moment: int) -> bool:
        events = self.histories.events("transactions")
        return events is not None and events.known is None and not moment % MICROSECONDS_A_DAY


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All buyers known at a date and what was known of them.

    Attributes
    ----------
    shared : SharedRuns
        The histories behind it.
    as_of : Timestamp
        The date; what happened at or after it is not here.
    windows : tuple of int
        Days of the windows asked for.
    given_norms : PeerNorms or None
        What is usual among buyers, for the family ``peers``; None = as among the buyers of this snapshot.
    earlier : Snapshot or None
        A snapshot of the same histories at an earlier date, from which what is :func:`steady` is taken over.
    only : int64 array or None
        Positions of the known buyers that the snapshot is of, ascending; None = of all.
    """

    shared: SharedRuns
    as_of: pd.Timestamp
    windows: tuple[int, ...]
    given_norms: PeerNorms | None = None
    earlier: Snapshot | None = None
    only: Ints | None = None

    # Who

    @property
    def histories(self) -> Histories:
        """The dated facts behind the snapshot."""
        return self.shared.histories

    @property
    def moment(self) -> int:
        """The date in microseconds since 1970."""
        return microseconds(self.as_of)

    @property
    def today(self) -> int:
        """The calendar day of the date, counted from 1970-01-01; the day before has age 1."""
        return day_number(self.as_of)

    @cached_property
    def buyers(self) -> Ints:
        """Positions of the buyers known, in ``histories.buyer_ids``, ascending."""
        return self.shared.buyers(self.as_of) if self.only is None else self.only

    @property
    def n_buyers(self) -> int:
        """How many buyers were known."""
        return len(self.buyers)

    @cached_property
    def _rank(self) -> Ints:
        """The row of each buyer of the histories in this snapshot; -1 where not known yet."""
        rank = np.full(len(self.histories.buyer_ids), -1, dtype=np.int64)
        rank[self.buyers] = np.arange(self.n_buyers)
        return rank

    # Purchase days: one row a day, sorted by buyer and day

    @cached_property
    def _days(self) -> tuple[PurchaseDays, int]:
        days, limit = self.shared.purchase_days(self.moment)
        if days is None:
            raise OptionError("a feature of purchases was asked of histories without transactions.")
        return days, limit

    @cached_property
    def _past(self) -> Ints | None:
        """Which purchase days are past and of these buyers; None where all are."""
        days, limit = self._days
        if self.only is not None:
            rows = days.rows_of(self.only)
            return rows[days.day[rows] < limit]
        return None if len(days.day) == 0 or int(days.day.max()) < limit else np.flatnonzero(days.day < limit)

    def _of_days(self, values: Array) -> Array:
        return values if self._past is None else values.take(self._past)

    @cached_property
    def purchases(self) -> Runs:
        """The run of purchase days of each buyer."""
        return Runs(self._rank[self._of_days(self._days[0].buyer)], self.n_buyers)

    @cached_property
    def purchase_age(self) -> Array:
        """Days from each purchase day to the date; shape (n_days,)."""
        return np.asarray(self.today - self._of_days(self._days[0].day).astype(np.int64))

    @cached_property
    def purchase_day(self) -> Array:
        """Each purchase day, counted from 1970-01-01."""
        return self._of_days(self._days[0].day)

    @cached_property
    def _nights(self) -> Array:
        """Whole days between each purchase day and the date."""
        return np.asarray(np.maximum(self.purchase_age - 1, 0), dtype=np.int32)

    @cached_property
    def gap(self) -> Array:
        """Days from the purchase before to each purchase; 0 for a buyer's first."""
        return self._of_days(self._days[0].gap)

    @cached_property
    def gap_runs(self) -> tuple[Runs, Array]:
        """The gaps alone, in order of time: their runs and their days."""
        real = np.flatnonzero(self.gap)
        return Runs(self.purchases.row[real], self.n_buyers), self.gap[real]

    def _only_past(self, ordered: SortedKeys) -> SortedKeys:
        """Sorted columns of a buyer first and a day last, without the days to come and other buyers."""
        days, limit = self._days
        ordered = self._of_these(ordered)
        return ordered if self._past is None else ordered.last_below(limit - days.first_day)

    def _of_these(self, ordered: SortedKeys) -> SortedKeys:
        return ordered if self.only is None else ordered.of_first(self.only)

    @cached_property
    def spent(self) -> Array:
        """Known amounts of each purchase day; NaN where none is known."""
        return self._required(self._days[0].spent, "amount")

    @cached_property
    def log_spent(self) -> Array:
        """Natural logarithm of the amount of each purchase day."""
        return self._required(self._days[0].log_spent, "amount")

    @cached_property
    def items(self) -> Array:
        """Known quantities of each purchase day."""
        return self._required(self._days[0].items, "quantity")

    @cached_property
    def lines(self) -> Array:
        """Rows in each purchase day."""
        return self._of_days(self._days[0].lines)

    def _required(self, values: Array | None, column: str) -> Array:
        if values is None:
            raise OptionError(
                f"a feature of transactions.{column} was asked of histories without that column."
            )
        return self._of_days(values)

    @cached_property
    def priced(self) -> tuple[Runs, Array, Array]:
        """Purchase days with a known amount: their runs, their amounts and the logarithms of these."""
        if self._days[0].all_priced:
            return self.purchases, self.spent, self.log_spent
        known = np.flatnonzero(~np.isnan(self.spent))
        return Runs(self.purchases.row[known], self.n_buyers), self.spent[known], self.log_spent[known]

    @cached_property
    def spent_or_zero(self) -> Array:
        """Known amounts of each purchase day; 0 where none is known."""
        return self.spent if self.priced[0] is self.purchases else np.nan_to_num(self.spent)

    def by_age(self, rule: Callable[[Array], Array]) -> Array:
        """A rule of the age in days, for each purchase day; worked out once an age."""
        return np.asarray(rule(np.arange(_largest(self.purchase_age) + 1))).take(self.purchase_age)

    # What many features share

    @cached_property
    def n_purchases(self) -> Floats:
        """Purchase days of each buyer."""
        return self.purchases.count.astype(np.float64)

    @cached_property
    def silence(self) -> Floats:
        """Days since the last purchase; NaN without one."""
        return self.purchases.last(self.purchase_age)

    @cached_property
    def age(self) -> Floats:
        """Days since the first purchase; NaN without one."""
        return self.purchases.first(self.purchase_age)

    @cached_property
    def mean_gap(self) -> Floats:
        """Mean days between purchases; NaN before the second."""
        return where(self.n_purchases > 1, (self.age - self.silence) / np.maximum(self.n_purchases - 1, 1))

    @property
    def median_gap(self) -> Floats:
        """Median days between purchases; NaN before the second."""
        return self.once(_median_gap)

    @property
    def last_gap(self) -> Floats:
        """Days between the last two purchases; NaN before the second."""
        return self.once(_last_gap)

    @property
    def longest_gap(self) -> Floats:
        """Most days between two purchases; NaN before the second."""
        return self.once(_longest_gap)

    @property
    def mean_log_gap(self) -> Floats:
        """Mean of the natural logarithms of the gaps; NaN before the second purchase."""
        return self.once(_mean_log_gap)

    @property
    def log_gap_deviation(self) -> Floats:
        """Sum of squared deviations of the log gaps from their mean, one a buyer."""
        return self.once(_log_gap_deviation)

    @property
    def total_spent(self) -> Floats:
        """All known amounts of a buyer's purchases; NaN where none is known."""
        return self.once(_total_spent)

    @property
    def n_priced(self) -> Floats:
        """Purchase days with a known amount, of each buyer."""
        return self.n_purchases if self._days[0].all_priced else self.once(_n_priced)

    # Counts of purchases by age: one pass for all windows

    @cached_property
    def _ages_counted(self) -> dict[int, Floats]:
        return self._within(sorted(_boundaries(self.windows)), None)

    @cached_property
    def _ages_spent(self) -> dict[int, Floats]:
        edges = sorted({edge for days in self.windows for edge in (days, 2 * days)})
        return self._within(edges, self.spent_or_zero)

    def _within(self, edges: Sequence[int], weights: Array | None) -> dict[int, Array]:
        """For each edge, the number (or the weight) of a buyer's purchase days at most that old."""
        table = np.searchsorted(np.asarray(edges), np.arange(_largest(self.purchase_age) + 1)) * self.n_buyers
        cell = table.take(self.purchase_age)
        cell += self.purchases.row
        n_cells = (len(edges) + 1) * self.n_buyers
        cells = np.bincount(cell, weights=weights, minlength=n_cells).reshape(len(edges) + 1, self.n_buyers)
        for younger, older in pairwise(cells[:-1]):
            older += younger
        return {
            edge: within.astype(np.float64, copy=False) for edge, within in zip(edges, cells, strict=False)
        }

    def n_purchases_within(self, days: int) -> Floats:
        """Purchase days at most so many days old."""
        if days <= 0 or days not in self._ages_counted:
            return self.purchases.tally(self.purchase_age <= days).astype(np.float64)
        return self._ages_counted[days]

    def spent_within(self, days: int) -> Floats:
        """Known amounts of purchase days at most so many days old; 0 where nothing was bought."""
        if days not in self._ages_spent:
            return self.purchases.sum(np.where(self.purchase_age <= days, self.spent_or_zero, 0.0))
        return self._ages_spent[days]

    def period(self, days: int) -> Array:
        """Number of the stretch of ``days`` days, counted back, that each purchase day lies in."""
        return np.asarray(self._nights // days)

    def active_periods(self, days: int) -> Array:
        """Marks the earliest purchase day of each such stretch that holds one."""
        period = self.period(days)
        marks = np.zeros(len(period), dtype=bool)
        np.not_equal(period[1:], period[:-1], out=marks[1:])
        marks |= self.purchases.is_first
        return marks

    def decayed(self, half_life_days: float) -> Floats:
        """Purchase days of each buyer, each weighing half as much for every half-life that has passed."""
        if half_life_days not in self.windows:
            return self.purchases.sum(self.by_age(lambda age: np.exp2(-age / half_life_days)))
        return np.asarray(self._decayed[self.windows.index(int(half_life_days))])

    @cached_property
    def _decayed(self) -> Floats:
        """The same for all windows in one pass; shape (n_windows, n_buyers)."""
        ages = np.arange(_largest(self.purchase_age) + 1)
        weights = np.stack([np.exp2(-ages / days) for days in self.windows], axis=1)
        return self.purchases.sum_of_table(self.purchase_age, weights)

    # Returns, and what was bought

    @cached_property
    def returns(self) -> tuple[Runs, Array, Array]:
        """Returned rows: their runs, their age in days, and what they gave back (above zero)."""
        days, limit = self._days
        if days.returns is None:
            raise OptionError("returns were asked of histories without transactions.amount.")
        buyer, day, amount = days.returns
        past = np.flatnonzero((day < limit) & (self._rank[buyer] >= 0))
        return Runs(self._rank[buyer[past]], self.n_buyers), self.today - day[past], -amount[past]

    def codes(self, column: str) -> Codes:
        """What a buyer bought by a coded column: one row for each buyer and code, with its count and ages."""
        if column not in self._code_cache:
            ordered = self._only_past(_given(self._days[0].ordered_codes(column), column))
            start = np.flatnonzero(ordered.changes())
            n_rows = np.diff(start, append=len(ordered))
            today = self.today - self._days[0].first_day
            self._code_cache[column] = Codes(
                runs=Runs(self._rank[ordered.column(0, start)], self.n_buyers),
                n_rows=n_rows,
                first_age=today - ordered.column(2, start),
                last_age=today - ordered.column(2, start + n_rows - 1),
            )
        return self._code_cache[column]

    def n_codes_within(self, column: str, age: int) -> Floats:
        """Distinct codes bought at most so many days ago."""
        lately = self._lately(_given(self._days[0].ordered_codes(column), column), age)
        return np.bincount(self._rank[lately.firsts().column(0)], minlength=self.n_buyers).astype(np.float64)

    def n_new_codes_within(self, column: str, age: int) -> Floats:
        """Codes bought for the first time at most so many days ago."""
        lately = self._lately(_given(self._days[0].first_codes(column), column), age)
        return np.bincount(self._rank[lately.column(0)], minlength=self.n_buyers).astype(np.float64)

    def _lately(self, ordered: SortedKeys, age: int) -> SortedKeys:
        days, limit = self._days
        return self._of_these(ordered).last_below(limit - days.first_day, self.today - age - days.first_day)

    @cached_property
    def _code_cache(self) -> dict[str, Codes]:
        return {}

    # Whatever else

    def once(self, work: Callable[..., T], *arguments: Any) -> T:
        """The result of ``work(snapshot, *arguments)``, worked out on the first call and kept."""
        asked = (work, *arguments)
        results = self._steady_results if work in _STEADY else self._results
        if asked not in results:
            results[asked] = self._taken_over(asked) if work in _STEADY else work(self, *arguments)
        result: T = results[asked]
        return result

    @cached_property
    def _results(self) -> dict[tuple[Any, ...], Any]:
        return {}

    @cached_property
    def _steady_results(self) -> dict[tuple[Any, ...], Any]:
        return {}

    def _taken_over(self, asked: tuple[Any, ...]) -> Floats:
        """A steady result: of the earlier snapshot for all but those who did something since."""
        work, *arguments = asked
        values = None if self.earlier is None else self.earlier._steady_results.get(asked)
        if values is None or self._since is None:
            result: Floats = work(self, *arguments)
            return result
        movers, moved, stayed, was_at = self._since
        out = np.empty(self.n_buyers)
        out[stayed] = values[was_at]
        if movers.n_buyers:
            out[moved] = movers.once(work, *arguments)
        return out

    @cached_property
    def _since(self) -> tuple[Snapshot, Ints, Ints, Ints] | None:
        """Since the earlier date: a snapshot of who did something, their rows, the others' rows now and then.

        None where that cannot be told, or where most did something.
        """
        assert self.earlier is not None
        moved = self.shared.moved(self.earlier.moment, self.moment)
        if moved is None:
            return None
        is_new = np.ones(len(moved), dtype=bool)
        is_new[self.earlier.buyers] = False
        changed = (moved | is_new)[self.buyers]
        rows = np.flatnonzero(changed)
        if 2 * len(rows) > self.n_buyers:
            return None
        movers = Snapshot(self.shared, self.as_of, self.windows, only=self.buyers[rows])
        return movers, rows, np.flatnonzero(~changed), np.flatnonzero(~moved[self.earlier.buyers])

    def let_go(self) -> None:
        """Drop what was worked out, once the features are taken.

        Whom the snapshot speaks of stays, and what a later snapshot takes over, until that one lets go.
        """
        kept = {one.name for one in fields(self)} | {"buyers", "_steady_results"}
        for name in [name for name in self.__dict__ if name not in kept]:
            del self.__dict__[name]
        if self.earlier is not None:
            self.earlier.__dict__.pop("_steady_results", None)

    # Other tables

    def known_events(self, table: str) -> EventTable | None:
        """What was known of a table at the date: earlier events, of these only the values known by then."""
        if table not in self._event_cache:
            events = self.histories.events(table)
            self._event_cache[table] = None if events is None else events.before(self.moment)
        return self._event_cache[table]

    @cached_property
    def _event_cache(self) -> dict[str, EventTable | None]:
        return {}

    def known_rows(self, table: str) -> tuple[Runs, EventTable]:
        """The known events of the buyers of this snapshot and the run of each."""
        events = self.known_events(table)
        if events is None:
            raise OptionError(f"a feature of {table} was asked of histories without that table.")
        return self.runs_of(events)

    def runs_of(self, events: EventTable) -> tuple[Runs, EventTable]:
        """The run of each buyer of this snapshot among some events, and the events of these buyers."""
        row = self._rank[events.buyer]
        if (row < 0).any():
            kept = np.flatnonzero(row >= 0)
            events, row = events.take(kept), row[kept]
        return Runs(row, self.n_buyers), events

    def frame(self, table: str) -> pd.DataFrame:
        """The known events of a table as a DataFrame (``buyer_id``, ``timestamp``, ...), for pandas code."""
        events = self.known_events(table)
        if events is None:
            raise OptionError(f"{table} was asked of histories without that table.")
        return frame_of(events, self.histories.buyer_ids)

    @property
    def buyer_ids(self) -> pd.Index:
        """Ids of the buyers of this snapshot."""
        return self.histories.buyer_ids.take(self.buyers)


def snapshots_of(
    shared: SharedRuns,
    moments: Sequence[pd.Timestamp],
    windows: tuple[int, ...],
    norms: Sequence[PeerNorms | None],
) -> list[Snapshot]:
    """Snapshots at ascending dates, each taking over from the one before it."""
    chain: list[Snapshot] = []
    for moment, norm in zip(moments, norms, strict=True):
        chain.append(Snapshot(shared, moment, windows, norm, chain[-1] if chain else None))
    return chain


@steady
def _median_gap(at: Snapshot) -> Floats:
    return at.gap_runs[0].median(at._only_past(at._days[0].ordered_gaps), 1)


@steady
def _last_gap(at: Snapshot) -> Floats:
    runs, gap = at.gap_runs
    return runs.last(gap)


@steady
def _longest_gap(at: Snapshot) -> Floats:
    runs, gap = at.gap_runs
    return runs.max(gap)


@steady
def _mean_log_gap(at: Snapshot) -> Floats:
    runs, gap = at.gap_runs
    fixed = np.rint(_log_table(gap) * FIXED_POINT)
    return where(runs.count > 0, runs.sum(fixed[gap]) / FIXED_POINT / np.maximum(runs.count, 1))


@steady
def _log_gap_deviation(at: Snapshot) -> Floats:
    runs, gap = at.gap_runs
    deviation = (np.rint(_log_table(gap) * FIXED_POINT) / FIXED_POINT)[gap] - at.mean_log_gap[runs.row]
    return runs.sum(deviation * deviation)


@steady
def _total_spent(at: Snapshot) -> Floats:
    runs, spent, _ = at.priced
    return where(runs.count > 0, runs.sum(spent))


@steady
def _n_priced(at: Snapshot) -> Floats:
    return at.priced[0].count.astype(np.float64)


@dataclass(frozen=True, eq=False)
class Codes:
    """One row for each buyer and code (category, product ...): how many rows, how long ago first and last."""

    runs: Runs
    n_rows: Array
    first_age: Array
    last_age: Array

    @cached_property
    def n_codes(self) -> Floats:
        """Distinct codes of each buyer."""
        return self.runs.count.astype(np.float64)

    @cached_property
    def total(self) -> Floats:
        """Rows of each buyer with a known code."""
        return self.runs.sum(self.n_rows)

    @cached_property
    def entropy(self) -> Floats:
        """Shannon entropy of a buyer's rows over the codes, in nats; NaN without a known code."""
        counts = np.arange(_largest(self.n_rows) + 1, dtype=np.float64)
        weighed = np.rint(counts * np.log(np.maximum(counts, 1)) * FIXED_POINT)
        total = np.maximum(self.total, 1)
        nats = np.log(total) - self.runs.sum(weighed[self.n_rows]) / FIXED_POINT / total
        return where(self.total > 0, np.where(self.n_codes == 1, 0.0, nats))

    @cached_property
    def top_share(self) -> Floats:
        """Share of a buyer's rows that fall on the code bought most; NaN without a known code."""
        return self.runs.max(self.n_rows) / np.maximum(self.total, 1)


def _given(codes: SortedKeys | None, column: str) -> SortedKeys:
    if codes is None:
        raise OptionError(f"transactions.{column} was asked of histories without that column.")
    return codes


def _boundaries(windows: Sequence[int]) -> set[int]:
    """Ages at which some window of purchases starts or ends."""
    edges = {0}
    for days in windows:
        edges |= {days // 3, 2 * days // 3, days, 2 * days, 3 * days}
        year = years_ago(days)
        edges |= {year, year - days}
    return edges


def years_ago(days: int) -> int:
    """Days back to the same stretch of an earlier year, all of it past: 365, or a multiple for long ones."""
    return 365 * max(1, -(-days // 365))


def _log_table(gap: Array) -> Floats:
    return np.log(np.maximum(np.arange(_largest(gap) + 1), 1))


def _largest(values: Array) -> int:
    return int(values.max()) if len(values) else 0


def known_moment(values: Array) -> Array:
    """Whether a moment is known."""
    return np.asarray(values != UNKNOWN_TIME)
