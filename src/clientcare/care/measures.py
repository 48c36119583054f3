"""The five practices of care, two-way communication and word of mouth: one formula each.

Making one thing worse lowers its own measure and raises none. So nothing that a buyer does freely stands below a
fraction: what is counted is measured against stretches of the cadence, against what was agreed, or against what was
asked. What was missed is bad, what was never recorded is unknown (NaN).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from clientcare.facts.contacts import Bools, Contacts, Floats, Ints, mean_of_known, share
from clientcare.facts.runs import distinct
from clientcare.history.histories import Histories
from clientcare.outcomes.buying import Buying, actual_end_day, growth_share, scheduled_end_day
from clientcare.window import MICROSECONDS_A_DAY, day_number, microseconds

PRACTICES = ("communicated", "proactive", "deepening", "service", "beyond")
"""The five practices: care is communicated, proactive, deepens the relationship, keeps service and value
good, and gives value beyond the purchase."""

MEASURES = (*PRACTICES, "two_way", "word_of_mouth")
"""The practices, and the two signs that care arrives: communication runs both ways, and buyers spread the
word.
"""

WHOLE = MEASURES[:6]
"""What the overall score is the mean of: word of mouth is the buyers' own affair."""

PROMPT_HOURS = 24.0
"""An answer within this many hours counts as prompt."""

YEAR_DAYS = 365
"""How far back a measure is taken from where the period has none: what is older says nothing of today."""

NOTICE_DAYS = 30
"""A renewal talked about at least this many days before the end was no surprise."""

RENEWAL_DAYS_AHEAD = 180
"""How long before an end a talk counts as a talk about that end."""


@dataclass(frozen=True)
class Period:
    """The stretch a report speaks of, all in microseconds but ``observed_from_day``."""

    as_of: int
    length: int
    cadence: int
    observed_from_day: int

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
    """The period of each buyer cut into stretches of the cadence, counted back from the end of the period.

    Whole stretches since somebody became a buyer count, at least one; those after a relation had ended do not.
    """

    buying: Buying
    contacts: Contacts
    period: Period

    @property
    def most(self) -> int:
        """Stretches in a whole period."""
        return max(1, self.period.length // self.period.cadence)

    @cached_property
    def days(self) -> Floats:
        """Days as a buyer within the period."""
        return self.period.days_of(self.buying.since_day, self.period.as_of)

    @cached_property
    def first(self) -> Floats:
        """The first stretch back that counts: 0, or the one in which a relation by contract had ended."""
        left = _left_day(self.buying)
        gone = np.maximum(np.nan_to_num(self.period.today - left), 0.0)
        return np.floor(gone * MICROSECONDS_A_DAY / self.period.cadence)

    @cached_property
    def last(self) -> Floats:
        """The first stretch back that is too long ago to count."""
        whole = np.floor(self.days * MICROSECONDS_A_DAY / self.period.cadence)
        return np.asarray(np.clip(whole, 1, self.most))

    @cached_property
    def back(self) -> Floats:
        """How many stretches ago each contact was; shape (n_rows,)."""
        return np.asarray(
            (self.period.as_of - 1 - self.contacts.time) // self.period.cadence, dtype=np.float64
        )

    def with_any(self, rows: Bools) -> Floats:
        """In how many of a buyer's stretches some contacts lie."""
        return self.with_both(rows, rows)

    def with_both(self, rows: Bools, others: Bools) -> Floats:
        """In how many of a buyer's stretches both of two sorts of contacts lie."""
        cells = np.intersect1d(self._cells(rows), self._cells(others))
        return np.bincount(cells // self.most, minlength=self.buying.n_buyers).astype(np.float64)

    def _cells(self, rows: Bools) -> Ints:
        buyer = self.contacts.buyer
        rows = rows & (self.back >= self.first[buyer]) & (self.back < self.last[buyer])
        return np.asarray(
            distinct(buyer[rows].astype(np.int64) * self.most + self.back[rows].astype(np.int64))
        )

    @cached_property
    def n(self) -> Floats:
        """How many stretches count; 0 where nothing was due: less than one cadence a buyer, and nothing happened."""
        spoke = self.with_any(self.contacts.heard | self.contacts.voiced) > 0
        young = (self.days * MICROSECONDS_A_DAY < self.period.cadence) & ~spoke
        return np.where(young, 0.0, np.maximum(self.last - self.first, 0.0))


def _left_day(buying: Buying) -> Floats:
    """Calendar day after the last contract of a buyer who has none in force and bought nothing since; else NaN."""
    left = np.full(buying.n_buyers, np.nan)
    if buying.contracts is None:
        return left
    np.fmax.at(left, buying.contracts.buyer, actual_end_day(buying.contracts) + 1)
    here = buying.bound | (buying.last_day >= left) | (left > buying.as_of // MICROSECONDS_A_DAY)
    return np.where(here, np.nan, left)


def communicated(buying: Buying, contacts: Contacts | None, period: Period) -> dict[str, Any]:
    """Care is communicated: the share of cadence stretches in which the buyer heard from the seller.

    ``100 * n_stretches_in_touch / n_stretches``. Heard: a contact of care that the seller started or took part in,
    or an answer to one of the buyer's. A check-in that was missed and a call that reached nobody are none.

    NaN where no care by the seller is recorded, and for a buyer of less than one cadence with whom nothing happened
    yet: nothing was due.
    """
    if contacts is None or not contacts.shows_care:
        return {"communicated": np.full(buying.n_buyers, np.nan)}
    stretches = Stretches(buying, contacts, period)
    heard = stretches.with_any(contacts.heard)
    return {
        "communicated": 100 * share(heard, stretches.n),
        "n_stretches": stretches.n.astype(np.int64),
        "n_stretches_in_touch": heard.astype(np.int64),
    }


def proactive(buying: Buying, contacts: Contacts | None, period: Period) -> dict[str, Any]:
    """Care is proactive: the seller takes the first step. The mean of what is known of three shares, times 100.

    - first steps: of the stretches of the cadence, those with a contact of care that the seller started, or both;
    - check-ins kept: of those agreed upon in the period (check-ins, meetings, visits, calls), those that took place;
    - ends foreseen: of the terms that ended within the period or end within 30 days of ``as_of``, those talked
      about (renewal talk or meeting) between 180 and 30 days before their end.

    What the buyer starts stands in none of them: a buyer who falls silent makes nobody proactive. NaN where nothing
    was due, or no care by the seller is recorded.
    """
    if contacts is None or not contacts.shows_care:
        return {"proactive": np.full(buying.n_buyers, np.nan)}
    ends, foreseen = _ends_foreseen(buying, contacts, period)
    stretches = Stretches(buying, contacts, period)
    first = stretches.with_any(contacts.care_by_seller)
    recent = contacts.time >= period.start
    kept = contacts.count(recent & contacts.check_ins)
    missed = contacts.count(recent & contacts.missed_check_ins)
    shares = mean_of_known(share(first, stretches.n), share(kept, kept + missed), share(foreseen, ends))
    return {
        "proactive": 100 * shares,
        "n_stretches_first": first.astype(np.int64),
        "n_check_ins_kept": kept.astype(np.int64),
        "n_check_ins_missed": missed.astype(np.int64),
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
        good = contacts.care & ~contacts.trouble
        now = contacts.count(good & (contacts.time >= period.start))
        earlier = contacts.count(good & (contacts.time >= before) & (contacts.time < period.start))
        parts.append(growth_share(share(now, days_now), share(earlier, days_before)))
    comparable = days_before >= period.cadence / MICROSECONDS_A_DAY
    return {
        "deepening": np.where(comparable, 100 * mean_of_known(*parts), np.nan),
        "spend": now_spend,
        "spend_before": before_spend,
    }


def service(buying: Buying, contacts: Contacts | None, period: Period) -> dict[str, Any]:
    """Best service and value are ongoing. The mean of what is known of five shares, times 100:

    - satisfaction (0 to 1) of the contacts rated within the period: their mean, or the latest where that is lower;
    - contacts by the buyer (referrals aside) answered, of those whose answers are recorded;
    - of the same, those answered within 24 hours, where the time of answers is recorded;
    - complaints and tickets opened in the period that are resolved by its end, where closings are recorded;
    - value kept: ``1 - returned / bought`` of the period's spend (at least 0), where returns are recorded at all.

    What a buyer gave no occasion for in the period, or nobody wrote down, stands as it was in the year before: neither
    a buyer's silence nor a missing record makes the service better.

    What buyers say outweighs how promptly they were answered: the whole is never above the satisfaction, and never
    above half-way between full marks and the share of complaints resolved. NaN where none of them is known.
    """
    spent, returned = buying.spent_and_returned(period.start, period.as_of)
    amount = None if buying.transactions is None else buying.transactions.columns.get("amount")
    records_returns = amount is not None and bool((amount < 0).any())
    kept_value = (
        share(np.maximum(spent - returned, 0), spent) if records_returns else np.full(buying.n_buyers, np.nan)
    )
    counts: dict[str, Any] = {"amount_bought": spent, "amount_returned": returned}
    if contacts is None:
        return {"service": 100 * kept_value, **counts}
    rating = contacts.number("satisfaction")
    mean_rating, n_rated = _as_last_measured(contacts, rating, contacts.kept, period)
    rated = np.fmin(mean_rating, _latest(contacts, rating, contacts.kept & (contacts.time >= period.start)))
    answered, n_asked = _as_last_measured(contacts, contacts.answered, contacts.asked, period)
    prompt, n_timed = _as_last_measured(contacts, _promptness(contacts), contacts.asked, period)
    resolved, n_trouble = _as_last_measured(contacts, contacts.resolved, contacts.trouble, period)
    whole = mean_of_known(kept_value, rated, answered, prompt, resolved)
    whole = np.where(np.isnan(whole), np.nan, np.fmin(np.fmin(whole, rated), (1 + resolved) / 2))
    counts |= {
        "n_rated": n_rated.astype(np.int64),
        "mean_satisfaction": np.where(n_rated > 0, mean_rating, np.nan),
        "n_asked": n_asked.astype(np.int64),
        "n_answered": np.nan_to_num(answered * n_asked).round().astype(np.int64),
        "n_timed": n_timed.astype(np.int64),
        "n_prompt": np.nan_to_num(prompt * n_timed).round().astype(np.int64),
        "n_trouble": n_trouble.astype(np.int64),
        "n_resolved": np.nan_to_num(resolved * n_trouble).round().astype(np.int64),
    }
    return {"service": 100 * whole, **counts}


def _as_last_measured(
    contacts: Contacts, values: Floats, rows: Bools, period: Period
) -> tuple[Floats, Floats]:
    """Mean of the known values of some contacts of the period by buyer, or else of the year before it; and how many
    the period had.
    """
    now, n = contacts.mean(values, rows & (contacts.time >= period.start))
    year = (contacts.time < period.start) & (contacts.time >= period.start - YEAR_DAYS * MICROSECONDS_A_DAY)
    return np.where(n > 0, now, contacts.mean(values, rows & year)[0]), n


def _promptness(contacts: Contacts) -> Floats:
    """1 answered within 24 hours, 0 later or not as yet, NaN where that is not recorded.

    Where hours are recorded at all, a contact that nobody answered is late: or silence would be quicker than an answer.
    """
    hours = contacts.number("response_hours")
    unanswered = (contacts.answered == 0) & (not np.isnan(hours).all())
    return np.where(np.isnan(hours), np.where(unanswered, 0.0, np.nan), hours <= PROMPT_HOURS)


def _latest(contacts: Contacts, values: Floats, rows: Bools) -> Floats:
    """The last known value of some contacts, by buyer; NaN without one."""
    last = np.full(contacts.events.n_buyers, np.nan)
    known = rows & ~np.isnan(values)
    last[contacts.buyer[known]] = values[known]  # rows ascend in time within a buyer, the last one stays
    return last


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
    good, offers = contacts.count(recent & contacts.beyond), contacts.count(recent & contacts.offers)
    missed = contacts.count(recent & contacts.missed_beyond)
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
    both = stretches.with_both(contacts.heard, contacts.voiced)
    recent = contacts.time >= period.start
    return {
        "two_way": 100 * share(both, stretches.n),
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
