"""The five practices of care, two-way communication and word of mouth: one formula each, from what a history
holds.

Every score runs from 0 to 100 and is NaN where the histories cannot show it: unknown is not bad care. A
table of interactions that holds no care by the seller at all (tickets or campaigns alone) cannot show what
the seller does. All of them speak of a period ``[as_of - period, as_of)`` and see only what was known just
before ``as_of``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from clientcare.arguments import is_whole
from clientcare.exceptions import OptionError
from clientcare.facts.contacts import (
    BEYOND_KINDS,
    OFFER_KINDS,
    Bools,
    Contacts,
    Floats,
    mean_of_known,
    share,
)
from clientcare.facts.runs import distinct
from clientcare.history.histories import Histories, require_histories
from clientcare.history.population import known_buyers
from clientcare.outcomes.buying import Buying, actual_end_day, growth_share, scheduled_end_day
from clientcare.window import MICROSECONDS_A_DAY, Moment, day_number, microseconds, parse_moment

PRACTICES = ("communicated", "proactive", "deepening", "service", "beyond")
"""The five practices: care is communicated, proactive, deepens the relationship, keeps service and value
good, and gives value beyond the purchase."""

MEASURES = (*PRACTICES, "two_way", "word_of_mouth")
"""The practices, and the two signs that care arrives: communication runs both ways, and buyers spread the
word.
"""

PROMPT_HOURS = 24.0
"""An answer within this many hours counts as prompt."""

NOTICE_DAYS = 30
"""A renewal talked about at least this many days before the end was no surprise."""

MOST_DAYS = 36_500
"""No period is longer: a hundred years."""

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


def care_practices(
    histories: Histories, as_of: Moment, period_days: int = 90, cadence_days: int = 30
) -> pd.DataFrame:
    """The seven measures of every known buyer, with the counts behind them.

    Parameters
    ----------
    histories : Histories
        Any of its tables may be missing.
    as_of : date
        Exclusive: only what was known before it is used.
    period_days, cadence_days : int
        The stretch looked at, and how often a buyer should at least hear from the seller.

    Returns
    -------
    DataFrame of shape (n_buyers known, 7 + counts), index ``buyer_id``
        One column a measure (:data:`MEASURES`, 0 to 100, NaN where it cannot be seen), and the counts
        (``n_...``) and sums behind. The formulas stand with :func:`communicated`, :func:`proactive`,
        :func:`deepening`, :func:`service`, :func:`beyond`, :func:`two_way` and :func:`word_of_mouth`.
    """
    require_histories(histories, "care_practices")
    as_of = parse_moment(as_of, histories.timezone)
    histories = histories.until(as_of)
    for name, days in (("period_days", period_days), ("cadence_days", cadence_days)):
        if not (is_whole(days, least=1) and days <= MOST_DAYS):
            raise OptionError(
                f"care_practices: {name} must be a whole number of days from 1 to {MOST_DAYS:,}."
            )
    period = Period.ending(histories, as_of, period_days, cadence_days)
    buying, contacts = Buying.known(histories, period.as_of), Contacts.known(histories, period.as_of)
    columns: dict[str, Any] = {}
    for measure in (communicated, proactive, deepening, service, beyond, two_way):
        columns |= measure(buying, contacts, period)
    columns |= word_of_mouth(buying, contacts, histories)
    table = pd.DataFrame(columns, index=histories.buyer_ids).iloc[known_buyers(histories, as_of)]
    counts = [name for name in table if name not in MEASURES]
    return table[[*MEASURES, *counts]]


def communicated(buying: Buying, contacts: Contacts | None, period: Period) -> dict[str, Any]:
    """Care is communicated: the share of cadence stretches in which the seller was in touch.

    ``100 * n_stretches_in_touch / n_stretches``. The period is cut into stretches of the cadence, counted
    back from ``as_of``; whole stretches since somebody became a buyer count, at least one. In touch: a kept
    contact, started by the seller or mutual, that neither sells nor bills.

    NaN without a table of interactions, and for a buyer of less than one cadence whom nobody contacted yet:
    nothing was due.
    """
    if contacts is None or not contacts.shows_care:
        return {"communicated": np.full(buying.n_buyers, np.nan)}
    most = max(1, period.length // period.cadence)
    cadence_days = period.cadence / MICROSECONDS_A_DAY
    days = period.days_of(buying.since_day, period.as_of)
    n_stretches = np.clip(np.floor(days / cadence_days), 1, most)
    back = (period.as_of - 1 - contacts.time) // period.cadence
    rows = contacts.care_by_seller & (contacts.time >= period.start) & (back < n_stretches[contacts.buyer])
    cells = distinct(contacts.buyer[rows].astype(np.int64) * most + back[rows])
    reached = np.bincount(cells // most, minlength=buying.n_buyers).astype(np.float64)
    not_due = (days < cadence_days) & (reached == 0)
    return {
        "communicated": np.where(not_due, np.nan, 100 * reached / n_stretches),
        "n_stretches": np.where(not_due, 0, n_stretches).astype(np.int64),
        "n_stretches_in_touch": reached.astype(np.int64),
    }


def proactive(buying: Buying, contacts: Contacts | None, period: Period) -> dict[str, Any]:
    """Care is proactive: the seller takes the first step. The mean of what is known of two shares, times 100.

    - first steps: ``(n_outbound + n_mutual / 2) / (n_outbound + n_mutual + n_inbound)`` over kept contacts
      of the period that neither sell nor bill;
    - ends foreseen: of the terms that ended within the period or end within 30 days of ``as_of``, the share
      talked about (renewal talk or meeting) between 180 and 30 days before their end.

    NaN where there was no contact and no end: nobody could have taken a first step.
    """
    ends, foreseen = _ends_foreseen(buying, contacts, period)
    if contacts is None or not contacts.shows_care:
        return {"proactive": np.full(buying.n_buyers, np.nan)}
    recent = contacts.care & (contacts.time >= period.start)
    outbound = contacts.count(recent & contacts.outbound)
    inbound = contacts.count(recent & contacts.inbound)
    mutual = contacts.count(recent & contacts.mutual)
    first_steps = share(outbound + mutual / 2, outbound + mutual + inbound)
    return {
        "proactive": 100 * mean_of_known(first_steps, share(foreseen, ends)),
        "n_outbound": outbound.astype(np.int64),
        "n_inbound": inbound.astype(np.int64),
        "n_mutual": mutual.astype(np.int64),
        "n_ends": ends.astype(np.int64),
        "n_ends_foreseen": foreseen.astype(np.int64),
    }


def deepening(buying: Buying, contacts: Contacts | None, period: Period) -> dict[str, Any]:
    """The relationship deepens: this period against the one before. 50 is level, above is deeper.

    ``100 * mean of now / (now + before)`` over what is known of: net spend a day (purchase days a day where
    there are no amounts), distinct categories bought, care contacts a day, and the contracts' monthly amount
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
        now = contacts.count(contacts.care & (contacts.time >= period.start))
        earlier = contacts.count(contacts.care & (contacts.time >= before) & (contacts.time < period.start))
        parts.append(growth_share(share(now, days_now), share(earlier, days_before)))
    comparable = days_before >= period.cadence / MICROSECONDS_A_DAY
    return {
        "deepening": np.where(comparable, 100 * mean_of_known(*parts), np.nan),
        "spend": now_spend,
        "spend_before": before_spend,
    }


def service(buying: Buying, contacts: Contacts | None, period: Period) -> dict[str, Any]:
    """Best service and value are ongoing. The mean of what is known of five shares, times 100:

    - mean satisfaction (0 to 1) of the contacts rated within the period;
    - inbound contacts (log-ins and referrals aside) answered, of those whose kind has its answers recorded;
    - of the answers with a known time, those given within 24 hours;
    - complaints and tickets opened in the period that are resolved by its end;
    - value kept: ``1 - returned / bought`` of the period's spend (at least 0), where returns are recorded at
      all.

    NaN where none of them is known.
    """
    spent, returned = buying.spent_and_returned(period.start, period.as_of)
    amount = None if buying.transactions is None else buying.transactions.columns.get("amount")
    records_returns = amount is not None and bool((amount < 0).any())
    kept_value = (
        share(np.maximum(spent - returned, 0), spent) if records_returns else np.full(buying.n_buyers, np.nan)
    )
    counts: dict[str, Any] = {"amount_bought": spent, "amount_returned": returned}
    parts = [kept_value]
    if contacts is not None:
        recent = contacts.kept & (contacts.time >= period.start)
        asked = recent & contacts.inbound & ~contacts.kind("usage", "referral")
        rated, n_rated = contacts.mean(contacts.number("satisfaction"), recent)
        answered, n_asked = contacts.mean(contacts.answered, asked)
        hours = contacts.number("response_hours")
        prompt, n_timed = contacts.mean(np.where(np.isnan(hours), np.nan, hours <= PROMPT_HOURS), asked)
        trouble = recent & contacts.kind("complaint", "support_ticket")
        resolved, n_trouble = contacts.mean(contacts.resolved, trouble)
        parts += [rated, answered, prompt, resolved]
        counts |= {
            "n_rated": n_rated.astype(np.int64),
            "mean_satisfaction": rated,
            "n_asked": n_asked.astype(np.int64),
            "n_answered": np.nan_to_num(answered * n_asked).round().astype(np.int64),
            "n_timed": n_timed.astype(np.int64),
            "n_prompt": np.nan_to_num(prompt * n_timed).round().astype(np.int64),
            "n_trouble": n_trouble.astype(np.int64),
            "n_resolved": np.nan_to_num(resolved * n_trouble).round().astype(np.int64),
        }
    return {"service": 100 * mean_of_known(*parts), **counts}


def beyond(buying: Buying, contacts: Contacts | None, period: Period) -> dict[str, Any]:
    """Value and peace of mind beyond the purchase: how much of what the seller starts is not about a sale.

    ``100 * n_beyond / (n_beyond + n_offers)`` over the period's kept contacts started by the seller or
    mutual. Beyond: advice, check-ins, events, feedback asked for, onboarding, training, visits, thanks for
    referrals. Offers: campaigns and renewal talks. Calls, mails and meetings may be either and have no say.

    NaN where there was neither.
    """
    if contacts is None or not contacts.shows_care:
        return {"beyond": np.full(buying.n_buyers, np.nan)}
    started = contacts.kept & (contacts.outbound | contacts.mutual) & (contacts.time >= period.start)
    good = contacts.count(started & contacts.kind(*BEYOND_KINDS))
    offers = contacts.count(started & contacts.kind(*OFFER_KINDS))
    return {
        "beyond": 100 * share(good, good + offers),
        "n_beyond": good.astype(np.int64),
        "n_offers": offers.astype(np.int64),
    }


def two_way(buying: Buying, contacts: Contacts | None, period: Period) -> dict[str, Any]:
    """Communication runs both ways: how evenly the two sides speak.

    ``100 * 2 * min(b, s) / (b + s)``, where ``b`` counts the times the buyer spoke (inbound or mutual
    contacts, and answers to the seller's) and ``s`` the times the seller spoke (outbound or mutual contacts,
    and answers to the buyer's), over the period's kept contacts that neither sell nor bill. 100: as much
    from one side as from the other; 0: a monologue.

    NaN where nobody spoke.
    """
    if contacts is None:
        return {"two_way": np.full(buying.n_buyers, np.nan)}
    recent = contacts.care & (contacts.time >= period.start)
    answered = contacts.answered == 1
    if not (contacts.shows_care or answered.any()):
        return {"two_way": np.full(buying.n_buyers, np.nan)}
    buyer_spoke = contacts.count(
        recent & (contacts.inbound | contacts.mutual | (contacts.outbound & answered))
    )
    seller_spoke = contacts.count(
        recent & (contacts.outbound | contacts.mutual | (contacts.inbound & answered))
    )
    return {
        "two_way": 100 * share(2 * np.minimum(buyer_spoke, seller_spoke), buyer_spoke + seller_spoke),
        "n_buyer_spoke": buyer_spoke.astype(np.int64),
        "n_seller_spoke": seller_spoke.astype(np.int64),
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
    talks = contacts.kept & (contacts.kind("renewal_talk") | contacts.kind("meeting"))
    talked = _any_between(
        buying.contracts.buyer[due], end[due] - RENEWAL_DAYS_AHEAD, end[due] - NOTICE_DAYS, contacts, talks
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


def in_care(histories: Histories, as_of: pd.Timestamp, period_days: int = 90) -> pd.Series[Any]:
    """Whether a buyer could say "I am in their care": a two-way contact within the period, or a contract in
    force.

    Returns
    -------
    Series of float (1, 0, NaN), index ``buyer_id`` of the known buyers
        NaN where no two-way contact was ever recorded of anybody and the buyer never had a contract.
    """
    moment = microseconds(as_of)
    buying, contacts = Buying.known(histories, moment), Contacts.known(histories, moment)
    seen = np.where(np.isnan(buying.bond_day), np.nan, buying.bound.astype(np.float64))
    if contacts is not None:
        recent = contacts.care & (contacts.time >= moment - period_days * MICROSECONDS_A_DAY)
        exchange = contacts.mutual | (contacts.answered == 1) | contacts.kind("feedback", "referral")
        both = (contacts.count(recent & contacts.inbound) > 0) & (
            contacts.count(recent & contacts.outbound) > 0
        )
        tied = (contacts.count(recent & exchange & ~contacts.one_of("status", "scheduled")) > 0) | both
        if contacts.shows_care or (contacts.care & exchange).any():
            seen = np.fmax(seen, tied.astype(np.float64))
    return pd.Series(seen, index=histories.buyer_ids, name="in_care").iloc[known_buyers(histories, as_of)]


def last_owner(histories: Histories, as_of: int) -> pd.Series[Any]:
    """Who looks after each buyer: the ``owner`` of the buyers' table, else of their latest known contact;
    None if unknown.
    """
    owner = pd.Series(
        [None] * len(histories.buyer_ids), index=histories.buyer_ids, dtype=object, name="owner"
    )
    contacts = Contacts.known(histories, as_of)
    if contacts is not None and "owner" in contacts.events.levels:
        codes = contacts.events.columns["owner"]
        rows = codes >= 0
        values = owner.to_numpy(copy=True)
        values[contacts.buyer[rows]] = contacts.events.levels["owner"][codes[rows]]
        owner = pd.Series(values, index=owner.index, dtype=object, name="owner")
    if histories.buyers is not None and "owner" in histories.buyers:
        stated = histories.buyers["owner"].reindex(histories.buyer_ids).astype(object)
        owner = stated.where(stated.notna(), owner)
    return owner.rename("owner")
