"""Contract: what binds the buyer, for how long still, at what price, and whether renewal was talked about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clientcare.facts.events import EventTable
from clientcare.facts.runs import Array, Floats, Runs, ratio, where
from clientcare.facts.terms import FOREVER, rows_in_force, stops_at
from clientcare.features.catalogue import feature
from clientcare.features.contact import contacts
from clientcare.features.snapshot import Snapshot
from clientcare.window import MICROSECONDS_A_DAY, UNKNOWN_TIME

TABLE = "contracts"
BOTH = ("contracts", "interactions")
GRACE_DAYS = 31
"""A term that starts within so many days of the end of the last renews it; a longer pause is a lapse."""

NO_CONTRACT = "no contract yet"
NONE_ENDING = "no contract in force that has a scheduled end"
_OPEN = 10**9
"""The day on which an open-ended term stops."""


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
        moments = stops_at(self.events)
        days = -(-np.where(moments == FOREVER, 0, moments) // MICROSECONDS_A_DAY)
        return np.where(moments == FOREVER, _OPEN, days)

    @cached_property
    def in_force(self) -> Array:
        """Terms that run just before the date."""
        return rows_in_force(self.events, self.moment)

    @cached_property
    def ending(self) -> Array:
        """Terms in force that have a scheduled end."""
        return self.in_force & (self.stop < _OPEN)

    @cached_property
    def end(self) -> Array:
        """Scheduled day of the end; the far future where there is none."""
        given = self.events.columns["end"]
        return np.where(given == UNKNOWN_TIME, _OPEN, given // MICROSECONDS_A_DAY)

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
        return np.where(self.runs.is_first, -_OPEN, before)

    @cached_property
    def renews(self) -> Array:
        """Terms that start within 31 days of the end of what came before."""
        return np.asarray(~self.runs.is_first & (np.abs(self.start - self.covered_before) <= GRACE_DAYS))

    @cached_property
    def n_lapses(self) -> Floats:
        """Pauses of more than 31 days without a contract, the present one included."""
        resumed = ~self.runs.is_first & (self.start - self.covered_before > GRACE_DAYS)
        ended = self.runs.max(self.stop) < self.today - GRACE_DAYS
        return self.runs.tally(resumed) + ended.astype(np.float64)

    def nearest_end(self) -> tuple[Floats, Floats]:
        """Last day of the term that ends next and the start of that term; NaN without one.

        A term whose last day has passed is taken only where none that ends later is in force.
        """
        rows = np.flatnonzero(self.ending)
        stop = self.stop[rows]
        order = rows[np.lexsort((self.start[rows], stop, stop <= self.today, self.runs.row[rows]))]
        runs = Runs(self.runs.row[order], self.runs.n_runs)
        return runs.first(self.stop[order]) - 1, runs.first(self.start[order])


def terms(at: Snapshot) -> ContractRuns:
    """The contracts of a snapshot, put in order once."""
    return at.once(ContractRuns.known)


@feature(
    "contract",
    "0 or 1",
    needs=TABLE,
    nan="never",
    phrase="has a contract in force: {has_contract_in_force:.0f}",
)
def has_contract_in_force(at: Snapshot) -> Floats:
    """1 where a contract runs just before as_of, as far as was known; its last day belongs to it."""
    return np.asarray((at.once(n_contracts_in_force) > 0).astype(np.float64))


@feature(
    "contract", "contracts", needs=TABLE, nan="never", phrase="{n_contracts_in_force:.0f} contracts in force"
)
def n_contracts_in_force(at: Snapshot) -> Floats:
    """Contracts that run just before as_of, as far as was known; the last day belongs to them."""
    return terms(at).runs.tally(terms(at).in_force).astype(np.float64)


@feature("contract", "contracts", needs=TABLE, nan="never", phrase="{n_contracts:.0f} contracts in all")
def n_contracts(at: Snapshot) -> Floats:
    """Contracts begun before as_of."""
    return terms(at).runs.count.astype(np.float64)


@feature(
    "contract",
    "days",
    needs=TABLE,
    nan=NO_CONTRACT,
    phrase="under contract for {days_since_first_contract:.0f} days",
)
def days_since_first_contract(at: Snapshot) -> Floats:
    """Calendar days since the first contract began."""
    return at.today - terms(at).runs.first(terms(at).start)


@feature(
    "contract", "days", needs=TABLE, nan=NO_CONTRACT,
    phrase="the latest contract began {days_since_last_contract_start:.0f} days ago",
)  # fmt: skip
def days_since_last_contract_start(at: Snapshot) -> Floats:
    """Calendar days since the latest contract began."""
    return at.today - terms(at).runs.last(terms(at).start)


@feature(
    "contract",
    "days",
    needs=TABLE,
    nan=NONE_ENDING,
    phrase="the contract ends in {days_to_contract_end:.0f} days",
)
def days_to_contract_end(at: Snapshot) -> Floats:
    """Calendar days to the last day of the contract that ends next; 0 = that day has come."""
    return np.asarray(np.maximum(at.once(_nearest_end)[0] - at.today, 0))


@feature(
    "contract", "days", needs=TABLE, nan="a contract is in force, or there never was one",
    phrase="without a contract for {days_since_contract_end:.0f} days",
)  # fmt: skip
def days_since_contract_end(at: Snapshot) -> Floats:
    """Calendar days without a contract since the last one stopped, where none is in force."""
    stopped = at.today - terms(at).runs.max(terms(at).stop)
    return where(at.once(n_contracts_in_force) == 0, stopped)


@feature(
    "contract",
    "0 or 1",
    needs=TABLE,
    nan="never",
    phrase="an open-ended contract: {has_open_ended_contract:.0f}",
)
def has_open_ended_contract(at: Snapshot) -> Floats:
    """1 where a contract in force has no scheduled end."""
    return 1.0 * (terms(at).runs.tally(terms(at).in_force & ~terms(at).ending) > 0)


@feature(
    "contract", "days", needs=TABLE, nan="no contract with a scheduled end",
    phrase="contracts run for {term_days_mean:.0f} days",
)  # fmt: skip
def term_days_mean(at: Snapshot) -> Floats:
    """Mean scheduled length of the contracts that have an end."""
    there = terms(at)
    timed = there.end < _OPEN
    return ratio(there.runs.sum(np.where(timed, there.end - there.start, 0)), there.runs.tally(timed))


@feature("contract", "contracts", needs=TABLE, nan="never", phrase="renewed {n_renewals:.0f} times")
def n_renewals(at: Snapshot) -> Floats:
    """Contracts that began within 31 days of the end of what came before."""
    return terms(at).runs.tally(terms(at).renews).astype(np.float64)


@feature(
    "contract",
    "lapses",
    needs=TABLE,
    nan="never",
    phrase="let a contract lapse {n_contract_lapses:.0f} times",
)
def n_contract_lapses(at: Snapshot) -> Floats:
    """Pauses of more than 31 days without a contract after the first, the present one included."""
    return terms(at).n_lapses


@feature(
    "contract", "share", needs=TABLE, nan="no contract has come to its end yet",
    phrase="renewed {renewal_share:.0%} of the contracts that ended",
)  # fmt: skip
def renewal_share(at: Snapshot) -> Floats:
    """Renewals over renewals and lapses."""
    return ratio(at.once(n_renewals), at.once(n_renewals) + at.once(n_contract_lapses))


@feature(
    "contract", "share", needs=TABLE, nan="no contract, or the first began on the day of as_of",
    phrase="under contract for {contract_covered_share:.0%} of the time since the first",
)  # fmt: skip
def contract_covered_share(at: Snapshot) -> Floats:
    """Share of the days since the first contract on which one was in force."""
    there = terms(at)
    begin = np.maximum(there.start, there.covered_before)
    covered = np.maximum(np.minimum(there.stop, at.today) - begin, 0)
    return ratio(there.runs.sum(covered), at.once(days_since_first_contract))


@feature(
    "contract",
    "contracts",
    needs=TABLE,
    nan="never",
    phrase="cancelled {n_contracts_cancelled:.0f} contracts",
)
def n_contracts_cancelled(at: Snapshot) -> Floats:
    """Contracts whose cancellation is known."""
    return terms(at).runs.tally(terms(at).cancelled).astype(np.float64)


@feature(
    "contract", "days", needs=TABLE, nan="never cancelled",
    phrase="gave notice {days_since_last_cancellation:.0f} days ago",
)  # fmt: skip
def days_since_last_cancellation(at: Snapshot) -> Floats:
    """Calendar days since the latest cancellation that is known."""
    there = terms(at)
    rows = np.flatnonzero(there.cancelled)
    day = there.events.columns["cancelled_at"][rows] // MICROSECONDS_A_DAY
    return at.today - Runs(there.runs.row[rows], at.n_buyers).max(day)


@feature(
    "contract", "days", needs=TABLE, nan="never cancelled a contract with a scheduled end",
    phrase="gave {cancellation_notice_days_mean:.0f} days of notice",
)  # fmt: skip
def cancellation_notice_days_mean(at: Snapshot) -> Floats:
    """Mean days from a known cancellation to the scheduled end of that contract."""
    there = terms(at)
    rows = np.flatnonzero(there.cancelled & (there.end < _OPEN))
    notice = there.end[rows] - there.events.columns["cancelled_at"][rows] // MICROSECONDS_A_DAY
    runs = Runs(there.runs.row[rows], at.n_buyers)
    return ratio(runs.sum(notice), runs.count)


@feature(
    "contract", "money a month", needs=TABLE, nan="never",
    phrase="{monthly_amount_in_force:,.0f} a month under contract",
)  # fmt: skip
def monthly_amount_in_force(at: Snapshot) -> Floats:
    """Monthly amounts of the contracts in force, added; an unknown amount counts 0."""
    there = terms(at)
    return there.runs.sum(np.where(there.in_force, np.nan_to_num(there.events.columns["amount"]), 0.0))


@feature("contract", "price rises", needs=TABLE, nan="never", phrase="{n_price_rises:.0f} price rises")
def n_price_rises(at: Snapshot) -> Floats:
    """Contracts at a higher monthly amount than the one before."""
    there = terms(at)
    amount = there.events.columns["amount"]
    risen = np.zeros(len(amount), dtype=bool)
    risen[1:] = amount[1:] > amount[:-1]
    return there.runs.tally(risen & ~there.runs.is_first).astype(np.float64)


@feature(
    "contract", "ratio", needs=TABLE, nan="fewer than two contracts, or an amount unknown or zero",
    phrase="the latest contract costs {price_last_step_ratio:.2f} times the one before",
)  # fmt: skip
def price_last_step_ratio(at: Snapshot) -> Floats:
    """Monthly amount of the latest contract over that of the one before."""
    runs, amount = terms(at).runs, terms(at).events.columns["amount"]
    return ratio(runs.last(amount), runs.last(amount, back=1))


@feature(
    "contract", "ratio", needs=TABLE, nan="no contract, or an amount unknown or zero",
    phrase="pays {price_since_first_ratio:.2f} times the first contract",
)  # fmt: skip
def price_since_first_ratio(at: Snapshot) -> Floats:
    """Monthly amount of the latest contract over that of the first."""
    runs, amount = terms(at).runs, terms(at).events.columns["amount"]
    return ratio(runs.last(amount), runs.first(amount))


@feature(
    "contract",
    "plans",
    needs=(TABLE, "contracts.plan"),
    nan="never",
    phrase="{n_plan_changes:.0f} changes of plan",
)
def n_plan_changes(at: Snapshot) -> Floats:
    """Contracts on another plan than the one before."""
    there = terms(at)
    plan = there.events.columns["plan"]
    moved = np.zeros(len(plan), dtype=bool)
    moved[1:] = (plan[1:] != plan[:-1]) & (plan[1:] >= 0) & (plan[:-1] >= 0)
    return there.runs.tally(moved & ~there.runs.is_first).astype(np.float64)


@feature(
    "contract", "0 or 1", needs=BOTH, nan=NONE_ENDING,
    phrase="talked about renewal since the contract began: {had_renewal_talk:.0f}",
)  # fmt: skip
def had_renewal_talk(at: Snapshot) -> Floats:
    """1 where renewal was talked about since the contract that ends next began."""
    ends = at.once(_nearest_end)[0]
    return where(~np.isnan(ends), 1.0 * ~np.isnan(at.once(_first_renewal_talk)))


@feature(
    "contract", "days", needs=BOTH, nan="no contract with an end to come, or no talk of renewal yet",
    phrase="renewal first talked about {days_renewal_talk_to_contract_end:.0f} days before the end",
)  # fmt: skip
def days_renewal_talk_to_contract_end(at: Snapshot) -> Floats:
    """Days from the first renewal talk of the contract that ends next to its end."""
    return at.once(_nearest_end)[0] - at.once(_first_renewal_talk)


@feature(
    "contract", "days", needs=BOTH, nan="renewal was never talked about",
    phrase="last talked about renewal {days_since_renewal_talk:.0f} days ago",
)  # fmt: skip
def days_since_renewal_talk(at: Snapshot) -> Floats:
    """Calendar days since renewal was last talked about."""
    return contacts(at).days_since_last(contacts(at).kind("renewal_talk"))


def _nearest_end(at: Snapshot) -> tuple[Floats, Floats]:
    return terms(at).nearest_end()


def _first_renewal_talk(at: Snapshot) -> Floats:
    """Day of the first renewal talk since the contract that ends next began."""
    there, (_, began) = contacts(at), at.once(_nearest_end)
    day = at.today - there.age
    talks = there.kind("renewal_talk") & (day >= began[there.runs.row])
    runs, age = there.only(talks)
    return at.today - runs.first(age)
