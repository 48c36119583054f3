"""What was known of the buyers at one date: the run-wise view that every feature is a function of.

A snapshot only ever holds what was known strictly before its date, so no feature can see further.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from clientcare.exceptions import OptionError
from clientcare.facts.events import EventTable, frame_of
from clientcare.facts.purchases import PurchaseDays
from clientcare.facts.runs import Floats, Ints, Runs, SortedKeys, where
from clientcare.features import steady_numbers
from clientcare.features.by_age import Array, boundaries, largest, within
from clientcare.features.codes import Codes
from clientcare.features.norms import PeerNorms
from clientcare.features.shared_runs import SharedRuns
from clientcare.features.steady import is_steady, since, taken_over
from clientcare.history.histories import Histories
from clientcare.window import day_number, microseconds

T = TypeVar("T")


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

    @property
    def ordered_gaps(self) -> SortedKeys:
        """The gaps of each buyer, sorted by their length."""
        return self._only_past(self._days[0].ordered_gaps)

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
        return np.asarray(rule(np.arange(largest(self.purchase_age) + 1))).take(self.purchase_age)

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
        return self.once(steady_numbers.median_gap)

    @property
    def last_gap(self) -> Floats:
        """Days between the last two purchases; NaN before the second."""
        return self.once(steady_numbers.last_gap)

    @property
    def longest_gap(self) -> Floats:
        """Most days between two purchases; NaN before the second."""
        return self.once(steady_numbers.longest_gap)

    @property
    def mean_log_gap(self) -> Floats:
        """Mean of the natural logarithms of the gaps; NaN before the second purchase."""
        return self.once(steady_numbers.mean_log_gap)

    @property
    def log_gap_deviation(self) -> Floats:
        """Sum of squared deviations of the log gaps from their mean, one a buyer."""
        return self.once(steady_numbers.log_gap_deviation)

    @property
    def total_spent(self) -> Floats:
        """All known amounts of a buyer's purchases; NaN where none is known."""
        return self.once(steady_numbers.total_spent)

    @property
    def n_priced(self) -> Floats:
        """Purchase days with a known amount, of each buyer."""
        return self.n_purchases if self._days[0].all_priced else self.once(steady_numbers.n_priced)

    # Counts of purchases by age: one pass for all windows

    @cached_property
    def _ages_counted(self) -> dict[int, Floats]:
        return self._within(sorted(boundaries(self.windows)), None)

    @cached_property
    def _ages_spent(self) -> dict[int, Floats]:
        edges = sorted({edge for days in self.windows for edge in (days, 2 * days)})
        return self._within(edges, self.spent_or_zero)

    def _within(self, edges: Sequence[int], weights: Array | None) -> dict[int, Array]:
        return within(edges, self.purchase_age, self.purchases.row, self.n_buyers, weights)

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
        ages = np.arange(largest(self.purchase_age) + 1)
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
        results = self._steady_results if is_steady(work) else self._results
        if asked not in results:
            if is_steady(work):
                values = None if self.earlier is None else self.earlier._steady_results.get(asked)
                results[asked] = taken_over(self, asked, values)
            else:
                results[asked] = work(self, *arguments)
        result: T = results[asked]
        return result

    @cached_property
    def _results(self) -> dict[tuple[Any, ...], Any]:
        return {}

    @cached_property
    def _steady_results(self) -> dict[tuple[Any, ...], Any]:
        return {}

    @cached_property
    def since(self) -> tuple[Snapshot, Ints, Ints, Ints] | None:
        """What happened since the earlier snapshot; None where that cannot be told."""
        return None if self.earlier is None else since(self, self.earlier)

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


def _given(codes: SortedKeys | None, column: str) -> SortedKeys:
    if codes is None:
        raise OptionError(f"transactions.{column} was asked of histories without that column.")
    return codes
