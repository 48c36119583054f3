"""Contract: what binds the buyer, for how long still, at what price, and whether renewal was talked about."""

from __future__ import annotations

import numpy as np

from clientcare.facts.runs import Floats, Runs, ratio, where
from clientcare.facts.term_lines import OPEN_DAY as _OPEN
from clientcare.facts.term_lines import superseded
from clientcare.features.catalogue import feature
from clientcare.features.contact import contacts
from clientcare.features.contract_runs import TABLE, agreed, terms
from clientcare.features.snapshot import Snapshot
from clientcare.window import MICROSECONDS_A_DAY

BOTH = ("contracts", "interactions")
NO_CONTRACT = "no contract yet"
NONE_ENDING = "no contract in force that has a scheduled end"
END = "end of the contract"
"""The theme of what tells when a buyer may leave, apart from how long they have been bound."""


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
    phrase="had the first contract {days_since_first_contract:.0f} days ago",
)
def days_since_first_contract(at: Snapshot) -> Floats:
    """Calendar days since the first contract began."""
    return at.today - terms(at).runs.first(terms(at).start)


@feature(
    "contract", "days", needs=TABLE, nan="no contract in force",
    phrase="under contract for {days_under_contract:.0f} days",
)  # fmt: skip
def days_under_contract(at: Snapshot) -> Floats:
    """Calendar days since the present stretch under contract began; a pause of more than 31 days ends a stretch."""
    there = terms(at)
    began = there.runs.max(np.where(there.resumes, there.start, -_OPEN))
    return where(at.once(n_contracts_in_force) > 0, at.today - began)


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
    theme=END,
)
def days_to_contract_end(at: Snapshot) -> Floats:
    """Calendar days to the last day of the contract that ends next; 0 = that day has come. A renewal signed ahead carries
    the end to its own; a contract whose successor has begun is over.
    """
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
    theme=END,
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
    """Contracts that began up to 31 days after the end of the one they follow, or before it, those signed ahead included.

    The first paid one after a trial is none.
    """
    return agreed(at).runs.tally(agreed(at).renews).astype(np.float64)


@feature(
    "contract", "contracts", needs=(TABLE, "contracts.recorded_at"), nan="never",
    phrase="{n_renewals_signed_ahead:.0f} renewals are signed and begin later", theme=END,
)  # fmt: skip
def n_renewals_signed_ahead(at: Snapshot) -> Floats:
    """Renewals that were recorded before as_of and begin at it or later."""
    return agreed(at).runs.tally(agreed(at).renews & agreed(at).ahead).astype(np.float64)


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
    """Calendar days since the latest cancellation became known: at the notice, else when it took effect."""
    there = terms(at)
    rows = np.flatnonzero(there.cancelled)
    return at.today - Runs(there.runs.row[rows], at.n_buyers).max(there.notice_day[rows])


@feature(
    "contract", "days", needs=TABLE, nan="never cancelled a contract with a scheduled end or a notice",
    phrase="gave {cancellation_notice_days_mean:.0f} days of notice",
)  # fmt: skip
def cancellation_notice_days_mean(at: Snapshot) -> Floats:
    """Mean days from a notice to the end of service; without a notice, from the cancellation to the scheduled end."""
    there = terms(at)
    took_effect = there.events.columns["cancelled_at"] // MICROSECONDS_A_DAY
    until = np.where(there.notice_day < took_effect, np.minimum(took_effect, there.end), there.end)
    rows = np.flatnonzero(there.cancelled & (until < _OPEN))
    runs = Runs(there.runs.row[rows], at.n_buyers)
    return ratio(runs.sum(until[rows] - there.notice_day[rows]), runs.count)


@feature(
    "contract", "0 or 1", needs=(TABLE, "contracts.notice_at"), nan="never",
    phrase="under notice: {is_under_notice:.0f}", theme=END,
)  # fmt: skip
def is_under_notice(at: Snapshot) -> Floats:
    """1 where notice has been given of a contract that is still in force."""
    return 1.0 * (terms(at).runs.tally(terms(at).under_notice) > 0)


@feature(
    "contract", "days", needs=(TABLE, "contracts.notice_at"), nan="not under notice, or no end of service is known",
    phrase="under notice, service ends in {days_to_service_end:.0f} days", theme=END,
)  # fmt: skip
def days_to_service_end(at: Snapshot) -> Floats:
    """Calendar days to the end of service where every contract in force is under notice; of several, the last."""
    there = terms(at)
    rows = np.flatnonzero(there.under_notice)
    last = Runs(there.runs.row[rows], there.runs.n_runs).max(there.stop[rows])
    given = there.runs.tally(there.in_force & ~there.under_notice) == 0
    return where(given & (last < _OPEN), np.maximum(last - at.today, 0))


@feature(
    "contract", "money a month", needs=TABLE, nan="never",
    phrase="{monthly_amount_in_force:,.0f} a month under contract",
    theme="price",
)  # fmt: skip
def monthly_amount_in_force(at: Snapshot) -> Floats:
    """Monthly amounts of the contracts in force, added; an unknown amount counts 0, and so does a contract whose
    successor has begun.
    """
    there = terms(at)
    counts = there.in_force & ~superseded(there.events, there.before, there.in_force)
    return there.runs.sum(np.where(counts, np.nan_to_num(there.events.columns["amount"]), 0.0))


@feature(
    "contract",
    "price rises",
    needs=TABLE,
    nan="never",
    phrase="{n_price_rises:.0f} price rises",
    theme="price",
)
def n_price_rises(at: Snapshot) -> Floats:
    """Contracts at a higher monthly amount than was last paid in the contract they follow; a step from zero is none."""
    there = terms(at)
    return there.runs.tally(there.events.columns["amount"] > there.paid_before).astype(np.float64)


@feature(
    "contract", "ratio", needs=TABLE, nan="no contract follows another, or an amount unknown or zero",
    phrase="the latest contract costs {price_last_step_ratio:.2f} times the one before",
    theme="price",
)  # fmt: skip
def price_last_step_ratio(at: Snapshot) -> Floats:
    """Monthly amount of the latest contract that follows another over what was last paid in that one."""
    there = terms(at)
    rows = np.flatnonzero(there.before >= 0)
    runs = Runs(there.runs.row[rows], there.runs.n_runs)
    return ratio(runs.last(there.events.columns["amount"][rows]), runs.last(there.paid_before[rows]))


@feature(
    "contract", "ratio", needs=TABLE, nan="no contract, or an amount unknown or zero",
    phrase="pays {price_since_first_ratio:.2f} times the first contract",
    theme="price",
)  # fmt: skip
def price_since_first_ratio(at: Snapshot) -> Floats:
    """Monthly amount of the latest contract over that of the first it follows, contract by contract."""
    there = terms(at)
    amount, first = there.events.columns["amount"], np.arange(len(there.before))
    while (earlier := there.before[first] >= 0).any():
        first = np.where(earlier, there.before[first], first)
    return ratio(there.runs.last(amount), there.runs.last(amount[first]))


@feature(
    "contract",
    "plans",
    needs=(TABLE, "contracts.plan"),
    nan="never",
    phrase="{n_plan_changes:.0f} changes of plan",
)
def n_plan_changes(at: Snapshot) -> Floats:
    """Contracts on another plan than the one they follow."""
    there = terms(at)
    plan, rows = there.events.columns["plan"], there.before >= 0
    earlier = plan[there.before] if len(plan) else plan
    return there.runs.tally(rows & (plan != earlier) & (plan >= 0) & (earlier >= 0)).astype(np.float64)


@feature(
    "contract", "0 or 1", needs=BOTH, nan=NONE_ENDING,
    phrase="talked about renewal since the contract began: {had_renewal_talk:.0f}", theme=END,
)  # fmt: skip
def had_renewal_talk(at: Snapshot) -> Floats:
    """1 where renewal was talked about since the contract that ends next began."""
    ends = at.once(_nearest_end)[0]
    return where(~np.isnan(ends), 1.0 * ~np.isnan(at.once(_first_renewal_talk)))


@feature(
    "contract", "days", needs=BOTH, nan="no contract with an end to come, or no talk of renewal yet",
    phrase="renewal first talked about {days_renewal_talk_to_contract_end:.0f} days before the end", theme=END,
)  # fmt: skip
def days_renewal_talk_to_contract_end(at: Snapshot) -> Floats:
    """Days from the first renewal talk of the contract that ends next to its end."""
    return at.once(_nearest_end)[0] - at.once(_first_renewal_talk)


@feature(
    "contract", "days", needs=BOTH, nan="renewal was never talked about",
    phrase="last talked about renewal {days_since_renewal_talk:.0f} days ago", theme=END,
)  # fmt: skip
def days_since_renewal_talk(at: Snapshot) -> Floats:
    """Calendar days since renewal was last talked about."""
    return contacts(at).days_since_last(contacts(at).kind("renewal_talk"))


def _nearest_end(at: Snapshot) -> tuple[Floats, Floats]:
    return agreed(at).nearest_end()


def _first_renewal_talk(at: Snapshot) -> Floats:
    """Day of the first renewal talk since the contract that ends next began."""
    there, (_, began) = contacts(at), at.once(_nearest_end)
    day = at.today - there.age
    talks = there.kind("renewal_talk") & (day >= began[there.runs.row])
    runs, age = there.only(talks)
    return at.today - runs.first(age)
