"""Which care is due: one function an action, each from what was known at a moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clientcare.care.practices import RENEWAL_DAYS_AHEAD, n_between
from clientcare.facts.contacts import Bools, Contacts, Floats, Ints
from clientcare.outcomes.buying import Buying, actual_end_day, median_gap, scheduled_end_day
from clientcare.window import MICROSECONDS_A_DAY

RENEWAL_STEPS = (180, 90, 60, 30)
"""Days before the end of a contract at which its renewal should have been talked about."""

STEP_URGENCY = {180: 0.5, 90: 0.7, 60: 0.85, 30: 1.0}


@dataclass(frozen=True, eq=False)
class Standing:
    """Where every buyer stands at a moment; all arrays have shape (n_buyers,) and cover all buyers of the
    histories.

    ``listed`` says who is in the book and known; only they can be planned for.
    """

    buying: Buying
    contacts: Contacts | None
    listed: Bools
    churn_risk: Floats
    is_client: Bools
    cadence_days: int
    warning_line: float

    @property
    def today(self) -> int:
        """Calendar day of ``as_of``."""
        return self.buying.as_of // MICROSECONDS_A_DAY

    @property
    def shows_care(self) -> bool:
        """Whether the histories can show what the seller does for buyers."""
        return self.contacts is not None and self.contacts.shows_care


@dataclass(frozen=True, eq=False)
class Due:
    """Some buyers' due actions of one kind: parallel arrays of shape (n_due,), and the numbers their
    sentences need.
    """

    buyer: Ints
    due_day: Floats
    urgency: Floats
    facts: Mapping[str, Any] = field(default_factory=dict)


def overdue_check_in(at: Standing) -> Due:
    """No kept contact by the seller for longer than the cadence, or than this buyer is used to.

    The allowed silence is the cadence, or the median gap between the buyer's own contact days (at least a
    week, from four contact days on) where that is shorter. Urgency: ``late / (late + allowed)``, and at
    least a half after an agreed contact was missed.
    """
    contacts = at.contacts
    if contacts is None or not contacts.shows_care:
        return nobody()
    rows = contacts.care_by_seller
    last = contacts.last_time(rows) // MICROSECONDS_A_DAY
    owner, day = _distinct_days(contacts, rows)
    often = np.bincount(owner, minlength=at.buying.n_buyers) >= 4
    own = np.where(often, np.maximum(median_gap(owner, day, at.buying.n_buyers), 7), np.nan)
    allowed = np.fmin(own, at.cadence_days)
    since = np.where(np.isnan(last), at.buying.since_day, last)
    missed = contacts.last_time(contacts.missed & (contacts.outbound | contacts.mutual)) // MICROSECONDS_A_DAY
    missed = np.where(missed > np.nan_to_num(last, nan=-np.inf), missed, np.nan)
    late = at.today - since - allowed
    waits = ~np.isnan(missed) & (at.today - missed <= 2 * at.cadence_days)
    found = np.flatnonzero(at.listed & ((late > 0) | waits))
    due = np.where(waits, np.fmin(missed + 1, since + allowed), since + allowed)[found]
    urgency = np.maximum(np.maximum(late, 0) / (np.maximum(late, 0) + allowed), np.where(waits, 0.5, 0.0))[
        found
    ]
    facts = {
        "silent": (at.today - since)[found],
        "never": np.isnan(last)[found],
        "allowed": allowed[found],
        "own": (own < at.cadence_days)[found],
        "missed_day": np.where(waits, missed, np.nan)[found],
    }
    return Due(found, due, urgency, facts)


def unusual_silence(at: Standing) -> Due:
    """No purchase for much longer than usual, notice given, a contract given up lately, or a churn risk over the
    warning line.

    Unusual, for buyers with at least three purchase days and a silence of two weeks or more: at least twice
    the buyer's own usual gap; or at least once, with the risk over the line. The line alone counts for
    buyers who bought more than once or hold a contract. Silent for half a year and more than ten usual gaps:
    gone, not silent. Under notice is due from the notice on, until the seller has been in touch since. Urgency:
    ``1 - 1 / (1 + overdue ratio)``, at least a half, and 0.95 under notice and in the month after a cancellation.
    """
    buying = at.buying
    silent = at.today - buying.last_day
    usual = np.where(buying.n_purchases >= 3, buying.usual_gap_days, np.nan)
    ratio = np.where(np.isnan(usual), np.nan, silent / usual)
    over_line = at.churn_risk >= at.warning_line
    repeated = (buying.n_purchases > 1) | buying.bound
    gone = (silent > 182) & (np.nan_to_num(ratio) > 10) & ~buying.bound
    cancelled = _cancelled_day(at)
    just_left = (at.today - cancelled <= 30) & ~buying.bound
    noticed, service_end = buying.notice
    spoken = np.nan if at.contacts is None else at.contacts.last_time(at.contacts.care_by_seller)
    noticed = np.where(spoken // MICROSECONDS_A_DAY >= noticed, np.nan, noticed)
    under_notice = ~np.isnan(noticed)
    unusual = ((silent >= 14) & ((ratio >= 2) | ((ratio >= 1) & over_line))) | (over_line & repeated)
    found = np.flatnonzero(at.listed & ((unusual & repeated & ~gone) | just_left | under_notice))
    urgency = np.maximum(1 - 1 / (1 + np.nan_to_num(ratio)), 0.5)
    due = np.where(just_left, cancelled + 1, np.fmin(buying.last_day + 2 * usual, at.today))
    due = np.where(under_notice, noticed + 1, due)
    due = np.where(np.isnan(due), at.today, due)
    told = just_left | under_notice
    facts = {
        "silent": silent[found],
        "ratio": ratio[found],
        "usual": usual[found],
        "risk": at.churn_risk[found],
        "line": np.full(len(found), at.warning_line),
        "cancelled_day": np.where(just_left, cancelled, np.nan)[found],
        "notice_day": noticed[found],
        "service_end_day": np.where(np.isinf(service_end), np.nan, service_end)[found],
    }
    return Due(found, due[found], np.where(told, 0.95, urgency)[found], facts)


def renewal_without_talk(at: Standing) -> Due:
    """A term in force ends within 180 days, no successor is signed, and nobody talked about it since that long before.

    A term under notice is none of these. Every end counts, where a buyer has several contracts.
    Steps at 180, 90, 60 and 30 days before the end, each only
    where it is at most half of the term; urgency 0.5, 0.7, 0.85, 1.0; due on the day of the step reached. An
    open-ended contract needs no talk. Where no interactions are recorded, no talk is known and each end is due.
    """
    buyer, end, term = at.buying.ends
    left = end - at.today
    step = np.full(len(end), np.nan)
    for days in RENEWAL_STEPS:
        step = np.where((left <= days) & (days <= term / 2), days, step)
    due = at.listed[buyer] & ~np.isnan(step)
    buyer, end, term, left, step = buyer[due], end[due], term[due], left[due], step[due]
    if at.contacts is not None:
        opened = np.maximum(end - RENEWAL_DAYS_AHEAD, end - np.minimum(term, 1e6))
        talks = at.contacts.renewal_talks
        silent = n_between(buyer, opened, np.full(len(buyer), float(at.today)), at.contacts, talks) == 0
        buyer, end, left, step = buyer[silent], end[silent], left[silent], step[silent]
    urgency = np.array([STEP_URGENCY[int(days)] for days in step])
    seen = np.full(len(buyer), at.contacts is not None)
    facts = {"end_day": end, "left": left, "step": step, "seen": seen}
    return Due(buyer, end - step, urgency, facts)


def open_complaint(at: Standing) -> Due:
    """A complaint, or a ticket of more than three days, opened within the last half year and not resolved.

    Urgency: 0.9, rising to 1 over two weeks. Due the day after it was opened. The oldest of a buyer counts.
    """
    contacts = at.contacts
    if contacts is None:
        return nobody()
    age = at.today - contacts.events.day
    rows = contacts.trouble & (contacts.resolved == 0) & (age <= 182)
    rows &= contacts.kind("complaint") | (age > 3)
    first, n = _first_day(contacts, rows)
    found = np.flatnonzero(at.listed & (n > 0))
    days = at.today - first[found]
    facts = {"opened_day": first[found], "days": days, "n": n[found]}
    return Due(found, first[found] + 1, 0.9 + 0.1 * np.minimum(days / 14, 1), facts)


def unanswered_message(at: Standing) -> Due:
    """The buyer spoke within the last 90 days, no answer is known, and the seller was not in touch since.

    Urgency: 0.8, rising to 1 over a week. Due the day after. Complaints and tickets have their own action.
    """
    contacts = at.contacts
    if contacts is None:
        return nobody()
    age = at.today - contacts.events.day
    later = contacts.last_time(contacts.care_by_seller)[contacts.buyer]
    rows = contacts.kept & contacts.inbound & (contacts.answered == 0) & (age <= 90)
    rows &= contacts.asked & ~contacts.trouble
    rows &= ~(contacts.time < np.nan_to_num(later, nan=-np.inf))
    first, n = _first_day(contacts, rows)
    found = np.flatnonzero(at.listed & (n > 0))
    days = at.today - first[found]
    return Due(
        found,
        first[found] + 1,
        0.8 + 0.2 * np.minimum(days / 7, 1),
        {"asked_day": first[found], "days": days},
    )


def falling_satisfaction(at: Standing) -> Due:
    """The latest rating of the last half year lies at least 0.2 under the mean of the earlier ones (two or
    more), or is at most 0.4.

    Urgency: 0.6, rising to 1 with a fall of a half. Due a week after the rating.
    """
    contacts = at.contacts
    if contacts is None:
        return nobody()
    rating = contacts.number("satisfaction")
    rows = np.flatnonzero(contacts.kept & ~np.isnan(rating))
    last = np.full(at.buying.n_buyers, -1)
    last[contacts.buyer[rows]] = rows
    rated = np.flatnonzero(last >= 0)
    n = np.bincount(contacts.buyer[rows], minlength=at.buying.n_buyers).astype(np.float64)
    total = np.bincount(contacts.buyer[rows], weights=rating[rows], minlength=at.buying.n_buyers)
    latest, when = np.full(len(n), np.nan), np.full(len(n), np.nan)
    latest[rated], when[rated] = rating[last[rated]], contacts.events.day[last[rated]]
    before = np.where(n > 2, (total - np.nan_to_num(latest)) / np.maximum(n - 1, 1), np.nan)
    fell = before - latest
    found = np.flatnonzero(at.listed & (at.today - when <= 182) & ((fell >= 0.2 - 1e-9) | (latest <= 0.4)))
    drop = np.where(np.isnan(fell[found]), 0.6 - latest[found], fell[found])
    facts = {"latest": latest[found], "before": before[found], "n": n[found], "rated_day": when[found]}
    return Due(found, when[found] + 7, 0.6 + 0.4 * np.clip(drop / 0.5, 0, 1), facts)


def first_purchase(at: Standing) -> Due:
    """A first purchase 3 to 45 days ago, nothing since, and no contact by the seller since then.

    Urgency 0.5. Due a week after the purchase.
    """
    days = at.today - at.buying.first_day
    found = at.listed & (at.buying.n_purchases == 1) & (days >= 3) & (days <= 45)
    if at.contacts is not None:
        last = at.contacts.last_time(at.contacts.care_by_seller) // MICROSECONDS_A_DAY
        found &= ~(last >= at.buying.first_day)
    found = np.flatnonzero(found)
    facts = {"bought_day": at.buying.first_day[found], "days": days[found]}
    return Due(found, at.buying.first_day[found] + 7, np.full(len(found), 0.5), facts)


def referral_never_asked(at: Standing) -> Due:
    """A client of at least half a year, at less than half the warning line, content, who was never asked for
    a referral and never made one.

    Content: no open complaint, and a latest mean rating of at least 0.6 where there is one. Urgency 0.3. Due
    at once.
    """
    contacts = at.contacts
    if contacts is None or not contacts.shows_care:
        return nobody()
    spoken_of = contacts.count(contacts.kind("referral")) > 0
    troubled = contacts.count(contacts.kept & contacts.kind("complaint") & (contacts.resolved == 0)) > 0
    rated = contacts.mean(contacts.number("satisfaction"), contacts.kept)[0]
    days = at.today - at.buying.since_day
    good = at.is_client & (at.churn_risk < at.warning_line / 2) & ~(rated < 0.6) & (days >= 182)
    found = np.flatnonzero(at.listed & good & ~spoken_of & ~troubled)
    facts = {"days": days[found], "risk": at.churn_risk[found]}
    return Due(found, np.full(len(found), float(at.today)), np.full(len(found), 0.3), facts)


def anniversary(at: Standing) -> Due:
    """A client's year as a buyer is full within the next two weeks. Urgency 0.3. Due on the day."""
    known = ~np.isnan(at.buying.since_day)
    since = np.where(known, at.buying.since_day, 0).astype(np.int64).astype("datetime64[D]")
    month = since.astype("datetime64[M]")
    day_in_month = (since - month.astype("datetime64[D]")).astype(np.int64)
    today = np.datetime64(int(at.today), "D")
    years = (today.astype("datetime64[M]") - month).astype(np.int64) // 12
    best, full = np.full(len(since), np.nan), np.zeros(len(since))
    for extra in (0, 1):
        first_of_month = (month + 12 * (years + extra)).astype("datetime64[D]")
        date = (first_of_month + day_in_month).astype(np.int64)  # 29 February: 1 March
        ahead = date - at.today
        here = (ahead >= 0) & (ahead < 14) & (years + extra >= 1)
        best, full = np.where(here, date, best), np.where(here, years + extra, full)
    found = np.flatnonzero(at.listed & known & at.is_client & ~np.isnan(best))
    facts = {"years": full[found], "date_day": best[found]}
    return Due(found, best[found], np.full(len(found), 0.3), facts)


FINDERS: Mapping[str, Callable[[Standing], Due]] = {
    "solve_complaint": open_complaint,
    "answer_message": unanswered_message,
    "renewal_talk": renewal_without_talk,
    "reach_out": unusual_silence,
    "review_service": falling_satisfaction,
    "check_in": overdue_check_in,
    "follow_up_first_purchase": first_purchase,
    "ask_for_referral": referral_never_asked,
    "anniversary": anniversary,
}
"""The actions a plan can hold, and who finds them."""


def nobody() -> Due:
    """Nothing is due, or it cannot be seen."""
    return Due(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))


def _distinct_days(contacts: Contacts, rows: Bools) -> tuple[Ints, Ints]:
    buyer, day = contacts.buyer[rows].astype(np.int64), contacts.events.day[rows].astype(np.int64)
    new = np.ones(len(buyer), dtype=bool)
    new[1:] = (buyer[1:] != buyer[:-1]) | (day[1:] != day[:-1])
    return buyer[new], day[new]


def _first_day(contacts: Contacts, rows: Bools) -> tuple[Floats, Floats]:
    """Day of the earliest of some contacts by buyer, and how many there are."""
    first = np.full(contacts.events.n_buyers, np.nan)
    places = np.flatnonzero(rows)[::-1]
    first[contacts.buyer[places]] = contacts.events.day[places]
    return first, contacts.count(rows)


def _cancelled_day(at: Standing) -> Floats:
    """Day on which a buyer's latest contract was cancelled before its end, NaN without one."""
    day = np.full(at.buying.n_buyers, np.nan)
    contracts = at.buying.contracts
    if contracts is not None:
        actual = actual_end_day(contracts)
        cut = actual < scheduled_end_day(contracts)
        day[contracts.buyer[cut]] = actual[cut]
    return day
