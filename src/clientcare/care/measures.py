"""The five practices of care, two-way communication and word of mouth: one formula each.

Making one thing worse lowers its own measure and raises none. So nothing that a buyer does freely stands below a
fraction: what is counted is measured against stretches of the cadence, against what was agreed, or against what was
asked. What was missed is bad, what was never recorded is unknown (NaN).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from clientcare.care.check_ins import CheckIns
from clientcare.care.stretches import Period, Stretches
from clientcare.facts.contacts import BEYOND_KINDS, Bools, Contacts, Floats, mean_of_known, share
from clientcare.history.histories import Histories
from clientcare.outcomes.buying import Buying, actual_end_day, growth_share, scheduled_end_day
from clientcare.window import MICROSECONDS_A_DAY

PRACTICES = ("communicated", "proactive", "deepening", "service", "beyond")
"""The five practices: care is communicated, proactive, deepens the relationship, keeps service and value
good, and gives value beyond the purchase."""

MEASURES = (*PRACTICES, "two_way", "word_of_mouth")
"""The practices, and the two signs that care arrives: communication runs both ways, and buyers spread the
word.
"""

WHOLE = MEASURES[:6]
"""What the overall score is the mean of: word of mouth is the buyers' own affair."""

NOTICE_DAYS = 30
"""A renewal talked about at least this many days before the end was no surprise."""

RENEWAL_DAYS_AHEAD = 180
"""How long before an end a talk counts as a talk about that end."""


def communicated(buying: Buying, contacts: Contacts | None, period: Period) -> dict[str, Any]:
    """Care is communicated: the share of cadence stretches in which the buyer heard from the seller.

    ``100 * (n_stretches_unasked + n_stretches_in_touch) / (2 * n_stretches)``. Heard: a contact of care that the seller
    started or took part in (unasked), or an answer to one of the buyer's: who only answers communicates half. A check-in
    that was missed or put off and a call that reached nobody are none; nor is one without an outcome where outcomes are
    usually written down.

    NaN where no care by the seller is recorded, and for a buyer of less than one cadence with whom nothing happened
    yet: nothing was due.
    """
    if contacts is None or not contacts.shows_care:
        return {"communicated": np.full(buying.n_buyers, np.nan)}
    stretches, sure = Stretches(buying, contacts, period), CheckIns(contacts).sure
    heard = stretches.with_any(contacts.heard & sure)
    unasked = stretches.with_any(contacts.care_by_seller & sure)
    return {
        "communicated": 100 * share(heard + unasked, 2 * stretches.n),
        "n_stretches": stretches.n.astype(np.int64),
        "n_stretches_in_touch": heard.astype(np.int64),
        "n_stretches_unasked": unasked.astype(np.int64),
    }


def proactive(buying: Buying, contacts: Contacts | None, period: Period) -> dict[str, Any]:
    """Care is proactive: the seller takes the first step. The mean of what is known of three shares, times 100.

    - first steps: of the stretches of the cadence, those with a contact of care that the seller started, or both;
    - check-ins kept: of those agreed upon in the period (check-ins, meetings, visits, calls), those that took place; what
      was put off and not made up for within a month is missed, what has no outcome where others
      have one is not known to be kept;
    - ends foreseen: of the terms that ended within the period or end within 30 days of ``as_of``, those talked
      about (a talk about the renewal, by kind or topic) between 180 and 30 days before their end.

    What the buyer starts stands in none of them: a buyer who falls silent makes nobody proactive. NaN where nothing
    was due, or no care by the seller is recorded.
    """
    if contacts is None or not contacts.shows_care:
        return {"proactive": np.full(buying.n_buyers, np.nan)}
    ends, foreseen = _ends_foreseen(buying, contacts, period)
    stretches = Stretches(buying, contacts, period)
    check_ins = CheckIns(contacts)
    first = stretches.with_any(contacts.care_by_seller & check_ins.sure)
    recent = contacts.time >= period.start
    kept, missed = contacts.count(recent & check_ins.kept), contacts.count(recent & check_ins.missed)
    unsure = contacts.count(recent & check_ins.unsure)
    shares = mean_of_known(
        share(first, stretches.n), share(kept, kept + missed + unsure), share(foreseen, ends)
    )
    modes = {f"n_by_{mode}": contacts.count(recent & rows) for mode, rows in check_ins.modes.items()}
    return {
        "proactive": 100 * shares,
        "n_stretches_first": first.astype(np.int64),
        "n_check_ins_kept": kept.astype(np.int64),
        "n_check_ins_missed": missed.astype(np.int64),
        "n_check_ins_moved": contacts.count(recent & check_ins.moved).astype(np.int64),
        "n_outcomes": contacts.count(recent & check_ins.told).astype(np.int64),
        "n_check_ins_unsure": unsure.astype(np.int64),
        **{name: count.astype(np.int64) for name, count in modes.items()},
        "n_outbound": contacts.count(recent & contacts.care & contacts.outbound).astype(np.int64),
        "n_inbound": contacts.count(recent & contacts.care & contacts.inbound).astype(np.int64),
        "n_mutual": contacts.count(recent & contacts.care & contacts.mutual).astype(np.int64),
        "n_ends": ends.astype(np.int64),
        "n_ends_foreseen": foreseen.astype(np.int64),
    }


def deepening(buying: Buying, contacts: Contacts | None, period: Period) -> dict[str, Any]:
    """The relationship deepens: this period against the one before. 50 is level, above is deeper.

    ``100 * mean of now / (now + before)`` over what is known of: net spend a day (purchase days a day where
    there are no amounts), distinct categories bought, care contacts a day (complaints and
    tickets aside), and the contracts' monthly amount
    at the end and at the start of the period. Each is NaN where both periods are empty.

    NaN for a buyer who was no buyer for at least one cadence before the period began, or whose earlier
    period was not observed: there is nothing to compare with.
    """
    before = period.start - period.length
    days_now = period.days_of(buying.since_day, period.as_of)
    days_before = period.days_of(buying.since_day, period.start)
    now_spend, before_spend = (
        buying.net_spend(period.start, period.as_of),
        buying.net_spend(before, period.start),
    )
    if np.isnan(now_spend).all():
        now_spend = buying.n_purchase_days(period.start, period.as_of)
        before_spend = buying.n_purchase_days(before, period.start)
    parts = [
        growth_share(share(now_spend, days_now), share(before_spend, days_before)),
        growth_share(
            buying.n_kinds_bought(period.start, period.as_of), buying.n_kinds_bought(before, period.start)
        ),
        growth_share(buying.contract_amount(period.as_of), buying.contract_amount(period.start)),
    ]
    if contacts is not None:
        good = contacts.care & ~contacts.trouble & CheckIns(contacts).sure
        now = contacts.count(good & (contacts.time >= period.start))
        earlier = contacts.count(good & (contacts.time >= before) & (contacts.time < period.start))
        parts.append(growth_share(share(now, days_now), share(earlier, days_before)))
    comparable = days_before >= period.cadence / MICROSECONDS_A_DAY
    return {
        "deepening": np.where(comparable, 100 * mean_of_known(*parts), np.nan),
        "spend": now_spend,
        "spend_before": before_spend,
    }


def beyond(buying: Buying, contacts: Contacts | None, period: Period) -> dict[str, Any]:
    """Value and peace of mind beyond the purchase: how much of what the seller starts is not about a sale.

    ``100 * n_beyond / (n_beyond + n_offers + n_beyond_missed)`` over what the seller started or took part in within
    the period. Beyond: by its kind (advice, check-ins, events, feedback asked for, onboarding, training, visits,
    thanks for referrals) or by a topic of these names. Offers: campaigns, and what is about sales by its topic. Missed:
    what was agreed upon and did not take place. Calls, mails, meetings and talks about a renewal have no say by
    themselves.

    0 for a buyer who had none of it in the period. NaN where nothing beyond a sale was ever recorded of anybody, and
    for a buyer with whom nothing was due.
    """
    if contacts is None or not (contacts.beyond.any() or contacts.missed_beyond.any()):
        return {"beyond": np.full(buying.n_buyers, np.nan)}
    recent = contacts.time >= period.start
    check_ins = CheckIns(contacts)
    good = contacts.count(recent & contacts.beyond & check_ins.sure)
    offers = contacts.count(recent & contacts.offers)
    lost = (contacts.beyond & check_ins.unsure) | (
        contacts.by_seller & contacts.kind(*BEYOND_KINDS) & check_ins.moved
    )
    missed = contacts.count(recent & (contacts.missed_beyond | lost))
    due = Stretches(buying, contacts, period).n > 0
    score = np.where(
        good + offers + missed > 0, share(good, good + offers + missed), np.where(due, 0.0, np.nan)
    )
    return {
        "beyond": 100 * score,
        "n_beyond": good.astype(np.int64),
        "n_offers": offers.astype(np.int64),
        "n_beyond_missed": missed.astype(np.int64),
    }


def two_way(buying: Buying, contacts: Contacts | None, period: Period) -> dict[str, Any]:
    """Communication runs both ways: the share of cadence stretches in which both sides spoke.

    ``100 * n_stretches_both / n_stretches``. The buyer speaks by starting a contact of care, by taking part in a
    mutual one, or by answering; the seller likewise. A buyer who falls silent lowers it, and so does a seller.

    NaN where one of the two voices was never recorded of anybody, and where nothing was due.
    """
    if contacts is None or not (contacts.voiced.any() and (contacts.shows_care or contacts.heard.any())):
        return {"two_way": np.full(buying.n_buyers, np.nan)}
    stretches = Stretches(buying, contacts, period)
    sure = CheckIns(contacts).sure
    both = stretches.with_both(contacts.heard & sure, contacts.voiced & sure)
    recent = contacts.time >= period.start
    return {
        "two_way": 100 * share(both, stretches.n),
        "n_stretches": stretches.n.astype(np.int64),
        "n_stretches_both": both.astype(np.int64),
        "n_buyer_spoke": contacts.count(recent & contacts.voiced).astype(np.int64),
        "n_seller_spoke": contacts.count(recent & contacts.heard).astype(np.int64),
    }


def word_of_mouth(buying: Buying, contacts: Contacts | None, histories: Histories) -> dict[str, Any]:
    """Buyers spread the word: 100 for a buyer known to have referred somebody before ``as_of``, else 0.

    A referral is a kept interaction of kind ``referral`` that the buyer made (asking for one is outbound and
    is none), or another known buyer whose ``referred_by`` names this one. The mean over buyers is the share
    of buyers who refer.

    NaN for everybody where no referral was recorded of anybody: nobody wrote them down.
    """
    made, asked = np.zeros(buying.n_buyers), np.zeros(buying.n_buyers)
    if contacts is not None:
        referral = contacts.kept & contacts.kind("referral")
        made += contacts.count(referral & ~contacts.outbound)
        asked += contacts.count(referral & contacts.outbound)
    named = _named_as_referrer(buying, histories)
    made = np.maximum(made, named)  # the same referral may stand in both places
    recorded = bool(made.any())
    return {
        "word_of_mouth": np.where(made > 0, 100.0, 0.0) if recorded else np.full(buying.n_buyers, np.nan),
        "n_referrals": made.astype(np.int64),
        "n_referrals_asked": asked.astype(np.int64),
    }


def _named_as_referrer(buying: Buying, histories: Histories) -> Floats:
    """How many known buyers say that a buyer sent them; 0 for who is no known buyer; shape (n_buyers,)."""
    named = np.zeros(buying.n_buyers)
    if histories.buyers is None or "referred_by" not in histories.buyers:
        return named
    referrer = histories.buyers["referred_by"].reindex(histories.buyer_ids)
    stated = np.asarray(referrer.notna()) & ~np.isnan(buying.since_day)
    position = histories.positions_of(referrer[stated])
    np.add.at(named, position[position >= 0], 1.0)
    return np.where(np.isnan(buying.since_day), 0.0, named)


def _ends_foreseen(buying: Buying, contacts: Contacts | None, period: Period) -> tuple[Floats, Floats]:
    """Terms that ended in the period or end soon, and how many of them were talked about in time; by
    buyer.
    """
    none = np.zeros(buying.n_buyers)
    if buying.contracts is None or contacts is None:
        return none, none
    end = scheduled_end_day(buying.contracts)
    lasted = actual_end_day(buying.contracts) >= end
    first, last = period.start // MICROSECONDS_A_DAY, period.today + NOTICE_DAYS
    due = np.flatnonzero(
        (end >= first) & (end < last) & lasted & (end - buying.contracts.day > 2 * NOTICE_DAYS)
    )
    if not len(due):
        return none, none
    talked = _any_between(
        buying.contracts.buyer[due],
        end[due] - RENEWAL_DAYS_AHEAD,
        end[due] - NOTICE_DAYS,
        contacts,
        contacts.renewal_talks,
    )
    owner = buying.contracts.buyer[due]
    ends = np.bincount(owner, minlength=buying.n_buyers).astype(np.float64)
    return ends, np.bincount(owner[talked], minlength=buying.n_buyers).astype(np.float64)


def _any_between(buyer: Any, first_day: Floats, last_day: Floats, contacts: Contacts, rows: Bools) -> Bools:
    """Whether a buyer had one of some contacts on the calendar days [first_day, last_day]; one answer an
    entry.
    """
    return n_between(buyer, first_day, last_day, contacts, rows) > 0


def n_between(buyer: Any, first_day: Floats, last_day: Floats, contacts: Contacts, rows: Bools) -> Floats:
    """How many of some contacts a buyer had on the calendar days [first_day, last_day]; one answer an
    entry.
    """
    span = np.int64(1) << 32  # days never reach this far, so buyer and day make one ascending number
    keys = contacts.buyer[rows].astype(np.int64) * span + contacts.events.day[rows]
    low = np.searchsorted(keys, buyer.astype(np.int64) * span + first_day.astype(np.int64), side="left")
    high = np.searchsorted(keys, buyer.astype(np.int64) * span + last_day.astype(np.int64), side="right")
    return np.asarray(high - low, dtype=np.float64)
